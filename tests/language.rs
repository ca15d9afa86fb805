//! The full texts that the contract of the language ends with, copied as they stand there: each is valid.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The texts, and what each is.
const TEXTS: &[&str] = &[
    "runbooks/consul/quorum-loss.yaml",
    "runbooks/consul/quorum-loss.drill.yaml",
    "runbooks/etcd/quorum-loss-restore.yaml",
    "runbooks/postgres/failover.yaml",
    "runbooks/web/rolling-restart.yaml",
    "inventory.yaml",
];

/// Tests of runbooks are read by `refloat test`, which is not there yet.
const NO_VERB_YET: &[&str] = &["runbooks/consul/quorum-loss.test.yaml"];

#[test]
fn every_text_of_the_contract_is_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language");
    for text in TEXTS {
        let output = Command::new(env!("CARGO_BIN_EXE_refloat"))
            .args(["validate", text, "-i", "inventory.yaml", "--output", "json"])
            .current_dir(&folder)
            .output()
            .expect("the program starts");
        let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let findings = document["diagnostics"]["diagnostics"].as_array().expect("a list");
        let errors: Vec<&Value> = findings.iter().filter(|finding| finding["severity"] == "error").collect();
        assert_eq!(errors, [] as [&Value; 0], "{text}");
    }
}

#[test]
fn every_copied_text_is_looked_at() {
    fn walk(folder: &Path, all: &mut Vec<String>, root: &Path) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, all, root);
            } else if path.extension().is_some_and(|ending| ending == "yaml") {
                all.push(path.strip_prefix(root).expect("below it").display().to_string());
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language");
    let mut all = Vec::new();
    walk(&root, &mut all, &root);
    all.sort();
    let mut listed: Vec<&str> = TEXTS.iter().chain(NO_VERB_YET).copied().collect();
    listed.sort_unstable();
    assert_eq!(all, listed);
}

/// The runbooks of the project that no lab of ours carries out: planned on an example inventory, and without a warning.
#[test]
fn the_runbooks_of_etcd_and_postgresql_are_planned() {
    let plans = [
        ("etcd/quorum-loss-restore", &[][..], "agree [confirm]", "a person types `main`"),
        ("postgres/failover", &["-p", "primary=db-1"], "follow [steps]", "in batches of 1"),
    ];
    for (name, params, step, words) in plans {
        let book = format!("runbooks/{name}.yaml");
        let output = Command::new(env!("CARGO_BIN_EXE_refloat"))
            .args(["plan", &book, "-i", "tests/fixtures/plans/inventory.yaml"])
            .args(params)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{name}: {said}");
        let plan = String::from_utf8_lossy(&output.stdout).into_owned();
        let (_, from) = plan.split_once(step).unwrap_or_else(|| panic!("{name}: no {step} in {plan}"));
        assert!(from.lines().nth(1).is_some_and(|line| line.trim() == words), "{name}: {plan}");
    }
}
