//! The state of a run: the fold over its events, and the only legal transitions.
//!
//! | event | legal when |
//! |---|---|
//! | `run_opened` | first, and only first |
//! | `run_resumed` | always after it, also after `run_closed`; steps that were open become interrupted |
//! | `noted` by a person, without a step | always |
//! | anything else | the run is not closed |
//! | `step_opened` | the step is not open in this phase |
//! | `units_started` | mode `run`; step open in that phase; key right and new; the previous attempt ended |
//! | `log_noted` | the run is not closed |
//! | `cursor_taken`, `unit_output` | the unit is started and not ended |
//! | `unit_ended` | the unit is started and not ended |
//! | `unit_marked` | the unit is started, and not ended or ended `unknown` |
//! | `unit_foreseen` | mode `check`, step open |
//! | `asked` | the step was opened, no question of it is open |
//! | `answered` | a question of the step is open |
//! | `guard_judged`, `log_matched`, `host_left`, `noted` with a step | the step was opened |
//! | `duty_opened` | the step was opened, the duty is not open |
//! | `duty_closed` | the duty is open |
//! | `step_closed` | the step is open, no unit of it in this phase is without an outcome |
//! | `run_closed` | no unit is without an outcome, unless the verdict is `detached` or `bug` |
//!
//! Sequence numbers run from 1 without a gap. A refused event leaves the state as it was.

use indexmap::{IndexMap, IndexSet};

use super::foreseen::Foreseen;
use super::illegal::Illegal;
use super::kind::{Answer, Event, EventKind, UnitStart};
use super::outcome::{Outcome, StepOutcome};
use super::query::{Duty, DutyEnd, Left, Matched, Question, Reach};
use super::run::{Closed, Mode, Opened, Resumed};
use super::step::{Opening, Output, Stage, StepState, UnitEnd, UnitState};
use super::unit::Phase;
use crate::base::clock::Timestamp;
use crate::base::ids::UnitKey;
use crate::base::secret::{Redacted, RedactedJson};

/// A run, as its events tell it. Made by [`RunState::open`] or [`RunState::fold`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunState {
    pub(super) header: Opened,
    pub(super) opened: Timestamp,
    pub(super) last_seq: u64,
    pub(super) last_at: Timestamp,
    pub(super) sessions: Vec<(Timestamp, Resumed)>,
    pub(super) steps: IndexMap<(String, Phase), StepState>,
    pub(super) units: IndexMap<UnitKey, UnitState>,
    pub(super) open: IndexSet<UnitKey>,
    pub(super) forecasts: Vec<Foreseen>,
    pub(super) hosts: IndexMap<String, Reach>,
    pub(super) targets: IndexMap<String, (Vec<String>, Redacted)>,
    pub(super) questions: Vec<Question>,
    pub(super) duties: Vec<Duty>,
    pub(super) left: Vec<Left>,
    pub(super) no_return: IndexSet<(String, String)>,
    pub(super) matched: Vec<Matched>,
    /// By the step of the watch, the pass and the host.
    pub(super) noted: IndexMap<(String, Vec<u32>, String), RedactedJson>,
    pub(super) closed: Option<(Timestamp, Closed)>,
}

impl RunState {
    /// The state after the first event.
    pub fn open(first: &Event) -> Result<Self, Illegal> {
        if first.seq != 1 {
            return Err(Illegal::Sequence { expected: 1, got: first.seq });
        }
        let EventKind::RunOpened(header) = &first.kind else { return Err(Illegal::NotOpened) };
        Ok(Self {
            header: (**header).clone(),
            opened: first.at,
            last_seq: 1,
            last_at: first.at,
            sessions: Vec::new(),
            steps: IndexMap::new(),
            units: IndexMap::new(),
            open: IndexSet::new(),
            forecasts: Vec::new(),
            hosts: IndexMap::new(),
            targets: IndexMap::new(),
            questions: Vec::new(),
            duties: Vec::new(),
            left: Vec::new(),
            no_return: IndexSet::new(),
            matched: Vec::new(),
            noted: IndexMap::new(),
            closed: None,
        })
    }

