//! Every action of the table, and all else that a step can do: its example is valid without a warning, it is explained, it
//! is in the schema, the second time changes nothing where that is promised, and what it gives survives the journal.

mod checks;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use refloat::action::registry;
use refloat::runbook::bodies;
use serde_json::Value;
use tempfile::TempDir;

use crate::actions::Bench;

fn refloat(args: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_refloat")).args(args).current_dir(folder).output().expect("the program starts")
}

/// A runbook around an example, which uses a group, a target, an earlier step and a part.
fn around(example: &str) -> String {
    let step = example.lines().fold(String::new(), |step, line| step + "    " + line + "\n");
    let before = "  - id: start\n    hosts: web\n    note: it begins\n";
    format!("runbook: a/b\nrisk: reversible\ntargets: {{ all_web: web }}\nsteps:\n{before}  -{}", &step[3..])
}

const PART: &str = "runbook: web/restart\nrisk: read-only\nparams: { release: { type: string } }\nsteps: [ { note: \"{{params.release}}\" } ]\n";

/// A folder for runbooks around examples: an inventory, and what they use.
fn examples() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["runbooks/a", "runbooks/web"] {
        fs::create_dir_all(folder.path().join(name)).expect("a folder");
    }
    fs::write(folder.path().join("runbooks/web/restart.yaml"), PART).expect("a file");
    let inventory = "inventory: t\nhosts: { \"web-[1:2]\": }\ngroups: { web: { hosts: \"web-[1:2]\" } }\n";
    fs::write(folder.path().join("inventory.yaml"), inventory).expect("a file");
    folder
}

#[test]
fn every_example_is_valid_and_in_the_schema() {
    let folder = examples();
    let schema: Value = serde_json::from_slice(&refloat(&["schema"], folder.path()).stdout).expect("JSON");
    let validator = jsonschema::draft7::new(&schema).expect("a schema");
    for about in bodies() {
        let text = around(about.example);
        fs::write(folder.path().join("runbooks/a/b.yaml"), &text).expect("a file");
        let output = refloat(&["validate", "runbooks/a/b.yaml", "-i", "inventory.yaml"], folder.path());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{}: {said}\n{text}", about.key);
        let value: Value = serde_yaml::from_str(&text).expect("YAML");
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}\n{text}", about.key);
        let step = &schema["definitions"]["a-step"]["properties"][about.key];
        assert!(!step["description"].as_str().unwrap_or_default().is_empty(), "{} is not in the schema", about.key);
    }
}

#[test]
fn everything_that_a_step_can_do_is_explained() {
    let here = Path::new(".");
    let list = String::from_utf8_lossy(&refloat(&["actions"], here).stdout).into_owned();
    let bodies = bodies();
    let keys: Vec<&str> = bodies.iter().map(|about| about.key).collect();
    for entry in registry::entries() {
        assert!(keys.contains(&entry.key), "{}", entry.key);
    }
    assert!(keys.is_sorted(), "{keys:?}");
    for about in &bodies {
        assert!(list.lines().any(|line| line.starts_with(&format!("{} ", about.key))), "{}: {list}", about.key);
        let text = String::from_utf8_lossy(&refloat(&["actions", about.key], here).stdout).into_owned();
        let first = about.example.lines().next().unwrap_or_default();
        assert!(text.contains(about.about) && text.contains(about.effect) && text.contains(first), "{text}");
        let output = refloat(&["actions", about.key, "--output", "json"], here);
        let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(document["name"], about.key);
    }
    let wrong = refloat(&["actions", "flie"], here);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("did you mean `file`?"), "{wrong:?}");
}

/// A step for each action that promises that the second time changes nothing, on this machine.
const TWICE: &[(&str, &str)] = &[
    ("directory", "directory: { path: OUT/d, mode: \"0750\" }"),
    ("file", "file: { path: OUT/f, content: \"é\\n\", mode: \"0640\" }"),
    ("link", "link: { path: OUT/l, to: OUT/f }"),
    ("move", "move: { from: OUT/from, to: OUT/to }"),
    ("service", "service: { name: web, state: started, enabled: true }"),
];

