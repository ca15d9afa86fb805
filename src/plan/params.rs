//! The values of params: from the command line, else the environment, else the default.

use indexmap::IndexMap;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::nearest::nearest;
use crate::base::span::{Sources, Span};
use crate::inventory::{HostName, Inventory, Name, Names, Selector};
use crate::runbook::{Param, Runbook};
use crate::template::Value;
use crate::text::{Node, Tree};

use super::Given;
use super::elsewhere::elsewhere;

/// What was resolved.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub(super) params: IndexMap<String, Value>,
    pub(super) targets: IndexMap<String, Vec<HostName>>,
}

/// What somebody gave for a param, and where its name stands.
pub(super) struct GivenValue {
    value: Tree,
    name: Span,
    /// How it is given: for help.
    how: fn(&str) -> String,
}

fn option(name: &str) -> String {
    format!("`-p {name}=…`")
}

fn entry(name: &str) -> String {
    format!("`{name}`")
}

/// Gives each text of the command line a place, so that a diagnostic can point into it.
pub(super) fn place(given: &Given<'_>, sources: &mut Sources) -> IndexMap<String, GivenValue> {
    let written =
        given.written.iter().flat_map(|(params, _)| *params).map(|(name, value)| {
            (name.value.clone(), GivenValue { value: value.clone(), name: name.span, how: entry })
        });
    let mut all: IndexMap<String, GivenValue> = written.collect();
    for (name, text) in given.params {
        let source = sources.add(format!("-p {name}"), text.as_str());
        let span = Span::new(source, 0..text.len());
        let value = Tree::new(Node::Str(text.clone()), span);
        all.insert(name.clone(), GivenValue { value, name: span, how: option });
    }
    all
}

pub(super) fn resolve(
    runbook: &Runbook,
    inventory: &Inventory,
    values: &IndexMap<String, GivenValue>,
    given: &Given<'_>,
    diags: &Diagnostics,
) -> Resolved {
    for (name, value) in values {
        if !runbook.params.contains_key(name) {
            let near = nearest(name, runbook.params.keys().map(String::as_str));
            let known: Vec<&str> = runbook.params.keys().map(String::as_str).collect();
            let help = near.map_or_else(
                || format!("its params are: {}", known.join(", ")),
                |near| format!("did you mean {}?", (value.how)(near)),
            );
            let message = format!("runbook `{}` has no param `{name}`", runbook.name.value);
            diags.push(Diagnostic::error("unknown-param", value.name, message).help(help));
        }
    }
    let mut resolved = Resolved::default();
    for (name, param) in &runbook.params {
        let written = values.get(name).map(|given| given.value.clone());
        if written.is_none()
            && !param.limits.kind.is_target()
            && let Some(value) = elsewhere(param, given, diags)
        {
            resolved.params.insert(name.clone(), value);
            continue;
        }
        let from_env = || {
            let text = (given.env)(param.env.as_ref()?).filter(|text| !text.is_empty())?;
            Some(Tree::new(Node::Str(text), param.name.span))
        };
        let tree = match (written.or_else(from_env), &param.default) {
            (Some(tree), _) => tree,
            (None, Some(default)) => default.clone(),
            (None, None) if param.limits.optional => {
                resolved.params.insert(name.clone(), Value::Null);
                continue;
            }
            (None, None) => {
                diags.push(missing(param, given));
                continue;
            }
        };
        if param.limits.kind.is_target() {
            if let Some(hosts) = hosts_of(param, &tree, inventory, &resolved, diags) {
                resolved.targets.insert(name.clone(), hosts);
            }
        } else if let Some(value) = param.limits.typed_or_say(&tree, diags) {
            resolved.params.insert(name.clone(), value);
        }
    }
    for (name, target) in &runbook.targets {
        let names = Static { inventory, targets: &resolved.targets };
        match target.selector.resolve(&names) {
            Ok(hosts) => {
                resolved.targets.insert(name.clone(), hosts);
            }
            Err(diagnostic) => diags.push(diagnostic),
        }
    }
    resolved
}

