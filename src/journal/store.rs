//! The seam to what keeps events, and the chain that ties them together.
//!
//! A store keeps rows; it neither reads nor makes them. Each row holds the digest of (the head before it, its JSON), so
//! that a changed, missing or moved row is found. The chain shows damage, not fraud: who can write the whole file can
//! write a whole chain, unless a head is kept elsewhere.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::base::BoxFuture;
use crate::base::digest::Digest;
use crate::base::ids::RunId;

use super::error::JournalError;
use super::requests::{Answer, Request, Want};
use super::reserve::Reserve;

/// The end of a run's chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the last event; 0 before the first.
    pub seq: u64,
    /// The digest that stands for everything up to it.
    pub digest: Digest,
}

impl Head {
    /// The head before the first event: it ties the chain to its run.
    #[must_use]
    pub fn start(run: &RunId) -> Self {
        Self { seq: 0, digest: Digest::of_parts(["refloat run", run.as_str()]) }
    }

    /// The head after one more event.
    #[must_use]
    pub fn next(self, json: &str) -> Self {
        Self { seq: self.seq + 1, digest: Digest::of_parts([self.digest.to_string().as_str(), json]) }
    }
}

/// One event as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The head after it, its number included.
    pub head: Head,
    /// The event as JSON, exactly as it was written.
    pub json: String,
}

/// What is called when a batch is written as it must be, or never will be. Called in the order of the batches.
pub type Done = Box<dyn FnOnce(Result<(), JournalError>) + Send>;

/// Makes what rows refer to durable. Blocking.
pub type Synced = Box<dyn FnOnce() -> Result<(), JournalError> + Send>;

/// Rows of one run that are kept together, or not at all.
pub struct Batch {
    /// The run.
    pub run: RunId,
    /// The rows, in order.
    pub rows: Vec<Row>,
    /// Puts on the disk what the rows of this batch and of those before it refer to. Where there is one, the batch must be
    /// on the disk before `done` is called, all before it too. Where there is none, it is there at the latest with the next
    /// batch that has one; a crash of the machine (not of this process) before that may lose it.
    pub sync: Option<Synced>,
    /// The last room on a full disk, if these rows may use it: what became of something, never what begins.
    pub(super) reserve: Option<Arc<Reserve>>,
    /// Who waits for it.
    pub done: Done,
}

/// Keeps events, and what processes ask of each other. A seam: `SQLite` here, a database server later.
pub trait Store: Send + Sync {
    /// Takes a batch. Batches are kept in the order of these calls. After the first error every later batch fails with the
    /// same error; a full disk is none before the reserve of the batch is used up. `done` is called from any thread and must
    /// not block.
    fn append(&self, batch: Batch);

    /// The rows of a run with numbers from `from` on.
    fn rows(&self, run: &RunId, from: u64) -> BoxFuture<'static, Result<Vec<Row>, JournalError>>;

    /// The first row of a run, which says what it is.
    fn first(&self, run: &RunId) -> BoxFuture<'static, Result<Option<Row>, JournalError>>;

    /// The runs, newest first.
    fn runs(&self) -> BoxFuture<'static, Result<Vec<RunId>, JournalError>>;

    /// Puts a request to whoever executes a run; the number under which it is answered.
    fn ask(&self, run: &RunId, by: &str, want: &Want) -> BoxFuture<'static, Result<i64, JournalError>>;

    /// Looks for requests of a run that are not answered, one after the other, until the receiver is gone. `heard` is
    /// called once for each.
    fn listen(&self, run: &RunId, heard: mpsc::UnboundedSender<Request>) -> Result<(), JournalError>;

    /// Answers a request; one that was withdrawn is not there any more.
    fn answer(&self, id: i64, answer: &Answer) -> BoxFuture<'static, Result<(), JournalError>>;

    /// The answer to a request, with which it ends. `withdraw`: it ends also without.
    fn answered(&self, id: i64, withdraw: bool) -> BoxFuture<'static, Result<Option<Answer>, JournalError>>;
}
