//! What a destructive run reads may be written by its user and by root only: whoever can write it decides what is done.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Permission bits of writing by the group and by everybody.
const OTHERS: u32 = 0o022;
/// In a folder with this bit, what is ours can be replaced by us and the folder's owner only.
const STICKY: u32 = 0o1000;

/// Whether every file, and every folder on the way to it, is safe. The error says what to type.
pub fn trusted(files: &[PathBuf]) -> Result<(), String> {
    let mut folders = BTreeSet::new();
    for file in files {
        // a file that is not there decides nothing
        let Ok(meta) = std::fs::metadata(file) else { continue };
        check(file, &meta, meta.mode() & OTHERS)?;
        for path in [std::path::absolute(file), file.canonicalize()].into_iter().flatten() {
            folders.extend(path.ancestors().skip(1).map(Path::to_owned));
        }
    }
    for folder in folders {
        let Ok(meta) = std::fs::metadata(&folder) else { continue };
        let open = if meta.mode() & STICKY == 0 { meta.mode() & OTHERS } else { 0 };
        check(&folder, &meta, open)?;
    }
    Ok(())
}

fn check(path: &Path, meta: &Metadata, open: u32) -> Result<(), String> {
    let shown = path.display();
    if meta.uid() != rustix::process::getuid().as_raw() && meta.uid() != 0 {
        return Err(format!("{shown} belongs to another user (uid {}); a destructive run does not use it", meta.uid()));
    }
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
            let said = trusted(std::slice::from_ref(&file)).err();
            let as_wanted = match (&said, says) {
                (Some(said), Some(wanted)) => said.contains(wanted),
                (said, wanted) => said.is_none() && wanted.is_none(),
            };
            assert!(as_wanted, "{of_folder:o} {of_file:o}: {said:?}");
        }
    }
}
