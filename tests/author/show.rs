//! `refloat show`: a runbook in words, and the same words on the confirm screen.

use std::path::Path;

use super::desk::Desk;

const BOOK: &str = r#"
runbook: test/shown
title: "Move the `web` *away*"
description: |
  One thing
  after the other.
owner: nobody
risk: destructive
params:
  gone: { type: hosts, of: pair, min: 1, description: Who is gone }
  size: { type: int, default: 3, values: [1, 3] }
  token: { type: secret, from: { command: "touch started" } }
targets: { left: "pair:!gone" }
steps:
  - { id: look, hosts: left, gather: { name: { command: hostname } } }
  - id: safe
    hosts: left
    require: { path: /tmp, that: not (empty result.kind), message: there is no place }
  - id: sure
    confirm: { message: "Really?", type: gone }
  - id: work
    on_failure: undo
    steps:
      - { id: make, hosts: left, directory: { path: "/tmp/made-{{run.id}}" } }
      - { id: call, hosts: left, run: "echo one\necho {{params.size}}", undo: none }
"#;

#[test]
fn a_reader_sees_whom_it_touches_what_it_asks_and_what_can_be_undone() {
    let desk = Desk::new(BOOK);
    let shown = desk.ends(0, "show r.yaml").out;
    for line in [
        "Move the `web` *away*",
        "test/shown, owned by nobody",
        "Risk destructive: what it changes cannot all be changed back;",
        "  One thing after the other.",
        "  May change the hosts of left.",
        "  Cannot be undone: work/call.",
        "  - left: pair without gone",
        "  - gone: hosts of pair, at least 1; must be given. Who is gone",
        "  - size: one of 1, 3; `3`, unless another is given",
        "  - sure: a person agrees, by typing `gone`",
        "  When work fails, this is undone, newest first: work/make.",
        "  1. [look]",
        "     - name: the command `hostname`",
        "     - the path `/tmp`: `result.kind is not empty` (else: there is no place)",
        "    4.1. [make]",
        "       Makes the folder `/tmp/made-{{run.id}}`, where it is not there.",
        "       Runs this in a shell:",
        "           echo one",
        "           echo {{params.size}}",
        "       It cannot be undone.",
    ] {
        assert!(shown.lines().any(|shown| shown.starts_with(line)), "{line}\n{shown}");
    }
    assert!(!shown.contains("a-1"), "nobody gave an inventory: {shown}");
    assert!(!desk.path().join("started").exists() && !desk.path().join("state").exists(), "nothing is started or made");
    assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
}

#[test]
fn hosts_have_names_with_an_inventory_as_far_as_they_are_known() {
    let desk = Desk::new(BOOK);
    let unknown = desk.ends(0, "show r.yaml -i i.yaml").out;
    assert!(unknown.contains("May change the hosts of left."), "{unknown}");
    let known = desk.ends(0, "show r.yaml -i i.yaml -p gone=a-2").out;
    assert!(known.contains("May change 1 host: a-1.") && known.contains("- left: pair without gone: a-1"), "{known}");
    assert!(known.contains("     On a-1."), "{known}");
    let wrong = desk.ends(3, "show r.yaml -i i.yaml -p gonne=a-2").err;
    assert!(wrong.contains("did you mean `gone`"), "{wrong}");
    assert!(desk.ends(3, "show r.yaml -i i.yaml -p size=1").err.contains("no param of hosts"));
    desk.ends(2, "show r.yaml -p gone=a-2");
}

#[test]
fn markdown_and_json_say_the_same() {
    let desk = Desk::new(BOOK);
    let markdown = desk.ends(0, "show r.yaml --markdown").out;
    assert!(markdown.starts_with("# Move the \\`web\\` \\*away\\*\n"), "{markdown}");
    assert!(markdown.contains("```\necho one\necho {{params.size}}\n```"), "{markdown}");
    assert!(markdown.contains("\n## What can be undone\n"), "{markdown}");
    let json: serde_json::Value = serde_json::from_str(&desk.ends(0, "show r.yaml --output json").out).expect("JSON");
    assert_eq!(json["runbook"], "test/shown");
    assert_eq!(json["reach_words"][0], "May change the hosts of left.");
    assert_eq!(json["steps"][4]["number"], "4.1");
}

/// The words before which a person agrees are those of `show`.
#[test]
fn the_confirm_screen_names_the_same_reach() {
    let desk = Desk::new(&BOOK.replace("  token: { type: secret, from: { command: \"touch started\" } }\n", ""));
    let shown = desk.ends(0, "show r.yaml -i i.yaml -p gone=a-2").out;
    let run = desk.ends(4, "run r.yaml -i i.yaml -p gone=a-2").out;
    for words in ["May change 1 host: a-1.", "Cannot be undone: work/call."] {
        assert!(shown.contains(words) && run.contains(words), "{words}\n{shown}\n{run}");
    }
    // a gate before which everything is done has nothing ahead of it
    let last = BOOK.replace("  - id: sure\n    confirm: { message: \"Really?\", type: gone }\n", "");
    desk.write(
        "r.yaml",
        &(last
            .replace("risk: destructive", "risk: reversible")
            .replace(", undo: none }", ", undo: none, why: it only says }")
            + "  - id: sure\n    confirm: { message: \"Really?\" }\n"),
    );
    let asked = desk.refloat(&["check", "r.yaml", "-i", "i.yaml", "-p", "gone=a-2", "-p", "token=abcdef"]);
    assert!(asked.out.contains("Changes nothing on any host."), "{}\n{}", asked.out, asked.err);
}

#[test]
fn what_was_drilled_checked_and_run_is_told() {
    let desk = Desk::new("runbook: test/quiet\nrisk: read-only\nsteps: [{ id: say, note: hello }]\n");
    assert!(!desk.ends(0, "show r.yaml").out.contains("Until now"));
    desk.ends(0, "run r.yaml -i i.yaml");
    desk.ends(0, "check r.yaml -i i.yaml");
    let shown = desk.ends(0, "show r.yaml").out;
    assert!(
        shown.contains("Last checked 20") && shown.contains("Last run 20") && shown.contains(": ready."),
        "{shown}"
    );
    assert!(shown.contains("Changes nothing on any host."), "{shown}");
}

#[test]
fn every_shipped_runbook_can_be_shown_and_each_of_its_steps_is_in_it() {
    let desk = Desk::new("");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks");
    let mut shown = 0;
    for area in folder.read_dir().expect("runbooks") {
        for file in area.expect("a folder").path().read_dir().expect("files") {
            let path = file.expect("a file").path();
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            // drills and tests have a second ending
            if path.extension().is_none_or(|ending| ending != "yaml") || name.contains('.') {
                continue;
            }
            let file = path.display().to_string();
            let text = desk.ends(0, &format!("show {file}")).out;
            let markdown = desk.ends(0, &format!("show {file} --markdown")).out;
            let json = desk.ends(0, &format!("show {file} --output json")).out;
            let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
            for step in json["steps"].as_array().expect("steps") {
                let number = step["number"].as_str().expect("a number");
                assert!(text.contains(&format!(" {number}. [")), "{file} {number}");
                assert!(markdown.contains(&format!("### {number}. \\[")), "{file} {number}");
                assert!(!step["lines"].as_array().expect("lines").is_empty() || step["title"].is_string(), "{number}");
            }
            shown += 1;
        }
    }
    assert!(shown >= 4, "{shown}");
}
