//! What people read, letter by letter, from a hand-made history.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::*;
use crate::base::digest::Digest;
use crate::base::ids::RunId;
use crate::base::secret::{Redacted, RedactedJson, Redactor};
use crate::event::{
    Answer, BlobRef, Closed, EventKind, Forecast, GuardVerdict, Mode, Opened, Outcome, Phase, PlannedStep, Resumed,
    StepOutcome, Stream, Unit, UnitStart, Verdict,
};
use crate::journal::RunStatus;

/// Where a reporter writes, for a test to look at.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("one thread").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Screen {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("one thread").clone()).expect("text")
    }
}

fn text(text: &str) -> Redacted {
    Redactor::default().redact(text)
}

fn owned(hosts: &[&str]) -> Vec<String> {
    hosts.iter().map(|&host| host.to_owned()).collect()
}

fn planned(step: &str, title: &str, hosts: &[&str]) -> PlannedStep {
    PlannedStep { step: step.into(), title: text(title), action: "run".into(), hosts: owned(hosts) }
}

fn opened(mode: Mode) -> EventKind {
    EventKind::RunOpened(Box::new(Opened {
        run: RunId::parse("01jd0000").expect("an id"),
        runbook: "consul/quorum".into(),
        title: text("Bring the cluster back"),
        risk: "destructive".into(),
        plan: Digest::of("plan"),
        stored: BlobRef { file: "plan".into(), offset: 0, len: 4, digest: Digest::of("plan") },
        outline: vec![
            planned("no-leader", "Is the leader gone?", &["c-1", "c-2"]),
            planned("agree", "Do we agree?", &[]),
            planned("recover", "Recover", &["c-1", "c-2", "c-3"]),
            planned("recover/stop", "Stop the survivors", &["c-1", "c-2", "c-3"]),
            planned("recover/write", "Write the peers", &["c-1", "c-2", "c-3"]),
            planned("prove", "Is there a leader?", &[]),
        ],
        operator: "ada".into(),
        controller: "desk".into(),
        mode,
        version: "0.1.0".into(),
        reason: Some(text("INC-7")),
        origin: None,
        from: None,
    }))
}

fn step(step: &str, title: &str, why: Option<&str>, hosts: &[&str], phase: Phase) -> EventKind {
    EventKind::StepOpened {
        step: step.into(),
        phase,
        title: text(title),
        why: why.map(text),
        action: "run".into(),
        hosts: owned(hosts),
        items: None,
        pass: Vec::new(),
        list: None,
    }
}

fn close(step: &str, outcome: StepOutcome) -> EventKind {
    EventKind::StepClosed { step: step.into(), phase: Phase::Apply, outcome }
}

fn unit(step: &str, host: &str, attempt: u32) -> Unit {
    Unit {
        run: RunId::parse("01jd0000").expect("an id"),
        step: step.into(),
        item: None,
        about: Some(host.into()),
        on: Some(host.into()),
        phase: Phase::Apply,
        attempt,
        entry: None,
    }
}

fn start(step: &str, hosts: &[&str], summary: &str) -> EventKind {
    let units = hosts.iter().map(|host| UnitStart::new(unit(step, host, 1), Digest::of("body"), text(summary)));
    EventKind::UnitsStarted { units: units.collect() }
}

fn end(step: &str, host: &str, outcome: Outcome, millis: u64) -> EventKind {
    EventKind::UnitEnded { key: unit(step, host, 1).key(), outcome, outputs: RedactedJson::default(), millis }
}

fn end_run(verdict: Verdict, reason: &str, at: Option<&str>, next: &[&str]) -> EventKind {
    EventKind::RunClosed(Box::new(Closed {
        verdict,
        reason: text(reason),
        step: at.map(str::to_owned),
        next: next.iter().map(|next| text(next)).collect(),
        outputs: Redactor::default().redact_json(serde_json::json!({"leader": "c-2", "servers": 3})),
    }))
}

