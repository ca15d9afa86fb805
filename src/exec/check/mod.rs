//! A dry run: the same walk over the same steps, and where a run would act, what it would come to. Hosts are only looked
//! at: nothing here is ever granted a permit, and the journal of a run of this mode refuses to write a start down.
//!
//! Nothing ends the walk, so that every reason comes in one go. What a step would find is unknown from then on, by the
//! step's id, and so is what is seen of a host behind a step that would change it: an answer from before says nothing.

mod acting;
mod asking;
mod ending;
mod ready;
mod request;
mod seeing;

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::action::check::{Makes, Observes};
use crate::action::fleet::Spot;
use crate::base::digest::Digest;
use crate::base::secret::Redacted;
use crate::event::{EventKind, Forecast, Mode, Unit};
use crate::journal::JournalError;
use crate::runbook::{Body, Step};

use super::flow::is_within;
use super::halt::{Halt, Kind, Stop};
use super::run::{Dry, Run};
use super::step::Ended;
use super::wanted::Wanted;

/// What a dry run has foreseen so far, as far as it decides what is said of later steps.
#[derive(Debug, Default)]
pub(super) struct Foresight {
    /// What would be changed, by the host, in the order of the steps.
    changes: IndexMap<String, Vec<Change>>,
    /// Steps of which it is not known whether they are wanted, for which host (`""`: none), and until which step.
    perhaps: HashMap<(String, String), String>,
    /// What steps need and hosts lack.
    lacks: ready::Lacks,
    dry: Dry,
}

/// What a step would change on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Change {
    step: String,
    makes: Makes,
    body: Option<Digest>,
    /// As things are, a run would not even come to it.
    blocked: bool,
    /// It is not known whether it is wanted.
    perhaps: bool,
}

impl Foresight {
    /// The foresight of a run that is a dry one.
    pub(super) fn of(mode: Mode, dry: Dry) -> Option<Self> {
        (mode == Mode::Check).then(|| Self { dry, ..Self::default() })
    }

    /// The last step that would change what is observed on a host.
    fn decides(&self, host: &str, observes: Observes) -> Option<&str> {
        let changes = self.changes.get(host)?.iter().rev();
        changes.filter(|change| change.makes.may_show(observes)).map(|change| change.step.as_str()).next()
    }

    /// Whether a step is wanted for a host is known, or not before `until`.
    pub(super) fn wanted(&mut self, step: &str, host: Option<&str>, until: Option<&str>) {
        let key = (step.to_owned(), host.unwrap_or_default().to_owned());
        match until {
            Some(until) => self.perhaps.insert(key, until.to_owned()),
            None => self.perhaps.remove(&key),
        };
    }

    /// The step before which it is not known whether another one is wanted, itself or with a group around it.
    fn perhaps(&self, step: &str, host: Option<&str>) -> Option<&str> {
        let of = |(path, about): &(String, String)| {
            is_within(step, path) && (about.is_empty() || Some(about.as_str()) == host)
        };
        self.perhaps.iter().find(|(key, _)| of(key)).map(|(_, until)| until.as_str())
    }
}

impl Run {
    /// A step of a dry run that is no group. Only a person who ends it, or the journal, ends the walk.
    pub(super) async fn check_body(&mut self, step: &Step, hosts: Vec<String>) -> Result<Ended, Halt> {
        let checked = match self.wanted(step, hosts).await {
            Ok(Wanted::No(why)) => return Ok(Ended::Skipped(why)),
            Ok(Wanted::Yes(hosts)) => self.check_step(step, &hosts).await,
            Err(halt) => Err(halt),
        };
        match checked {
            Ok(()) => Ok(Ended::Ok),
            Err(halt) => self.obstructed(step, halt).await.map(|()| Ended::Ok),
        }
    }

    /// How a step of a dry run ended as a whole: what stops it stops nothing else, and what is not wanted is said.
    pub(super) async fn whatever_comes(
        &mut self,
        step: &Step,
        result: Result<Ended, (String, Halt)>,
    ) -> Result<Result<Ended, (String, Halt)>, (String, Halt)> {
        if self.check.is_none() {
            return Ok(result);
        }
        let here = |halt: Halt| (step.path.clone(), halt);
        match &result {
            Ok(Ended::Skipped(why)) => {
                let reason = self.redactor().redact(why.clone());
                self.foresee(step, None, Forecast::Skipped { reason }).await.map_err(|error| here(error.into()))?;
            }
            Ok(Ended::Ok | Ended::Changed) | Err((_, Halt::Journal(_))) => {}
            Err((_, Halt::Stop(stop))) if stop.kind == Kind::Cancelled => {}
            Err((_, Halt::Stop(stop))) => {
                return self.obstructed(step, stop.clone().into()).await.map(|()| Ok(Ended::Ok)).map_err(here);
            }
        }
        Ok(result)
    }

    async fn check_step(&mut self, step: &Step, hosts: &[String]) -> Result<(), Halt> {
        if let Some(until) = step.flow.run_on.as_ref().and_then(|selector| self.world.waits_for(selector)) {
            let reason = self.redactor().redact("where it is carried out is picked then");
            self.world.foresee(&step.id.value, "");
            return Ok(self.foresee(step, None, Forecast::UnknownUntil { step: until, reason }).await?);
        }
        match &step.body {
            Body::Action(action) => self.check_action(&**action, step, hosts).await,
            Body::Gather(probes) => self.check_gather(probes, step, hosts).await,
            Body::Pick(picks) => self.check_pick(picks, step).await,
            Body::Judge(judge, guards) => self.check_guards(guards, step, hosts, asking::Asked::Judge(*judge)).await,
            Body::Wait(wait) => self.check_guards(&wait.until, step, hosts, asking::Asked::Wait(wait.within)).await,
            Body::Watch => self.check_watch(step, hosts).await,
            Body::Gate(gate) => self.check_gate(gate, step, hosts).await,
            Body::Aside(aside) => self.check_aside(&**aside, step, hosts).await,
            Body::Use(_) | Body::Group(_) => Ok(()),
        }
    }

