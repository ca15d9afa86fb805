//! What the state of a run answers.

use std::collections::BTreeMap;

use indexmap::{IndexMap, IndexSet};

use super::kind::Answer;
use super::outcome::Outcome;
use super::run::{Closed, Opened, Resumed};
use super::state::RunState;
use super::step::{Opening, StepState, UnitState};
use super::unit::{Phase, Unit};
use crate::base::clock::Timestamp;
use crate::base::ids::UnitKey;
use crate::base::secret::{Redacted, RedactedJson};

/// Whether a host answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Yes, and its facts.
    Reached(BTreeMap<String, Redacted>),
    /// No, and what was seen.
    Unreachable(Redacted),
}

impl Reach {
    /// Which boot it was.
    pub(super) fn boot(&self) -> Option<String> {
        match self {
            Self::Reached(facts) => facts.get("boot_id").map(|boot| boot.as_str().to_owned()),
            Self::Unreachable(_) => None,
        }
    }
}

/// A question to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The step that asks.
    pub step: String,
    /// What it asks.
    pub message: Redacted,
    /// The answer that goes on.
    pub expects: Redacted,
    /// Who answered, what, and in which words. None: it is still open.
    pub answer: Option<(String, Answer, Redacted)>,
}

/// A host that failed and was left behind by the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The step in which it failed.
    pub step: String,
    /// The host.
    pub host: String,
    /// What was seen.
    pub reason: Redacted,
    /// In which pass of the loops around.
    pub pass: Vec<u32>,
}

/// What a watched log said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The step that watches.
    pub step: String,
    /// Whose log.
    pub host: String,
    /// What was waited for.
    pub entry: Redacted,
    /// The line.
    pub line: Redacted,
    /// Where it stands.
    pub offset: Option<u64>,
}

/// Something that must still be done on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duty {
    /// The step.
    pub step: String,
    /// The host.
    pub host: String,
    /// Why it was not done.
    pub reason: Redacted,
    /// How it ended. None: it is still open.
    pub end: Option<DutyEnd>,
}

/// How a duty ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DutyEnd {
    /// Whether it was carried out; else a person said that it need not be.
    pub done: bool,
    /// Who.
    pub by: String,
    /// In which words.
    pub reason: Redacted,
}

