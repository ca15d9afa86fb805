//! What is asked around a group or a part as a whole, and parts in groups: on this machine, which is two hosts here.

use std::fs;

use super::{Bench, Ran};

/// A group about both hosts: a mark for each, unless it is there.
const MARKS: &str = r#"
  - id: both
    hosts: [ a, controller ]
    done_when: { path: "OUT/{{host.name}}" }
    verify: { path: "OUT/{{host.name}}", that: lt result.size_bytes 9 }
    timeout: 1s
    steps:
      - id: mark
        run: { command: "COMMAND" }
        undo: none
        why: it only marks
    always:
      - id: end
        run: touch OUT/end-{{host.name}}
        undo: none
        why: it only marks
"#;

fn marks(command: &str) -> String {
    MARKS.replace("COMMAND", command)
}

/// The steps and hosts of the units that were started, as `step host`.
fn started(ran: &Ran) -> Vec<String> {
    let word = |unit: &serde_json::Value, name: &str| unit[name].as_str().unwrap_or_default().to_owned();
    let units = ran.events("units_started").flat_map(|event| event["units"].as_array().into_iter().flatten());
    units.map(|start| format!("{} {}", word(&start["unit"], "step"), word(&start["unit"], "about"))).collect()
}

#[test]
fn of_a_group_nothing_runs_where_it_is_done_already() {
    let bench = Bench::new();
    fs::write(bench.out("a"), "").expect("a file");
    let ran = bench.run(&marks("touch OUT/{{host.name}}"));
    assert_eq!(ran.code, Some(0), "{}", ran.shown);
    assert_eq!(started(&ran), ["both/mark controller", "both/end controller"], "{}", ran.report);
    assert!(bench.out("controller").exists() && bench.out("end-controller").exists());
    assert!(!bench.out("end-a").exists(), "what always runs is of those for whom the group runs");

    let ran = bench.run(&marks("touch OUT/{{host.name}}"));
    ran.well(&["ok"]);
    assert_eq!(started(&ran), Vec::<String>::new());
}

#[test]
fn after_a_group_it_is_done_and_as_it_must_be_or_the_group_has_failed() {
    let bench = Bench::new();
    bench.run(&marks("true")).failed("it was carried out and is not done");
    assert!(bench.out("end-a").exists(), "whatever happened");
    let long = "echo 0123456789 >OUT/{{host.name}}";
    bench.run(&marks(long)).failed("carried out, and not so afterwards");
    // it is done already, and still not as it must be
    let again = bench.run(&marks(long));
    again.failed("carried out, and not so afterwards");
    assert_eq!(started(&again), Vec::<String>::new());
}

#[test]
fn a_host_that_is_not_as_it_must_be_leaves_the_group_and_is_put_back() {
    let bench = Bench::new();
    let roll = |tolerate: &str| {
        format!(
            "  - id: roll\n    hosts: [ a, controller ]\n    rolling: 1\n    {tolerate}\n    on_failure: undo\n    verify: {{ that: ne host.name \"a\" }}\n    steps:\n      - id: put\n        file: {{ path: \"OUT/put-{{{{host.name}}}}\", content: x }}\n"
        )
    };
    let ran = bench.run(&roll("tolerate: 1"));
    assert_eq!(ran.code, Some(0), "{}", ran.shown);
    assert!(!bench.out("put-a").exists() && bench.out("put-controller").exists(), "{}", ran.shown);
    let left: Vec<&str> = ran.events("host_left").filter_map(|event| event["host"].as_str()).collect();
    assert_eq!(left, ["a"]);

    fs::remove_file(bench.out("put-controller")).expect("a file");
    let ran = bench.run(&roll("reach: required"));
    ran.failed("not so afterwards");
    assert!(!bench.out("put-a").exists() && !bench.out("put-controller").exists(), "{}", ran.shown);
}

