//! Where requests lie in the SQLite file, and the thread that looks for them. They are short changes over connections of
//! their own, beside the one that writes events, and need not survive a crash of this machine.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params};
use tokio::sync::mpsc::UnboundedSender;

use super::error::JournalError;
use super::reading::{BUSY, READ, read};
use super::requests::{Answer, Request, Want};

/// How often requests are looked for. It is one look at shared memory (about 5 µs), unless somebody has written.
const LISTEN: Duration = Duration::from_millis(100);

/// Puts a request; its number.
pub(super) fn ask(path: &Path, run: &str, by: &str, want: &Want) -> Result<i64, JournalError> {
    write(path, |connection| {
        let row = params![run, by, json(want)];
        connection.execute("INSERT INTO requests (run, by, want) VALUES (?1, ?2, ?3)", row)?;
        Ok(connection.last_insert_rowid())
    })
}

/// Answers a request that was not withdrawn.
pub(super) fn answer(path: &Path, id: i64, answer: &Answer) -> Result<(), JournalError> {
    write(path, |connection| {
        connection.execute("UPDATE requests SET answer = ?2 WHERE id = ?1", params![id, json(answer)]).map(drop)
    })
}

/// The answer to a request, which is gone then; with `withdraw` in any case.
pub(super) fn answered(path: &Path, id: i64, withdraw: bool) -> Result<Option<Answer>, JournalError> {
    let answer = |connection: &Connection| {
        let answer = connection
            .query_row("SELECT answer FROM requests WHERE id = ?1", [id], |row| row.get::<_, Option<String>>(0))
            .optional()?;
        Ok(answer.flatten().and_then(|answer| serde_json::from_str(&answer).ok()))
    };
    if !withdraw && read(path, answer)?.is_none() {
        return Ok(None);
    }
    // asked once more where nobody can answer in between
    write(path, |connection| {
        let answer = answer(connection)?;
        connection.execute("DELETE FROM requests WHERE id = ?1", [id])?;
        Ok(answer)
    })
}

/// The thread that hands requests on. Dropped, it has closed its connection.
pub(super) struct Listener {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Hands on what is asked of this run, each once, until nobody wants it any more.
    pub(super) fn start(path: &Path, run: String, heard: UnboundedSender<Request>) -> Result<Self, JournalError> {
        let fail = |source| JournalError::sqlite(path, source);
        let connection = Connection::open_with_flags(path, READ).map_err(fail)?;
        connection.busy_timeout(BUSY).map_err(fail)?;
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("requests".into());
        let thread = thread.spawn(move || listen(&connection, &run, &heard, &stopped));
        let thread = thread.map_err(|source| JournalError::file("starting the reader of", path, source))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // one that panicked has closed it as well
            let _ = thread.join();
        }
    }
}

fn listen(connection: &Connection, run: &str, heard: &UnboundedSender<Request>, stopped: &Receiver<()>) {
    let (mut seen, mut last) = (None, 0);
    while !heard.is_closed() {
        // what cannot be read now is read the next time; the journal's own errors show where it is written
        let version = connection.pragma_query_value(None, "data_version", |row| row.get::<_, i64>(0)).ok();
        if version.is_none() || version != seen {
            let requests = pending(connection, run, last);
            seen = version.filter(|_| requests.is_ok());
            for request in requests.unwrap_or_default() {
                last = request.id;
                if heard.send(request).is_err() {
                    return;
                }
            }
        }
        if stopped.recv_timeout(LISTEN) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

fn pending(connection: &Connection, run: &str, after: i64) -> rusqlite::Result<Vec<Request>> {
    let mut select = connection.prepare_cached(
        "SELECT id, by, want FROM requests WHERE run = ?1 AND id > ?2 AND answer IS NULL ORDER BY id",
    )?;
    let rows = select.query_map(params![run, after], |row| {
        let want = serde_json::from_str(&row.get::<_, String>(2)?).unwrap_or(Want::Unknown);
        Ok(Request { id: row.get(0)?, by: row.get(1)?, want })
    })?;
    rows.collect()
}

fn write<T>(path: &Path, change: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, JournalError> {
    let fail = |source| JournalError::sqlite(path, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(fail)?;
    connection.busy_timeout(BUSY).map_err(fail)?;
    // it costs no fsync of its own
    connection.pragma_update(None, "synchronous", "NORMAL").map_err(fail)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    let value = change(&transaction).map_err(fail)?;
    transaction.commit().map_err(fail)?;
    Ok(value)
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("it has string keys only and no failing serializer")
}
