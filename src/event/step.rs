//! The parts of the state that stand for one step and one unit.

use crate::base::clock::Timestamp;
use crate::base::ids::UnitKey;
use crate::base::secret::{Redacted, RedactedJson};

use super::kind::{BlobRef, Stream, UnitStart};
use super::outcome::{Outcome, StepOutcome};
use super::unit::Phase;

/// A step that was opened at least once. The steps of a rolling group are opened once a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepState {
    /// Its path.
    pub step: String,
    /// Done or undone.
    pub phase: Phase,
    /// Its title.
    pub title: Redacted,
    /// Why it is there.
    pub why: Option<Redacted>,
    /// Its action.
    pub action: String,
    /// The hosts it is about, of all times it was opened, in order.
    pub hosts: Vec<String>,
    /// How many items a `for_each` has.
    pub items: Option<u32>,
    /// When it was opened last.
    pub opened: Timestamp,
    /// Where it is.
    pub stage: Stage,
    /// The units started for it, in order.
    pub units: Vec<UnitKey>,
    /// Each time it was opened: once for each pass of the loops around it, and once more when it was opened for other
    /// hosts.
    pub openings: Vec<Opening>,
    /// The place of the last one among them.
    pub current: usize,
}

/// One time that a step was opened, for what a process that takes the run over has to know of it. A step that is opened
/// again, by another process in the same pass for the same hosts, is the same opening.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// The pass of the loops around it.
    pub pass: Vec<u32>,
    /// Its hosts.
    pub hosts: Vec<String>,
    /// The items of its `for_each`.
    pub list: Option<RedactedJson>,
    /// How it ended. None: it is open, or was interrupted.
    pub outcome: Option<StepOutcome>,
    /// The targets that were picked in it.
    pub picked: Vec<(String, Vec<String>)>,
    /// The notes that the runbook made in it.
    pub notes: Vec<Redacted>,
    /// The answers with which its questions went on: the question, who, and in which words.
    pub answers: Vec<(Redacted, String, Redacted)>,
    /// The hosts that were silent in it, and are not proved dead.
    pub silent: Vec<String>,
}

impl StepState {
    /// The opening in this pass for these hosts.
    #[must_use]
    pub fn opening(&self, pass: &[u32], hosts: &[String]) -> Option<&Opening> {
        self.openings.iter().find(|opening| opening.pass == pass && opening.hosts == hosts)
    }

    /// The opening that is the last one.
    pub(super) fn now(&mut self) -> Option<&mut Opening> {
        self.openings.get_mut(self.current)
    }
}

/// Where a step is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It runs.
    Open,
    /// It ran when the process that ran it ended; another process may open it again.
    Interrupted,
    /// It ended.
    Closed {
        /// How.
        outcome: StepOutcome,
        /// When.
        at: Timestamp,
    },
}

impl Stage {
    /// Whether the step runs now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// Whether the step ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }
}

/// A unit that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitState {
    /// What was started.
    pub start: UnitStart,
    /// When its intent was written.
    pub started: Timestamp,
    /// On which boot of its host, when the host had said that.
    pub boot: Option<String>,
    /// The logs it watches, with the cursor of each.
    pub cursors: Vec<(Redacted, RedactedJson)>,
    /// Its output.
    pub output: Vec<Output>,
    /// How it ended. None: it may have run, its outcome is not known.
    pub end: Option<UnitEnd>,
}

/// Output of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Which stream.
    pub stream: Stream,
    /// Where the bytes are.
    pub blob: BlobRef,
    /// Bytes that were dropped between head and tail.
    pub omitted: u64,
    /// The end of it, as text.
    pub tail: Redacted,
}

/// How a unit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitEnd {
    /// The outcome.
    pub outcome: Outcome,
    /// What later steps may read.
    pub outputs: RedactedJson,
    /// How long it took where it ran, in milliseconds.
    pub millis: u64,
    /// When the outcome was written.
    pub at: Timestamp,
    /// The person who decided the outcome, when it was one.
    pub marked_by: Option<String>,
}

impl UnitState {
    /// Whether the host may be other than before.
    #[must_use]
    pub fn may_have_had_an_effect(&self) -> bool {
        self.end.as_ref().is_none_or(|end| end.outcome.may_have_had_an_effect())
    }

    /// Whether it is not known what became of it: started and not ended, or ended `unknown`.
    #[must_use]
    pub fn is_unresolved(&self) -> bool {
        match &self.end {
            None => true,
            Some(end) => matches!(end.outcome, Outcome::Unknown { .. }),
        }
    }
}
