//! What a step costs, as counts: where a count says it, no clock is asked.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use crate::support::tier;

const BINARY: &str = env!("CARGO_BIN_EXE_refloat");

/// Waits for the disk in a run with so many claimed steps, which print something.
fn fsyncs(steps: usize) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let mut book = String::from("runbook: test/counts\nrisk: reversible\nsteps:\n");
    for n in 0..steps {
        write!(book, "  - id: step-{n}\n    hosts: controller\n    undo: none\n    why: counted\n    run: echo {n}\n")
            .expect("a string");
    }
    fs::write(folder.path().join("book.yaml"), book).expect("a file");
    let trace = folder.path().join("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=fsync,fdatasync", "-o"]).arg(&trace).arg(BINARY).arg("run");
    fs::write(folder.path().join("inventory.yaml"), "inventory: none\nhosts: { web: {} }\n").expect("a file");
    command.arg("-i").arg(folder.path().join("inventory.yaml"));
    command.arg(folder.path().join("book.yaml")).env("REFLOAT_STATE", folder.path().join("state"));
    let done = command.env("HOME", folder.path()).output().expect("strace");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    fs::read_to_string(&trace).expect("a trace").lines().filter(|line| line.contains("sync(")).count()
}

/// The start of a step's units is on the disk before a host hears of it, and all that was seen before goes with it.
#[test]
fn a_claimed_step_waits_for_the_disk_once_for_the_journal_and_once_for_its_output() {
    let strace = Command::new("strace").arg("-V").output().map(|_| ()).map_err(|error| format!("strace: {error}"));
    if !tier("strace", strace) {
        return;
    }
    let (few, many) = (fsyncs(2), fsyncs(22));
    assert!(few >= 5, "the run, its plan, two starts, its end: {few}");
    assert!(many - few <= 40, "for 20 steps {} more", many - few);
    assert!(many - few >= 20, "for 20 steps only {} more", many - few);
}
