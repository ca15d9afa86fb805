//! The steps of a runbook in words.

use serde::Serialize;

use crate::action::written;
use crate::runbook::{Body, OnFailure, Pattern, Reach, Runbook, Step, Sudo, Undo, Watch};

use super::super::blast::may_change;
use super::super::cast::Cast;
use super::super::how::how;
use super::body;

/// A step in words.
#[derive(Clone, Debug, Serialize)]
pub struct PortraitStep {
    /// Its number: `3.1` is the first of the third.
    pub number: String,
    /// Its path.
    pub step: String,
    /// What to call it.
    pub title: String,
    /// Why it is there.
    pub why: Option<String>,
    /// What it does, line by line.
    pub lines: Vec<Line>,
}

/// A line of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Line {
    /// A sentence.
    Say(String),
    /// One of several things that the sentence before speaks of.
    Point(String),
    /// A text as it is: a command, a content, a question.
    Text(String),
}

/// All steps, groups before their members and those of parts with them.
pub(super) fn all<'a>(book: &'a Runbook, cast: &mut dyn Cast<'a>) -> Vec<PortraitStep> {
    let mut all = Vec::new();
    walk(&book.steps, ("", None), 0, cast, &mut all);
    all
}

/// `around`: the number of what holds these steps, and the group that it is. `before`: how many of it were numbered
/// before.
fn walk<'a>(
    steps: &'a [Step],
    around: (&str, Option<&Step>),
    before: usize,
    cast: &mut dyn Cast<'a>,
    into: &mut Vec<PortraitStep>,
) {
    let (outer, group) = around;
    for (at, step) in (before + 1..).zip(steps) {
        let number = if outer.is_empty() { at.to_string() } else { format!("{outer}.{at}") };
        into.push(PortraitStep {
            number: number.clone(),
            step: step.path.clone(),
            title: step.heading().to_owned(),
            why: step.why.clone(),
            lines: lines(step, group, cast),
        });
        let mut inside = 0;
        match &step.body {
            Body::Group(members) => {
                walk(members, (&number, Some(step)), 0, cast, into);
                inside = members.len();
            }
            Body::Use(uses) => {
                cast.enter(step, uses);
                walk(uses.steps(), (&number, None), 0, cast, into);
                cast.leave();
            }
            _ => {}
        }
        let first = into.len();
        walk(&step.flow.always, (&number, Some(step)), inside, cast, into);
        if let Some(step) = into.get_mut(first) {
            step.lines.insert(0, Line::Say("Done in any case, also when something before it failed.".to_owned()));
        }
    }
}

fn lines(step: &Step, group: Option<&Step>, cast: &dyn Cast<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    lines.extend(place(step, cast).map(Line::Say));
    if let Some(each) = &step.flow.for_each {
        lines.push(Line::Say(format!("Done for each item of `{}`, in order.", each.words())));
    }
    let when: Vec<String> = step.when.iter().map(|when| format!("`{}`", when.words())).collect();
    if !when.is_empty() {
        lines.push(Line::Say(format!("Only where {}.", when.join(" and "))));
    }
    body::guards(
        "Nothing is done where this is so already, and it must be so afterwards:",
        &step.done_when,
        &mut lines,
    );
    if !step.still.is_empty() {
        let ids: Vec<&str> = step.still.iter().map(|id| id.value.as_str()).collect();
        lines.push(Line::Say(format!("Immediately before, this is asked again: {}.", ids.join(", "))));
    }
    body::lines(step, cast, &mut lines);
    if let Some(watch) = &step.watch {
        watched(watch, cast, &mut lines);
    }
    body::guards("Afterwards this must be so:", &step.verify, &mut lines);
    let count = step.hosts.as_ref().and_then(|hosts| cast.hosts(hosts)).map_or(0, |hosts| hosts.len());
    let how = how(step, count, &|run_on| cast.whom(run_on));
    if !how.is_empty() {
        lines.push(Line::Say(format!("It {}.", sentence(&how))));
    }
    lines.extend(ends(step, group).map(|words| Line::Say(words.to_owned())));
    undone(step, &mut lines);
    lines
}

