//! What was seen in one drill: the document that programs get, and from which the history takes its entry.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::event::{Event, EventKind, Phase, RunState, Stage};

/// A drill that was carried out, or could not be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The drill.
    pub drill: String,
    /// Its variant; `main` for the file's own.
    pub variant: String,
    /// The runbook.
    pub runbook: String,
    /// The lab's kit.
    pub kit: String,
    /// How many hosts the lab had.
    pub hosts: usize,
    /// Whether everything was as expected.
    pub as_expected: bool,
    /// What was not, in one sentence each.
    pub unmet: Vec<String>,
    /// Whether a person ended it.
    pub interrupted: bool,
    /// Whether the run ended well and what must hold afterwards did.
    pub recovered: bool,
    /// How long the run took, in seconds; null when there was none.
    pub recovery_seconds: Option<f64>,
    /// The run in the journal.
    pub run: Option<String>,
    /// How the run ended, in one word.
    pub verdict: Option<String>,
    /// And in one sentence.
    pub reason: Option<String>,
    /// How long each phase took, in seconds.
    pub phases: Vec<(String, f64)>,
    /// How long each step of the run took, in seconds, and how it ended.
    pub steps: Vec<StepTime>,
    /// What the steps of `setup` saw, by step.
    pub before: BTreeMap<String, Vec<serde_json::Value>>,
    /// What the steps of `verify` saw, by step.
    pub after: BTreeMap<String, Vec<serde_json::Value>>,
    /// The run's outputs.
    pub outputs: serde_json::Value,
    /// The events of the run.
    pub events: Vec<Event>,
}

/// A step of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepTime {
    /// Its path.
    pub step: String,
    /// `apply` or `undo`.
    pub phase: Phase,
    /// How it ended.
    pub outcome: String,
    /// How long it took, in seconds.
    pub seconds: f64,
}

impl Outcome {
    /// Before anything was done.
    #[must_use]
    pub fn new(drill: &super::Drill, case: &super::Case) -> Self {
        Self {
            drill: drill.name.value.clone(),
            variant: case.name.value.clone(),
            runbook: drill.runbook.value.clone(),
            kit: case.kit.clone(),
            hosts: case.lab.as_ref().map_or(0, |lab| lab.hosts.len()),
            as_expected: false,
            unmet: Vec::new(),
            interrupted: false,
            recovered: false,
            recovery_seconds: None,
            run: None,
            verdict: None,
            reason: None,
            phases: Vec::new(),
            steps: Vec::new(),
            before: BTreeMap::new(),
            after: BTreeMap::new(),
            outputs: serde_json::Value::Null,
            events: Vec::new(),
        }
    }
}

/// How long the steps of a run took.
pub(super) fn step_times(state: &RunState) -> Vec<StepTime> {
    let time = |step: &crate::event::StepState| match &step.stage {
        Stage::Closed { outcome, at } => Some(StepTime {
            step: step.step.clone(),
            phase: step.phase,
            outcome: outcome.name().to_owned(),
            seconds: at.since(step.opened).as_secs_f64(),
        }),
        Stage::Open | Stage::Interrupted => None,
    };
    state.steps().filter_map(time).collect()
}

/// What steps saw: the outputs of their units, in the order in which these began, and what decided their guards.
pub(super) fn findings(events: &[Event]) -> BTreeMap<String, Vec<serde_json::Value>> {
    let mut found: BTreeMap<String, Vec<serde_json::Value>> = BTreeMap::new();
    let mut units = IndexMap::new();
    for event in events {
        match &event.kind {
            EventKind::UnitsStarted { units: started } => {
                units.extend(started.iter().map(|start| (start.key, (&start.unit, None))));
            }
            EventKind::UnitEnded { key, outputs, .. } => {
                if let Some((_, seen)) = units.get_mut(key) {
                    *seen = Some(outputs.as_value());
                }
            }
            EventKind::GuardJudged { step, guard, host, verdict, seen, .. } => {
                let seen = serde_json::json!({
                    "host": host, "guard": guard.as_str(), "verdict": verdict, "seen": seen.as_str(),
                });
                found.entry(step.clone()).or_default().push(seen);
            }
            _ => {}
        }
    }
    for (unit, outputs) in units.into_values() {
        let seen = serde_json::json!({ "host": unit.about, "outputs": outputs });
        found.entry(unit.step.clone()).or_default().push(seen);
    }
    found
}
