//! How steps go over batches, items and other hosts, and what becomes of hosts that fail.

use refloat::lab::Spec;
use serde_json::json;

use super::desk::{Desk, Ran};
use crate::support::lab::{TestLab, namespaces};

const ROLL: &str = r#"
runbook: test/roll
risk: reversible
steps:
  - id: roll
    hosts: "node-[1:4]"
    rolling: [ 1, 2 ]
    tolerate: 1
    on_failure: undo
    steps:
      - id: drain
        run_on: "node-[5:6]"
        parallel: 1
        run: touch /var/tmp/drained-{{host.name}}
        undo:
          - run: rm /var/tmp/drained-{{host.name}}
          - run: echo {{host.name}} >>/var/tmp/undone
      - id: change
        sudo: true
        file: { path: /etc/rolled, content: "{{host.name}}\n" }
      - id: look
        run: test ! -e /var/tmp/broken
        undo: none
        why: it only looks
      - id: back
        run_on: "node-[5:6]"
        run: rm /var/tmp/drained-{{host.name}}
        undo: none
        why: the undo of `drain` does the same
    always:
      - id: mark
        run: echo x >>/var/tmp/always
        undo: none
        why: it only marks
"#;

const BALANCERS: [&str; 2] = ["node-5", "node-6"];

/// A list of the report, as `step host`.
fn rows(ran: &Ran, section: &str) -> Vec<String> {
    let rows = ran.report[section].as_array().expect("a list").iter();
    rows.map(|row| format!("{} {}", row["step"].as_str().unwrap(), row["host"].as_str().unwrap())).collect()
}

#[test]
fn one_failed_host_is_put_back_and_left_behind_and_the_second_stops_the_run() {
    if !namespaces() {
        return;
    }
    let lab = TestLab::up(Spec::numbered("node", 6, "nodes"));
    let desk = Desk::at(&lab);
    let roll = desk.write("roll.yaml", ROLL);
    let inventory = desk.inventory();
    let changed =
        || ["node-1", "node-2", "node-3", "node-4"].map(|host| lab.try_say(host, "cat /etc/rolled").1 == host);

    lab.say("node-2", "touch /var/tmp/broken");
    let ran = desk.run(&[&roll, "-i", &inventory]);
    assert_eq!(ran.said.code, Some(0), "{:?}", ran.said);
    assert!(ran.closed()["reason"].as_str().unwrap().ends_with("left behind: node-2"), "{}", ran.closed());
    assert_eq!(changed(), [true, false, true, true]);
    assert_eq!(rows(&ran, "failed"), ["roll/look node-2"]);
    assert_eq!(rows(&ran, "undone")[0], "roll/change node-2");
    assert!(rows(&ran, "undone").iter().all(|row| row.ends_with(" node-2")), "{:?}", rows(&ran, "undone"));
    assert_eq!(rows(&ran, "not_started"), ["roll/back node-2"]);
    for balancer in BALANCERS {
        assert_eq!(lab.say(balancer, "ls /var/tmp; cat /var/tmp/undone"), "undone\nnode-2");
    }
    // whatever happened
    for host in ["node-1", "node-2", "node-3", "node-4"] {
        assert_eq!(lab.say(host, "cat /var/tmp/always"), "x");
    }

    for host in ["node-1", "node-3", "node-4"] {
        lab.say(host, "sudo -n rm /etc/rolled");
    }
    lab.say("node-1", "touch /var/tmp/broken");
    let ran = desk.run(&[&roll, "-i", &inventory]);
    ran.ended(1, "roll/look", "2 hosts failed and 1 may");
    // the third was under way with the second and went through to the end; the fourth never began
    assert_eq!(changed(), [false, false, true, false]);
    assert_eq!(rows(&ran, "failed"), ["roll/look node-1", "roll/look node-2"]);
    assert!(rows(&ran, "done").contains(&"roll/back node-3".to_owned()), "{:?}", rows(&ran, "done"));
    assert!(rows(&ran, "not_started").contains(&"roll/drain node-4".to_owned()), "{:?}", rows(&ran, "not_started"));
    for balancer in BALANCERS {
        assert_eq!(lab.say(balancer, "ls /var/tmp; cat /var/tmp/undone"), "undone\nnode-2\nnode-1\nnode-2");
    }
    desk.nothing_is_left(&["node-1", "node-2", "node-3", "node-4", "node-5", "node-6"]);
}

const ITEMS: &str = r#"
runbook: test/items
risk: reversible
vars: { disks: { type: list } }
targets: { twins: nodes }
steps:
  - id: each
    hosts: nodes
    for_each: vars.disks
    run: echo {{index}}={{item}}
    undo: none
    why: it only says
    outputs: { said: result.value }
  - id: tries
    hosts: node-1
    retry: { attempts: 3, delay: 10ms, backoff: 2, jitter: "50%", exit_codes: [ 1 ] }
    run: { command: 'echo x >>/var/tmp/tries; test "$(wc -l </var/tmp/tries)" -ge 3', idempotent: true }
    undo: none
    why: it only counts
  - id: unlike
    hosts: node-1
    on_failure: continue
    retry: { attempts: 3, delay: 10ms, exit_codes: [ 1 ] }
    run: { command: 'echo x >>/var/tmp/unlike; exit 7', idempotent: true }
    undo: none
    why: it only counts
outputs:
  said: pluck targets.twins "outputs.each.said"
  how: pluck targets.twins "outcomes.each"
"#;

#[test]
fn lists_may_differ_from_host_to_host_and_what_is_harmless_is_tried_again() {
    if !namespaces() {
        return;
    }
    let mut spec = Spec::numbered("node", 2, "nodes");
    spec.hosts[0].vars.insert("disks".to_owned(), json!(["sda", "sdb"]));
    spec.hosts[1].vars.insert("disks".to_owned(), json!(["vda"]));
    let lab = TestLab::up(spec);
    let desk = Desk::at(&lab);
    let items = desk.write("items.yaml", ITEMS);
    let ran = desk.run(&[&items, "-i", &desk.inventory()]);
    ran.ended(1, "unlike", "node-1: exit 7");
    assert_eq!(lab.say("node-1", "wc -l </var/tmp/tries; wc -l </var/tmp/unlike"), "3\n1");
    let mut said = rows(&ran, "done");
    said.sort();
    assert_eq!(said, ["each[0] node-1", "each[0] node-2", "each[1] node-1", "tries node-1"]);

    let goes_well = ITEMS.replace("exit 7", "exit 0");
    lab.say("node-1", "rm /var/tmp/tries");
    let ran = desk.run(&[&desk.write("well.yaml", &goes_well), "-i", &desk.inventory()]);
    assert_eq!(ran.said.code, Some(0), "{:?}", ran.said);
    let outputs = &ran.closed()["outputs"];
    assert_eq!(outputs["said"], json!([["0=sda", "1=sdb"], ["0=vda"]]), "{outputs}");
    assert_eq!(outputs["how"], json!([["changed", "changed"], ["changed"]]), "{outputs}");
}
