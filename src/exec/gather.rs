//! `gather`: probes whose values are kept. Each host is a unit, so that what later steps rest on stands in the journal.

use futures_util::future::join_all;
use indexmap::IndexMap;

use crate::action::fleet::{Fleet as _, Spot};
use crate::action::guard;
use crate::action::probe::{Probe, ProbeError};
use crate::base::digest::Digest;
use crate::event::{Outcome, UnitStart};
use crate::runbook::Step;
use crate::template::Value;
use crate::transport::LinkError;

use super::fleet::Surface;
use super::guards::NOT_SHOWN;
use super::halt::{Halt, Kind, Stop};
use super::run::Run;

type Values = IndexMap<String, Value>;

impl Run {
    pub(super) async fn gather(
        &mut self,
        probes: &IndexMap<String, Probe>,
        step: &Step,
        hosts: &[String],
    ) -> Result<(), Halt> {
        let spots = self.spots(step, hosts)?;
        for spot in &spots {
            self.turn(step, spot, crate::action::Effect::Reads);
        }
        let names = probes.keys().cloned().collect::<Vec<_>>().join(", ");
        let starts: Vec<UnitStart> = spots
            .iter()
            .map(|spot| {
                let summary = self.log.redactor().redact(format!("reads {names}"));
                let body = Digest::of_parts([step.path.as_str(), &names]);
                let asks = self.asks(probes, step, &spot.about);
                UnitStart { asks, ..UnitStart::new(self.unit_at(step, spot), body, summary) }
            })
            .collect();
        let keys: Vec<_> = starts.iter().map(|start| start.key).collect();
        let new = self.log.with_state(|state| {
            // what a process before this one began to read is read again
            starts.into_iter().filter(|start| state.unit(&start.key).is_none()).collect()
        });
        // reading needs no hands: the permits are let go
        drop(self.log.start(new).await?);
        let ended = join_all(spots.iter().zip(keys).map(|(spot, key)| {
            let run: &Self = self;
            async move {
                let began = run.clock.elapsed();
                let found = match run.unless_stopped(run.ask_all(probes, step, spot)).await {
                    Ok(found) => found,
                    Err(stop) => {
                        let reason = run.redactor().redact(stop.reason.clone());
                        let nothing = run.redactor().redact_json(serde_json::json!({}));
                        run.log.end(key, Outcome::Cancelled { reason }, nothing, run.millis_since(began)).await?;
                        return Err(Halt::from(stop));
                    }
                };
                let millis = run.millis_since(began);
                let (outcome, outputs) = match &found {
                    Ok(_) if step.sensitive => (Outcome::Ok, serde_json::json!({})),
                    Ok(values) => {
                        let json = values.iter().map(|(name, value)| (name.clone(), value.to_json()));
                        (Outcome::Ok, serde_json::Value::Object(json.collect()))
                    }
                    Err(why) => {
                        (Outcome::Failed { reason: run.log.redactor().redact(why.to_string()) }, serde_json::json!({}))
                    }
                };
                run.log.end(key, outcome, run.log.redactor().redact_json(outputs), millis).await?;
                Ok::<_, Halt>(found)
            }
        }))
        .await;
        let (mut failed, mut on) = (Vec::new(), Vec::new());
        let mut lost = false;
        let mut kept: Option<&str> = None;
        for (spot, found) in spots.iter().zip(ended) {
            let host = spot.about.as_str();
            match found? {
                Ok(values) => {
                    // of several hosts that were asked about one, the first one's values count
                    if kept.replace(host) == Some(host) {
                        continue;
                    }
                    self.world.outcome(&step.id.value, host, "ok");
                    for (name, value) in values {
                        self.found(step, host, &name, value);
                    }
                }
                Err(NamedError(name, error)) => {
                    self.world.outcome(&step.id.value, host, "failed");
                    lost |= matches!(error, ProbeError::Link(LinkError::Lost { .. } | LinkError::Unreachable { .. }));
                    failed.push(format!("{spot}: {name}: {error}"));
                    on.push(host);
                }
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        let kind = if lost { Kind::Unreachable } else { Kind::Failed };
        Err(Stop::new(kind, failed.join("; ")).on(on).into())
    }

    async fn ask_all(&self, probes: &IndexMap<String, Probe>, step: &Step, spot: &Spot) -> Result<Values, NamedError> {
        let surface = Surface { run: self, step };
        let found = join_all(probes.iter().map(|(name, probe)| {
            let surface = &surface;
            async move { (name, surface.value(probe, spot).await) }
        }))
        .await;
        let told = |why: ProbeError| match why {
            why if why.is_of_the_link() || !step.sensitive => why,
            _ => ProbeError::NotAsked(NOT_SHOWN.to_owned()),
        };
        found
            .into_iter()
            .map(|(name, value)| Ok((name.clone(), value.map_err(|why| NamedError(name.clone(), told(why)))?)))
            .collect()
    }
}

/// Which probe gave nothing, and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}: {1}")]
struct NamedError(String, #[source] ProbeError);

impl Surface<'_> {
    pub(super) async fn value(&self, probe: &Probe, spot: &Spot) -> Result<Value, ProbeError> {
        let found = guard::ask(probe, self, spot).await?;
        if !probe.accepts(&found) {
            return Err(ProbeError::NotAsked(found.seen));
        }
        Ok(probe.value(&found, &*self.scope(Some(&spot.about), Some(found.result.clone())))?)
    }
}
