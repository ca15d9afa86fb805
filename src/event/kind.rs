//! The events. Each is what somebody reading the history needs, and no more: texts have been through the redactor, output
//! is named by a [`BlobRef`] and lies beside the journal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::outcome::{Outcome, StepOutcome};
use super::unit::{Phase, Unit};
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::exit::Exit;
use crate::base::ids::{RunId, UnitKey};
use crate::base::secret::{Redacted, RedactedJson};

/// One thing that happened in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// From 1, without gaps.
    pub seq: u64,
    /// The controller's wall clock, for people. Nothing is decided by it.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// The run began. Always the first event.
    RunOpened(Box<Opened>),
    /// Another process took the run over: after a crash, a detach, or an end that left something to do.
    RunResumed(Resumed),
    /// A host answered, and what it said about itself.
    HostReached { host: String, facts: BTreeMap<String, Redacted> },
    /// A host did not answer.
    HostUnreachable { host: String, reason: Redacted },
    /// A step began. `hosts` is fixed here, and so is the number of `items` of a `for_each`.
    StepOpened {
        step: String,
        phase: Phase,
        title: Redacted,
        why: Option<Redacted>,
        action: String,
        hosts: Vec<String>,
        items: Option<u32>,
    },
    /// Units are about to start. Durable before any of them touches a host.
    UnitsStarted { units: Vec<UnitStart> },
    /// Where a log stood when a unit started: an opaque cursor of the watch.
    CursorTaken { key: UnitKey, log: Redacted, cursor: RedactedJson },
    /// A unit's output. `omitted` bytes between head and tail were dropped on the host.
    UnitOutput { key: UnitKey, stream: Stream, blob: BlobRef, omitted: u64, tail: Redacted },
    /// A unit ended. `outputs` is what later steps may read; `millis` is measured where it ran.
    UnitEnded {
        key: UnitKey,
        #[serde(flatten)]
        outcome: Outcome,
        outputs: RedactedJson,
        millis: u64,
    },
    /// A person decided what became of a unit that is open or ended `unknown`.
    UnitMarked {
        key: UnitKey,
        #[serde(flatten)]
        outcome: Outcome,
        by: String,
    },
    /// `check` only: what the unit would do.
    UnitForeseen { unit: Unit, forecast: Forecast },
    /// A guard was asked.
    GuardJudged {
        step: String,
        guard: Redacted,
        host: Option<String>,
        verdict: GuardVerdict,
        seen: Redacted,
        message: Option<Redacted>,
    },
    /// A target was picked at run time.
    TargetPicked { name: String, hosts: Vec<String>, why: Redacted },
    /// A person was asked. `expects` says which answer goes on.
    Asked { step: String, message: Redacted, expects: Redacted },
    /// The answer.
    Answered { step: String, by: String, answer: Answer, text: Redacted },
    /// A watched log said something that was waited for, or must not be said. `no_return`: undo is refused from here.
    LogMatched {
        step: String,
        host: String,
        log: Redacted,
        entry: Redacted,
        line: Redacted,
        offset: Option<u64>,
        no_return: bool,
    },
    /// A note of the runbook or of a person.
    Noted { step: Option<String>, by: Option<String>, text: Redacted },
    /// A step ended.
    StepClosed {
        step: String,
        phase: Phase,
        #[serde(flatten)]
        outcome: StepOutcome,
    },
    /// Something that must still be done on a host that could not be reached.
    DutyOpened { step: String, host: String, reason: Redacted },
    /// It was done, or a person closed it with a reason.
    DutyClosed { step: String, host: String, by: String, reason: Redacted },
    /// The run ended. Only [`EventKind::RunResumed`] may follow.
    RunClosed(Box<Closed>),
}

impl EventKind {
    /// The bytes beside the journal that this event names.
    #[must_use]
    pub fn blob(&self) -> Option<&BlobRef> {
        match self {
            Self::RunOpened(opened) => Some(&opened.stored),
            Self::UnitOutput { blob, .. } => Some(blob),
            Self::RunResumed(_)
            | Self::HostReached { .. }
            | Self::HostUnreachable { .. }
            | Self::StepOpened { .. }
            | Self::UnitsStarted { .. }
            | Self::CursorTaken { .. }
            | Self::UnitEnded { .. }
            | Self::UnitMarked { .. }
            | Self::UnitForeseen { .. }
            | Self::GuardJudged { .. }
            | Self::TargetPicked { .. }
            | Self::Asked { .. }
            | Self::Answered { .. }
            | Self::LogMatched { .. }
            | Self::Noted { .. }
            | Self::StepClosed { .. }
            | Self::DutyOpened { .. }
            | Self::DutyClosed { .. }
            | Self::RunClosed(_) => None,
        }
    }
}

