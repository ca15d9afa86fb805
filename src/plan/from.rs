//! Beginning in the middle: `run --from STEP`. What stands before the step is left out, but for the gates at which a
//! person agrees: these are asked wherever a run begins. It is refused where something that is carried out needs what is
//! left out. Pure.

use std::sync::Arc;

use indexmap::IndexSet;

use crate::base::nearest::nearest;
use crate::inventory::Selector;
use crate::runbook::{Body, Step, Wants};
use crate::template::RefBase;

use super::wordings::{Eyes, Wordings};
use super::{Plan, World};

/// Why a run cannot begin there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFrom {
    /// There is no such step.
    #[error("there is no step `{wanted}`{}", near.as_ref().map_or_else(String::new, |near| format!("; did you mean `{near}`?")))]
    NoStep {
        /// What was asked for.
        wanted: String,
        /// What is called almost so.
        near: Option<String>,
    },
    /// It is a piece of something that is carried out as a whole.
    #[error("`{wanted}` is a piece of `{whole}`, which {why}; begin at `{whole}`")]
    Piece {
        /// The step.
        wanted: String,
        /// What it is a piece of.
        whole: String,
        /// Why it is a whole.
        why: &'static str,
    },
    /// Something that is carried out needs what is left out.
    #[error("it cannot begin at `{wanted}`: {}", needs.join("; "))]
    Needs {
        /// The step.
        wanted: String,
        /// Who needs what.
        needs: Vec<String>,
    },
}

/// The paths of the steps that are left out when a run begins at this one, by its path or its id.
pub fn from(plan: &Arc<Plan>, wanted: &str) -> Result<IndexSet<String>, NotFrom> {
    let steps = &plan.runbook.steps;
    let Some(chain) = chain(steps, wanted) else { return Err(elsewhere(plan, wanted)) };
    let target = chain[chain.len() - 1];
    let around = &chain[..chain.len() - 1];
    if let Some(whole) = around.iter().find(|step| step.flow.rolling.is_some() || step.flow.for_each.is_some()) {
        let why = "goes over its hosts or items again and again";
        return Err(NotFrom::Piece { wanted: wanted.to_owned(), whole: whole.path.clone(), why });
    }
    let mut walk = Walk { target, before: true, left_out: Vec::new(), kept: Vec::new(), asking: Vec::new() };
    walk.steps(steps, around);
    let needs = walk.needs(plan);
    if needs.is_empty() {
        Ok(walk.left_out.iter().map(|step| step.path.clone()).collect())
    } else {
        Err(NotFrom::Needs { wanted: wanted.to_owned(), needs })
    }
}

/// The groups around a step, and the step itself.
fn chain<'a>(steps: &'a [Step], wanted: &str) -> Option<Vec<&'a Step>> {
    for step in steps {
        if step.path == wanted || step.id.value == wanted {
            return Some(vec![step]);
        }
        if let Body::Group(members) = &step.body
            && let Some(mut rest) = chain(members, wanted)
        {
            rest.insert(0, step);
            return Some(rest);
        }
    }
    None
}

/// A step that is none of the run's own, or none at all.
fn elsewhere(plan: &Plan, wanted: &str) -> NotFrom {
    let all = plan.runbook.all_steps();
    let Some(step) = all.iter().find(|step| step.path == wanted || step.id.value == wanted) else {
        let names = all.iter().flat_map(|step| [step.path.as_str(), step.id.value.as_str()]);
        let near = nearest(wanted, names).map(str::to_owned);
        return NotFrom::NoStep { wanted: wanted.to_owned(), near };
    };
    let holds = |whole: &&&Step| step.path.strip_prefix(&whole.path).is_some_and(|rest| rest.starts_with('/'));
    let part = all.iter().filter(holds).find(|whole| matches!(whole.body, Body::Use(_)));
    let (whole, why) = match (part, all.iter().rfind(holds)) {
        (Some(part), _) => (part.path.clone(), "is another runbook"),
        (None, group) => (group.map_or_else(String::new, |group| group.path.clone()), "does it in any case"),
    };
    NotFrom::Piece { wanted: wanted.to_owned(), whole, why }
}

