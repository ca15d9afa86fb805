//! Numbered points at which a test may kill the process (before and after each journal write and each request to a
//! host), and numbered writes of the journal of which a test may let one fail. In ordinary use nothing is armed and a
//! point is one relaxed load.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;

/// 0: not armed; `u64::MAX`: only counts.
static KILL_AT: AtomicU64 = AtomicU64::new(0);
static PASSED: AtomicU64 = AtomicU64::new(0);

/// 0: not armed.
static FAIL_AT: AtomicU64 = AtomicU64::new(0);
static FAIL_WITH: AtomicU64 = AtomicU64::new(0);
static WRITES: AtomicU64 = AtomicU64::new(0);

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

/// How a write of the journal fails on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk is full.
    Full,
    /// It cannot be said what is on the disk.
    Sync,
}

/// Lets the `n`-th write of the journal fail, once.
pub fn fail_at(n: u64, fault: Fault) {
    FAIL_WITH.store(u64::from(fault == Fault::Sync), Ordering::SeqCst);
    FAIL_AT.store(n, Ordering::SeqCst);
}

/// One numbered write: the error with which it fails, if it is to.
pub fn write() -> io::Result<()> {
    let at = FAIL_AT.load(Ordering::Relaxed);
    if at == 0 || WRITES.fetch_add(1, Ordering::SeqCst) + 1 != at {
        return Ok(());
    }
    tracing::warn!("write {at} of the journal fails on purpose");
    let errno = if FAIL_WITH.load(Ordering::SeqCst) == 0 { Errno::NOSPC } else { Errno::IO };
    Err(errno.into())
}
