//! What hosts know of work that a process before this one began, before anything is decided without them.

use indexmap::IndexSet;

use crate::action::fleet::Spot;
use crate::action::{Action, Effect};
use crate::base::ids::UnitKey;
use crate::event::{Phase, RunState, Unit, UnitState};
use crate::plan::Plan;
use crate::runbook::{Body, Step};
use crate::transport::{LinkError, Record};

use super::fleet::Surface;
use super::halt::{Halt, Kind, Stop};
use super::run::Run;

impl Run {
    /// What was begun before this process on hosts that cannot be asked now, and whose end nobody wrote down: nothing
    /// goes on without it.
    pub(super) fn out_of_sight(&self) -> Option<(String, Stop)> {
        let state = &self.memory.as_ref()?.state;
        let in_hand = |unit: &&UnitState| {
            let of = &unit.start.unit;
            unit.is_unresolved() && state.step(&of.step, of.phase).is_some_and(|step| !step.stage.is_closed())
        };
        let cut = state.units().filter(in_hand);
        let missing: Vec<(&UnitState, &LinkError)> = cut
            .filter_map(|unit| {
                let of = &unit.start.unit;
                Some((unit, self.links.get(of.on.as_deref().unwrap_or(of.host()))?.as_ref().err()?))
            })
            .collect();
        let (first, error) = missing.first()?;
        let run = self.log.run();
        let list = |words: fn(&Unit) -> String| {
            let all: IndexSet<String> = missing.iter().map(|(unit, _)| words(&unit.start.unit)).collect();
            all.into_iter().collect::<Vec<_>>().join(", ")
        };
        let units = list(|unit| format!("`{}` on {}", unit.step, unit.host()));
        let hosts = list(|unit| unit.on.clone().unwrap_or_else(|| unit.host().to_owned()));
        let why = format!("nobody knows what became of {units}, and it cannot be asked now: {error}");
        let first = &first.start.unit;
        let mark = format!("--mark {}@{}", first.step, first.host());
        let stop = Stop::new(Kind::Unknown, why)
            .next(format!("when {hosts} can be reached: refloat resume {run}"))
            .next(format!(
                "when that will never be, say what you know of each: refloat resume {run} {mark}=ok (or =failed)"
            ));
        let stop = stop.on(missing.iter().map(|(unit, _)| unit.start.unit.host().to_owned()));
        Some((first.step.clone(), stop))
    }

    /// Of what a process before this one began: on which boot of its host. Where that was another one, the host may have
    /// lost its record of it with the power, and must not start it a second time. What may be done twice may be.
    pub(super) fn boots(&self, action: &dyn Action, step: &Step, spots: &[Spot]) -> Vec<Option<String>> {
        let boot = |spot| self.log.with_state(|state| state.unit(&self.unit_at(step, spot).key())?.boot.clone());
        spots.iter().map(|spot| boot(spot).filter(|_| action.effect() == Effect::Once)).collect()
    }

    /// What the host knows by now of a unit of which nobody knew; none: it cannot be asked.
    pub(super) async fn record_of(&self, step: &Step, spot: &Spot, attempt: u32) -> Option<Record> {
        let unit = Unit { attempt, ..self.unit_at(step, spot) };
        let login = (Surface { run: self, step }).surroundings(spot).ok()?;
        let link = self.links.get(&spot.on)?.as_ref().ok()?;
        let begun_on = self.log.with_state(|state| state.unit(&unit.key())?.boot.clone());
        match link.fence(&unit.key(), login.user.as_deref()).await.ok()? {
            // the record may have gone with the power
            Record::Never if begun_on.is_some_and(|boot| boot != link.facts().boot_id) => Some(Record::Lost),
            record => Some(record),
        }
    }

    /// Where the host still knows better, nothing is begun. Where it never began, it never will.
    pub(super) async fn heed_the_hosts(&self, step: &Step, fresh: &[Spot]) -> Result<(), Halt> {
        for spot in fresh {
            let now = self.unit_at(step, spot);
            let former = Unit { attempt: now.attempt.saturating_sub(1), ..now };
            let key = former.key();
            let marked = |state: &RunState| state.unit(&key)?.end.as_ref()?.marked_by.clone();
            let (Some(by), Some(Ok(link))) = (self.log.with_state(marked), self.links.get(&spot.on)) else { continue };
            let Ok(login) = (Surface { run: self, step }).surroundings(spot) else { continue };
            let (path, run) = (&step.path, self.log.run());
            let (seen, next) = match link.fence(&key, login.user.as_deref()).await {
                Ok(Record::Running) => (
                    "still runs",
                    format!("when it has ended there, or was ended: refloat resume {run} --retry-failed"),
                ),
                Ok(Record::Ended { exit: 0 }) => {
                    ("has ended well", format!("go on without it: refloat resume {run} --skip {path}"))
                }
                // its record is gone, or the host cannot be asked: a person's word is all there is
                Ok(Record::Never | Record::Ended { .. } | Record::Lost) | Err(_) => continue,
            };
            let attempt = former.attempt;
            let why =
                format!("{spot}: {by} says that attempt {attempt} had no effect, and the host says that it {seen}");
            let stop =
                Stop::new(Kind::Unknown, why).next(format!("look on {} what `{path}` has done", spot.on)).next(next);
            return Err(stop.on([spot.about.clone()]).into());
        }
        Ok(())
    }

    /// Why it was not put back by a process before this one. That stays so until somebody wants it anew: a person may
    /// have done it by hand since.
    pub(super) fn failed_to_undo(&self, step: &Step, spot: &Spot) -> Option<String> {
        let memory = self.memory.as_ref().filter(|memory| !memory.again.retry_failed)?;
        let inside =
            |path: &str| path.strip_prefix(&*step.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let of = |unit: &&UnitState| {
            let of = &unit.start.unit;
            of.phase == Phase::Undo && inside(&of.step) && of.item == self.world.index() && of.host() == spot.about
        };
        let end = memory.state.units().filter(of).last()?.end.as_ref()?;
        (!end.outcome.is_good()).then(|| {
            let why = end.outcome.reason().map_or_else(|| end.outcome.name().to_owned(), |why| why.as_str().to_owned());
            format!("{}: it could not be put back before, and is not tried again by itself: {why}", step.path)
        })
    }

    /// Whether this was done already since, by a process before this one.
    pub(super) fn is_put_back(&self, step: &Step, spot: &Spot, since: &[UnitKey]) -> bool {
        let first = Unit { attempt: 1, ..self.unit_at(step, spot) };
        self.log.with_state(|state| state.is_done_since(&first, since))
    }
}

/// Whether a step that changes hosts may have done so.
pub(super) fn changed_before(plan: &Plan, state: &RunState) -> bool {
    let steps = plan.runbook.all_steps().into_iter();
    let mut acting = steps.filter(|step| match &step.body {
        Body::Action(action) => action.effect() != Effect::Reads,
        _ => false,
    });
    let changed = |step: &Step| {
        let known = state.step(&step.path, Phase::Apply);
        let mut units = known.into_iter().flat_map(|known| &known.units).filter_map(|key| state.unit(key));
        units.any(UnitState::may_have_had_an_effect)
    };
    acting.any(changed)
}
