//! What every layer needs and nothing else: places in text, diagnostics, ids, digests, permits, the clock, secrets,
//! and the only place that starts processes.

pub mod address;
pub mod clock;
pub mod codes;
pub mod crash;
pub mod diag;
pub mod diff;
pub mod digest;
pub mod exit;
pub mod ids;
pub mod nearest;
pub mod permit;
pub mod process;
pub mod secret;
pub mod span;

/// A boxed future, the form in which the seams of the engine (`Transport`, `Link`, `Look`, `Store`) are asynchronous.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
