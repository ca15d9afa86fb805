//! The one integration binary: what needs real processes, real sshd, real hosts.

mod actions;
mod architecture;
mod author;
mod check;
mod conformance;
mod corpus;
mod counts;
mod crash;
mod drill;
mod lab;
mod language;
mod limits;
mod recovery;
mod scale;
mod schema;
mod support;
mod talk;
mod template;
mod transport;
mod watch;
mod words;

// last: the copy that it builds makes cargo build this crate anew
mod addition;
