//! An aside: computed, said and waited for at the controller. Values that it sets are a unit, so that they stand in the
//! journal and are never worked out anew.

use indexmap::IndexMap;

use crate::action::aside::{Aside, Said};
use crate::base::digest::Digest;
use crate::event::{EventKind, Outcome, Unit, UnitStart};
use crate::plan::View;
use crate::runbook::Step;
use crate::template::Value;

use super::cancel::Grade;
use super::halt::{Halt, Kind, Stop};
use super::run::Run;

impl Run {
    /// An aside of a step: once, or once for each of its hosts.
    pub(super) async fn aside(&mut self, aside: &dyn Aside, step: &Step, hosts: &[String]) -> Result<(), Halt> {
        let places: Vec<Option<&str>> =
            if step.hosts.is_none() { vec![None] } else { hosts.iter().map(|host| Some(host.as_str())).collect() };
        let mut all = Vec::new();
        for &place in &places {
            let said = aside.render(&View::new(&self.world, place, None)).map_err(|error| {
                let why = place.map_or_else(|| error.to_string(), |host| format!("{host}: {error}"));
                Stop::new(Kind::Failed, why)
            })?;
            all.push((place, said));
        }
        self.set(step, &all).await?;
        self.note(step, &all).await?;
        for (place, _) in &all {
            self.world.outcome(&step.id.value, place.unwrap_or_default(), "ok");
        }
        let pause = all.iter().map(|(_, said)| said.pause).max().unwrap_or_default();
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            () = self.cancel.reached(Grade::NoNewWork) => {
                Err(Stop::new(Kind::Cancelled, "ended by a person during the pause").into())
            }
        }
    }

    /// Keeps what was set, as a unit of each place.
    pub(super) async fn set(&mut self, step: &Step, all: &[(Option<&str>, Said)]) -> Result<(), Halt> {
        let setting: Vec<_> = all.iter().filter(|(_, said)| !said.outputs.is_empty()).collect();
        if setting.is_empty() {
            return Ok(());
        }
        let starts = setting.iter().map(|(place, said)| {
            let unit = Unit { about: place.map(str::to_owned), on: None, ..self.unit(step, "") };
            let names = said.outputs.keys().cloned().collect::<Vec<_>>().join(", ");
            let summary = if step.sensitive { names } else { said.summary.clone() };
            UnitStart::new(unit, Digest::of(json(&said.outputs).to_string()), self.redactor().redact(summary))
        });
        let starts: Vec<UnitStart> = starts.collect();
        let keys: Vec<_> = starts.iter().map(|start| start.key).collect();
        // what a process before this one began to set is set now, what it has set stays
        let known = |key| self.log.with_state(|state| state.unit(key).cloned());
        let before: Vec<_> = keys.iter().map(known).collect();
        let new = starts.into_iter().zip(&before).filter(|(_, before)| before.is_none()).map(|(start, _)| start);
        // no host is touched: the permits are let go
        drop(self.log.start(new.collect()).await?);
        for ((key, before), (place, said)) in keys.into_iter().zip(before).zip(setting) {
            if let Some(unit) = before.filter(|unit| unit.end.is_some()) {
                self.recall_unit(step, &unit)?;
                continue;
            }
            let outputs = if step.sensitive { serde_json::json!({}) } else { json(&said.outputs) };
            self.log.end(key, Outcome::Ok, self.redactor().redact_json(outputs), 0).await?;
            for (name, value) in &said.outputs {
                self.world.output(&step.id.value, place.unwrap_or_default(), name, value.clone());
            }
        }
        Ok(())
    }

    /// Notes that are the same for every host are one.
    async fn note(&self, step: &Step, all: &[(Option<&str>, Said)]) -> Result<(), Halt> {
        let mut notes: IndexMap<&str, Vec<&str>> = IndexMap::new();
        for (place, said) in all {
            if let Some(note) = &said.note {
                notes.entry(note).or_default().extend(place);
            }
        }
        let differ = notes.len() > 1;
        let texts = notes.into_iter().map(|(note, hosts)| {
            let text = if differ { format!("{}: {note}", hosts.join(", ")) } else { note.to_owned() };
            self.redactor().redact(text)
        });
        let new = texts.filter(|text| !self.noted_before(step, text));
        let events: Vec<EventKind> =
            new.map(|text| EventKind::Noted { step: Some(step.path.clone()), by: None, text }).collect();
        if !events.is_empty() {
            self.log.record(events).await?;
        }
        Ok(())
    }
}

fn json(outputs: &IndexMap<String, Value>) -> serde_json::Value {
    serde_json::Value::Object(outputs.iter().map(|(name, value)| (name.clone(), value.to_json())).collect())
}
