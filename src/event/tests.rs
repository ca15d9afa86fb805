//! The state machine, row by row of its table, and under random histories.

use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::exit::Exit;
use crate::base::ids::RunId;
use crate::base::secret::{Redacted, RedactedJson, Redactor};

fn text(text: impl Into<String>) -> Redacted {
    Redactor::default().redact(text)
}

fn json(value: serde_json::Value) -> RedactedJson {
    Redactor::default().redact_json(value)
}

fn run_id() -> RunId {
    RunId::parse("r1").expect("an id")
}

fn blob() -> BlobRef {
    BlobRef { file: "output".into(), offset: 7, len: 3, digest: Digest::of("abc") }
}

fn opened(mode: Mode) -> EventKind {
    EventKind::RunOpened(Box::new(Opened {
        run: run_id(),
        runbook: "consul/quorum".into(),
        title: text("Bring it back"),
        risk: "destructive".into(),
        plan: Digest::of("plan"),
        stored: blob(),
        outline: Vec::new(),
        operator: "ada".into(),
        controller: "desk".into(),
        mode,
        version: "0.1.0".into(),
        reason: None,
        origin: None,
        from: None,
    }))
}

fn unit(step: &str, host: &str, attempt: u32) -> Unit {
    Unit {
        run: run_id(),
        step: step.into(),
        item: None,
        about: Some(host.into()),
        on: Some(host.into()),
        phase: Phase::Apply,
        attempt,
        entry: None,
    }
}

fn start(units: &[Unit]) -> EventKind {
    let units = units.iter().map(|unit| UnitStart::new(unit.clone(), Digest::of("body"), text("true"))).collect();
    EventKind::UnitsStarted { units }
}

fn end(unit: &Unit, outcome: Outcome) -> EventKind {
    EventKind::UnitEnded { key: unit.key(), outcome, outputs: json(serde_json::json!({"exit": 0})), millis: 5 }
}

fn open_step(step: &str, hosts: &[&str]) -> EventKind {
    EventKind::StepOpened {
        step: step.into(),
        phase: Phase::Apply,
        title: text("Title"),
        why: None,
        action: "run".into(),
        hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
        items: None,
        pass: Vec::new(),
        list: None,
    }
}

fn close_step(step: &str) -> EventKind {
    EventKind::StepClosed { step: step.into(), phase: Phase::Apply, outcome: StepOutcome::Ok }
}

fn close(verdict: Verdict) -> EventKind {
    EventKind::RunClosed(Box::new(Closed {
        verdict,
        reason: text("all is well"),
        step: None,
        next: vec![text("go to bed")],
        outputs: RedactedJson::default(),
    }))
}

fn resumed() -> EventKind {
    EventKind::RunResumed(Resumed {
        operator: "bob".into(),
        controller: "lap".into(),
        version: "0.1.0".into(),
        verb: "resume".into(),
        reason: None,
    })
}

fn asked(step: &str) -> EventKind {
    EventKind::Asked { step: step.into(), message: text("sure?"), expects: text("yes") }
}

fn answered(step: &str) -> EventKind {
    EventKind::Answered { step: step.into(), by: "ada".into(), answer: Answer::Accepted, text: text("yes") }
}

fn noted(step: Option<&str>) -> EventKind {
    EventKind::Noted { step: step.map(str::to_owned), by: None, text: text("note") }
}

/// Allowed at any time.
fn by_a_person() -> EventKind {
    EventKind::Noted { step: None, by: Some("ada".into()), text: text("note") }
}

fn marked(unit: &Unit) -> EventKind {
    EventKind::UnitMarked { key: unit.key(), outcome: Outcome::Ok, by: "ada".into() }
}

fn unknown() -> Outcome {
    Outcome::Unknown { reason: text("link lost") }
}

fn number(kinds: Vec<EventKind>) -> Vec<Event> {
    let numbered = kinds.into_iter().zip(1..);
    numbered.map(|(kind, seq)| Event { seq, at: Timestamp(1000 + i64::try_from(seq).expect("small")), kind }).collect()
}