fn missing(param: &Param, given: &Given<'_>) -> Diagnostic {
    let what = param.description.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
    let message = format!("param `{}` has no value{what}", param.name.value);
    if let Some((_, place)) = given.written {
        return Diagnostic::error("missing-param", place, message).help("write it below `params:`");
    }
    let mut help = format!("give it: -p {}={}", param.name.value, param.example.as_deref().unwrap_or("…"));
    if let Some(variable) = &param.env {
        help = format!("{help}, or set {variable}");
    }
    Diagnostic::error("missing-param", param.name.span, message).help(help)
}

fn hosts_of(
    param: &Param,
    tree: &Tree,
    inventory: &Inventory,
    resolved: &Resolved,
    diags: &Diagnostics,
) -> Option<Vec<HostName>> {
    let names = Static { inventory, targets: &resolved.targets };
    let text = match &tree.value {
        // what the shell hands over may list names with commas, as people do
        Node::Str(text) if text.contains(',') => {
            // a given text is a source of its own, so each part has its place
            let exact = (tree.span.end - tree.span.start) as usize == text.len();
            let mut at = tree.span.start as usize;
            let mut parts = Vec::new();
            for part in text.split(',') {
                let start = at + part.len() - part.trim_start().len();
                let end = start + part.trim().len();
                let span = if exact { Span::new(tree.span.source, start..end) } else { tree.span };
                parts.push(Tree::new(Node::Str(part.trim().to_owned()), span));
                at += part.len() + 1;
            }
            Tree::new(Node::List(parts), tree.span)
        }
        _ => tree.clone(),
    };
    let selector = Selector::decode(&text, diags)?;
    let hosts = match selector.resolve(&names) {
        Ok(hosts) => hosts,
        Err(diagnostic) => {
            diags.push(diagnostic);
            return None;
        }
    };
    let wrong = |message: String| {
        diags.push(Diagnostic::error("wrong-hosts", tree.span, message).and(param.name.span, "declared here"));
    };
    if let Some(of) = &param.of {
        match of.resolve(&names) {
            Ok(allowed) => {
                let strangers: Vec<&str> =
                    hosts.iter().filter(|h| !allowed.contains(h)).map(HostName::as_str).collect();
                if !strangers.is_empty() {
                    wrong(format!(
                        "{} is not among the hosts that `{}` may name",
                        strangers.join(", "),
                        param.name.value
                    ));
                    return None;
                }
            }
            Err(diagnostic) => {
                diags.push(diagnostic);
                return None;
            }
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "an inventory has far fewer hosts than 2^52")]
    let count = hosts.len() as f64;
    if param.limits.kind.value == crate::runbook::Kind::Host && hosts.len() != 1 {
        wrong(format!("`{}` is one host, and these are {}", param.name.value, hosts.len()));
        return None;
    }
    if param.limits.min.is_some_and(|min| count < min) || param.limits.max.is_some_and(|max| count > max) {
        wrong(format!("`{}` cannot be {} hosts", param.name.value, hosts.len()));
        return None;
    }
    Some(hosts)
}

/// Names before anything was picked.
pub(super) struct Static<'a> {
    pub(super) inventory: &'a Inventory,
    pub(super) targets: &'a IndexMap<String, Vec<HostName>>,
}

impl Names for Static<'_> {
    fn look_up(&self, name: &str) -> Vec<Name> {
        let target = self.targets.get(name).map(|hosts| Name { kind: "target", hosts: hosts.clone() });
        target.into_iter().chain(self.inventory.look_up(name)).collect()
    }

    fn known(&self) -> Vec<String> {
        self.targets.keys().cloned().chain(self.inventory.known()).collect()
    }

    fn all_hosts(&self) -> Vec<HostName> {
        self.inventory.all_hosts()
    }
}

/// Checks the inventory's values of declared vars, for the hosts that a plan may touch.
pub(super) fn check_vars(runbook: &Runbook, inventory: &Inventory, hosts: &[HostName], diags: &Diagnostics) {
    for host in hosts.iter().filter_map(|name| inventory.host(name)) {
        for (name, tree) in &host.vars {
            if let Some(var) = runbook.vars.get(name) {
                var.limits.typed_or_say(tree, diags);
            }
        }
    }
}
