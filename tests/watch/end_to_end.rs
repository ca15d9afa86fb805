//! Watches of real runs, by the real program on hosts of a lab.

use refloat::lab::Spec;

use crate::recovery::desk::Desk;
use crate::support::lab::{TestLab, namespaces};

/// Consul says both in the same millisecond, again every second, when it leads and cannot commit.
const FALSE_LEADERSHIP: &str = r"
runbook: test/leadership
risk: reversible
steps:
  - id: start
    hosts: nodes
    run: |
      for n in 1 2 3 4; do
        printf '2026-11-22T14:05:0%s.920Z won\n2026-11-22T14:05:0%s.920Z lost\n' $n $n >>/tmp/app.log
        sleep 0.3
      done
    watch:
      log: /tmp/app.log
      within: 4s
      settle: 1s
      expect:
        - { line: won, at_least: 1, revoked_by: lost }
";

/// Lines count from the beginning of a step that says nothing itself; they come from another host than the step is about.
const SINCE: &str = r"
runbook: test/since
risk: reversible
steps:
  - id: begin
    hosts: node-1
    run: 'true'
  - id: speak
    hosts: node-2
    run: echo 'elected term=7' >>/tmp/since.log
  - id: hear
    hosts: node-1
    watch:
      log: /tmp/since.log
      hosts: node-2
      since: begin
      within: 20s
      settle: 1s
      expect:
        - { matches: 'elected term=(?<term>\d+)', exactly: 1 }
      never:
        - { line: panic }
";

/// Silence of a log that is not there proves nothing.
const NOWHERE: &str = r"
runbook: test/nowhere
risk: reversible
steps:
  - id: start
    hosts: node-1
    run: 'true'
    watch: { log: /nowhere/app.log, within: 3s, settle: 1s, never: [ { line: panic } ] }
";

#[test]
fn what_a_watch_takes_for_true() {
    if !namespaces() {
        return;
    }
    let lab = TestLab::up(Spec::numbered("node", 2, "nodes"));
    let desk = Desk::at(&lab);
    let inventory = desk.inventory();
    for host in ["node-1", "node-2"] {
        lab.say(host, "echo 'old won' >/tmp/app.log; echo 'elected term=1' >/tmp/since.log");
    }

    let ran = desk.run(&[&desk.write("leadership.yaml", FALSE_LEADERSHIP), "-i", &inventory]);
    ran.ended(1, "start", "came on 0, at least 1 expected");
    assert_eq!(ran.events("log_matched").count(), 8, "each host said it four times");

    let ran = desk.run(&[&desk.write("since.yaml", SINCE), "-i", &inventory]);
    assert_eq!(ran.said.code, Some(0), "{}\n{}", ran.said.out, ran.said.err);
    let heard: Vec<_> = ran.events("log_matched").collect();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!((heard[0]["host"].as_str(), heard[0]["line"].as_str()), (Some("node-2"), Some("elected term=7")));

    let ran = desk.run(&[&desk.write("nowhere.yaml", NOWHERE), "-i", &inventory]);
    ran.ended(5, "start", "the log of node-1 cannot be read: its folder is not there");
}
