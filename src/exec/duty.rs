//! Duties: what is owed to a host that could not be reached (`reach: later`) is carried out when it is back, under the
//! run's own plan and unit keys, so that nothing of it happens twice; or a person closes it with a reason.

use std::sync::Arc;

use indexmap::IndexSet;

use crate::event::{Closed, Duty, EventKind, Verdict};
use crate::inventory::HostName;
use crate::journal::{JournalError, RunLog};
use crate::plan;
use crate::runbook::{Runbook, Step};
use crate::transport::Claims;

use super::cancel::Grade;
use super::halt::Halt;
use super::recall::recall;
use super::run::{Broken, Run, Setup};

/// What became of a duty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Served {
    /// It is done, and closed.
    Done,
    /// The host still cannot be reached: it stays open.
    Unreachable(String),
    /// It was begun and did not end well, or was refused: it stays open.
    Stopped(Verdict, String),
}

/// Carries duties out, one after the other: one that fails does not hold up another. `setup.log` is the run's, taken
/// over; `before` is how the run itself ended, if it did.
pub async fn serve_duties(
    setup: Setup,
    duties: &[Duty],
    before: Option<Closed>,
) -> Result<Vec<(Duty, Served)>, Broken> {
    let plan = Arc::clone(&setup.plan);
    let (log, by) = (setup.log.clone(), setup.facts.operator.clone());
    let mut world = recall(&plan, setup.facts.clone(), &log.state());
    let mut hosts: IndexSet<HostName> = duties.iter().map(|duty| duty.host.as_str().into()).collect();
    for duty in duties {
        let before = world.enter_part_of(&duty.step);
        hosts.extend(plan::asked_by(needed(world.book(), duty), &plan.inventory, &world.known_targets()));
        world.enter(&before);
    }
    let hosts: Vec<HostName> = hosts.into_iter().collect();
    let mut run = Run::connect(setup, world, &hosts).await.map_err(|error| Broken { error, changed: false })?;
    let cancel = run.cancel.clone();
    let result = tokio::select! {
        // first: who leaves stops nothing on the hosts any more
        biased;
        () = cancel.reached(Grade::Leave) => None,
        result = run.serve(duties, before, &by) => Some(result),
    };
    let result = if let Some(result) = result {
        result
    } else {
        run.links.clear();
        run.log.record(vec![EventKind::RunClosed(Box::new(run.left()))]).await.map(|_| run.unserved(duties))
    };
    let unresolved = log.with_state(|state| state.units().any(crate::event::UnitState::is_unresolved));
    let claims = if result.is_ok() && !unresolved { Claims::Remove } else { Claims::Keep };
    let result = match run.leave(claims).await {
        Ok(()) => result,
        Err(error) => Err(error),
    };
    result.map_err(|error| Broken { error, changed: run.changed })
}

/// Closes duties without carrying them out.
pub async fn close_duties(
    log: &RunLog,
    duties: &[Duty],
    by: &str,
    reason: &str,
    before: Option<Closed>,
) -> Result<(), JournalError> {
    let closed = duties.iter().map(|duty| EventKind::DutyClosed {
        step: duty.step.clone(),
        host: duty.host.clone(),
        by: by.to_owned(),
        reason: log.redactor().redact(reason),
        done: false,
    });
    let end = EventKind::RunClosed(Box::new(end(log, before, &[])));
    log.record(closed.chain([end]).collect()).await.map(|_| ())
}

/// The steps that a duty is about, and those that are asked again before them.
fn needed<'a>(runbook: &'a Runbook, duty: &Duty) -> Vec<&'a Step> {
    let all = runbook.own_steps();
    let owed: Vec<&Step> = all.into_iter().filter(|step| duty.covers(&step.path, &duty.host)).collect();
    let still = owed.iter().flat_map(|step| &step.still).filter_map(|id| runbook.step(&id.value));
    still.chain(owed.iter().copied()).collect()
}

impl Run {
    async fn serve(
        &mut self,
        duties: &[Duty],
        before: Option<Closed>,
        by: &str,
    ) -> Result<Vec<(Duty, Served)>, JournalError> {
        let mut all = Vec::new();
        for duty in duties {
            let served = match self.links.get(&duty.host) {
                _ if self.cancel.ends().await => {
                    Served::Stopped(Verdict::Cancelled, "ended by a person before it began".to_owned())
                }
                Some(Ok(_)) => self.serve_one(duty, by).await?,
                Some(Err(error)) => Served::Unreachable(error.to_string()),
                None => Served::Unreachable("was not connected to".to_owned()),
            };
            all.push((duty.clone(), served));
        }
        let end = end(&self.log, before, &all);
        self.log.record(vec![EventKind::RunClosed(Box::new(end))]).await?;
        Ok(all)
    }

    /// What became of duties that this process left.
    fn unserved(&self, duties: &[Duty]) -> Vec<(Duty, Served)> {
        let done = |duty: &&Duty| self.log.with_state(|state| !state.open_duties().any(|open| open == *duty));
        let left = || Served::Stopped(Verdict::Detached, "this process left".to_owned());
        duties.iter().map(|duty| (duty.clone(), if done(&duty) { Served::Done } else { left() })).collect()
    }

    async fn serve_one(&mut self, duty: &Duty, by: &str) -> Result<Served, JournalError> {
        let plan = Arc::clone(&self.plan);
        let Some(step) = plan.runbook.all_steps().into_iter().find(|step| step.path == duty.step) else {
            return Ok(Served::Stopped(Verdict::Refused, format!("the plan of the run has no step `{}`", duty.step)));
        };
        self.only = Some(duty.host.clone());
        let changed = std::mem::take(&mut self.changed);
        let part = self.world.enter_part_of(&step.path);
        let result = self.step(step).await;
        self.world.enter(&part);
        let changed_now = std::mem::replace(&mut self.changed, changed);
        self.changed |= changed_now;
        self.only = None;
        match result {
            Ok(()) => {
                let closed = EventKind::DutyClosed {
                    step: duty.step.clone(),
                    host: duty.host.clone(),
                    by: by.to_owned(),
                    reason: self.redactor().redact("carried out"),
                    done: true,
                };
                self.log.record(vec![closed]).await?;
                Ok(Served::Done)
            }
            Err((path, Halt::Stop(stop))) => {
                let verdict = stop.verdict(changed_now, self.no_return.contains(&duty.host));
                Ok(Served::Stopped(verdict, format!("{path}: {}", stop.reason)))
            }
            Err((_, Halt::Journal(error))) => Err(error),
        }
    }
}

/// How the run stands after its duties were looked at: as it ended before, unless something about a duty is unknown.
fn end(log: &RunLog, before: Option<Closed>, served: &[(Duty, Served)]) -> Closed {
    let mut end = before.unwrap_or_else(|| Closed {
        verdict: Verdict::Detached,
        reason: log.redactor().redact("the run was cut off before its end; since then only duties were looked at"),
        step: None,
        next: Vec::new(),
        outputs: log.redactor().redact_json(serde_json::json!({})),
    });
    let doubt = served.iter().find_map(|(duty, served)| match served {
        Served::Stopped(Verdict::NeedsAttention, why) => Some((duty, why)),
        Served::Done | Served::Unreachable(_) | Served::Stopped(..) => None,
    });
    if let Some((duty, why)) = doubt {
        end.verdict = Verdict::NeedsAttention;
        end.step = Some(duty.step.clone());
        end.reason = log.redactor().redact(format!("the duty {}: {why}", duty.name()));
    }
    end
}
