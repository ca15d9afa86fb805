//! `use`: whether the part gets what it wants, and is no more than the runbook around it says.

use crate::base::diag::Diagnostic;
use crate::base::nearest::nearest;
use crate::runbook::Runbook;
use crate::runbook::uses::{HOSTS, Use};
use crate::template::Data;

use super::Check;
use super::names::Place;

impl Check<'_> {
    pub(super) fn uses(&self, uses: &Use) {
        // values are those of the run: a part is used once, whatever hosts the step is about
        let once = Place::once();
        for argument in uses.params.values() {
            match &argument.hosts {
                Some(selector) => {
                    if let Some(selectors) = &self.selectors {
                        selectors.check(selector);
                    }
                }
                None => argument.data.texts(&mut |text| self.texts.check(text, &self.known, &once)),
            }
        }
        let Some(book) = &uses.book else { return };
        self.arguments(uses, book);
        let own = self.known.runbook();
        if book.risk.value > own.risk.value && !book.risk.span.is_nowhere() && !own.risk.span.is_nowhere() {
            let message = format!(
                "`{}` is {}, and this runbook only {}",
                book.name.value,
                book.risk.value.word(),
                own.risk.value.word()
            );
            self.diags.push(
                Diagnostic::error("risk", uses.runbook.span, message)
                    .and(own.risk.span, "said here")
                    .help(format!("write `risk: {}`", book.risk.value.word())),
            );
        }
    }

    fn arguments(&self, uses: &Use, book: &Runbook) {
        let broken = |name: &str| book.broken.sections.contains("params") || book.broken.params.contains(name);
        for (name, argument) in &uses.params {
            let Some(param) = book.params.get(name) else {
                if !broken(name) {
                    let near = nearest(name, book.params.keys().map(String::as_str));
                    let known: Vec<&str> = book.params.keys().map(String::as_str).collect();
                    let help = match near {
                        Some(near) => format!("did you mean `{near}`?"),
                        None if known.is_empty() => "it has none".to_owned(),
                        None => format!("its params are: {}", known.join(", ")),
                    };
                    let message = format!("runbook `{}` has no param `{name}`", book.name.value);
                    self.diags.push(Diagnostic::error("unknown-param", argument.name, message).help(help));
                }
                continue;
            };
            if argument.hosts.is_none() && is_literal(&argument.data) {
                param.limits.typed_or_say(&argument.tree, self.diags);
            }
        }
        let takes_hosts = book.targets.contains_key(HOSTS)
            || book.params.get(HOSTS).is_some_and(|param| param.limits.kind.value.is_target());
        if let (Some(at), false) = (uses.hosts, takes_hosts) {
            let message = format!("runbook `{}` has no target `{HOSTS}`", book.name.value);
            let help = "`hosts` of a step that uses a runbook becomes that runbook's target `hosts`; it must declare one under `targets` or `params`";
            self.diags.push(Diagnostic::error("no-target", at, message).and(book.name.span, "this").help(help));
        }
        for (name, param) in &book.params {
            let given = uses.params.contains_key(name) || (name == HOSTS && uses.hosts.is_some());
            // a value of the environment is looked for when the plan is made
            let elsewhere = param.default.is_some() || param.limits.optional || param.is_given_elsewhere();
            if !given && !elsewhere {
                let what = param.description.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
                let message = format!("param `{name}` of `{}` has no value{what}", book.name.value);
                self.diags.push(
                    Diagnostic::error("missing-param", uses.runbook.span, message)
                        .and(param.name.span, "declared here")
                        .help(format!("write `params: {{ {name}: … }}` below `use`")),
                );
            }
        }
    }
}

/// Whether the value is known now.
fn is_literal(data: &Data) -> bool {
    let mut literal = true;
    data.texts(&mut |text| literal &= !text.source().value.contains("{{"));
    literal
}
