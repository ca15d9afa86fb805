//! Guards: statements about hosts that must hold (LANGUAGE section 4). Where a guard has a probe it is live: it is asked
//! anew each time, so it can be used in `wait` and `still`.

mod decode;
mod fields;
mod judge;
mod model;
mod ports;
mod seen;
mod told;
mod witness;
mod words;

#[cfg(test)]
mod tests;

pub(in crate::action) use decode::KINDS;
pub(in crate::action) use fields::{CountFields, EveryFields, Fields, ValueFields};
pub use judge::{ask, judge, judge_all};
pub use model::{Amount, Guard, GuardKind, Members, Ports};
pub use seen::{Judgement, Seen, Verdict};
