//! Guards around a step: where they may stand, and which steps `still` may name.

use crate::base::diag::Diagnostic;
use crate::base::nearest::nearest;
use crate::runbook::gate::{Gate, Wants};
use crate::runbook::{Body, Runbook, Step};

use super::Check;

impl Check<'_> {
    /// Guards are asked around what changes something.
    pub(super) fn around(&self, step: &Step) {
        let written = [
            ("done_when", step.done_when.is_empty(), "a step that is not always wanted has `when`"),
            ("still", step.still.is_empty(), "ask again with a `require` step before it"),
            ("verify", step.verify.is_empty(), "ask with a `require` step after it"),
        ];
        for (key, _, help) in written.into_iter().filter(|(_, empty, _)| !empty) {
            let body = step.body.key();
            match &step.body {
                Body::Action(_) | Body::Gate(Gate { wants: Wants::Deed, .. }) | Body::Group(_) | Body::Use(_) => {}
                _ => {
                    let message = format!("`{key}` is around what changes something, and `{body}` changes nothing");
                    self.diags.push(Diagnostic::error("around-nothing", step.id.span, message).help(help));
                }
            }
        }
    }

    pub(super) fn still(&self, runbook: &Runbook, step: &Step) {
        for id in &step.still {
            match self.known.judging(&id.value) {
                Some(true) => {}
                Some(false) => self.diags.push(
                    Diagnostic::error("still-no-guard", id.span, format!("step `{}` asks no guards", id.value))
                        .help("`still` names steps with `symptom` or `require`"),
                ),
                None if runbook.step(&id.value).is_some() => self.diags.push(
                    Diagnostic::error("later-step", id.span, format!("step `{}` has not run yet here", id.value))
                        .help("`still` asks again what was asked before"),
                ),
                None => {
                    let near = nearest(&id.value, self.known.judges());
                    self.diags.push(
                        Diagnostic::error("unknown-step", id.span, format!("there is no earlier step `{}`", id.value))
                            .maybe_help(near.map(|near| format!("did you mean `{near}`?"))),
                    );
                }
            }
        }
    }
}
