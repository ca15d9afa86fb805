//! What the steps of a plan need to find on hosts, as far as their texts say so before anything runs. Where it is picked
//! later whom a step is about, everybody counts who may be picked.

use std::collections::HashSet;
use std::sync::Arc;

use crate::action::Effect;
use crate::inventory::{HostName, Selector};
use crate::runbook::{Body, Step, Use};
use crate::transport::LogSource;

use super::words::{cwd, user};
use super::{Plan, World, log_of};

/// What a step needs on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The step's path.
    pub step: String,
    /// The host on which it is needed.
    pub on: String,
    /// As which user; none: the login user.
    pub user: Option<String>,
    /// What it is.
    pub what: Needed,
}

/// What can be needed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Needed {
    /// To be that user.
    User,
    /// A place for claims and output: it may change the host.
    Spool,
    /// That no other run has locked the host.
    Unlocked,
    /// The folder in which the step works.
    Folder(String),
    /// A program in PATH, or by its path.
    Program(String),
    /// A log that can be read.
    Log(LogSource),
}

/// Everything that is needed, in the order of the steps.
#[must_use]
pub fn needs(plan: &Arc<Plan>) -> Vec<Need> {
    let mut world = World::offline(Arc::clone(plan));
    let mut all = Vec::new();
    walk(&plan.runbook.steps, &mut world, &mut all);
    all.extend(unlocked(&all));
    all
}

/// A host is locked by the login user, at the first step that may change it.
fn unlocked(all: &[Need]) -> Vec<Need> {
    let mut locked = HashSet::new();
    let first = all.iter().filter(|need| need.what == Needed::Spool && locked.insert(need.on.as_str()));
    first.map(|need| Need { user: None, what: Needed::Unlocked, ..need.clone() }).collect()
}

fn walk(steps: &[Step], world: &mut World, all: &mut Vec<Need>) {
    for step in steps {
        match &step.body {
            Body::Pick(picks) => {
                for pick in picks {
                    let from = resolve(&pick.from, world);
                    world.pick(&pick.name.value, from.into_iter().map(HostName::from).collect());
                }
            }
            Body::Use(uses) => part(step, uses, world, all),
            Body::Group(members) => walk(members, world, all),
            _ => one(step, world, all),
        }
        walk(&step.flow.always, world, all);
    }
}

fn part(step: &Step, uses: &Use, world: &mut World, all: &mut Vec<Need>) {
    let hosts = uses.hosts.and(step.hosts.as_ref()).map(|hosts| resolve(hosts, world));
    // what cannot be worked out yet is unknown in it
    let _ = world.begin(&step.path, hosts);
    let before = world.enter(&step.path);
    walk(uses.steps(), world, all);
    world.enter(&before);
    let _ = world.end(&step.path, &step.id.value);
}

fn resolve(selector: &Selector, world: &World) -> Vec<String> {
    world.resolve(selector).unwrap_or_default()
}

fn one(step: &Step, world: &World, all: &mut Vec<Need>) {
    let about = step.hosts.as_ref().map(|hosts| resolve(hosts, world)).unwrap_or_default();
    let elsewhere = step.flow.run_on.as_ref().map(|selector| resolve(selector, world));
    for host in &about {
        let (user, cwd) = (user(step, host, world), cwd(step, host, world));
        for on in elsewhere.as_deref().unwrap_or(std::slice::from_ref(host)) {
            let mut need = |what| all.push(Need { step: step.path.clone(), on: on.clone(), user: user.clone(), what });
            need(Needed::User);
            cwd.iter().cloned().map(Needed::Folder).for_each(&mut need);
            if let Body::Action(action) = &step.body {
                if action.effect() != Effect::Reads {
                    need(Needed::Spool);
                }
                // with another PATH it is not known what is found
                let programs = if step.surroundings.env.contains_key("PATH") { Vec::new() } else { action.programs() };
                programs.into_iter().map(Needed::Program).for_each(need);
            }
        }
    }
    let Some(watch) = &step.watch else { return };
    for host in watch.hosts.as_ref().map_or(about, |hosts| resolve(hosts, world)) {
        if let Ok((_, log)) = log_of(watch, &host, world) {
            let user = user(step, &host, world);
            all.push(Need { step: step.path.clone(), on: host, user, what: Needed::Log(log) });
        }
    }
}