/// Up to the middle of `recover/stop`: one host is done, one has no outcome, one failed.
fn half() -> Vec<EventKind> {
    let guard = |host: &str, verdict, seen: &str| EventKind::GuardJudged {
        step: "no-leader".into(),
        guard: text("eq result.body \"\""),
        host: Some(host.into()),
        verdict,
        seen: text(seen),
        message: Some(text("There is a leader: nothing to recover.")),
        silent: Vec::new(),
        reads: RedactedJson::default(),
        asked: None,
    };
    let stderr = EventKind::UnitOutput {
        key: unit("recover/stop", "c-2", 1).key(),
        stream: Stream::Stderr,
        blob: BlobRef { file: "output".into(), offset: 0, len: 31, digest: Digest::of("x") },
        omitted: 0,
        tail: text("Failed to stop consul.service\n\u{1b}[2Jevil\n"),
    };
    let facts = BTreeMap::from([("login".to_owned(), text("ops"))]);
    vec![
        opened(Mode::Run),
        EventKind::HostReached { host: "c-1".into(), facts },
        EventKind::HostUnreachable { host: "c-4".into(), reason: text("connect: timed out after 5 s") },
        step("no-leader", "Is the leader gone?", None, &["c-1", "c-2"], Phase::Apply),
        guard("c-1", GuardVerdict::Holds, "\"\""),
        guard("c-2", GuardVerdict::Holds, "\"\""),
        close("no-leader", StepOutcome::Ok),
        step("agree", "Do we agree?", None, &[], Phase::Apply),
        EventKind::Asked {
            step: "agree".into(),
            message: text("Data since the last snapshot is lost.\nNot proved dead: c-4"),
            expects: text("typing dc1"),
        },
        EventKind::Answered { step: "agree".into(), by: "ada".into(), answer: Answer::Accepted, text: text("dc1") },
        close("agree", StepOutcome::Ok),
        step("recover", "Recover", None, &["c-1", "c-2", "c-3"], Phase::Apply),
        step(
            "recover/stop",
            "Stop the survivors",
            Some("nobody may write while the peers are changed"),
            &["c-1", "c-2", "c-3"],
            Phase::Apply,
        ),
        start("recover/stop", &["c-1", "c-2", "c-3"], "systemctl stop consul"),
        end("recover/stop", "c-1", Outcome::Changed, 1234),
        stderr,
        end("recover/stop", "c-2", Outcome::Failed { reason: text("exit 1") }, 987),
    ]
}

fn number(kinds: Vec<EventKind>) -> Vec<Event> {
    let at = |seq: u64| Timestamp(1_795_356_000_000 + 250 * i64::try_from(seq).expect("small"));
    kinds.into_iter().zip(1..).map(|(kind, seq)| Event { seq, at: at(seq), kind }).collect()
}

fn failed() -> Vec<Event> {
    let mut kinds = half();
    let link_lost = Outcome::Unknown { reason: text("the link was lost") };
    kinds.extend([
        end("recover/stop", "c-3", link_lost, 20_000),
        close("recover/stop", StepOutcome::Failed { reason: text("failed on c-2, unknown on c-3") }),
        EventKind::UnitMarked { key: unit("recover/stop", "c-3", 1).key(), outcome: Outcome::Ok, by: "ada".into() },
        EventKind::DutyOpened { step: "recover".into(), host: "c-4".into(), reason: text("unreachable") },
        end_run(
            Verdict::Failed,
            "c-2 did not stop: exit 1",
            Some("recover/stop"),
            &["refloat resume 01jd0000 --retry-failed", "refloat undo 01jd0000"],
        ),
    ]);
    number(kinds)
}

fn recovered() -> Vec<Event> {
    let mut kinds = half();
    kinds.pop();
    let stop = unit("recover/stop", "c-2", 1).key();
    kinds.extend([
        end("recover/stop", "c-2", Outcome::Ok, 5),
        end("recover/stop", "c-3", Outcome::Changed, 61_000),
        close("recover/stop", StepOutcome::Changed),
        step("recover/write", "Write the peers", None, &["c-1", "c-2", "c-3"], Phase::Apply),
        close("recover/write", StepOutcome::Skipped { reason: text("`when` is false") }),
        close("recover", StepOutcome::Changed),
        EventKind::TargetPicked {
            name: "leader".into(),
            hosts: owned(&["c-2"]),
            why: text("highest index: 812"),
            reads: RedactedJson::default(),
        },
        step("prove", "Is there a leader?", None, &["c-2"], Phase::Apply),
        EventKind::LogMatched {
            step: "prove".into(),
            host: "c-2".into(),
            log: text("journal:consul"),
            entry: text("cluster leadership acquired"),
            line: text("[INFO] agent.server: cluster leadership acquired \u{202e}"),
            offset: Some(812),
            no_return: false,
        },
        EventKind::Noted { step: None, by: Some("ada".into()), text: text("phoned the customer") },
        close("prove", StepOutcome::Ok),
        end_run(Verdict::Recovered, "a leader was elected", None, &[]),
    ]);
    assert_eq!(stop, unit("recover/stop", "c-2", 1).key());
    number(kinds)
}

