//! Values that nobody gives by hand: from the environment, from files and programs of the controller, and those that a
//! part has by itself.

use indexmap::IndexMap;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::runbook::{Kind, Limits, Param, Runbook, SecretFrom, Var};
use crate::template::Value;
use crate::text::{Node, Sp, Tree};

use super::Given;

/// The values of the params of parts that whoever uses them does not give.
pub(super) fn of_parts(
    runbook: &Runbook,
    given: &Given<'_>,
    diags: &Diagnostics,
) -> IndexMap<String, IndexMap<String, Value>> {
    let mut parts = IndexMap::new();
    for (step, uses, book) in runbook.parts() {
        let mut values = IndexMap::new();
        let open = |(name, param): &(&String, &Param)| {
            !param.limits.kind.value.is_target() && !uses.params.contains_key(*name)
        };
        for (name, param) in book.params.iter().filter(open) {
            let default = || param.limits.typed_or_say(param.default.as_ref()?, diags);
            match elsewhere(param, given, diags).or_else(default) {
                Some(value) => drop(values.insert(name.clone(), value)),
                None if param.default.is_some() => {}
                None if param.limits.optional => drop(values.insert(name.clone(), Value::Null)),
                None => {
                    let message = format!("param `{name}` of `{}` has no value", book.name.value);
                    let mut help = format!("write `params: {{ {name}: … }}` below `use`");
                    if let Some(variable) = &param.env {
                        help = format!("{help}, or set {variable}");
                    }
                    diags.push(
                        Diagnostic::error("missing-param", uses.runbook.span, message)
                            .and(param.name.span, "declared here")
                            .help(help),
                    );
                }
            }
        }
        parts.insert(step.path.clone(), values);
    }
    parts
}

/// The value that the surroundings of this program give.
pub(super) fn elsewhere(param: &Param, given: &Given<'_>, diags: &Diagnostics) -> Option<Value> {
    let from_env = || (given.env)(param.env.as_ref()?).filter(|text| !text.is_empty());
    match from_env() {
        // one that is set and empty gives nothing, as most programs have it
        Some(text) => Some(said(text, &param.limits, &param.name, diags)),
        None => secret(param.from.as_ref()?, &param.limits, &param.name, given, diags),
    }
}

/// A secret from where it comes. What is not asked now stands for what it would be.
fn secret(
    from: &SecretFrom,
    limits: &Limits,
    name: &Sp<String>,
    given: &Given<'_>,
    diags: &Diagnostics,
) -> Option<Value> {
    let text = match from {
        SecretFrom::Env(variable) => (given.env)(variable).filter(|text| !text.is_empty())?,
        other => match (given.secrets)(other) {
            Ok(Some(text)) => text,
            Ok(None) => return Some(Value::secret("not asked before the run".to_owned())),
            Err(why) => {
                let message = format!("the secret `{}` cannot be had: {why}", name.value);
                diags.push(Diagnostic::error("no-secret", name.span, message));
                // it is said
                return Some(Value::Null);
            }
        },
    };
    Some(said(text, limits, name, diags))
}

/// What was given as text; of what was wrong with it everything is said.
fn said(text: String, limits: &Limits, name: &Sp<String>, diags: &Diagnostics) -> Value {
    limits.typed_or_say(&Tree::new(Node::Str(text), name.span), diags).unwrap_or(Value::Null)
}

/// The vars of a runbook that come from elsewhere, for hosts of which the inventory says nothing. `secrets`: only those,
/// since the others are kept with a run.
pub(super) fn of_vars(book: &Runbook, secrets: bool, given: &Given<'_>, diags: &Diagnostics) -> Vec<(VarName, Value)> {
    let from = |(name, var): (&String, &Var)| {
        let text = (given.env)(var.env.as_deref().unwrap_or_default()).filter(|text| !text.is_empty());
        let value = match text.filter(|_| var.env.is_some()) {
            Some(text) => said(text, &var.limits, &var.name, diags),
            None => secret(var.from.as_ref()?, &var.limits, &var.name, given, diags)?,
        };
        Some(((book.name.value.clone(), name.clone()), value))
    };
    let wanted = |(_, var): &(&String, &Var)| !secrets || var.limits.kind.value == Kind::Secret;
    book.vars.iter().filter(wanted).filter_map(from).collect()
}

/// The name of a runbook, and that of a var in it.
pub(super) type VarName = (String, String);
