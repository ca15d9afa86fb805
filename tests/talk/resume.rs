//! `resume` by a person: what they say of units, leave out, begin anew, give again, carry away, and have edited since.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use super::{Desk, Said, WAITS, events, until};

/// Its first step is cut off by what watches it on the host.
const LOST: &str = "
  - { id: before, hosts: a, run: echo x >> OUT/before }
  - id: first
    hosts: a
    run: |
      echo x >> OUT/first
      [ -e OUT/again ] || kill -9 $PPID
  - { id: second, hosts: a, run: echo x >> OUT/second }
";

/// How often something was done.
fn count(desk: &Desk, name: &str) -> usize {
    fs::read_to_string(desk.path("out").join(name)).unwrap_or_default().lines().count()
}

/// A run of this that is killed while its first step runs.
fn cut(steps: &str) -> Desk {
    let desk = Desk::with(steps);
    let run = desk.run();
    run.signal(Signal::KILL);
    run.end();
    desk
}

fn whole(desk: &Desk) -> Said {
    desk.refloat(&["run", "book.yaml", "-i", "inventory.yaml"])
}

/// The steps of a list of the report.
fn rows(report: &Value, section: &str) -> Vec<String> {
    let rows = report[section].as_array().expect("a list").iter();
    rows.map(|row| format!("{} {}", row["step"].as_str().expect("a step"), row["outcome"].as_str().expect("one")))
        .collect()
}

#[test]
fn a_person_says_that_a_step_of_which_nobody_knows_had_its_effect() {
    let desk = Desk::with(LOST);
    whole(&desk).is(5, "what watched it there was killed");
    let id = desk.id();
    let said = desk.refloat(&["resume", &id]);
    said.is(5, &format!("refloat resume {id} --mark first@a=ok"));
    said.is(5, &format!("refloat resume {id} --mark first@a=failed --retry-failed"));
    desk.refloat(&["resume", "--mark", "before@a=ok"]).is(2, "`before@a` is nothing in doubt; what is: first@a");
    assert_eq!((count(&desk, "first"), count(&desk, "second")), (1, 0));
    let said = desk.refloat(&["resume", "--mark", "first@a=ok"]);
    said.is(0, "");
    assert_eq!(["before", "first", "second"].map(|step| count(&desk, step)), [1, 1, 1], "{said:?}");
    let report = desk.report();
    assert_eq!(rows(&report, "done"), ["before changed", "first changed", "second changed"]);
    assert_eq!(events(&report, "unit_marked").len(), 1);
    assert!(desk.refloat(&["report"]).out.contains("first"), "{report:#}");
    desk.refloat(&["resume", &id]).is(2, "is done, every step of it");
}

#[test]
fn a_person_says_that_it_had_none_and_it_stays_failed_or_is_begun_anew() {
    let desk = Desk::with(LOST);
    whole(&desk).is(5, "");
    let said = desk.refloat(&["resume", "--mark", "first@a=failed"]);
    said.is(1, "says that it had no effect");
    said.is(1, "--retry-failed");
    assert_eq!((count(&desk, "first"), count(&desk, "second")), (1, 0));
    desk.touch("again");
    desk.refloat(&["resume", "--retry-failed"]).is(0, "");
    assert_eq!(["before", "first", "second"].map(|step| count(&desk, step)), [1, 2, 1]);
}

#[test]
fn a_step_is_left_out_before_it_began_and_not_afterwards() {
    let desk = cut(WAITS);
    let id = desk.id();
    desk.refloat(&["resume", "--skip", "nothing"]).is(2, "this run has no step `nothing`");
    let said = desk.refloat(&["resume", "--skip", "first"]);
    said.is(2, "`first` was started on a and nobody knows what became of it");
    said.is(2, "--mark first@a=ok");
    assert_eq!(desk.status(), "cut off");
    desk.touch("go");
    desk.refloat(&["resume", &id, "--skip", "second", "--reason", "no need"]).is(0, "");
    assert!(desk.out("ended") && !desk.out("second"));
    let report = desk.report();
    assert_eq!(rows(&report, "done"), ["first changed"]);
    let skipped = &report["skipped"][0];
    assert_eq!(skipped["step"], "second");
    assert!(skipped["note"].as_str().is_some_and(|note| note.contains(": no need")), "{skipped}");
}