fn fold(kinds: Vec<EventKind>) -> Result<RunState, Illegal> {
    RunState::fold(&number(kinds))
}

/// Folds everything but the last event, which must be refused and leave the state as it was.
fn refusal(mut kinds: Vec<EventKind>) -> Illegal {
    let last = kinds.pop().expect("an event");
    let mut state = fold(kinds).expect("legal up to the last");
    let before = state.clone();
    let event = Event { seq: state.last_seq() + 1, at: Timestamp(9), kind: last };
    let illegal = state.apply(&event).expect_err("refused");
    assert_eq!(state, before, "a refused event changed the state: {illegal}");
    illegal
}

#[test]
fn a_whole_run_folds() {
    let (a, b) = (unit("stop", "a", 1), unit("stop", "b", 1));
    let again = unit("stop", "b", 2);
    let state = fold(vec![
        opened(Mode::Run),
        EventKind::HostReached { host: "a".into(), facts: BTreeMap::from([("os".into(), text("linux"))]) },
        EventKind::HostUnreachable { host: "c".into(), reason: text("timed out") },
        open_step("stop", &["a", "b"]),
        start(&[a.clone(), b.clone()]),
        EventKind::UnitOutput { key: a.key(), stream: Stream::Stdout, blob: blob(), omitted: 0, tail: text("bye") },
        end(&a, Outcome::Changed),
        end(&b, Outcome::Failed { reason: text("exit 1") }),
        start(std::slice::from_ref(&again)),
        end(&again, Outcome::Ok),
        EventKind::DutyOpened { step: "stop".into(), host: "c".into(), reason: text("unreachable") },
        close_step("stop"),
        open_step("sure", &[]),
        asked("sure"),
        answered("sure"),
        close_step("sure"),
        close(Verdict::Recovered),
        resumed(),
        EventKind::DutyClosed {
            step: "stop".into(),
            host: "c".into(),
            by: "ada".into(),
            reason: text("scrapped"),
            done: false,
        },
        close(Verdict::Recovered),
    ])
    .expect("legal");
    assert_eq!(state.last_seq(), 20);
    assert_eq!(
        state.steps().map(|step| (step.step.as_str(), step.units.len())).collect::<Vec<_>>(),
        [("stop", 3), ("sure", 0)]
    );
    assert_eq!(state.unit(&a.key()).expect("known").output[0].tail.as_str(), "bye");
    assert_eq!(state.open_units().count(), 0);
    assert_eq!(state.hosts().len(), 2);
    assert!(state.duties()[0].state() == "closed" && state.open_duties().count() == 0);
    assert!(state.has_changed_anything());
    assert_eq!(state.closed().expect("closed").1.verdict.exit(), Exit::Ok);
}