/// How it goes over its hosts, as the end of a sentence.
fn sentence(how: &[String]) -> String {
    let words = how.join(", ");
    if words.starts_with("runs on") { words } else { format!("goes over its hosts: {words}") }
}

/// Whom it is about, and as which user.
fn place(step: &Step, cast: &dyn Cast<'_>) -> Option<String> {
    let hosts = step.hosts.as_ref()?;
    let user = match &step.surroundings.sudo {
        Some(Sudo::User(user)) => format!(", as the user {}", user.source().value),
        Some(Sudo::No) | None => String::new(),
    };
    Some(format!("On {}{user}.", cast.whom(hosts)))
}

fn watched(watch: &Watch, cast: &dyn Cast<'_>, lines: &mut Vec<Line>) {
    let said = |pattern: &Pattern| match pattern {
        Pattern::Line(text) => written(text),
        Pattern::Matches(text) => format!("something that matches {}", written(text)),
    };
    let hosts = watch.hosts.as_ref().map(|hosts| format!(" of {}", cast.whom(hosts))).unwrap_or_default();
    let since = watch.since.as_ref().map(|since| format!(", since `{}` began", since.value)).unwrap_or_default();
    let within = crate::action::seconds(watch.within);
    let stays = || format!(", and it must stay so for {}", crate::action::seconds(watch.settle));
    let settle = if watch.settle.is_zero() { String::new() } else { stays() };
    let log = written(&watch.log);
    if !watch.expect.is_empty() {
        lines.push(Line::Say(format!("Within {within} the log {log}{hosts} must say{since}{settle}:")));
    }
    for entry in &watch.expect {
        let amount = entry.amount.as_ref().map_or_else(|| "on every host".to_owned(), |n| format!("on {n} of them"));
        let revoked = entry.revoked_by.as_ref().map(|text| format!(", unless {} follows", written(text)));
        let past = if entry.no_return { "; from then on nothing is undone" } else { "" };
        lines.push(Line::Point(format!("{}, {amount}{}{past}", said(&entry.pattern), revoked.unwrap_or_default())));
    }
    if !watch.never.is_empty() {
        lines.push(Line::Say(format!("The log {log}{hosts} must not say{since}:")));
    }
    lines.extend(watch.never.iter().map(|entry| Line::Point(said(&entry.pattern))));
}

/// What an unreachable host, a failure and a secret output mean; what its group says already is not said again.
fn ends(step: &Step, group: Option<&Step>) -> impl Iterator<Item = &'static str> {
    let reach = match step.reach {
        reach if group.is_some_and(|group| group.reach == reach) => None,
        Reach::Required => None,
        Reach::BestEffort => Some("A host that cannot be reached is left out."),
        Reach::Later => Some("For a host that cannot be reached it becomes a duty, to be done when the host is back."),
    };
    let failure = match step.on_failure.as_ref().map(|on_failure| on_failure.value) {
        None | Some(OnFailure::Stop) => None,
        Some(OnFailure::Continue) => Some("A failure here does not stop the run."),
        Some(OnFailure::Undo) => Some("When this fails it is undone, newest first."),
        Some(OnFailure::Ask) => Some("When this fails a person is asked what to do."),
    };
    let hidden = step.sensitive.then_some("Its output is neither shown nor kept.");
    reach.into_iter().chain(failure).chain(hidden)
}

/// How it can be undone.
fn undone(step: &Step, lines: &mut Vec<Line>) {
    if !may_change(step) {
        return;
    }
    match &step.undo {
        Undo::List(entries) => {
            lines.push(Line::Say("It is undone so:".to_owned()));
            for entry in entries {
                body::deed(entry, lines);
            }
        }
        _ if super::can_be_undone(step) => {
            lines.push(Line::Say("It can be undone: what was there before is kept, and put back.".to_owned()));
        }
        _ => lines.push(Line::Say("It cannot be undone.".to_owned())),
    }
}
