//! A step at all of its spots, by the journal: where it is to be done, where the host is asked what became of it, where it
//! is done, and where only a person can tell.

use futures_util::future::join_all;

use crate::action::fleet::Spot;
use crate::action::{Effect, Logs, Ready};
use crate::base::BoxFuture;
use crate::event::{EventKind, Outcome, Unit};
use crate::runbook::{LogName, Step};
use crate::transport::{Ask, Record, Started};

use super::act::{Part, worse};
use super::fleet::Surface;
use super::halt::{Halt, Kind, Stop};
use super::run::Run;
use super::turn::Turn;

/// Whether a key of a run is claimed.
const CLAIMED: &str = "for d in \"$HOME/.refloat\" \"/var/tmp/.refloat-$(id -u)\"; do if [ -e \"$d/$1/$2\" ]; then exit 0; fi; done; exit 1";

/// What the journal says of the spots of a step.
#[derive(Default)]
pub(super) struct Turns {
    /// It has not begun there.
    pub(super) fresh: Vec<Spot>,
    /// It was started and nobody knows what became of it: the host is asked.
    pub(super) asked: Vec<Spot>,
    /// Whether it is done somewhere and has changed something.
    pub(super) changed: bool,
    /// It failed somewhere before.
    pub(super) failed: Option<Stop>,
}

impl Run {
    /// Where the step is to be done now, and what became of it where it is done.
    pub(super) async fn turns(&mut self, step: &Step, spots: Vec<Spot>, effect: Effect) -> Result<Turns, Halt> {
        let mut turns = Turns::default();
        for spot in spots {
            match self.turn(step, &spot, effect) {
                Turn::Start(_) => turns.fresh.push(spot),
                Turn::Ask(_) => turns.asked.push(spot),
                Turn::Done(outcome) => {
                    turns.changed |= outcome == "changed";
                    let first = Unit { attempt: 1, ..self.unit_at(step, &spot) };
                    if let Some(unit) = self.log.with_state(|state| state.last_attempt(&first).cloned()) {
                        self.recall_unit(step, &unit)?;
                    }
                }
                Turn::Failed(attempt) => {
                    let unit = Unit { attempt, ..self.unit_at(step, &spot) };
                    let Some(unit) = self.log.with_state(|state| state.unit(&unit.key()).cloned()) else { continue };
                    let Some(outcome) = unit.end.as_ref().map(|end| &end.outcome) else { continue };
                    self.world.outcome(&step.id.value, &spot.about, "failed");
                    let mut stop = self.failed_before(step, &unit, outcome);
                    let run = self.log.run();
                    stop.next = vec![format!(
                        "it is not begun anew by itself; to try it again: refloat resume {run} --retry-failed; to go on without it: refloat resume {run} --skip {}",
                        step.path
                    )];
                    turns.failed = Some(match turns.failed.take() {
                        None => stop,
                        Some(first) => Stop {
                            tried: first.tried.max(stop.tried),
                            ..worse(first, Stop { next: Vec::new(), ..stop })
                        },
                    });
                }
                Turn::Doubt(attempt) => match self.record_of(step, &spot, attempt).await {
                    Some(Record::Running | Record::Ended { .. }) => {
                        self.attempt(step, &spot, attempt);
                        turns.asked.push(spot);
                    }
                    Some(Record::Never) => {
                        self.attempt(step, &spot, attempt + 1);
                        turns.fresh.push(spot);
                    }
                    Some(Record::Lost) | None if effect == Effect::Idempotent => {
                        self.attempt(step, &spot, attempt + 1);
                        turns.fresh.push(spot);
                    }
                    Some(Record::Lost) | None => {
                        if !self.is_seen_done(step, &spot, attempt).await? {
                            return Err(self.doubt(step, &spot, attempt).into());
                        }
                    }
                },
            }
        }
        Ok(turns)
    }

    /// Whether `done_when` says that a unit of which nobody knows was carried out; then that is written down.
    async fn is_seen_done(&mut self, step: &Step, spot: &Spot, attempt: u32) -> Result<bool, Halt> {
        if step.done_when.is_empty() {
            return Ok(false);
        }
        let Some(judgements) = self.is_done(step, &spot.about).await? else { return Ok(false) };
        self.write_judgements(&step.path, &judgements).await?;
        let key = Unit { attempt, ..self.unit_at(step, spot) }.key();
        let by = "its `done_when`".to_owned();
        self.log.record(vec![EventKind::UnitMarked { key, outcome: Outcome::Changed, by }]).await?;
        self.changed = true;
        self.world.outcome(&step.id.value, &spot.about, "changed");
        Ok(true)
    }

