//! The exit codes of the command line, in one table.

/// How a command ended, as the shell sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; for `check`: ready.
    Ok,
    /// A step failed after the first change; for `check`: not ready.
    Failed,
    /// Wrong command line.
    Usage,
    /// Wrong text: runbook, inventory, template or parameters.
    Text,
    /// Refused before the first change.
    Refused,
    /// An outcome is unknown, a point of no return is passed, or an undo failed.
    Attention,
    /// Something could not be reached before the first change.
    Unreachable,
    /// A bug in refloat.
    Bug,
    /// Detached: the run goes on or can be resumed.
    Detached,
    /// Ended by a person, nothing left running or unknown.
    Cancelled,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Text => 3,
            Self::Refused => 4,
            Self::Attention => 5,
            Self::Unreachable => 6,
            Self::Bug => 70,
            Self::Detached => 75,
            Self::Cancelled => 130,
        }
    }
}