#[test]
fn what_failed_is_begun_anew_when_it_is_wanted_and_what_is_done_is_not() {
    let desk = Desk::with(
        "
  - { id: one, hosts: a, run: echo x >> OUT/one }
  - { id: two, hosts: a, run: 'echo x >> OUT/two; [ -e OUT/good ]' }
  - { id: three, hosts: a, run: echo x >> OUT/three }
",
    );
    let counts = || ["one", "two", "three"].map(|step| count(&desk, step));
    whole(&desk).is(1, "--retry-failed begins anew what failed");
    desk.touch("good");
    desk.refloat(&["resume"]).is(1, "it is not begun anew by itself");
    assert_eq!(counts(), [1, 1, 0]);
    desk.refloat(&["resume", "--retry-failed"]).is(0, "");
    assert_eq!(counts(), [1, 2, 1]);
    let report = desk.report();
    let units = events(&report, "units_started");
    let attempts = units.iter().flat_map(|event| event["units"].as_array().expect("units"));
    let attempts: Vec<String> = attempts
        .map(|unit| format!("{} {}", unit["unit"]["step"].as_str().expect("a step"), unit["unit"]["attempt"]))
        .collect();
    assert_eq!(attempts, ["one 1", "two 1", "two 2", "three 1"]);
}

/// The steps use a secret, which is fetched again.
fn with_a_secret(steps: &str) -> Desk {
    let desk = Desk::with(steps);
    let book = fs::read_to_string(desk.path("book.yaml")).expect("a file");
    let book = book.replace("steps:\n", "params: { token: { type: secret, env: TOKEN } }\nsteps:\n");
    fs::write(desk.path("book.yaml"), book).expect("a file");
    let mut run = desk.command(&["run", "book.yaml", "-i", "inventory.yaml"]);
    let run = desk.spawn("run", run.env("TOKEN", "the-first-one"));
    until("the first step began", || desk.out("started"));
    run.signal(Signal::KILL);
    run.end();
    desk
}

fn resume_with(desk: &Desk, token: &str) -> Said {
    Said::of(&desk.command(&["resume"]).env("TOKEN", token).output().expect("the program starts"))
}

#[test]
fn a_step_that_was_begun_with_another_secret_is_not_sent() {
    let of_first = WAITS
        .replace("    run: |\n", "    env: { TOKEN: '{{params.token}}' }\n    run: |\n      echo x >> OUT/count\n");
    let desk = with_a_secret(&of_first);
    let said = resume_with(&desk, "the-second-one");
    said.is(5, "a secret has another value than then (token)");
    assert!(!format!("{said:?}").contains("the-second-one"), "{said:?}");
    assert!(count(&desk, "count") == 1 && !desk.out("ended") && !desk.out("second"));
    desk.touch("go");
    resume_with(&desk, "the-first-one").is(0, "");
    assert!(count(&desk, "count") == 1 && desk.out("second"));
}

#[test]
fn a_step_that_was_not_begun_takes_the_secret_that_there_is_now() {
    let of_second =
        WAITS.replace("run: touch OUT/second", "env: { TOKEN: '{{params.token}}' }, run: 'echo $TOKEN > OUT/second'");
    let desk = with_a_secret(&of_second);
    desk.touch("go");
    resume_with(&desk, "the-second-one").is(0, "");
    assert_eq!(fs::read_to_string(desk.path("out/second")).expect("done"), "the-second-one\n");
}

fn at(desk: &Desk, state: &str, args: &[&str]) -> Said {
    Said::of(&desk.command(args).env("REFLOAT_STATE", desk.path(state)).output().expect("the program starts"))
}

#[test]
fn a_run_that_is_carried_to_another_machine_goes_on_there_and_only_there() {
    let desk = cut(&WAITS.replace("touch OUT/second", "echo x >> OUT/second"));
    let id = desk.id();
    let file = desk.path("carried").display().to_string();
    desk.refloat(&["runs", "--export", &id, &file]).is(0, "here it stands still");
    desk.refloat(&["runs", "--export", &id, &file]).is(4, "carried");
    // torn, and changed
    let bytes = fs::read(&file).expect("a file");
    let torn = desk.path("torn").display().to_string();
    fs::write(&torn, &bytes[..bytes.len() / 2]).expect("a file");
    at(&desk, "other", &["runs", "--import", &torn]).is(4, "this is no exported run: it was cut off");
    fs::write(&torn, String::from_utf8_lossy(&bytes).replacen("\"first\"", "\"third\"", 1)).expect("a file");
    at(&desk, "other", &["runs", "--import", &torn]).is(4, "its events are not those that were exported");
    at(&desk, "other", &["runs"]).is(0, "There are no runs yet");
    for _ in 0..2 {
        at(&desk, "other", &["runs", "--import", &file]).is(0, &format!("Run {id} is here: test/talk, cut off"));
    }
    for verb in [&["resume", &id][..], &["note", &id, "still here?"], &["duty", &id]] {
        let said = desk.refloat(verb);
        assert!(said.code != Some(0) || verb[0] == "duty", "{verb:?} {said:?}");
    }
    desk.refloat(&["resume", &id]).is(4, "was given away to");
    desk.refloat(&["resume"]).is(2, "there is no run that could go on");
    desk.touch("go");
    at(&desk, "other", &["resume", &id]).is(0, "");
    assert_eq!(count(&desk, "second"), 1);
    // it comes back
    let back = desk.path("back").display().to_string();
    at(&desk, "other", &["runs", "--export", &id, &back]).is(0, &id);
    desk.refloat(&["runs", "--import", &back]).is(0, &format!("Run {id} is here: test/talk, done"));
    desk.refloat(&["resume", &id]).is(2, "is done, every step of it");
    assert_eq!((desk.status(), count(&desk, "second")), ("recovered".to_owned(), 1));
}

