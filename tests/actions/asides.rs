//! `set`, `note` and `pause`.

use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::Bench;

const VALUES: &str = r#"
  - id: here
    hosts: controller
    gather: { name: { command: echo web-1 } }
  - id: values
    set:
      release: "r-{{lower \"A7\"}}"
      limits: { open_files: 1024, users: [ root, "{{outputs.here.name}}" ] }
      names: "{{split \"a,b\" \",\"}}"
  - id: use
    hosts: controller
    run: echo {{outputs.values.release}} {{outputs.values.limits.users.[1]}} {{len outputs.values.names}} >OUT/said
  - id: told
    note: "{{outputs.values.release}} for {{join outputs.values.limits.users}}"
"#;

#[test]
fn values_are_set_once_and_read_by_later_steps() {
    let bench = Bench::new();
    let ran = bench.run(VALUES);
    ran.well(&["ok", "ok", "changed", "ok"]);
    assert_eq!(std::fs::read_to_string(bench.out("said")).expect("a file"), "r-a7 web-1 2\n");
    assert_eq!(ran.notes(), ["r-a7 for root, web-1"]);
    let ended = ran.events("unit_ended").find(|event| event["outputs"]["release"] == "r-a7").expect("an event");
    assert_eq!(ended["outputs"]["limits"]["open_files"], 1024);
}

#[test]
fn a_plan_shows_what_is_set_where_it_is_known() {
    let plan = Bench::new().plan(
        "  - { id: values, set: { a: x-1, b: [ 1, 2 ] } }\n  - { id: later, hosts: controller, run: 'echo {{outputs.values.a}}' }\n  - { id: wait, pause: 90s }\n  - { id: hole, hosts: controller, gather: { v: { command: date } } }\n  - { id: told, note: 'at {{outputs.hole.v}}' }\n",
    );
    for line in ["a = x-1, b = [1,2]", "echo x-1", "for 90s", "at ⟨unknown until hole⟩"] {
        assert!(plan.contains(line), "{line:?} is not in\n{plan}");
    }
}

#[test]
fn a_note_for_several_hosts_is_one_where_it_is_the_same() {
    let bench = Bench::new();
    let steps = "  - { id: same, hosts: [ controller, a ], note: hello }\n  - { id: each, hosts: [ controller, a ], note: 'I am {{host.name}}' }\n  - { id: own, hosts: [ controller, a ], set: { n: '{{host.name}}!' } }\n  - { id: read, hosts: [ controller, a ], note: '{{outputs.own.n}}' }\n";
    let ran = bench.run(steps);
    ran.well(&["ok"; 4]);
    assert_eq!(ran.notes(), ["hello", "controller: I am controller", "a: I am a", "controller: controller!", "a: a!"]);
}

#[test]
fn a_pause_lasts_and_a_person_can_end_it() {
    let bench = Bench::new();
    let began = Instant::now();
    bench.run("  - { id: wait, pause: 300ms }\n").well(&["ok"]);
    assert!(began.elapsed() >= Duration::from_millis(300));
    let steps = "  - { id: said, note: before }\n  - { id: wait, pause: 1h }\n";
    let mut child = bench.command(&["run", "--output", "json", "book.yaml", "-i", "inventory.yaml"], steps);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let (mut seen, mut piece) = (String::new(), [0; 4096]);
    let mut out = child.stdout.take().expect("a pipe");
    let opened = |line: &str| line.contains("\"step_opened\"") && line.contains("\"wait\"");
    while !seen.lines().any(opened) {
        let n = out.read(&mut piece).expect("output");
        assert!(n > 0, "it ended: {seen}");
        seen.push_str(&String::from_utf8_lossy(&piece[..n]));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("a signal");
    let output = child.wait_with_output().expect("it ends");
    let ran = bench.ran(&output, steps);
    assert_eq!(ran.code, Some(130), "{}", ran.shown);
    assert!(ran.events("run_closed").last().expect("an end")["reason"].to_string().contains("during the pause"));
}