#[test]
fn each_illegal_transition_is_refused_and_changes_nothing() {
    let a = unit("s", "a", 1);
    let key = a.key();
    let begun = |rest: Vec<EventKind>| {
        let mut kinds = vec![opened(Mode::Run), open_step("s", &["a"])];
        kinds.extend(rest);
        kinds
    };
    let one = || start(std::slice::from_ref(&a));
    let step = || "s".to_owned();
    let wrong_key = EventKind::UnitsStarted {
        units: vec![UnitStart { key: unit("s", "b", 1).key(), ..UnitStart::new(a.clone(), Digest::of(""), text("")) }],
    };
    let foreign = Unit { run: RunId::parse("r2").expect("an id"), ..a.clone() };
    let output = || EventKind::UnitOutput { key, stream: Stream::Stderr, blob: blob(), omitted: 1, tail: text("") };
    let forecast =
        || EventKind::UnitForeseen { unit: a.clone(), forecast: Forecast::Holds, perhaps: None, sends: None };
    let duty_closed =
        || EventKind::DutyClosed { step: step(), host: "a".into(), by: "ada".into(), reason: text(""), done: true };
    let duty_opened = || EventKind::DutyOpened { step: step(), host: "a".into(), reason: text("") };
    let table = [
        (vec![opened(Mode::Run), opened(Mode::Run)], Illegal::OpenedTwice),
        (vec![opened(Mode::Run), close(Verdict::Failed), noted(None)], Illegal::Closed),
        (vec![opened(Mode::Run), by_a_person(), close(Verdict::Failed), by_a_person(), noted(None)], Illegal::Closed),
        (vec![opened(Mode::Run), close(Verdict::Failed), close(Verdict::Failed)], Illegal::Closed),
        (begun(vec![open_step("s", &["b"])]), Illegal::StepOpen(step())),
        (vec![opened(Mode::Run), one()], Illegal::StepNotOpen(step())),
        (begun(vec![close_step("s"), one()]), Illegal::StepNotOpen(step())),
        (begun(vec![resumed(), one()]), Illegal::StepNotOpen(step())),
        (begun(vec![start(&[Unit { phase: Phase::Undo, ..a.clone() }])]), Illegal::StepNotOpen(step())),
        (vec![opened(Mode::Check), open_step("s", &["a"]), one()], Illegal::StartInCheck(key)),
        (begun(vec![forecast()]), Illegal::ForecastInRun(step())),
        (vec![opened(Mode::Check), forecast()], Illegal::StepNotOpen(step())),
        (begun(vec![wrong_key]), Illegal::WrongKey(unit("s", "b", 1).key())),
        (begun(vec![start(std::slice::from_ref(&foreign))]), Illegal::WrongKey(foreign.key())),
        (begun(vec![one(), one()]), Illegal::StartedTwice(key)),
        (begun(vec![start(&[a.clone(), a.clone()])]), Illegal::StartedTwice(key)),
        (begun(vec![one(), end(&a, Outcome::Ok), one()]), Illegal::StartedTwice(key)),
        (begun(vec![start(&[unit("s", "a", 2)])]), Illegal::AttemptOutOfOrder { step: step(), attempt: 2 }),
        (begun(vec![one(), start(&[unit("s", "a", 2)])]), Illegal::AttemptOutOfOrder { step: step(), attempt: 2 }),
        (begun(vec![end(&a, Outcome::Ok)]), Illegal::NotStarted(key)),
        (begun(vec![one(), end(&a, Outcome::Ok), end(&a, Outcome::Ok)]), Illegal::Ended(key)),
        (begun(vec![output()]), Illegal::NotStarted(key)),
        (begun(vec![one(), end(&a, Outcome::Ok), output()]), Illegal::Ended(key)),
        (begun(vec![marked(&a)]), Illegal::NotStarted(key)),
        (begun(vec![one(), end(&a, Outcome::Ok), marked(&a)]), Illegal::Ended(key)),
        (begun(vec![one(), close_step("s")]), Illegal::UnitsOpen(step())),
        (begun(vec![one(), close(Verdict::Failed)]), Illegal::RunHasOpenUnits("failed")),
        (begun(vec![close_step("s"), close_step("s")]), Illegal::StepNotOpen(step())),
        (begun(vec![asked("t")]), Illegal::StepNotOpen("t".into())),
        (begun(vec![asked("s"), asked("s")]), Illegal::AlreadyAsking(step())),
        (begun(vec![answered("s")]), Illegal::NotAsked(step())),
        (begun(vec![asked("s"), answered("s"), answered("s")]), Illegal::NotAsked(step())),
        (begun(vec![asked("s"), resumed(), answered("s")]), Illegal::NotAsked(step())),
        (begun(vec![noted(Some("t"))]), Illegal::StepNotOpen("t".into())),
        (begun(vec![duty_closed()]), Illegal::NoDuty { step: step(), host: "a".into() }),
        (begun(vec![duty_opened(), duty_opened()]), Illegal::DutyOpen { step: step(), host: "a".into() }),
        (begun(vec![duty_opened(), duty_closed(), duty_closed()]), Illegal::NoDuty { step: step(), host: "a".into() }),
    ];
    for (kinds, expected) in table {
        assert_eq!(refusal(kinds), expected);
    }
    assert_eq!(fold(vec![]), Err(Illegal::NotOpened));
    assert_eq!(fold(vec![noted(None)]), Err(Illegal::NotOpened));
}

