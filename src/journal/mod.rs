//! The journal: the durable history of every run, from which resume, history and all reports are made.
//!
//! Promises, each with a test:
//! - What [`RunLog::record`] returned is on the disk; a batch is there as a whole or not at all.
//! - A [`crate::base::permit::Permit`] exists only for a unit whose start is on the disk.
//! - The order in the store is the order of the sequence numbers, which have no gap.
//! - An event that the state machine refuses is not written.
//! - After the first failed write everything fails with that error: no journal, no new work. Only on a full disk what
//!   became of units that run is still written down, in room that was set aside when the run began.
//! - A changed, missing or moved row, and changed output, are found by [`Journal::verify`] and refuse a resume.
//! - One process executes a run, held by a file lock; whether it lives is never stored.
//! - A request of another process is answered once, or withdrawn: never both.
//!
//! Limits: one state folder is used by one machine. The chain shows damage, not fraud, unless a head is kept elsewhere.
//! The listing of runs folds each run, about 10 µs an event.

mod blobs;
mod bundle;
mod carry;
mod error;
mod folder;
mod follow;
mod inbox;
mod listing;
mod log;
mod read;
mod reading;
mod requests;
mod reserve;
mod sqlite;
mod store;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use error::{Damage, JournalError};
pub use folder::file_system;
pub use follow::Follower;
pub use log::RunLog;
pub use read::{History, RunStatus, RunSummary};
pub use requests::{Answer, Reply, Request, Requests, Want};
pub use store::{Batch, Done, Head, Row, Store, Synced};

use blobs::BlobFile;
use folder::{Folder, RunLock};
use log::Parts;
use reserve::Reserve;

use crate::base::clock::{Clock, SystemClock};
use crate::base::digest::Digest;
use crate::base::ids::RunId;
use crate::base::secret::Redactor;
use crate::event::{BlobRef, Event, EventKind, Opened, Resumed, RunState};

/// The journal of this machine. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    folder: Folder,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    redactor: Redactor,
}

impl Journal {
    /// Opens the journal in a state folder, making both when there are none. Blocking, for a few milliseconds.
    pub fn open(state: &Path, clock: Arc<dyn Clock>, redactor: Redactor) -> Result<Self, JournalError> {
        let folder = Folder::open(state)?;
        let store = Arc::new(sqlite::SqliteStore::open(&folder.database())?);
        Ok(Self { folder, store, clock, redactor })
    }

    /// Opens a journal that is there, to look at it: nothing is written, so the folder may be a read-only one.
    pub fn read(state: &Path) -> Result<Self, JournalError> {
        let folder = Folder::look(state)?;
        let store = Arc::new(sqlite::SqliteStore::read(&folder.database())?);
        Ok(Self { folder, store, clock: Arc::new(SystemClock::default()), redactor: Redactor::default() })
    }

    /// Begins a run: stores the plan, then writes the first event. `opened.stored` is filled in here.
    pub async fn begin(&self, mut opened: Opened, plan: &[u8]) -> Result<RunLog, JournalError> {
        let run = opened.run.clone();
        let lock = self.lock(&run).await?;
        if !self.store.rows(&run, 1).await?.is_empty() {
            return Err(JournalError::Exists { run });
        }
        let at = self.clock.now();
        let (folder, plan) = (self.folder.run(&run), self.redactor.redact_bytes(plan));
        let (stored, files) = blocking(move || {
            let file = BlobFile::open(&folder, "plan")?;
            let stored = file.append(&plan)?;
            file.sync()?;
            Ok((stored, Files::open(&folder)?))
        })
        .await?;
        opened.stored = stored;
        let event = Event { seq: 1, at, kind: EventKind::RunOpened(Box::new(opened)) };
        let state = RunState::open(&event)?;
        let row = log::row(Head::start(&run), &event);
        let head = row.head;
        let (answer, durable) = tokio::sync::oneshot::channel();
        let done = Box::new(move |result| drop(answer.send(result)));
        self.store.append(Batch { run, rows: vec![row], sync: Some(Box::new(|| Ok(()))), reserve: None, done });
        durable.await.unwrap_or(Err(JournalError::Stopped))?;
        Ok(self.log(state, head, lock, files))
    }

    /// Takes a run over: its lock, its verified history, and the right to go on. Refused while another process executes
    /// it, and when its history is damaged.
    pub async fn resume(&self, run: &RunId, resumed: Resumed) -> Result<RunLog, JournalError> {
        let lock = self.own(run).await?;
        let history = self.history(run).await?;
        let (state, head) = sound(run, history)?;
        let folder = self.folder.run(run);
        let files = blocking(move || Files::open(&folder)).await?;
        let log = self.log(state, head, lock, files);
        log.record(vec![EventKind::RunResumed(resumed)]).await?;
        Ok(log)
    }

