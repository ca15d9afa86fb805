//! What judging a guard gives.

use std::sync::Arc;

use crate::action::check::Observes;

/// Whether a guard holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// It does.
    Holds,
    /// It cannot be told. Counts as not holding.
    Unknown,
    /// It does not.
    Fails,
}

/// What was seen, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The host, if it was one.
    pub host: Option<String>,
    /// What.
    pub what: String,
    /// Whether it speaks for the guard.
    pub verdict: Verdict,
    /// The step before which it cannot be told.
    pub until: Option<Arc<str>>,
    /// The host could not be spoken to, and that is all that is said.
    pub unheard: bool,
    /// The values that the guard read, by their paths; whoever asks for the guard adds them.
    pub reads: serde_json::Value,
    /// What the host was asked, likewise.
    pub asked: Option<String>,
}

impl Seen {
    pub(super) fn new(host: Option<&str>, what: impl Into<String>, verdict: Verdict) -> Self {
        let host = host.map(str::to_owned);
        let reads = serde_json::Value::Null;
        Self { host, what: what.into(), verdict, until: None, unheard: false, reads, asked: None }
    }

    pub(super) fn until(self, step: Option<Arc<str>>) -> Self {
        Self { until: step, ..self }
    }
}

/// A judged guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The guard in short, for people.
    pub guard: String,
    /// Whether it holds.
    pub verdict: Verdict,
    /// What that rests on.
    pub seen: Vec<Seen>,
    /// The author's words for when it does not hold.
    pub message: Option<String>,
    /// Hosts that were silent: not proved dead.
    pub silent: Vec<String>,
    /// What it rests on.
    pub observes: Observes,
}
