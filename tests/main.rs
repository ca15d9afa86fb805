//! The one integration binary: what needs real processes, real sshd, real hosts.

mod actions;
mod addition;
mod architecture;
mod conformance;
mod corpus;
mod counts;
mod crash;
mod drill;
mod lab;
mod language;
mod limits;
mod recovery;
mod schema;
mod support;
mod talk;
mod template;
mod transport;
mod watch;
mod words;
