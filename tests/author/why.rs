//! `refloat why`: each decision is followed back to what was seen.

use std::fs;

use super::desk::Desk;

const BOOK: &str = r#"
runbook: test/why
risk: reversible
params: { place: { type: path }, token: { type: secret } }
steps:
  - { id: see, hosts: pair, gather: { size: { command: "echo {{host.name}} | tail -c 2", parse: int } } }
  - id: enough
    title: Is there enough?
    require: { every: { hosts: pair, that: gt outputs.see.size 0 }, message: there is nothing }
  - { id: choose, pick: { best: { from: pair, highest: outputs.see.size } } }
  - { id: sure, confirm: { message: "Really?" } }
  - id: work
    steps:
      - id: make
        hosts: best
        why: The best one has most.
        run: { command: "cat >/dev/null; echo {{outputs.see.size}} >> {{params.place}}/log", stdin: "{{params.token}}" }
        undo: none
        watch: { log: "{{params.place}}/log", within: 20s, expect: [ { line: "2" } ] }
      - { id: never, hosts: a-1, when: gt outputs.see.size 5, note: nothing }
"#;

fn ran() -> (Desk, String) {
    let desk = Desk::new(BOOK);
    fs::write(desk.path().join("log"), "begun\n").expect("written");
    let place = desk.path().display().to_string();
    let words = ["run", "r.yaml", "-i", "i.yaml", "--yes", "-p", &format!("place={place}"), "-p", "token=hidden-word"];
    let said = desk.refloat(&words);
    assert_eq!(said.code, 0, "{}\n{}", said.out, said.err);
    (desk, place)
}

#[test]
fn a_unit_is_followed_back_to_what_was_asked_on_which_host() {
    let (desk, place) = ran();
    let why = desk.ends(0, "why work/make@a-2").out;
    for words in [
        "work/make@a-2: changed after",
        "what was done: cat >/dev/null; echo 2 >> ",
        "why: The best one has most.",
        "best was chosen: a-2 (pair of 2, a-2 has 2)",
        "before it, enough was ok",
        "before it, sure was ok, accepted by",
        "outputs.see.size of a-1 was 1",
        "outputs.see.size of a-2 was 2",
        "found by see@a-2, by command echo a-2 | tail -c 2",
        &format!("params.place of a-2 was {place}"),
        &format!("the log {place}/log of a-2, byte 6 said what was waited for, \"2\""),
    ] {
        assert!(why.contains(words), "{words}\n{why}");
    }
    assert!(!why.contains("hidden-word"), "{why}");
    // by its last part, with or without the run
    assert_eq!(desk.ends(0, "why make@a-2").out, why);
    let run = why.lines().next().and_then(|line| line.split(' ').nth(1)).expect("a run").to_owned();
    assert_eq!(desk.ends(0, &format!("why {run} make@a-2")).out, why);
}

#[test]
fn guards_choices_people_and_skips_are_explained() {
    let (desk, _) = ran();
    let guard = desk.ends(0, "why enough").out;
    for words in ["enough: ok", "Is there enough?", "it held (a-1): every pair", "outputs.see.size of a-1 was 1"] {
        assert!(guard.contains(words), "{words}\n{guard}");
    }
    let chosen = desk.ends(0, "why choose").out;
    assert!(chosen.contains("best was chosen: a-2") && chosen.contains("found by see@a-1"), "{chosen}");
    let person = desk.ends(0, "why sure").out;
    assert!(person.contains("a person was asked: Really?") && person.contains("accepted by"), "{person}");
    let skipped = desk.ends(0, "why never").out;
    assert!(skipped.contains("never: skipped: `when` is false"), "{skipped}");
    let json: serde_json::Value = serde_json::from_str(&desk.ends(0, "why see@a-1 --output json").out).expect("JSON");
    assert_eq!(json["chains"][0]["because"][0]["what"], "what was done: reads size");
    let text = json.to_string();
    assert!(text.contains("it gave size = 1, by command echo a-1 | tail -c 2"), "{text}");
}

#[test]
fn what_is_not_there_gives_the_nearest_name() {
    let desk = Desk::new(
        "runbook: test/short\nrisk: read-only\nsteps:\n  - { id: say, note: hello }\n  - { id: stop, hosts: a-1, require: { that: eq 1 2 } }\n  - { id: later, note: bye }\n",
    );
    desk.ends(6, "why say");
    desk.ends(4, "run r.yaml -i i.yaml");
    assert!(desk.ends(2, "why stopp").err.contains("did you mean `stop`?"));
    assert!(desk.ends(2, "why zzz").err.contains("there are: say, stop"));
    let never = desk.ends(0, "why later").out;
    assert!(never.contains("later never began") && never.contains("the run ended at stop:"), "{never}");
    desk.ends(6, "why zzzz say");
    assert!(ran().0.ends(2, "why mkae@a-2").err.contains("did you mean `make@a-2`?"));
}
