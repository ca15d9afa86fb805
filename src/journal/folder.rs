//! The state folder: who may read it, on which file system it lies, and the lock of each run.
//!
//! ```text
//! STATE/                  0700
//!   journal.db            0600, with its -wal and -shm
//!   blobs/RUN/            0700
//!     plan output         0600, append-only
//!     lock                held (flock) by the process that executes the run
//!     away                to whom it was given: nobody goes on with it here
//! ```
//!
//! Whether a run is alive is never stored: it is alive while its lock is held, and the kernel lets go of it when the
//! process ends, however it ends.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::error::JournalError;
use crate::base::ids::RunId;

/// The folder, proved to be ours alone and local.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder when there is none; refuses one that others can read or that is not local.
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        make(path)?;
        private(path, 0o700)?;
        local(path)?;
        let folder = Self(path.to_owned());
        let blobs = path.join("blobs");
        make(&blobs)?;
        private(&blobs, 0o700)?;
        let database = folder.database();
        open_private(&database)?;
        private(&database, 0o600)?;
        Ok(folder)
    }

    /// A folder that is there, to look at what is in it; refuses one that others can read or that is not local.
    pub(super) fn look(path: &Path) -> Result<Self, JournalError> {
        let folder = Self(path.to_owned());
        if !folder.database().exists() {
            return Err(JournalError::NoJournal { path: path.to_owned() });
        }
        private(path, 0o700)?;
        local(path)?;
        private(&folder.database(), 0o600)?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn database(&self) -> PathBuf {
        self.0.join("journal.db")
    }

    /// The folder of a run.
    pub(super) fn run(&self, run: &RunId) -> PathBuf {
        self.0.join("blobs").join(run.as_str())
    }

    /// Takes the lock of a run, making the run's folder when there is none. None: somebody holds it.
    pub(super) fn lock(&self, run: &RunId) -> Result<Option<RunLock>, JournalError> {
        let folder = self.run(run);
        make(&folder)?;
        let path = folder.join("lock");
        let mut file = open_private(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(JournalError::file("locking", &path, source)),
        }
        // For the message that somebody else gets; nothing is decided by it.
        let note = |file: &mut File| {
            file.set_len(0)?;
            writeln!(file, "process {}", std::process::id())
        };
        note(&mut file).map_err(|source| JournalError::file("writing", &path, source))?;
        Ok(Some(RunLock { _file: file }))
    }

    /// Who holds the lock, in words.
    pub(super) fn lock_owner(&self, run: &RunId) -> String {
        let mut text = String::new();
        let read = File::open(self.run(run).join("lock")).and_then(|file| file.take(64).read_to_string(&mut text));
        match read {
            Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
            Ok(_) | Err(_) => "its process is not known".to_owned(),
        }
    }

    /// Whether some process holds the lock of a run. Looking takes the lock for a moment, shared; who takes it for good
    /// tries again (`Journal::resume`).
    pub(super) fn is_alive(&self, run: &RunId) -> bool {
        let Ok(file) = File::open(self.run(run).join("lock")) else { return false };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}

/// The lock of a run, held until this is dropped or the process ends.
#[derive(Debug)]
pub(super) struct RunLock {
    _file: File,
}

/// Opens or makes a file that only we can read, for reading and appending.
pub(super) fn open_private(path: &Path) -> Result<File, JournalError> {
    let opened = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
    opened.map_err(|source| JournalError::file("opening", path, source))
}

fn make(path: &Path) -> Result<(), JournalError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| JournalError::file("creating", path, source))
}

