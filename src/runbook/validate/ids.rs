//! The ids of steps: their form, and each given once.

use indexmap::IndexMap;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::runbook::Runbook;
use crate::text;

pub(super) fn check(runbook: &Runbook, diags: &Diagnostics) {
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
