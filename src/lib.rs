//! Refloat: a declarative runbook engine.
//!
//! A YAML runbook says what recovery means, step by step. This crate reads it ([`text`], [`runbook`]), resolves it
//! against an inventory ([`inventory`], [`plan`]), executes it over plain SSH ([`transport`], [`exec`]), and keeps every
//! decision in a durable journal ([`event`], [`journal`]) from which all output is made ([`report`]).
//!
//! The modules are layers: a module may import only what `tests/architecture.rs` allows it, and imports go upward only.

pub mod action;
pub mod base;
pub mod cli;
pub mod event;
pub mod exec;
pub mod inventory;
pub mod journal;
pub mod lab;
pub mod plan;
pub mod report;
pub mod runbook;
pub mod template;
pub mod text;
pub mod transport;
pub mod watch;
