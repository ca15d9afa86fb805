//! What a process that takes a run over knows of the one before it, by the journal.
//!
//! There is one walk through the steps. A run that goes on walks them from the first again, and where an opening of a
//! step was closed well before (the same path, in the same pass of the loops around it, for the same hosts), the walk
//! only brings back what it found: its outputs, picks, outcomes, who left. Loops, groups and parts are gone through by
//! the same code in both cases, so there is nothing that could differ. A step that was not closed well is opened again,
//! and each of its units goes by [`super::turn`].
//!
//! Not in the journal, and so not known again: secrets and the outputs of sensitive steps. Whoever reads one is told so,
//! and nothing is rendered with a hole in it.

use indexmap::IndexSet;

use crate::base::secret::{MASK, Redacted};
use crate::event::{Answer, Opening, Phase, RunState, StepOutcome, Unit, UnitState};
use crate::plan::Items;
use crate::runbook::Step;
use crate::template::Value;

use super::halt::{Halt, Kind, Stop};
use super::run::Run;

/// How a run goes on.
#[derive(Clone, Debug, Default)]
pub struct Again {
    /// What failed is begun anew; else it stays failed.
    pub retry_failed: bool,
    /// Steps, by path, that a person wants to be skipped.
    pub skip: IndexSet<String>,
    /// Why, for the report.
    pub skipped: String,
}

/// The run as the process before left it.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) state: RunState,
    pub(super) again: Again,
}

impl Memory {
    /// The opening of a step that was left, however it ended.
    pub(super) fn opening(&self, step: &str, pass: &[u32], hosts: &[String]) -> Option<&Opening> {
        self.state.step(step, Phase::Apply)?.opening(pass, hosts)
    }

    /// How it ended, if it ended well and nothing of it is to be done anew.
    fn ended_well(&self, step: &str, pass: &[u32], hosts: &[String]) -> Option<StepOutcome> {
        let outcome = self.opening(step, pass, hosts)?.outcome.as_ref().filter(|outcome| outcome.is_good())?;
        (!self.again.retry_failed || !self.is_undone(step)).then(|| outcome.clone())
    }

    /// Whether something that a step, or one inside of it, did was put back.
    fn is_undone(&self, step: &str) -> bool {
        let inside = |path: &str| path.strip_prefix(step).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let undone = self.state.units().filter(|unit| unit.start.unit.phase == Phase::Undo);
        let undone: Vec<&UnitState> = undone.filter(|unit| inside(&unit.start.unit.step)).collect();
        undone.into_iter().any(|undo| {
            let first = Unit { phase: Phase::Apply, attempt: 1, entry: None, ..undo.start.unit.clone() };
            self.state.last_attempt(&first).is_some_and(|unit| self.state.is_undone(&unit.start.unit))
        })
    }

    /// Who left a step in this pass, and why.
    fn left(&self, step: &str, pass: &[u32]) -> Vec<(String, Redacted)> {
        let left = self.state.left().iter().filter(|left| left.step == step && left.pass == pass);
        left.map(|left| (left.host.clone(), left.reason.clone())).collect()
    }

    /// What a person decided after a step had failed, unless it is begun anew.
    pub(super) fn decided(&self, step: &str, message: &Redacted) -> Option<&str> {
        let mut asked = self.state.questions().iter().rev().filter(|asked| asked.step == step);
        let asked = asked.find(|asked| asked.message == *message).filter(|_| !self.again.retry_failed)?;
        let (_, answer, text) = asked.answer.as_ref()?;
        (*answer == Answer::Accepted).then(|| text.as_str())
    }

    pub(super) fn is_open(&self, step: &str) -> bool {
        self.state.step(step, Phase::Apply).is_some_and(|step| !step.stage.is_closed())
    }
}

impl Run {
    /// How a step that is about to be opened ended before this process, if that is to stand.
    pub(super) fn remembered(&self, step: &Step, hosts: &[String]) -> Option<StepOutcome> {
        // a duty is carried out because its step was closed without it
        let memory = self.memory.as_ref().filter(|_| self.only.is_none())?;
        if self.is_skipped(step) {
            return None;
        }
        memory.ended_well(&step.path, &self.passes, hosts)
    }

    /// Whether a person wants this step to be skipped.
    pub(super) fn is_skipped(&self, step: &Step) -> bool {
        self.memory.as_ref().is_some_and(|memory| memory.again.skip.contains(&step.path))
    }

    /// Why a step is left out, when it is: a person wants it, or the run began behind it.
    pub(super) fn left_out(&self, step: &Step) -> Option<String> {
        if self.is_skipped(step) {
            return Some(self.skipped_by());
        }
        let from = self.log.with_state(|state| state.header().from.clone());
        from.filter(|_| self.left_out_before.contains(&step.path)).map(|from| format!("the run began at `{from}`"))
    }

    /// In words, why a step is skipped.
    pub(super) fn skipped_by(&self) -> String {
        self.memory.as_ref().map_or_else(String::new, |memory| memory.again.skipped.clone())
    }

