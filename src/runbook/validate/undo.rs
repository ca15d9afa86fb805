//! What `risk`, `undo` and `on_failure: undo` promise must be possible.

use crate::action::Effect;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::runbook::{Body, OnFailure, Risk, Runbook, Step, Undo, Use};

/// Checks all steps; `scope` is what asks for undo, from the outside in.
pub(super) fn check(runbook: &Runbook, diags: &Diagnostics) {
    if runbook.risk.value == Risk::ReadOnly {
        changes_nothing(runbook, diags);
    }
    let whole = (runbook.on_failure == OnFailure::Undo).then_some(runbook.name.span);
    for step in &runbook.steps {
        check_step(step, whole, runbook, diags);
    }
}

fn changes_nothing(runbook: &Runbook, diags: &Diagnostics) {
    for step in runbook.own_steps() {
        if let Body::Action(action) = &step.body
            && action.effect() != Effect::Reads
        {
            diags.push(
                Diagnostic::error("risk", step.id.span, format!("`{}` may change a host", action.key()))
                    .and(runbook.risk.span, "and the runbook says that it only reads")
                    .help("write `risk: reversible` or `risk: destructive`"),
            );
        }
    }
}

fn check_step(step: &Step, scope: Option<Span>, runbook: &Runbook, diags: &Diagnostics) {
    let own = step.on_failure.as_ref().filter(|on_failure| on_failure.value == OnFailure::Undo);
    let scope = own.map(|own| own.span).or(scope);
    // what always runs is not a part of what is put back
    step.flow.always.iter().for_each(|member| check_step(member, None, runbook, diags));
    match &step.body {
        Body::Group(members) => members.iter().for_each(|member| check_step(member, scope, runbook, diags)),
        Body::Use(Use { book: Some(book), .. }) => {
            book.steps.iter().for_each(|member| check_step(member, scope, book, diags));
        }
        Body::Action(action) if action.effect() != Effect::Reads => match &step.undo {
            Undo::Auto if !action.undoes_itself() => {
                if let Some(scope) = scope.filter(|_| !diags.has_errors_within(step.span)) {
                    let message = format!("`{}` cannot be undone by itself", action.key());
                    diags.push(
                        Diagnostic::error("no-undo", step.id.span, message)
                            .and(scope, "and here its undo is asked for")
                            .help("add `undo:` with a list of actions, or `undo: none` and a `why`"),
                    );
                }
            }
            Undo::None if step.why.is_none() && runbook.risk.value == Risk::Reversible => {
                let message = "the runbook is reversible, and this step says that it is not undone";
                diags.push(
                    Diagnostic::error("undo-why", step.id.span, message)
                        .and(runbook.risk.span, "reversible")
                        .help("say with `why` why that is right"),
                );
            }
            Undo::List(entries) if entries.is_empty() && !diags.has_errors_within(step.span) => {
                diags.push(
                    Diagnostic::error("no-undo", step.id.span, "the list of `undo` is empty")
                        .help("write `undo: none` and a `why` when nothing is to be done"),
                );
            }
            Undo::Auto | Undo::None | Undo::List(_) => {}
        },
        _ => {}
    }
}

impl super::Check<'_> {
    /// What an `undo` list says, in the place of its step.
    pub(super) fn undo_list(&mut self, step: &Step, place: &super::Place) {
        let Undo::List(entries) = &step.undo else { return };
        for body in entries.iter().flat_map(|entry| std::iter::once(&entry.body).chain(&entry.besides)) {
            self.body(body, place);
        }
    }
}
