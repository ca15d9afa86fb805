//! From what was stored of a plan to the plan itself: a run that goes on works on what was fixed when it began, not on
//! what the files say now.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::digest::Digest;
use crate::base::span::{SourceId, Sources, Span};
use crate::inventory::{Host, HostName, Inventory};
use crate::runbook::{self, Runbook};
use crate::template::Value;
use crate::text::{Node, Sp, Tree};

use super::elsewhere::{elsewhere, of_vars};
use super::stored::{StoredHost, VERSION};
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
    let source = sources.add(format!("{} (as it was planned)", stored.runbook), stored.text.as_str());
    let mut runbook = runbook::parse(source, sources, diags)?;
    let mut read: IndexMap<String, SourceId> = IndexMap::new();
    let mut find = |name: &Sp<String>, sources: &mut Sources, _: &Diagnostics| {
        let text = stored.parts.get(&name.value)?;
        let add = || sources.add(format!("{} (as it was planned)", name.value), text.as_str());
        Some(*read.entry(name.value.clone()).or_insert_with(add))
    };
    runbook::link(&mut runbook, &mut find, sources, diags);
    let at = Span::new(source, 0..0);
    let hosts = stored.hosts.iter().map(|(name, host)| Host {
        name: HostName::from(name.as_str()),
        span: at,
        address: host.address.clone(),
        user: host.user.clone(),
        port: host.port,
        connect: host.connect.clone(),
        groups: host.groups.clone(),
        vars: vars(&runbook, name, host, given, at, diags),
    });
    let inventory = Inventory::of_hosts(&stored.inventory, hosts.collect(), &stored.empty);
    let params = params(&runbook, &stored.params, given, diags);
    let part_params = |(path, kept): (&String, _)| {
        let (.., book) = runbook.parts().find(|(step, ..)| step.path == *path)?;
        Some((path.clone(), self::params(book, kept, given, diags)))
    };
    let parts = stored.part_params.iter().filter_map(part_params).collect();
    let kept = stored.vars.iter().flat_map(|(book, vars)| {
        vars.iter().map(|(name, kept)| ((book.clone(), name.clone()), Value::from_json(kept)))
    });
    let vars = kept.chain(runbook.books().flat_map(|book| of_vars(book, true, given, diags))).collect();
    let mut files = IndexMap::new();
    for (name, kept) in &stored.files {
        match kept.bytes() {
            Some(content) => drop(files.insert(name.clone(), Arc::from(content))),
            None => diags.push(Diagnostic::placeless("stored-plan", format!("the stored file `{name}` is torn"))),
        }
    }
    if diags.has_errors() {
        return None;
    }
    let names = |hosts: &Vec<String>| hosts.iter().map(|host| HostName::from(host.as_str())).collect();
    Some(Plan {
        runbook,
        inventory,
        params,
        parts,
        vars,
        targets: stored.targets.iter().map(|(name, hosts)| (name.clone(), names(hosts))).collect(),
        templates: stored.templates.iter().map(|(name, text)| (name.clone(), Arc::from(text.as_str()))).collect(),
        files,
        stored: bytes.to_vec(),
        digest,
    })
}

const OTHER_VERSION: &str = "go on with the version of refloat that made the run; `refloat report` names it";

