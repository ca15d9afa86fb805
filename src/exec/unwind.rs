//! What is put back after a failure, and in which order. Pure.
//!
//! Newest first. A host's part of a step is put back when it may have had an effect and was not put back since; what was
//! skipped, was so already or never started stays as it is.

use std::collections::HashMap;

use indexmap::{IndexMap, IndexSet};

use crate::action::fleet::Spot;
use crate::base::ids::UnitKey;
use crate::event::{Phase, RunState, UnitState};
use crate::runbook::{Body, Step};

/// A step to be put back, for one item or without.
#[derive(Debug)]
pub(super) struct Back<'a> {
    pub(super) step: &'a Step,
    pub(super) item: Option<u32>,
    /// Where: the attempts that count there, the oldest first.
    pub(super) spots: IndexMap<Spot, Vec<UnitKey>>,
    /// The place of the newest of them among all units of the run.
    newest: usize,
}

impl Back<'_> {
    /// The hosts that it is about.
    pub(super) fn hosts(&self) -> IndexSet<&str> {
        self.spots.keys().map(|spot| spot.about.as_str()).collect()
    }
}

/// What is to be put back of these steps, on all hosts or only on some.
pub(super) fn unwind<'a>(state: &RunState, steps: &[&'a Step], only: Option<&[String]>) -> Vec<Back<'a>> {
    going_back(state, steps, only, false)
}

/// What was put back of them.
pub(super) fn undone<'a>(state: &RunState, steps: &[&'a Step], only: Option<&[String]>) -> Vec<Back<'a>> {
    going_back(state, steps, only, true)
}

fn going_back<'a>(state: &RunState, steps: &[&'a Step], only: Option<&[String]>, undone: bool) -> Vec<Back<'a>> {
    let order: HashMap<UnitKey, usize> = state.units().enumerate().map(|(n, unit)| (unit.start.key, n)).collect();
    let mut all: Vec<Back<'a>> = Vec::new();
    for step in leaves(steps) {
        all.extend(backs(state, step, only, &order, undone));
    }
    all.sort_by_key(|back| std::cmp::Reverse(back.newest));
    all
}

/// The steps, and the hosts, each once.
pub(super) fn named(backs: &[&Back<'_>]) -> (String, String) {
    let steps: IndexSet<&str> = backs.iter().map(|back| back.step.id.value.as_str()).collect();
    let mut hosts: Vec<&str> = backs.iter().flat_map(|back| back.hosts()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    (steps.into_iter().collect::<Vec<_>>().join(", "), hosts.join(", "))
}

/// The hosts of these steps that are past a point of no return.
pub(super) fn past(state: &RunState, steps: &[&Step]) -> Vec<String> {
    let leaves = leaves(steps);
    let of = |path: &String| leaves.iter().any(|step| step.path == *path);
    let mut hosts: Vec<String> = Vec::new();
    for (_, host) in state.no_return().iter().filter(|(step, _)| of(step)) {
        if !hosts.contains(host) {
            hosts.push(host.clone());
        }
    }
    hosts
}

fn backs<'a>(
    state: &RunState,
    step: &'a Step,
    only: Option<&[String]>,
    order: &HashMap<UnitKey, usize>,
    undone: bool,
) -> Vec<Back<'a>> {
    let Some(began) = state.step(&step.path, Phase::Apply) else { return Vec::new() };
    let mut places: IndexMap<(Option<u32>, Spot), Vec<&UnitState>> = IndexMap::new();
    for unit in began.units.iter().filter_map(|key| state.unit(key)) {
        let of = &unit.start.unit;
        if only.is_none_or(|only| only.iter().any(|one| one == of.host())) && state.is_undone(of) == undone {
            let on = of.on.as_deref().unwrap_or(of.host()).to_owned();
            places.entry((of.item, Spot { about: of.host().to_owned(), on })).or_default().push(unit);
        }
    }
    places.retain(|_, units| units.iter().any(|unit| unit.may_have_had_an_effect()));
    let mut items: IndexMap<Option<u32>, Back<'a>> = IndexMap::new();
    for ((item, spot), units) in places {
        let back = items.entry(item).or_insert_with(|| Back { step, item, spots: IndexMap::new(), newest: 0 });
        let keys: Vec<UnitKey> = units.into_iter().map(|unit| unit.start.key).collect();
        back.newest = keys.iter().filter_map(|key| order.get(key).copied()).fold(back.newest, usize::max);
        back.spots.insert(spot, keys);
    }
    items.into_values().collect()
}

