//! What the journal says of a unit before it is started: nothing, in a run that was never interrupted.

use crate::action::Effect;
use crate::action::fleet::Spot;
use crate::event::{Outcome, RunState, Unit};

use super::run::Run;
use crate::runbook::Step;

/// What to do about a unit, by what became of its attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is started, as this attempt.
    Start(u32),
    /// It was started, and nobody wrote down what became of it: the host is asked under the same key.
    Ask(u32),
    /// It is done.
    Done(&'static str),
    /// This attempt failed before this process took the run over, and nobody said that it is to be tried again.
    Failed(u32),
    /// It may have run: the host may know by now, or a second time is harmless, or a person decides.
    Doubt(u32),
}

/// Decides by the last attempt. `first` is the unit in its first.
pub(super) fn turn(state: &RunState, first: &Unit, effect: Effect) -> Turn {
    let attempts = (1..).map(|attempt| Unit { attempt, ..first.clone() });
    let known = attempts.map_while(|unit| Some((unit.attempt, state.unit(&unit.key())?)));
    let Some((attempt, unit)) = known.last() else { return Turn::Start(1) };
    match unit.end.as_ref().map(|end| &end.outcome) {
        None => Turn::Ask(attempt),
        Some(_) if state.is_undone(&unit.start.unit) => Turn::Start(attempt + 1),
        Some(good @ (Outcome::Ok | Outcome::Changed | Outcome::Skipped { .. })) => match effect {
            Effect::Reads => Turn::Start(attempt + 1),
            Effect::Idempotent | Effect::Once => Turn::Done(good.name()),
        },
        Some(
            Outcome::Failed { .. } | Outcome::TimedOut { .. } | Outcome::Unreachable { .. } | Outcome::Cancelled { .. },
        ) => Turn::Start(attempt + 1),
        Some(Outcome::Unknown { .. }) => match effect {
            Effect::Reads => Turn::Start(attempt + 1),
            Effect::Idempotent | Effect::Once => Turn::Doubt(attempt),
        },
    }
}

impl Run {
    /// Whose turn a step is at a spot. From here on the unit of both is this attempt.
    pub(super) fn turn(&mut self, step: &Step, spot: &Spot, effect: Effect) -> Turn {
        let first = Unit { attempt: 1, ..self.unit_at(step, spot) };
        let turn = self.log.with_state(|state| turn(state, &first, effect));
        let turn = match turn {
            Turn::Start(now) if now > 1 && effect != Effect::Reads => self.as_before(&first, now - 1).unwrap_or(turn),
            Turn::Done(_) if self.in_vain.remove(&first) => {
                let last =
                    self.log.with_state(|state| state.last_attempt(&first).map_or(0, |unit| unit.start.unit.attempt));
                Turn::Start(last + 1)
            }
            other => other,
        };
        if let Turn::Start(attempt) | Turn::Ask(attempt) = turn {
            self.attempts.insert(first, attempt);
        }
        turn
    }

    /// From here on the unit of both is this attempt.
    pub(super) fn attempt(&mut self, step: &Step, spot: &Spot, attempt: u32) {
        let first = Unit { attempt: 1, ..self.unit_at(step, spot) };
        self.attempts.insert(first, attempt);
    }
}

impl Run {
    /// What became of the last attempt, where it ended before this process and nothing is done anew without a word.
    fn as_before(&self, first: &Unit, attempt: u32) -> Option<Turn> {
        let memory = self.memory.as_ref().filter(|memory| !memory.again.retry_failed)?;
        let unit = memory.state.unit(&Unit { attempt, ..first.clone() }.key())?;
        let outcome = &unit.end.as_ref()?.outcome;
        match outcome {
            // put back since: that stays so
            good if good.is_good() => Some(Turn::Done(good.name())),
            // it never began
            Outcome::Unreachable { .. } => None,
            _ if self.tried_again.contains(&unit.start.key) => None,
            _ => Some(Turn::Failed(attempt)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::base::ids::RunId;
    use crate::base::secret::Redactor;
    use crate::event::Phase;
    use crate::exec::history::{History, unit};

    use super::*;

    fn after(outcomes: &[Option<Outcome>], effect: Effect) -> Turn {
        let mut history = History::opened();
        history.step("fence", Phase::Apply, &["a"]);
        for (n, outcome) in (1..).zip(outcomes) {
            let unit = Unit { attempt: n, ..unit("fence", "a", Phase::Apply) };
            history.start(&unit);
            if let Some(outcome) = outcome {
                history.end(&unit, outcome.clone());
            }
        }
        assert_eq!(unit("fence", "a", Phase::Apply).run, RunId::parse("r1").expect("an id"));
        turn(history.state(), &unit("fence", "a", Phase::Apply), effect)
    }

    #[test]
    fn nothing_runs_a_second_time_that_may_have_run_unless_that_is_harmless() {
        let why = || Redactor::default().redact("why");
        let failed = || Some(Outcome::Failed { reason: why() });
        let unknown = || Some(Outcome::Unknown { reason: why() });
        let rows = [
            (vec![], Effect::Once, Turn::Start(1)),
            (vec![None], Effect::Once, Turn::Ask(1)),
            (vec![Some(Outcome::Changed)], Effect::Once, Turn::Done("changed")),
            (vec![Some(Outcome::Ok)], Effect::Idempotent, Turn::Done("ok")),
            (vec![Some(Outcome::Ok)], Effect::Reads, Turn::Start(2)),
            (vec![failed()], Effect::Once, Turn::Start(2)),
            (vec![failed(), None], Effect::Once, Turn::Ask(2)),
            (vec![failed(), failed()], Effect::Once, Turn::Start(3)),
            (vec![unknown()], Effect::Idempotent, Turn::Doubt(1)),
            (vec![unknown()], Effect::Once, Turn::Doubt(1)),
        ];
        for (outcomes, effect, expected) in rows {
            assert_eq!(after(&outcomes, effect), expected, "{outcomes:?} {effect:?}");
        }
    }
}
