//! From what was stored of a plan to the plan itself: a run that goes on works on what was fixed when it began, not on
//! what the files say now.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::digest::Digest;
use crate::base::span::{Sources, Span};
use crate::inventory::{Host, HostName, Inventory};
use crate::runbook::{self, Runbook};
use crate::template::Value;
use crate::text::{Node, Sp, Tree};

use super::stored::VERSION;
use super::{Given, Plan, Stored};

/// Reads a stored plan back. Secrets are not kept, so they are given again. `None` when a mistake was recorded.
pub fn restore(
    bytes: &[u8],
    digest: Digest,
    given: &Given<'_>,
    sources: &mut Sources,
    diags: &Diagnostics,
) -> Option<Plan> {
    let stored: Stored = match serde_json::from_slice(bytes) {
        Ok(stored) => stored,
        Err(error) => {
            let message = format!("the stored plan cannot be read: {error}");
            diags.push(Diagnostic::placeless("stored-plan", message).help(OTHER_VERSION));
            return None;
        }
    };
    if stored.version != VERSION {
        let message = format!("the stored plan has form {}, and this version knows {VERSION}", stored.version);
        diags.push(Diagnostic::placeless("stored-plan", message).help(OTHER_VERSION));
        return None;
    }
    let source = sources.add(format!("{} (as stored with the run)", stored.runbook), stored.text.as_str());
    let runbook = runbook::parse(source, sources, diags)?;
    let at = Span::new(source, 0..0);
    let hosts = stored.hosts.iter().map(|(name, host)| Host {
        name: HostName::from(name.as_str()),
        span: at,
        address: host.address.clone(),
        user: host.user.clone(),
        port: host.port,
        connect: host.connect.clone(),
        groups: host.groups.clone(),
        vars: host.vars.iter().map(|(name, value)| (name.clone(), tree(value, at))).collect(),
    });
    let inventory = Inventory::of_hosts(&stored.inventory, hosts.collect());
    let params = params(&runbook, &stored, given, diags);
    if diags.has_errors() {
        return None;
    }
    let names = |hosts: &Vec<String>| hosts.iter().map(|host| HostName::from(host.as_str())).collect();
    Some(Plan {
        runbook,
        inventory,
        params,
        targets: stored.targets.iter().map(|(name, hosts)| (name.clone(), names(hosts))).collect(),
        templates: stored.templates.iter().map(|(name, text)| (name.clone(), Arc::from(text.as_str()))).collect(),
        stored: bytes.to_vec(),
        digest,
    })
}

const OTHER_VERSION: &str = "go on with the version of refloat that made the run; `refloat report` names it";

fn params(runbook: &Runbook, stored: &Stored, given: &Given<'_>, diags: &Diagnostics) -> IndexMap<String, Value> {
    let mut params = IndexMap::new();
    for (name, param) in &runbook.params {
        let Some(kept) = stored.params.get(name) else { continue };
        let value = if param.limits.kind.value == runbook::Kind::Secret {
            let from_env = || param.env.as_ref().and_then(|variable| (given.env)(variable));
            match given.params.iter().rev().find(|(of, _)| of == name).map(|(_, text)| text.clone()).or_else(from_env) {
                Some(text) => Value::str(text),
                None => {
                    let message = format!("the secret `{name}` is not kept with the run");
                    let help = match &param.env {
                        Some(variable) => format!("give it again: -p {name}=…, or set {variable}"),
                        None => format!("give it again: -p {name}=…"),
                    };
                    diags.push(Diagnostic::error("missing-param", param.name.span, message).help(help));
                    continue;
                }
            }
        } else {
            Value::from_json(kept)
        };
        match param.limits.typed(&value) {
            Ok(value) => {
                params.insert(name.clone(), value);
            }
            Err(why) => diags.push(Diagnostic::error("wrong-value", param.name.span, why)),
        }
    }
    params
}

/// A stored value as the inventory had it. Numbers keep their kind.
fn tree(json: &serde_json::Value, at: Span) -> Tree {
    use serde_json::Value as Json;
    let node = match json {
        Json::Null => Node::Null,
        Json::Bool(bool) => Node::Bool(*bool),
        Json::Number(number) => match number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from)) {
            Some(int) => Node::Int(int),
            None => Node::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Node::Str(text.clone()),
        Json::Array(items) => Node::List(items.iter().map(|item| tree(item, at)).collect()),
        Json::Object(map) => {
            Node::Map(map.iter().map(|(name, value)| (Sp::new(name.clone(), at), tree(value, at))).collect())
        }
    };
    Tree::new(node, at)
}
