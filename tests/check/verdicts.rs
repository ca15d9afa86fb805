//! What a dry run says, and that a run does just that. All on this machine.

use std::fs;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rustix::process::Signal;
use serde_json::Value;

use crate::talk::{Desk, WAITS};

/// What a dry run says, for programs.
pub fn checked(desk: &Desk, args: &[&str]) -> (Option<i32>, Value) {
    let said = desk.refloat(&[&["check", "-i", "inventory.yaml", "--output", "json"], args].concat());
    let document: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    assert_eq!(document["exit"].as_i64(), said.code.map(i64::from), "{document:#}");
    (said.code, document)
}

/// The forecasts of a dry run of one runbook, each as `step word` with its text.
pub fn foreseen(document: &Value) -> Vec<(String, String)> {
    let all = document["checks"][0]["check"]["foreseen"].as_array().expect("forecasts");
    let one = |one: &Value| {
        let forecast = &one["foreseen"];
        let word = forecast["forecast"].as_str().expect("a word");
        let until = forecast["step"].as_str().map(|step| format!(" {step}")).unwrap_or_default();
        let perhaps = one["if_wanted"].as_str().map(|step| format!(" perhaps {step}")).unwrap_or_default();
        let text = ["what", "diff", "command", "message", "reason"].iter().find_map(|name| forecast[name].as_str());
        let step = one["step"].as_str().expect("a step");
        (format!("{step} {word}{until}{perhaps}"), text.unwrap_or_default().to_owned())
    };
    all.iter().map(one).collect()
}

fn words(document: &Value) -> Vec<String> {
    foreseen(document).into_iter().map(|(word, _)| word).collect()
}

