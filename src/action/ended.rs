//! How an action ended on a host: what it did, what it printed, or why it did not end well.

use std::time::Duration;

use crate::template::Value;
use crate::transport::{Done, LinkError};

/// What an action did.
#[derive(Debug)]
pub struct Applied {
    /// Whether the host is now different.
    pub changed: bool,
    /// `result` for the step's `outputs`.
    pub result: Value,
    /// What it printed, for the record.
    pub printed: Printed,
    /// A file of the host to be kept exactly as it is: its name among the run's artifacts, and its bytes.
    pub artifact: Option<(String, Vec<u8>)>,
}

impl Applied {
    /// Without anything printed or kept.
    pub(super) fn new(changed: bool, result: Value) -> Self {
        Self { changed, result, printed: Printed::default(), artifact: None }
    }
}

/// What a program printed.
#[derive(Debug, Default)]
pub struct Printed {
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
    /// How many bytes of each are left out, between the head and the tail of it.
    pub omitted: [u64; 2],
    /// Something that it started was still running when it ended.
    pub background: bool,
}

impl From<Done> for Printed {
    fn from(done: Done) -> Self {
        let Done { stdout, stderr, omitted, background, .. } = done;
        Self { stdout, stderr, omitted, background }
    }
}

/// Why an action did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// It was carried out and failed; what the host said is there.
    #[error("{reason}")]
    Failed {
        /// Why.
        reason: String,
        /// With which code, if it was a command that ended.
        exit: Option<i32>,
        /// What it printed.
        printed: Printed,
    },
    /// It was stopped at its timeout, on the host.
    #[error("stopped after {after:?}: {reason}")]
    TimedOut {
        /// The timeout.
        after: Duration,
        /// What was waited for.
        reason: String,
        /// What it printed until then.
        printed: Printed,
    },
    /// It was ended before its time: by a person, or since another host could not be made ready.
    #[error("{reason}")]
    Cancelled {
        /// Why.
        reason: String,
        /// What it printed until then.
        printed: Printed,
    },
    /// The link failed.
    #[error(transparent)]
    Link(#[from] LinkError),
}

impl ActionError {
    /// A failure without output.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::Failed { reason: reason.into(), exit: None, printed: Printed::default() }
    }

    /// What it printed, where that is known.
    #[must_use]
    pub fn printed(self) -> Printed {
        match self {
            Self::Failed { printed, .. } | Self::TimedOut { printed, .. } | Self::Cancelled { printed, .. } => printed,
            Self::Link(_) => Printed::default(),
        }
    }
}
