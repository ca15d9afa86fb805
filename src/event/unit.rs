//! The unit: the smallest piece of work that is started, ended and counted.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::base::ids::{RunId, UnitKey};

/// Whether a unit does its step or undoes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The step itself.
    Apply,
    /// Its undo.
    Undo,
}

impl Phase {
    /// The name in the journal and in a unit's key.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Undo => "undo",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One piece of work: one step, for one item, about one host, in one phase, tried for the n-th time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Unit {
    /// The run.
    pub run: RunId,
    /// The step's path through `use` and groups, for example `recover/stop`.
    pub step: String,
    /// Its place in `for_each`, from 0.
    pub item: Option<u32>,
    /// The host it is about; none for what only the controller does.
    pub about: Option<String>,
    /// The host it runs on; none for the controller.
    pub on: Option<String>,
    /// Apply or undo.
    pub phase: Phase,
    /// From 1.
    pub attempt: u32,
    /// Which entry of an `undo` list it is, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<u32>,
}

impl Unit {
    /// The key under which a host claims this unit: the digest of its identity. Absent and empty parts differ.
    #[must_use]
    pub fn key(&self) -> UnitKey {
        let item = self.item.map_or_else(String::new, |item| item.to_string());
        let about = present(self.about.as_deref());
        let on = present(self.on.as_deref());
        let attempt = self.attempt.to_string();
        let parts = [self.run.as_str(), &self.step, &item, &about, &on, self.phase.name(), &attempt];
        let entry = self.entry.map(|entry| entry.to_string());
        UnitKey(Digest::of_parts(parts.into_iter().chain(entry.as_deref())))
    }

    /// The host that people connect this unit with: whom it is about, else where it runs, else the controller.
    #[must_use]
    pub fn host(&self) -> &str {
        self.about.as_deref().or(self.on.as_deref()).unwrap_or("controller")
    }

    /// The same unit, tried before this one.
    #[must_use]
    pub fn previous_attempt(&self) -> Option<Self> {
        (self.attempt > 1).then(|| Self { attempt: self.attempt - 1, ..self.clone() })
    }
}

fn present(part: Option<&str>) -> String {
    part.map_or_else(String::new, |part| format!("={part}"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_part_of_the_identity_changes_the_key() {
        let unit = Unit {
            run: RunId::parse("r1").expect("an id"),
            step: "recover/stop".into(),
            item: None,
            about: Some("a".into()),
            on: Some("a".into()),
            phase: Phase::Apply,
            attempt: 1,
            entry: None,
        };
        let others = [
            Unit { run: RunId::parse("r2").expect("an id"), ..unit.clone() },
            Unit { step: "recover/start".into(), ..unit.clone() },
            Unit { item: Some(0), ..unit.clone() },
            Unit { about: None, ..unit.clone() },
            Unit { about: Some(String::new()), ..unit.clone() },
            Unit { on: Some("b".into()), ..unit.clone() },
            Unit { phase: Phase::Undo, ..unit.clone() },
            Unit { attempt: 2, ..unit.clone() },
            Unit { entry: Some(0), ..unit.clone() },
        ];
        let keys: HashSet<_> = others.iter().chain([&unit]).map(Unit::key).collect();
        assert_eq!(keys.len(), others.len() + 1);
        assert_eq!(unit.key(), unit.clone().key());
    }
}
