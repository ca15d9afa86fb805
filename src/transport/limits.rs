//! What this process may use.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The open files that we want to be allowed: some ten for each of several hundred hosts.
const FILES: u64 = 65_536;

/// Raises the soft limit of open files towards the hard one. A refusal is not an error: fewer hosts then fit.
pub(super) fn raise() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(u64::MAX).min(FILES);
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
        tracing::debug!(?raised, wanted, "open files");
    }
}
