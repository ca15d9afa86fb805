//! Judges lines: pure, so that a dry run, a replay and an execution agree.

use std::time::Duration;

use crate::base::clock::Timestamp;

/// What a line must look like.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// It contains this text.
    Line(String),
    /// It matches; named groups become outputs.
    Matches(regex::Regex),
}

/// On how many hosts a line must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Amount {
    /// On every host.
    #[default]
    Every,
    /// On this many, no more and no fewer.
    Exactly(usize),
    /// On this many or more.
    AtLeast(usize),
    /// On this many or fewer.
    AtMost(usize),
}

/// One expectation, or one line that must not come.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The line.
    pub pattern: Pattern,
    /// On how many hosts. Ignored under `never`.
    pub amount: Amount,
    /// A later such line on the same host takes it back.
    pub revoked_by: Option<Pattern>,
    /// Once it has matched anywhere there is no way back.
    pub no_return: bool,
}

/// What is watched for.
#[derive(Clone, Debug, Default)]
pub struct Spec {
    /// All of these must hold.
    pub expect: Vec<Entry>,
    /// None of these may come, on any host.
    pub never: Vec<Entry>,
    /// How long they must have held.
    pub settle: Duration,
}

/// Where something matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The host.
    pub host: String,
    /// The line, without its newline.
    pub line: String,
    /// Where the line begins in its log, in bytes; journald has none.
    pub offset: Option<u64>,
    /// When it was seen here.
    pub at: Timestamp,
    /// The named groups.
    pub groups: Vec<(String, String)>,
    /// It has been taken back since.
    pub revoked: bool,
}

/// What the lines so far come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not yet. If no line comes, it is worth asking again at that time, if any.
    Pending {
        /// When `settle` will have passed.
        until: Option<Timestamp>,
    },
    /// All expectations hold and have held.
    Passed,
    /// It can no longer pass.
    Failed {
        /// Why.
        why: String,
    },
    /// A gap hides what would decide it.
    Unknown {
        /// Why.
        why: String,
    },
}
