//! Runbooks: what an author writes, decoded, checked, and ready to be planned.
//!
//! [`parse`] makes a [`Runbook`] of a text and records every mistake that can be seen in it; [`validate`] then looks at
//! what needs the whole: ids, order, references, selectors. A runbook without recorded errors can be planned.

mod broken;
mod fits;
mod flow;
mod gate;
mod log;
mod model;
mod params;
mod parse;
mod pick;
mod retry;
mod rolling;
mod schema;
mod secret;
mod step;
mod surroundings;
mod tree;
mod undo;
mod uses;
mod validate;
mod wait;
mod watch;

pub use broken::Broken;
pub use flow::Flow;
pub use gate::{ANSWER, Gate, Wants};
pub use log::LogName;
pub use model::{Body, Judge, OnFailure, Reach, Risk, Runbook, Step, Target, Undo};
pub use params::{Kind, Limits, Param, Var, VarDefault, as_typed};
pub use parse::parse;
pub use pick::{Pick, Ranking};
pub use retry::Retry;
pub use rolling::Rolling;
pub use schema::{About, StepForm, all as bodies, schema};
pub use secret::SecretFrom;
pub use surroundings::{Sudo, Surroundings};
pub use uses::{Argument, Find, HOSTS, Use, link};
pub use validate::{Templates, validate};
pub use wait::Wait;
pub use watch::{Entry, Pattern, Watch};
