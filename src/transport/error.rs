//! Why a request to a host has no answer. The distinction that matters: what is *proved* not to have started
//! ([`LinkError::NotStarted`] and all that fails while connecting) may be tried again; [`LinkError::Lost`] may have
//! happened, and only the host can tell; after [`LinkError::Unknown`] not even the host can.

use std::sync::Arc;

/// A request to a host that was not answered.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LinkError {
    /// Refused, timed out, no route, unknown name.
    #[error("unreachable: {reason}")]
    Unreachable {
        /// In ssh's words.
        reason: String,
    },
    /// The host did not accept our keys.
    #[error("login refused: {reason}")]
    Auth {
        /// In ssh's words.
        reason: String,
    },
    /// The host's key is unknown or has changed.
    #[error("host key not accepted: {text}")]
    HostKey {
        /// All that ssh says about it: file, line, fingerprint.
        text: String,
    },
    /// `sudo -n` did not start the runner of another user.
    #[error("sudo refused: {stderr}")]
    SudoRefused {
        /// In sudo's words.
        stderr: String,
    },
    /// The connection stands, but no further channel or no runner could be opened on it.
    #[error("no channel: {reason}")]
    Channel {
        /// What was answered.
        reason: String,
    },
    /// The link was lost while it was asked: the outcome is unknown.
    #[error("link lost: {reason}")]
    Lost {
        /// What was seen.
        reason: String,
    },
    /// The host answered, and cannot tell either: the work may have happened.
    #[error("{reason}")]
    Unknown {
        /// What it said.
        reason: String,
        /// Its record says that the work was begun.
        begun: bool,
        /// It was restarted meanwhile.
        restarted: bool,
    },
    /// Proved not to have started.
    #[error("not started: {reason}")]
    NotStarted {
        /// What the host, or we, refused.
        reason: String,
    },
    /// Something on this machine.
    #[error("{what}")]
    Local {
        /// What was attempted.
        what: String,
        /// What failed.
        #[source]
        source: Arc<std::io::Error>,
    },
}

impl LinkError {
    /// A failure on this machine.
    pub(super) fn local(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Local { what: what.into(), source: Arc::new(source) }
    }

    /// The link is gone.
    pub(super) fn lost(reason: impl Into<String>) -> Self {
        Self::Lost { reason: reason.into() }
    }

    /// Proved not to have happened: it may be tried again.
    #[must_use]
    pub fn not_started(&self) -> bool {
        !matches!(self, Self::Lost { .. } | Self::Unknown { .. })
    }
}
