//! What a plan would do, resolved offline: every step, host and rendered command, with marked holes where a value is not
//! known before a step has run.

use std::sync::Arc;

use crate::action::aside::Aside;
use crate::action::{Cx, Login};
use crate::inventory::Selector;
use crate::runbook::{Body, Step, Sudo};
use crate::template::{EvalError, EvalErrorKind};

use super::{Plan, View, World};

/// One step of a preview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewStep {
    /// The step's path.
    pub path: String,
    /// What to call it.
    pub title: String,
    /// What it does, by its key.
    pub action: &'static str,
    /// How deep it is in groups.
    pub depth: usize,
    /// Why it is there.
    pub why: Option<String>,
    /// Whom it is about, in words, when that is not known yet.
    pub later: Option<String>,
    /// Per host, or once without a host.
    pub hosts: Vec<PreviewHost>,
}

/// What a step would do on one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewHost {
    /// The host.
    pub host: Option<String>,
    /// The user, when it is not the login.
    pub user: Option<String>,
    /// What would be done, in one line.
    pub what: String,
}

/// The steps of a plan, in order.
#[must_use]
pub fn preview(plan: &Arc<Plan>) -> Vec<PreviewStep> {
    let mut world = World::offline(Arc::clone(plan));
    let mut steps = Vec::new();
    walk(&plan.runbook.steps, 0, &mut world, &mut steps);
    steps
}

fn walk(steps: &[Step], depth: usize, world: &mut World, into: &mut Vec<PreviewStep>) {
    for step in steps {
        into.push(one(step, depth, world));
        if let Body::Aside(aside) = &step.body {
            foresee(&**aside, step, world);
        }
        if let Body::Group(members) = &step.body {
            walk(members, depth + 1, world, into);
        }
    }
}

/// What an aside sets is known now where all that it is made of is, so that the plan shows it in later steps. A skipped
/// step sets nothing, and whether it is skipped is not known.
fn foresee(aside: &dyn Aside, step: &Step, world: &mut World) {
    let hosts = step.hosts.as_ref().map(|hosts| world.resolve(hosts));
    let (true, Ok(hosts)) = (step.when.is_empty(), hosts.unwrap_or(Ok(Vec::new()))) else { return };
    let places: Vec<Option<&str>> = match hosts.as_slice() {
        [] => vec![None],
        hosts => hosts.iter().map(|host| Some(host.as_str())).collect(),
    };
    let said = places.iter().map(|place| aside.render(&View::new(world, *place, None)));
    let Ok(said) = said.collect::<Result<Vec<_>, _>>() else { return };
    world.open(&step.id.value, &hosts);
    for (place, said) in places.iter().zip(said) {
        for (name, value) in said.outputs {
            world.output(&step.id.value, place.unwrap_or_default(), &name, value);
        }
    }
}

fn one(step: &Step, depth: usize, world: &World) -> PreviewStep {
    let (hosts, later) = match &step.hosts {
        None => (Vec::new(), None),
        Some(selector) => match world.resolve(selector) {
            Ok(hosts) => (hosts, None),
            Err(_) => (Vec::new(), Some(picked_later(selector, world))),
        },
    };
    let rows = match (&step.body, hosts.is_empty()) {
        (Body::Group(_), _) => Vec::new(),
        (_, true) => vec![PreviewHost { host: None, user: None, what: what(step, None, world) }],
        (_, false) => hosts
            .iter()
            .map(|host| PreviewHost {
                host: Some(host.clone()),
                user: user(step, host, world),
                what: what(step, Some(host), world),
            })
            .collect(),
    };
    PreviewStep {
        path: step.path.clone(),
        title: step.heading().to_owned(),
        action: step.body.key(),
        depth,
        why: step.why.clone(),
        later,
        hosts: rows,
    }
}

fn picked_later(selector: &Selector, world: &World) -> String {
    let names: Vec<String> = selector.names().into_iter().map(|name| name.value).collect();
    let step = names.iter().find_map(|name| match world.target(name) {
        Some(Err(step)) => Some(step),
        _ => None,
    });
    match step {
        Some(step) => format!("{} (picked at `{step}`)", names.join(", ")),
        None => names.join(", "),
    }
}

fn user(step: &Step, host: &str, world: &World) -> Option<String> {
    match &step.surroundings.sudo {
        Some(Sudo::User(user)) => user.render(&View::new(world, Some(host), None)).ok().map(|rendered| rendered.text),
        Some(Sudo::No) | None => None,
    }
}

fn what(step: &Step, host: Option<&str>, world: &World) -> String {
    let view = View::new(world, host, None);
    let later = host.is_none() && step.hosts.is_some();
    match &step.body {
        Body::Action(action) => {
            let template = |name: &str| world.plan().templates.get(name).cloned();
            let files = |name: &str| world.plan().files.get(name).cloned();
            let login = Login::default();
            let cx = Cx {
                scope: &view,
                login: &login,
                timeout: step.surroundings.timeout(),
                run: &world.run().id,
                template: &template,
                files: &files,
            };
            action.prepare(&cx).map_or_else(|error| hole(&error, later), |ready| ready.summary())
        }
        Body::Aside(aside) => aside.render(&view).map_or_else(|error| hole(&error, later), |said| said.summary),
        Body::Gather(probes) => format!("reads {}", probes.keys().cloned().collect::<Vec<_>>().join(", ")),
        Body::Pick(picks) => {
            let names: Vec<&str> = picks.iter().map(|pick| pick.name.value.as_str()).collect();
            format!("chooses {}", names.join(", "))
        }
        Body::Judge(_, guards) => format!("{} guard{}", guards.len(), if guards.len() == 1 { "" } else { "s" }),
        Body::Wait(wait) => {
            format!("until {} guard(s) hold, within {}", wait.until.len(), crate::action::seconds(wait.within))
        }
        Body::Watch => {
            let watch = step.watch.as_ref();
            let log = watch.map_or("", |watch| &watch.log.source().value);
            format!("watches {log}, within {}", watch.map_or_else(String::new, |w| crate::action::seconds(w.within)))
        }
        Body::Confirm(confirm) => match &confirm.r#type {
            Some(text) => match text.render(&view) {
                Ok(rendered) => format!("a person types `{}`", rendered.text),
                Err(error) => format!("a person types: {error}"),
            },
            None => "a person agrees".to_owned(),
        },
        Body::Group(_) => String::new(),
    }
}

/// Why something cannot be shown yet.
fn hole(error: &EvalError, later: bool) -> String {
    match &*error.kind {
        EvalErrorKind::NotKnownYet { step } => format!("unknown until `{step}`"),
        _ if later => "for each host, when they are known".to_owned(),
        _ => format!("cannot be rendered: {error}"),
    }
}
