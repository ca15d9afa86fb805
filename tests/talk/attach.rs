//! `attach`: what another process does, as it happens.

use rustix::process::Signal;

use super::{Desk, WAITS, until};

#[test]
fn a_view_tells_what_the_run_itself_tells_from_its_first_event_to_its_end() {
    let desk = Desk::with(WAITS);
    let run = desk.run();
    let id = desk.id();
    let view = desk.spawn("view", &mut desk.command(&["attach", &id]));
    let late = desk.spawn("late", &mut desk.command(&["attach", "--from-now"]));
    // it has caught up, and stays
    view.says("out", "while [ -d");
    until("both see a note", || {
        desk.refloat(&["note", &id, "hello"]).is(0, "Noted");
        [&view, &late].iter().all(|one| one.text("out").contains("hello"))
    });
    desk.touch("go");
    let (run, view, late) = (run.end(), view.end(), late.end());
    assert_eq!((run.code, view.code, late.code), (Some(0), Some(0), Some(0)), "{run:?}{view:?}{late:?}");
    assert_eq!(view.out, run.out);
    assert!(!late.out.contains("of test/talk") && run.out.ends_with(&late.out), "{late:?}");
    let again = desk.refloat(&["attach", &id]);
    assert_eq!((again.code, again.out), (Some(0), view.out));
}

#[test]
fn who_leaves_the_view_does_not_leave_the_run() {
    let desk = Desk::with(WAITS);
    let run = desk.run();
    let view = desk.spawn("view", &mut desk.command(&["attach"]));
    view.says("out", "while [ -d");
    view.signal(Signal::INT);
    view.end().is(75, "You have left the view; the run goes on");
    assert_eq!(desk.status(), "running");
    desk.touch("go");
    assert_eq!(run.end().code, Some(0));
}

#[test]
fn a_view_says_that_the_process_is_gone_and_what_to_type() {
    let desk = Desk::with(WAITS);
    let run = desk.run();
    let id = desk.id();
    let view = desk.spawn("view", &mut desk.command(&["attach"]));
    view.says("out", "while [ -d");
    run.signal(Signal::KILL);
    run.end();
    let said = view.end();
    said.is(75, &format!("the process that executed run {id} is gone, and the run did not end"));
    said.is(75, &format!("refloat resume {id}"));
}
