//! How units and steps end. Outcomes are data, not errors of the engine.

use serde::{Deserialize, Serialize};

use crate::base::secret::Redacted;

/// How a unit ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It was so already, or the action changes nothing.
    Ok,
    /// It did something.
    Changed,
    /// It was not wanted: `when` was false, a target was empty.
    Skipped {
        /// Why.
        reason: Redacted,
    },
    /// It ran and failed.
    Failed {
        /// What was seen.
        reason: Redacted,
    },
    /// It was ended because it took too long, and nothing of it runs any more.
    TimedOut {
        /// Milliseconds from its start.
        after_ms: u64,
        /// What was seen.
        reason: Redacted,
    },
    /// It is proved not to have started, since the host could not be reached.
    Unreachable {
        /// What was seen.
        reason: Redacted,
    },
    /// A person ended it, and nothing of it runs any more.
    Cancelled {
        /// Who or what.
        reason: Redacted,
    },
    /// It may or may not have run: nobody can tell from here.
    Unknown {
        /// Why it is not known.
        reason: Redacted,
    },
}

impl Outcome {
    /// The word for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Changed => "changed",
            Self::Skipped { .. } => "skipped",
            Self::Failed { .. } => "failed",
            Self::TimedOut { .. } => "timed_out",
            Self::Unreachable { .. } => "unreachable",
            Self::Cancelled { .. } => "cancelled",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// The reason, for the outcomes that have one.
    #[must_use]
    pub fn reason(&self) -> Option<&Redacted> {
        match self {
            Self::Ok | Self::Changed => None,
            Self::Skipped { reason }
            | Self::Failed { reason }
            | Self::TimedOut { reason, .. }
            | Self::Unreachable { reason }
            | Self::Cancelled { reason }
            | Self::Unknown { reason } => Some(reason),
        }
    }

    /// Whether the run may go on over it without asking anybody.
    #[must_use]
    pub fn is_good(&self) -> bool {
        match self {
            Self::Ok | Self::Changed | Self::Skipped { .. } => true,
            Self::Failed { .. }
            | Self::TimedOut { .. }
            | Self::Unreachable { .. }
            | Self::Cancelled { .. }
            | Self::Unknown { .. } => false,
        }
    }

    /// Whether the host may be other than before: what an undo covers.
    #[must_use]
    pub fn may_have_had_an_effect(&self) -> bool {
        match self {
            Self::Changed
            | Self::Failed { .. }
            | Self::TimedOut { .. }
            | Self::Cancelled { .. }
            | Self::Unknown { .. } => true,
            Self::Ok | Self::Skipped { .. } | Self::Unreachable { .. } => false,
        }
    }
}

/// How a step ended, over all of its units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum StepOutcome {
    /// Nothing had to be changed.
    Ok,
    /// At least one unit changed something, none failed beyond what is tolerated.
    Changed,
    /// Not wanted.
    Skipped {
        /// Why.
        reason: Redacted,
    },
    /// A guard or a gate said no.
    Refused {
        /// What was seen.
        reason: Redacted,
    },
    /// It failed.
    Failed {
        /// What was seen.
        reason: Redacted,
    },
    /// A person ended it.
    Cancelled {
        /// Who or what.
        reason: Redacted,
    },
    /// What it did is not known.
    Unknown {
        /// Why.
        reason: Redacted,
    },
}

impl StepOutcome {
    /// The word for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Changed => "changed",
            Self::Skipped { .. } => "skipped",
            Self::Refused { .. } => "refused",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// The reason, for the outcomes that have one.
    #[must_use]
    pub fn reason(&self) -> Option<&Redacted> {
        match self {
            Self::Ok | Self::Changed => None,
            Self::Skipped { reason }
            | Self::Refused { reason }
            | Self::Failed { reason }
            | Self::Cancelled { reason }
            | Self::Unknown { reason } => Some(reason),
        }
    }

    /// Whether the run may go on over it without asking anybody.
    #[must_use]
    pub fn is_good(&self) -> bool {
        match self {
            Self::Ok | Self::Changed | Self::Skipped { .. } => true,
            Self::Refused { .. } | Self::Failed { .. } | Self::Cancelled { .. } | Self::Unknown { .. } => false,
        }
    }
}
