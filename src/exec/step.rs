//! One step after the other: whom it is about, whether it is wanted, what it does, how it ended.

use indexmap::{IndexMap, IndexSet};

use crate::base::BoxFuture;
use crate::event::{EventKind, Phase, StepOutcome};
use crate::plan::Items;
use crate::runbook::{Body, OnFailure, Reach, Step};

use super::halt::{Halt, Kind, Stop};
use super::run::Run;
use super::tally::Tally;
use super::wanted::Wanted;

/// How a step ended well.
#[derive(Clone, Debug)]
pub(super) enum Ended {
    Ok,
    Changed,
    Skipped(String),
}

impl Ended {
    /// With the part of the step before it: it changed something if one did, and is skipped if both are.
    pub(super) fn after(self, before: Option<Self>) -> Self {
        match (before, self) {
            (None, now) => now,
            (Some(Self::Skipped(why)), Self::Skipped(_)) => Self::Skipped(why),
            (Some(Self::Changed), _) | (_, Self::Changed) => Self::Changed,
            _ => Self::Ok,
        }
    }
}

impl Run {
    /// Steps in order. The error names the path of the step that ended the run.
    pub(super) fn steps<'a>(&'a mut self, steps: &'a [Step]) -> BoxFuture<'a, Result<(), (String, Halt)>> {
        Box::pin(async move {
            for step in steps {
                self.hook.before(&step.path).await;
                if self.cancel.ends().await {
                    let stop = Stop::new(Kind::Cancelled, "ended by a person before this step");
                    return Err((step.path.clone(), stop.into()));
                }
                let ended = self.step(step).await;
                self.hook.after(&step.path).await;
                ended?;
            }
            Ok(())
        })
    }

    pub(super) async fn step(&mut self, step: &Step) -> Result<(), (String, Halt)> {
        let here = |halt: Halt| (step.path.clone(), halt);
        let mut hosts = match &step.hosts {
            // of a dry run: it is opened all the same, and nobody is known yet
            Some(selector) if self.check.is_some() && self.opened_later(step).is_some() => Vec::new(),
            Some(selector) => self.world.resolve(selector).map_err(|why| here(Stop::new(Kind::Failed, why).into()))?,
            None => Vec::new(),
        };
        if let Some(only) = &self.only {
            hosts.retain(|host| host == only);
        }
        hosts.retain(|host| !self.left_out.contains(host));
        let before = self.remembered(step, &hosts);
        let lists = match self.listed_before(step, &hosts) {
            Some(lists) => Ok(Some(lists)),
            None => Items::of(step, &hosts, &self.world),
        };
        if let Some(outcome) = before {
            return self.bring_back(step, hosts, lists, &outcome).await;
        }
        let opened = EventKind::StepOpened {
            step: step.path.clone(),
            phase: Phase::Apply,
            title: self.redactor().redact(step.heading()),
            why: step.why.as_deref().map(|why| self.redactor().redact(why)),
            action: step.body.key().to_owned(),
            hosts: hosts.clone(),
            items: lists.as_ref().ok().and_then(Option::as_ref).and_then(|lists| u32::try_from(lists.len()).ok()),
            pass: self.passes.clone(),
            list: lists.as_ref().ok().and_then(Option::as_ref).map(|lists| self.redactor().redact_json(json(lists))),
        };
        self.log.record(vec![opened]).await.map_err(|error| here(error.into()))?;
        // what a part gives is the same for every host
        let own = if matches!(step.body, Body::Use(_)) { Vec::new() } else { hosts.clone() };
        self.world.open(&step.id.value, &own);
        let left_out = self.left_out(step);
        let result = match (self.arm(step).await, lists) {
            _ if left_out.is_some() => Ok(Ended::Skipped(left_out.unwrap_or_default())),
            _ if self.check.is_some() && self.opened_later(step).is_some() => {
                Err(here(Stop::new(Kind::Refused, "whom it is about is picked then").into()))
            }
            (Err(halt), _) => Err(here(halt)),
            (_, Err(none)) => Err(here(Stop::new(Kind::Failed, none.to_string()).on(none.host).into())),
            (Ok(()), Ok(lists)) => self.go(step, hosts, lists).await,
        };
        let result = self.whatever_comes(step, result).await?;
        if let Ok(Ended::Skipped(_)) = &result {
            self.nobody_picked(step);
        }
        let outcome = match &result {
            Ok(Ended::Ok) => StepOutcome::Ok,
            Ok(Ended::Changed) => StepOutcome::Changed,
            Ok(Ended::Skipped(why)) => StepOutcome::Skipped { reason: self.redactor().redact(why.clone()) },
            Err((_, Halt::Stop(stop))) => stop.outcome(self.redactor()),
            // nothing can be written any more
            Err((_, Halt::Journal(_))) => return result.map(|_| ()),
        };
        self.world.outcome(&step.id.value, "", outcome.name());
        if self.check.is_some() && outcome == StepOutcome::Ok {
            self.foresee_outcome(step, &own);
        }
        // one of which a process before this one began a part, that this one did not come to, is not over
        if !self.log.with_state(|state| state.open_units().any(|unit| unit.start.unit.step == step.path)) {
            let closed = EventKind::StepClosed { step: step.path.clone(), phase: Phase::Apply, outcome };
            self.log.record(vec![closed]).await.map_err(|error| here(error.into()))?;
        }
        match result {
            Err((path, Halt::Stop(stop))) => self.failed(step, path, stop).await,
            other => other.map(|_| ()),
        }
    }

