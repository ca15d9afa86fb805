//! What happens in a run, as data: units, outcomes, events, and the state that follows from them.
//!
//! [`Event`]s are the only history of a run. [`RunState`] is the fold over them and holds the only legal transitions;
//! the journal refuses an event that [`RunState::apply`] refuses. Resume, history and every report ask the same fold.
//! Everything here is pure data: no clock, no files, no host.
//!
//! A new event is a variant in `kind.rs`, its transition in `state.rs`, and whatever the compiler then asks: there is no
//! `_ =>` on [`EventKind`] or [`Outcome`] anywhere.

mod foreseen;
mod illegal;
mod kind;
mod outcome;
mod query;
mod run;
mod state;
mod step;
mod unit;

pub use foreseen::{Change, Forecast, Foreseen, Obstacle, Place, Symptom};
pub use illegal::Illegal;
pub use kind::{Answer, BlobRef, Event, EventKind, GuardVerdict, Stream, UnitStart};
pub use outcome::{Outcome, StepOutcome};
pub use query::{Duty, DutyEnd, Left, Matched, Question, Reach};
pub use run::{Closed, Mode, Opened, Origin, PlannedStep, Resumed, Verdict};
pub use state::RunState;
pub use step::{Opening, Output, Stage, StepState, UnitEnd, UnitState};
pub use unit::{Phase, Unit};

#[cfg(test)]
mod tests;
