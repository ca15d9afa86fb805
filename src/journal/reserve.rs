//! Room on the disk that is set aside when a run begins, so that what became of its last units can still be written down
//! when the disk is full. Starts never use it: on a full disk nothing new begins.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::error::JournalError;
use super::folder::open_private;

/// Bytes: some hundreds of outcomes.
const ROOM: u64 = 1 << 20;

/// The room, as a file beside the output of a run. Dropped, it is gone.
#[derive(Debug)]
pub(super) struct Reserve(PathBuf);

impl Reserve {
    /// Sets the room aside. Blocking.
    pub(super) fn set_aside(folder: &Path) -> Result<Self, JournalError> {
        let path = folder.join("reserve");
        let fail = |source| JournalError::file("setting room aside in", &path, source);
        let file = open_private(&path)?;
        match fallocate(&file, FallocateFlags::empty(), 0, ROOM) {
            Ok(()) => {}
            // this file system cannot say what it has left
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => write_zeros(&file).map_err(fail)?,
            Err(errno) => {
                let _ = std::fs::remove_file(&path);
                return Err(fail(errno.into()));
            }
        }
        Ok(Self(path))
    }

    /// Gives the room back to the disk; false: it was given back before.
    pub(super) fn release(&self) -> bool {
        std::fs::remove_file(&self.0).is_ok()
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        self.release();
    }
}

fn write_zeros(mut file: &File) -> std::io::Result<()> {
    use std::io::Write as _;
    let zeros = vec![0; 1 << 16];
    for _ in 0..ROOM >> 16 {
        file.write_all(&zeros)?;
    }
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_really_set_aside_and_given_back_once() {
        use std::os::unix::fs::MetadataExt as _;
        let temp = tempfile::tempdir().expect("a folder");
        let reserve = Reserve::set_aside(temp.path()).expect("room");
        let path = temp.path().join("reserve");
        assert!(path.metadata().expect("there").blocks() * 512 >= ROOM);
        assert!(reserve.release() && !path.exists() && !reserve.release());
        let again = Reserve::set_aside(temp.path()).expect("room");
        drop(again);
        assert!(!path.exists());
    }
}
