//! Ctrl-C at a drill: the process inside the lab is told, and then the lab is taken down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

/// Whether a person wants the end. Dropped, signals do what they did before no more.
pub struct Interrupt {
    shared: Arc<Shared>,
    _runtime: tokio::runtime::Runtime,
}

#[derive(Default)]
struct Shared {
    set: AtomicBool,
    child: AtomicU32,
}

impl Interrupt {
    /// From now on SIGINT, SIGTERM and SIGHUP are handed on to the process inside.
    pub fn obey() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let shared = Arc::new(Shared::default());
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            let shared = Arc::clone(&shared);
            let mut signals = runtime.block_on(async { signal(kind) })?;
            runtime.spawn(async move {
                while signals.recv().await.is_some() {
                    shared.set.store(true, Ordering::SeqCst);
                    shared.tell();
                }
            });
        }
        Ok(Self { shared, _runtime: runtime })
    }

    /// Whether a signal came.
    pub fn is_set(&self) -> bool {
        self.shared.set.load(Ordering::SeqCst)
    }

    /// Which process to tell.
    pub fn of(&self, child: Option<u32>) {
        self.shared.child.store(child.unwrap_or(0), Ordering::SeqCst);
        if child.is_some() && self.is_set() {
            self.shared.tell();
        }
    }
}

impl Shared {
    fn tell(&self) {
        let child = i32::try_from(self.child.load(Ordering::SeqCst)).ok().and_then(Pid::from_raw);
        if let Some(child) = child {
            // one that has ended meanwhile is what we want
            let _ = kill_process(child, Signal::TERM);
        }
    }
}
