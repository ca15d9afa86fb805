//! The drills of this project: each once. `make drills` does them several times.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::json;

use super::{Range, words};
use crate::support::lab::consul;

const FILE: &str = "consul/quorum-loss.drill.yaml";

/// The runbooks of this project, below the folder of a range.
fn texts(range: &Range) {
    for folder in ["runbooks/consul", "templates/consul"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in fs::read_dir(from).expect("the project's texts").flatten() {
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            range.write(&name, &fs::read_to_string(entry.path()).expect("a text"));
        }
    }
}

fn is_as_expected(variant: &str) {
    if !consul() {
        return;
    }
    let range = Range::new();
    texts(&range);
    let (said, seen) = range.drill(&format!("runbooks/{FILE}"), variant);
    assert_eq!((said.code, &seen["unmet"]), (Some(0), &json!([])), "{}", said.err);
    // nothing is owed to hosts that are gone
    let duties = range.refloat(&["runs", "--duties", "--output", "json"]);
    assert_eq!(duties.out.trim(), "[]", "{duties:?}");
}

macro_rules! drills {
    ($($name:ident: $variant:literal,)*) => {
        $(#[test] fn $name() { is_as_expected($variant); })*

        /// A variant that is not listed here would never be drilled.
        #[test]
        fn every_variant_is_drilled() {
            let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks").join(FILE)).unwrap();
            let named = text.lines().filter_map(|line| line.strip_prefix("  - name: "));
            let written: BTreeSet<&str> = named.chain(["main"]).collect();
            assert_eq!(written, BTreeSet::from([$($variant),*]));
        }
    };
}

drills! {
    three_of_five_lose_power: "main",
    lone_survivor: "lone survivor of three",
    lost_majority_returns: "the lost majority returns behind a partition",
    reachable_ones_are_fenced: "the reachable lost servers are fenced",
    fenced_majority_returns: "a fenced majority that returns elects no leader",
}

/// What fencing is for: without it, the lost majority elects a leader of its own when it returns.
#[test]
fn without_fencing_there_are_two_leaders_and_the_drill_is_red() {
    if !consul() {
        return;
    }
    let range = Range::new();
    texts(&range);
    let path = range.path("texts/runbooks/consul/quorum-loss.yaml");
    let text = fs::read_to_string(&path).expect("a text");
    let (before, rest) = text.split_once("  - id: fence\n").expect("the step that fences");
    let after = &rest[rest.find("\n  - id: ").expect("a step after it") + 1..];
    fs::write(&path, format!("{before}{after}")).expect("a file");
    let drill = range.path("texts/runbooks").join(FILE);
    let text = fs::read_to_string(&drill).expect("a text");
    // what is expected of the fencing itself would be a wrong text now
    let lines = text.lines().map(|line| if line.contains("expect: {") { "" } else { line });
    fs::write(&drill, lines.filter(|line| !line.starts_with("expect: ")).collect::<Vec<_>>().join("\n"))
        .expect("a file");
    let (said, seen) = range.drill(&format!("runbooks/{FILE}"), "a fenced majority that returns elects no leader");
    assert_eq!((said.code, &seen["verdict"]), (Some(1), &json!("recovered")), "{said:?}");
    let unmet = words(&seen["unmet"]);
    let red = unmet.len() == 1 && unmet[0].starts_with("verify: step `no-second-leader`");
    assert!(red && unmet[0].contains("8300"), "{unmet:#?}");
}
