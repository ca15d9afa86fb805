//! Every guard over hosts of which some are so, some not, and of some it is not known.

use std::sync::Arc;

use super::*;
use crate::action::Login;
use crate::action::fleet::Fleet;
use crate::base::diag::Diagnostics;
use crate::base::span::Sources;
use crate::inventory::Selector;
use crate::template::{Base, Read, ReadError, Scope, Value};
use crate::text;
use crate::transport::Link;

/// Hosts named after their number: `n1 n2 n2b n9 late`. To none of them there is a link.
struct Hosts;

struct Eyes<'a>(Option<&'a str>);

impl Scope for Eyes<'_> {
    fn read(&self, _: Base<'_>, path: &[&str]) -> Result<Read, ReadError> {
        match (path, self.0) {
            (["vars", "n", ..], Some("late")) => Ok(Read::new(Value::unknown("start"), 2)),
            (["vars", "n", ..], Some(host)) => {
                let digits: String = host.chars().filter(char::is_ascii_digit).collect();
                Ok(Read::new(Value::Int(digits.parse().expect("a number")), 2))
            }
            _ => Err(ReadError::NeedsHost { path: path.join(".") }),
        }
    }
}

impl Fleet for Hosts {
    fn resolve(&self, selector: &Selector) -> Result<Vec<String>, String> {
        match selector.text().as_str() {
            "none" => Ok(Vec::new()),
            "nobody-knows" => Err("no such target".to_owned()),
            hosts => Ok(hosts.split(':').map(str::to_owned).collect()),
        }
    }

    fn scope<'a>(&'a self, host: Option<&'a str>, _: Option<Value>) -> Box<dyn Scope + Send + Sync + 'a> {
        Box::new(Eyes(host))
    }

    fn link(&self, host: &str) -> Result<Arc<dyn Link>, String> {
        Err(format!("no link to {host}"))
    }

    fn login(&self, _: &crate::action::fleet::Spot) -> Result<Login, String> {
        Ok(Login::default())
    }

    fn address(&self, host: &str) -> (String, u16) {
        (host.to_owned(), 22)
    }

    fn inventory(&self) -> Vec<String> {
        vec!["n1".to_owned(), "other".to_owned()]
    }
}

fn decode(yaml: &str) -> (Vec<Guard>, Vec<String>) {
    let mut sources = Sources::default();
    let source = sources.add("guards", yaml);
    let diags = Diagnostics::new();
    let tree = text::parse(source, yaml, &diags).expect("yaml");
    let guards = Guard::decode_all(&tree, &diags);
    (guards, diags.sorted().iter().map(|d| format!("{}: {}", d.code, d.message)).collect())
}

async fn judged(yaml: &str) -> Judgement {
    let (guards, wrong) = decode(yaml);
    assert!(wrong.is_empty() && guards.len() == 1, "{yaml}: {wrong:?}");
    judge(&guards[0], &Hosts, None).await
}

