//! `run --from`: the middle of a runbook, when nothing of it needs what is left out.

use std::fs;

use super::desk::Desk;

const BOOK: &str = r#"
runbook: test/from
risk: reversible
params: { place: { type: path } }
steps:
  - { id: look, hosts: a-1, gather: { name: { command: hostname } } }
  - { id: first, hosts: a-1, file: { path: "{{params.place}}/first", content: "1" } }
  - { id: sure, confirm: { message: "Really?" } }
  - id: work
    hosts: a-1
    steps:
      - { id: one, file: { path: "{{params.place}}/one", content: "1" } }
      - { id: two, file: { path: "{{params.place}}/two", content: "2" } }
  - { id: last, hosts: a-1, file: { path: "{{params.place}}/last", content: "3" } }
"#;

fn desk(book: &str) -> (Desk, String) {
    let desk = Desk::new(book);
    let place = desk.path().join("place");
    fs::create_dir(&place).expect("made");
    let run = format!("run r.yaml -i i.yaml -p place={}", place.display());
    (desk, run)
}

#[test]
fn what_stands_before_is_left_out_and_said_and_a_person_is_asked_all_the_same() {
    let (desk, run) = desk(BOOK);
    let refused = desk.ends(4, &format!("{run} --from two"));
    assert!(refused.out.contains("Really?"), "nobody agreed: {}", refused.out);
    let done = desk.ends(0, &format!("{run} --from work/two --yes --reason again"));
    assert!(done.err.contains("Not done, since the run begins at work/two: look, first, work/one."), "{}", done.err);
    let there = |name: &str| desk.path().join("place").join(name).exists();
    assert_eq!(["first", "one", "two", "last"].map(there), [false, false, true, true]);
    let report = desk.ends(0, "report").out;
    for words in ["every step from `work/two` on is done", "begun at", "reason", "again", "the run began at `work/two`"]
    {
        assert!(report.contains(words), "{words}\n{report}");
    }
    assert!(desk.ends(0, "why first").out.contains("first: skipped: the run began at `work/two`"));
    assert!(desk.ends(2, &format!("{run} --from twoo")).err.contains("did you mean"));
}

#[test]
fn it_is_refused_where_something_needs_what_is_left_out() {
    let (desk, run) = desk(&BOOK.replace("content: \"3\"", "content: \"{{outputs.look.name}}\""));
    let refused = desk.ends(4, &format!("{run} --from last --yes")).err;
    assert!(refused.contains("it cannot begin at `last`: `last` needs `outputs.look.name`"), "{refused}");
    assert!(!desk.path().join("state").exists(), "no run began");
    let picks = BOOK
        .replace(
            "  - { id: sure",
            "  - { id: choose, pick: { best: { from: pair, reachable: true } } }\n  - { id: sure",
        )
        .replace("id: last, hosts: a-1", "id: last, hosts: best");
    desk.write("r.yaml", &picks);
    let refused = desk.ends(4, &format!("{run} --from last --yes")).err;
    assert!(refused.contains("`last` is about `best`, chosen at `choose`"), "{refused}");
    desk.ends(0, &format!("{run} --from choose --yes"));
    desk.write("r.yaml", &BOOK.replace("    hosts: a-1\n    steps:", "    hosts: pair\n    rolling: 1\n    steps:"));
    let refused = desk.ends(4, &format!("{run} --from two --yes")).err;
    assert!(refused.contains("begin at `work`"), "{refused}");
}