/// What is known when a run begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The run.
    pub run: RunId,
    /// The runbook's name.
    pub runbook: String,
    /// Its title, rendered.
    pub title: Redacted,
    /// `read-only`, `reversible` or `destructive`.
    pub risk: String,
    /// The digest of the plan: what `plan` prints and `--confirm` names.
    pub plan: Digest,
    /// The stored plan, on which a resume works. Filled in by the journal.
    pub stored: BlobRef,
    /// The steps as planned, in order, so that what never started can be named.
    pub outline: Vec<PlannedStep>,
    /// Who runs it.
    pub operator: String,
    /// The host name of the controller.
    pub controller: String,
    /// `run` or `check`.
    pub mode: Mode,
    /// The version of refloat.
    pub version: String,
    /// What `--reason` said.
    pub reason: Option<Redacted>,
}

/// One step of the plan, for the outline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// The step's path.
    pub step: String,
    /// Its title.
    pub title: Redacted,
    /// Its action; `steps` and `use` hold other steps.
    pub action: String,
    /// The hosts it is about, as far as they are known before the run; empty when they are picked later.
    pub hosts: Vec<String>,
}

/// A process that took the run over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// Who.
    pub operator: String,
    /// From where.
    pub controller: String,
    /// With which version.
    pub version: String,
    /// What for: `resume`, `undo`, `duty`, `note`.
    pub verb: String,
    /// What `--reason` said.
    pub reason: Option<Redacted>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The verdict, which decides the exit code.
    pub verdict: Verdict,
    /// In one sentence: what was seen.
    pub reason: Redacted,
    /// The step at which it ended, when it did not end well.
    pub step: Option<String>,
    /// The ways on: what to type or do next.
    pub next: Vec<Redacted>,
    /// The runbook's `outputs`.
    pub outputs: RedactedJson,
}

/// Run or dry run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Changes hosts.
    Run,
    /// Reads only; a run of this mode is never granted a permit.
    Check,
}

/// How a run ended, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every step is done.
    Recovered,
    /// `check`: a run could start now.
    Ready,
    /// `check`: it could not.
    NotReady,
    /// A step failed after the first change.
    Failed,
    /// A guard, a gate or a lock said no before the first change.
    Refused,
    /// An outcome is unknown, a point of no return is passed, or an undo failed.
    NeedsAttention,
    /// Something could not be reached before the first change.
    Unreachable,
    /// This process left; the run goes on or can be resumed.
    Detached,
    /// A person ended it, nothing is left running or unknown.
    Cancelled,
    /// Refloat itself failed.
    Bug,
}

impl Verdict {
    /// The exit code that goes with it.
    #[must_use]
    pub fn exit(self) -> Exit {
        match self {
            Self::Recovered | Self::Ready => Exit::Ok,
            Self::NotReady | Self::Failed => Exit::Failed,
            Self::Refused => Exit::Refused,
            Self::NeedsAttention => Exit::Attention,
            Self::Unreachable => Exit::Unreachable,
            Self::Detached => Exit::Detached,
            Self::Cancelled => Exit::Cancelled,
            Self::Bug => Exit::Bug,
        }
    }

    /// The words for it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Ready => "ready",
            Self::NotReady => "not ready",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::NeedsAttention => "needs attention",
            Self::Unreachable => "unreachable",
            Self::Detached => "detached",
            Self::Cancelled => "cancelled",
            Self::Bug => "a bug in refloat",
        }
    }

    /// Whether units without an outcome may be left behind.
    #[must_use]
    pub fn leaves_units_open(self) -> bool {
        matches!(self, Self::Detached | Self::Bug)
    }
}

/// A unit that is about to start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitStart {
    /// The unit.
    pub unit: Unit,
    /// Its key; always [`Unit::key`] of `unit`.
    pub key: UnitKey,
    /// The digest of the rendered body: a re-render with another digest must not run.
    pub body: Digest,
    /// The body in one line, for people: the command, the file.
    pub summary: Redacted,
}

impl UnitStart {
    /// A start, with the key that follows from the unit.
    #[must_use]
    pub fn new(unit: Unit, body: Digest, summary: Redacted) -> Self {
        Self { key: unit.key(), unit, body, summary }
    }
}

/// Which output stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Bytes beside the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRef {
    /// The file, relative to the run's folder.
    pub file: String,
    /// Where the bytes begin in it.
    pub offset: u64,
    /// How many they are.
    pub len: u64,
    /// Their digest.
    pub digest: Digest,
}

/// What a guard said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardVerdict {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
    /// It cannot be decided, which counts as no.
    Unknown,
}

/// What a person said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Go on.
    Accepted,
    /// Do not.
    Refused,
    /// Nothing, until the deadline.
    Expired,
}

/// What `check` foresees for a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "forecast", rename_all = "snake_case")]
pub enum Forecast {
    /// It is so already.
    Holds,
    /// It would change this.
    WouldChange { diff: Redacted },
    /// It would run this.
    WouldRun { command: Redacted },
    /// It could not.
    Blocked { reason: Redacted },
    /// It would not be wanted.
    Skipped { reason: Redacted },
    /// It depends on what another step finds.
    UnknownUntil { step: String, reason: Redacted },
}
