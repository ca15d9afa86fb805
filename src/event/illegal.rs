//! Why an event is refused.

use crate::base::ids::UnitKey;

/// An event that the state does not allow: a bug in what wrote it, or a damaged journal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// A gap or a repetition.
    #[error("event {got} where event {expected} must come")]
    Sequence {
        /// The number that must come.
        expected: u64,
        /// The number that came.
        got: u64,
    },
    /// The first event opens the run.
    #[error("the first event does not open the run")]
    NotOpened,
    /// And only the first.
    #[error("the run is opened a second time")]
    OpenedTwice,
    /// Nothing after the end.
    #[error("something happens after the run was closed, and nobody resumed it")]
    Closed,
    /// Opened and not closed.
    #[error("step {0} is opened while it is open")]
    StepOpen(String),
    /// Not opened, or closed.
    #[error("something happens in step {0}, which is not open")]
    StepNotOpen(String),
    /// A dry run changes nothing.
    #[error("unit {0} is started in a dry run")]
    StartInCheck(UnitKey),
    /// A real run foresees nothing.
    #[error("a forecast for step {0} outside of a dry run")]
    ForecastInRun(String),
    /// The key is not the digest of the unit, or the unit is of another run.
    #[error("unit {0} does not have the key of what it says it is")]
    WrongKey(UnitKey),
    /// One start per unit.
    #[error("unit {0} is started twice")]
    StartedTwice(UnitKey),
    /// Attempts follow each other.
    #[error("attempt {attempt} of step {step} is started before the one before it ended")]
    AttemptOutOfOrder {
        /// The step.
        step: String,
        /// The attempt.
        attempt: u32,
    },
    /// No end without a start.
    #[error("something happens to unit {0}, which was not started")]
    NotStarted(UnitKey),
    /// One end per unit.
    #[error("something happens to unit {0} after it ended")]
    Ended(UnitKey),
    /// A step waits for its units.
    #[error("step {0} is closed while a unit of it has no outcome")]
    UnitsOpen(String),
    /// A run waits for its units, unless it is left.
    #[error("the run is closed as {0} while a unit has no outcome")]
    RunHasOpenUnits(&'static str),
    /// One question at a time.
    #[error("step {0} asks while its question is open")]
    AlreadyAsking(String),
    /// No answer without a question.
    #[error("an answer for step {0}, which asked nothing")]
    NotAsked(String),
    /// A duty is opened once until it is closed.
    #[error("the duty of step {step} on {host} is opened while it is open")]
    DutyOpen {
        /// The step.
        step: String,
        /// The host.
        host: String,
    },
    /// Duties are closed once.
    #[error("the duty of step {step} on {host} is not open")]
    NoDuty {
        /// The step.
        step: String,
        /// The host.
        host: String,
    },
}