fn private(path: &Path, wanted: u32) -> Result<(), JournalError> {
    let meta = path.metadata().map_err(|source| JournalError::file("looking at", path, source))?;
    let mode = meta.mode() & 0o777;
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(JournalError::ForeignOwner { path: path.to_owned(), owner: meta.uid() });
    }
    if mode & 0o077 != 0 {
        return Err(JournalError::Wide { path: path.to_owned(), mode, wanted });
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn local(path: &Path) -> Result<(), JournalError> {
    let stat = rustix::fs::statfs(path).map_err(|errno| JournalError::file("looking at", path, errno.into()))?;
    match network_kind(i128::from(stat.f_type)) {
        Some(kind) => Err(JournalError::Network { path: path.to_owned(), kind }),
        None => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as on Linux")]
fn local(_path: &Path) -> Result<(), JournalError> {
    Ok(())
}

/// What a journal in this folder would lie on, in words; the error says why it must not.
pub fn file_system(path: &Path) -> Result<String, JournalError> {
    local(path)?;
    let kept = rustix::fs::statfs(path).map_err(|errno| JournalError::file("looking at", path, errno.into()))?;
    let free = kept.f_bavail.saturating_mul(u64::try_from(kept.f_bsize).unwrap_or(0)) >> 20;
    Ok(match i128::from(kept.f_type) & 0xffff_ffff {
        0x0102_1994 | 0x8584_58f6 => {
            format!("in memory: its runs are gone when this machine restarts; {free} MiB free")
        }
        _ => format!("a local disk, {free} MiB free"),
    })
}

/// The file systems on which neither locks nor shared memory can be trusted, by the magic numbers of statfs(2).
#[cfg(target_os = "linux")]
fn network_kind(magic: i128) -> Option<&'static str> {
    match magic & 0xffff_ffff {
        0x6969 => Some("nfs"),
        0x517b => Some("smb"),
        0xff53_4d42 => Some("cifs"),
        0xfe53_4d42 => Some("smb2"),
        0x6573_5546 => Some("fuse"),
        0x0102_1997 => Some("9p"),
        0x00c3_6400 => Some("ceph"),
        0x5346_414f | 0x6b41_4653 => Some("afs"),
        0x0bd0_0bd0 => Some("lustre"),
        0x7461_636f => Some("ocfs2"),
        0x0116_1970 => Some("gfs2"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_new_folder_is_ours_alone_and_a_wider_one_is_refused_with_what_to_type() {
        let temp = tempfile::tempdir().expect("a folder");
        let state = temp.path().join("deep/state");
        Folder::open(&state).expect("a new folder");
        for (path, mode) in [(state.clone(), 0o700), (state.join("blobs"), 0o700), (state.join("journal.db"), 0o600)] {
            assert_eq!(path.metadata().expect("made").mode() & 0o777, mode, "{}", path.display());
        }
        for (path, wide, wanted) in [(state.clone(), 0o750, "700"), (state.join("journal.db"), 0o644, "600")] {
            let before = path.metadata().expect("made").permissions();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(wide)).expect("ours");
            let error = Folder::open(&state).expect_err("refused").to_string();
            assert!(error.ends_with(&format!("chmod {wanted} {}", path.display())), "{error}");
            std::fs::set_permissions(&path, before).expect("ours");
        }
        Folder::open(&state).expect("narrow again");
    }

    #[test]
    fn one_holder_at_a_time_and_alive_only_while_held() {
        let temp = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(&temp.path().join("state")).expect("a new folder");
        let run = RunId::parse("r1").expect("an id");
        assert!(!folder.is_alive(&run));
        let lock = folder.lock(&run).expect("can lock").expect("free");
        assert!(folder.is_alive(&run));
        assert!(folder.lock(&run).expect("can lock").is_none());
        assert_eq!(folder.lock_owner(&run), format!("process {}", std::process::id()));
        drop(lock);
        assert!(!folder.is_alive(&run));
        assert!(folder.lock(&run).expect("can lock").is_some());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn network_file_systems_are_told_by_their_magic_numbers() {
        assert_eq!(network_kind(0x6969), Some("nfs"));
        assert_eq!(network_kind(i128::from(0xff53_4d42_u32.cast_signed())), Some("cifs"));
        assert_eq!(network_kind(0xef53), None, "ext4");
        assert_eq!(network_kind(0x0102_1994), None, "tmpfs");
    }
}
