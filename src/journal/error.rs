//! What can go wrong with the journal: what happened, and what to do about it.
//!
//! The errors are `Clone`, since the first error of a store is the answer to every later append as well.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::ids::RunId;
use crate::event::Illegal;

/// The journal cannot do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    /// Others could read the history, or write it.
    #[error("{} is open to other users (mode {mode:03o}); to close it: chmod {wanted:o} {}", path.display(), path.display())]
    Wide {
        /// What is open.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The bits it should have.
        wanted: u32,
    },
    /// Somebody else could replace the history.
    #[error("{} belongs to another user (uid {owner}); choose a state folder of your own with --state", path.display())]
    ForeignOwner {
        /// What belongs to somebody else.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// Neither locks nor write-ahead logging hold there.
    #[error("{} is on a network file system ({kind}), where a journal is not safe; choose a local folder with --state", path.display())]
    Network {
        /// The state folder.
        path: PathBuf,
        /// The file system.
        kind: &'static str,
    },
    /// A file operation failed.
    #[error("{doing} {} failed", path.display())]
    File {
        /// What was being done, for example `creating`.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
    /// Nothing more can be written, so nothing more is started.
    #[error("the disk that holds {} is full; free some space there", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Another process writes for a long time.
    #[error("{} is locked by another process for more than 5 s; if no refloat runs, look for a backup or a copy of it in progress", path.display())]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// Not a journal any more.
    #[error("{} is damaged or is not a journal; keep a copy of it, restore it from a backup or choose another folder with --state", path.display())]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// Written by a later refloat.
    #[error("{} was written by a newer refloat (format {found}, this one knows up to {known}); use that version", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that is known here.
        known: u32,
    },
    /// Any other answer of SQLite.
    #[error("the journal {} cannot be used", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// The thread that writes is gone.
    #[error("the journal's writer has stopped; nothing more was started")]
    Stopped,
    /// One process per run.
    #[error("run {run} is being executed by another process ({owner}); to look at it: refloat report {run}")]
    Alive {
        /// The run.
        run: RunId,
        /// Who holds it.
        owner: String,
    },
    /// It was exported.
    #[error(
        "run {run} was given away to {to}: whoever took it in goes on with it; if nobody has: refloat runs --import FILE takes it back"
    )]
    Away {
        /// The run.
        run: RunId,
        /// The file, and who made it.
        to: String,
    },
    /// Ids are used once.
    #[error("run {run} is in the journal already; to look at it: refloat report {run}")]
    Exists {
        /// The run.
        run: RunId,
    },
    /// Not what `runs --export` writes.
    #[error("this is no exported run: {reason}")]
    NoBundle {
        /// What is wrong with it.
        reason: String,
    },
    /// Two histories of one run.
    #[error(
        "run {run} is here with another history; nothing was imported: to look at the one here: refloat report {run}"
    )]
    Diverged {
        /// The run.
        run: RunId,
    },
    /// There is no such run.
    #[error("there is no run {wanted} here; to see those there are: refloat runs")]
    NoSuchRun {
        /// What was asked for.
        wanted: String,
    },
    /// A beginning that several runs share.
    #[error("{wanted} could be any of {}; type more of it", runs.iter().map(RunId::as_str).collect::<Vec<_>>().join(", "))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// The runs that begin so.
        runs: Vec<RunId>,
    },
    /// Nothing was ever run with this folder.
    #[error("there is no journal in {}: nothing was run yet, or it was with another --state", path.display())]
    NoJournal {
        /// The state folder.
        path: PathBuf,
    },
    /// There is no run at all.
    #[error("there are no runs in {} yet", path.display())]
    NoRuns {
        /// The state folder.
        path: PathBuf,
    },
    /// A unit that may not be taken up again.
    #[error("unit {0} was not open when this process took the run over")]
    NotReclaimable(crate::base::ids::UnitKey),
    /// An event that the state machine refuses: a bug.
    #[error("an event that is not legal here was refused; this is a bug in refloat")]
    Illegal(#[from] Illegal),
    /// The history of a run is not what was written.
    #[error("the history of run {run} is damaged; it can be read but not resumed")]
    Damaged {
        /// The run.
        run: RunId,
        /// Where and how.
        #[source]
        damage: Damage,
    },
}

/// How a run's history differs from what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Rows are missing.
    #[error("event {expected} is missing, event {found} follows")]
    Gap {
        /// The number that must come.
        expected: u64,
        /// The number that comes.
        found: u64,
    },
    /// A row is not what was written.
    #[error("event {seq} is not what was written: its digest does not fit the chain")]
    Chain {
        /// The event.
        seq: u64,
    },
    /// A row cannot be read, though its digest fits.
    #[error("event {seq} cannot be read: {reason}")]
    Unreadable {
        /// The event.
        seq: u64,
        /// What the reader says.
        reason: String,
    },
    /// The history is not one that a run can have.
    #[error("event {seq} cannot have happened: {illegal}")]
    Impossible {
        /// The event.
        seq: u64,
        /// Why.
        illegal: Illegal,
    },
    /// Bytes beside the journal are missing or changed.
    #[error("the output named by event {seq} ({file}) is missing or changed")]
    Blob {
        /// The event.
        seq: u64,
        /// The file.
        file: String,
    },
    /// The head that was kept elsewhere is not in the chain.
    #[error("the head {head} is not in this history: it was shortened or rewritten")]
    Head {
        /// The head that was expected.
        head: crate::base::digest::Digest,
    },
}

impl JournalError {
    /// A failed file operation, with a full disk told apart.
    pub(super) fn file(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::File { doing, path, source: Arc::new(source) },
        }
    }

    /// An answer of SQLite, interpreted.
    pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::Corrupt { path, source: Arc::new(source) }
            }
            _ => Self::Database { path, source: Arc::new(source) },
        }
    }
}