    /// The state after all of these events.
    pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Result<Self, Illegal> {
        let mut events = events.into_iter();
        let mut state = Self::open(events.next().ok_or(Illegal::NotOpened)?)?;
        for event in events {
            state.apply(event)?;
        }
        Ok(state)
    }

    /// The next event. A refused one leaves the state as it was.
    pub fn apply(&mut self, event: &Event) -> Result<(), Illegal> {
        let expected = self.last_seq + 1;
        if event.seq != expected {
            return Err(Illegal::Sequence { expected, got: event.seq });
        }
        let at_any_time =
            matches!(event.kind, EventKind::RunResumed(_) | EventKind::Noted { step: None, by: Some(_), .. });
        if self.closed.is_some() && !at_any_time {
            return Err(Illegal::Closed);
        }
        self.transition(event)?;
        self.last_seq = event.seq;
        self.last_at = event.at;
        Ok(())
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each event: the table above")]
    fn transition(&mut self, event: &Event) -> Result<(), Illegal> {
        let at = event.at;
        match &event.kind {
            EventKind::RunOpened(_) => return Err(Illegal::OpenedTwice),
            EventKind::RunResumed(resumed) => self.resume(at, resumed),
            EventKind::HostReached { host, facts } => {
                self.hosts.insert(host.clone(), Reach::Reached(facts.clone()));
            }
            EventKind::HostUnreachable { host, reason } => {
                self.hosts.insert(host.clone(), Reach::Unreachable(reason.clone()));
            }
            EventKind::StepOpened { step, phase, title, why, action, hosts, items, pass, list } => {
                let opened = StepState {
                    step: step.clone(),
                    phase: *phase,
                    title: title.clone(),
                    why: why.clone(),
                    action: action.clone(),
                    hosts: hosts.clone(),
                    items: *items,
                    opened: at,
                    stage: Stage::Open,
                    units: Vec::new(),
                    openings: vec![Opening {
                        pass: pass.clone(),
                        hosts: hosts.clone(),
                        list: list.clone(),
                        ..Opening::default()
                    }],
                    current: 0,
                };
                self.open_step(opened)?;
            }
            EventKind::UnitsStarted { units } => self.start_units(at, units)?,
            EventKind::CursorTaken { key, log, cursor } => {
                self.running(key)?.cursors.push((log.clone(), cursor.clone()));
            }
            EventKind::LogNoted { step, pass, host, cursor } => {
                self.noted.insert((step.clone(), pass.clone(), host.clone()), cursor.clone());
            }
            EventKind::UnitOutput { key, stream, blob, omitted, tail } => {
                let output = Output { stream: *stream, blob: blob.clone(), omitted: *omitted, tail: tail.clone() };
                self.running(key)?.output.push(output);
            }
            EventKind::UnitEnded { key, outcome, outputs, millis } => {
                let end = UnitEnd {
                    outcome: outcome.clone(),
                    outputs: outputs.clone(),
                    millis: *millis,
                    at,
                    marked_by: None,
                };
                self.running(key)?.end = Some(end);
                self.open.shift_remove(key);
            }
            EventKind::UnitMarked { key, outcome, by } => self.mark(at, key, outcome, by)?,
            EventKind::UnitForeseen { unit, forecast, perhaps, sends } => {
                if self.header.mode != Mode::Check {
                    return Err(Illegal::ForecastInRun(unit.step.clone()));
                }
                self.open_step_of(&unit.step, unit.phase)?;
                let (unit, forecast) = (unit.clone(), forecast.clone());
                let (perhaps, sends) = (perhaps.clone(), sends.clone());
                self.forecasts.push(Foreseen { unit, forecast, perhaps, sends });
            }
            EventKind::GuardJudged { step, silent, .. } => {
                self.known(step)?;
                if let Some(opening) = self.open_now(step) {
                    opening.silent.extend(silent.iter().cloned());
                }
            }
            EventKind::TargetPicked { name, hosts, why, reads: _ } => {
                self.targets.insert(name.clone(), (hosts.clone(), why.clone()));
                // steps follow each other: only one that picks is open
                let open = self.steps.values_mut().rfind(|step| step.stage.is_open() && step.action == "pick");
                if let Some(opening) = open.and_then(StepState::now) {
                    opening.picked.push((name.clone(), hosts.clone()));
                }
            }
            EventKind::Asked { step, message, expects } => self.ask(step, message, expects)?,
            EventKind::Answered { step, by, answer, text } => {
                let question = self.questions.iter_mut().find(|q| q.step == *step && q.answer.is_none());
                let question = question.ok_or_else(|| Illegal::NotAsked(step.clone()))?;
                question.answer = Some((by.clone(), *answer, text.clone()));
                let message = question.message.clone();
                if let (Answer::Accepted, Some(opening)) = (answer, self.open_now(step)) {
                    opening.answers.push((message, by.clone(), text.clone()));
                }
            }
            EventKind::LogMatched { step, host, no_return, entry, line, offset, .. } => {
                self.known(step)?;
                self.matched.push(Matched {
                    step: step.clone(),
                    host: host.clone(),
                    entry: entry.clone(),
                    line: line.clone(),
                    offset: *offset,
                });
                if *no_return {
                    self.no_return.insert((step.clone(), host.clone()));
                }
            }
            EventKind::Noted { step, by, text } => {
                if let Some(step) = step {
                    self.known(step)?;
                    if let (None, Some(opening)) = (by, self.open_now(step)) {
                        opening.notes.push(text.clone());
                    }
                }
            }
            EventKind::HostLeft { step, host, reason, pass } => {
                self.known(step)?;
                let (step, host) = (step.clone(), host.clone());
                self.left.push(Left { step, host, reason: reason.clone(), pass: pass.clone() });
            }
            EventKind::StepClosed { step, phase, outcome } => self.close_step(at, step, *phase, outcome)?,
            EventKind::DutyOpened { step, host, reason } => {
                self.known(step)?;
                if self.open_duties().any(|duty| duty.step == *step && duty.host == *host) {
                    return Err(Illegal::DutyOpen { step: step.clone(), host: host.clone() });
                }
                let duty = Duty { step: step.clone(), host: host.clone(), reason: reason.clone(), end: None };
                self.duties.push(duty);
            }
            EventKind::DutyClosed { step, host, by, reason, done } => {
                let duty = self.duties.iter_mut().find(|d| d.step == *step && d.host == *host && d.end.is_none());
                let duty = duty.ok_or_else(|| Illegal::NoDuty { step: step.clone(), host: host.clone() })?;
                duty.end = Some(DutyEnd { done: *done, by: by.clone(), reason: reason.clone() });
            }
            EventKind::RunClosed(closed) => {
                if !self.open.is_empty() && !closed.verdict.leaves_units_open() {
                    return Err(Illegal::RunHasOpenUnits(closed.verdict.words()));
                }
                self.closed = Some((at, (**closed).clone()));
            }
        }
        Ok(())
    }

    fn resume(&mut self, at: Timestamp, resumed: &Resumed) {
        self.closed = None;
        for step in self.steps.values_mut().filter(|step| step.stage.is_open()) {
            step.stage = Stage::Interrupted;
        }
        // A question that nobody answered died with the process that asked it.
        self.questions.retain(|question| question.answer.is_some());
        self.sessions.push((at, resumed.clone()));
    }

    fn open_step(&mut self, opened: StepState) -> Result<(), Illegal> {
        let Some(known) = self.steps.get_mut(&(opened.step.clone(), opened.phase)) else {
            self.steps.insert((opened.step.clone(), opened.phase), opened);
            return Ok(());
        };
        if known.stage.is_open() {
            return Err(Illegal::StepOpen(opened.step));
        }
        for host in opened.hosts {
            if !known.hosts.contains(&host) {
                known.hosts.push(host);
            }
        }
        for new in opened.openings {
            let same = |known: &Opening| known.pass == new.pass && known.hosts == new.hosts;
            known.current = known.openings.iter().position(same).unwrap_or(known.openings.len());
            match known.now() {
                Some(again) => again.outcome = None,
                None => known.openings.push(new),
            }
        }
        known.items = opened.items.or(known.items);
        known.opened = opened.opened;
        known.stage = Stage::Open;
        Ok(())
    }

    fn close_step(&mut self, at: Timestamp, step: &str, phase: Phase, how: &StepOutcome) -> Result<(), Illegal> {
        let closing = self.open_step_of(step, phase)?;
        if closing.units.iter().any(|key| self.open.contains(key)) {
            return Err(Illegal::UnitsOpen(step.to_owned()));
        }
        if let Some(state) = self.steps.get_mut(&(step.to_owned(), phase)) {
            state.stage = Stage::Closed { outcome: how.clone(), at };
            if let Some(opening) = state.now() {
                opening.outcome = Some(how.clone());
            }
        }
        Ok(())
    }

    fn start_units(&mut self, at: Timestamp, starts: &[UnitStart]) -> Result<(), Illegal> {
        let mut new = IndexSet::new();
        for start in starts {
            let UnitStart { unit, key, .. } = start;
            if self.header.mode == Mode::Check {
                return Err(Illegal::StartInCheck(*key));
            }
            if unit.key() != *key || unit.run != self.header.run || unit.attempt == 0 {
                return Err(Illegal::WrongKey(*key));
            }
            self.open_step_of(&unit.step, unit.phase)?;
            if self.units.contains_key(key) || !new.insert(*key) {
                return Err(Illegal::StartedTwice(*key));
            }
            if let Some(previous) = unit.previous_attempt()
                && self.units.get(&previous.key()).is_none_or(|previous| previous.end.is_none())
            {
                return Err(Illegal::AttemptOutOfOrder { step: unit.step.clone(), attempt: unit.attempt });
            }
        }
        for start in starts {
            if let Some(step) = self.steps.get_mut(&(start.unit.step.clone(), start.unit.phase)) {
                step.units.push(start.key);
            }
            self.open.insert(start.key);
            let host = start.unit.on.as_deref().unwrap_or_else(|| start.unit.host());
            let unit = UnitState {
                start: start.clone(),
                started: at,
                boot: self.hosts.get(host).and_then(Reach::boot),
                cursors: Vec::new(),
                output: Vec::new(),
                end: None,
            };
            self.units.insert(start.key, unit);
        }
        Ok(())
    }

    fn mark(&mut self, at: Timestamp, key: &UnitKey, outcome: &Outcome, by: &str) -> Result<(), Illegal> {
        let unit = self.units.get_mut(key).ok_or(Illegal::NotStarted(*key))?;
        if !unit.is_unresolved() {
            return Err(Illegal::Ended(*key));
        }
        let (outputs, millis) = unit.end.take().map_or_else(Default::default, |end| (end.outputs, end.millis));
        let marked_by = Some(by.to_owned());
        unit.end = Some(UnitEnd { outcome: outcome.clone(), outputs, millis, at, marked_by });
        self.open.shift_remove(key);
        Ok(())
    }

    fn ask(&mut self, step: &str, message: &Redacted, expects: &Redacted) -> Result<(), Illegal> {
        self.known(step)?;
        if self.questions.iter().any(|q| q.step == *step && q.answer.is_none()) {
            return Err(Illegal::AlreadyAsking(step.to_owned()));
        }
        let (step, message, expects) = (step.to_owned(), message.clone(), expects.clone());
        self.questions.push(Question { step, message, expects, answer: None });
        Ok(())
    }

    /// The opening of a step that is open.
    fn open_now(&mut self, step: &str) -> Option<&mut Opening> {
        let open = self.steps.get_mut(&(step.to_owned(), Phase::Apply))?;
        if open.stage.is_open() { open.now() } else { None }
    }

    fn open_step_of(&self, step: &str, phase: Phase) -> Result<&StepState, Illegal> {
        let found = self.step(step, phase).filter(|found| found.stage.is_open());
        found.ok_or_else(|| Illegal::StepNotOpen(step.to_owned()))
    }

    fn known(&self, step: &str) -> Result<(), Illegal> {
        let known = self.step(step, Phase::Apply).or_else(|| self.step(step, Phase::Undo)).is_some();
        if known { Ok(()) } else { Err(Illegal::StepNotOpen(step.to_owned())) }
    }

    /// A unit of which something may still be heard: also one whose outcome was not known, when its host can be asked again.
    fn running(&mut self, key: &UnitKey) -> Result<&mut UnitState, Illegal> {
        let unit = self.units.get_mut(key).ok_or(Illegal::NotStarted(*key))?;
        if unit.is_unresolved() { Ok(unit) } else { Err(Illegal::Ended(*key)) }
    }
}
