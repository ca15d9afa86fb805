//! Somebody who is told when steps begin and have ended, and for whom the run waits: a drill that breaks something just
//! then. A seam; whoever has nothing to do there is [`Idle`].

use crate::base::BoxFuture;

/// Awaited at the boundaries of each step and each group, in the order of the run.
pub trait Hook: Send + Sync {
    /// Before a step is opened: nothing of it has been asked or done.
    fn before<'a>(&'a self, step: &'a str) -> BoxFuture<'a, ()>;
    /// After a step was closed, however it ended.
    fn after<'a>(&'a self, step: &'a str) -> BoxFuture<'a, ()>;
}

/// Nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Idle;

impl Hook for Idle {
    fn before<'a>(&'a self, _step: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    fn after<'a>(&'a self, _step: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}
