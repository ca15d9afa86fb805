//! Bringing back what a step found before this process took the run over: the same walk, and nothing is done or written.

use indexmap::IndexMap;

use crate::action::fleet::Spot;
use crate::base::secret::{MASK, Redacted};
use crate::event::{Outcome, Phase, StepOutcome, UnitState};
use crate::plan::{Items, NoItems};
use crate::runbook::{Body, Step};
use crate::template::Value;

use super::halt::{Halt, Kind, Stop};
use super::run::Run;
use super::step::Ended;

/// A value as the journal has it; what it does not have is unknown.
fn value(json: &serde_json::Value, step: &str) -> Value {
    if json.to_string().contains(MASK) { Value::unknown(step) } else { Value::from_json(json) }
}

impl Run {
    /// A step that was done before: what it found is brought back, and nothing is written down.
    pub(super) async fn bring_back(
        &mut self,
        step: &Step,
        hosts: Vec<String>,
        lists: Result<Option<Vec<Items>>, NoItems>,
        outcome: &StepOutcome,
    ) -> Result<(), (String, Halt)> {
        let own = if matches!(step.body, Body::Use(_)) { &[][..] } else { &hosts };
        self.world.open(&step.id.value, own);
        let result = match (self.arm(step).await, lists) {
            (Err(halt), _) => Err((step.path.clone(), halt)),
            // nothing of it was done
            _ if matches!(outcome, StepOutcome::Skipped { .. }) => {
                self.nobody_picked(step);
                Ok(())
            }
            (_, Err(none)) => Err((step.path.clone(), Stop::new(Kind::Failed, none.to_string()).on(none.host).into())),
            (Ok(()), Ok(lists)) => {
                let around = std::mem::replace(&mut self.recalling, true);
                let result = self.go(step, hosts, lists).await;
                self.recalling = around;
                result.map(|_| ())
            }
        };
        self.world.outcome(&step.id.value, "", outcome.name());
        result
    }

    /// Brings back what a step found in this pass, instead of doing it.
    pub(super) fn recall(&mut self, step: &Step, hosts: &[String]) -> Result<Ended, Halt> {
        let Some(memory) = self.memory.clone() else { return Ok(Ended::Ok) };
        let id = &step.id.value;
        let mut changed = false;
        let units = self.units_before(&memory.state, step, hosts);
        // of several hosts that did it for one, the first one's outputs count
        for unit in units.iter().rev() {
            self.recall_unit(step, unit)?;
        }
        for unit in units.iter().filter(|unit| unit.end.as_ref().is_some_and(|end| end.outcome == Outcome::Changed)) {
            self.world.outcome(id, unit.start.unit.about.as_deref().unwrap_or_default(), "changed");
            changed = true;
        }
        let known = memory.state.step(&step.path, Phase::Apply);
        let openings = known.into_iter().flat_map(|step| &step.openings);
        // a leaf is opened once for all of its own items and batches
        for opening in openings.filter(|opening| self.passes.starts_with(&opening.pass)) {
            for (name, hosts) in &opening.picked {
                let name = name.rsplit('/').next().unwrap_or(name);
                self.world.pick(name, hosts.iter().map(|host| host.as_str().into()).collect());
            }
            match step.body {
                Body::Gate(_) => self.silent.clear(),
                _ => self.silent.extend(opening.silent.iter().cloned()),
            }
        }
        if let Body::Judge(..) | Body::Wait(_) = step.body {
            return Ok(Ended::Ok);
        }
        if matches!(step.body, Body::Aside(_)) {
            let places = if step.hosts.is_none() { &[String::new()][..] } else { hosts };
            for host in places {
                self.world.outcome(id, host, "ok");
            }
        }
        self.recall_groups(step);
        Ok(if changed { Ended::Changed } else { Ended::Ok })
    }

    /// Brings back what a unit came to: its outcome, and what later steps read.
    pub(super) fn recall_unit(&mut self, step: &Step, unit: &UnitState) -> Result<(), Halt> {
        let (of, Some(end)) = (&unit.start.unit, &unit.end) else { return Ok(()) };
        let id = &step.id.value;
        // what is about no host is kept under no name
        let host = of.about.clone().unwrap_or_default();
        let changed = end.outcome == Outcome::Changed;
        self.changed |= changed;
        if !end.outcome.is_good() {
            self.world.outcome(id, &host, "failed");
            return Ok(());
        }
        self.world.outcome(id, &host, if changed { "changed" } else { "ok" });
        if step.sensitive {
            self.world.forget(id, &host);
            return Ok(());
        }
        let outputs = end.outputs.as_value().as_object().cloned().unwrap_or_default();
        let mut result: IndexMap<String, Value> =
            outputs.iter().map(|(name, json)| (name.clone(), value(json, &step.path))).collect();
        if let Body::Action(_) = step.body {
            result.insert("changed".to_owned(), Value::Bool(changed));
        }
        for (name, value) in &result {
            self.world.output(id, &host, name, value.clone());
        }
        if matches!(step.body, Body::Action(_)) && !step.outputs.is_empty() {
            self.named_outputs(step, &host, &Value::map(result))?;
        }
        Ok(())
    }

    /// How the attempt of a unit that failed before this process stands as a stop: as if it had failed now.
    pub(super) fn failed_before(&self, step: &Step, unit: &UnitState, outcome: &Outcome) -> Stop {
        let of = &unit.start.unit;
        let why = outcome.reason().map_or("it failed", Redacted::as_str);
        let spot = Spot { about: of.host().to_owned(), on: of.on.clone().unwrap_or_else(|| of.host().to_owned()) };
        let exit = unit.end.as_ref().and_then(|end| end.outputs.as_value().get("exit")?.as_i64());
        let interrupted = self.memory.as_ref().is_some_and(|memory| memory.is_open(&step.path));
        Stop {
            exits: vec![exit.and_then(|exit| i32::try_from(exit).ok())],
            // a step that was closed had all of its tries
            tried: if interrupted { of.attempt } else { u32::MAX },
            ..Stop::new(Kind::Failed, format!("{spot}: {why}"))
        }
        .on([of.host()])
    }
}
