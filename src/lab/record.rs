//! What a lab remembers of itself on disk, and how its processes are found again.
//!
//! A lab's id stands in the command line of its outer processes, so a process is known by that and never by a bare
//! number, which the kernel gives to others in time.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::clock::{Clock as _, SystemClock};
use crate::base::ids::RunId;

use super::error::LabError;
use super::files::{self, Place, at};
use super::spec::{Mode, Spec};

/// The file `lab.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    /// Which lab this is, among all that ever were.
    pub id: String,
    /// What it is made of.
    pub spec: Spec,
    /// How its hosts are kept apart.
    pub mode: Mode,
    /// Who logs in.
    pub user: String,
    /// Where its hosts answer.
    pub places: Vec<Place>,
}

impl Record {
    pub(super) fn path(dir: &Path) -> PathBuf {
        dir.join("lab.json")
    }

    pub(super) fn new_id() -> String {
        format!("refloat-lab-{}", RunId::generate())
    }

    pub(super) fn load(dir: &Path) -> Result<Option<Self>, LabError> {
        let path = Self::path(dir);
        if !path.exists() {
            return Ok(None);
        }
        let text = files::read(&path)?;
        serde_json::from_str(&text).map(Some).map_err(|source| LabError::Record { path, source })
    }

    pub(super) fn store(&self, dir: &Path) -> Result<(), LabError> {
        let path = Self::path(dir);
        let text =
            serde_json::to_string_pretty(self).map_err(|source| LabError::Record { path: path.clone(), source })?;
        files::write(&path, 0o644, &text)
    }

    /// The outer process, when it lives.
    pub(super) fn outer(&self, dir: &Path) -> Option<u32> {
        let pid = fs::read_to_string(dir.join("outer.pid")).ok()?.trim().parse().ok()?;
        carries(pid, &self.id).then_some(pid)
    }

    /// The outermost processes of the lab: those that carry its id as a word of their command line.
    pub(super) fn processes(&self) -> Vec<u32> {
        all().into_iter().filter(|&pid| carries(pid, &self.id)).collect()
    }

    /// All processes that show the lab's id anywhere in their command line or environment, which is how those of a lab
    /// without namespaces are found. Never this one.
    pub(super) fn traces(&self) -> Vec<u32> {
        let shows = |pid: u32, file: &str| {
            let text = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            text.windows(self.id.len()).any(|part| part == self.id.as_bytes())
        };
        let mut found = all();
        found.retain(|&pid| pid != std::process::id() && (shows(pid, "cmdline") || shows(pid, "environ")));
        found
    }
}

fn all() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok()).collect()
}

fn carries(pid: u32, id: &str) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.split(|&b| b == 0).any(|word| word == id.as_bytes()))
}

/// Whether a process is over. A zombie is: it has no memory, files or namespaces, and for the first process of a
/// namespace it means that all others in there are over too.
pub(super) fn is_over(pid: u32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['Z', 'X'])),
        Err(_) => true,
    }
}

/// Kills processes without asking them.
pub(super) fn kill(pids: &[u32]) {
    for pid in pids {
        let pid = i32::try_from(*pid).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            // one that has ended meanwhile is what we want
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

/// Waits for a condition, looking often; says what was late.
pub(super) fn wait_for(
    what: &'static str,
    limit: Duration,
    mut done: impl FnMut() -> bool,
    detail: impl FnOnce() -> String,
) -> Result<(), LabError> {
    let clock = SystemClock::default();
    while !done() {
        if clock.elapsed() > limit {
            return Err(LabError::Late { what, seconds: limit.as_secs(), detail: detail() });
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Removes a folder of a lab.
pub(super) fn remove(dir: &Path) -> Result<(), LabError> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(at(dir)),
    }
}