#[test]
fn numbers_have_no_gap_and_no_repetition() {
    let events = number(vec![opened(Mode::Run), noted(None), noted(None)]);
    let gap = [&events[0], &events[2]];
    assert_eq!(RunState::fold(gap), Err(Illegal::Sequence { expected: 2, got: 3 }));
    let twice = [&events[0], &events[1], &events[1]];
    assert_eq!(RunState::fold(twice), Err(Illegal::Sequence { expected: 3, got: 2 }));
    assert_eq!(RunState::fold(&events[1..]), Err(Illegal::Sequence { expected: 1, got: 2 }));
}

#[test]
fn what_was_open_when_the_process_ended_can_be_taken_up_again() {
    let a = unit("s", "a", 1);
    let left = vec![opened(Mode::Run), open_step("s", &["a"]), start(std::slice::from_ref(&a))];
    let state = fold(left.clone()).expect("legal");
    assert_eq!(state.open_units().map(|unit| unit.start.key).collect::<Vec<_>>(), [a.key()]);

    let mut on = left;
    on.extend([
        close(Verdict::Detached),
        resumed(),
        open_step("s", &["a", "b"]),
        end(&a, unknown()),
        marked(&a),
        close_step("s"),
        close(Verdict::Recovered),
    ]);
    let state = fold(on).expect("legal");
    let end = state.unit(&a.key()).and_then(|unit| unit.end.clone()).expect("ended");
    assert_eq!((end.outcome, end.marked_by.as_deref(), end.millis), (Outcome::Ok, Some("ada"), 5));
    assert_eq!(state.step("s", Phase::Apply).expect("known").hosts, ["a", "b"]);
    assert_eq!(state.sessions().len(), 1);
}

/// A random history: each number picks one of the events that might come next, legal or not. The oracle knows only sets
/// of names; what it calls legal must fold, what it calls illegal must be refused.
#[derive(Default)]
struct Oracle {
    open_steps: HashSet<&'static str>,
    started: HashMap<(&'static str, &'static str), bool>,
    closed: bool,
}

const STEPS: [&str; 3] = ["one", "two", "three"];
const HOSTS: [&str; 3] = ["a", "b", "c"];

impl Oracle {
    fn next(&mut self, choice: u8, which: usize) -> (EventKind, bool) {
        let (step, host) = (STEPS[which % 3], HOSTS[which / 3 % 3]);
        let unit = unit(step, host, 1);
        let open = !self.closed && self.open_steps.contains(step);
        match choice % 7 {
            0 | 1 => (open_step(step, &HOSTS), !self.closed && self.open_steps.insert(step)),
            2 => {
                let legal = open && !self.started.contains_key(&(step, host));
                if legal {
                    self.started.insert((step, host), false);
                }
                (start(&[unit]), legal)
            }
            3 => {
                let legal = !self.closed && self.started.get(&(step, host)) == Some(&false);
                if legal {
                    self.started.insert((step, host), true);
                }
                (end(&unit, Outcome::Changed), legal)
            }
            4 => {
                let busy = self.started.iter().any(|((of, _), ended)| *of == step && !ended);
                let legal = open && !busy && self.open_steps.remove(step);
                (close_step(step), legal)
            }
            5 if which.is_multiple_of(4) => {
                let legal = !self.closed && self.started.values().all(|ended| *ended);
                self.closed |= legal;
                (close(Verdict::Failed), legal)
            }
            5 => (noted(None), !self.closed),
            _ => {
                self.closed = false;
                self.open_steps.clear();
                (resumed(), true)
            }
        }
    }
}

