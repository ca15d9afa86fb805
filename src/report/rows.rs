//! What was done where, what may have run, and what never started: the question after every run that did not end well.
//!
//! A row is one (step, phase, item, host); of several attempts the last one counts. Groups have no rows of their own.
//! - `done`: the outcome is `ok` or `changed`.
//! - `may_have_run`: started, and there is no outcome or it is `unknown`.
//! - `failed`: any other bad outcome. `skipped`: not wanted.
//! - `undone`: what was done there was put back. It is no longer listed as done.
//! - `not_started`: planned or opened, and nothing was started there. A step whose hosts are not known yet is one row.
//! - `duties`: owed to a host that could not be reached, in the word of [`Duty::state`]; its steps are listed there
//!   again only when they were started.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use super::paint::time_of_day;
use super::words::unit_step;
use crate::base::secret::Redacted;
use crate::event::{Duty, Outcome, Phase, RunState, Stage, StepOutcome, StepState, UnitState};

/// The place of what has no host.
pub const CONTROLLER: &str = "controller";

/// One step on one host.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Row {
    /// The step, with its item and phase: `recover/stop[2] (undo)`.
    pub step: String,
    /// The host it is about, or `controller`.
    pub host: String,
    /// The outcome in a word; empty when there is none.
    pub outcome: String,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub millis: Option<u64>,
    /// What it does, or why it ended so.
    pub note: String,
}

/// A run by what became of its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Rows {
    /// Done.
    pub done: Vec<Row>,
    /// Started, outcome unknown.
    pub may_have_run: Vec<Row>,
    /// Ended badly.
    pub failed: Vec<Row>,
    /// Not wanted.
    pub skipped: Vec<Row>,
    /// Put back.
    pub undone: Vec<Row>,
    /// Never started.
    pub not_started: Vec<Row>,
    /// Owed to hosts.
    pub duties: Vec<Row>,
}

/// Where a unit belongs, whatever the attempt.
type Place<'a> = (&'a str, Phase, Option<u32>, Option<u32>, Option<&'a str>, Option<&'a str>);

impl Rows {
    /// Sorts a run. In the order in which things began; what never began, in the order of the plan.
    #[must_use]
    pub fn of(state: &RunState) -> Self {
        let mut rows = Self::default();
        let groups = groups(state);
        let mut last: IndexMap<Place, &UnitState> = IndexMap::new();
        for unit in state.units() {
            let of = &unit.start.unit;
            last.insert((&of.step, of.phase, of.item, of.entry, of.about.as_deref(), of.on.as_deref()), unit);
        }
        for unit in last.values() {
            let failed = unit.end.as_ref().is_some_and(|end| !end.outcome.is_good()) && !unit.is_unresolved();
            // what failed stands there as the cause, whether or not it was put back
            if failed || !state.is_undone(&unit.start.unit) {
                rows.unit(unit);
            }
        }
        rows.duties.extend(state.duties().iter().map(duty));
        for step in state.steps().filter(|step| !groups.contains(step.step.as_str())) {
            rows.step(step, state);
        }
        for planned in &state.header().outline {
            if groups.contains(planned.step.as_str()) {
                continue;
            }
            let opened = state.step(&planned.step, Phase::Apply);
            let owed = |host: &String| state.duties().iter().any(|duty| duty.covers(&planned.step, host));
            let known = |host: &String| {
                owed(host) || opened.is_some_and(|step| step.hosts.is_empty() || step.hosts.contains(host))
            };
            let title = planned.title.as_str();
            if planned.hosts.is_empty() && opened.is_none() {
                rows.not_started.push(row(&planned.step, CONTROLLER, title));
            }
            for host in planned.hosts.iter().filter(|host| !known(host)) {
                rows.not_started.push(row(&planned.step, host, title));
            }
        }
        rows.sort(state);
        rows
    }

    /// What never began in the order of the plan, the rest in the order in which the steps began.
    fn sort(&mut self, state: &RunState) {
        let outline = state.header().outline.iter().map(|planned| planned.step.as_str());
        let mut began: HashMap<&str, usize> = HashMap::new();
        let planned: HashMap<&str, usize> = outline.enumerate().map(|(n, step)| (step, n)).collect();
        for (n, step) in state.steps().enumerate() {
            began.entry(&step.step).or_insert(n);
        }
        let by = |order: &HashMap<&str, usize>, row: &Row| {
            let step = row.step.split(['[', ' ']).next().unwrap_or_default();
            order.get(step).copied().unwrap_or(usize::MAX)
        };
        self.not_started.sort_by_key(|row| by(&planned, row));
        for rows in [&mut self.done, &mut self.may_have_run, &mut self.failed, &mut self.skipped] {
            rows.sort_by_key(|row| by(&began, row));
        }
    }

