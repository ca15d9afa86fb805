//! What a used part shares with the run that it is a part of: its failures are put back, in its own names; what it owes to a
//! host is a duty of the run; it can stand in `always`; its questions and picks are its own.

use std::fs;

use super::{Bench, Ran};
use crate::support::sshd::{Sshd, available};
use crate::support::tier;

const MARK: &str = r#"
runbook: part/mark
risk: reversible
params: { word: { type: string } }
targets: { hosts: all }
steps:
  - id: put
    hosts: hosts
    reach: later
    steps:
      - { id: one, file: { path: "OUT/{{host.name}}", content: "{{params.word}}\n" } }
      - { id: two, run: "echo {{params.word}} >>OUT/{{host.name}}.ran", undo: none, why: it only counts }
"#;

/// What the part put for a host.
fn marked(bench: &Bench, host: &str) -> (Option<String>, Option<String>) {
    let read = |name: String| fs::read_to_string(bench.out(&name)).ok();
    (read(host.to_owned()), read(format!("{host}.ran")))
}

fn rows(ran: &Ran, section: &str) -> Vec<String> {
    let rows = ran.report[section].as_array().expect("a list").iter();
    rows.map(|row| format!("{} {}", row["step"].as_str().expect("a step"), row["host"].as_str().expect("a host")))
        .collect()
}

#[test]
fn what_a_part_owes_to_a_host_is_a_duty_of_the_run_and_is_carried_out_in_the_names_of_the_part() {
    if !tier("sshd", available()) {
        return;
    }
    let sshd = Sshd::start("");
    let bench = Bench::new();
    bench.part("part/mark", MARK);
    let inventory = format!(
        "inventory: ssh\nhosts:\n  a: {{ connect: {{ via: local }} }}\n  far: {{ address: 127.0.0.1, port: {}, connect: {{ ssh_config: '{}' }} }}\n",
        sshd.port,
        sshd.path("ssh_config").display()
    );
    fs::write(bench.beside("inventory.yaml"), inventory).expect("a file");
    // away
    sshd.client("ProxyCommand false", "client", "known");
    let steps = "  - id: go\n    hosts: [ a, far ]\n    use: { runbook: part/mark, params: { word: first } }\n  - id: again\n    hosts: a\n    use: { runbook: part/mark, params: { word: second } }\n";
    let ran = bench.run(steps);
    assert_eq!(ran.code, Some(0), "{}", ran.shown);
    assert_eq!(rows(&ran, "duties"), ["go/put far"]);
    assert_eq!(marked(&bench, "far"), (None, None));
    let text = |words: &str| Some(words.to_owned());
    assert_eq!(marked(&bench, "a"), (text("second\n"), text("first\nsecond\n")));

    // back: the word is the one of that part, not of the other use of the same runbook
    sshd.client("", "client", "known");
    let run = ran.report["run"].as_str().expect("an id");
    for (code, said) in [(0, "far/go/put: done"), (0, "owes nothing")] {
        let duty = bench.refloat(&["duty", run], steps);
        let out = String::from_utf8_lossy(&duty.stdout).into_owned() + &String::from_utf8_lossy(&duty.stderr);
        assert_eq!(duty.status.code(), Some(code), "{out}");
        assert!(out.contains(said), "{said:?} is not in {out}");
    }
    assert_eq!(marked(&bench, "far"), (text("first\n"), text("first\n")));
    assert_eq!(marked(&bench, "a"), (text("second\n"), text("first\nsecond\n")));
}

const CHANGE: &str = r#"
runbook: part/change
risk: reversible
params: { word: { type: string } }
targets: { hosts: all }
steps:
  - id: all
    on_failure: undo
    steps:
      - id: put
        hosts: hosts
        run: touch OUT/{{params.word}}
        undo: [ { run: "rm OUT/{{params.word}} && echo {{params.word}} >>OUT/undone" } ]
      - { id: file, hosts: hosts, file: { path: OUT/file, content: "{{params.word}}" } }
      - { id: look, hosts: hosts, run: test ! -e OUT/broken, undo: none, why: it only looks }
"#;