fn check() -> Vec<Event> {
    let foreseen = |host: &str, forecast| EventKind::UnitForeseen {
        unit: unit("recover/write", host, 1),
        forecast,
        perhaps: None,
        sends: None,
    };
    number(vec![
        opened(Mode::Check),
        step("recover/write", "Write the peers", None, &["c-1", "c-2", "c-3"], Phase::Apply),
        foreseen("c-1", Forecast::WouldChange { diff: text("-[]\n+[{\"id\": 1}]\n") }),
        foreseen("c-2", Forecast::Holds),
        foreseen("c-3", Forecast::UnknownUntil { step: "recover/stop".into(), reason: text("reads its pid") }),
        close("recover/write", StepOutcome::Ok),
        end_run(Verdict::Ready, "ready", None, &[]),
    ])
}

fn head() -> Head {
    Head { seq: 22, digest: Digest::of("head") }
}

fn shown(events: &[Event], mut reporter: impl Reporter, screen: &Screen) -> String {
    let mut state = RunState::open(&events[0]).expect("legal");
    reporter.event(&events[0], &state);
    for event in &events[1..] {
        state.apply(event).expect("legal");
        reporter.event(event, &state);
    }
    reporter.finish(&state, Some(head()));
    screen.text()
}

fn plain(events: &[Event]) -> String {
    let screen = Screen::default();
    shown(events, Plain::new(screen.clone()), &screen)
}

/// What a terminal shows in the end: the moves of the cursor carried out.
fn live(events: &[Event], look: Look) -> String {
    let screen = Screen::default();
    on_screen(&shown(events, Live::new(screen.clone(), look), &screen))
}

fn on_screen(written: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    let mut rest = written;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        lines.extend(before.split_terminator('\n'));
        let (up, after) = after.split_once("A\r\u{1b}[J").expect("only moves up and clears");
        let up: usize = up.parse().expect("a number");
        assert!(up <= lines.len(), "moves above the first line");
        lines.truncate(lines.len() - up);
        rest = after;
    }
    lines.extend(rest.split_terminator('\n'));
    lines.join("\n")
}

