//! `lock:` at most one run of this machine holds each name. A file lock, so that it ends with its process, whatever
//! happens to it. Locks on the hosts themselves come with takeover and fencing.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexSet;

use crate::base::digest::Digest;
use crate::base::ids::RunId;
use crate::plan::{Plan, View, World};

/// The locks of a run. Dropped, they are free.
#[derive(Debug)]
pub struct RunbookLock {
    _files: Vec<File>,
}

/// Takes every lock that the runbook names, or says who has one.
pub fn lock(plan: &Arc<Plan>, state: &Path, run: &RunId) -> Result<RunbookLock, String> {
    let mut world = World::offline_parts(plan);
    let folder = state.join("locks");
    if !folder.exists() {
        let made = DirBuilder::new().mode(0o700).recursive(true).create(&folder);
        made.map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    }
    let mut files = Vec::new();
    let mut names = IndexSet::new();
    let parts = plan.runbook.parts().map(|(step, ..)| step.path.as_str());
    for part in std::iter::once("").chain(parts) {
        world.enter(part);
        for text in &world.book().lock {
            let rendered = text.render(&View::new(&world, None, None)).map_err(|error| format!("lock: {error}"))?;
            names.insert(crate::action::known(rendered).map_err(|error| format!("lock: {error}"))?);
        }
    }
    for name in names {
        files.push(take(&folder, &name, run)?);
    }
    Ok(RunbookLock { _files: files })
}

fn take(folder: &Path, name: &str, run: &RunId) -> Result<File, String> {
    // a lock's name may be anything; its file's name may not
    let path = folder.join(Digest::of(name).to_string());
    let failed = |error: std::io::Error| format!("lock `{name}`: {error}");
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            return Err(format!("`{name}` is locked by run {}; wait for it, or end it there", holder.trim()));
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{run}")).map_err(failed)?;
    Ok(file)
}
