//! Two controllers and one host: the second is refused, or takes over, and then the first can start nothing.

use std::fs;

use rustix::process::Signal;

use super::{Desk, WAITS, events};

impl Desk {
    /// Another runbook for the same host.
    fn other(&self) {
        let out = self.path("out").display().to_string();
        let text = format!(
            "runbook: test/other\nrisk: reversible\nsteps:\n  - {{ id: one, hosts: a, run: touch {out}/other }}\n"
        );
        fs::write(self.path("other.yaml"), text).expect("a file");
    }

    fn locked(&self) -> bool {
        self.path(".refloat/lock").exists()
    }
}

const OTHER: [&str; 4] = ["run", "other.yaml", "-i", "inventory.yaml"];

#[test]
fn the_second_controller_is_refused_and_after_a_takeover_the_first_can_start_nothing() {
    let desk = Desk::with(WAITS);
    desk.other();
    let first = desk.run();
    let id = desk.id();
    let refused = desk.refloat(&OTHER);
    refused.is(4, &format!("a is locked by run {id} of "));
    refused.is(4, &format!("--takeover {id}"));
    assert!(!desk.out("other") && desk.locked());
    desk.refloat(&[&OTHER[..], &["--takeover", "01another"]].concat()).is(4, "is locked by run");
    let over = desk.refloat(&[&OTHER[..], &["--takeover", &id]].concat());
    over.is(0, &format!("taken over from run {id}: a"));
    assert!(desk.out("other"));
    desk.touch("go");
    let said = first.end();
    said.is(1, "another run took the host over");
    assert!(desk.out("ended") && !desk.out("second"), "what had begun ends, and nothing begins");
    assert!(!desk.path(".refloat").exists());
}

#[test]
fn a_lock_ends_with_its_run_and_with_nothing_else() {
    let desk = Desk::with("\n  - { id: one, hosts: a, run: touch OUT/started }\n");
    desk.other();
    assert_eq!(desk.run().end().code, Some(0));
    assert!(!desk.path(".refloat").exists());
    assert_eq!(desk.refloat(&OTHER).code, Some(0));
    for signal in [Signal::KILL, Signal::TERM] {
        let desk = Desk::with(WAITS);
        desk.other();
        let run = desk.run();
        run.signal(signal);
        run.end();
        let id = desk.id();
        desk.refloat(&OTHER).is(4, &format!("a is locked by run {id}"));
        desk.refloat(&[&OTHER[..], &["--takeover", &id]].concat()).is(0, "taken over");
        desk.touch("go");
    }
}

#[test]
fn who_only_looks_locks_nothing_and_is_not_held_up() {
    let desk = Desk::with(WAITS);
    let out = desk.path("out").display().to_string();
    let text = format!(
        "runbook: test/looks\nrisk: read-only\nsteps:\n  - {{ id: look, hosts: a, gather: {{ pid: {{ read: {out}/pid }} }} }}\n"
    );
    fs::write(desk.path("other.yaml"), text).expect("a file");
    let run = desk.run();
    let looked = desk.refloat(&OTHER);
    assert_eq!(looked.code, Some(0), "{looked:?}");
    desk.touch("go");
    assert_eq!(run.end().code, Some(0));
    assert_eq!(events(&desk.report(), "run_closed").len(), 1);
}