#[test]
fn before_its_first_step_a_group_asks_again_and_stops_before_anything_is_done() {
    let bench = Bench::new();
    fs::write(bench.out("sure"), "").expect("a file");
    let steps = r"
  - id: sure
    hosts: controller
    require: { path: OUT/sure }
  - id: unsure
    hosts: controller
    run: rm OUT/sure
    undo: none
    why: the test's own
  - id: group
    still: [ sure ]
    on_failure: undo
    steps:
      - id: put
        hosts: a
        file: { path: OUT/put, content: x }
    always:
      - id: end
        hosts: a
        run: touch OUT/end
        undo: none
        why: it only marks
";
    let ran = bench.run(steps);
    ran.failed("`sure` no longer holds");
    assert_eq!(started(&ran), ["unsure controller"]);
    assert_eq!(ran.events("run_closed").last().expect("an end")["step"], "group");
}

const PART: &str = r#"
runbook: part/put
risk: reversible
targets: { hosts: all }
steps:
  - id: put
    hosts: hosts
    file: { path: "OUT/put-{{host.name}}", content: x }
outputs: { hosts: targets.hosts }
"#;

#[test]
fn a_part_is_done_already_or_for_the_others_and_is_as_it_must_be() {
    let bench = Bench::new();
    bench.part("part/put", PART);
    let steps = r#"
  - id: all
    hosts: [ a, controller ]
    done_when: { path: "OUT/put-{{host.name}}" }
    verify: { path: "OUT/put-{{host.name}}", that: eq result.size_bytes SIZE }
    use: { runbook: part/put }
  - id: told
    note: "{{join (default outputs.all.hosts (split 'none' ','))}}"
"#;
    fs::write(bench.out("put-a"), "y").expect("a file");
    let ran = bench.run(&steps.replace("SIZE", "1"));
    assert_eq!(started(&ran), ["all/put controller"], "{}", ran.shown);
    assert_eq!(ran.notes(), ["controller"]);
    let ran = bench.run(&steps.replace("SIZE", "1"));
    ran.well(&["ok", "ok"]);
    assert_eq!((started(&ran), ran.notes()), (Vec::new(), vec!["none"]));
    fs::remove_file(bench.out("put-a")).expect("a file");
    bench.run(&steps.replace("SIZE", "2")).failed("not so afterwards");
}

/// A group in batches whose part fails on one host, which is put back in the part and left behind.
#[test]
fn a_part_in_a_rolling_group_is_done_batch_by_batch() {
    let bench = Bench::new();
    bench.part(
        "part/put",
        &PART
            .replace("outputs:", "  - id: look\n    hosts: hosts\n    require: { that: ne host.name \"a\" }\noutputs:"),
    );
    let steps = "  - id: roll\n    hosts: [ a, controller ]\n    rolling: 1\n    tolerate: 1\n    on_failure: undo\n    steps:\n      - id: in\n        hosts: [ a, controller ]\n        use: { runbook: part/put }\n      - id: after\n        run: touch OUT/after-{{host.name}}\n        undo: none\n        why: it only marks\n";
    let ran = bench.run(steps);
    assert_eq!(ran.code, Some(0), "{}", ran.shown);
    assert_eq!(started(&ran), ["roll/in/put a", "roll/in/put a", "roll/in/put controller", "roll/after controller"]);
    assert!(!bench.out("put-a").exists() && bench.out("put-controller").exists(), "{}", ran.shown);
}

/// `always` runs a part whatever happened, and it is not put back.
#[test]
fn a_part_always_runs_and_stays() {
    let bench = Bench::new();
    bench.part("part/put", PART);
    let steps = "  - id: all\n    on_failure: undo\n    steps:\n      - { id: first, hosts: a, file: { path: OUT/first, content: x } }\n      - { id: bad, hosts: a, undo: none, why: it fails, run: exit 3 }\n    always:\n      - { id: end, hosts: a, use: { runbook: part/put } }\n";
    let ran = bench.run(steps);
    ran.failed("exit");
    assert!(!bench.out("first").exists() && bench.out("put-a").exists(), "{}", ran.shown);
}
