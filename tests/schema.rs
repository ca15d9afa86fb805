//! The schema that editors get: every text that is shipped is valid by it, what a schema can know of the wrong texts is
//! found by it, and every key has words for people. Code by code, that is in `wrong`.

mod wrong;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jsonschema::Validator;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn refloat(args: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_refloat")).args(args).output().expect("the program starts");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn schema(of: &str) -> Value {
    refloat(&["schema", of])
}

fn validator(of: &str) -> Validator {
    jsonschema::draft7::new(&schema(of)).expect("a schema")
}

/// A text as the editor's YAML parser gives it; `None`: it is no YAML.
fn read(path: &Path) -> Option<Value> {
    serde_yaml::from_str(&fs::read_to_string(path).expect("a text")).ok()
}

fn yaml(folder: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, all: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, all);
            } else if path.extension().is_some_and(|ending| ending == "yaml") {
                all.push(path);
            }
        }
    }
    let mut all = Vec::new();
    walk(&root().join(folder), &mut all);
    all.sort();
    all
}

/// Which schema a text has, by its first key.
fn kind(text: &Value) -> Option<&'static str> {
    ["runbook", "drill", "inventory"].into_iter().find(|kind| match *kind {
        // a drill and a test name a runbook, too
        "runbook" => text.get("runbook").is_some() && text.get("drill").is_none() && text.get("test").is_none(),
        kind => text.get(kind).is_some(),
    })
}

#[test]
fn every_shipped_text_is_valid() {
    let mut seen = 0;
    let folders =
        ["runbooks", "tests/language", "tests/corpus/runbooks", "tests/corpus/folder", "tests/fixtures/plans"];
    let files = ["inventory.yaml", "ok.yaml"].map(|name| root().join("tests/corpus").join(name));
    for path in folders.into_iter().flat_map(yaml).chain(files) {
        let text = read(&path).expect("YAML");
        let Some(kind) = kind(&text).filter(|_| text.get("test").is_none()) else { continue };
        let errors: Vec<String> =
            validator(kind).iter_errors(&text).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
        seen += 1;
    }
    assert!(seen >= 20, "{seen}");
}

/// Mistakes of shape: a schema knows them.
const SHAPE: &[&str] =
    &["unknown-key", "missing-key", "two-actions", "no-action", "two-guards", "two-faults", "no-fault"];

#[test]
fn what_a_schema_can_know_is_found() {
    let mut found = 0;
    for path in yaml("tests/corpus/wrong") {
        let text = fs::read_to_string(&path).expect("a text");
        // mistakes of this file itself
        let codes: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# wrong: "))
            .filter(|line| !line.contains(" in "))
            .filter_map(|line| line.split(' ').next())
            .collect();
        if !codes.iter().any(|code| SHAPE.contains(code)) {
            continue;
        }
        // what is no YAML, or has a key twice, no schema sees
        let Some(value) = read(&path) else { continue };
        let Some(kind) = kind(&value) else { continue };
        assert!(!validator(kind).is_valid(&value), "{}: {codes:?}", path.display());
        found += 1;
    }
    assert!(found >= 15, "{found}");
}

#[test]
fn every_key_has_words_for_people_and_no_other_key_is_taken() {
    fn look(path: &str, value: &Value, closed: &mut usize) {
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            for (key, property) in properties {
                let words = property.get("description").and_then(Value::as_str).unwrap_or_default();
                assert!(
                    property == &Value::Bool(false) || words.len() > 5 || key == "regex",
                    "{path}/{key}: {property:#}"
                );
            }
            assert_eq!(value.get("additionalProperties"), Some(&Value::Bool(false)), "{path}");
            *closed += 1;
        }
        match value {
            // what is exactly one of several is said beside the keys
            Value::Object(map) => map
                .iter()
                .filter(|(key, _)| *key != "oneOf")
                .for_each(|(key, inner)| look(&format!("{path}/{key}"), inner, closed)),
            Value::Array(list) => list.iter().for_each(|inner| look(path, inner, closed)),
            _ => {}
        }
    }
    for (of, least) in [("runbook", 30), ("drill", 35), ("inventory", 4)] {
        let mut closed = 0;
        look(of, &schema(of), &mut closed);
        assert!(closed >= least, "{of}: {closed}");
    }
}

#[test]
fn a_step_does_exactly_one_thing() {
    let validator = validator("runbook");
    let valid = |step: &str| {
        let text = format!("runbook: a/b\nrisk: read-only\nsteps:\n  - {step}\n");
        validator.is_valid(&serde_yaml::from_str::<Value>(&text).expect("YAML"))
    };
    for step in [
        "{ id: a, note: b }",
        "{ hosts: web, run: ls }",
        "{ hosts: [ web, \"a:!b\" ], run: [ ls, -l ] }",
        "{ hosts: web, watch: { log: /a, since: b, within: 5s, expect: [ { line: c } ] } }",
        "{ hosts: web, run: ls, watch: { log: /a, within: 5s } }",
        "{ require: { that: eq 1 1 } }",
        "{ require: [ { path: /a, that: gt result.size_bytes 0 }, { quorum: { hosts: a, of: b } } ] }",
        "{ steps: [ { note: a }, { steps: [ { note: b } ] } ] }",
        "{ hosts: web, run: ls, undo: [ { run: ls } ] }",
    ] {
        assert!(valid(step), "{step}");
    }
    for step in [
        "{ id: a }",
        "{ note: a, pause: 1s }",
        "{ note: a, nott: b }",
        "{ note: 5 }",
        "{ hosts: web, service: { name: a, state: startet } }",
        "{ hosts: web, file: { path: /a, mode: 640 } }",
        "{ when: \"{{params.x}}\", note: a }",
        "{ require: { path: /a, read: /a } }",
        "{ require: { every: { path: /a } } }",
        "{ hosts: web, run: ls, undo: [ { note: a } ] }",
        "{ hosts: web, run: ls, timeout: 5 }",
        "{ steps: [ { note: a, nott: b } ] }",
    ] {
        assert!(!valid(step), "{step}");
    }
}