    /// Adds the note of a person to a run that nobody executes, ended or not.
    pub async fn note(&self, run: &RunId, by: &str, text: &str) -> Result<(), JournalError> {
        let lock = self.own(run).await?;
        let (state, head) = sound(run, self.history(run).await?)?;
        let folder = self.folder.run(run);
        let files = blocking(move || Files::open(&folder)).await?;
        let text = self.redactor.redact(text);
        let note = EventKind::Noted { step: None, by: Some(by.to_owned()), text };
        self.log(state, head, lock, files).record(vec![note]).await.map(|_| ())
    }

    /// Asks the process that executes a run for something, and waits at most so long for its answer.
    pub async fn ask(&self, run: &RunId, by: &str, want: &Want, within: Duration) -> Result<Reply, JournalError> {
        requests::ask(&*self.store, || self.is_alive(run), (run, by, want), within).await
    }

    fn log(&self, state: RunState, head: Head, lock: RunLock, files: Files) -> RunLog {
        let (store, clock, redactor) = (Arc::clone(&self.store), Arc::clone(&self.clock), self.redactor.clone());
        let folder = self.folder.run(&state.header().run);
        let Files { output, reserve } = files;
        let output = Arc::new(output);
        RunLog::new(Parts { store, clock, redactor, folder, output, reserve, lock, state, head })
    }

    /// Somebody who only looks whether the run lives holds the lock for an instant, hence more than one try.
    async fn lock(&self, run: &RunId) -> Result<RunLock, JournalError> {
        for _ in 0..10 {
            if let Some(lock) = self.folder.lock(run)? {
                return Ok(lock);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(JournalError::Alive { run: run.clone(), owner: self.folder.lock_owner(run) })
    }
}

/// Reading.
impl Journal {
    /// The state folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Whether a process executes the run.
    #[must_use]
    pub fn is_alive(&self, run: &RunId) -> bool {
        self.folder.is_alive(run)
    }

    /// Who executes the run, in words.
    #[must_use]
    pub fn owner(&self, run: &RunId) -> String {
        self.folder.lock_owner(run)
    }

    /// The events of a run; an error when any of them is damaged.
    pub async fn events(&self, run: &RunId) -> Result<Vec<Event>, JournalError> {
        let history = self.history(run).await?;
        match history.damage {
            Some(damage) => Err(JournalError::Damaged { run: run.clone(), damage }),
            None => Ok(history.events),
        }
    }

    /// The history of a run, as far as it is sound. What a report of a damaged run is made of.
    pub async fn history(&self, run: &RunId) -> Result<History, JournalError> {
        let rows = self.store.rows(run, 1).await?;
        if rows.is_empty() {
            return Err(JournalError::NoSuchRun { wanted: run.to_string() });
        }
        Ok(History::of(run, &rows))
    }

    /// Follows a run that any process executes, from event `from` on, until that process lets go of it.
    #[must_use]
    pub fn follow(&self, run: &RunId, from: u64) -> Follower {
        let (folder, watched) = (self.folder.clone(), run.clone());
        Follower::poll(Arc::clone(&self.store), run.clone(), from, move || folder.is_alive(&watched))
    }

    /// Bytes beside the journal; None when they are missing or changed.
    pub async fn blob(&self, run: &RunId, blob: &BlobRef) -> Result<Option<Vec<u8>>, JournalError> {
        let (folder, blob) = (self.folder.run(run), blob.clone());
        blocking(move || Ok(blobs::read(&folder, &blob))).await
    }

    /// Whether the history of a run is what was written: every event, every blob, and `head`, which was kept elsewhere.
    pub async fn verify(&self, run: &RunId, head: Option<Digest>) -> Result<Head, JournalError> {
        let damaged = |damage| JournalError::Damaged { run: run.clone(), damage };
        let history = self.history(run).await?;
        if let Some(damage) = history.damage {
            return Err(damaged(damage));
        }
        if let Some(head) = head.filter(|head| !history.has_head(head)) {
            return Err(damaged(Damage::Head { head }));
        }
        for event in &history.events {
            let Some(blob) = event.kind.blob() else { continue };
            if self.blob(run, blob).await?.is_none() {
                return Err(damaged(Damage::Blob { seq: event.seq, file: blob.file.clone() }));
            }
        }
        Ok(history.head)
    }
}

/// What a log has open beside the store.
struct Files {
    output: BlobFile,
    reserve: Reserve,
}

impl Files {
    fn open(folder: &Path) -> Result<Self, JournalError> {
        Ok(Self { output: BlobFile::open(folder, "output")?, reserve: Reserve::set_aside(folder)? })
    }
}

fn sound(run: &RunId, history: History) -> Result<(RunState, Head), JournalError> {
    match (history.state, history.damage) {
        (_, Some(damage)) => Err(JournalError::Damaged { run: run.clone(), damage }),
        (Some(state), None) => Ok((state, history.head)),
        (None, None) => Err(JournalError::NoSuchRun { wanted: run.to_string() }),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> Result<T, JournalError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(JournalError::Stopped))
}

#[cfg(test)]
mod tests;
