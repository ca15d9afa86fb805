//! How the SQLite file is opened to be read: also in a folder where nothing can be written.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::JournalError;

/// How long another process may hold the file.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// Asks something of the file.
pub(super) fn read<T>(path: &Path, query: impl Fn(&Connection) -> rusqlite::Result<T>) -> Result<T, JournalError> {
    let fail = |source| JournalError::sqlite(path, source);
    let first = Connection::open_with_flags(path, READ).and_then(|connection| ask(&connection, &query));
    let cannot = matches!(&first, Err(error) if error.sqlite_error_code() == Some(ErrorCode::CannotOpen));
    // Beside a log that was written to its end there is nothing to lock in a folder that cannot be written; nor does
    // anybody write it there.
    if cannot && !log_of(path).exists() && path.exists() {
        let address = format!("file:{}?immutable=1", escaped(path));
        let flags = READ | OpenFlags::SQLITE_OPEN_URI;
        return Connection::open_with_flags(address, flags).and_then(|c| ask(&c, &query)).map_err(fail);
    }
    first.map_err(fail)
}

pub(super) const READ: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

fn ask<T>(connection: &Connection, query: impl Fn(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    connection.busy_timeout(BUSY)?;
    query(connection)
}

/// The write-ahead log of a journal.
fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// A path as a part of an address.
fn escaped(path: &Path) -> String {
    let mut address = String::new();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => address.push(char::from(*byte)),
            _ => {
                let _ = write!(address, "%{byte:02x}");
            }
        }
    }
    address
}
