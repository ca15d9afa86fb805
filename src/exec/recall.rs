//! What a run knew, from its journal: what steps found, what was picked. For a process that takes it over.

use std::sync::Arc;

use crate::event::{Phase, RunState, Stage};
use crate::inventory::HostName;
use crate::plan::{Plan, RunFacts, World};
use crate::runbook::{Body, Step};
use crate::template::Value;

/// The world as the run left it. What the journal does not keep (outputs of sensitive steps, secrets) is null again.
pub(super) fn recall(plan: &Arc<Plan>, facts: RunFacts, state: &RunState) -> World {
    let mut world = World::new(Arc::clone(plan), facts);
    for (name, (hosts, _)) in state.targets() {
        let (part, name) = name.rsplit_once('/').unwrap_or(("", name));
        world.enter(part);
        world.pick(name, hosts.iter().map(|host| HostName::from(host.as_str())).collect());
    }
    steps(&mut world, state, &plan.runbook.steps);
    world.enter("");
    world
}

/// What steps found, in order, since a part begins with what those before it found.
fn steps(world: &mut World, state: &RunState, all: &[Step]) {
    for recalled in all {
        let (path, id) = (&recalled.path, &recalled.id.value);
        let Some(step) = state.step(path, Phase::Apply) else { continue };
        world.enter_part_of(path);
        world.open(id, if matches!(recalled.body, Body::Use(_)) { &[] } else { &step.hosts });
        let mut items = false;
        for unit in step.units.iter().filter_map(|key| state.unit(key)) {
            // what is about no host is kept under no name
            let (host, Some(end)) = (unit.start.unit.about.as_deref().unwrap_or_default(), &unit.end) else { continue };
            world.outcome(id, host, end.outcome.name());
            for (name, value) in end.outputs.as_value().as_object().into_iter().flatten() {
                world.output(id, host, name, Value::from_json(value));
            }
            if let Some(item) = unit.start.unit.item {
                world.end_item(id, item);
                items = true;
            }
        }
        if items {
            world.end_items(id);
        }
        match &recalled.body {
            Body::Group(members) => steps(world, state, members),
            Body::Use(uses) => {
                // what cannot be worked out now could not be then
                let _ = world.begin(path, uses.hosts.map(|_| step.hosts.clone()));
                steps(world, state, uses.steps());
                let _ = world.end(path, id);
                world.enter_part_of(path);
            }
            _ => {}
        }
        steps(world, state, &recalled.flow.always);
        if let Stage::Closed { outcome, .. } = &step.stage {
            world.outcome(id, "", outcome.name());
        }
    }
}
