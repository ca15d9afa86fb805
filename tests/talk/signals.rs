//! Ctrl-C, and what takes the terminal or the process away.

use std::fs::{self, OpenOptions};
use std::process::Stdio;

use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::{Desk, Going, WAITS, events, until};
use crate::actions::over_ssh::inventory;
use crate::support::sshd::{self, Sshd};
use crate::support::tier;

/// It was left: the journal says so, nothing was stopped on the host, and nothing new began.
fn left(desk: &Desk, run: Going<'_>) {
    let said = run.end();
    said.is(75, "refloat resume");
    assert_eq!(desk.status(), "detached");
    let report = desk.report();
    let closed = events(&report, "run_closed");
    assert_eq!(closed.len(), 1);
    assert!(closed[0]["reason"].as_str().expect("a reason").contains("goes on there"), "{}", closed[0]);
    assert!(events(&report, "unit_ended").is_empty());
    desk.touch("go");
    until("what was started goes on", || desk.out("ended"));
    assert!(!desk.out("second"));
}

#[test]
fn once_nothing_new_begins() {
    let desk = Desk::with(WAITS);
    let run = desk.run();
    run.signal(Signal::INT);
    run.says("err", "nothing new begins");
    desk.touch("go");
    assert_eq!(run.end().code, Some(130));
    assert!(desk.out("ended") && !desk.out("second"));
}

#[test]
fn twice_it_is_stopped_on_the_host() {
    let desk = Desk::with(WAITS);
    let run = desk.run();
    run.signal(Signal::INT);
    run.says("err", "nothing new begins");
    run.signal(Signal::INT);
    run.says("err", "Stopping what runs on the hosts");
    assert_eq!(run.end().code, Some(130));
    assert!(!desk.out("ended") && !desk.out("second"));
    desk.stopped_on_the_host();
}

#[test]
fn a_third_time_it_is_left() {
    let desk = Desk::with(&WAITS.replace("      echo $$", "      trap '' TERM\n      echo $$"));
    let run = desk.run();
    for words in ["nothing new begins", "Stopping what runs on the hosts", "Leaving"] {
        run.signal(Signal::INT);
        run.says("err", words);
    }
    run.end().is(75, "refloat resume");
    assert_eq!(desk.status(), "detached");
    assert!(!desk.out("second"));
}

#[test]
fn a_process_that_is_ended_or_loses_its_terminal_leaves_its_run() {
    for signal in [Signal::TERM, Signal::HUP] {
        let desk = Desk::with(WAITS);
        let run = desk.run();
        run.signal(signal);
        left(&desk, run);
    }
}

#[test]
fn a_closed_standard_output_stops_nothing() {
    let desk = Desk::with(WAITS);
    let mut command = desk.command(&["run", "book.yaml", "-i", "inventory.yaml"]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut child = command.stdout(writer).stderr(Stdio::null()).spawn().expect("the program starts");
    until("the first step began", || desk.out("started"));
    desk.touch("go");
    assert_eq!(child.wait().expect("ours").code(), Some(0));
    assert!(desk.out("second"));
    assert_eq!(desk.status(), "recovered");
}

#[test]
fn a_run_that_was_stopped_for_a_while_goes_on() {
    let desk = Desk::with(&WAITS.replace("hosts: a\n    run", "hosts: a\n    timeout: 60s\n    run"));
    let run = desk.run();
    run.signal(Signal::STOP);
    desk.touch("go");
    until("the host went on", || desk.out("ended"));
    run.signal(Signal::CONT);
    assert_eq!(run.end().code, Some(0));
    assert!(desk.out("second"));
}

/// The lid of a laptop: nobody sees the link die, and nobody is there when the work ends.
#[test]
fn a_run_that_was_stopped_while_its_link_died_goes_on_and_does_nothing_twice() {
    if !tier("sshd", sshd::available()) {
        return;
    }
    let mut server = Sshd::start("");
    let desk = Desk::with(&WAITS.replace("touch OUT/started", "echo begun >>OUT/begun; touch OUT/started"));
    fs::write(desk.path("inventory.yaml"), inventory(&server).replace("far:", "a:")).expect("a file");
    let run = desk.run();
    run.signal(Signal::STOP);
    server.kill();
    desk.touch("go");
    until("the host went on", || desk.out("ended"));
    server.again();
    run.signal(Signal::CONT);
    let said = run.end();
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(desk.out("second") && said.out.contains("a: the link is lost"), "{said:?}");
    assert_eq!(fs::read_to_string(desk.path("out/begun")).expect("effects"), "begun\n");
}

#[test]
fn a_terminal_that_goes_away_at_a_question_is_no_refusal() {
    let desk = Desk::with(
        "\n  - { id: sure, confirm: { message: Sure?, type: yes } }\n  - { id: second, hosts: a, run: touch OUT/second }\n",
    );
    let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&keys).expect("ours");
    unlockpt(&keys).expect("open");
    let name = ptsname(&keys, Vec::new()).expect("a name").into_string().expect("a path");
    let screen = OpenOptions::new().read(true).write(true).open(name).expect("the other end");
    // a session of its own, so that it is its own terminal that goes
    let args = ["--ctty", env!("CARGO_BIN_EXE_refloat"), "run", "book.yaml", "-i", "inventory.yaml"];
    let mut command = desk.program("setsid", &args);
    let run = desk.spawn("run", command.stdin(screen));
    run.says("err", "anything else to stop: ");
    drop(command);
    drop(keys);
    let said = run.end();
    assert_eq!(said.code, Some(75), "{said:?}");
    assert_eq!(desk.status(), "detached");
    assert!(!desk.out("second"));
}
