//! The lock of a host: at most one run may change it. It lies in the login user's folder for claims, and lasts until it
//! is freed or taken over; no clock frees it, since a lock that ends while its owner still works is no lock. Each request
//! to change something shows the token of its run, and the runner refuses it when that is not the lock's any more.
//!
//! Limit: runs that log in as different users do not see each other's locks.

use std::fmt;
use std::time::Duration;

use super::outage::words;
use super::quote::word;

/// What a lock is asked for with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// `RUN.SESSION`: what requests show from then on. A later session of a run takes the lock of an earlier one over.
    pub token: String,
    /// Who asks and from where, for the one who is refused.
    pub owner: String,
    /// The run whose lock is taken over, if it has it.
    pub over: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Locked {
    /// It is ours.
    Taken,
    /// It is ours, and was another run's, which can start nothing here any more.
    Over {
        /// The run.
        run: String,
        /// How many steps it had started that still run.
        running: u64,
    },
    /// Somebody else has it.
    Held(Holder),
}

/// Who has a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The run.
    pub run: String,
    /// Who, and from where.
    pub owner: String,
    /// For how long, by the host's clock; none: the host was restarted since.
    pub since: Option<Duration>,
}

/// Where the lock of a host is, by the folder for claims of the login user.
pub(super) fn file(root: &str) -> String {
    format!("{root}/lock")
}

/// A text that fails unless the token is the lock's.
pub(super) fn check(root: &str, token: &str) -> String {
    format!("IFS=' ' read -r t rest <{} && [ \"$t\" = {} ]", word(&file(root)), word(token))
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "locked by run {} of {}", self.run, self.owner)?;
        match self.since {
            Some(since) => write!(f, ", for {} now", words(since)),
            None => write!(f, ", since before the host was restarted"),
        }
    }
}
