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

/// Texts with a part that is not carried out yet, and by which key. A text that has become valid leaves this list.
const PENDING: &[(&str, &[&str])] = &[];

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
        let pending = PENDING.iter().find(|(name, _)| name == text).map_or(&[][..], |(_, keys)| keys);
        let mut keys: Vec<&str> = Vec::new();
        for error in errors {
            assert_eq!(error["code"], "not-yet", "{text}: {error:#}");
            keys.extend(error["message"].as_str().and_then(|message| message.split('`').nth(1)));
        }
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys, pending, "{text}");
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