#[test]
fn a_part_puts_back_what_it_did_in_its_own_names_and_no_more() {
    let bench = Bench::new();
    bench.part("part/change", CHANGE);
    fs::write(bench.out("file"), "before").expect("a file");
    fs::write(bench.out("broken"), "").expect("a file");
    let steps = "  - { id: put, hosts: a, run: touch OUT/own, undo: [ { run: rm OUT/own } ] }\n  - id: part\n    hosts: a\n    use: { runbook: part/change, params: { word: its } }\n";
    let ran = bench.run(steps);
    ran.failed("exit 1");
    assert_eq!(ran.events("run_closed").last().expect("an end")["step"], "part/all/look");
    assert_eq!(fs::read_to_string(bench.out("file")).expect("a file"), "before");
    assert_eq!(fs::read_to_string(bench.out("undone")).expect("a file"), "its\n");
    assert!(!bench.out("its").exists() && bench.out("own").exists(), "{}", ran.shown);
    assert_eq!(rows(&ran, "undone"), ["part/all/file a", "part/all/put a"]);

    // around it, what was done before goes as well, after what the part did
    let around = format!(
        "  - id: around\n    on_failure: undo\n    steps:\n{}",
        steps.replace("\n  ", "\n      ").replacen("  -", "      -", 1)
    );
    let ran = bench.run(around.trim_end_matches(' '));
    ran.failed("exit 1");
    assert!(!bench.out("its").exists() && !bench.out("own").exists(), "{}", ran.shown);
    assert_eq!(rows(&ran, "undone"), ["around/part/all/file a", "around/part/all/put a", "around/put a"]);
    assert_eq!(fs::read_to_string(bench.out("undone")).expect("a file"), "its\nits\n", "once for each run");
}

#[test]
fn a_part_in_always_is_carried_out_whatever_happened() {
    let bench = Bench::new();
    bench.part("part/mark", MARK);
    let steps = "  - id: all\n    on_failure: undo\n    steps:\n      - { id: put, hosts: a, file: { path: OUT/put, content: x } }\n      - { id: look, hosts: a, run: test ! -e OUT/broken, undo: none, why: it only looks }\n    always:\n      - { id: tell, hosts: a, use: { runbook: part/mark, params: { word: told } } }\n";
    bench.run(steps).well(&["changed", "changed", "changed", "changed", "ok", "ok", "ok"]);
    let told = (Some("told\n".to_owned()), Some("told\n".to_owned()));
    assert_eq!(marked(&bench, "a"), told);
    assert!(bench.out("put").exists());

    for name in ["put", "a", "a.ran"] {
        fs::remove_file(bench.out(name)).expect("taken away");
    }
    fs::write(bench.out("broken"), "").expect("a file");
    let ran = bench.run(steps);
    ran.failed("exit 1");
    assert!(!bench.out("put").exists(), "put back: {}", ran.shown);
    assert_eq!(marked(&bench, "a"), told, "{}", ran.shown);
}

const CHOOSE: &str = r#"
runbook: part/choose
risk: reversible
targets: { hosts: all }
steps:
  - id: which
    ask: { message: Where to?, values: [ live, trial ], default: trial }
  - id: see
    hosts: hosts
    gather: { length: { command: "printf %s {{host.name}} | wc -c", parse: int } }
  - id: choose
    pick: { chosen: { from: hosts, highest: outputs.see.length } }
  - id: put
    hosts: chosen
    when: eq outputs.which.answer "trial"
    file: { path: "OUT/{{outputs.which.answer}}", content: "{{host.name}}" }
outputs: { to: outputs.which.answer, chosen: targets.chosen.one.name }
"#;

#[test]
fn a_part_asks_and_picks_for_itself() {
    let bench = Bench::new();
    bench.part("part/choose", CHOOSE);
    let steps = "  - { id: which, ask: { message: 'And here?', values: [ east, west ], default: west } }\n  - { id: choose, pick: { chosen: { from: a, reachable: true } } }\n  - { id: part, hosts: [ a, controller ], use: { runbook: part/choose } }\n  - { id: told, note: '{{outputs.which.answer}} {{join targets.chosen}} {{outputs.part.to}} {{outputs.part.chosen}}' }\n";
    let ran = bench.run(steps);
    assert_eq!(ran.code, Some(0), "{}", ran.shown);
    assert_eq!(ran.notes(), ["west a trial controller"]);
    assert_eq!(fs::read_to_string(bench.out("trial")).expect("a file"), "controller");
    let asked: Vec<&str> = ran.events("answered").filter_map(|event| event["text"].as_str()).collect();
    assert_eq!(asked, ["west", "trial"]);
}
