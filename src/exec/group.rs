//! A group for the hosts of a batch: who leaves it, what is put back there, and what always runs.
//!
//! In a rolling group the hosts of a batch that have not failed go through it to its end, also when more have failed
//! than may: none is left half way. Then the run stops, and no further batch begins.

use indexmap::{IndexMap, IndexSet};

use crate::event::EventKind;
use crate::runbook::{OnFailure, Step};

use super::halt::{Halt, Kind, Stop};
use super::run::Run;
use super::step::Ended;
use super::tally::Tally;
use super::whole::Before;

/// A group in which hosts stand for themselves: one that fails leaves it.
#[derive(Debug)]
pub(super) struct Ring {
    /// The hosts of the batch that goes on.
    hosts: Vec<String>,
    /// How many may fail, over all batches.
    tally: Tally,
    /// Those that left in this batch, and why.
    left: IndexMap<String, String>,
    /// The step at which the last one left.
    at: String,
    /// Whether the others go on when more have failed than may.
    to_the_end: bool,
}

impl Run {
    /// Whether the others go on without the hosts that failed; then these leave the group.
    pub(super) async fn bears(&mut self, step: &Step, tally: &mut Tally, stop: &Stop) -> Result<bool, Halt> {
        let of_hosts = matches!(stop.kind, Kind::Failed | Kind::Refused | Kind::Unreachable) && !stop.hosts.is_empty();
        // what a log has to say is decided for all hosts together
        if !of_hosts || step.watch.is_some() || self.cancel.ends().await {
            return Ok(false);
        }
        if !self.borne(step, tally, stop) {
            return Ok(false);
        }
        let events = stop.hosts.iter().map(|host| EventKind::HostLeft {
            step: step.path.clone(),
            host: host.clone(),
            reason: self.redactor().redact(stop.reason.clone()),
            pass: self.passes.clone(),
        });
        self.log.record(events.collect()).await?;
        self.leaves(step, stop);
        Ok(true)
    }

    /// Whether so many may fail; then these leave the group around them.
    pub(super) fn borne(&mut self, step: &Step, tally: &mut Tally, stop: &Stop) -> bool {
        let around = self.rings.iter().rposition(|ring| stop.hosts.iter().all(|host| ring.hosts.contains(host)));
        let own = tally.bears(&stop.hosts);
        tally.fail(&stop.hosts, &stop.reason);
        match around.and_then(|n| self.rings.get_mut(n)) {
            Some(ring) => {
                if !own {
                    ring.tally.fail(&stop.hosts, &stop.reason);
                }
                let borne = own || ring.to_the_end || !ring.tally.is_exceeded();
                if borne {
                    step.path.clone_into(&mut ring.at);
                    ring.left.extend(stop.hosts.iter().map(|host| (host.clone(), stop.reason.clone())));
                }
                borne
            }
            None => own,
        }
    }

    /// They take no part in the later steps.
    pub(super) fn leaves(&mut self, step: &Step, stop: &Stop) {
        for host in &stop.hosts {
            self.world.outcome(&step.id.value, host, "failed");
        }
        if step.path.contains('/') {
            self.left_out.extend(stop.hosts.iter().cloned());
        }
    }

