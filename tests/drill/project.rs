//! The drills of this project: each once. `make drills` does them several times.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::json;

use super::{Range, words};
use crate::support::lab::consul;

const FILE: &str = "quorum-loss.drill.yaml";
const KITS: &str = "quorum-loss-kits.drill.yaml";

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

fn is_as_expected(file: &str, variant: &str) {
    if !consul() {
        return;
    }
    let range = Range::new();
    texts(&range);
    let (said, seen) = range.drill(&format!("runbooks/consul/{file}"), variant);
    assert_eq!((said.code, &seen["unmet"]), (Some(0), &json!([])), "{}", said.err);
    // nothing is owed to hosts that are gone
    let duties = range.refloat(&["runs", "--duties", "--output", "json"]);
    assert_eq!(duties.out.trim(), "[]", "{duties:?}");
}

macro_rules! drills {
    ($($name:ident: $file:ident $variant:literal,)*) => {
        $(#[test] fn $name() { is_as_expected($file, $variant); })*

        /// One that is not listed here would never be drilled.
        #[test]
        fn every_variant_is_drilled() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks/consul");
            let mut written = BTreeSet::new();
            for entry in fs::read_dir(folder).expect("the project's texts").flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.ends_with(".drill.yaml") {
                    let text = fs::read_to_string(entry.path()).expect("a text");
                    let named = text.lines().filter_map(|line| line.strip_prefix("  - name: ")).chain(["main"]);
                    written.extend(named.map(|variant| (name.clone(), variant.to_owned())));
                }
            }
            assert_eq!(written, BTreeSet::from([$(($file.to_owned(), $variant.to_owned())),*]));
        }
    };
}

drills! {
    three_of_five_lose_power: FILE "main",
    lone_survivor: FILE "lone survivor of three",
    lost_majority_returns: FILE "the lost majority returns behind a partition",
    reachable_ones_are_fenced: FILE "the reachable lost servers are fenced",
    fenced_majority_returns: FILE "a fenced majority that returns elects no leader",
    secure: KITS "main",
    restarted_survivors: KITS "the survivors are restarted",
    protocol_2: KITS "raft protocol 2",
    default_timing: KITS "timing of its own",
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
    let drill = range.path("texts/runbooks/consul").join(FILE);
    let text = fs::read_to_string(&drill).expect("a text");
    // what is expected of the fencing itself would be a wrong text now
    let lines = text.lines().map(|line| if line.contains("expect: {") { "" } else { line });
    fs::write(&drill, lines.filter(|line| !line.starts_with("expect: ")).collect::<Vec<_>>().join("\n"))
        .expect("a file");
    let (said, seen) =
        range.drill(&format!("runbooks/consul/{FILE}"), "a fenced majority that returns elects no leader");
    assert_eq!((said.code, &seen["verdict"]), (Some(1), &json!("recovered")), "{said:?}");
    let unmet = words(&seen["unmet"]);
    let red = unmet.len() == 1 && unmet[0].starts_with("verify: step `no-second-leader`");
    assert!(red && unmet[0].contains("8300"), "{unmet:#?}");
}