#[test]
fn each_step_has_its_verdict_and_nothing_is_touched() {
    let desk = Desk::with(
        "
  - { id: is, hosts: a, directory: { path: OUT } }
  - { id: put, hosts: a, file: { path: OUT/new, content: \"one\\ntwo\\n\" } }
  - { id: point, hosts: a, link: { path: OUT/now, to: new } }
  - { id: go, hosts: a, run: echo gone >> OUT/log, undo: none, why: counted }
  - { id: read, hosts: a, gather: { log: { read: OUT/log } } }
  - id: tell
    hosts: a
    file: { path: OUT/told, content: \"the log: {{outputs.read.log}}\\n\" }
  - { id: perhaps, hosts: a, when: empty outputs.read.log, run: touch OUT/perhaps, undo: none, why: counted }
  - { id: never, hosts: a, when: 'false', run: touch OUT/never, undo: none, why: counted }
  - { id: agree, confirm: { message: 'Is {{outputs.read.log}} right?', type: 'yes' } }
  - { id: count, set: { two: '{{add 1 1}}' } }
  - { id: off, hosts: a, when: eq outputs.count.two 2, note: 'two is {{outputs.count.two}}' }
",
    );
    let (code, document) = checked(&desk, &["book.yaml"]);
    assert_eq!(code, Some(0), "{document:#}");
    let all = foreseen(&document);
    assert_eq!(
        words(&document),
        [
            "is holds",
            "put would_change",
            "point would_change",
            "go would_run",
            "read unknown_until go",
            "tell unknown_until go",
            "perhaps would_run perhaps go",
            "never skipped",
            "agree would_ask",
            "count known",
            "off known",
        ],
        "{document:#}"
    );
    let text = |step: &str| all.iter().find(|(word, _)| word.starts_with(step)).map(|(_, text)| text.as_str()).unwrap();
    assert!(text("put").ends_with("\n+one\n+two"), "{}", text("put"));
    assert!(text("tell").contains("+the log: ⟨unknown until go⟩"), "{}", text("tell"));
    assert!(text("agree").contains("Is ⟨unknown until go⟩ right?"), "{}", text("agree"));
    assert_eq!(text("off"), "two is 2");
    assert!(fs::read_dir(desk.path("out")).expect("a folder").next().is_none(), "it wrote something");
    assert!(!desk.path(".refloat").exists(), "it claimed something");
    assert_eq!(desk.status(), "ready");
    let report = desk.refloat(&["report"]);
    assert!(report.out.contains("dry run") && report.out.contains("unknown until go"), "{report:?}");
}

#[test]
fn what_stands_in_the_way_is_named_with_its_step_and_host() {
    let desk = Desk::with(
        "
  - { id: safe, require: { that: 'false', message: it is not safe } }
  - { id: gone, hosts: a, run: no-such-program --now | sort, undo: none, why: counted }
  - { id: other, hosts: a, move: { from: OUT/none, to: OUT/there } }
  - { id: install, hosts: a, run: 'true', undo: none, why: counted }
  - { id: behind, hosts: a, run: no-such-program --now, undo: none, why: counted }
  - { id: clean, hosts: a, wait: { until: { command: test -e OUT/flag }, within: 5s } }
",
    );
    let (code, document) = checked(&desk, &["book.yaml"]);
    assert_eq!(code, Some(1), "{document:#}");
    let expected = ["safe blocked", "gone blocked", "other blocked", "install would_run"];
    let rest = ["behind unknown_until install", "clean unknown_until behind"];
    assert_eq!(words(&document), [&expected[..], &rest[..]].concat(), "{document:#}");
    let reasons: Vec<String> = document["checks"][0]["check"]["reasons"]
        .as_array()
        .expect("reasons")
        .iter()
        .map(|reason| format!("{}/{}: {}", reason["step"], reason["host"], reason["reason"]).replace('"', ""))
        .collect();
    assert!(reasons[0].starts_with("safe/null: it is not safe"), "{reasons:?}");
    assert!(reasons[1].starts_with("gone/a: there is no program no-such-program for "), "{reasons:?}");
    assert!(reasons[2].starts_with("other/a: ") && reasons[2].contains("does not exist"), "{reasons:?}");
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    // a run is refused for the same reason
    let run = desk.refloat(&["run", "-i", "inventory.yaml", "book.yaml"]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.out.contains("it is not safe"), "{run:?}");
    // and for people all of them stand together
    let said = desk.refloat(&["check", "-i", "inventory.yaml", "book.yaml"]);
    assert!(said.out.contains("ready: no\n      safe: it is not safe"), "{}", said.out);
}

#[test]
fn an_outage_that_is_not_there_is_no_obstacle_unless_it_is_to_be_now() {
    let desk = Desk::with(
        "
  - { id: outage, hosts: a, symptom: { path: OUT/broken, message: nothing is broken } }
  - { id: mend, hosts: a, file: { path: OUT/broken, state: absent } }
",
    );
    let (code, document) = checked(&desk, &["book.yaml"]);
    assert_eq!((code, &document["checks"][0]["check"]["symptom"]), (Some(0), &Value::from("absent")), "{document:#}");
    let (code, document) = checked(&desk, &["book.yaml", "--now"]);
    assert_eq!((code, &document["checks"][0]["check"]["ready"]), (Some(4), &Value::from(true)), "{document:#}");
    let said = desk.refloat(&["check", "-i", "inventory.yaml", "book.yaml", "--now"]);
    assert!(said.out.contains("symptom: absent") && said.out.contains("A run now would be refused"), "{}", said.out);
    assert!(said.out.contains("nothing is broken"), "{}", said.out);
    desk.touch("broken");
    let (code, document) = checked(&desk, &["book.yaml", "--now"]);
    assert_eq!((code, &document["checks"][0]["check"]["symptom"]), (Some(0), &Value::from("present")), "{document:#}");
    assert_eq!(words(&document), ["outage holds", "mend would_change"]);
}

#[test]
fn what_nobody_gives_is_rehearsed_and_said() {
    let desk = Desk::with("\n  - { id: put, hosts: a, file: { path: OUT/new, content: '{{params.word}}' } }\n");
    let text = fs::read_to_string(desk.path("book.yaml")).expect("a file");
    let head =
        "params: { word: { type: string, env: REHEARSED_WORD } }\nrehearse: { params: { word: in the night } }\n";
    fs::write(desk.path("book.yaml"), text.replace("steps:", &format!("{head}steps:"))).expect("a file");
    let diff = |document: &Value| foreseen(document)[0].1.lines().nth(1).map(str::to_owned);
    let (_, night) = checked(&desk, &["book.yaml"]);
    assert_eq!(diff(&night).as_deref(), Some("+in the night (no line end)"), "{night:#}");
    assert_eq!(night["checks"][0]["rehearsed"], serde_json::json!(["word"]));
    let (_, given) = checked(&desk, &["book.yaml", "-p", "word=mine"]);
    assert_eq!(diff(&given).as_deref(), Some("+mine (no line end)"), "{given:#}");
    assert_eq!(given["checks"][0]["rehearsed"], serde_json::json!([]));
    // the plan that a run makes of the same words is the same one
    let plan = desk.refloat(&["plan", "-i", "inventory.yaml", "book.yaml", "-p", "word=mine", "--output", "json"]);
    let plan: Value = serde_json::from_str(&plan.out).expect("JSON");
    assert_eq!(plan["plan"], given["checks"][0]["check"]["plan"]);
    let said = desk
        .command(&["check", "-i", "inventory.yaml", "book.yaml", "--diff"])
        .env("REHEARSED_WORD", "of here")
        .output();
    let said = String::from_utf8_lossy(&said.expect("the program").stdout).into_owned();
    assert!(said.contains("+of here") && !said.contains("rehearsed"), "{said}");
    let said = desk.refloat(&["check", "-i", "inventory.yaml", "book.yaml"]);
    assert!(said.out.contains("rehearsed: nobody gave word") && !said.out.contains("+in the night"), "{}", said.out);
    let run = desk.refloat(&["run", "-i", "inventory.yaml", "book.yaml"]);
    assert_eq!(run.code, Some(3), "a run rehearses nothing: {run:?}");
}

#[test]
fn only_what_may_bring_a_program_leaves_it_open() {
    let desk = Desk::with(
        "
  - { id: text, hosts: a, file: { path: OUT/text, content: x } }
  - { id: folder, hosts: a, directory: { path: OUT/bin } }
  - { id: gone, hosts: a, run: no-such-program, undo: none, why: counted }
  - { id: tool, hosts: a, file: { path: OUT/bin/no-such-program, content: x, mode: '0755' } }
  - { id: there, hosts: a, run: no-such-program, undo: none, why: counted }
",
    );
    let (code, document) = checked(&desk, &["book.yaml"]);
    assert_eq!(code, Some(1), "{document:#}");
    let wanted = ["text would_change", "folder would_change", "gone blocked", "tool unknown_until folder"];
    assert_eq!(words(&document), [&wanted[..], &["there unknown_until tool"]].concat(), "{document:#}");
}

#[test]
fn who_owns_a_file_and_where_a_step_works_must_be_there() {
    let desk = Desk::with(
        "
  - { id: given, hosts: a, file: { path: OUT/given, content: x, owner: no-such-user } }
  - { id: grouped, hosts: a, file: { path: OUT/grouped, content: x, group: no-such-group } }
  - { id: nowhere, hosts: a, cwd: OUT/nowhere, run: 'true', undo: none, why: counted }
  - { id: make, hosts: a, directory: { path: OUT/later } }
  - { id: later, hosts: a, cwd: OUT/later, run: 'true', undo: none, why: counted }
  - { id: whoever, hosts: a, sudo: no-such-user, run: 'true', undo: none, why: counted }
",
    );
    let (code, document) = checked(&desk, &["book.yaml"]);
    assert_eq!(code, Some(1), "{document:#}");
    let wanted = ["given blocked", "grouped blocked", "nowhere blocked", "make would_change"];
    let rest = ["later unknown_until make", "whoever unknown_until later"];
    assert_eq!(words(&document), [&wanted[..], &rest[..]].concat(), "{document:#}");
    let reasons = document["checks"][0]["check"]["reasons"].to_string();
    for why in ["no such user: no-such-user", "no such group: no-such-group", "OUT/nowhere"] {
        let why = why.replace("OUT", &desk.path("out").display().to_string());
        assert!(reasons.contains(&why), "{why}: {reasons}");
    }
}

#[test]
fn a_path_that_is_written_in_two_ways_is_one() {
    for other in ["OUT/../out/x", "OUT//x", "OUT/./x"] {
        let desk = Desk::with(&format!(
            "\n  - {{ id: one, hosts: a, file: {{ path: OUT/x, content: '1' }} }}\n  - {{ id: two, hosts: a, file: {{ path: {other}, content: '2' }} }}\n"
        ));
        fs::write(desk.path("out/x"), "2").expect("a file");
        let (_, document) = checked(&desk, &["book.yaml"]);
        assert_eq!(words(&document), ["one would_change", "two would_change"], "{other}: {document:#}");
    }
}

#[test]
fn a_host_that_another_run_has_locked_is_not_ready() {
    let desk = Desk::with(WAITS);
    let run = desk.run();
    let id = desk.id();
    run.signal(Signal::KILL);
    assert_eq!(run.end().code, Some(1009));
    desk.touch("go");
    let (code, document) = checked(&desk, &["book.yaml"]);
    assert_eq!((code, words(&document)), (Some(1), vec!["first blocked".to_owned(), "second would_run".to_owned()]));
    let reason = document["checks"][0]["check"]["reasons"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains(&format!("locked by run {id} ")) && reason.contains("--takeover"), "{reason}");
    desk.refloat(&["run", "-i", "inventory.yaml", "book.yaml"]).is(4, &id);
    desk.refloat(&["resume", &id]).is(0, "every step is done");
    assert_eq!(checked(&desk, &["book.yaml"]).0, Some(0));
}

#[test]
fn secrets_and_binary_files_are_not_shown_in_differences() {
    let desk = Desk::with(
        "
  - { id: secret, hosts: a, file: { path: OUT/secret, content: \"key={{params.key}}\\n\" } }
  - { id: quiet, hosts: a, sensitive: true, file: { path: OUT/quiet, content: \"kept to itself\\n\" } }
  - { id: binary, hosts: a, file: { path: OUT/binary, content: \"text\\n\" } }
",
    );
    let text = fs::read_to_string(desk.path("book.yaml")).expect("a file");
    fs::write(
        desk.path("book.yaml"),
        text.replace("steps:", "params: { key: { type: secret, env: THE_KEY } }\nsteps:"),
    )
    .expect("a file");
    fs::write(desk.path("out").join("binary"), [0, 159, 146, 150]).expect("a file");
    fs::write(desk.path("out").join("secret"), "key=an-old-secret-value\n").expect("a file");
    let said = desk
        .command(&["check", "-i", "inventory.yaml", "book.yaml", "--diff", "--explain"])
        .env("THE_KEY", "hunter2-hunter2")
        .output();
    let said = String::from_utf8_lossy(&said.expect("the program").stdout).into_owned();
    let report = desk.refloat(&["report"]);
    for text in [&said, &report.out] {
        assert!(text.contains("a secret stands in it: not shown"), "{text}");
        assert!(text.contains("a binary file: not shown"), "{text}");
        for secret in ["hunter2", "an-old-secret", "kept to itself"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}

#[test]
fn several_runbooks_and_folders_are_checked_in_one_call() {
    let desk = Desk::with("\n  - { id: fine, hosts: a, run: 'true', undo: none, why: counted }\n");
    let book = fs::read_to_string(desk.path("book.yaml")).expect("a file");
    fs::create_dir_all(desk.path("books/deep")).expect("a folder");
    let named = |name: &str| book.replace("test/talk", name);
    fs::write(desk.path("books/one.yaml"), named("test/one")).expect("a file");
    let not = named("test/two").replace("run: 'true'", "run: no-such-program");
    fs::write(desk.path("books/deep/two.yaml"), not).expect("a file");
    fs::write(desk.path("books/deep/inventory.yaml"), "inventory: other\nhosts: { b: {} }\n").expect("a file");
    let (code, document) = checked(&desk, &["books", "book.yaml"]);
    assert_eq!(code, Some(1), "{document:#}");
    let all: Vec<String> = document["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .map(|one| format!("{} {}", one["check"]["runbook"], one["exit"]))
        .collect();
    assert_eq!(all, ["\"test/two\" 1", "\"test/one\" 0", "\"test/talk\" 0"]);
    // a text that is wrong does not hide what the others say
    fs::write(desk.path("books/one.yaml"), named("test/one").replace("hosts: a", "hosts: b")).expect("a file");
    let (code, document) = checked(&desk, &["books", "book.yaml"]);
    assert_eq!(code, Some(3), "{document:#}");
    assert_eq!(document["checks"][2]["exit"], 0, "{document:#}");
    let said = desk.refloat(&["check", "-i", "inventory.yaml", "books", "book.yaml", "-p", "nobody=1"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("`b`"), "{said:?}");
}

/// A plan in a file is what is looked at, and one that was overtaken is refused.
#[test]
fn a_pinned_plan_is_checked_as_it_stands() {
    let desk = Desk::with("\n  - { id: put, hosts: a, file: { path: OUT/new, content: one } }\n");
    let planned =
        desk.refloat(&["plan", "-i", "inventory.yaml", "book.yaml", "--out", "plan.json", "--output", "json"]);
    assert_eq!(planned.code, Some(0), "{planned:?}");
    let planned: Value = serde_json::from_str(&planned.out).expect("JSON");
    let said = desk.refloat(&["check", "--plan", "plan.json", "--output", "json"]);
    let document: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    assert_eq!(said.code, Some(0), "{document:#}");
    assert_eq!(document["checks"][0]["check"]["plan"], planned["plan"]);
    assert_eq!(words(&document), ["put would_change"]);
    let text = fs::read_to_string(desk.path("book.yaml")).expect("a file");
    fs::write(desk.path("book.yaml"), text.replace("content: one", "content: two")).expect("a file");
    let said = desk.refloat(&["check", "--plan", "plan.json"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.err.contains("one") && said.err.contains("two") && said.err.contains("refloat plan"), "{said:?}");
}

/// What steps need is asked for once a host, before the first step, and nothing else before it.
#[test]
fn before_the_first_step_a_host_is_asked_once() {
    let desk = Desk::with(
        "
  - { id: see, hosts: a, gather: { x: { command: 'true' } } }
  - { id: go, hosts: a, run: sort /dev/null, undo: none, why: counted }
  - { id: put, hosts: a, file: { path: OUT/new, content: one } }
",
    );
    let said = desk.refloat(&["check", "-i", "inventory.yaml", "book.yaml", "--explain"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let asks: Vec<&str> = said.out.lines().filter(|line| line.starts_with("    asks ")).collect();
    assert_eq!(asks.len(), 3, "what is needed, the probe, the file: {asks:#?}");
    assert!(asks[0].starts_with("    asks a: # shellcheck shell=sh"), "{asks:#?}");
    assert!(said.out.contains("program sort"), "{}", said.out);
    assert_eq!(asks[1], "    asks a: true", "{asks:#?}");
    // and what a run would send
    let sent = said.out.split("▸ put (a)  would change").nth(1).expect("the file");
    assert!(sent.contains("      sends: ") && sent.contains("cat >\"$staged\""), "{sent}");
    let with = format!("… with {} ", desk.path("out/new").display());
    assert!(sent.contains("mv -f -- \"$staged\" \"$path\"") && sent.contains(&with), "{sent}");
}

/// One action on one of three paths.
#[derive(Clone, Debug)]
enum Act {
    File(u8, u8),
    Gone(u8),
    Link(u8, u8),
    Folder(u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..3_u8, 0..2_u8).prop_map(|(path, content)| Act::File(path, content)),
        1 => (0..3_u8).prop_map(Act::Gone),
        1 => (3..5_u8, 0..3_u8).prop_map(|(path, to)| Act::Link(path, to)),
        1 => (5..7_u8).prop_map(Act::Folder),
    ]
}

fn step(n: usize, act: &Act) -> String {
    let what = match act {
        Act::File(path, content) => format!("file: {{ path: OUT/p{path}, content: 'c{content}' }}"),
        Act::Gone(path) => format!("file: {{ path: OUT/p{path}, state: absent }}"),
        Act::Link(path, to) => format!("link: {{ path: OUT/p{path}, to: p{to} }}"),
        Act::Folder(path) => format!("directory: {{ path: OUT/p{path} }}"),
    };
    format!("  - {{ id: s{n}, hosts: a, {what} }}\n")
}

/// Where check says *holds* nothing changes, where it says *would change* that is changed, and nothing is left unsaid.
#[test]
fn what_is_foreseen_is_what_a_run_does() {
    let acts = (prop::collection::vec(act(), 1..7), prop::collection::vec(prop::option::of(0..2_u8), 3));
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let tried = runner.run(&acts, |(acts, before)| {
        let steps: String = acts.iter().enumerate().map(|(n, act)| step(n, act)).collect();
        let desk = Desk::with(&format!("\n{steps}"));
        for (n, content) in before.iter().enumerate() {
            if let Some(content) = content {
                fs::write(desk.path("out").join(format!("p{n}")), format!("c{content}")).expect("a file");
            }
        }
        let (code, document) = checked(&desk, &["book.yaml"]);
        let run = desk.refloat(&["run", "-i", "inventory.yaml", "book.yaml"]);
        let report = desk.report();
        let mut outcomes: Vec<(String, String)> = Vec::new();
        for event in crate::talk::events(&report, "unit_ended") {
            let key = &event["key"];
            let started = crate::talk::events(&report, "units_started");
            let unit =
                started.iter().flat_map(|start| start["units"].as_array().unwrap()).find(|unit| unit["key"] == *key);
            let step = unit.expect("a start")["unit"]["step"].as_str().unwrap().to_owned();
            outcomes.push((step, event["outcome"].as_str().unwrap().to_owned()));
        }
        for (word, text) in foreseen(&document) {
            let (step, word) = word.split_once(' ').expect("two words");
            let outcome = outcomes.iter().find(|(of, _)| of == step).map(|(_, outcome)| outcome.as_str());
            let right = match word {
                "holds" => outcome.is_none_or(|outcome| outcome == "ok"),
                "would_change" => outcome == Some("changed"),
                "blocked" => run.code != Some(0),
                _ => true,
            };
            prop_assert!(
                right,
                "{step}: {word} ({text}), and it was {outcome:?} of {outcomes:?}\n{steps}{before:?}\n{run:?}"
            );
        }
        // and of each file what was foreseen is what is written, to the byte
        for path in 0..3_u8 {
            let last = acts.iter().rposition(|act| matches!(act, Act::File(p, _) | Act::Gone(p) if *p == path));
            let Some((n, Act::File(_, content))) = last.map(|n| (n, &acts[n])) else { continue };
            let of = foreseen(&document).into_iter().find(|(word, _)| *word == format!("s{n} would_change"));
            let Some((_, diff)) = of.filter(|_| run.code == Some(0)) else { continue };
            let come = diff.lines().skip(1).filter_map(|line| line.strip_prefix('+'));
            let come: String = come.map(|line| line.strip_suffix(" (no line end)").unwrap_or(line)).collect();
            let written = fs::read_to_string(desk.path("out").join(format!("p{path}"))).expect("a file");
            // where an earlier step decides what is replaced, the difference is not known
            prop_assert!(come.is_empty() || come == written, "{diff}\n{written}");
            prop_assert_eq!(&written, &format!("c{content}"));
        }
        prop_assert_eq!(code == Some(0), run.code == Some(0), "{:?} {:?}\n{}{:?}", code, run, steps, before);
        Ok(())
    });
    tried.unwrap_or_else(|failed| panic!("{failed}"));
}