    /// What a failure does, by what is written on the step.
    async fn failed(&mut self, step: &Step, path: String, stop: Stop) -> Result<(), (String, Halt)> {
        let wanted = super::failure::on_failure(step);
        let decided = self.decided(wanted, &path, &stop, false).await;
        let decided = decided.map_err(|error| (path.clone(), error.into()))?;
        let group = matches!(step.body, Body::Group(_));
        let about_hosts = group && step.hosts.is_some();
        match decided {
            // a group that is about hosts was put back batch by batch, but for what a person decides only now
            Some(OnFailure::Undo) if !about_hosts || wanted != decided => {
                let only = (about_hosts && !stop.hosts.is_empty()).then(|| stop.hosts.clone());
                match self.undo(&[step], only.as_deref(), stop).await {
                    Ok(stop) => Err((path, stop.into())),
                    Err(error) => Err((path, error.into())),
                }
            }
            Some(OnFailure::Continue) if stop.kind != Kind::Cancelled => {
                let first = self.went_on.take();
                self.went_on = Some(first.unwrap_or((path, stop)));
                Ok(())
            }
            // of any other step it was asked host by host
            _ if group
                && self.bears(step, &mut Tally::default(), &stop).await.map_err(|halt| (path.clone(), halt))? =>
            {
                Ok(())
            }
            _ => Err((path, stop.into())),
        }
    }

    pub(super) async fn body(&mut self, step: &Step, hosts: Vec<String>) -> Result<Ended, Halt> {
        if self.recalling {
            return self.recall(step, &hosts);
        }
        if self.check.is_some() {
            return self.check_body(step, hosts).await;
        }
        let about_hosts = step.hosts.is_some();
        let hosts = match self.wanted(step, hosts).await? {
            Wanted::Yes(hosts) => hosts,
            Wanted::No(why) => return Ok(Ended::Skipped(why)),
        };
        let changes = match &step.body {
            Body::Action(action) => return self.act(&**action, step, hosts).await,
            Body::Gather(probes) => self.gather(probes, step, &hosts).await,
            Body::Pick(picks) => self.pick(picks, step).await,
            Body::Judge(_, guards) => self.require(guards, step, &hosts).await,
            Body::Wait(wait) => self.wait(wait, step, &hosts).await,
            Body::Watch => self.watch_alone(step, &hosts).await,
            Body::Gate(gate) => self.gate(gate, step, &hosts).await,
            Body::Aside(aside) => self.aside(&**aside, step, &hosts).await,
            Body::Use(_) | Body::Group(_) => Ok(()),
        };
        debug_assert!(about_hosts || hosts.is_empty(), "a step without hosts is about none");
        changes.map(|()| Ended::Ok)
    }