#[tokio::test]
async fn the_table() {
    use Verdict::{Fails, Holds, Unknown};
    let rows = [
        ("{ that: gt 2 1 }", Holds),
        ("{ that: gt 1 2 }", Fails),
        ("{ that: [ gt 2 1, gt 1 2 ] }", Fails),
        ("{ that: eq vars.n 1 }", Unknown),
        ("{ that: add 1 1 }", Unknown),
        ("{ every: { hosts: none, that: eq vars.n 1 } }", Holds),
        ("{ every: { hosts: nobody-knows, that: eq vars.n 1 } }", Unknown),
        ("{ every: { hosts: \"n2:n2b\", that: eq vars.n 2 } }", Holds),
        ("{ every: { hosts: \"n1:n2\", that: eq vars.n 2 } }", Fails),
        ("{ every: { hosts: \"n1:n2\", when: gt vars.n 1, that: eq vars.n 2 } }", Holds),
        ("{ every: { hosts: \"n2:late\", that: eq vars.n 2 } }", Unknown),
        ("{ every: { hosts: \"n1:late\", that: eq vars.n 2 } }", Fails),
        ("{ every: { hosts: \"n2:late\", when: eq vars.n 2, that: eq vars.n 2 } }", Unknown),
        ("{ every: { hosts: n1, port: 80 } }", Unknown),
        ("{ every: { hosts: n1, port: 80, optional: true, that: empty result.open } }", Unknown),
        ("{ count: { hosts: none, that: eq vars.n 1, at_least: 1 } }", Fails),
        ("{ count: { hosts: none, that: eq vars.n 1, exactly: 0 } }", Holds),
        ("{ count: { hosts: \"n1:n2:n2b:n9\", that: eq vars.n 2, exactly: 2 } }", Holds),
        ("{ count: { hosts: \"n1:n2:n2b:n9\", that: eq vars.n 2, at_least: 50% } }", Holds),
        ("{ count: { hosts: \"n1:n2:n2b:n9\", that: eq vars.n 2, at_least: \"51%\" } }", Fails),
        ("{ count: { hosts: \"n1:n2:n9\", that: eq vars.n 2, at_most: \"34%\" } }", Holds),
        ("{ count: { hosts: \"n1:n2:n9\", that: eq vars.n 2, at_most: \"33%\" } }", Fails),
        ("{ count: { hosts: \"n2:late\", that: eq vars.n 2, at_least: 1 } }", Holds),
        ("{ count: { hosts: \"n2:late\", that: eq vars.n 2, at_least: 2 } }", Unknown),
        ("{ count: { hosts: \"n1:late\", that: eq vars.n 2, at_least: 2 } }", Fails),
        ("{ count: { hosts: \"n2:late\", that: eq vars.n 2, at_most: 1 } }", Unknown),
        ("{ count: { hosts: \"n2:n2b:late\", that: eq vars.n 2, exactly: 1 } }", Fails),
        ("{ count: { hosts: \"n2:late\", that: eq vars.n 2, exactly: 1 } }", Unknown),
        // a host that nobody can speak to is not one that says no
        ("{ count: { hosts: n1, port: 80, exactly: 0 } }", Unknown),
        ("{ agree: { hosts: none, value: vars.n } }", Holds),
        ("{ agree: { hosts: \"n2:n2b\", value: vars.n } }", Holds),
        ("{ agree: { hosts: \"n1:n2\", value: vars.n } }", Fails),
        ("{ agree: { hosts: \"n2:n2b:late\", value: vars.n } }", Unknown),
        ("{ agree: { hosts: n1, port: 80, value: result.open } }", Unknown),
        ("{ differ: { hosts: none, value: vars.n } }", Holds),
        ("{ differ: { hosts: \"n1:n2\", value: vars.n } }", Holds),
        ("{ differ: { hosts: \"n1:n2:n2b\", value: vars.n } }", Fails),
        ("{ differ: { hosts: \"n1:late\", value: vars.n } }", Unknown),
        ("{ down: { hosts: none, ports: [ 80 ] } }", Holds),
        ("{ down: { hosts: n1, ports: [ 80 ] } }", Unknown),
        ("{ down: { hosts: n1, ports: [ 80 ], from: none } }", Unknown),
        ("{ up: { hosts: none, ports: [ 80 ] } }", Holds),
        ("{ up: { hosts: n1, ports: [ 80 ], from: none } }", Unknown),
        ("{ up: { hosts: n1, ports: [ 80 ] } }", Unknown),
        ("{ quorum: { hosts: \"n1:n2\", of: \"n1:n2:n9\" } }", Holds),
        ("{ quorum: { hosts: \"n1:n2\", of: \"n1:n2:n2b:n9\" } }", Fails),
        ("{ quorum: { hosts: \"n1:other\", of: \"n1:n2:n9\" } }", Fails),
        ("{ quorum: { hosts: none, of: none } }", Fails),
        ("{ no_quorum: { hosts: none, of: n1 } }", Holds),
        ("{ no_quorum: { hosts: \"n1:n2\", of: \"n1:n2:n9\" } }", Fails),
    ];
    for (yaml, verdict) in rows {
        let judgement = judged(yaml).await;
        assert_eq!(judgement.verdict, verdict, "{yaml}: {:?}", judgement.seen);
        assert!(!judgement.seen.is_empty(), "{yaml}");
        if yaml.contains("hosts: none") && !yaml.contains("count") && !yaml.contains("quorum") {
            assert_eq!(judgement.seen[0].what, "no hosts", "{yaml}");
        }
    }
}

/// A list is judged whole, so that all failures can be shown at once.
#[tokio::test]
async fn all_are_evaluated() {
    let (guards, wrong) = decode("[ { that: gt 1 2 }, { that: eq 1 1 }, { that: gt 3 4, message: \"so it is\" } ]");
    assert!(wrong.is_empty(), "{wrong:?}");
    let verdicts: Vec<_> = judge_all(&guards, &Hosts, None).await.into_iter().map(|j| (j.verdict, j.message)).collect();
    let so = Some("so it is".to_owned());
    assert_eq!(verdicts, [(Verdict::Fails, None), (Verdict::Holds, None), (Verdict::Fails, so)]);
}

/// What would never be asked is a mistake, not a statement that holds.
#[test]
fn nothing_is_ignored() {
    for (yaml, code) in [
        ("{ every: { hosts: n1, that: eq vars.n 1, at_least: 1 } }", "unknown-key"),
        ("{ count: { hosts: n1, that: eq vars.n 1, when: eq vars.n 1, at_least: 1 } }", "unknown-key"),
        ("{ quorum: { hosts: n1, of: n1 }, that: eq 1 2 }", "two-guards"),
        ("{ quorum: { hosts: n1, of: n1 }, port: 80 }", "two-guards"),
        ("{ that: eq 1 1, timeout: 3s }", "no-probe"),
        ("{ every: { hosts: n1, that: eq vars.n 1, optional: true } }", "no-probe"),
        ("{ agree: { hosts: n1, value: vars.n, parse: json } }", "no-probe"),
        ("{ port: 80, value: result.open }", "no-effect"),
        ("{ every: { hosts: n1, port: 80, value: result.open } }", "no-effect"),
        ("{ down: { hosts: n1, ports: [] } }", "no-ports"),
    ] {
        let (_, wrong) = decode(yaml);
        assert!(wrong.len() == 1 && wrong[0].starts_with(code), "{yaml}: {wrong:?}");
    }
}