proptest! {
    #[test]
    fn random_histories_fold_as_the_oracle_says(choices in prop::collection::vec((any::<u8>(), 0_usize..9), 0..80)) {
        let mut oracle = Oracle::default();
        let mut state = fold(vec![opened(Mode::Run)]).expect("legal");
        let mut kept = number(vec![opened(Mode::Run)]);
        for (choice, which) in choices {
            let (kind, legal) = oracle.next(choice, which);
            let event = Event { seq: state.last_seq() + 1, at: Timestamp(5), kind };
            let before = state.clone();
            let applied = state.apply(&event);
            prop_assert_eq!(applied.is_ok(), legal, "{:?} gave {:?}", event, applied);
            if legal { kept.push(event) } else { prop_assert_eq!(&state, &before) }
        }
        let folded = RunState::fold(&kept);
        prop_assert_eq!(folded.as_ref(), Ok(&state));
        let open = oracle.started.values().filter(|ended| !**ended).count();
        prop_assert_eq!(state.open_units().count(), open);
        prop_assert_eq!(state.closed().is_some(), oracle.closed);
    }

    #[test]
    fn events_survive_json(event in any_event()) {
        let json = serde_json::to_string(&event).expect("writes");
        prop_assert_eq!(serde_json::from_str::<Event>(&json).expect(&json), event);
    }
}

fn any_text() -> impl Strategy<Value = Redacted> {
    any::<String>().prop_map(text)
}

fn any_json() -> impl Strategy<Value = RedactedJson> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    let tree = leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    tree.prop_map(json)
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    (any_text(), any::<u64>(), 0..8).prop_map(|(reason, after_ms, which)| match which {
        0 => Outcome::Ok,
        1 => Outcome::Changed,
        2 => Outcome::Skipped { reason },
        3 => Outcome::Failed { reason },
        4 => Outcome::TimedOut { after_ms, reason },
        5 => Outcome::Unreachable { reason },
        6 => Outcome::Cancelled { reason },
        _ => Outcome::Unknown { reason },
    })
}

fn any_unit() -> impl Strategy<Value = Unit> {
    let host = || prop::option::of(any::<String>());
    (any::<String>(), prop::option::of(any::<u32>()), host(), host(), any::<bool>(), any::<u32>()).prop_map(
        |(step, item, about, on, undo, attempt)| {
            let phase = if undo { Phase::Undo } else { Phase::Apply };
            Unit { run: run_id(), step, item, about, on, phase, attempt, entry: None }
        },
    )
}

fn any_kind() -> impl Strategy<Value = EventKind> {
    let seed = (any_text(), any_text(), any::<String>(), any::<u64>(), any_json(), any_unit(), any_outcome());
    (seed, 0..24).prop_map(|((one, two, name, n, value, unit, outcome), which)| {
        let key = unit.key();
        let list = vec![name.clone(), "other".into()];
        let maybe = n.is_multiple_of(2).then(|| one.clone());
        match which {
            0 => opened(if n.is_multiple_of(2) { Mode::Run } else { Mode::Check }),
            1 => resumed(),
            2 => EventKind::HostReached { host: name.clone(), facts: BTreeMap::from([(name, one)]) },
            3 => EventKind::HostUnreachable { host: name, reason: one },
            4 => EventKind::StepOpened {
                step: name.clone(),
                phase: unit.phase,
                title: one,
                why: maybe,
                action: name,
                hosts: list,
                items: unit.item,
                pass: Vec::new(),
                list: None,
            },
            5 => EventKind::UnitsStarted { units: vec![UnitStart::new(unit, Digest::of(name), one)] },
            6 => EventKind::CursorTaken { key, log: one, cursor: value },
            7 => EventKind::UnitOutput { key, stream: Stream::Stderr, blob: blob(), omitted: n, tail: one },
            8 => EventKind::UnitEnded { key, outcome, outputs: value, millis: n },
            9 => EventKind::UnitMarked { key, outcome, by: name },
            10 => EventKind::UnitForeseen {
                unit,
                forecast: Forecast::WouldChange { diff: one },
                perhaps: None,
                sends: None,
            },
            11 => EventKind::UnitForeseen {
                unit,
                forecast: Forecast::UnknownUntil { step: name, reason: one },
                perhaps: None,
                sends: None,
            },
            12 => EventKind::GuardJudged {
                step: name,
                guard: one,
                host: unit.about,
                verdict: GuardVerdict::Unknown,
                seen: two,
                message: maybe,
                silent: Vec::new(),
                reads: RedactedJson::default(),
                asked: None,
            },
            13 => EventKind::TargetPicked { name, hosts: list, why: one, reads: RedactedJson::default() },
            14 => EventKind::Asked { step: name, message: one, expects: two },
            15 => EventKind::Answered { step: name.clone(), by: name, answer: Answer::Expired, text: one },
            16 => EventKind::LogMatched {
                step: name.clone(),
                host: name,
                log: one.clone(),
                entry: one,
                line: two,
                offset: Some(n),
                no_return: n.is_multiple_of(2),
            },
            17 => EventKind::Noted { step: unit.about, by: unit.on, text: one },
            18 => {
                let outcome = StepOutcome::Refused { reason: one };
                EventKind::StepClosed { step: name, phase: unit.phase, outcome }
            }
            19 => EventKind::StepClosed { step: name, phase: unit.phase, outcome: StepOutcome::Changed },
            20 => EventKind::DutyOpened { step: name.clone(), host: name, reason: one },
            21 => EventKind::DutyClosed {
                step: name.clone(),
                host: name.clone(),
                by: name,
                reason: one,
                done: n.is_multiple_of(2),
            },
            22 => close(Verdict::NeedsAttention),
            _ => EventKind::RunClosed(Box::new(Closed {
                verdict: Verdict::Failed,
                reason: one,
                step: unit.about,
                next: vec![two],
                outputs: value,
            })),
        }
    })
}

