//! What a run knew, from its journal: what steps found, what was picked. For a process that takes it over.

use std::sync::Arc;

use crate::event::{Phase, RunState, Stage};
use crate::inventory::HostName;
use crate::plan::{Plan, RunFacts, World};
use crate::template::Value;

/// The world as the run left it. What the journal does not keep (outputs of sensitive steps, secrets) is null again.
pub(super) fn recall(plan: Arc<Plan>, facts: RunFacts, state: &RunState) -> World {
    let ids: Vec<(String, String)> =
        plan.runbook.all_steps().into_iter().map(|step| (step.path.clone(), step.id.value.clone())).collect();
    let mut world = World::new(plan, facts);
    for (path, id) in ids {
        let Some(step) = state.step(&path, Phase::Apply) else { continue };
        world.open(&id, &step.hosts);
        for unit in step.units.iter().filter_map(|key| state.unit(key)) {
            // what is about no host is kept under no name
            let (host, Some(end)) = (unit.start.unit.about.as_deref().unwrap_or_default(), &unit.end) else { continue };
            world.outcome(&id, host, end.outcome.name());
            for (name, value) in end.outputs.as_value().as_object().into_iter().flatten() {
                world.output(&id, host, name, Value::from_json(value));
            }
        }
        if let Stage::Closed { outcome, .. } = &step.stage {
            world.outcome(&id, "", outcome.name());
        }
    }
    for (name, (hosts, _)) in state.targets() {
        world.pick(name, hosts.iter().map(|host| HostName::from(host.as_str())).collect());
    }
    world
}
