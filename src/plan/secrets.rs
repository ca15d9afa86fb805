//! The secrets of a plan: params, and vars of hosts.

use std::sync::Arc;

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
        self.params.values().for_each(learn);
        let world = World::offline(Arc::clone(self));
        let secret = |(_, var): &(&String, &crate::runbook::Var)| var.limits.kind.value == Kind::Secret;
        for (name, _) in self.runbook.vars.iter().filter(secret) {
            for host in self.inventory.hosts() {
                // a host that has no such value has nothing to hide
                if let Ok(read) = View::new(&world, Some(host.name.as_str()), None).read(Base::Root, &["vars", name]) {
                    learn(&read.value);
                }
            }
        }
    }
}
