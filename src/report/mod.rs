//! What people and programs see of a run. Every reporter is a consumer of events; replay feeds the same ones. Nothing
//! here decides anything, and a reporter that fails or lags never stops a run.

use crate::base::clock::Timestamp;
use crate::event::{Event, RunState};

/// Shows a run while it happens, or again afterwards.
pub trait Reporter: Send {
    /// An event was committed; `state` is the fold up to and including it.
    fn event(&mut self, event: &Event, state: &RunState);

    /// Time passes: a live display shows it.
    fn tick(&mut self, _now: Timestamp, _state: &RunState) {}

    /// Nothing more will come.
    fn finish(&mut self, _state: &RunState) {}
}