struct Walk<'a> {
    target: &'a Step,
    /// Whether the target is still to come.
    before: bool,
    left_out: Vec<&'a Step>,
    kept: Vec<&'a Step>,
    /// Other runbooks before the target that ask a person.
    asking: Vec<&'a Step>,
}

impl<'a> Walk<'a> {
    fn steps(&mut self, steps: &'a [Step], around: &[&'a Step]) {
        for step in steps {
            self.before &= !std::ptr::eq(step, self.target);
            if self.before && !around.iter().any(|one| std::ptr::eq(*one, step)) && !asks(step) {
                self.left_out.push(step);
                continue;
            }
            if self.before && matches!(step.body, Body::Use(_)) {
                self.asking.push(step);
            }
            self.kept.push(step);
            // the steps of a part have names of their own, and what it is given stands in its own step
            if let Body::Group(members) = &step.body {
                self.steps(members, around);
            }
            self.steps(&step.flow.always, around);
        }
    }

    /// Who of those that are carried out needs what is left out.
    fn needs(&self, plan: &Arc<Plan>) -> Vec<String> {
        let mut gone = Vec::new();
        self.left_out.iter().for_each(|step| own(step, &mut gone));
        let step_called = |id: &str| gone.iter().any(|step| step.id.value == id);
        let chosen = |name: &str| {
            gone.iter().find(|step| match &step.body {
                Body::Pick(picks) => picks.iter().any(|pick| pick.name.value == name),
                _ => false,
            })
        };
        let world = World::offline(Arc::clone(plan));
        let nobody: Eyes = [None].into();
        let asks = |step: &&Step| format!("`{}` asks a person, and is another runbook as a whole", step.path);
        let mut needs: IndexSet<String> = self.asking.iter().map(asks).collect();
        let asked_again = self.kept.iter().flat_map(|step| &step.still).filter_map(|id| plan.runbook.step(&id.value));
        for step in self.kept.iter().copied().chain(asked_again) {
            let words = Wordings::of_step(step, step.flow.for_each.as_ref(), &world, &nobody);
            // what is left out is null, and some can do with that
            for read in words.reads().filter(|read| !read.allows_null) {
                let path = match &read.base {
                    RefBase::HostsOf(hosts) => hosts,
                    _ => &read.path,
                };
                let names = [&read.path, path];
                for names in names {
                    match names.as_slice() {
                        [root, id, ..] if (root == "outputs" || root == "outcomes") && step_called(id) => {
                            needs.insert(format!("`{}` needs `{}`", step.path, read.dotted()));
                        }
                        [root, name, ..] if root == "targets" && chosen(name).is_some() => {
                            needs.insert(format!("`{}` needs `{name}`, which is chosen before", step.path));
                        }
                        _ => {}
                    }
                }
            }
            let own = step.hosts.iter().chain(&step.flow.run_on);
            for name in words.selectors().chain(own).flat_map(Selector::names) {
                if let Some(by) = chosen(&name.value) {
                    needs.insert(format!("`{}` is about `{}`, chosen at `{}`", step.path, name.value, by.path));
                }
            }
            if let Some(since) = step.watch.as_ref().and_then(|watch| watch.since.as_ref())
                && step_called(&since.value)
            {
                needs.insert(format!("`{}` watches a log since `{}`", step.path, since.value));
            }
        }
        needs.into_iter().collect()
    }
}

/// Whether a person agrees somewhere in it.
fn asks(step: &Step) -> bool {
    let inside = match &step.body {
        Body::Gate(gate) => matches!(gate.wants, Wants::Consent(_)),
        Body::Group(members) => members.iter().any(asks),
        Body::Use(uses) => uses.steps().iter().any(asks),
        _ => false,
    };
    inside || step.flow.always.iter().any(asks)
}

/// A step with those of its group, that have the same names.
fn own<'a>(step: &'a Step, into: &mut Vec<&'a Step>) {
    into.push(step);
    if let Body::Group(members) = &step.body {
        for member in members {
            own(member, into);
        }
    }
    for member in &step.flow.always {
        own(member, into);
    }
}
