//! Waiting until guards hold: for `wait` steps, and for `done_when` after an action.

use std::time::Duration;

use tokio::time::Instant;

use crate::action::guard::{Guard, Judgement, Verdict};
use crate::event::EventKind;
use crate::runbook::{Step, Wait};

use super::cancel::Grade;
use super::guards::{against, failures};
use super::halt::{Halt, Kind, Stop};
use super::run::Run;

/// How often `done_when` is asked after an action.
const DONE_EVERY: Duration = Duration::from_millis(500);

/// How a wait ended.
enum Ended {
    Held(Vec<Judgement>),
    TimedOut(Vec<Judgement>),
    Cancelled,
}

impl Run {
    /// A `wait` step.
    pub(super) async fn wait(&mut self, wait: &Wait, step: &Step, hosts: &[String]) -> Result<(), Halt> {
        match self.until(&wait.until, step, hosts, wait.within, wait.every, wait.hold).await {
            Ended::Held(judgements) => {
                self.note_silent(&judgements);
                Ok(self.write_judgements(&step.path, &judgements).await?)
            }
            Ended::TimedOut(judgements) => {
                self.write_judgements(&step.path, &judgements).await?;
                let within = crate::action::seconds(wait.within);
                let why = failures(&judgements, self.clock.now())
                    .unwrap_or_else(|| format!("it held, and not for {}", crate::action::seconds(wait.hold)));
                Err(Stop::new(Kind::Failed, format!("not so within {within}: {why}")).on(against(&judgements)).into())
            }
            Ended::Cancelled => Err(Stop::new(Kind::Cancelled, "ended by a person while waiting").into()),
        }
    }

    /// Whether `done_when` holds now on a host.
    pub(super) async fn is_done(&self, step: &Step, host: &str) -> Result<Option<Vec<Judgement>>, Stop> {
        let judgements = self.judge(&step.done_when, step, &[host.to_owned()]).await?;
        Ok(judgements.iter().all(|j| j.verdict == Verdict::Holds).then_some(judgements))
    }

    /// After the action `done_when` is asked until the step's timeout, since the truth may lag.
    pub(super) async fn becomes_done(&self, step: &Step, hosts: &[String]) -> Result<(), Halt> {
        let timeout = step.surroundings.timeout();
        match self.until(&step.done_when, step, hosts, timeout, DONE_EVERY, Duration::ZERO).await {
            Ended::Held(judgements) => Ok(self.write_judgements(&step.path, &judgements).await?),
            Ended::TimedOut(judgements) => {
                self.write_judgements(&step.path, &judgements).await?;
                let why = failures(&judgements, self.clock.now()).unwrap_or_default();
                Err(Stop::new(Kind::Failed, format!("it was carried out and is not done: {why}"))
                    .on(against(&judgements))
                    .into())
            }
            Ended::Cancelled => Err(Stop::new(Kind::Cancelled, "ended by a person while waiting").into()),
        }
    }

    async fn until(
        &self,
        guards: &[Guard],
        step: &Step,
        hosts: &[String],
        within: Duration,
        every: Duration,
        hold: Duration,
    ) -> Ended {
        let deadline = Instant::now() + within;
        let mut since: Option<Instant> = None;
        let mut said = false;
        loop {
            let asked = Instant::now();
            let Ok(judgements) = self.judge(guards, step, hosts).await else { return Ended::Cancelled };
            if judgements.iter().all(|j| j.verdict == Verdict::Holds) {
                // it is known to hold from the moment of the answer, not of the question
                let held_since = *since.get_or_insert_with(Instant::now);
                if asked.saturating_duration_since(held_since) >= hold || hold.is_zero() {
                    return Ended::Held(judgements);
                }
            } else {
                since = None;
                if !std::mem::replace(&mut said, true) {
                    self.waits(step, within, &judgements).await;
                }
            }
            let next = match since {
                Some(held_since) => (asked + every).min(held_since + hold),
                None => asked + every,
            };
            // a question that is asked after the deadline proves nothing within it
            if next.max(Instant::now()) > deadline {
                return Ended::TimedOut(judgements);
            }
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = self.cancel.reached(Grade::NoNewWork) => return Ended::Cancelled,
            }
        }
    }

    /// Says what is waited for. A journal that cannot be written shows with the next event.
    async fn waits(&self, step: &Step, within: Duration, judgements: &[Judgement]) {
        let why = failures(judgements, self.clock.now()).unwrap_or_default();
        let text = self.redactor().redact(format!("waits at most {}: {why}", crate::action::seconds(within)));
        let _ = self.log.record(vec![EventKind::Noted { step: Some(step.path.clone()), by: None, text }]).await;
    }
}
