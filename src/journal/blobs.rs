//! Bytes beside the journal: the stored plan and the output of units.
//!
//! Append-only files; what is appended is on the disk ([`BlobFile::sync`]) before the journal is, so an event on the disk
//! never names bytes that a crash can take away. Bytes that no event names are the trace of a crash in between, and harmless.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::error::JournalError;
use super::folder::open_private;
use crate::base::crash;
use crate::base::digest::Digest;
use crate::event::BlobRef;

/// One append-only file of a run.
#[derive(Debug)]
pub(super) struct BlobFile {
    name: &'static str,
    path: PathBuf,
    /// Its end, past which the next bytes go.
    file: Mutex<File>,
    /// Something was appended that may not be on the disk yet.
    dirty: AtomicBool,
}

impl BlobFile {
    /// Opens or makes the file in the folder of a run, and makes its name durable.
    pub(super) fn open(folder: &Path, name: &'static str) -> Result<Self, JournalError> {
        let path = folder.join(name);
        let file = open_private(&path)?;
        let sync = |folder: &Path| File::open(folder).and_then(|folder| folder.sync_all());
        sync(folder).map_err(|source| JournalError::file("syncing", folder, source))?;
        Ok(Self { name, path, file: Mutex::new(file), dirty: AtomicBool::new(false) })
    }

    /// Appends bytes. Blocking.
    pub(super) fn append(&self, bytes: &[u8]) -> Result<BlobRef, JournalError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut write = || {
            let offset = file.seek(SeekFrom::End(0))?;
            crash::point("before a blob write");
            let written = crash::write().and_then(|()| file.write_all(bytes));
            self.dirty.store(true, Ordering::Release);
            if written.is_err() {
                // half of it is of no use, and the room may be missed
                let _ = file.set_len(offset);
            }
            crash::point("after a blob write");
            written.map(|()| offset)
        };
        let offset = write().map_err(|source| JournalError::file("writing", &self.path, source))?;
        Ok(BlobRef { file: self.name.to_owned(), offset, len: bytes.len() as u64, digest: Digest::of(bytes) })
    }

    /// Waits until everything that was appended is on the disk. Blocking.
    pub(super) fn sync(&self) -> Result<(), JournalError> {
        if !self.dirty.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let synced = crash::write().and_then(|()| file.sync_data());
        synced.map_err(|source| JournalError::file("syncing", &self.path, source))
    }
}

impl BlobFile {
    /// The same for output, of which nothing is kept on a full disk; then also how much that is not. Blocking.
    pub(super) fn append_if_it_fits(&self, bytes: &[u8]) -> Result<(BlobRef, u64), JournalError> {
        match self.append(bytes) {
            Ok(kept) => Ok((kept, 0)),
            Err(JournalError::Full { .. }) => {
                let nothing = BlobRef { file: self.name.to_owned(), offset: 0, len: 0, digest: Digest::of(b"") };
                Ok((nothing, bytes.len() as u64))
            }
            Err(error) => Err(error),
        }
    }
}

/// Keeps a file of its own in the folder of a run, whole or not at all. Blocking.
pub(super) fn keep(folder: &Path, name: &str, bytes: &[u8]) -> Result<BlobRef, JournalError> {
    let file = format!("artifact.{name}");
    let path = folder.join(&file);
    let write = || {
        crash::point("before a blob write");
        // mode 0600 from the start; the rename makes it whole or absent
        let mut temporary = tempfile::Builder::new().prefix(".artifact").tempfile_in(folder)?;
        temporary.write_all(bytes)?;
        temporary.as_file().sync_all()?;
        temporary.persist(&path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()?;
        crash::point("after a blob write");
        Ok(())
    };
    write().map_err(|source| JournalError::file("writing", &path, source))?;
    Ok(BlobRef { file, offset: 0, len: bytes.len() as u64, digest: Digest::of(bytes) })
}

/// The bytes that a reference names; None when they are missing or changed. Blocking.
pub(super) fn read(folder: &Path, blob: &BlobRef) -> Option<Vec<u8>> {
    // A reference comes out of the journal, but a damaged one must not lead out of the folder.
    if blob.file.contains('/') || blob.file.starts_with('.') {
        return None;
    }
    let file = File::open(folder.join(&blob.file)).ok()?;
    if file.metadata().ok()?.len() < blob.offset.checked_add(blob.len)? {
        return None;
    }
    let mut bytes = vec![0; usize::try_from(blob.len).ok()?];
    file.read_exact_at(&mut bytes, blob.offset).ok()?;
    (Digest::of(&bytes) == blob.digest).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_is_kept_exactly_and_replaced_as_a_whole() {
        use std::os::unix::fs::PermissionsExt as _;
        let temp = tempfile::tempdir().expect("a folder");
        keep(temp.path(), "before.snap", b"first, and longer").expect("kept");
        let kept = keep(temp.path(), "before.snap", b"\0second").expect("kept");
        let path = temp.path().join("artifact.before.snap");
        assert_eq!(std::fs::read(&path).expect("there"), b"\0second");
        assert_eq!(path.metadata().expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(read(temp.path(), &kept).as_deref(), Some(&b"\0second"[..]));
        assert_eq!(std::fs::read_dir(temp.path()).expect("ours").count(), 1, "nothing temporary is left");
    }

    #[test]
    fn what_is_appended_is_read_back_and_every_change_is_seen() {
        let temp = tempfile::tempdir().expect("a folder");
        let file = BlobFile::open(temp.path(), "output").expect("new");
        let one = file.append(b"one\0\xff").expect("written");
        let empty = file.append(b"").expect("written");
        drop(file);
        let two = BlobFile::open(temp.path(), "output").expect("again").append(b"two").expect("written");
        assert_eq!((one.offset, one.len, empty.offset, two.offset), (0, 5, 5, 5));
        assert_eq!(read(temp.path(), &one).as_deref(), Some(&b"one\0\xff"[..]));
        assert_eq!(read(temp.path(), &empty).as_deref(), Some(&b""[..]));
        assert_eq!(read(temp.path(), &two).as_deref(), Some(&b"two"[..]));

        assert_eq!(read(temp.path(), &BlobRef { file: "../output".into(), ..two.clone() }), None);
        assert_eq!(read(temp.path(), &BlobRef { len: u64::MAX, ..two.clone() }), None);
        std::fs::write(temp.path().join("output"), b"one\0\xfftwx").expect("ours");
        assert_eq!(read(temp.path(), &two), None, "a changed byte");
        assert!(read(temp.path(), &one).is_some());
        std::fs::write(temp.path().join("output"), b"one\0\xfftw").expect("ours");
        assert_eq!(read(temp.path(), &two), None, "a missing byte");
    }
}
