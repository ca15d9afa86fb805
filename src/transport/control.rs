//! The folder of the control sockets: private, short, named after its owner, so that a later process can prove that a
//! leftover is ours and its owner is dead.
//!
//! An heir, a small process that sleeps on a pipe of ours, ends what is left of the masters and removes the folder when
//! we die, however we die. Where it cannot do its work, the next start removes the folder.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::base::process;

static MADE: AtomicU32 = AtomicU32::new(0);

/// The longest path of a folder under which ssh can still bind: a socket's path has at most 107 bytes, our names take 6,
/// and ssh appends 17 while it binds.
const LONGEST: usize = 80;

/// A folder that is removed with its last user.
#[derive(Debug)]
pub(super) struct ControlDir {
    path: PathBuf,
    next: AtomicU32,
    heir: Option<Child>,
}

const HEIR: &str = include_str!("assets/heir.sh");

impl ControlDir {
    /// A new folder below `parent`, after dead owners' folders were removed. `ssh` ends masters.
    pub(super) fn create(parent: &Path, ssh: &Path) -> io::Result<Self> {
        let (namespace, pid) = (namespace()?, std::process::id());
        let start = started(pid).ok_or_else(|| io::Error::other("no start time in /proc/self/stat"))?;
        reap(parent, &namespace);
        let n = MADE.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("refloat-{namespace}-{pid}-{start}-{n}"));
        if path.as_os_str().len() > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{} is too long", path.display())));
        }
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        let heir = heir(&path, ssh).inspect_err(|error| tracing::debug!(%error, "there is no heir")).ok();
        Ok(Self { path, next: AtomicU32::new(0), heir })
    }

    /// A path for the next socket.
    pub(super) fn socket(&self) -> PathBuf {
        self.path.join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

impl Drop for ControlDir {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "the control folder stays");
        }
        if let Some(mut heir) = self.heir.take() {
            // its input ends, and there is nothing left for it
            drop(heir.stdin.take());
            let _ = heir.wait();
        }
    }
}

/// Starts the heir. Its pipe is closed in all that we start, so it ends with this process. A group of its own: the
/// terminal's Ctrl-C is not for it.
fn heir(folder: &Path, ssh: &Path) -> io::Result<Child> {
    let mut command = process::blocking("/bin/sh");
    command.arg("-c").arg(HEIR).arg("refloat").arg(folder).arg(ssh).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

/// The process id namespace, without which a process id says nothing.
fn namespace() -> io::Result<String> {
    let link = std::fs::read_link("/proc/self/ns/pid")?;
    Ok(link.to_string_lossy().chars().filter(char::is_ascii_digit).collect())
}

/// When a process started, in ticks since the boot; `None` when there is no such process.
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.split(' ').nth(19)?.parse().ok()
}

/// Removes what dead owners left, and nothing of which that is not certain.
fn reap(parent: &Path, namespace: &str) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    let uid = rustix::process::geteuid().as_raw();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let words: Vec<&str> = name.to_str().unwrap_or_default().split('-').collect();
        let ["refloat", space, pid, start, _] = words.as_slice() else { continue };
        let (Ok(pid), Ok(start)) = (pid.parse(), start.parse::<u64>()) else { continue };
        let Ok(meta) = entry.path().symlink_metadata() else { continue };
        let ours = meta.is_dir() && meta.uid() == uid && meta.mode() & 0o7777 == 0o700;
        if ours && *space == namespace && started(pid) != Some(start) {
            let removed = std::fs::remove_dir_all(entry.path());
            tracing::debug!(path = %entry.path().display(), ?removed, "a dead owner's control folder");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certainly_dead_and_ours_is_reaped() {
        let parent = tempfile::tempdir().expect("a folder");
        let make = |name: &str, mode: u32| {
            let path = parent.path().join(name);
            std::fs::DirBuilder::new().mode(mode).create(&path).expect("a folder");
            path
        };
        let (here, pid) = (namespace().expect("a namespace"), std::process::id());
        let start = started(pid).expect("our start");
        let dead = make(&format!("refloat-{here}-{pid}-{}-0", start - 1), 0o700);
        std::fs::write(dead.join("0"), "").expect("a socket");
        let kept = [
            make(&format!("refloat-{here}-{pid}-{start}-0"), 0o700),
            make(&format!("refloat-1{here}-{pid}-{}-0", start - 1), 0o700),
            make(&format!("refloat-{here}-{pid}-{}-1", start - 1), 0o755),
            make("refloat-notes", 0o700),
        ];
        let own = ControlDir::create(parent.path(), Path::new("ssh")).expect("a folder");
        assert!(!dead.exists());
        assert!(kept.iter().all(|path| path.exists()));
        let path = own.path.clone();
        assert!(path.exists());
        drop(own);
        assert!(!path.exists());
    }

    #[test]
    fn a_path_on_which_ssh_could_not_bind_is_refused() {
        let parent = tempfile::tempdir().expect("a folder");
        let long = parent.path().join("x".repeat(60));
        std::fs::create_dir(&long).expect("a folder");
        assert_eq!(
            ControlDir::create(&long, Path::new("ssh")).expect_err("too long").kind(),
            io::ErrorKind::InvalidInput
        );
    }
}
