//! Numbered points at which a test may kill the process: before and after each journal write and each request to a
//! host. In ordinary use [`arm`] is never called and a point is one relaxed load.

use std::sync::atomic::{AtomicU64, Ordering};

/// 0: not armed; `u64::MAX`: only counts.
static KILL_AT: AtomicU64 = AtomicU64::new(0);
static PASSED: AtomicU64 = AtomicU64::new(0);

/// Kills this process (SIGKILL, nothing is cleaned up) when the `n`-th point is reached; 0 only counts.
pub fn arm(n: u64) {
    PASSED.store(0, Ordering::SeqCst);
    KILL_AT.store(if n == 0 { u64::MAX } else { n }, Ordering::SeqCst);
}

/// One numbered point. `what` names it in the trace, so that a failing number can be understood.
pub fn point(what: &'static str) {
    let at = KILL_AT.load(Ordering::Relaxed);
    if at == 0 {
        return;
    }
    let n = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
    tracing::trace!(n, what, "crash point");
    if n == at {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// How many points were passed since [`arm`].
#[must_use]
pub fn passed() -> u64 {
    PASSED.load(Ordering::SeqCst)
}