/// A service manager with runit's words, whose only service is a file that says whether it runs.
const SV: &str = r#"#!/bin/sh
while [ $# -gt 2 ]; do shift; done
case $1 in
start) echo run >"$2/state" ;;
stop) echo down >"$2/state" ;;
status) read -r state <"$2/state"; echo "$state: $2: (pid 4711) 60s" ;;
*) exit 2 ;;
esac
"#;

#[test]
fn what_is_idempotent_changes_nothing_the_second_time_and_its_outputs_survive_the_journal() {
    let promised: BTreeSet<&str> =
        registry::entries().filter(|entry| entry.effect.starts_with("idempotent")).map(|entry| entry.key).collect();
    let tried: BTreeSet<&str> = TWICE.iter().map(|(key, _)| *key).collect();
    assert_eq!(promised, tried, "each action that promises it is tried");
    let bench = Bench::new();
    fs::write(bench.out("from"), "x").expect("a file");
    fs::create_dir_all(bench.out("sv/web")).expect("a folder");
    fs::write(bench.out("sv/web/state"), "down\n").expect("a file");
    fs::write(bench.out("sv/web/down"), "").expect("a file");
    let program = bench.out("sv/sv");
    fs::write(&program, SV).expect("a file");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a mode");
    let path = format!("{}:/usr/bin:/bin", bench.out("sv").display());
    let host = serde_json::json!({ "connect": { "via": "local", "service_manager": "runit", "path": path } });
    let inventory = serde_json::json!({ "inventory": "test", "hosts": { "a": host } });
    fs::write(bench.beside("inventory.yaml"), inventory.to_string()).expect("a file");
    for (key, body) in TWICE {
        let step = format!(
            "  - id: it\n    hosts: a\n    env: {{ SVDIR: OUT/sv }}\n    {body}\n  - id: after\n    note: \"{{{{json outputs.it}}}}\"\n"
        );
        for (outcome, changed) in [("changed", true), ("ok", false)] {
            let ran = bench.run(&step);
            ran.well(&[outcome, "ok"]);
            // what a later step reads is what the journal keeps, and a program reads back
            let read: Value = serde_json::from_str(ran.notes()[0]).expect("JSON");
            let kept = ran.events("unit_ended").next().expect("an end");
            let mut kept = kept["outputs"].clone();
            kept["changed"] = Value::Bool(changed);
            assert_eq!(read, kept, "{key}");
        }
    }
    assert_eq!(fs::read_to_string(bench.out("sv/web/state")).expect("a file"), "run\n");
    assert!(!bench.out("sv/web/down").exists());
}

/// What only shows what would be done starts no program and opens no connection, whatever the action.
#[test]
fn a_plan_of_each_example_touches_no_host() {
    let strace = Command::new("strace").arg("-V").output().map(|_| ()).map_err(|error| format!("strace: {error}"));
    if !crate::support::tier("strace", strace) {
        return;
    }
    let folder = examples();
    for about in bodies() {
        let text = around(about.example);
        fs::write(folder.path().join("runbooks/a/b.yaml"), &text).expect("a file");
        let output = Command::new("strace")
            .args(["-f", "-qq", "-e", "trace=network,execve", "-o", "trace", env!("CARGO_BIN_EXE_refloat")])
            .args(["plan", "runbooks/a/b.yaml", "-i", "inventory.yaml"])
            .current_dir(folder.path())
            .output()
            .expect("the program starts");
        assert_eq!(output.status.code(), Some(0), "{}: {output:?}\n{text}", about.key);
        let trace = fs::read_to_string(folder.path().join("trace")).expect("a trace");
        let calls: Vec<&str> = trace.lines().filter(|line| line.contains('(') && !line.contains("+++")).collect();
        assert!(calls.len() == 1 && calls[0].contains("execve("), "{}: {calls:#?}", about.key);
    }
}