    fn unit(&mut self, unit: &UnitState) {
        let of = &unit.start.unit;
        let summary = unit.start.summary.as_str();
        let elsewhere = match &of.on {
            Some(on) if on != of.host() => format!(" (on {on})"),
            Some(_) | None => String::new(),
        };
        let again = if of.attempt > 1 { format!(" (attempt {})", of.attempt) } else { String::new() };
        let mut row = row(&unit_step(of), of.host(), &format!("{summary}{elsewhere}{again}"));
        let Some(end) = &unit.end else {
            row.note = format!("{} (started {})", row.note, time_of_day(unit.started));
            self.may_have_run.push(row);
            return;
        };
        end.outcome.name().clone_into(&mut row.outcome);
        row.millis = Some(end.millis);
        if let Some(by) = &end.marked_by {
            row.note = format!("{} (decided by {by})", row.note);
        }
        if let Some(reason) = end.outcome.reason() {
            row.note = format!("{}: {reason}", row.note);
        }
        if of.phase == Phase::Undo && is_done(unit) {
            row.step.clone_from(&of.step);
            self.undone.push(row);
        } else {
            self.section(&end.outcome).push(row);
        }
    }

    fn section(&mut self, outcome: &Outcome) -> &mut Vec<Row> {
        match outcome {
            Outcome::Ok | Outcome::Changed => &mut self.done,
            Outcome::Skipped { .. } => &mut self.skipped,
            Outcome::Failed { .. }
            | Outcome::TimedOut { .. }
            | Outcome::Unreachable { .. }
            | Outcome::Cancelled { .. } => &mut self.failed,
            Outcome::Unknown { .. } => &mut self.may_have_run,
        }
    }

    /// The hosts of a step on which no unit was started.
    fn step(&mut self, step: &StepState, state: &RunState) {
        let units = step.units.iter().filter_map(|key| state.unit(key)).map(|unit| &unit.start.unit);
        let seen: HashSet<(&str, Option<u32>)> = units.map(|unit| (unit.host(), unit.item)).collect();
        let undo = if step.phase == Phase::Undo { " (undo)" } else { "" };
        let controller = [CONTROLLER.to_owned()];
        let hosts = if step.hosts.is_empty() && seen.is_empty() { &controller[..] } else { &step.hosts[..] };
        let items: Vec<Option<u32>> = step.items.map_or_else(|| vec![None], |items| (0..items).map(Some).collect());
        let foreseen = |host: &str| {
            let mut units = state.forecasts().iter().map(|foreseen| &foreseen.unit);
            units.any(|unit| unit.step == step.step && unit.phase == step.phase && unit.host() == host)
        };
        // What is owed to a host is listed as such.
        let duty = |host: &str| state.duties().iter().any(|duty| duty.covers(&step.step, host));
        for host in hosts {
            for &item in &items {
                if seen.contains(&(host.as_str(), item)) || foreseen(host) || duty(host) {
                    continue;
                }
                let item = item.map_or_else(String::new, |item| format!("[{item}]"));
                let mut row = row(&format!("{}{item}{undo}", step.step), host, step.title.as_str());
                let left = |left: &&crate::event::Left| left.step == step.step && left.host == *host;
                if let (Phase::Apply, Some(left)) = (step.phase, state.left().iter().find(left)) {
                    row.note = format!("{}: {}", row.note, left.reason);
                    "failed".clone_into(&mut row.outcome);
                    self.failed.push(row);
                    continue;
                }
                match &step.stage {
                    Stage::Open | Stage::Interrupted => self.not_started.push(row),
                    Stage::Closed { outcome, .. } => self.closed(row, outcome, seen.is_empty()),
                }
            }
        }
    }

    /// A host of a closed step on which no unit was started: of a step without any unit (a guard, a gate) the outcome is
    /// the step's, else the step went on or stopped without this host.
    fn closed(&mut self, mut row: Row, outcome: &StepOutcome, no_units: bool) {
        let good = outcome.is_good();
        if !no_units {
            let rows = if good { &mut self.skipped } else { &mut self.not_started };
            rows.push(row);
            return;
        }
        outcome.name().clone_into(&mut row.outcome);
        if let Some(reason) = outcome.reason().map(Redacted::as_str) {
            row.note = format!("{}: {reason}", row.note);
        }
        let skipped = matches!(outcome, StepOutcome::Skipped { .. });
        let rows = match (good, skipped) {
            (true, true) => &mut self.skipped,
            (true, false) => &mut self.done,
            (false, _) => &mut self.failed,
        };
        rows.push(row);
    }
}

/// Whether a unit ended well.
fn is_done(unit: &UnitState) -> bool {
    unit.end.as_ref().is_some_and(|end| end.outcome.is_good())
}

fn duty(duty: &Duty) -> Row {
    let note = match &duty.end {
        None => duty.reason.to_string(),
        Some(end) => format!("{} by {}: {}", duty.state(), end.by, end.reason),
    };
    Row { outcome: duty.state().to_owned(), ..row(&duty.step, &duty.host, &note) }
}

fn row(step: &str, host: &str, note: &str) -> Row {
    Row { step: step.to_owned(), host: host.to_owned(), outcome: String::new(), millis: None, note: note.to_owned() }
}

/// The steps that only hold other steps: those on the way to another one.
fn groups(state: &RunState) -> HashSet<&str> {
    let outline = state.header().outline.iter().map(|planned| planned.step.as_str());
    let opened = state.steps().map(|step| step.step.as_str());
    let mut groups = HashSet::new();
    for step in outline.chain(opened) {
        groups.extend(step.match_indices('/').map(|(at, _)| &step[..at]));
    }
    groups
}