fn params(
    runbook: &Runbook,
    stored: &BTreeMap<String, serde_json::Value>,
    given: &Given<'_>,
    diags: &Diagnostics,
) -> IndexMap<String, Value> {
    let mut params = IndexMap::new();
    for (name, param) in &runbook.params {
        let Some(kept) = stored.get(name) else { continue };
        // an optional one that nobody gave was kept as null
        let value = if param.limits.kind.value == runbook::Kind::Secret && !kept.is_null() {
            let written = given.params.iter().find(|(of, _)| of == name).map(|(_, text)| Value::str(text.as_str()));
            let Some(value) = written.or_else(|| elsewhere(param, given, diags)) else {
                let message = format!("the secret `{name}` is not kept with the plan");
                let help = match &param.env {
                    Some(variable) => format!("give it again: -p {name}=…, or set {variable}"),
                    None => format!("give it again: -p {name}=…"),
                };
                diags.push(Diagnostic::error("missing-param", param.name.span, message).help(help));
                continue;
            };
            value
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

/// The values of a host; a secret is given again, as `-p HOST/NAME=…`.
fn vars(
    runbook: &Runbook,
    host: &str,
    stored: &StoredHost,
    given: &Given<'_>,
    at: Span,
    diags: &Diagnostics,
) -> IndexMap<String, Tree> {
    let mut vars = IndexMap::new();
    for (name, kept) in &stored.vars {
        let value = if kept.is_null() || runbook.var_is_secret(name) != Some(true) {
            tree(kept, at)
        } else {
            let wanted = format!("{host}/{name}");
            let Some((_, text)) = given.params.iter().find(|(of, _)| *of == wanted) else {
                let message = format!("the secret `{name}` of {host} is not kept with the plan");
                let help = format!("give it again: -p {wanted}=…");
                diags.push(Diagnostic::placeless("missing-param", message).help(help));
                continue;
            };
            Tree::new(Node::Str(text.clone()), at)
        };
        vars.insert(name.clone(), value);
    }
    vars
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::build;
    use crate::runbook::Templates;

    const RUNBOOK: &str = r#"
runbook: test/keep
risk: reversible
params:
  word: { type: string }
  count: { type: int, default: 9007199254740993 }
  token: { type: secret, env: TOKEN }
  spare: { type: secret, env: SPARE, optional: true }
  lost: { type: hosts }
vars: { place: { type: path, default: /tmp }, zone: { type: string, env: ZONE, default: none }, sign: { type: secret, env: SIGN } }
targets: { rest: "servers:!lost" }
steps:
  - id: write
    hosts: servers
    env: { TOKEN: "{{params.token}}" }
    run: echo {{params.word}} >{{vars.place}}/x
"#;
    const INVENTORY: &str = r#"
inventory: here
connect: { user: ops, port: 2222, ssh_config: config }
hosts: { b-10: { address: 10.0.0.1 }, b-9: { address: 10.0.0.2, vars: { place: /srv, password: h1dden } }, other: }
groups: { servers: { hosts: "b-*" }, all_of_them: { children: servers } }
"#;

    fn planned() -> Plan {
        let (mut sources, diags) = (Sources::default(), Diagnostics::new());
        let source = sources.add("keep.yaml", RUNBOOK);
        let runbook = runbook::parse(source, &sources, &diags).expect("a runbook");
        let inventory = sources.add("inventory.yaml", INVENTORY);
        let inventory = Inventory::from_sources(&[(inventory, "/etc/ssh".into())], &sources, &diags).expect("one");
        let params = [("word", "a b"), ("lost", "b-9"), ("token", "s3cret")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        let env =
            |name: &str| Some(name).filter(|name| ["ZONE", "SIGN"].contains(name)).map(|name| format!("{name}-1"));
        let given = Given { params: &params, written: None, env: &env, secrets: &|_| Ok(None) };
        build(runbook, inventory, &Templates::new(), &given, &mut sources, &diags).unwrap_or_else(|| {
            panic!("{:?}", diags.into_sorted());
        })
    }

    fn again(bytes: &[u8], env: &dyn Fn(&str) -> Option<String>) -> Result<Plan, Vec<Diagnostic>> {
        let (mut sources, diags) = (Sources::default(), Diagnostics::new());
        let given = Given { params: &[], written: None, env, secrets: &|_| Ok(None) };
        let plan = restore(bytes, Digest::of("plan"), &given, &mut sources, &diags);
        plan.ok_or_else(|| diags.into_sorted())
    }

    #[test]
    fn what_was_fixed_comes_back_and_a_secret_is_asked_for_again() {
        let plan = planned();
        for hidden in ["s3cret", "h1dden", "password", "SIGN-1"] {
            assert!(!String::from_utf8_lossy(&plan.stored).contains(hidden), "{hidden}");
        }
        // what was not given then is not given now
        let env = |name: &str| Some(if name == "TOKEN" { "s3cret" } else { "others" }.to_owned());
        let back = again(&plan.stored, &env).expect("a plan");
        assert_eq!(back.params, plan.params);
        assert_eq!(back.targets, plan.targets);
        let vars = |plan: &Plan, name: &str| plan.vars[&("test/keep".to_owned(), name.to_owned())].clone();
        assert_eq!(vars(&back, "zone"), Value::str("ZONE-1"), "fixed when the plan was made");
        assert_eq!(vars(&back, "sign"), Value::secret("others".to_owned()), "read again");
        for host in ["b-10", "b-9"] {
            let kept = plan.inventory.host(host).expect("known");
            let back = back.inventory.host(host).expect("kept");
            assert_eq!((&back.address, &back.groups, &back.connect), (&kept.address, &kept.groups, &kept.connect));
            let values = |host: &Host| -> std::collections::BTreeMap<String, Value> {
                let declared = host.vars.iter().filter(|(name, _)| plan.runbook.vars.contains_key(*name));
                declared.map(|(name, tree)| (name.clone(), Value::from_tree(tree))).collect()
            };
            assert_eq!(values(back), values(kept));
            assert!(!back.vars.contains_key("password"));
        }
        // the order of the inventory, not of the names; hosts that the plan does not touch are not kept
        let names: Vec<String> = back.inventory.hosts().map(|host| host.name.to_string()).collect();
        assert_eq!(names, ["b-10", "b-9"]);
        assert_eq!(back.inventory.group("all_of_them").expect("kept").hosts.len(), 2);
        assert_eq!(again(&plan.stored, &|_| None).expect_err("no secret")[0].code, "missing-param");
    }

    #[test]
    fn a_plan_of_another_form_is_refused() {
        let text = String::from_utf8(planned().stored).expect("JSON");
        let older = text.replacen("\"version\": 2", "\"version\": 1", 1);
        assert_ne!(older, text);
        for bytes in [older.as_bytes(), b"{}", b""] {
            assert_eq!(again(bytes, &|_| None).expect_err("refused")[0].code, "stored-plan");
        }
    }
}
