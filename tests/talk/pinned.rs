//! Plans in files: what was looked at is what is carried out, or nothing is.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use serde_json::Value;

use super::{Desk, Said};

/// It writes a template, runs a command, and asks a person in between.
const STEPS: &str = "
  - { id: look, hosts: a, when: eq params.word \"plain\", gather: { load: { command: echo 1, parse: int } } }
  - { id: write, hosts: a, file: { path: OUT/file, template: t.hbs } }
  - { id: agree, confirm: { message: 'go on, {{params.spare}}?', type: '{{params.word}}' } }
  - id: second
    title: The second
    hosts: a
    run: echo {{params.word}} {{vars.place}} >> OUT/second
";

const HEAD: &str = "params:
  word: { type: string, default: plain }
  spare: { type: string, env: SPARE, default: none }
vars: { place: { type: string, default: here }, unused: { type: int, default: 1 } }
";

fn with(head: &str, steps: &str) -> Desk {
    let desk = Desk::with(steps);
    edit(&desk, "book.yaml", "steps:", &format!("{head}steps:"));
    fs::create_dir(desk.path("templates")).expect("a folder");
    fs::write(desk.path("templates/t.hbs"), "one {{params.word}}\n").expect("a file");
    desk
}

fn desk() -> Desk {
    with(HEAD, STEPS)
}

fn edit(desk: &Desk, file: &str, from: &str, to: &str) {
    let text = fs::read_to_string(desk.path(file)).expect("a file");
    assert!(text.contains(from), "{from:?} in {text}");
    fs::write(desk.path(file), text.replacen(from, to, 1)).expect("a file");
}

const PLAN: [&str; 6] = ["plan", "book.yaml", "-i", "inventory.yaml", "--out", "plan.json"];

/// Keeps the plan. Gives its name.
fn planned(desk: &Desk, more: &[&str]) -> String {
    let said = desk.refloat(&[&PLAN[..], more].concat());
    said.is(0, "Written to plan.json: plan ");
    let file: Value = serde_json::from_slice(&fs::read(desk.path("plan.json")).expect("a plan")).expect("JSON");
    file["plan"].as_str().expect("its name").to_owned()
}

/// Carries the plan out, with the answer to its question.
fn run(desk: &Desk, plan: &str, more: &[&str]) -> Said {
    let answer = format!("plain@{}", &plan[..8]);
    desk.refloat(&[&["run", "--plan", "plan.json", "--confirm", &answer], more].concat())
}

fn nothing_was_begun(desk: &Desk) {
    assert!(!desk.path("state").exists());
    assert!(!desk.out("file") && !desk.out("second"));
}

#[test]
fn what_was_planned_is_looked_at_kept_and_done() {
    let desk = desk();
    let said = desk.refloat(&PLAN);
    let plan = planned(&desk, &[]);
    said.is(0, "echo plain here >> ");
    said.is(0, &format!("Written to plan.json: plan {plan}\nTo look whether it would work now: refloat check --plan"));
    said.is(0, "\nTo carry it out: refloat run --plan plan.json\n");
    said.is(0, &format!("refloat run --plan plan.json --confirm VALUE@{}", &plan[..8]));
    let file = fs::metadata(desk.path("plan.json")).expect("a plan");
    assert_eq!(file.mode() & 0o777, 0o600);
    run(&desk, &plan, &[]).is(0, "");
    assert_eq!(fs::read_to_string(desk.path("out/second")).expect("done"), "plain here\n");
    assert_eq!(fs::read_to_string(desk.path("out/file")).expect("done"), "one plain\n");
    let report = desk.report();
    let opened = super::events(&report, "run_opened");
    assert_eq!(opened[0]["plan"], plan.as_str(), "{report:#}");
    assert_eq!(opened[0]["origin"]["runbook"], desk.path("book.yaml").display().to_string());
    // what is given beside a plan could only be meant for another one
    desk.refloat(&["run", "book.yaml", "--plan", "plan.json"]).is(2, "cannot be used with");
    desk.refloat(&["run", "--plan", "plan.json", "-i", "inventory.yaml"]).is(2, "cannot be used with");
    desk.refloat(&["run"]).is(2, "<RUNBOOK>");
    let said = desk.refloat(&["run", "--plan", "plan.json", "-p", "word=rich"]);
    said.is(2, "-p word=…: what is no secret is fixed in a plan");
    said.is(2, "refloat plan ");
}

#[test]
fn the_same_is_the_same_plan_wherever_it_is_made() {
    let ssh = "hosts: { a: { connect: { via: local, ssh_config: ssh_config } } }";
    let other = |desk: &Desk| {
        edit(desk, "inventory.yaml", "hosts: { a: { connect: { via: local } } }", ssh);
        let book = fs::read_to_string(desk.path("book.yaml")).expect("a file");
        // the steps of each desk write to its own folder
        fs::write(desk.path("book.yaml"), book.replace(&desk.path("out").display().to_string(), "/out"))
            .expect("a file");
    };
    let desks = [desk(), desk()];
    desks.iter().for_each(other);
    let plans = desks.each_ref().map(|desk| planned(desk, &[]));
    assert_eq!(plans[0], plans[1]);
    let whole = desks[0].path("book.yaml").display().to_string();
    let inventory = desks[0].path("inventory.yaml").display().to_string();
    desks[1].refloat(&["plan", &whole, "-i", &inventory]).is(0, &format!("plan {}", &plans[0][..8]));
}

#[test]
fn comments_and_what_nothing_uses_are_no_drift() {
    let desk = desk();
    let plan = planned(&desk, &[]);
    edit(&desk, "book.yaml", "  - { id: look", "  # a comment\n  - { title: Look, id: look");
    edit(&desk, "book.yaml", "title: The second", "why: nobody knows");
    edit(&desk, "book.yaml", "default: 1 }", "default: 2 }");
    edit(&desk, "inventory.yaml", "hosts: {", "vars: { other: 1 }\nhosts: { b: { address: 192.0.2.7 },");
    // the environment is not what it is made of
    let run = desk
        .command(&["run", "--plan", "plan.json", "--confirm", &format!("plain@{plan}")])
        .env("SPARE", "much")
        .output();
    Said::of(&run.expect("the program starts")).is(0, "");
    assert!(desk.out("second"));
}

#[test]
fn drift_is_shown_and_nothing_is_begun() {
    for (file, from, to, words) in [
        (
            "book.yaml",
            "{{vars.place}} >>",
            "{{vars.place}} there >>",
            "  step second\n    - run: echo plain here >> OUT/second\n    + run: echo plain here there >> OUT/second\n",
        ),
        ("book.yaml", "default: here", "default: there", "    + run: echo plain there >> OUT/second\n"),
        (
            "book.yaml",
            "  - { id: agree, confirm: { message: 'go on, {{params.spare}}?', type: '{{params.word}}' } }\n",
            "",
            "  step agree (it is gone)\n",
        ),
        (
            "book.yaml",
            "eq params.word \"plain\"",
            "ne params.word \"plain\"",
            "  step look\n    - when: true\n    + when: false\n",
        ),
        (
            "templates/t.hbs",
            "one",
            "two",
            "  step write\n    - file.template: one plain\n    + file.template: two plain\n",
        ),
        ("inventory.yaml", "via: local", "via: local, path: /bin", "  how a is reached\n    + connect.path: /bin\n"),
        (
            "inventory.yaml",
            "via: local }",
            "via: local }, vars: { place: far }",
            "    + run: echo plain far >> OUT/second\n",
        ),
    ] {
        let desk = desk();
        let plan = planned(&desk, &["-p", "word=plain"]);
        edit(&desk, file, from, to);
        let said = run(&desk, &plan, &[]);
        said.is(
            4,
            &format!(
                "plan {} is not what its files would do now, so it is not carried out; nothing was begun",
                &plan[..8]
            ),
        );
        said.is(4, &words.replace("OUT", &desk.path("out").display().to_string()));
        let again = format!(
            "refloat plan {} -i {} -p word=plain --out plan.json",
            desk.path("book.yaml").display(),
            desk.path("inventory.yaml").display()
        );
        said.is(4, &again);
        nothing_was_begun(&desk);
        // it does what it says: another plan, which is carried out, and the answer for the old one is not for it
        let new = planned(&desk, &["-p", "word=plain"]);
        said.is(4, &format!("ends with @{}.", &new[..8]));
        run(&desk, &plan, &[]).is(4, &format!("--confirm is for plan {}", &plan[..8]));
        run(&desk, &new, &[]).is(0, "");
    }
    let desk = desk();
    let plan = planned(&desk, &[]);
    edit(&desk, "book.yaml", "run: echo", "runn: echo");
    let said = run(&desk, &plan, &[]);
    said.is(4, "runn");
    said.is(4, "make no plan any more, so it is not carried out; nothing was begun");
    nothing_was_begun(&desk);
}

#[test]
fn a_part_drifts_in_its_own_names() {
    let part = "runbook: test/part\nrisk: reversible\nparams: { name: { type: string } }\nvars: { place: { type: string, default: x } }\n\
        steps: [ { id: in, hosts: a, run: 'echo {{params.name}} {{vars.place}} > OUT/part' } ]\n";
    let desk = with("", "\n  - { id: outer, use: { runbook: test/part, params: { name: me } } }\n");
    fs::create_dir(desk.path("test")).expect("a folder");
    let part = part.replace("OUT", &desk.path("out").display().to_string());
    fs::write(desk.path("test/part.yaml"), part).expect("a file");
    let plan = planned(&desk, &[]);
    edit(&desk, "test/part.yaml", "risk", "# a comment\nrisk");
    run(&desk, &plan, &[]).is(0, "");
    assert_eq!(fs::read_to_string(desk.path("out/part")).expect("done"), "me x\n");
    edit(&desk, "test/part.yaml", "default: x", "default: y");
    run(&desk, &plan, &[]).is(4, "  step outer/in\n    - run: echo me x >");
    edit(&desk, "test/part.yaml", "default: y", "default: x");
    edit(&desk, "book.yaml", "name: me", "name: you");
    run(&desk, &plan, &[]).is(4, "    + run: echo you x >");
}

#[test]
fn a_plan_that_was_made_elsewhere_is_carried_out_as_it_stands() {
    for gone in ["book.yaml", "inventory.yaml"] {
        let desk = desk();
        let plan = planned(&desk, &[]);
        fs::remove_file(desk.path(gone)).expect("removed");
        fs::remove_dir_all(desk.path("templates")).expect("removed");
        let said = run(&desk, &plan, &["--output", "json"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.out.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{said:?}");
        let gone = desk.path(gone).display().to_string();
        run(&desk, &plan, &[]).is(0, &format!("{gone} cannot be read here: the plan is carried out as it was made"));
        assert_eq!(fs::read_to_string(desk.path("out/second")).expect("done"), "plain here\nplain here\n");
    }
}

#[test]
fn a_file_that_is_not_what_was_written_is_no_plan() {
    let desk = desk();
    let plan = planned(&desk, &[]);
    let whole = fs::read_to_string(desk.path("plan.json")).expect("a plan");
    let damaged = "its digest does not fit what is in it";
    for (from, to, words) in [
        ("echo {{params.word}}", "echo pwned {{params.word}}", damaged),
        ("\"via\": \"local\"", "\"via\": \"ssh\"", damaged),
        ("book.yaml\"", "look.yaml\"", damaged),
        ("\"SPARE\": null", "\"SPARE\": \"much\"", damaged),
        (&plan[..8], "00000000", damaged),
        ("\"via\": \"local\"", "\"via\": \"local\", \"more\": 1", damaged),
        ("\"params\"", "\"parans\"", damaged),
        ("\"refloat_plan\": 1", "\"refloat_plan\": 2", "in another form than this version reads; make the plan again"),
        ("\"version\": 2", "\"version\": 1", "in another form than this version reads; make the plan again"),
        ("refloat_plan", "refloat", "it is no plan of refloat"),
        ("}", "", "it is no plan of refloat, or it was cut off"),
    ] {
        fs::write(desk.path("plan.json"), &whole).expect("a file");
        edit(&desk, "plan.json", from, to);
        let said = run(&desk, &plan, &[]);
        said.is(3, "the plan plan.json cannot be carried out: ");
        said.is(3, words);
    }
    fs::remove_file(desk.path("plan.json")).expect("removed");
    run(&desk, &plan, &[]).is(3, "the plan plan.json cannot be carried out: No such file");
    nothing_was_begun(&desk);
}

#[test]
fn only_a_plan_is_replaced() {
    let desk = desk();
    let first = planned(&desk, &[]);
    let second = planned(&desk, &["-p", "word=rich"]);
    assert_ne!(first, second);
    fs::write(desk.path("plan.json"), "{}").expect("a file");
    desk.refloat(&PLAN).is(4, "plan.json is there, and is no plan of refloat; it is left as it is");
    assert_eq!(fs::read_to_string(desk.path("plan.json")).expect("left"), "{}");
    fs::remove_file(desk.path("plan.json")).expect("removed");
    planned(&desk, &[]);
    fs::rename(desk.path("plan.json"), desk.path("kept.json")).expect("renamed");
    std::os::unix::fs::symlink("kept.json", desk.path("plan.json")).expect("a link");
    desk.refloat(&PLAN).is(4, "plan.json is there, and is no plan of refloat");
    let words = ["plan", "book.yaml", "-i", "inventory.yaml", "--out", "nowhere/plan.json"];
    desk.refloat(&words).is(4, "nowhere/plan.json cannot be written");
    let left =
        fs::read_dir(desk.path("")).expect("a folder").filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let left: Vec<String> = left.filter(|name| name.starts_with(".tmp")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_destructive_plan_is_a_file_that_nobody_else_can_write() {
    let desk = desk();
    edit(&desk, "book.yaml", "risk: reversible", "risk: destructive");
    let plan = planned(&desk, &[]);
    let mode = |mode| fs::set_permissions(desk.path("plan.json"), Permissions::from_mode(mode)).expect("set");
    mode(0o606);
    run(&desk, &plan, &[]).is(4, "plan.json can be written by everybody; a destructive run does not use it");
    mode(0o600);
    desk.refloat(&["run", "--plan", "plan.json", "--confirm", "plain@00000000"])
        .is(4, "--confirm is for plan 00000000");
    nothing_was_begun(&desk);
    let said = desk.refloat(&["run", "--plan", "plan.json", "--yes"]);
    said.is(1, &format!("give --confirm 'plain@{}'", &plan[..8]));
    assert!(!desk.out("second"));
    run(&desk, &plan, &[]).is(0, "");
    assert!(desk.out("second"));
}

const SECRETS: &str = "params:
  by_hand: { type: secret }
  by_env: { type: secret, env: BY_ENV }
  by_file: { type: secret, from: { file: FILE } }
  by_program: { type: secret, from: { command: [ sh, -c, 'echo x >> COUNT; echo of-a-program' ] } }
vars: { of_host: { type: secret } }
";

const SHOWS: &str = "
  - id: second
    hosts: a
    env: { H: '{{params.by_hand}}', E: '{{params.by_env}}', F: '{{params.by_file}}', P: '{{params.by_program}}', V: '{{vars.of_host}}' }
    run: echo $H $E $F $P $V >> OUT/second
";

#[test]
fn secrets_are_not_in_it_and_are_fetched_again() {
    let desk = with(SECRETS, SHOWS);
    edit(&desk, "book.yaml", "FILE", &desk.path("secret").display().to_string());
    edit(&desk, "book.yaml", "COUNT", &desk.path("count").display().to_string());
    fs::write(desk.path("secret"), "of-a-file\n").expect("a file");
    edit(&desk, "inventory.yaml", "via: local }", "via: local }, vars: { of_host: of-the-inventory }");
    let with = |words: &[&str], env: &str| {
        Said::of(&desk.command(words).env("BY_ENV", env).output().expect("the program starts"))
    };
    with(&[&PLAN[..], &["-p", "by_hand=given-first"]].concat(), "of-the-first-shell").is(0, "Written to plan.json");
    assert!(!desk.path("count").exists(), "a plan starts no program");
    let file = fs::read_to_string(desk.path("plan.json")).expect("a plan");
    for secret in ["given-first", "of-the-first-shell", "of-a-file", "of-the-inventory", "BY_ENV\": "] {
        assert!(!file.contains(secret), "{secret}");
    }
    with(&["run", "--plan", "plan.json"], "of-a-shell").is(3, "the secret `by_hand` is not kept with the plan");
    let words = ["run", "--plan", "plan.json", "-p", "by_hand=given-now"];
    let said = with(&words, "of-a-shell");
    said.is(0, "");
    let done = || fs::read_to_string(desk.path("out/second")).expect("done");
    assert_eq!(done(), "given-now of-a-shell of-a-file of-a-program of-the-inventory\n");
    assert_eq!(fs::read_to_string(desk.path("count")).expect("asked"), "x\nx\n", "once for each run");
    // elsewhere there is no inventory to take them from
    fs::remove_file(desk.path("inventory.yaml")).expect("removed");
    with(&words, "of-a-shell").is(3, "give it again: -p a/of_host=…");
    with(&[&words[..], &["-p", "a/of_host=by-hand"]].concat(), "of-a-shell").is(0, "");
    assert!(done().ends_with("of-a-program by-hand\n"));
}

#[test]
fn a_plan_that_would_give_a_secret_away_is_not_written() {
    let desk = with("params: { token: { type: secret } }\n", "\n  - { id: second, hosts: a, run: echo hunter2-x }\n");
    desk.refloat(&[&PLAN[..], &["-p", "token=hunter2-x"]].concat()).is(4, "would give it away; it was not written");
    assert!(!desk.path("plan.json").exists());
}