    /// What would stop a run at a step does not stop the walk.
    pub(super) async fn obstructed(&mut self, step: &Step, halt: Halt) -> Result<(), Halt> {
        let Halt::Stop(stop) = halt else { return Err(halt) };
        if stop.kind == Kind::Cancelled {
            return Err(stop.into());
        }
        if let Body::Pick(picks) = &step.body {
            for pick in picks {
                self.world.leave_open(&pick.name.value);
            }
        }
        let places: Vec<Option<&str>> = match stop.hosts.as_slice() {
            [] => vec![None],
            hosts => hosts.iter().map(|host| Some(host.as_str())).collect(),
        };
        for place in places {
            self.world.foresee(&step.id.value, place.unwrap_or_default());
            let forecast = match self.opened_later(step) {
                Some(step) => Forecast::UnknownUntil { step, reason: self.redactor().redact(stop.reason.clone()) },
                None => Forecast::Blocked { reason: self.redactor().redact(stop.reason.clone()) },
            };
            self.foresee(step, place.map(Spot::at).as_ref(), forecast).await?;
        }
        Ok(())
    }

    /// The step that picks whom another one is about, or what a part is given.
    pub(super) fn opened_later(&self, step: &Step) -> Option<String> {
        let given = match &step.body {
            Body::Use(uses) => uses.params.values().filter_map(|argument| argument.hosts.as_ref()).collect(),
            _ => Vec::new(),
        };
        step.hosts.iter().chain(given).find_map(|selector| self.world.waits_for(selector))
    }

    /// What becomes of what would act as a whole is not known; nor of what holds such steps.
    pub(super) fn foresee_outcome(&mut self, step: &Step, hosts: &[String]) {
        match step.body {
            Body::Action(_) => self.world.foresee(&step.id.value, ""),
            Body::Group(_) | Body::Use(_) => {
                self.world.foresee(&step.id.value, "");
                for host in hosts {
                    self.world.foresee(&step.id.value, host);
                }
            }
            _ => {}
        }
    }

    /// Writes down what is foreseen of a step at a spot, or as a whole.
    pub(super) async fn foresee(
        &self,
        step: &Step,
        spot: Option<&Spot>,
        forecast: Forecast,
    ) -> Result<(), JournalError> {
        self.foresee_sent(step, spot, forecast, None).await
    }

    /// The same, with what would be sent.
    async fn foresee_sent(
        &self,
        step: &Step,
        spot: Option<&Spot>,
        forecast: Forecast,
        sends: Option<Redacted>,
    ) -> Result<(), JournalError> {
        self.log.record(vec![self.foreseen(step, spot, forecast, sends)]).await.map(|_| ())
    }

    fn foreseen(&self, step: &Step, spot: Option<&Spot>, forecast: Forecast, sends: Option<Redacted>) -> EventKind {
        let unit = match spot {
            Some(spot) => self.unit_at(step, spot),
            None => Unit { about: None, on: None, ..self.unit(step, "") },
        };
        let until = self.check.as_ref().and_then(|known| known.perhaps(&step.path, unit.about.as_deref()));
        let perhaps = until.map(str::to_owned);
        let forecast = match (forecast, &perhaps) {
            // what is perhaps not wanted stops nobody yet
            (Forecast::Blocked { reason }, Some(until)) => Forecast::UnknownUntil {
                step: until.clone(),
                reason: self.redactor().redact(format!("as things are, it could not: {reason}")),
            },
            (forecast, _) => forecast,
        };
        EventKind::UnitForeseen { unit, forecast, perhaps, sends }
    }

    /// A host that cannot be reached, by what that means for the step.
    pub(super) fn foreseen_unreachable(&self, step: &Step, host: &str, why: &str) -> EventKind {
        use crate::runbook::Reach;
        let text = |words: &str| self.redactor().redact(format!("{words}{why}"));
        let forecast = match step.reach {
            Reach::Required => Forecast::Blocked { reason: text("") },
            Reach::BestEffort => Forecast::Skipped { reason: text("left out: ") },
            Reach::Later => Forecast::Skipped { reason: text("would be a duty until it can be reached: ") },
        };
        self.foreseen(step, Some(&Spot::at(host)), forecast, None)
    }

    /// From here on a host may be another one than it is now.
    fn would_change(&mut self, spot: &Spot, change: &Change) {
        let Some(known) = &mut self.check else { return };
        for host in [&spot.about, &spot.on] {
            let changes = known.changes.entry(host.clone()).or_default();
            if changes.last() != Some(change) {
                changes.push(change.clone());
            }
        }
    }

    /// The last step that would change what is observed on one of these hosts.
    fn decided_by<'a>(&self, hosts: impl IntoIterator<Item = &'a str>, observes: Observes) -> Option<String> {
        let known = self.check.as_ref()?;
        hosts.into_iter().filter_map(|host| known.decides(host, observes)).last().map(str::to_owned)
    }
}

/// A stop of a check, for what cannot even be asked.
fn stop(reason: impl Into<String>) -> Halt {
    Stop::new(Kind::Refused, reason).into()
}
