//! Which fields mean something beside what a step does. One that means nothing there is refused, with what to write
//! instead: an author who wrote it relies on it.

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::text::{self, Tree};

use super::model::{Body, Step, Undo};

/// Records the fields of a step that mean nothing for what it does.
pub(super) fn check(step: &Step, tree: &Tree, diags: &Diagnostics) {
    // what it does could not be understood
    if matches!(&step.body, Body::Group(members) if members.is_empty()) {
        return;
    }
    for (key, fits, help) in fields(step) {
        if let (false, Some(span)) = (fits, text::key_span(tree, key)) {
            refuse(step, key, span, help, diags);
        }
    }
    if let Some(part) = part_in(step) {
        for key in ["sudo", "env", "cwd", "timeout", "idle_timeout", "run_on"] {
            if let Some(span) = text::key_span(tree, key) {
                diags.push(
                    Diagnostic::warning(
                        "not-passed-on",
                        span,
                        format!("`{key}` does not reach into `{}`", part.id.value),
                    )
                    .label("it is for the other steps of the group")
                    .and(part.id.span, "a part has surroundings of its own")
                    .help("write it in the runbook that is used (`defaults` is for all of its steps)"),
                );
            }
        }
    }
}

/// The first part among the steps of a group.
fn part_in(step: &Step) -> Option<&Step> {
    let Body::Group(members) = &step.body else { return None };
    members.iter().find_map(|member| if matches!(member.body, Body::Use(_)) { Some(member) } else { part_in(member) })
}

fn refuse(step: &Step, key: &str, span: Span, help: Option<&str>, diags: &Diagnostics) {
    let body = step.body.key();
    let (why, instead) = match &step.body {
        Body::Use(_) => (
            "a part has surroundings of its own, and is done once for all of its hosts",
            "write it in the runbook that is used (`defaults` is for all of its steps)",
        ),
        Body::Group(_) => ("it is of one step", "write it on the steps of the group"),
        _ => ("it means nothing there", "remove it"),
    };
    let message = format!("`{key}` beside `{body}`: {why}");
    diags.push(Diagnostic::error("not-on-this", span, message).help(help.unwrap_or(instead)));
}

/// Each field, whether it means something here, and what to write instead where there is more to say.
fn fields(step: &Step) -> Vec<(&'static str, bool, Option<&'static str>)> {
    let body = &step.body;
    let action = matches!(body, Body::Action(_));
    let group = matches!(body, Body::Group(_));
    let part = matches!(body, Body::Use(_));
    let asks = matches!(body, Body::Gather(_) | Body::Judge(..) | Body::Wait(_) | Body::Watch);
    let gate = matches!(body, Body::Gate(_));
    let around = !step.done_when.is_empty() || !step.verify.is_empty();
    let surrounded = action || asks || group || (gate && around);
    let goes_over_hosts = action || matches!(body, Body::Gather(_) | Body::Judge(..) | Body::Wait(_)) || group;
    let in_group = |what: &'static str| part.then_some(what);
    vec![
        ("sudo", surrounded, None),
        ("env", surrounded, None),
        ("cwd", surrounded, None),
        ("timeout", action || gate || group, time(body)),
        (
            "idle_timeout",
            (action && body.key() == "run") || group,
            Some("it is of the command of `run`; `timeout` is of every action"),
        ),
        ("parse", action && ["run", "http"].contains(&body.key()), Some(parse(body))),
        ("outputs", action, outputs(body)),
        ("undo", action || (group && matches!(step.undo, Undo::Auto)), None),
        ("sensitive", !group && !part, None),
        (
            "reach",
            action || asks || group || gate,
            in_group("write it on a group around this step, which has `hosts:`"),
        ),
        ("run_on", goes_over_hosts, None),
        ("rolling", goes_over_hosts, in_group("make a group of it, with `hosts:` and `rolling:`, and this step in it")),
        ("parallel", goes_over_hosts, None),
        (
            "tolerate",
            goes_over_hosts,
            in_group("make a group of it, with `hosts:` and `tolerate:`, and this step in it"),
        ),
        (
            "for_each",
            !part && !matches!(body, Body::Pick(_)),
            Some(if part {
                "give the list to the part, as a param of type list, and go over it there"
            } else {
                "a target is chosen once; remove it"
            }),
        ),
    ]
}

fn time(body: &Body) -> Option<&'static str> {
    match body {
        Body::Gather(_) | Body::Judge(..) => Some("a probe has a `timeout` of its own"),
        Body::Wait(_) => Some("write `within` in `wait`, and `timeout` in its probes"),
        Body::Watch => Some("write `within` in `watch`"),
        _ => None,
    }
}

fn parse(body: &Body) -> &'static str {
    match body {
        Body::Gather(_) | Body::Judge(..) | Body::Wait(_) => "write it in the probe",
        _ => "it is of what `run` prints and `http` is answered; remove it",
    }
}

fn outputs(body: &Body) -> Option<&'static str> {
    match body {
        Body::Gather(_) => Some("what it finds has names already; `value` in the probe says what is kept"),
        Body::Use(_) => Some("the runbook that is used says what it gives, in its own `outputs`"),
        Body::Judge(..) | Body::Wait(_) => Some("keep values by a `gather` step"),
        _ => None,
    }
}
