//! Asides: leaves that touch no host. They compute a value, say something, or let time pass, at the controller. One that
//! stands in a step with hosts is spoken once for each of them, with that host's names.

use std::fmt::Debug;
use std::time::Duration;

use indexmap::IndexMap;

use crate::template::{AnyText, EvalError, Scope, Value};

use super::Told;

/// A leaf that touches no host.
pub trait Aside: Debug + Send + Sync {
    /// The key under which an author writes it.
    fn key(&self) -> &'static str;
    /// Every text and expression, for the reference check.
    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText));
    /// The names of the outputs that a step with it has.
    fn outputs(&self) -> Vec<&str> {
        Vec::new()
    }
    /// What it does, as it is written, for a reader who has never seen the tool.
    fn told(&self) -> Told;
    /// Renders everything; nothing has happened yet.
    fn render(&self, scope: &dyn Scope) -> Result<Said, EvalError>;
}

/// An aside, every text rendered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// One line for plans and journals. Holds no secret.
    pub summary: String,
    /// The step's outputs.
    pub outputs: IndexMap<String, Value>,
    /// What goes into the timeline.
    pub note: Option<String>,
    /// How long nothing happens then.
    pub pause: Duration,
}
