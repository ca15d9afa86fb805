//! Drills: a real cluster, really broken, really recovered, timed.
//!
//! A file `*.drill.yaml` names a runbook, a lab, what is broken and what must come of it ([`Drill`]). Each of its
//! [`Case`]s (the file's own and one a variant) is made ready offline ([`prepare`]), which finds every mistake, and
//! carried out inside the network of its lab ([`carry_out`]): setup, faults, the runbook, verify. What was seen is an
//! [`Outcome`]; how long recoveries take is kept in a [`History`].
//!
//! Setup and verify are ordinary steps and are executed by the same executor, with a journal in the lab's own folder
//! that goes with it. The runbook's run is an ordinary run with its journal.

mod carry_out;
mod content;
mod expect;
mod fault;
mod fault_fields;
mod fields;
mod file;
mod history;
mod hook;
mod outcome;
mod prepare;
mod schema;

pub use carry_out::{Begin, Desk, Phase, carry_out};
pub use expect::{Expect, Seen, Wanted};
pub use fault::{Moment, When};
pub use file::{Case, Drill, MAIN};
pub use history::{Entry, History, Times};
pub use outcome::{Outcome, StepTime};
pub use prepare::{Part, Ready, Told, inventory_text, prepare};
pub use schema::schema;
