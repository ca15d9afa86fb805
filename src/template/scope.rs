//! Where values come from: one lazy `read`, implemented by whoever evaluates (a run, a check, a test).

use super::value::Value;
use crate::base::clock::{Clock as _, SystemClock, Timestamp};
use crate::base::nearest::nearest;

/// What a path starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base<'a> {
    /// The names of the language: `params`, `vars`, `outputs`, `targets`, `host`, ….
    Root,
    /// The fields of one host: `name address groups vars outputs outcomes`.
    Host(&'a str),
}

/// What a [`Scope`] found.
#[derive(Clone, Debug)]
pub struct Read {
    /// The value.
    pub value: Value,
    /// How many segments of the path led to it. The evaluator walks the rest itself, through maps, lists and hosts.
    pub used: usize,
}

impl Read {
    /// A value that `used` segments of the path lead to.
    #[must_use]
    pub fn new(value: impl Into<Value>, used: usize) -> Self {
        Self { value: value.into(), used }
    }
}

/// The names that an expression can read.
pub trait Scope: Sync {
    /// Finds what (a beginning of) a path leads to. `path` is never empty.
    fn read(&self, base: Base<'_>, path: &[&str]) -> Result<Read, ReadError>;

    /// The time, for `ago`.
    fn now(&self) -> Timestamp {
        SystemClock::default().now()
    }
}

/// Why a path leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No such name.
    #[error("`{path}` does not exist{}", known_names(path, known))]
    Missing {
        /// The path as far as it was followed, the missing name last.
        path: String,
        /// What stands there instead.
        known: Vec<String>,
    },
    /// `.one` of a target that has another number of hosts.
    #[error("`{target}.one` needs exactly one host, and there are {hosts}")]
    NotOne {
        /// The target, `targets.seed`.
        target: String,
        /// How many hosts it has.
        hosts: usize,
    },
    /// A value of each host, read where no host is meant.
    #[error("`{path}` is a value of each host, and this step is about none")]
    NeedsHost {
        /// The path.
        path: String,
    },
}

fn known_names(path: &str, known: &[String]) -> String {
    let name = path.rsplit('.').next().unwrap_or(path);
    // Of one or two letters everything is near.
    if name.len() > 2
        && let Some(near) = nearest(name, known.iter().map(String::as_str))
    {
        return format!("; did you mean `{near}`?");
    }
    match known.len() {
        0 => String::new(),
        1..=12 => format!("; there are: {}", known.join(", ")),
        n => format!("; there are {n} names, such as {}", known[..8].join(", ")),
    }
}