    /// Whether a step is wanted, and for which of its hosts: `when`, an empty target, and hosts that cannot be reached.
    pub(super) async fn wanted(&mut self, step: &Step, hosts: Vec<String>) -> Result<Wanted, Halt> {
        if step.hosts.is_none() {
            return Ok(if self.when(step, None)? {
                Wanted::Yes(hosts)
            } else {
                Wanted::No("`when` is false".to_owned())
            });
        }
        if hosts.is_empty() {
            return Ok(Wanted::No("there are no such hosts".to_owned()));
        }
        let meant = self.meant(step, hosts)?;
        if meant.is_empty() {
            return Ok(Wanted::No("`when` is false".to_owned()));
        }
        if self.recalling {
            // who was reached then does not change any more
            return Ok(Wanted::Yes(meant));
        }
        let mut missing: IndexMap<String, Vec<String>> = IndexMap::new();
        for spot in self.spots(step, &meant)? {
            if !matches!(self.links.get(&spot.on), Some(Ok(_))) {
                missing.entry(spot.about).or_default().push(spot.on);
            }
        }
        let reached: Vec<String> = meant.into_iter().filter(|host| !missing.contains_key(host)).collect();
        if !missing.is_empty() {
            self.not_reached(step, &missing).await?;
            if self.check.is_some() && step.reach == Reach::Required {
                missing.keys().for_each(|host| self.world.foresee(&step.id.value, host));
            }
        }
        if reached.is_empty() {
            let on: IndexSet<&str> = missing.values().flatten().map(String::as_str).collect();
            let on: Vec<&str> = on.into_iter().collect();
            return Ok(Wanted::No(format!("not reachable: {}", on.join(", "))));
        }
        Ok(Wanted::Yes(reached))
    }

    /// `missing`: hosts, and where what is about them cannot be done.
    async fn not_reached(&self, step: &Step, missing: &IndexMap<String, Vec<String>>) -> Result<(), Halt> {
        let hosts: Vec<&String> = missing.keys().collect();
        let why = |host: &String| {
            let on = missing.get(host).and_then(|on| on.first()).unwrap_or(host);
            let why = match self.links.get(on) {
                Some(Err(error)) => error.to_string(),
                _ => "was not connected to".to_owned(),
            };
            if on == host { why } else { format!("{on}: {why}") }
        };
        let events: Vec<EventKind> = match step.reach {
            _ if self.check.is_some() => {
                hosts.iter().map(|host| self.foreseen_unreachable(step, host, &why(host))).collect()
            }
            Reach::Required => {
                let reasons: Vec<String> = hosts.iter().map(|host| format!("{host}: {}", why(host))).collect();
                return Err(Stop::new(Kind::Unreachable, reasons.join("; ")).on(hosts).into());
            }
            Reach::BestEffort => {
                let noted = |host: &&String| EventKind::Noted {
                    step: Some(step.path.clone()),
                    by: None,
                    text: self.redactor().redact(format!("left out, {host}: {}", why(host))),
                };
                hosts.iter().map(noted).collect()
            }
            Reach::Later => {
                // a step of a group that is a duty as a whole is a part of it
                let new = self.log.with_state(|state| {
                    let owed = |host: &str| state.open_duties().any(|duty| duty.covers(&step.path, host));
                    hosts.iter().copied().filter(|host| !owed(host)).collect::<Vec<_>>()
                });
                let opened = |host: &String| EventKind::DutyOpened {
                    step: step.path.clone(),
                    host: host.clone(),
                    reason: self.redactor().redact(why(host)),
                };
                new.into_iter().map(opened).collect()
            }
        };
        if !events.is_empty() {
            self.log.record(events).await?;
        }
        Ok(())
    }
}

/// The items as they are written down: for each an object, by host.
fn json(lists: &[Items]) -> serde_json::Value {
    let of = |items: &Items| -> serde_json::Map<String, serde_json::Value> {
        items.of.iter().map(|(host, item)| (host.clone(), item.to_json())).collect()
    };
    serde_json::Value::Array(lists.iter().map(|items| serde_json::Value::Object(of(items))).collect())
}
