//! Small drills on hosts that run nothing: every moment and every expectation.

use std::io::{BufRead as _, BufReader};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::{Range, words};
use crate::support::lab::{consul, namespaces};

const RUNBOOK: &str = "
runbook: test/mend
title: Mend what is broken
risk: reversible
lock: mend
params: { web: { type: hosts, of: fleet } }
steps:
  - id: broken
    hosts: web
    symptom:
      - { path: /var/lib/broken, message: nothing is broken }
  - id: agree
    confirm: { message: Shall it be mended?, type: mend }
  - id: mend
    hosts: web
    sudo: true
    run: rm /var/lib/broken
  - id: late
    hosts: web
    require: { path: /var/lib/late }
  - id: not-wanted
    when: eq 1 2
    hosts: web
    run: touch /var/lib/never
";

const DRILL: &str = "
drill: test/mend
title: Something is broken
runbook: test/mend
params: { web: \"web-[1:2]\" }
answers: { agree: mend }
lab: { kit: bare, hosts: { \"web-[1:2]\": { groups: [ fleet ] } } }
setup:
  - id: data
    hosts: web
    sudo: true
    run: echo kept >/var/lib/data
faults:
  - &broken { run: { hosts: web, command: touch /var/lib/broken } }
  - { before: late, run: { hosts: web, command: touch /var/lib/late } }
  - { after: late, run: { hosts: web-1, command: echo -n x >/var/lib/after } }
verify:
  - id: whole
    hosts: web
    gather: { data: { read: /var/lib/data } }
expect:
  outcome: ok
  within: 5m
  changed: [ mend ]
  skipped: [ not-wanted ]
  undone: []
  duties: []
  files: { web-1: { /var/lib/after: x, /var/lib/broken: null }, web-2: { /var/lib/after: null } }
variants:
  - name: nothing is broken
    faults: []
    expect: { outcome: refused, step: broken, message: nothing is broken, unchanged: [ web-1, web-2 ] }
  - name: nobody agrees
    answers: { agree: no thanks }
    faults: [ *broken ]
    expect: { outcome: refused, step: agree }
  - name: all is otherwise
    faults: [ { before: late, power_off: web-1 } ]
    expect:
      outcome: failed
      step: late
      message: too late
      changed: [ mend ]
      skipped: [ broken ]
      duties: [ web-2/mend ]
      files: { web-2: { /var/lib/data: lost } }
  - name: a fault that cannot be
    faults: [ *broken, { before: mend, run: { hosts: web-2, command: echo not so >&2; exit 1 } } ]
  - name: it cannot be set up
    setup: [ { id: no-way, hosts: web-2, run: exit 3 } ]
  - name: it takes a while
    setup:
      - id: never
        hosts: web-1
        wait: { within: 1h, until: { path: /never } }
";

fn range() -> Range {
    let range = Range::new();
    range.write("test/mend.yaml", RUNBOOK);
    range.write("test/mend.drill.yaml", DRILL);
    range
}

#[test]
fn a_drill_breaks_a_lab_and_tells_how_it_was_mended() {
    if !namespaces() {
        return;
    }
    let range = range();
    let valid = range.refloat(&["validate", "test"]);
    assert_eq!(valid.code, Some(0), "{valid:?}");
    let (said, seen) = range.drill("test/mend.drill.yaml", "main");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!((&seen["as_expected"], &seen["recovered"], &seen["unmet"]), (&json!(true), &json!(true), &json!([])));
    let phases: Vec<_> = seen["phases"].as_array().unwrap().iter().map(|phase| &phase[0]).collect();
    assert_eq!(phases, ["lab", "setup", "break", "recover", "verify"]);
    let kept = |host: &str| json!({ "host": host, "outputs": { "data": "kept" } });
    assert_eq!(seen["after"]["whole"], json!([kept("web-1"), kept("web-2")]));
    assert!(seen["recovery_seconds"].as_f64().unwrap() > 0.0);
    let steps: Vec<_> = seen["steps"].as_array().unwrap().iter().map(|step| &step["step"]).collect();
    assert_eq!(steps, ["broken", "agree", "mend", "late", "not-wanted"]);
    assert_eq!(seen["events"].as_array().unwrap().last().unwrap()["event"], "run_closed");
    assert!(said.err.contains("test/mend: recovered in"), "{said:?}");

    // the run is one like any other, and its time is kept
    let report = range.refloat(&["report", seen["run"].as_str().unwrap()]);
    assert!(report.code == Some(0) && report.out.contains("drill test/mend"), "{report:?}");
    let again = range.refloat(&["drill", "test/mend.drill.yaml", "--variant", "main", "-q", "-n", "2"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    range.nothing_is_left();
    assert!(again.out.contains("of 3\n"), "{again:?}");
    let history = range.refloat(&["drill", "--history", "--format", "markdown"]);
    assert!(history.out.contains("| test/mend | ") && history.out.contains(" | 3 of 3 |"), "{history:?}");
}

#[test]
fn a_refusal_can_be_what_is_expected() {
    if !namespaces() {
        return;
    }
    let range = range();
    for variant in ["nothing is broken", "nobody agrees"] {
        let (said, seen) = range.drill("test/mend.drill.yaml", variant);
        assert_eq!((said.code, &seen["unmet"]), (Some(0), &json!([])), "{said:?}");
        assert_eq!((&seen["as_expected"], &seen["recovered"]), (&json!(true), &json!(false)));
    }
}

#[test]
fn what_is_not_as_expected_is_listed_all_at_once_with_what_was_seen() {
    if !namespaces() {
        return;
    }
    let range = range();
    let (said, seen) = range.drill("test/mend.drill.yaml", "all is otherwise");
    assert_eq!((said.code, &seen["as_expected"]), (Some(1), &json!(false)), "{said:?}");
    let unmet = words(&seen["unmet"]);
    let expected = [
        "the run never came to `late`, before which power-off web-1 was to happen",
        "outcome failed was expected, and it was refused at broken: nothing is broken",
        "it was expected to end at `late`, and it ended at broken: nothing is broken",
        "`too late` was expected as the reason, and it was: nothing is broken",
        "changed: mend was expected, and it was: none",
        "skipped: broken was expected, and it was: none",
        "duties: web-2/mend was expected, and it was: none",
        "web-2 /var/lib/data: \"lost\" was expected, and it is \"kept\\n\"",
    ];
    assert_eq!(unmet.len(), expected.len(), "{unmet:#?}");
    for (unmet, expected) in unmet.iter().zip(expected) {
        assert!(unmet.starts_with(expected), "{unmet}\n{expected}");
        assert!(said.err.contains(unmet), "{said:?}");
    }
}

#[test]
fn a_drill_that_cannot_be_carried_out_says_why() {
    if !namespaces() {
        return;
    }
    let range = range();
    let (said, seen) = range.drill("test/mend.drill.yaml", "a fault that cannot be");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(words(&seen["unmet"]).iter().any(|why| why.starts_with("run web-2") && why.contains("not so")), "{seen:#}");
    // the run was ended before the step that the fault belongs to
    assert_eq!(seen["steps"].as_array().unwrap().last().unwrap()["step"], "agree");
    let (said, seen) = range.drill("test/mend.drill.yaml", "it cannot be set up");
    assert_eq!((said.code, &seen["run"]), (Some(1), &json!(null)), "{said:?}");
    let unmet = words(&seen["unmet"]);
    assert!(unmet.len() == 1 && unmet[0].starts_with("setup: step `no-way`"), "{unmet:?}");
}

#[test]
fn ctrl_c_takes_the_lab_down() {
    if !namespaces() {
        return;
    }
    let range = range();
    let mut child = range.start(&["drill", "test/mend.drill.yaml", "--variant", "it takes a while"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let up = lines.find(|line| line.as_ref().is_ok_and(|line| line.trim_start().starts_with("lab ")));
    assert!(up.is_some());
    let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let ended = child.wait().unwrap();
    assert_eq!(ended.code(), Some(130));
    range.nothing_is_left();
    let history = range.refloat(&["drill", "--history", "--output", "json"]);
    assert_eq!(history.out.trim(), "[]", "what was ended by a person says nothing of how long it takes");
}

const STALE: &str = "
drill: test/stale
runbook: test/look
lab: { kit: consul, hosts: { consul-1: { groups: [ consul_servers ] } } }
setup:
  - id: data
    hosts: consul-1
    run: consul kv put drill/new x
faults: [ { stale_data: { hosts: consul-1 } } ]
verify:
  - id: older
    hosts: consul-1
    wait:
      within: 2m
      until: { command: consul kv get drill/new, optional: true, that: contains result.stderr \"No key exists\" }
";

#[test]
fn an_older_copy_of_the_data_is_put_back() {
    if !consul() {
        return;
    }
    let range = Range::new();
    range.write(
        "test/look.yaml",
        "runbook: test/look\nrisk: read-only\nsteps:\n  - id: look\n    note: It is looked at.\n",
    );
    range.write("test/stale.drill.yaml", STALE);
    let (said, seen) = range.drill("test/stale.drill.yaml", "main");
    assert_eq!((said.code, &seen["unmet"]), (Some(0), &json!([])), "{said:?}");
}
