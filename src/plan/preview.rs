//! What a plan would do, resolved offline: every step, host and rendered command, with marked holes where a value is not
//! known before a step has run.

use std::sync::Arc;

use crate::action::aside::Aside;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::secret::Redactor;
use crate::base::span::Span;
use crate::runbook::{Body, Step, Use};

use super::logs::{log_of, watch_spec};
use super::words::{hole, picked_later, user, what};
use super::{Items, Plan, View, World};

/// One step of a preview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewStep {
    /// The step's path.
    pub path: String,
    /// Its id in the runbook.
    pub at: Span,
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
    /// How it goes over its hosts, in words.
    pub how: Vec<String>,
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
    /// Nothing of it can be done, whatever happens before: `what` says why.
    pub broken: bool,
}

/// The steps of a plan, in order.
#[must_use]
pub fn preview(plan: &Arc<Plan>) -> Vec<PreviewStep> {
    let mut world = World::offline(Arc::clone(plan));
    let mut steps = Vec::new();
    walk(&plan.runbook.steps, 0, false, &[None], &mut world, &mut steps);
    let redactor = Redactor::default();
    plan.teach(&redactor);
    let clean = |text: &mut String| *text = redactor.redact(std::mem::take(text)).to_string();
    for step in &mut steps {
        clean(&mut step.title);
        step.why.iter_mut().for_each(clean);
        for host in &mut step.hosts {
            clean(&mut host.what);
            host.user.iter_mut().for_each(clean);
        }
    }
    steps
}

/// Records the steps that can never be carried out, so that nothing begins.
pub fn refuse(steps: &[PreviewStep], diags: &Diagnostics) {
    for step in steps {
        let broken: Vec<&PreviewHost> = step.hosts.iter().filter(|host| host.broken).collect();
        let Some(first) = broken.first() else { continue };
        let hosts: Vec<&str> = broken.iter().filter_map(|host| host.host.as_deref()).collect();
        let on = if hosts.is_empty() { String::new() } else { format!(" on {}", hosts.join(", ")) };
        diags.push(Diagnostic::error("not-renderable", step.at, format!("`{}`{on} {}", step.path, first.what)));
    }
}

/// `perhaps`: whether these steps are carried out is not known yet. `each`: the items of a group around them.
fn walk(
    steps: &[Step],
    depth: usize,
    perhaps: bool,
    each: &[Option<Items>],
    world: &mut World,
    into: &mut Vec<PreviewStep>,
) {
    for step in steps {
        let perhaps = perhaps || !step.when.is_empty() || !step.done_when.is_empty();
        let (mut shown, own) = one(step, depth, each, world);
        let each = own.as_deref().unwrap_or(each);
        shown.hosts.iter_mut().for_each(|host| host.broken &= !perhaps);
        into.push(shown);
        if let Body::Aside(aside) = &step.body {
            foresee(&**aside, step, world);
        }
        if let Body::Use(uses) = &step.body {
            part(step, uses, depth, perhaps, each, world, into);
        }
        if let Body::Group(members) = &step.body {
            walk(members, depth + 1, perhaps, each, world, into);
        }
        walk(&step.flow.always, depth + 1, perhaps, each, world, into);
    }
}

/// The steps of a part, in its own names. What is not known yet when it begins is not known in it.
fn part(
    step: &Step,
    uses: &Use,
    depth: usize,
    perhaps: bool,
    each: &[Option<Items>],
    world: &mut World,
    into: &mut Vec<PreviewStep>,
) {
    let hosts = uses.hosts.and(step.hosts.as_ref()).and_then(|hosts| world.resolve(hosts).ok());
    if let Err(why) = world.begin(&step.path, hosts)
        && let Some(shown) = into.last_mut()
    {
        let what = format!("cannot be begun: {why}");
        shown.hosts = vec![PreviewHost { host: None, user: None, what, broken: !perhaps }];
    }
    let before = world.enter(&step.path);
    walk(uses.steps(), depth + 1, perhaps, each, world, into);
    world.enter(&before);
    // what is not known yet is unknown in it, and what cannot be worked out is told by the run
    let _ = world.end(&step.path, &step.id.value);
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

/// A step, and the items that it goes over itself.
fn one(
    step: &Step,
    depth: usize,
    each: &[Option<Items>],
    world: &mut World,
) -> (PreviewStep, Option<Vec<Option<Items>>>) {
    let (hosts, later) = match &step.hosts {
        None => (Vec::new(), None),
        Some(selector) => match world.resolve(selector) {
            Ok(hosts) => (hosts, None),
            Err(_) => (Vec::new(), Some(picked_later(selector, world))),
        },
    };
    let (own, wrong) = match Items::of(step, &hosts, world) {
        Ok(items) => (items.map(|items| items.into_iter().map(Some).collect::<Vec<_>>()), None),
        Err(wrong) => (Some(Vec::new()), Some(wrong)),
    };
    let mut rows = Vec::new();
    if let Some(wrong) = wrong {
        rows.push(PreviewHost { host: wrong.host.clone(), user: None, what: wrong.to_string(), broken: true });
    }
    for items in own.as_deref().unwrap_or(each) {
        if matches!(step.body, Body::Group(_)) {
            break;
        }
        world.each(items.clone());
        let about = |host: &&String| items.as_ref().is_none_or(|items| items.of.contains_key(*host));
        if hosts.is_empty() || matches!(step.body, Body::Use(_)) {
            rows.push(row(step, None, world));
            continue;
        }
        rows.extend(hosts.iter().filter(about).map(|host| row(step, Some(host), world)));
    }
    if !rows.is_empty() {
        rows.extend(unwatchable(step, &hosts, world));
    }
    world.each(None);
    let shown = PreviewStep {
        path: step.path.clone(),
        at: step.id.span,
        title: step.heading().to_owned(),
        action: step.body.key(),
        depth,
        why: step.why.clone(),
        later,
        how: super::how::how(step, hosts.len(), &|run_on| match world.resolve(run_on) {
            Ok(hosts) => hosts.join(", "),
            Err(_) => picked_later(run_on, world),
        }),
        hosts: rows,
    };
    (shown, own)
}

/// Why the logs of a watch can never be read, or what is watched for is nothing that can be.
fn unwatchable(step: &Step, about: &[String], world: &World) -> Option<PreviewHost> {
    let watch = step.watch.as_ref()?;
    let hosts = watch.hosts.as_ref().map_or_else(|| Ok(about.to_vec()), |selector| world.resolve(selector)).ok()?;
    if hosts.is_empty() {
        return None;
    }
    let log = |host: &String| log_of(watch, host, world).err().map(|error| (Some(host.clone()), error));
    let spec = || watch_spec(watch, &hosts, world).err().map(|error| (None, error));
    let (host, error) = hosts.iter().find_map(log).or_else(spec)?;
    let (what, broken) = hole(&error, false);
    broken.then_some(PreviewHost { host, user: None, what: format!("watches a log: {what}"), broken })
}

fn row(step: &Step, host: Option<&str>, world: &World) -> PreviewHost {
    let user = host.and_then(|host| user(step, host, world));
    let (what, broken) = match what(step, host, world) {
        Ok(what) => (what, false),
        Err(error) => hole(&error, host.is_none() && step.hosts.is_some()),
    };
    PreviewHost { host: host.map(str::to_owned), user, what, broken }
}
