//! The store on this machine: one SQLite file, one thread that writes.
//!
//! The writer takes everything that waits and commits it at once (WAL), with one fsync if something among it must be on
//! the disk: of the write-ahead log, so all that was committed before is on the disk with it. The first error (a full disk:
//! the first after the reserve was used) poisons it: what follows fails with that error, since after a failed fsync nobody
//! can say what is on the disk. Readers open their own connections and see whole commits only. Requests go past the writer,
//! over connections of their own: they are gone when nobody waits for them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, ffi, params};
use tokio::sync::mpsc;

use super::error::JournalError;
use super::inbox::{self, Listener};
use super::reading::{BUSY, read};
use super::requests::{Answer, Request, Want};
use super::store::{Batch, Head, Row, Store};
use crate::base::ids::RunId;
use crate::base::{BoxFuture, crash};

/// One text per version; a text that was released never changes.
const MIGRATIONS: [&str; 2] = [
    "
    CREATE TABLE events (
        run TEXT NOT NULL,
        seq INTEGER NOT NULL,
        json TEXT NOT NULL,
        head TEXT NOT NULL,
        PRIMARY KEY (run, seq)
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE requests (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL,
        by TEXT NOT NULL,
        want TEXT NOT NULL,
        answer TEXT
    ) STRICT;
",
];

/// The store in one SQLite file.
pub struct SqliteStore {
    path: PathBuf,
    /// None only while it is dropped. Unbounded: everybody who sends waits for the answer, so it holds at most one batch
    /// for each unit that runs.
    queue: Option<Sender<Batch>>,
    writer: Option<JoinHandle<()>>,
    listeners: Mutex<Vec<Listener>>,
}

impl SqliteStore {
    /// Opens the file, which must exist (an empty one is a new journal), and brings it to the present format.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let connection = writer_connection(path)?;
        let (queue, batches) = channel();
        let file = path.to_owned();
        let writer = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || write_all(connection, &file, &batches))
            .map_err(|source| JournalError::file("starting the writer of", path, source))?;
        Ok(Self { path: path.to_owned(), queue: Some(queue), writer: Some(writer), listeners: Mutex::default() })
    }
}

impl SqliteStore {
    /// Opens a file that is there, to read it. Nothing can be appended.
    pub fn read(path: &Path) -> Result<Self, JournalError> {
        let found = read(path, version)?;
        newer(path, found)?;
        match path.parent().filter(|_| found == 0) {
            Some(folder) => Err(JournalError::NoJournal { path: folder.to_owned() }),
            None => Ok(Self { path: path.to_owned(), queue: None, writer: None, listeners: Mutex::default() }),
        }
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // before the writer: whoever closes the file last tidies up its log
        self.listeners.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has already failed everybody who waited.
            let _ = writer.join();
        }
    }
}

impl Store for SqliteStore {
    fn append(&self, batch: Batch) {
        let refused = match &self.queue {
            Some(queue) => queue.send(batch).err().map(|unsent| unsent.0),
            None => Some(batch),
        };
        if let Some(batch) = refused {
            (batch.done)(Err(JournalError::Stopped));
        }
    }

    fn rows(&self, run: &RunId, from: u64) -> BoxFuture<'static, Result<Vec<Row>, JournalError>> {
        let (path, run) = (self.path.clone(), run.clone());
        blocking(move || read(&path, |connection| read_rows(connection, &run, from, None)))
    }

    fn first(&self, run: &RunId) -> BoxFuture<'static, Result<Option<Row>, JournalError>> {
        let (path, run) = (self.path.clone(), run.clone());
        blocking(move || read(&path, |connection| read_rows(connection, &run, 1, Some(1)).map(|mut rows| rows.pop())))
    }

    fn runs(&self) -> BoxFuture<'static, Result<Vec<RunId>, JournalError>> {
        let path = self.path.clone();
        blocking(move || read(&path, read_runs))
    }

    fn ask(&self, run: &RunId, by: &str, want: &Want) -> BoxFuture<'static, Result<i64, JournalError>> {
        let (path, run, by, want) = (self.path.clone(), run.to_string(), by.to_owned(), want.clone());
        blocking(move || inbox::ask(&path, &run, &by, &want))
    }

    fn listen(&self, run: &RunId, heard: mpsc::UnboundedSender<Request>) -> Result<(), JournalError> {
        let listener = Listener::start(&self.path, run.to_string(), heard)?;
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
        Ok(())
    }

    fn answer(&self, id: i64, answer: &Answer) -> BoxFuture<'static, Result<(), JournalError>> {
        let (path, answer) = (self.path.clone(), answer.clone());
        blocking(move || inbox::answer(&path, id, &answer))
    }

    fn answered(&self, id: i64, withdraw: bool) -> BoxFuture<'static, Result<Option<Answer>, JournalError>> {
        let path = self.path.clone();
        blocking(move || inbox::answered(&path, id, withdraw))
    }
}

fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> BoxFuture<'static, Result<T, JournalError>> {
    Box::pin(async move { tokio::task::spawn_blocking(work).await.unwrap_or(Err(JournalError::Stopped)) })
}