    /// A group, for the hosts of a batch; `all` are those of the group.
    pub(super) async fn group(
        &mut self,
        step: &Step,
        members: &[Step],
        batch: &[String],
        all: &[String],
        tally: &mut Tally,
    ) -> Result<Ended, (String, Halt)> {
        let before = self.left_out.clone();
        self.left_out.extend(all.iter().filter(|host| !batch.contains(host)).cloned());
        let (done, open) = match self.before_all(step, batch).await {
            Ok(Before::Todo { done, open }) => (done, open),
            other => {
                self.leave_out(before);
                return other.map(|_| Ended::Ok).map_err(|halt| (step.path.clone(), halt));
            }
        };
        let here = self.left_out.clone();
        let about_hosts = step.hosts.is_some();
        let rolling = step.flow.rolling.is_some();
        let is_ring = about_hosts && (rolling || step.flow.tolerate.is_some());
        if is_ring {
            self.rings.push(Ring {
                hosts: batch.to_vec(),
                tally: std::mem::take(tally),
                left: IndexMap::new(),
                at: step.path.clone(),
                to_the_end: rolling,
            });
        }
        let mut result = self.steps(members).await;
        if result.is_ok() {
            result = match self.after_all(step, &done, &open).await {
                // who is not as it must be leaves the group, as who failed in one of its steps
                Err(Halt::Stop(stop))
                    if is_ring
                        && self
                            .bears(step, &mut Tally::default(), &stop)
                            .await
                            .map_err(|halt| (step.path.clone(), halt))? =>
                {
                    Ok(())
                }
                other => other.map_err(|halt| (step.path.clone(), halt)),
            };
        }
        self.left_out = here;
        let mut left = IndexMap::new();
        if let Some(ring) = is_ring.then(|| self.rings.pop()).flatten() {
            let exceeded = ring.tally.is_exceeded() && !ring.left.is_empty();
            if let (Ok(()), true) = (&result, exceeded) {
                let stop = Stop::new(Kind::Failed, ring.tally.words()).on(ring.left.keys());
                result = Err((ring.at, stop.into()));
            }
            (*tally, left) = (ring.tally, ring.left);
        }
        let result = self.put_back_failed(step, batch, left, result).await;
        let result = self.always(step, result).await;
        self.leave_out(before);
        result.map(|()| Ended::Ok)
    }

    /// `on_failure: undo` of a group that is about hosts: where it failed, and what failed of it.
    async fn put_back_failed(
        &mut self,
        step: &Step,
        batch: &[String],
        left: IndexMap<String, String>,
        result: Result<(), (String, Halt)>,
    ) -> Result<(), (String, Halt)> {
        let undo = step.on_failure.as_ref().is_some_and(|on_failure| on_failure.value == OnFailure::Undo);
        if !undo || step.hosts.is_none() {
            return result;
        }
        let here = |error: crate::journal::JournalError| (step.path.clone(), error.into());
        match result {
            Ok(()) if left.is_empty() => Ok(()),
            Ok(()) => {
                let hosts: Vec<String> = left.keys().cloned().collect();
                let reasons: Vec<&str> = left.values().map(String::as_str).collect();
                let stop = Stop::new(Kind::Failed, reasons.join("; ")).on(&hosts);
                let stop = self.undo(&[step], Some(&hosts), stop).await.map_err(here)?;
                // what could not be put back is nothing that may be left behind
                if stop.kind == Kind::Unknown { Err((step.path.clone(), stop.into())) } else { Ok(()) }
            }
            Err((path, Halt::Stop(stop))) => {
                // the others have done their part; what is not about single hosts is about all of the batch
                let failed: Vec<String> =
                    stop.hosts.iter().chain(left.keys()).filter(|host| batch.contains(host)).cloned().collect();
                let only = if stop.hosts.is_empty() { batch.to_vec() } else { failed };
                let stop = self.undo(&[step], Some(&only), stop).await.map_err(here)?;
                Err((path, stop.into()))
            }
            other => other,
        }
    }

    /// The steps of a group that run whatever happened; not when a person ended the run, or nothing can be written.
    async fn always(&mut self, step: &Step, result: Result<(), (String, Halt)>) -> Result<(), (String, Halt)> {
        let ends = match &result {
            Ok(()) => false,
            Err((_, Halt::Stop(stop))) => stop.kind == Kind::Cancelled,
            Err((_, Halt::Journal(_))) => true,
        };
        if step.flow.always.is_empty() || ends {
            return result;
        }
        let after = self.steps(&step.flow.always).await;
        match (result, after) {
            (Ok(()), after) => after,
            (Err((_, Halt::Stop(_))), Err((path, Halt::Journal(error)))) => Err((path, error.into())),
            (Err((path, Halt::Stop(mut stop))), Err((other, Halt::Stop(more)))) => {
                stop.reason = format!("{}; and `{other}`, which always runs, failed: {}", stop.reason, more.reason);
                stop.next.extend(more.next);
                if more.kind == Kind::Unknown {
                    stop.kind = Kind::Unknown;
                }
                Err((path, stop.into()))
            }
            (result, _) => result,
        }
    }

    /// Outside of a group others are left out than in it; but who left a group around it stays left out.
    pub(super) fn leave_out(&mut self, hosts: IndexSet<String>) {
        self.left_out = hosts;
        for ring in &self.rings {
            self.left_out.extend(ring.left.keys().cloned());
        }
    }
}
