//! `ask` and `manual`: who answers, what counts, what opens itself.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use super::{Bench, Ran};

const CHOICE: &str = r"
  - id: which
    ask: { message: Where to?, values: [ live, trial ], default: trial }
  - id: told
    note: 'to {{outputs.which.answer}}'
";

impl Bench {
    /// `refloat run` with an answer for this very plan.
    fn answered(&self, steps: &str, answer: &str) -> Ran {
        let plan = self.refloat(&["plan", "--output", "json", "book.yaml", "-i", "inventory.yaml"], steps);
        let plan: serde_json::Value = serde_json::from_slice(&plan.stdout).expect("JSON");
        let digest = plan["plan"].as_str().expect("a digest");
        let confirm = format!("{answer}@{digest}");
        let ran = self.refloat(&["run", "book.yaml", "-i", "inventory.yaml", "--confirm", &confirm], steps);
        self.ran(&ran, steps)
    }
}

#[test]
fn an_answer_is_an_output_and_stands_in_the_journal() {
    let bench = Bench::new();
    let ran = bench.run(CHOICE);
    ran.well(&["ok", "ok"]);
    assert_eq!(ran.notes(), ["to trial"]);
    let said = ran.events("answered").last().expect("an answer");
    assert_eq!((said["text"].as_str(), said["answer"].as_str()), (Some("trial"), Some("accepted")));
    assert!(said["by"].as_str().expect("who").ends_with("(the default)"), "{said}");
    let kept = ran.events("unit_ended").last().expect("a unit");
    assert_eq!(kept["outputs"]["answer"], "trial");

    let ran = bench.answered(CHOICE, "live");
    ran.well(&["ok", "ok"]);
    assert_eq!(ran.notes(), ["to live"]);
    let ran = bench.answered(CHOICE, "lvie");
    ran.failed("not answered: `lvie` is not one of `live`, `trial`");
    assert_eq!(ran.code, Some(4));

    let open = "  - { id: many, ask: { message: How many?, type: int } }\n  - { id: said, note: '{{add outputs.many.answer 1}}' }\n";
    bench.run(open).failed("there is no terminal to ask at; give --confirm 'VALUE@");
    let ran = bench.answered(open, "41");
    assert_eq!(ran.notes(), ["42"]);
    bench.answered(open, "some").failed("a whole number is wanted, found `some`");
}

#[test]
fn what_is_done_by_hand_is_said_to_be_done_and_is_looked_at() {
    let bench = Bench::new();
    let steps = "  - id: pull\n    manual: { instructions: Pull the plug. }\n    verify: { path: OUT/pulled }\n    hosts: controller\n";
    bench.run(steps).failed("not done by hand: there is no terminal to ask at; give --confirm 'done@");
    bench.answered(steps, "yes").failed("`done` was to be typed, and `yes` was");
    bench.answered(steps, "done").failed("carried out, and not so afterwards");
    fs::write(bench.out("pulled"), "").expect("a file");
    bench.answered(steps, "done").well(&["ok"]);
}

#[test]
fn what_is_seen_to_be_done_opens_itself() {
    let bench = Bench::new();
    let steps = "  - id: pull\n    hosts: controller\n    done_when: { path: OUT/pulled }\n    manual: { instructions: Pull the plug., deadline: 2m }\n";
    let mut command = bench.command(&["run", "--output", "json", "book.yaml", "-i", "inventory.yaml"], steps);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    assert!(lines.any(|line| line.expect("text").contains("\"asked\"")));
    fs::write(bench.out("pulled"), "").expect("a file");
    // it must be able to say all the rest
    lines.by_ref().for_each(drop);
    let ran = bench.ran(&child.wait_with_output().expect("it ends"), steps);
    ran.well(&["ok"]);
    assert_eq!(ran.events("answered").last().expect("an answer")["by"], "its `done_when`");
    // seen before anybody is asked
    let ran = bench.run(steps);
    ran.well(&["ok"]);
    assert_eq!(ran.events("asked").count(), 0);

    fs::remove_file(bench.out("pulled")).expect("removed");
    let ran = bench.run(&steps.replace("2m", "1s"));
    ran.failed("not done by hand in time");
    assert_eq!(ran.events("answered").last().expect("an answer")["answer"], "expired");
}

#[test]
fn a_plan_says_what_people_are_asked() {
    let steps = format!("{CHOICE}  - {{ id: pull, manual: {{ instructions: 'Pull the {{{{run.mode}}}} plug.' }} }}\n");
    let plan = Bench::new().plan(&steps);
    for line in ["a person answers: one of live, trial", "a person does by hand: Pull the plan plug."] {
        assert!(plan.contains(line), "{line:?} is not in\n{plan}");
    }
}

#[test]
fn a_person_decides_what_a_failure_does() {
    let steps = "  - id: both\n    on_failure: ask\n    hosts: a\n    steps:\n      - { id: write, file: { path: OUT/x, content: x } }\n      - { id: bad, undo: none, why: it fails, run: exit 3 }\n  - { id: after, note: went on }\n";
    let bench = Bench::new();
    let ran = bench.answered(steps, "undo");
    ran.failed("exit");
    assert!(!bench.out("x").exists(), "{}", ran.shown);
    let asked = ran.events("asked").last().expect("a question");
    assert_eq!(asked["step"], "both/bad");
    assert_eq!(asked["expects"], "one of undo, stop, continue; by default stop");

    let ran = bench.answered(steps, "continue");
    ran.failed("everything was gone through, and this failed on the way");
    assert_eq!(ran.notes(), ["went on"]);
    assert!(bench.out("x").exists());

    // nobody is there
    let ran = bench.run(steps);
    ran.failed("exit");
    assert!(bench.out("x").exists() && ran.notes().is_empty(), "{}", ran.shown);

    let whole =
        steps.replace("    on_failure: ask\n", "").replace("  - { id: after, note: went on }\n", "on_failure: ask\n");
    std::fs::remove_file(bench.out("x")).expect("removed");
    bench.answered(&whole, "undo").failed("exit");
    assert!(!bench.out("x").exists());
}
