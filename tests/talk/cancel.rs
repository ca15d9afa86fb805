//! `cancel` and `note`: another process asks, and the one that executes the run answers.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{Desk, WAITS, events};

#[test]
fn a_cancel_lets_what_runs_end_and_begins_nothing_new() {
    let desk = Desk::with(WAITS);
    let run = desk.run();
    let id = desk.id();
    desk.refloat(&["cancel", &id]).is(0, "nothing new begins, what runs may end");
    desk.touch("go");
    let said = run.end();
    assert_eq!(said.code, Some(130), "{said:?}");
    assert!(desk.out("ended") && !desk.out("second"));
    let report = desk.report();
    let note = events(&report, "noted")[0];
    let by = note["by"].as_str().expect("who");
    assert!(by.contains('@') && note["text"].as_str().expect("words").contains("asked from another process to end"));
    desk.refloat(&["cancel", &id]).is(4, "it has ended: cancelled");
}

#[test]
fn a_second_cancel_or_now_stops_it_on_the_hosts() {
    for commands in [&[&["cancel"][..], &["cancel"]][..], &[&["cancel", "--now"]]] {
        let desk = Desk::with(WAITS);
        let run = desk.run();
        let id = desk.id();
        for command in commands {
            let said = desk.refloat(&[command, &[id.as_str()][..]].concat());
            assert_eq!(said.code, Some(0), "{said:?}");
        }
        let said = run.end();
        assert_eq!(said.code, Some(130), "{said:?}");
        assert!(!desk.out("ended") && !desk.out("second"));
        desk.stopped_on_the_host();
    }
}

#[test]
fn an_answer_takes_less_than_a_second_while_a_step_prints_100_mb() {
    let desk = Desk::with(
        "
  - id: first
    hosts: a
    timeout: 5m
    run: |
      touch OUT/started
      i=0; while [ $i -lt 100 ]; do head -c 1000000 /dev/zero | tr '\\0' x; echo; i=$((i+1)); done
      touch OUT/printed
      until [ -e OUT/go ]; do head -c 100000 /dev/zero | tr '\\0' x; sleep 0.05; done
",
    );
    let run = desk.run();
    let id = desk.id();
    let took = |args: &[&str]| {
        let began = Instant::now();
        desk.refloat(args).is(0, "");
        began.elapsed()
    };
    // the median, since somebody else may need this machine at one moment
    let mut all = [took(&["note", &id, "one"]), took(&["note", &id, "two"]), took(&["cancel", &id, "--now"])];
    all.sort();
    assert!(all[1] < Duration::from_secs(1), "{all:?}");
    let said = run.end();
    assert_eq!(said.code, Some(130), "{said:?}");
}

#[test]
fn a_note_is_written_down_whether_the_run_goes_on_or_has_ended_or_was_cut_off() {
    let desk = Desk::with(WAITS);
    let run = desk.run();
    let id = desk.id();
    desk.refloat(&["note", &id, "the", "pager", "is", "quiet"]).is(0, "Noted");
    desk.touch("go");
    assert_eq!(run.end().code, Some(0));
    let before = desk.report();
    desk.refloat(&["note", &id[..id.len() - 2], "it was a disk"]).is(0, "Noted");
    let report = desk.report();
    let notes: Vec<&str> = events(&report, "noted").iter().filter_map(|note| note["text"].as_str()).collect();
    assert_eq!(notes, ["the pager is quiet", "it was a disk"]);
    assert_eq!(report["events"].as_array().expect("events").last().expect("one")["event"], "noted");
    for field in ["verdict", "exit", "reason"] {
        assert_eq!(report[field], before[field], "{field}");
    }

    let desk = Desk::with(WAITS);
    let run = desk.run();
    run.signal(Signal::KILL);
    run.end();
    desk.refloat(&["note", &desk.id(), "the machine was unplugged"]).is(0, "Noted");
    assert_eq!(events(&desk.report(), "noted").len(), 1);
    assert_eq!(desk.status(), "cut off");
    desk.refloat(&["note", "nothing", "x"]).is(6, "there is no run nothing here");
}

#[test]
fn a_process_that_does_not_answer_and_one_that_is_gone_are_told_apart() {
    let desk = Desk::with(WAITS);
    let run = desk.run();
    let id = desk.id();
    run.signal(Signal::STOP);
    desk.refloat(&["cancel", &id]).is(6, "did not answer within 10 s");
    run.signal(Signal::CONT);
    desk.touch("go");
    // what was not answered was withdrawn
    assert_eq!(run.end().code, Some(0));

    let desk = Desk::with(WAITS);
    let run = desk.run();
    run.signal(Signal::KILL);
    run.end();
    desk.refloat(&["cancel", &desk.id()]).is(4, "the process that executed it is gone");
}
