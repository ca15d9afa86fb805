//! How far a runbook reaches: whose hosts it may change, and what of that cannot be taken back. One function for whoever
//! reads about a runbook and for whoever is asked to agree to a run of it.

use indexmap::IndexSet;
use serde::Serialize;

use crate::action::Effect;
use crate::inventory::Selector;
use crate::runbook::{Body, OnFailure, Pattern, Step, Undo};

use super::World;
use super::cast::{Cast, Live};

/// How far it reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Blast {
    /// The hosts that it may change.
    pub changes: Reach,
    /// The hosts that it only looks at.
    pub looks_at: Reach,
    /// The steps that change a host and cannot be undone.
    pub for_good: Vec<String>,
    /// Lines of logs from which on nothing is undone, with the step that watches for each.
    pub no_return: Vec<(String, String)>,
}

/// Hosts, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reach {
    /// By name.
    pub hosts: IndexSet<String>,
    /// In words, those that are given or chosen later.
    pub later: IndexSet<String>,
}

impl Reach {
    fn add(&mut self, selector: &Selector, cast: &dyn Cast<'_>) {
        match cast.hosts(selector) {
            Some(hosts) => self.hosts.extend(hosts),
            None => drop(self.later.insert(cast.later(selector))),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.later.is_empty()
    }

    /// "2 hosts (a, b) and those of survivors".
    #[must_use]
    pub fn words(&self) -> String {
        let known: Vec<&str> = self.hosts.iter().map(String::as_str).collect();
        let later: Vec<&str> = self.later.iter().map(String::as_str).collect();
        let known = match known.as_slice() {
            [] => None,
            [one] => Some(format!("1 host: {one}")),
            many => Some(format!("{} hosts: {}", many.len(), many.join(", "))),
        };
        let later = (!later.is_empty()).then(|| format!("the hosts of {}", later.join(", of ")));
        known.into_iter().chain(later).collect::<Vec<_>>().join("; ")
    }
}

impl Blast {
    /// In sentences.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        if self.changes.is_empty() {
            return vec!["Changes nothing on any host.".to_owned()];
        }
        let mut words = vec![format!("May change {}.", self.changes.words())];
        if !self.for_good.is_empty() {
            words.push(format!("Cannot be undone: {}.", self.for_good.join(", ")));
        }
        words.extend(
            self.no_return
                .iter()
                .map(|(step, line)| format!("Nothing is undone any more once a log has said \"{line}\" ({step}).")),
        );
        words
    }
}

/// How far the steps of a runbook reach.
pub fn blast<'a>(steps: &'a [Step], cast: &mut dyn Cast<'a>) -> Blast {
    let mut walk = Walk { blast: Blast::default(), from: None };
    walk.steps(steps, cast);
    walk.done()
}

impl World {
    /// How far the steps reach that come after one of them; in a loop, all that go round with it.
    #[must_use]
    pub fn blast_after(&self, path: &str) -> Blast {
        let runbook = &self.plan().runbook;
        let inside = |step: &&Step| path.strip_prefix(&step.path).is_some_and(|rest| rest.starts_with('/'));
        let loops = |step: &&Step| step.flow.rolling.is_some() || step.flow.for_each.is_some();
        let from = runbook.all_steps().into_iter().filter(inside).find(loops).map_or(path, |step| &step.path);
        let mut walk = Walk { blast: Blast::default(), from: Some(from.to_owned()) };
        walk.steps(&runbook.steps, &mut Live::new(self));
        walk.done()
    }
}

struct Walk {
    blast: Blast,
    /// The step before which nothing counts.
    from: Option<String>,
}

impl Walk {
    fn done(mut self) -> Blast {
        let changed = &self.blast.changes;
        self.blast.looks_at.hosts.retain(|host| !changed.hosts.contains(host));
        self.blast.looks_at.later.retain(|host| !changed.later.contains(host));
        self.blast
    }

    fn steps<'a>(&mut self, steps: &'a [Step], cast: &mut dyn Cast<'a>) {
        for step in steps {
            if self.from.as_ref() == Some(&step.path) {
                self.from = None;
            }
            if self.from.is_none() {
                self.step(step, cast);
            }
            match &step.body {
                Body::Group(members) => self.steps(members, cast),
                Body::Use(uses) => {
                    cast.enter(step, uses);
                    self.steps(uses.steps(), cast);
                    cast.leave();
                }
                _ => {}
            }
            self.steps(&step.flow.always, cast);
        }
    }

    fn step(&mut self, step: &Step, cast: &dyn Cast<'_>) {
        let changes = may_change(step);
        if let Some(on) = step.flow.run_on.as_ref().or(step.hosts.as_ref())
            && !matches!(step.body, Body::Group(_) | Body::Use(_))
        {
            if changes { &mut self.blast.changes } else { &mut self.blast.looks_at }.add(on, cast);
        }
        if changes && !can_be_undone(step) {
            self.blast.for_good.push(step.path.clone());
        }
        let entries = step.watch.iter().flat_map(|watch| watch.expect.iter().chain(&watch.never));
        for entry in entries.filter(|entry| entry.no_return) {
            let line = match &entry.pattern {
                Pattern::Line(text) => &text.source().value,
                Pattern::Matches(text) => &text.source().value,
            };
            self.blast.no_return.push((step.path.clone(), line.clone()));
        }
    }
}

/// Whether a step may change a host.
pub(super) fn may_change(step: &Step) -> bool {
    matches!(&step.body, Body::Action(action) if action.effect() != Effect::Reads)
}

/// Whether what a step changed can be undone, when something asks for that.
pub(super) fn can_be_undone(step: &Step) -> bool {
    match (&step.undo, &step.body) {
        (Undo::List(_), _) => true,
        (Undo::Auto, Body::Action(action)) => action.undoes_itself(),
        _ => false,
    }
}

/// Whether a failure is answered with an undo, by itself or when a person wants it.
pub(super) fn asks_for_undo(on_failure: OnFailure) -> bool {
    matches!(on_failure, OnFailure::Undo | OnFailure::Ask)
}
