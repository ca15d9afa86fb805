//! What a destructive run reads may be written by its user and by root only: whoever can write it decides what is done.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Permission bits of writing by the group and by everybody.
const OTHERS: u32 = 0o022;
/// In a folder with this bit, what is ours can be replaced by us and the folder's owner only.
const STICKY: u32 = 0o1000;

/// Whom a file may belong to.
struct Us {
    uid: u32,
    gid: u32,
    /// How root's files look from a user namespace in which root is nobody.
    root: u32,
}

/// Whether every file, and every folder on the way to it, is safe. The error says what to type.
pub fn trusted(files: &[PathBuf]) -> Result<(), String> {
    let us = Us {
        uid: rustix::process::getuid().as_raw(),
        gid: rustix::process::getgid().as_raw(),
        root: root_here().unwrap_or(0),
    };
    us.trust(files)
}

/// The number that root's files have here, where it is not 0.
fn root_here() -> Option<u32> {
    let map = std::fs::read_to_string("/proc/self/uid_map").ok()?;
    if map.split_ascii_whitespace().eq(["0", "0", "4294967295"]) {
        return None;
    }
    std::fs::read_to_string("/proc/sys/kernel/overflowuid").ok()?.trim().parse().ok()
}

impl Us {
    fn trust(&self, files: &[PathBuf]) -> Result<(), String> {
        let (mut nearest, mut folders) = (BTreeSet::new(), BTreeSet::new());
        for file in files {
            // a file that is not there decides nothing
            let Ok(meta) = std::fs::metadata(file) else { continue };
            self.check(file, &meta, meta.mode() & OTHERS)?;
            for path in [std::path::absolute(file), file.canonicalize()].into_iter().flatten() {
                folders.extend(path.ancestors().skip(1).map(Path::to_owned));
                nearest.extend(path.parent().map(Path::to_owned));
            }
        }
        for folder in folders {
            let Ok(meta) = std::fs::metadata(&folder) else { continue };
            // further up, root's folders are root's to judge: some build machines open theirs to everybody
            if !nearest.contains(&folder) && [self.root, 0].contains(&meta.uid()) {
                continue;
            }
            let open = if meta.mode() & STICKY == 0 { meta.mode() & OTHERS } else { 0 };
            self.check(&folder, &meta, open)?;
        }
        Ok(())
    }

    fn check(&self, path: &Path, meta: &Metadata, open: u32) -> Result<(), String> {
        let shown = path.display();
        if ![self.uid, self.root, 0].contains(&meta.uid()) {
            return Err(format!(
                "{shown} belongs to another user (uid {}); a destructive run does not use it",
                meta.uid()
            ));
        }
        // a user's private group has the user's number; with it the umask is 002 on many machines
        let private = meta.gid() == self.gid && self.gid == self.uid;
        let open = if private { open & !0o020 } else { open };
        let who = match open {
            0 => return Ok(()),
            0o020 => ("its group", "g-w"),
            0o002 => ("everybody", "o-w"),
            _ => ("everybody", "go-w"),
        };
        Err(format!(
            "{shown} can be written by {}; a destructive run does not use it. Type: chmod {} {shown}",
            who.0, who.1
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, create_dir, set_permissions, write};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_others_can_write_or_replace_is_refused() {
        let temp = tempfile::tempdir().expect("a folder");
        let folder = temp.path().join("a");
        create_dir(&folder).expect("made");
        let file = folder.join("x.yaml");
        write(&file, "").expect("written");
        for (of_folder, of_file, says) in [
            (0o755, 0o644, None),
            (0o755, 0o666, Some("x.yaml can be written by everybody")),
            (0o755, 0o664, Some("x.yaml can be written by its group")),
            (0o777, 0o644, Some("a can be written by everybody")),
            (0o775, 0o644, Some("a can be written by its group")),
            (0o1777, 0o644, None),
            (0o1777, 0o646, Some("x.yaml can be written by everybody")),
        ] {
            set_permissions(&folder, Permissions::from_mode(of_folder)).expect("set");
            set_permissions(&file, Permissions::from_mode(of_file)).expect("set");
            let said = us(false).trust(std::slice::from_ref(&file)).err();
            let as_wanted = match (&said, says) {
                (Some(said), Some(wanted)) => said.contains(wanted),
                (said, wanted) => said.is_none() && wanted.is_none(),
            };
            assert!(as_wanted, "{of_folder:o} {of_file:o}: {said:?}");
        }
    }

    /// Who runs this test, with a group of one's own or with one that is shared.
    fn us(private: bool) -> Us {
        let uid = rustix::process::getuid().as_raw();
        let gid = rustix::process::getgid().as_raw();
        Us { uid, gid: if private { gid } else { gid + 1 }, root: 0 }
    }

    #[test]
    fn a_group_of_ones_own_may_write() {
        let temp = tempfile::tempdir().expect("a folder");
        let file = temp.path().join("x.yaml");
        write(&file, "").expect("written");
        set_permissions(&file, Permissions::from_mode(0o664)).expect("set");
        let own = Us { uid: us(true).gid, ..us(true) };
        let meta = std::fs::metadata(&file).expect("it is there");
        let check = |us: &Us| us.check(&file, &meta, meta.mode() & OTHERS).is_ok();
        assert!(check(&Us { root: meta.uid(), ..own }), "its owner is root, and the group has the user's number");
        assert!(!check(&us(false)));
        set_permissions(&file, Permissions::from_mode(0o666)).expect("set");
        let meta = std::fs::metadata(&file).expect("it is there");
        assert!(us(true).check(&file, &meta, meta.mode() & OTHERS).is_err());
    }
}
