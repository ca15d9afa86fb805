//! `use`: a runbook as a part of another, with names of its own.

use std::fs;

use super::Bench;

const GREET: &str = r#"
runbook: part/greet
risk: reversible
params: { word: { type: string }, who: { type: host }, times: { type: int, default: 2 } }
vars: { place: { type: path, default: "OUT/{{host.name}}" } }
targets: { hosts: all, both: [ hosts, who ] }
steps:
  - id: here
    pick: { first: { from: both, reachable: true } }
  - id: say
    hosts: first
    still: [ wanted ]
    file: { path: "{{vars.place}}", content: "{{params.word}} {{params.times}}\n" }
  - id: wanted
    require: { that: eq params.times 2 }
  - id: read
    hosts: hosts
    gather: { said: { read: "{{vars.place}}" } }
outputs: { said: outputs.read.said, first: targets.first }
"#;

const STEPS: &str = r#"
  - id: here
    hosts: controller
    gather: { name: { command: echo web-1 } }
  - id: part
    hosts: a
    use: { runbook: part/greet, params: { word: "hi {{outputs.here.name}}", who: controller } }
  - id: told
    note: "{{outputs.part.said}} from {{join outputs.part.first}}"
"#;

impl Bench {
    pub(super) fn part(&self, name: &str, text: &str) {
        let file = self.beside("runbooks").join(format!("{name}.yaml"));
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, text.replace("OUT", self.out("").display().to_string().trim_end_matches('/'))).expect("a file");
    }
}

fn greet() -> String {
    // `still` names an earlier step
    let (head, steps) = GREET.split_once("steps:\n").expect("steps");
    let wanted = "  - id: wanted\n    require: { that: eq params.times 2 }\n";
    format!("{head}steps:\n{wanted}{}", steps.replace(wanted, ""))
}

#[test]
fn a_part_has_names_of_its_own_and_gives_its_outputs() {
    let bench = Bench::new();
    bench.part("part/greet", &greet());
    let plan = bench.plan(STEPS);
    for line in ["part [use]", "part/greet", "here [pick]", "⟨unknown until read⟩ from"] {
        assert!(plan.contains(line), "{line:?} is not in\n{plan}");
    }
    let ran = bench.run(STEPS);
    ran.well(&["ok", "ok", "ok", "changed", "ok", "ok", "ok"]);
    for host in ["a", "controller"] {
        assert_eq!(fs::read_to_string(bench.out(host)).expect("a file"), "hi web-1 2\n");
    }
    assert_eq!(ran.notes(), ["hi web-1 2 from a, controller"]);
    let picked = ran.events("target_picked").last().expect("an event");
    assert_eq!(picked["name"], "part/first");
    let opened: Vec<&str> = ran.events("step_opened").filter_map(|event| event["step"].as_str()).collect();
    assert_eq!(opened, ["here", "part", "part/wanted", "part/here", "part/say", "part/read", "told"]);
}

#[test]
fn a_part_is_put_back_with_what_is_around_it() {
    let bench = Bench::new();
    bench.part("part/greet", &greet());
    let group = "  - id: all\n    on_failure: undo\n    steps:\n      - id: part\n        hosts: a\n        use: { runbook: part/greet, params: { word: x, who: a } }\n      - { id: bad, hosts: a, undo: none, why: it fails, run: exit 3 }\n";
    let ran = bench.run(group);
    ran.failed("exit");
    assert!(!bench.out("a").exists(), "{}", ran.shown);
    let undone = ran.events("step_closed").filter(|event| event["phase"] == "undo");
    assert!(undone.map(|event| event["step"].as_str()).any(|step| step == Some("all/part/say")), "{}", ran.shown);
}

#[test]
fn a_part_that_says_no_stops_the_run_there() {
    let bench = Bench::new();
    bench.part("part/greet", &greet());
    let steps = STEPS.replace("who: controller }", "who: controller, times: 3 }");
    let ran = bench.run(&steps);
    ran.failed("not so: eq params.times 2");
    assert_eq!(ran.events("run_closed").last().expect("an end")["step"], "part/wanted");
}

#[test]
fn parts_of_parts_find_their_own_files() {
    let bench = Bench::new();
    bench.part("part/inner", "runbook: part/inner\nrisk: reversible\nlock: inner\nsteps:\n  - { id: put, hosts: controller, file: { path: OUT/inner, upload: data.txt } }\noutputs: { put: outcomes.put }\n");
    fs::write(bench.beside("runbooks/part/data.txt"), "inner").expect("a file");
    bench.part(
        "other/outer",
        "runbook: other/outer\nrisk: reversible\nsteps:\n  - { id: put, hosts: controller, file: { path: OUT/outer, upload: data.txt } }\n  - { id: in, use: { runbook: part/inner } }\noutputs: { put: outputs.in.put }\n",
    );
    fs::write(bench.beside("runbooks/other/data.txt"), "outer").expect("a file");
    let ran =
        bench.run("  - { id: go, use: { runbook: other/outer } }\n  - { id: told, note: '{{outputs.go.put}}' }\n");
    ran.well(&["changed", "changed", "ok", "ok", "ok"]);
    for name in ["inner", "outer"] {
        assert_eq!(fs::read_to_string(bench.out(name)).expect("a file"), name);
    }
    assert_eq!(ran.notes(), ["changed"]);
}
