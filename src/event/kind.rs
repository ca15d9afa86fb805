//! The events. Each is what somebody reading the history needs, and no more: texts have been through the redactor, output
//! is named by a [`BlobRef`] and lies beside the journal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::foreseen::Forecast;
use super::outcome::{Outcome, StepOutcome};
use super::run::{Closed, Opened, Resumed};
use super::unit::{Phase, Unit};
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::ids::UnitKey;
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
    /// A step began. `hosts` is fixed here, and so are the number of `items` of a `for_each` and their values, `list`: for
    /// each item an object, by host (`""`: of a step without hosts). `pass` tells apart how often the loops around it
    /// went round: the items and the batches, from the outside in.
    StepOpened {
        step: String,
        phase: Phase,
        title: Redacted,
        why: Option<Redacted>,
        action: String,
        hosts: Vec<String>,
        items: Option<u32>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pass: Vec<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        list: Option<RedactedJson>,
    },
    /// Units are about to start. Durable before any of them touches a host.
    UnitsStarted { units: Vec<UnitStart> },
    /// Where a log stood when a unit started: an opaque cursor of the watch.
    CursorTaken { key: UnitKey, log: Redacted, cursor: RedactedJson },
    /// Where a log stood for a watch whose beginning is no unit's: an opaque cursor of the watch of `step`.
    LogNoted {
        step: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pass: Vec<u32>,
        host: String,
        cursor: RedactedJson,
    },
    /// A unit's output. `omitted` bytes between head and tail were dropped, on the host or since the disk here is full.
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
    /// `check` only: what the unit would do. `perhaps`: the step before which it is not known whether it is wanted.
    /// `sends`: what would be sent to the host, when that was asked for.
    UnitForeseen {
        unit: Unit,
        forecast: Forecast,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        perhaps: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sends: Option<Redacted>,
    },
    /// A guard was asked. `silent`: hosts that did not answer, and are not proved dead. `reads`: the values that it read,
    /// by their paths; `asked`: what the host was asked.
    GuardJudged {
        step: String,
        guard: Redacted,
        host: Option<String>,
        verdict: GuardVerdict,
        seen: Redacted,
        message: Option<Redacted>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        silent: Vec<String>,
        #[serde(default, skip_serializing_if = "RedactedJson::is_empty")]
        reads: RedactedJson,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asked: Option<Redacted>,
    },
    /// A target was picked at run time. `reads`: the values that the choice read, by host and path.
    TargetPicked {
        name: String,
        hosts: Vec<String>,
        why: Redacted,
        #[serde(default, skip_serializing_if = "RedactedJson::is_empty")]
        reads: RedactedJson,
    },
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
    /// A host failed where that is tolerated, or where hosts stand for themselves: it is left out of the later steps of
    /// the group. `pass` as in [`EventKind::StepOpened`].
    HostLeft {
        step: String,
        host: String,
        reason: Redacted,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pass: Vec<u32>,
    },
    /// A step ended.
    StepClosed {
        step: String,
        phase: Phase,
        #[serde(flatten)]
        outcome: StepOutcome,
    },
    /// Something that must still be done on a host that could not be reached.
    DutyOpened { step: String, host: String, reason: Redacted },
    /// It was carried out, or (`done` is false) a person says with a reason that it need not be.
    DutyClosed { step: String, host: String, by: String, reason: Redacted, done: bool },
    /// The run ended. Only [`EventKind::RunResumed`] and the notes of people may follow.
    RunClosed(Box<Closed>),
}

impl EventKind {
    /// Whether somebody may rely on it as soon as it is written down: hosts are about to hear of it, or a person was told.
    /// What only says what was seen is safe on the disk with the next of these, before anything else begins.
    #[must_use]
    pub fn is_relied_on(&self) -> bool {
        match self {
            Self::RunOpened(_)
            | Self::RunResumed(_)
            | Self::UnitsStarted { .. }
            | Self::UnitMarked { .. }
            | Self::Asked { .. }
            | Self::Answered { .. }
            | Self::Noted { by: Some(_), .. }
            | Self::DutyOpened { .. }
            | Self::DutyClosed { .. }
            | Self::RunClosed(_) => true,
            Self::HostReached { .. }
            | Self::HostUnreachable { .. }
            | Self::StepOpened { .. }
            | Self::LogNoted { .. }
            | Self::CursorTaken { .. }
            | Self::UnitOutput { .. }
            | Self::UnitEnded { .. }
            | Self::UnitForeseen { .. }
            | Self::GuardJudged { .. }
            | Self::TargetPicked { .. }
            | Self::LogMatched { .. }
            | Self::Noted { by: None, .. }
            | Self::HostLeft { .. }
            | Self::StepClosed { .. } => false,
        }
    }

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
            | Self::LogNoted { .. }
            | Self::UnitEnded { .. }
            | Self::UnitMarked { .. }
            | Self::UnitForeseen { .. }
            | Self::GuardJudged { .. }
            | Self::TargetPicked { .. }
            | Self::Asked { .. }
            | Self::Answered { .. }
            | Self::LogMatched { .. }
            | Self::Noted { .. }
            | Self::HostLeft { .. }
            | Self::StepClosed { .. }
            | Self::DutyOpened { .. }
            | Self::DutyClosed { .. }
            | Self::RunClosed(_) => None,
        }
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
    /// The values that its texts read, by their paths.
    #[serde(default, skip_serializing_if = "RedactedJson::is_empty")]
    pub reads: RedactedJson,
    /// What is asked for its outputs, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub asks: BTreeMap<String, Redacted>,
}

impl UnitStart {
    /// A start, with the key that follows from the unit.
    #[must_use]
    pub fn new(unit: Unit, body: Digest, summary: Redacted) -> Self {
        Self { key: unit.key(), unit, body, summary, reads: RedactedJson::default(), asks: BTreeMap::new() }
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