#[test]
fn a_run_that_nobody_took_is_taken_back() {
    let desk = cut(WAITS);
    let (id, file) = (desk.id(), desk.path("carried").display().to_string());
    desk.refloat(&["runs", "--export", &id, &file]).is(0, "");
    desk.touch("go");
    desk.refloat(&["resume", &id]).is(4, "refloat runs --import FILE takes it back");
    desk.refloat(&["runs", "--import", &file]).is(0, "");
    desk.refloat(&["resume", &id]).is(0, "");
    assert!(desk.out("second"));
}

#[test]
fn a_run_whose_export_fails_stays_and_one_whose_export_is_cut_off_stands_still() {
    let much = "\n  - { id: much, hosts: a, run: head -c 1200000 /dev/urandom | base64 }\n";
    let desk = cut(&format!("{much}{}", WAITS.trim_start_matches('\n')));
    let (id, file) = (desk.id(), desk.path("carried"));
    // no file may be so long: an error where the signal is ignored, else the end of the program while it writes
    let export = |signal: &str| {
        // a shell cannot take back what was ignored when it began
        let script = format!("ulimit -c 0 -f 1024; exec env --{signal}-signal=XFSZ \"$@\"");
        let mut command = desk.program("bash", &["-c", &script, "-", env!("CARGO_BIN_EXE_refloat")]);
        command.args(["runs", "--export", &id]).arg(&file);
        Said::of(&command.output().expect("the program starts"))
    };
    export("ignore").is(4, "carried");
    assert!(!file.exists());
    // nothing came of it
    let said = desk.refloat(&["note", &id, "still here"]);
    said.is(0, "");
    let said = export("default");
    assert!(said.code.is_none() && file.exists(), "it was not cut off: {said:?}");
    desk.touch("go");
    desk.refloat(&["resume", &id]).is(4, "was given away to");
    let again = desk.path("again").display().to_string();
    desk.refloat(&["runs", "--export", &id, &again]).is(0, "");
    desk.refloat(&["runs", "--import", &again]).is(0, "");
    desk.refloat(&["resume", &id]).is(0, "");
    assert!(desk.out("second"));
}

#[test]
fn what_was_begun_and_not_come_to_is_left_as_it_is() {
    // a guard before it does not hold any more
    let guard =
        "\n  - { id: still, hosts: a, require: { path: OUT/started-not, that: not result.exists, optional: true } }\n";
    let desk = cut(&format!(
        "{guard}{}",
        WAITS.trim_start_matches('\n').replacen(
            "    hosts: a\n",
            "    hosts: a\n    still: [ still ]\n    on_failure: undo\n    undo: [ { run: touch OUT/undone } ]\n",
            1
        )
    ));
    let id = desk.id();
    // the host lost its record, so guards are asked before it is sent again
    let spool = desk.path(".refloat");
    fs::rename(&spool, desk.path("kept")).expect("records");
    desk.touch("started-not");
    let said = desk.refloat(&["resume"]);
    said.is(
        5,
        &format!("`first` on a: begun before, and not asked for since; its host is asked by: refloat resume {id}"),
    );
    assert!(!desk.out("undone") && !desk.out("ended") && !desk.out("second"), "{said:?}");
    assert_eq!(rows(&desk.report(), "may_have_run").len(), 1);
    let _ = fs::remove_dir_all(&spool);
    fs::rename(desk.path("kept"), &spool).expect("records");
    fs::remove_file(desk.path("out/started-not")).expect("removed");
    desk.touch("go");
    desk.refloat(&["resume"]).is(0, "");
    assert!(desk.out("second"));
}

/// The second step writes a template.
fn with_a_template() -> Desk {
    let desk = Desk::with(
        &WAITS.replace("run: touch OUT/second", "file: { path: OUT/second, template: t.hbs }, why: it is wanted"),
    );
    fs::create_dir(desk.path("templates")).expect("a folder");
    fs::write(desk.path("templates/t.hbs"), "one\ntwo\n").expect("a file");
    let run = desk.run();
    run.signal(Signal::KILL);
    run.end();
    desk.touch("go");
    desk
}

