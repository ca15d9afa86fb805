//! A run as one file, to go on with it on another machine: its events exactly as they were written, and the bytes beside
//! them.
//!
//! ```text
//! {"refloat":"run","form":1,"run":"…","events":2,"head":"…"}
//! {"event":…}                                     each event as it stands in the journal, in order
//! {"file":"plan","len":812}                       then so many bytes and a newline, for each file
//! ```
//!
//! Nothing in it is believed: the chain is worked out again, the events must be a history that a run can have, and every
//! blob must have the digest that its event names. The head stands in the report of the run, and shows whether the file
//! was rewritten as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::carry::AWAY;
use super::error::JournalError;
use super::read::History;
use super::store::{Head, Row};
use crate::base::digest::Digest;
use crate::base::ids::RunId;
use crate::event::BlobRef;

/// The form that is written and read.
const FORM: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Title {
    refloat: String,
    form: u32,
    run: RunId,
    events: usize,
    /// The end of the chain: without it a changed event would only give another chain.
    head: Digest,
}

#[derive(Serialize, Deserialize)]
struct File {
    file: String,
    len: usize,
}

/// A run, read back from a file and found to be whole.
pub(super) struct Bundle {
    pub(super) run: RunId,
    pub(super) rows: Vec<Row>,
    /// The files beside the journal, by name.
    pub(super) files: BTreeMap<String, Vec<u8>>,
}

fn not_one(reason: impl Into<String>) -> JournalError {
    JournalError::NoBundle { reason: reason.into() }
}

/// The file of a run whose history is sound. `folder` is the run's.
pub(super) fn write(run: &RunId, rows: &[Row], history: &History, folder: &Path) -> Result<Vec<u8>, JournalError> {
    let mut bytes = Vec::new();
    let head = history.head.digest;
    let title = Title { refloat: "run".to_owned(), form: FORM, run: run.clone(), events: rows.len(), head };
    line(&mut bytes, &serde_json::to_string(&title).expect("texts and numbers are JSON"));
    for row in rows {
        line(&mut bytes, &row.json);
    }
    let files: BTreeSet<&str> = blobs(history).map(|(_, blob)| blob.file.as_str()).collect();
    for name in files {
        let path = folder.join(name);
        let content = std::fs::read(&path).map_err(|source| JournalError::file("reading", &path, source))?;
        let file = File { file: name.to_owned(), len: content.len() };
        line(&mut bytes, &serde_json::to_string(&file).expect("texts and numbers are JSON"));
        bytes.extend_from_slice(&content);
        bytes.push(b'\n');
    }
    Ok(bytes)
}

fn line(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(b'\n');
}

fn blobs(history: &History) -> impl Iterator<Item = (u64, &BlobRef)> {
    history.events.iter().filter_map(|event| Some((event.seq, event.kind.blob()?)))
}

/// Reads a file back; an error names what is wrong with it.
pub(super) fn read(bytes: &[u8]) -> Result<Bundle, JournalError> {
    let mut rest = bytes;
    let title: Title = serde_json::from_str(next(&mut rest)?).map_err(|why| not_one(why.to_string()))?;
    if title.refloat != "run" || title.form != FORM {
        return Err(not_one(format!("it has form {}, and this version knows {FORM}", title.form)));
    }
    let (mut rows, mut head) = (Vec::new(), Head::start(&title.run));
    for _ in 0..title.events {
        let json = next(&mut rest)?.to_owned();
        head = head.next(&json);
        rows.push(Row { head, json });
    }
    if head.digest != title.head {
        return Err(not_one("its events are not those that were exported: the chain does not lead to its head"));
    }
    let history = History::of(&title.run, &rows);
    if let Some(damage) = history.damage {
        return Err(JournalError::Damaged { run: title.run, damage });
    }
    if history.state.as_ref().is_none_or(|state| state.header().run != title.run) {
        return Err(not_one("its events are those of another run"));
    }
    let mut files = BTreeMap::new();
    while !rest.is_empty() {
        let file: File = serde_json::from_str(next(&mut rest)?).map_err(|why| not_one(why.to_string()))?;
        if file.file.contains('/') || file.file.starts_with('.') || ["lock", AWAY].contains(&file.file.as_str()) {
            return Err(not_one(format!("`{}` is no name of a file of a run", file.file)));
        }
        let content = rest.get(..file.len).filter(|_| rest.get(file.len) == Some(&b'\n'));
        let content = content.ok_or_else(|| not_one("it was cut off"))?;
        rest = &rest[file.len + 1..];
        files.insert(file.file, content.to_vec());
    }
    for (seq, blob) in blobs(&history) {
        let of = |content: &Vec<u8>| {
            let from = usize::try_from(blob.offset).ok()?;
            let to = from.checked_add(usize::try_from(blob.len).ok()?)?;
            content.get(from..to).map(|bytes| Digest::of(bytes) == blob.digest)
        };
        if files.get(&blob.file).and_then(of) != Some(true) {
            return Err(not_one(format!("the bytes that event {seq} names ({}) are missing or changed", blob.file)));
        }
    }
    Ok(Bundle { run: title.run, rows, files })
}

fn next<'a>(rest: &mut &'a [u8]) -> Result<&'a str, JournalError> {
    let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| not_one("it was cut off"))?;
    let (line, after) = rest.split_at(end);
    *rest = &after[1..];
    std::str::from_utf8(line).map_err(|why| not_one(why.to_string()))
}

/// Puts the files of a run in its folder, private, and on the disk. Blocking.
pub(super) fn unpack(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<(), JournalError> {
    for (name, content) in files {
        let path = folder.join(name);
        let write = || {
            // mode 0600 from the start; the rename makes it whole or absent
            let mut temporary = tempfile::Builder::new().prefix(".import").tempfile_in(folder)?;
            temporary.write_all(content)?;
            temporary.as_file().sync_all()?;
            temporary.persist(&path).map_err(|error| error.error)?;
            std::fs::File::open(folder)?.sync_all()
        };
        write().map_err(|source| JournalError::file("writing", &path, source))?;
    }
    Ok(())
}
