//! The language's own full texts: every text and every expression in them compiles.

use std::path::Path;

use refloat::template::{AnyText, Compiled, Context, Expr, Shell, Text, Value};

use super::World;

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn peers_json_is_exactly_this() {
    let template =
        Compiled::new(&fixture("templates/consul/peers.json.hbs"), Context::of_file("consul/peers.json.hbs"));
    assert_eq!(template.problems(), []);
    let rendered = template.render(&World::new()).expect("renders");
    let want = r#"[
  { "id": "id-1", "address": "10.0.0.1:8300", "non_voter": false },
  { "id": "id-2", "address": "10.0.0.2:8300", "non_voter": false }
]
"#;
    assert_eq!(rendered.text, want);
    assert_eq!(rendered.unknown, []);
    assert!(rendered.reads.contains(&"consul-2:outputs.see.node_id".to_owned()), "{:?}", rendered.reads);

    let old = World::new().with("params", Value::map([("raft_protocol", Value::from(2))]));
    let rendered = template.render(&old).expect("renders");
    assert_eq!(rendered.text, "[\n  \"10.0.0.1:8300\",\n  \"10.0.0.2:8300\"\n]\n");
    let bases: Vec<_> = template.references().iter().map(|r| format!("{:?} {}", r.base, r.dotted())).collect();
    assert_eq!(
        bases,
        [
            "Root targets.survivors",
            "Root params.raft_protocol",
            "HostsOf([\"targets\", \"survivors\"]) outputs.see.node_id",
            "HostsOf([\"targets\", \"survivors\"]) vars.rpc_address",
            "HostsOf([\"targets\", \"survivors\"]) vars.rpc_address",
        ]
    );
}

/// The fields that hold expressions, and those that hold shell texts.
const EXPRESSIONS: [&str; 6] = ["when", "that", "where", "highest", "lowest", "for_each"];

/// Walks a runbook and compiles every string for what its key says it is; gives back how many had something in them.
fn compile_all(value: &serde_json::Value, key: &str, within: &str, count: &mut usize) {
    let check = |text: &dyn AnyText| {
        assert_eq!(text.problems(), [], "{key}: {}", text.source().value);
    };
    match value {
        serde_json::Value::String(s) if EXPRESSIONS.contains(&key) || within == "outputs" => {
            check(&Expr::from(s.as_str()));
            *count += 1;
        }
        serde_json::Value::String(s) => {
            match key {
                "run" | "command" => check(&Text::<Shell>::from(s.as_str())),
                "http" | "url" => check(&Text::<refloat::template::Url>::from(s.as_str())),
                "matches" | "regex" => check(&Text::<refloat::template::Regex>::from(s.as_str())),
                _ => check(&Text::<refloat::template::Plain>::from(s.as_str())),
            }
            *count += usize::from(s.contains("{{"));
        }
        serde_json::Value::Array(list) => list.iter().for_each(|v| compile_all(v, key, within, count)),
        serde_json::Value::Object(map) => map.iter().for_each(|(k, v)| compile_all(v, k, key, count)),
        _ => {}
    }
}

#[test]
fn every_text_of_the_language_compiles() {
    for (name, least) in [
        ("runbooks/consul/quorum-loss.yaml", 32),
        ("runbooks/etcd/quorum-loss-restore.yaml", 29),
        ("runbooks/postgres/failover.yaml", 20),
        ("runbooks/web/rolling-restart.yaml", 18),
    ] {
        let runbook: serde_json::Value = serde_yaml::from_str(&fixture(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut count = 0;
        compile_all(&runbook, "", "", &mut count);
        assert!(count >= least, "{name}: only {count} texts were found");
    }
}

#[test]
fn commands_of_the_language_stay_readable() {
    let text = Text::<Shell>::from("consul snapshot save -stale /var/tmp/consul-{{run.id}}.snap");
    assert_eq!(
        text.render(&World::new()).expect("renders").text,
        "consul snapshot save -stale /var/tmp/consul-01TEST.snap"
    );
    let text =
        Text::<Shell>::from("echo \"set server web/{{host.name}} state drain\" | socat stdio /run/haproxy/admin.sock");
    assert_eq!(
        text.render(&World::new()).expect("renders").text,
        "echo \"set server web/consul-1 state drain\" | socat stdio /run/haproxy/admin.sock"
    );
}