fn any_event() -> impl Strategy<Value = Event> {
    (any::<u64>(), any::<i64>(), any_kind()).prop_map(|(seq, at, kind)| Event { seq, at: Timestamp(at), kind })
}

/// As events were written before steps told the passes of the loops around them, and what `for_each` went over.
#[test]
fn a_history_of_the_form_before_loads() {
    let began = serde_json::json!({
        "step": "restart", "phase": "apply", "title": "restart", "why": null, "action": "run",
        "hosts": ["a"], "items": 2, "event": "step_opened",
    });
    let judged = serde_json::json!({
        "event": "guard_judged", "step": "restart", "guard": "up", "host": "a", "verdict": "holds", "seen": "yes",
        "message": null,
    });
    let left = serde_json::json!({ "event": "host_left", "step": "restart", "host": "a", "reason": "exit 1" });
    let kinds: Vec<EventKind> =
        [began, judged, left].into_iter().map(|json| serde_json::from_value(json).expect("it loads")).collect();
    let events: Vec<Event> = (1..)
        .zip([opened(Mode::Run)].into_iter().chain(kinds))
        .map(|(seq, kind)| Event { seq, at: Timestamp(0), kind })
        .collect();
    let state = RunState::fold(&events).expect("a history");
    let step = state.step("restart", Phase::Apply).expect("known");
    assert_eq!(step.opening(&[], &["a".to_owned()]).expect("opened").outcome, None);
    assert_eq!(state.left()[0].pass, Vec::<u32>::new());
}

/// What a version before the values of decisions were kept has written.
#[test]
fn events_without_what_they_rest_on_still_load() {
    let key = unit("a", "h", 1).key();
    let start = serde_json::to_value(UnitStart::new(unit("a", "h", 1), Digest::of(""), text("true"))).expect("JSON");
    assert!(start.get("reads").is_none() && start.get("asks").is_none(), "nothing is written that is not there");
    let old: UnitStart = serde_json::from_value(start).expect("it loads");
    assert!(old.reads.is_empty() && old.asks.is_empty() && old.key == key);
    let judged =
        r#"{"event":"guard_judged","step":"a","guard":"g","host":null,"verdict":"holds","seen":"s","message":null}"#;
    let picked = r#"{"event":"target_picked","name":"t","hosts":["h"],"why":"w"}"#;
    for old in [judged, picked] {
        let kind: EventKind = serde_json::from_str(old).expect("it loads");
        assert_eq!(serde_json::to_string(&kind).expect("JSON"), old, "and is the same again");
    }
}
