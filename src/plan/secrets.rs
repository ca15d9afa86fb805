//! The secrets of a plan: params, and vars of hosts.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::base::secret::Redactor;
use crate::runbook::Kind;
use crate::template::{Base, Scope as _, Value};

use super::{Plan, View, World};

impl Plan {
    /// Teaches a redactor every secret of this plan.
    pub fn teach(self: &Arc<Self>, redactor: &Redactor) {
        let learn = |value: &Value| {
            if let Value::Secret(secret) = value {
                redactor.learn(secret);
            }
        };
        self.params.values().chain(self.parts.values().flat_map(IndexMap::values)).for_each(learn);
        let mut world = World::offline_parts(self);
        let parts = self.runbook.parts().map(|(step, ..)| step.path.as_str());
        for part in std::iter::once("").chain(parts) {
            world.enter(part);
            world.params().values().for_each(learn);
            let secret = |(_, var): &(&String, &crate::runbook::Var)| var.limits.kind.value == Kind::Secret;
            for (name, _) in world.book().vars.iter().filter(secret) {
                for host in self.inventory.hosts() {
                    let view = View::new(&world, Some(host.name.as_str()), None);
                    // a host that has no such value has nothing to hide
                    if let Ok(read) = view.read(Base::Root, &["vars", name]) {
                        learn(&read.value);
                    }
                }
            }
        }
    }
}