fn writer_connection(path: &Path) -> Result<Connection, JournalError> {
    let fail = |source| JournalError::sqlite(path, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(fail)?;
    connection.busy_timeout(BUSY).map_err(fail)?;
    // First, so that a newer journal is left exactly as it is.
    newer(path, version(&connection).map_err(fail)?)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(fail)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(fail)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    let found = version(&transaction).map_err(fail)?;
    newer(path, found)?;
    for (migration, number) in MIGRATIONS.iter().zip(1_u32..).filter(|(_, number)| *number > found) {
        transaction.execute_batch(migration).map_err(fail)?;
        transaction.pragma_update(None, "user_version", number).map_err(fail)?;
    }
    transaction.commit().map_err(fail)?;
    Ok(connection)
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn newer(path: &Path, found: u32) -> Result<(), JournalError> {
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    if found > known { Err(JournalError::Newer { path: path.to_owned(), found, known }) } else { Ok(()) }
}

fn write_all(mut connection: Connection, path: &Path, batches: &Receiver<Batch>) {
    let mut poison: Option<JournalError> = None;
    let mut full = false;
    while let Ok(first) = batches.recv() {
        let mut together = vec![first];
        together.extend(batches.try_iter());
        let mut written = 0;
        if poison.is_none() {
            crash::point("before a journal write");
            let (durable, result) = keep(&mut connection, path, &mut together, &mut full);
            written = durable;
            poison = result.err();
            crash::point("after a journal write");
        }
        for (n, batch) in together.into_iter().enumerate() {
            let broken = poison.clone().filter(|_| n >= written);
            (batch.done)(broken.map_or(Ok(()), Err));
        }
    }
}

/// Keeps batches, with an fsync if one of them wants it. How many are kept.
fn keep(
    connection: &mut Connection,
    path: &Path,
    batches: &mut [Batch],
    full: &mut bool,
) -> (usize, Result<(), JournalError>) {
    let mut synced = false;
    for sync in batches.iter_mut().filter_map(|batch| batch.sync.take()) {
        if let Err(error) = sync() {
            return (0, Err(error));
        }
        synced = true;
    }
    let (kept, result) = commit_what_fits(connection, batches, synced, full);
    (kept, result.map_err(|source| JournalError::sqlite(path, source)))
}

/// Commits batches, on a full disk those up to the first that may not use the last room. How many are durable.
fn commit_what_fits(
    connection: &mut Connection,
    batches: &[Batch],
    synced: bool,
    full: &mut bool,
) -> (usize, rusqlite::Result<()>) {
    if !*full {
        match commit(connection, batches, synced) {
            Ok(()) => return (batches.len(), Ok(())),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                let mut released = batches.iter().filter_map(|batch| batch.reserve.as_ref());
                if !released.any(|reserve| reserve.release()) {
                    return (0, Err(error));
                }
                *full = true;
            }
            Err(error) => return (0, Err(error)),
        }
    }
    let last = batches.iter().take_while(|batch| batch.reserve.is_some()).count();
    match commit(connection, &batches[..last], synced) {
        Err(error) => (0, Err(error)),
        Ok(()) if last == batches.len() => (last, Ok(())),
        Ok(()) => (last, Err(failure(ffi::SQLITE_FULL))),
    }
}

fn failure(code: i32) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
}

/// `synced`: with an fsync of the write-ahead log, and so of all that was committed before.
fn commit(connection: &mut Connection, batches: &[Batch], synced: bool) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", if synced { "FULL" } else { "NORMAL" })?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut insert =
            transaction.prepare_cached("INSERT INTO events (run, seq, json, head) VALUES ($1, $2, $3, $4)")?;
        for batch in batches {
            for Row { head, json } in &batch.rows {
                insert.execute(params![batch.run.as_str(), number(head.seq), json, head.digest.to_string()])?;
            }
        }
    }
    crash::write().map_err(|error| match error.kind() {
        ErrorKind::StorageFull => failure(ffi::SQLITE_FULL),
        _ => failure(ffi::SQLITE_IOERR_FSYNC),
    })?;
    transaction.commit()
}

/// SQLite's integers are signed.
fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn read_rows(connection: &Connection, run: &RunId, from: u64, most: Option<u32>) -> rusqlite::Result<Vec<Row>> {
    let mut select =
        connection.prepare("SELECT seq, json, head FROM events WHERE run = $1 AND seq >= $2 ORDER BY seq LIMIT $3")?;
    // a negative limit is none
    let most = most.map_or(-1, i64::from);
    let rows = select.query_map(params![run.as_str(), number(from), most], |row| {
        // What is not a digest cannot fit the chain either: it is told apart there, not here.
        let digest = row.get::<_, String>(2)?.parse().unwrap_or_else(|_| crate::base::digest::Digest::of("damaged"));
        // A negative number fits no place in the sequence: 0 is found there too.
        let seq = u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0);
        Ok(Row { head: Head { seq, digest }, json: row.get(1)? })
    })?;
    rows.collect()
}

fn read_runs(connection: &Connection) -> rusqlite::Result<Vec<RunId>> {
    let mut select = connection.prepare("SELECT DISTINCT run FROM events ORDER BY run DESC")?;
    let runs = select.query_map([], |row| row.get::<_, String>(0))?;
    Ok(runs.collect::<rusqlite::Result<Vec<_>>>()?.iter().filter_map(|run| RunId::parse(run)).collect())
}