#[test]
fn what_was_edited_since_is_told_and_does_not_count() {
    let desk = with_a_template();
    let edit = |file: &str, from: &str, to: &str| {
        let text = fs::read_to_string(desk.path(file)).expect("a file");
        assert!(text.contains(from), "{text}");
        fs::write(desk.path(file), text.replace(from, to)).expect("a file");
    };
    edit("book.yaml", "why: it is wanted", "why: nobody knows");
    edit("templates/t.hbs", "two", "three");
    edit("inventory.yaml", "a: { ", "a: { address: 192.0.2.7, ");
    let said = desk.refloat(&["resume"]);
    said.is(0, "Edited since this run began, which goes on as it was planned then:\n  runbook test/talk\n    -   - { id: second");
    said.is(0, "why: nobody knows");
    said.is(0, "  template t.hbs\n    - two\n    + three\n");
    said.is(0, "  the inventory of a\n    - address: a\n    + address: 192.0.2.7\n");
    said.is(0, &format!("refloat run {}", desk.path("book.yaml").display()));
    assert_eq!(fs::read_to_string(desk.path("out/second")).expect("done"), "one\ntwo\n");
}

#[test]
fn files_that_are_the_same_or_gone_stop_nothing_and_programs_see_events_only() {
    let same = with_a_template().refloat(&["resume"]);
    assert!(same.code == Some(0) && !same.out.contains("Edited") && !same.out.contains("cannot be read"), "{same:?}");
    let desk = with_a_template();
    fs::remove_file(desk.path("book.yaml")).expect("removed");
    fs::remove_dir_all(desk.path("templates")).expect("removed");
    desk.refloat(&["resume"]).is(0, "book.yaml cannot be read here, so whether it was edited since is not known");
    let desk = with_a_template();
    fs::write(desk.path("book.yaml"), "no runbook").expect("a file");
    let said = desk.refloat(&["resume", "--output", "json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{said:?}");
}

#[test]
fn a_run_that_was_cut_off_or_left_names_the_command_that_goes_on() {
    let desk = cut(WAITS);
    let resume = format!("refloat resume {}", desk.id());
    for words in [&["report"][..], &["report", "--format", "markdown"], &["runs"]] {
        desk.refloat(words).is(0, &resume);
    }
    // left: what runs goes on
    let again = desk.spawn("again", &mut desk.command(&["resume"]));
    again.says("out", "▸ first");
    again.signal(Signal::TERM);
    again.end().is(75, &resume);
    for words in [&["report"][..], &["report", "--format", "markdown"], &["runs"]] {
        desk.refloat(words).is(0, &resume);
    }
    // the journal cannot be written any more
    desk.touch("go");
    let broken = desk.command(&["resume"]).env("REFLOAT_FULL_AT", "3").output().expect("the program starts");
    Said::of(&broken).is(5, &format!("When it is mended, to go on: {resume}"));
    desk.refloat(&["resume"]).is(0, "");
    assert!(desk.out("second"));
    assert!(!desk.refloat(&["runs"]).out.contains("resume"));
}

#[test]
fn on_another_boot_of_its_host_nothing_is_begun_that_may_have_been() {
    let boot = "/proc/sys/kernel/random/boot_id";
    let script = format!("mount --bind boot {boot} && exec \"$0\" \"$@\"");
    let desk = cut(&WAITS.replace("      echo $$", "      echo x >> OUT/count\n      echo $$"));
    fs::write(desk.path("boot"), "11111111-2222-3333-4444-555555555555\n").expect("a file");
    let restarted = |args: &[&str]| {
        let words = [&["-rm", "sh", "-c", &script, env!("CARGO_BIN_EXE_refloat")], args].concat();
        Said::of(&desk.program("unshare", &words).output().expect("unshare"))
    };
    let can = match restarted(&["runs"]).code {
        Some(0) => Ok(()),
        _ => Err("no mount namespaces".to_owned()),
    };
    if !crate::support::tier("namespaces", can) {
        return;
    }
    // what a restart does: what ran is gone, and so is what was not on the disk yet
    desk.touch("go");
    desk.stopped_on_the_host();
    fs::remove_dir_all(desk.path(".refloat")).expect("records");
    restarted(&["resume"]).is(5, "the host was restarted, and has no record of this work");
    assert!(count(&desk, "count") == 1 && !desk.out("second"));
    restarted(&["resume"]).is(5, "--mark first@a=ok");
    restarted(&["resume", "--mark", "first@a=ok"]).is(0, "");
    assert!(count(&desk, "count") == 1 && desk.out("second"));
}