fn report(events: &[Event], with: impl FnOnce(Report<'_>) -> String) -> String {
    let state = RunState::fold(events).expect("legal");
    let status = state.closed().map_or(RunStatus::CutOff, |(_, closed)| RunStatus::Closed(closed.verdict));
    with(Report { events, state: &state, status, head: Some(head()) })
}

#[test]
fn a_run_that_was_cut_off_says_what_may_have_run() {
    let events = number(half());
    let state = RunState::fold(&events).expect("legal");
    insta::assert_snapshot!(timeline(&events, &state));
}

#[test]
fn the_sections_of_a_run_that_was_cut_off_are_exact() {
    let of = |rows: &[Row]| rows.iter().map(|row| format!("{} {}", row.step, row.host)).collect::<Vec<_>>();
    let mut kinds = half();
    kinds.extend([
        end("recover/stop", "c-3", Outcome::Changed, 5),
        close("recover/stop", StepOutcome::Failed { reason: text("c-2") }),
        EventKind::RunResumed(Resumed {
            operator: "bob".into(),
            controller: "lap".into(),
            version: "0.1.0".into(),
            verb: "resume".into(),
            reason: None,
        }),
        step("recover/stop", "Stop the survivors", None, &["c-2"], Phase::Apply),
        EventKind::UnitsStarted {
            units: vec![UnitStart::new(unit("recover/stop", "c-2", 2), Digest::of("body"), text("stop"))],
        },
    ]);
    let rows = Rows::of(&RunState::fold(&number(kinds)).expect("legal"));
    assert_eq!(
        of(&rows.done),
        ["no-leader c-1", "no-leader c-2", "agree controller", "recover/stop c-1", "recover/stop c-3"]
    );
    assert_eq!(of(&rows.may_have_run), ["recover/stop c-2"]);
    assert_eq!(
        of(&rows.not_started),
        ["recover/write c-1", "recover/write c-2", "recover/write c-3", "prove controller"]
    );
    assert!(rows.failed.is_empty() && rows.skipped.is_empty(), "{rows:?}");
}

#[test]
fn a_batch_that_was_not_reached_and_items_that_were_not_are_not_started() {
    let mut each = unit("recover/stop", "c-1", 1);
    each.item = Some(0);
    let mut opened_step = step("recover/stop", "Stop", None, &["c-1"], Phase::Apply);
    if let EventKind::StepOpened { items, .. } = &mut opened_step {
        *items = Some(3);
    }
    let key = each.key();
    let kinds = vec![
        opened(Mode::Run),
        opened_step,
        EventKind::UnitsStarted { units: vec![UnitStart::new(each, Digest::of("body"), text("stop"))] },
        EventKind::UnitEnded { key, outcome: Outcome::Ok, outputs: RedactedJson::default(), millis: 1 },
    ];
    let rows = Rows::of(&RunState::fold(&number(kinds)).expect("legal"));
    let waiting: Vec<_> = rows.not_started.iter().map(|row| format!("{} {}", row.step, row.host)).collect();
    assert_eq!(waiting[3..7], ["recover/stop[1] c-1", "recover/stop[2] c-1", "recover/stop c-2", "recover/stop c-3"]);
    assert_eq!(rows.done.len(), 1);
}

#[test]
fn a_failed_run_as_text_markdown_and_json() {
    insta::assert_snapshot!("failed_text", report(&failed(), |report| report.text()));
    insta::assert_snapshot!("failed_markdown", report(&failed(), |report| report.markdown()));
    let json = report(&failed(), |report| serde_json::to_string_pretty(&report.json()).expect("writes"));
    let document: serde_json::Value = serde_json::from_str(&json).expect("reads");
    assert_eq!(document["verdict"], "failed");
    assert_eq!(document["exit"], 1);
    assert_eq!(document["failed"][0]["host"], "c-2");
    assert_eq!(document["duties"][0]["host"], "c-4");
    assert_eq!(document["not_started"][0]["step"], "recover/write");
    assert_eq!(document["events"].as_array().map(Vec::len), Some(failed().len()));
}

#[test]
fn a_recovered_run_as_text() {
    insta::assert_snapshot!(report(&recovered(), |report| report.text()));
}

#[test]
fn a_check_as_text_and_live() {
    insta::assert_snapshot!("check_text", report(&check(), |report| report.text()));
    insta::assert_snapshot!("check_live", live(&check(), Look { width: 78, ..Look::PLAIN }));
}

#[test]
fn plain_lines() {
    insta::assert_snapshot!(plain(&failed()));
}

#[test]
fn a_terminal_after_a_failed_and_a_recovered_run() {
    insta::assert_snapshot!("live_failed", live(&failed(), Look { width: 78, ..Look::PLAIN }));
    insta::assert_snapshot!("live_recovered", live(&recovered(), Look { width: 78, ..Look::PLAIN }));
}

#[test]
fn a_terminal_shows_what_runs_and_never_more_lines_than_it_has() {
    let mut kinds = half();
    kinds.truncate(14);
    let events = number(kinds);
    let state = RunState::fold(&events).expect("legal");
    let draw = |height| {
        let screen = Screen::default();
        let mut live = Live::new(screen.clone(), Look { colour: false, width: 60, height });
        live.tick(Timestamp(events[13].at.0 + 4_000), &state);
        live.tick(Timestamp(events[13].at.0 + 75_000), &state);
        on_screen(&screen.text())
    };
    let line = |host| format!("  ⋯ {host}               1 min 15 s   systemctl stop con…");
    assert_eq!(draw(24).lines().collect::<Vec<_>>(), [line("c-1     "), line("c-2     "), line("c-3     ")]);
    assert_eq!(draw(4).lines().collect::<Vec<_>>(), [line("c-1     "), "  ⋯ and 2 more".to_owned()]);
    assert_eq!(draw(2), "");
}

#[test]
fn a_terminal_has_a_clock_while_hosts_are_connected_to_and_while_a_step_waits() {
    let opened = half().remove(0);
    let step = EventKind::StepOpened {
        step: "settle".into(),
        phase: Phase::Apply,
        title: text("Wait for a leader"),
        why: None,
        action: "wait".into(),
        hosts: Vec::new(),
        items: None,
        pass: Vec::new(),
        list: None,
    };
    for (kinds, what) in [(vec![opened.clone()], "connecting"), (vec![opened, step], "waiting")] {
        let events = number(kinds);
        let state = RunState::fold(&events).expect("legal");
        let screen = Screen::default();
        let mut live = Live::new(screen.clone(), Look { colour: false, width: 60, height: 24 });
        live.tick(Timestamp(events[events.len() - 1].at.0 + 12_000), &state);
        let shown = on_screen(&screen.text());
        assert!(shown.starts_with("  ⋯ 12 s ") && shown.contains(what), "{shown:?}");
    }
}

#[test]
fn colours_only_where_they_are_wanted_and_nothing_from_outside_steers_the_terminal() {
    let screen = Screen::default();
    let coloured = shown(&failed(), Live::new(screen.clone(), Look { colour: true, width: 78, height: 24 }), &screen);
    assert!(coloured.contains("\u{1b}[32m"), "green");
    for text in [
        plain(&failed()),
        plain(&recovered()),
        live(&failed(), Look::PLAIN),
        report(&recovered(), |report| report.text()),
        report(&recovered(), |report| report.markdown()),
        report(&failed(), |report| report.text()),
    ] {
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
    let screen = Screen::default();
    let json = shown(&recovered(), JsonLines::new(screen.clone()), &screen);
    assert!(!json.contains('\u{202e}'));
    let read: Vec<Event> = json.lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
    assert_eq!(read, recovered());
}
