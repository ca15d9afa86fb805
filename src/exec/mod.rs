//! The executor: one owner of a run's mutable state, that goes through the steps, writes down what it intends and what
//! came of it, and stops where it must.
//!
//! Order, for every step that changes hosts: all its texts are rendered; its units' starts are committed in one batch;
//! only then does a host hear of it; every outcome is durable before the next step. Steps of one run follow each other;
//! the hosts of one step go in parallel and meet at its end.
//!
//! Rejected (2026-11): a task per host with messages to a coordinator. Within one step all hosts are futures of one
//! task, which cannot outlive it, and nothing has to be locked.

mod act;
mod answer;
mod aside;
mod by_hand;
mod cancel;
mod check;
mod connect;
mod duty;
mod end;
mod evidence;
mod failure;
mod fleet;
mod flow;
mod former;
mod gate;
mod gather;
mod group;
mod guards;
mod halt;
#[cfg(test)]
mod history;
mod hold;
mod hook;
mod lock;
mod memory;
mod operator;
mod part;
mod pick;
mod recall;
mod remember;
mod run;
mod step;
mod tally;
mod turn;
mod turns;
mod two_phase;
mod undo;
mod unwind;
mod wait;
mod wanted;
mod watching;
mod whole;

pub use answer::answer;
pub use cancel::{Cancel, Canceller, Grade};
pub use connect::address;
pub use duty::{Served, close_duties, serve_duties};
pub use hook::{Hook, Idle};
pub use lock::{RunbookLock, lock};
pub use memory::Again;
pub use operator::{Expects, Operator, Question, Reply};
pub use run::{Broken, Dry, Setup, execute};