    /// Whether `done_when` says of what was lost sight of just now that it was carried out. The truth may lag.
    pub(super) async fn turns_out_done(&mut self, step: &Step, spot: &Spot) -> Result<bool, Halt> {
        if step.done_when.is_empty() {
            return Ok(false);
        }
        let attempt = self.unit_at(step, spot).attempt;
        match self.becomes_done(step, std::slice::from_ref(&spot.about)).await {
            Ok(()) => self.is_seen_done(step, spot, attempt).await,
            Err(Halt::Stop(stop)) if stop.kind == Kind::Failed => Ok(false),
            Err(halt) => Err(halt),
        }
    }

    /// It may have run, and only a person can tell.
    fn doubt(&self, step: &Step, spot: &Spot, attempt: u32) -> Stop {
        let why = format!("{spot}: attempt {attempt} may have run, and a second time is a second effect");
        let seen = if step.done_when.is_empty() { "" } else { ", and its `done_when` does not hold now" };
        let stop = Stop::new(Kind::Unknown, format!("{why}{seen}"));
        Stop { next: self.ways_on(step, spot, Effect::Once), ..stop }.on([spot.about.clone()])
    }

    /// What to do about a unit of which nobody knows.
    pub(super) fn ways_on(&self, step: &Step, spot: &Spot, effect: Effect) -> Vec<String> {
        let (path, run) = (&step.path, self.log.run());
        if effect != Effect::Once {
            return vec![format!("a second time changes nothing more: refloat resume {run}")];
        }
        let unit = if spot.is_elsewhere() {
            format!("{path}@{}:{}", spot.about, spot.on)
        } else {
            format!("{path}@{}", spot.about)
        };
        vec![
            format!("look on {} whether `{path}` had its effect", spot.on),
            format!("if it had: refloat resume {run} --mark {unit}=ok"),
            format!("if not, and nothing of it runs: refloat resume {run} --mark {unit}=failed --retry-failed"),
        ]
    }

    /// Where hosts have claimed what was started: then it has begun there, whatever guards see now.
    pub(super) async fn claimed(&self, step: &Step, spots: &[Spot]) -> Vec<bool> {
        let asked = spots.iter().map(|spot| async move {
            let Ok(login) = (Surface { run: self, step }).surroundings(spot) else { return false };
            let Some(Ok(link)) = self.links.get(&spot.on) else { return false };
            let words = vec![self.log.run().to_string(), self.unit_at(step, spot).key().to_string()];
            let ask = Ask { script: CLAIMED.to_owned(), argv: Some(words), user: login.user, ..Ask::default() };
            link.ask(&ask).await.is_ok_and(|answer| answer.exit == 0)
        });
        join_all(asked).await
    }

    /// Copies that a process before this one had made ready went with it. Where nothing has begun behind them, the unit
    /// ends as one that never began, and another attempt makes its own.
    pub(super) async fn stage_anew(
        &mut self,
        step: &Step,
        spots: &[Spot],
        ready: &[Box<dyn Ready>],
        begun: &[bool],
    ) -> Result<(), Halt> {
        for ((spot, ready), begun) in spots.iter().zip(ready).zip(begun) {
            let key = self.unit_at(step, spot).key();
            let open = self.log.with_state(|state| state.unit(&key).is_some_and(|unit| unit.end.is_none()));
            if *begun || !ready.two_phase() || !open {
                continue;
            }
            let reason = self.redactor().redact("what was made ready went with the process that did it");
            let nothing = self.redactor().redact_json(serde_json::json!({}));
            self.log.end(key, Outcome::Unreachable { reason }, nothing, 0).await?;
            self.turn(step, spot, Effect::Idempotent);
        }
        Ok(())
    }

    /// The logs of a part with their ends written down before anybody reads on from there: whatever happens to this
    /// process, they are known when the part has ended.
    pub(super) fn noting<'a>(&'a self, part: &Part<'_>, logs: Logs) -> (Logs, BoxFuture<'a, ()>) {
        let Logs { sources, noted: Some(reader) } = logs else { return (logs, Box::pin(std::future::ready(()))) };
        let (noted, told) = tokio::sync::oneshot::channel::<Started>();
        let key = *part.hands.key();
        let noting = async move {
            let Ok(started) = told.await else { return };
            let redactor = self.redactor();
            let taken = started.cursors.iter().map(|cursor| EventKind::CursorTaken {
                key,
                log: redactor.redact(LogName::written(&cursor.source)),
                cursor: redactor.redact_json(serde_json::to_value(cursor).unwrap_or_default()),
            });
            // a journal that cannot be written shows with the part's end; nobody reads on from what is not written
            if self.log.record(taken.collect()).await.is_ok() {
                let _ = reader.send(started);
            }
        };
        (Logs { sources, noted: Some(noted) }, Box::pin(noting))
    }
}
