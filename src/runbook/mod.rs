//! Runbooks: what an author writes, decoded, checked, and ready to be planned.
//!
//! [`parse`] makes a [`Runbook`] of a text and records every mistake that can be seen in it; [`validate`] then looks at
//! what needs the whole: ids, order, references, selectors. A runbook without recorded errors can be planned.

mod confirm;
mod flow;
mod model;
mod params;
mod parse;
mod pick;
mod retry;
mod rolling;
mod step;
mod surroundings;
mod undo;
mod validate;
mod wait;
mod watch;

pub use confirm::Confirm;
pub use flow::Flow;
pub use model::{Body, Broken, Judge, OnFailure, Reach, Risk, Runbook, Step, Target, Undo};
pub use params::{Kind, Param, Var, VarDefault};
pub use parse::parse;
pub use pick::{Pick, Ranking};
pub use retry::Retry;
pub use rolling::Rolling;
pub use surroundings::{Sudo, Surroundings};
pub use validate::{Templates, validate};
pub use wait::Wait;
pub use watch::{Entry, Pattern, Watch};