/// The steps that act, in order.
fn leaves<'a>(steps: &[&'a Step]) -> Vec<&'a Step> {
    let mut found = Vec::new();
    for &step in steps {
        match &step.body {
            Body::Group(members) => found.extend(leaves(&members.iter().collect::<Vec<_>>())),
            Body::Use(uses) => found.extend(leaves(&uses.steps().iter().collect::<Vec<_>>())),
            Body::Action(_) => found.push(step),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::base::diag::Diagnostics;
    use crate::base::secret::Redactor;
    use crate::base::span::Sources;
    use crate::event::{EventKind, Outcome, Unit};
    use crate::exec::history::{History, unit};
    use crate::runbook::{self, Runbook};

    use super::*;

    const RUNBOOK: &str = "
runbook: test/undo
risk: destructive
steps:
  - id: before
    hosts: a
    service: { name: x, state: stopped }
  - id: recover
    on_failure: undo
    steps:
      - { id: stop, hosts: all, service: { name: x, state: stopped } }
      - { id: look, hosts: all, gather: { x: { read: /x } } }
      - { id: write, hosts: all, file: { path: /x, content: x } }
      - { id: start, hosts: all, service: { name: x, state: started } }
";

    fn runbook() -> Runbook {
        let (mut sources, diags) = (Sources::default(), Diagnostics::new());
        let source = sources.add("x.yaml", RUNBOOK);
        runbook::parse(source, &sources, &diags).expect("a runbook")
    }

    fn why() -> crate::base::secret::Redacted {
        Redactor::default().redact("why")
    }

    /// A step in a phase, and what became of it on hosts.
    type Row<'a> = (&'a str, Phase, &'a [(&'a str, Outcome)]);

    /// Steps with what became of them on hosts, in order.
    fn history(rows: &[Row<'_>]) -> History {
        let mut history = History::opened();
        for (step, phase, hosts) in rows {
            history.step(step, *phase, &hosts.iter().map(|(host, _)| *host).collect::<Vec<_>>());
            for (host, outcome) in *hosts {
                let mut unit = unit(step, host, *phase);
                while history.state().unit(&unit.key()).is_some() {
                    unit = Unit { attempt: unit.attempt + 1, ..unit };
                }
                history.start(&unit);
                history.end(&unit, outcome.clone());
            }
            history.close(step, *phase, crate::event::StepOutcome::Changed);
        }
        history
    }

    /// What is put back, as `step host host`.
    fn undone(history: &History, only: Option<&[&str]>) -> Vec<String> {
        let runbook = runbook();
        let only = only.map(|only| only.iter().map(|&host| host.to_owned()).collect::<Vec<_>>());
        let group = runbook.step("recover").expect("there");
        let backs = unwind(history.state(), &[group], only.as_deref());
        let words = |back: &Back<'_>| {
            let hosts: Vec<&str> = back.hosts().into_iter().collect();
            format!("{} {}", back.step.id.value, hosts.join(" "))
        };
        backs.iter().map(words).collect()
    }

    #[test]
    fn newest_first_and_only_what_may_have_had_an_effect() {
        let failed = Outcome::Failed { reason: why() };
        let unknown = Outcome::Unknown { reason: why() };
        let away = Outcome::Unreachable { reason: why() };
        let timed_out = Outcome::TimedOut { after_ms: 1, reason: why() };
        let history = history(&[
            ("before", Phase::Apply, &[("a", Outcome::Changed)]),
            ("recover/stop", Phase::Apply, &[("a", Outcome::Changed), ("b", Outcome::Changed), ("c", Outcome::Ok)]),
            ("recover/look", Phase::Apply, &[("a", failed.clone())]),
            ("recover/write", Phase::Apply, &[("a", Outcome::Changed), ("b", away), ("c", timed_out)]),
            ("recover/start", Phase::Apply, &[("a", failed), ("b", unknown)]),
        ]);
        assert_eq!(undone(&history, None), ["start a b", "write a c", "stop a b"]);
        assert_eq!(undone(&history, Some(&["b"])), ["start b", "stop b"]);
        assert_eq!(undone(&history, Some(&[])), Vec::<String>::new());
    }

    #[test]
    fn what_was_put_back_is_not_put_back_again_unless_it_was_done_again() {
        let mut rows: Vec<Row<'_>> = vec![
            ("recover/stop", Phase::Apply, &[("a", Outcome::Changed), ("b", Outcome::Changed)]),
            ("recover/stop", Phase::Undo, &[("a", Outcome::Changed)]),
        ];
        assert_eq!(undone(&history(&rows), None), ["stop b"]);
        let failed = [("b", Outcome::Failed { reason: why() })];
        rows.push(("recover/stop", Phase::Undo, &failed));
        assert_eq!(undone(&history(&rows), None), ["stop b"], "a failed undo has to be done");
        rows.push(("recover/stop", Phase::Apply, &[("a", Outcome::Changed)]));
        let history = history(&rows);
        assert_eq!(undone(&history, None), ["stop b a"]);
        let runbook = runbook();
        let backs = unwind(history.state(), &[runbook.step("recover").expect("there")], None);
        let second = Unit { attempt: 2, ..unit("recover/stop", "a", Phase::Apply) };
        assert_eq!(backs[0].spots[&Spot::at("a")], [second.key()], "only what was done since");
    }

    #[test]
    fn a_point_of_no_return_counts_for_the_group_in_which_it_is() {
        let mut history = history(&[("recover/start", Phase::Apply, &[("a", Outcome::Changed)])]);
        let runbook = runbook();
        let (group, other) = (runbook.step("recover").expect("there"), runbook.step("before").expect("there"));
        assert_eq!(past(history.state(), &[group]), Vec::<String>::new());
        for (host, no_return) in [("a", true), ("b", false), ("a", true)] {
            history.push(EventKind::LogMatched {
                step: "recover/start".to_owned(),
                host: host.to_owned(),
                log: why(),
                entry: why(),
                line: why(),
                offset: None,
                no_return,
            });
        }
        assert_eq!(past(history.state(), &[group]), ["a"]);
        assert_eq!(past(history.state(), &[other]), Vec::<String>::new());
    }
}