impl Duty {
    /// Where it is, in a word: `open`, `done`, or `closed` by a person.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match &self.end {
            None => "open",
            Some(end) if end.done => "done",
            Some(_) => "closed",
        }
    }

    /// As people name it: `consul-3/fence`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.host, self.step)
    }

    /// Whether this step is (a part of) what is owed to this host.
    #[must_use]
    pub fn covers(&self, step: &str, host: &str) -> bool {
        let below = step.strip_prefix(self.step.as_str());
        self.host == host && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl RunState {
    /// What was known when the run began.
    #[must_use]
    pub fn header(&self) -> &Opened {
        &self.header
    }

    /// When it began.
    #[must_use]
    pub fn opened(&self) -> Timestamp {
        self.opened
    }

    /// The number of the last event.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// The time of the last event.
    #[must_use]
    pub fn last_at(&self) -> Timestamp {
        self.last_at
    }

    /// The processes that took the run over, in order.
    #[must_use]
    pub fn sessions(&self) -> &[(Timestamp, Resumed)] {
        &self.sessions
    }

    /// The steps, in the order in which they were first opened.
    pub fn steps(&self) -> impl Iterator<Item = &StepState> {
        self.steps.values()
    }

    /// One step in one phase.
    #[must_use]
    pub fn step(&self, step: &str, phase: Phase) -> Option<&StepState> {
        self.steps.get(&(step.to_owned(), phase))
    }

    /// The units that were started, in order.
    pub fn units(&self) -> impl Iterator<Item = &UnitState> {
        self.units.values()
    }

    /// One unit.
    #[must_use]
    pub fn unit(&self, key: &UnitKey) -> Option<&UnitState> {
        self.units.get(key)
    }

    /// The units that were started and have no outcome: they may have run.
    pub fn open_units(&self) -> impl Iterator<Item = &UnitState> {
        self.open.iter().filter_map(|key| self.units.get(key))
    }

    /// Which hosts answered.
    #[must_use]
    pub fn hosts(&self) -> &IndexMap<String, Reach> {
        &self.hosts
    }

    /// The targets that were picked: their hosts and why.
    #[must_use]
    pub fn targets(&self) -> &IndexMap<String, (Vec<String>, Redacted)> {
        &self.targets
    }

    /// The questions, answered and open.
    #[must_use]
    pub fn questions(&self) -> &[Question] {
        &self.questions
    }

    /// The duties, open and closed.
    #[must_use]
    pub fn duties(&self) -> &[Duty] {
        &self.duties
    }

    /// The duties that are open.
    pub fn open_duties(&self) -> impl Iterator<Item = &Duty> {
        self.duties.iter().filter(|duty| duty.end.is_none())
    }

    /// The hosts that failed and were left behind, in order.
    #[must_use]
    pub fn left(&self) -> &[Left] {
        &self.left
    }

    /// What watched logs said, in order.
    #[must_use]
    pub fn matched(&self) -> &[Matched] {
        &self.matched
    }

    /// Where a log stood for the watch of a step, in a pass, on a host.
    #[must_use]
    pub fn noted_log(&self, step: &str, pass: &[u32], host: &str) -> Option<&RedactedJson> {
        self.noted.get(&(step.to_owned(), pass.to_vec(), host.to_owned()))
    }

    /// The last attempt of a unit. `first` is the unit in any of its attempts.
    #[must_use]
    pub fn last_attempt(&self, first: &Unit) -> Option<&UnitState> {
        let attempts = (1..).map(|attempt| Unit { attempt, ..first.clone() });
        attempts.map_while(|unit| self.unit(&unit.key())).last()
    }

    /// The steps and hosts that are past a point of no return.
    #[must_use]
    pub fn no_return(&self) -> &IndexSet<(String, String)> {
        &self.no_return
    }

    /// Whether what a unit did was put back: its undo began after it, and ended well, all of it.
    #[must_use]
    pub fn is_undone(&self, unit: &Unit) -> bool {
        let same = |other: &Unit| {
            other.step == unit.step && other.item == unit.item && other.about == unit.about && other.on == unit.on
        };
        let after = self.units.values().skip_while(|other| other.start.unit != *unit);
        let undo = after.filter(|other| other.start.unit.phase == Phase::Undo && same(&other.start.unit)).last();
        let ended = undo.and_then(|undo| undo.end.as_ref()).is_some_and(|end| end.outcome.is_good());
        // an undo can have several entries: it has ended when its step was closed
        let of = |opening: &&Opening| {
            opening.pass.first().copied() == unit.item && opening.hosts.iter().any(|host| host == unit.host())
        };
        let openings = self.step(&unit.step, Phase::Undo).into_iter().flat_map(|step| &step.openings);
        let closed = openings.filter(of).all(|opening| opening.outcome.is_some());
        unit.phase == Phase::Apply && ended && closed
    }

    /// Whether a unit in its last attempt ended well, and began after all of these.
    #[must_use]
    pub fn is_done_since(&self, first: &Unit, before: &[UnitKey]) -> bool {
        let Some(unit) = self.last_attempt(first) else { return false };
        let place = self.units.get_index_of(&unit.start.key);
        unit.end.as_ref().is_some_and(|end| end.outcome.is_good())
            && before.iter().all(|key| self.units.get_index_of(key) < place)
    }

    /// How the run ended, and when. None: it goes on, or was cut off.
    #[must_use]
    pub fn closed(&self) -> Option<(Timestamp, &Closed)> {
        self.closed.as_ref().map(|(at, closed)| (*at, closed))
    }

    /// Whether any unit may have changed a host: from here a failure is exit 1 or 5, no longer 4 or 6.
    #[must_use]
    pub fn has_changed_anything(&self) -> bool {
        self.units().any(UnitState::may_have_had_an_effect)
    }

    /// What was changed and stands, in order: applied with an effect, and not put back. Of several attempts the last.
    pub fn standing(&self) -> impl Iterator<Item = &UnitState> {
        let again = |unit: &Unit| self.units.contains_key(&Unit { attempt: unit.attempt + 1, ..unit.clone() }.key());
        self.units().filter(move |unit| {
            let of = &unit.start.unit;
            let changed = unit.end.as_ref().is_some_and(|end| end.outcome == Outcome::Changed);
            of.phase == Phase::Apply && changed && !again(of) && !self.is_undone(of)
        })
    }
}