    /// The items of a step, as they were fixed when it was opened.
    pub(super) fn listed_before(&self, step: &Step, hosts: &[String]) -> Option<Vec<Items>> {
        let opening = self.memory.as_ref()?.opening(&step.path, &self.passes, hosts)?;
        let list = opening.list.as_ref()?.as_value();
        if list.to_string().contains(MASK) {
            return None;
        }
        let items = (0..).zip(list.as_array()?).map(|(index, of)| {
            let of = of.as_object()?.iter().map(|(host, item)| (host.clone(), Value::from_json(item)));
            Some(Items { index, of: of.collect() })
        });
        items.collect()
    }

    /// The units of a step for hosts and the item that is done now, each in its last attempt.
    pub(super) fn units_before<'a>(&self, state: &'a RunState, step: &Step, hosts: &[String]) -> Vec<&'a UnitState> {
        let Some(known) = state.step(&step.path, Phase::Apply) else { return Vec::new() };
        let item = self.world.index();
        let meant = |unit: &&UnitState| {
            let of = &unit.start.unit;
            of.item == item && of.about.as_ref().is_none_or(|about| hosts.contains(about))
        };
        let again = |unit: &&UnitState| {
            let next = Unit { attempt: unit.start.unit.attempt + 1, ..unit.start.unit.clone() };
            state.unit(&next.key()).is_none()
        };
        known.units.iter().filter_map(|key| state.unit(key)).filter(meant).filter(again).collect()
    }

    /// Who left a step in this pass before this process; they do so again, and nothing is written down.
    pub(super) fn left_before(&self, step: &Step) -> Vec<Stop> {
        let Some(memory) = self.memory.as_ref().filter(|_| self.only.is_none()) else { return Vec::new() };
        let left = memory.left(&step.path, &self.passes).into_iter();
        left.map(|(host, why)| Stop::new(Kind::Failed, why.as_str()).on([host])).collect()
    }

    /// Whether something of a batch was begun before this process: in a batch of these hosts, or by its pass.
    pub(super) fn begun_before(&self, step: &Step, batch: &[String], pass: u32) -> bool {
        let Some(memory) = &self.memory else { return false };
        let around = [&self.passes[..], &[pass]].concat();
        let inside = |path: &str| path.strip_prefix(step.path.as_str()).is_some_and(|rest| rest.starts_with('/'));
        let opened = memory.state.steps().filter(|known| inside(&known.step));
        let mut opened = opened.flat_map(|known| &known.openings);
        opened.any(|opening| opening.pass.starts_with(&around))
            || !self.units_before(&memory.state, step, batch).is_empty() && !batch.is_empty()
    }

    /// What a person answered to a question of this step in this pass, which went on; of each item of a `for_each` it is
    /// asked anew.
    pub(super) fn answered_before(&self, step: &Step, message: &Redacted) -> Option<String> {
        let memory = self.memory.as_ref().filter(|_| step.flow.for_each.is_none())?;
        let openings = &memory.state.step(&step.path, Phase::Apply)?.openings;
        let here =
            openings.iter().filter(|opening| self.passes.starts_with(&opening.pass) && opening.outcome.is_none());
        let answers: Vec<&(Redacted, String, Redacted)> = here.flat_map(|opening| &opening.answers).collect();
        answers.into_iter().rev().find(|(asked, ..)| asked == message).map(|(_, _, text)| text.as_str().to_owned())
    }

    /// The targets that were picked in the opening of a step before this process, which was interrupted.
    pub(super) fn picked_before(&self, step: &Step, name: &str) -> Option<Vec<String>> {
        let memory = self.memory.as_ref()?;
        let openings = &memory.state.step(&step.path, Phase::Apply)?.openings;
        let opening = openings.iter().rev().find(|opening| self.passes.starts_with(&opening.pass))?;
        // one that failed is looked at anew
        let open = opening.outcome.is_none() && step.flow.for_each.is_none();
        let name = self.world.qualified(name);
        opening.picked.iter().filter(|_| open).find(|(of, _)| *of == name).map(|(_, hosts)| hosts.clone())
    }

    /// Whether the runbook made this note before this process, in this step and pass.
    pub(super) fn noted_before(&self, step: &Step, text: &Redacted) -> bool {
        let known = self.memory.as_ref().and_then(|memory| memory.state.step(&step.path, Phase::Apply));
        let mut openings = known.into_iter().flat_map(|known| &known.openings);
        openings.any(|opening| self.passes.starts_with(&opening.pass) && opening.notes.contains(text))
    }

    /// Another attempt is made: of what failed before this process, and where the step was carried out and did not come
    /// to what it is for.
    pub(super) fn forgive(&mut self, step: &Step, stop: &Stop) -> Result<(), Halt> {
        let spots = self.spots(step, &stop.hosts)?;
        self.in_vain = spots.iter().map(|spot| Unit { attempt: 1, ..self.unit_at(step, spot) }).collect();
        let known = self.memory.as_ref().and_then(|memory| memory.state.step(&step.path, Phase::Apply));
        self.tried_again.extend(known.into_iter().flat_map(|known| known.units.iter().copied()));
        Ok(())
    }
}
