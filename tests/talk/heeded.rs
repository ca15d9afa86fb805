//! What a person says of a step of which nobody knows, against what its host knows.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use rustix::process::Signal;

use super::{Desk, Going, WAITS, events, until};

/// What runs on hosts goes on.
fn killed(desk: &Desk, run: &Going<'_>) {
    run.signal(Signal::KILL);
    until("it is gone", || desk.status().contains("cut"));
}

fn lines(desk: &Desk, name: &str) -> Vec<String> {
    fs::read_to_string(desk.path("out").join(name)).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn what_still_runs_or_has_ended_well_is_not_begun_a_second_time() {
    let desk = Desk::with(WAITS);
    let run = desk.run();
    let id = desk.id();
    killed(&desk, &run);
    let again = ["resume", "--mark", "first@a=failed", "--retry-failed"];
    let said = desk.refloat(&again);
    said.is(5, "says that attempt 1 had no effect, and the host says that it still runs");
    said.is(5, "when it has ended there, or was ended: refloat resume");
    desk.touch("go");
    until("it ends", || desk.out("ended"));
    // its record is written just after it
    let mut last = desk.refloat(&["resume", "--retry-failed"]);
    until("its end is known", || {
        let runs = format!("{}{}", last.out, last.err).contains("still runs");
        if runs {
            last = desk.refloat(&["resume", "--retry-failed"]);
        }
        !runs
    });
    last.is(5, "the host says that it has ended well");
    last.is(5, &format!("go on without it: refloat resume {id} --skip first"));
    assert!(!desk.out("second"));
    let done = desk.refloat(&["resume", "--skip", "first"]);
    done.is(0, "every other step is done; skipped by ");
    assert!(desk.out("second"));
    let report = desk.report();
    let starts: Vec<_> = events(&report, "units_started");
    assert_eq!(starts.len(), 2, "{starts:?}");
    assert!(!desk.path(".refloat").exists());
}

#[test]
fn what_a_cancelled_step_has_printed_is_kept() {
    let desk = Desk::with(
        "\n  - { id: first, hosts: a, run: 'echo as far as this; echo $$ >OUT/pid; touch OUT/started; exec sleep 600' }\n",
    );
    let run = desk.run();
    desk.refloat(&["cancel", "--now", &desk.id()]).is(0, "");
    run.end();
    let report = desk.report();
    let printed: Vec<&str> = events(&report, "unit_output").iter().filter_map(|event| event["tail"].as_str()).collect();
    assert_eq!(printed, ["as far as this\n"]);
}

#[test]
fn what_cannot_be_asked_now_is_asked_when_its_host_is_back() {
    let desk = Desk::with(
        "
  - id: first
    hosts: a:b
    tolerate: 1
    undo: none
    why: it only tells
    run: |
      echo begun >>OUT/{{host.name}}
      touch OUT/started
      while [ -d OUT ] && [ ! -e OUT/go ]; do sleep 0.05; done
      echo ended >>OUT/{{host.name}}
  - { id: second, hosts: b, undo: none, why: it only tells, run: echo second >>OUT/b }
",
    );
    let gate = desk.path("gate");
    fs::write(&gate, format!("#!/bin/sh\n[ -e {} ] || exit 255\nexec \"$@\"\n", desk.path("out/open").display()))
        .expect("a file");
    fs::set_permissions(&gate, fs::Permissions::from_mode(0o755)).expect("a mode");
    let inventory = format!(
        "inventory: test\nhosts: {{ a: {{ connect: {{ via: exec, command: [\"{}\"] }} }}, b: {{ connect: {{ via: local }} }} }}\n",
        gate.display()
    );
    fs::write(desk.path("inventory.yaml"), inventory).expect("a file");
    desk.touch("open");
    let run = desk.run();
    let id = desk.id();
    until("both have begun", || lines(&desk, "a").len() + lines(&desk, "b").len() == 2);
    killed(&desk, &run);
    fs::remove_file(desk.path("out/open")).expect("closed");
    for _ in 0..2 {
        let said = desk.refloat(&["resume"]);
        said.is(5, "nobody knows what became of `first` on a, and it cannot be asked now: ");
        said.is(5, &format!("when a can be reached: refloat resume {id}"));
    }
    desk.touch("open");
    desk.touch("go");
    desk.refloat(&["resume"]).is(0, "every step is done");
    assert_eq!(lines(&desk, "a"), ["begun", "ended"]);
    assert_eq!(lines(&desk, "b"), ["begun", "ended", "second"]);
    desk.refloat(&["report", "--verify"]).is(0, "");
    assert!(!desk.path(".refloat").exists());
}

#[test]
fn an_undo_that_failed_is_not_done_again_without_a_word() {
    let desk = Desk::with(
        "
  - id: both
    on_failure: undo
    steps:
      - { id: one, hosts: a, run: touch OUT/one, undo: [ { run: 'echo x >>OUT/undone; exit 9' } ] }
      - { id: two, hosts: a, run: exit 3, undo: none, why: it fails }
",
    );
    desk.refloat(&["run", "book.yaml", "-i", "inventory.yaml"]).is(5, "by hand, in this order");
    assert_eq!(lines(&desk, "undone").len(), 1);
    desk.refloat(&["resume"]).is(5, "it could not be put back before, and is not tried again by itself");
    assert_eq!(lines(&desk, "undone").len(), 1);
    desk.refloat(&["resume", "--retry-failed"]);
    assert_eq!(lines(&desk, "undone").len(), 2);
}

#[test]
fn what_was_cancelled_stays_so_when_refloat_is_killed_meanwhile() {
    let desk = Desk::with(
        "
  - id: first
    hosts: a
    run: |
      trap 'touch OUT/asked; until [ -e OUT/go ]; do sleep 0.05; done; exit 0' TERM
      touch OUT/started
      while [ -d OUT ]; do sleep 0.05; done
  - { id: second, hosts: a, run: touch OUT/second }
",
    );
    let run = desk.run();
    desk.refloat(&["cancel", "--now", &desk.id()]).is(0, "");
    until("the step is asked to end", || desk.out("asked"));
    killed(&desk, &run);
    desk.touch("go");
    desk.refloat(&["resume"]).is(130, "stopped on the host before its end");
    assert!(!desk.out("second"));
}

#[test]
fn what_two_hosts_give_under_one_name_is_kept_twice() {
    let desk = Desk::with("\n  - { id: get, hosts: 'a:b', download: { path: 'OUT/{{host.name}}.txt', as: copy } }\n");
    let inventory =
        "inventory: test\nhosts: { a: { connect: { via: local } }, b: { connect: { via: exec, command: [env] } } }\n";
    fs::write(desk.path("inventory.yaml"), inventory).expect("a file");
    for host in ["a", "b"] {
        fs::write(desk.path("out").join(format!("{host}.txt")), format!("from {host}")).expect("a file");
    }
    desk.refloat(&["run", "book.yaml", "-i", "inventory.yaml"]).is(0, "");
    desk.refloat(&["report", "--verify"]).is(0, "");
    let kept = events(&desk.report(), "unit_output").len();
    assert_eq!(kept, 2);
}

#[test]
fn who_can_say_nothing_any_more_still_ends_with_the_right_code() {
    let desk = Desk::with("\n  - { id: first, hosts: a, run: exit 3 }\n");
    let full = || Stdio::from(fs::File::options().write(true).open("/dev/full").expect("it is there"));
    let line = ["run", "book.yaml", "-i", "inventory.yaml"];
    let status = desk.command(&line).stdout(full()).stderr(full()).status().expect("it starts");
    assert_eq!(status.code(), Some(1));
    let status = desk.command(&["report", "nothing"]).stdout(full()).stderr(full()).status().expect("it starts");
    assert_eq!(status.code(), Some(6));
}

#[test]
fn what_is_only_asked_for_ends_with_who_asks() {
    let desk = Desk::with(
        "
  - id: first
    hosts: a
    gather: { long: { command: 'echo $$ >OUT/pid; touch OUT/started; exec sleep 900', timeout: 30m } }
",
    );
    let run = desk.run();
    killed(&desk, &run);
    desk.stopped_on_the_host();
}
