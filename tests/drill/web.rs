//! The rolling restart of this project with real nginx and haproxy: twelve web hosts in batches, one that may fail, and
//! a second that stops the run.

use std::fs;
use std::path::Path;

use refloat::lab::{WEB_NEEDS, programs};
use serde_json::json;

use super::Range;
use crate::support::lab::{machine, namespaces};
use crate::support::tier;

fn web() -> bool {
    let missing = programs(&machine().path, WEB_NEEDS);
    namespaces() && tier("web", if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}")) })
}

/// The project's own texts, with pauses that a test can bear.
fn texts(range: &Range) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks/web");
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("a text");
    let mut runbook = read("rolling-restart.yaml");
    for (long, short) in
        [("pause: 30s", "pause: 100ms"), ("within: 60s\n          hold: 5s", "within: 15s\n          hold: 500ms")]
    {
        assert!(runbook.contains(long), "{long}");
        runbook = runbook.replace(long, short);
    }
    range.write("runbooks/web/rolling-restart.yaml", &runbook);
    range.write("runbooks/web/rolling-restart.drill.yaml", &read("rolling-restart.drill.yaml"));
}

fn is_as_expected(variant: &str) {
    if !web() {
        return;
    }
    let range = Range::new();
    texts(&range);
    let (said, seen) = range.drill("runbooks/web/rolling-restart.drill.yaml", variant);
    assert_eq!((said.code, &seen["unmet"]), (Some(0), &json!([])), "{}", said.err);
}

#[test]
fn twelve_hosts_take_the_release_in_batches() {
    is_as_expected("main");
}

#[test]
fn one_failed_host_is_put_back_and_left_behind() {
    is_as_expected("one host cannot take the release");
}

#[test]
fn the_second_failed_host_stops_the_run_and_nobody_is_left_drained() {
    is_as_expected("the second that cannot stops the run");
}
