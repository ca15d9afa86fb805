//! The ids of steps: their form, and each given once.

use indexmap::IndexMap;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::runbook::{Body, Runbook};
use crate::text;

pub(super) fn check(runbook: &Runbook, diags: &Diagnostics) {
    let targets = runbook.targets.values().map(|target| &target.name);
    let params = runbook.params.values().filter(|param| param.limits.kind.is_target()).map(|param| &param.name);
    let picks = runbook.own_steps().into_iter().flat_map(|step| match &step.body {
        Body::Pick(picks) => picks.iter().map(|pick| &pick.name).collect(),
        _ => Vec::new(),
    });
    for name in targets.chain(params).chain(picks) {
        let meaning = match name.value.as_str() {
            "all" => "every host",
            "controller" => "this machine",
            _ => continue,
        };
        let message = format!("`{}` always means {meaning}", name.value);
        diags.push(Diagnostic::error("reserved-name", name.span, message).help("choose another name"));
    }
    var_circles(runbook, diags);

    let mut first: IndexMap<&str, Span> = IndexMap::new();
    for step in runbook.own_steps() {
        let id = &step.id;
        if !text::is_kebab(&id.value) {
            diags.push(
                Diagnostic::error("case", id.span, format!("`{}` is a step id, so it is kebab-case", id.value))
                    .maybe_help(
                        Some(text::slug(&id.value)).filter(|id| !id.is_empty()).map(|id| format!("write `{id}`")),
                    ),
            );
        }
        if let Some(earlier) = first.get(id.value.as_str()) {
            diags.push(
                Diagnostic::error("same-id", id.span, format!("two steps have the id `{}`", id.value))
                    .label("the second")
                    .and(*earlier, "the first")
                    .help("ids name outputs and kept results, so each is given once"),
            );
        }
        first.entry(&id.value).or_insert(id.span);
    }
}

/// Defaults of vars that are made of each other: none of them would ever have a value.
fn var_circles(runbook: &Runbook, diags: &Diagnostics) {
    let reads = |name: &str| {
        let mut names = Vec::new();
        if let Some(var) = runbook.vars.get(name) {
            var.texts(&mut |text| {
                let vars = text.references().iter().filter_map(|reference| match reference.path.as_slice() {
                    [root, name, ..] if root == "vars" => Some(name.clone()),
                    _ => None,
                });
                names.extend(vars);
            });
        }
        names
    };
    for (name, var) in &runbook.vars {
        let mut seen: Vec<String> = reads(name);
        let mut at = 0;
        while let Some(next) = seen.get(at).cloned() {
            seen.extend(reads(&next).into_iter().filter(|name| !seen.contains(name)).collect::<Vec<_>>());
            at += 1;
        }
        if seen.contains(name) {
            let message = format!("the default of `{name}` is made of itself");
            diags.push(
                Diagnostic::error("var-circle", var.name.span, message)
                    .help("give one of the circle a value of its own"),
            );
        }
    }
}
