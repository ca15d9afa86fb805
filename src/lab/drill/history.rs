//! How long recoveries took: one line of JSON a drill, in the state folder. Lines are only ever added, each by one
//! write, so drills at the same time do not disturb each other, and a line that cannot be read is left out.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;

/// How many of the latest recoveries of one drill are looked at.
const LATEST: usize = 100;

/// What is kept of a drill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When it ended, RFC 3339.
    pub at: String,
    /// The drill.
    pub drill: String,
    /// Its variant.
    pub variant: String,
    /// The run in the journal.
    pub run: Option<String>,
    /// The lab's kit.
    pub kit: String,
    /// How many hosts the lab had.
    pub hosts: usize,
    /// Whether everything was as expected.
    pub as_expected: bool,
    /// How long the run took, in seconds.
    pub recovery_seconds: Option<f64>,
    /// The version of refloat.
    pub version: String,
}

/// All drills of a state folder, in the order in which they ended.
#[derive(Clone, Debug, Default)]
pub struct History(Vec<Entry>);

/// The drills of one case.
#[derive(Clone, Debug, PartialEq)]
pub struct Times {
    /// The drill.
    pub drill: String,
    /// Its variant.
    pub variant: String,
    /// How many there were, of the latest.
    pub drills: usize,
    /// How many of these were as expected.
    pub as_expected: usize,
    /// Seconds, of those that were as expected: half took at most this long.
    pub p50: Option<f64>,
    /// Seconds: 95 of 100 took at most this long.
    pub p95: Option<f64>,
}

impl Entry {
    /// Of a drill that has ended.
    #[must_use]
    pub fn new(outcome: &Outcome, at: String) -> Self {
        Self {
            at,
            drill: outcome.drill.clone(),
            variant: outcome.variant.clone(),
            run: outcome.run.clone(),
            kit: outcome.kit.clone(),
            hosts: outcome.hosts,
            as_expected: outcome.as_expected,
            recovery_seconds: outcome.recovery_seconds,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

impl History {
    fn path(state: &Path) -> PathBuf {
        state.join("drills.jsonl")
    }

    /// Reads that of a state folder.
    pub fn load(state: &Path) -> std::io::Result<Self> {
        match fs::read_to_string(Self::path(state)) {
            Ok(text) => Ok(Self(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Adds an entry to that of a state folder, which exists.
    pub fn add(state: &Path, entry: &Entry) -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(Self::path(state))?;
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        file.write_all(&line)?;
        file.sync_all()
    }

    /// All of them, in the order in which they ended.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter()
    }

    /// The times of each case, in the order in which they were first drilled.
    #[must_use]
    pub fn times(&self) -> Vec<Times> {
        let mut cases: IndexMap<(&str, &str), Vec<&Entry>> = IndexMap::new();
        for entry in &self.0 {
            cases.entry((&entry.drill, &entry.variant)).or_default().push(entry);
        }
        let times = |((drill, variant), entries): ((&str, &str), Vec<&Entry>)| {
            let latest = &entries[entries.len().saturating_sub(LATEST)..];
            let good = latest.iter().filter(|entry| entry.as_expected);
            let mut seconds: Vec<f64> = good.clone().filter_map(|entry| entry.recovery_seconds).collect();
            seconds.sort_by(f64::total_cmp);
            Times {
                drill: drill.to_owned(),
                variant: variant.to_owned(),
                drills: latest.len(),
                as_expected: good.count(),
                p50: percentile(&seconds, 50),
                p95: percentile(&seconds, 95),
            }
        };
        cases.into_iter().map(times).collect()
    }

    /// The times of one case.
    #[must_use]
    pub fn of(&self, drill: &str, variant: &str) -> Option<Times> {
        self.times().into_iter().find(|times| times.drill == drill && times.variant == variant)
    }
}

/// The smallest of the sorted values that so many of a hundred do not exceed (the nearest rank).
fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(variant: &str, seconds: f64, as_expected: bool) -> Entry {
        Entry {
            at: String::new(),
            drill: "a/b".to_owned(),
            variant: variant.to_owned(),
            run: None,
            kit: "consul".to_owned(),
            hosts: 3,
            as_expected,
            recovery_seconds: Some(seconds),
            version: String::new(),
        }
    }

    #[test]
    fn percentiles_are_values_that_were_seen() {
        assert_eq!(percentile(&[], 50), None);
        assert_eq!((percentile(&[3.0], 50), percentile(&[3.0], 95)), (Some(3.0), Some(3.0)));
        let twenty: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!((percentile(&twenty, 50), percentile(&twenty, 95)), (Some(10.0), Some(19.0)));
        let five = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!((percentile(&five, 50), percentile(&five, 95)), (Some(3.0), Some(5.0)));
    }

    #[test]
    fn what_was_not_as_expected_counts_and_has_no_time() {
        let state = tempfile::tempdir().unwrap();
        assert!(History::load(state.path()).unwrap().times().is_empty());
        for one in [entry("main", 9.0, false), entry("main", 2.0, true), entry("other", 1.0, true)] {
            History::add(state.path(), &one).unwrap();
        }
        fs::OpenOptions::new().append(true).open(History::path(state.path())).unwrap().write_all(b"torn").unwrap();
        let history = History::load(state.path()).unwrap();
        let main = history.of("a/b", "main").unwrap();
        assert_eq!((main.drills, main.as_expected, main.p50, main.p95), (2, 1, Some(2.0), Some(2.0)));
        assert_eq!(history.times().len(), 2);
        assert_eq!(history.of("a/b", "none"), None);
    }

    #[test]
    fn only_the_latest_count() {
        let entries = (1..=150).map(|n| entry("main", f64::from(n), true)).collect();
        let times = History(entries).of("a/b", "main").unwrap();
        assert_eq!((times.drills, times.p50), (100, Some(100.0)));
    }
}
