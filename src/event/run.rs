//! How a run begins, is taken over, and ends.

use serde::{Deserialize, Serialize};

use super::kind::BlobRef;
use crate::base::digest::Digest;
use crate::base::exit::Exit;
use crate::base::ids::RunId;
use crate::base::secret::{Redacted, RedactedJson};

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
    /// The files that it was planned from; runs of drills have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The step at which it began, when that is not the first: `--from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// The files that a run was planned from, as whole paths on the controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The runbook.
    pub runbook: Redacted,
    /// The inventory.
    pub inventory: Vec<Redacted>,
    /// What was given for params, as `name=value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<Redacted>,
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

    /// Whether everything is as it should be.
    #[must_use]
    pub fn is_good(self) -> bool {
        self.exit() == Exit::Ok
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
        matches!(self, Self::NeedsAttention | Self::Detached | Self::Bug)
    }
}
