//! Which hosts a run may touch: every host that a step, a guard or a probe names, what is picked later standing for all
//! that it may be picked from.

use std::collections::BTreeSet;

use indexmap::{IndexMap, IndexSet};

use crate::action::guard::Guard;
use crate::inventory::{HostName, Inventory, Selector, Via};
use crate::runbook::{Body, HOSTS, LogName, Runbook, Step, Undo, Use};
use crate::text::Sp;

use super::params::Static;
use super::part::default_hosts;

/// The hosts, in the order of the inventory; the controller first when it is one of them.
#[must_use]
pub fn touched(runbook: &Runbook, inventory: &Inventory, targets: &IndexMap<String, Vec<HostName>>) -> Vec<HostName> {
    in_order(inventory, &found(runbook, inventory, targets).touched)
}

/// All hosts that the steps of a plan speak of.
pub(super) fn found(runbook: &Runbook, inventory: &Inventory, targets: &IndexMap<String, Vec<HostName>>) -> Found {
    let mut walk = Walk::new(inventory, targets.clone(), true);
    walk.found.read.extend(targets.values().flatten().cloned());
    runbook.steps.iter().for_each(|step| walk.step(step));
    walk.found()
}

/// The hosts that guards and probes of these steps ask, without those that the steps are about. `targets` are then also
/// those that were picked before.
#[must_use]
pub fn asked_by<'a>(
    steps: impl IntoIterator<Item = &'a Step>,
    inventory: &Inventory,
    targets: &IndexMap<String, Vec<HostName>>,
) -> Vec<HostName> {
    let mut walk = Walk::new(inventory, targets.clone(), false);
    steps.into_iter().for_each(|step| walk.step(step));
    in_order(inventory, &walk.found().touched)
}

fn in_order(inventory: &Inventory, hosts: &IndexSet<HostName>) -> Vec<HostName> {
    let controller = hosts.iter().filter(|host| host.is_controller()).cloned();
    let rest = inventory.hosts().map(|host| host.name.clone()).filter(|name| hosts.contains(name));
    controller.chain(rest).collect()
}

/// The hosts that steps speak of.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// They may be touched.
    pub(super) touched: IndexSet<HostName>,
    /// They are in targets, so that texts may read what the inventory says of them.
    pub(super) read: IndexSet<HostName>,
    /// Selectors name them, if only to leave them out.
    pub(super) named: IndexSet<HostName>,
    /// Groups without hosts that selectors name.
    pub(super) empty: BTreeSet<String>,
}

struct Walk<'a> {
    inventory: &'a Inventory,
    targets: IndexMap<String, Vec<HostName>>,
    found: Found,
    /// Whether the hosts count that a step is about.
    about: bool,
    /// Whether logs are watched that may be those of containers.
    container_logs: bool,
}

impl<'a> Walk<'a> {
    fn new(inventory: &'a Inventory, targets: IndexMap<String, Vec<HostName>>, about: bool) -> Self {
        Self { inventory, targets, found: Found::default(), about, container_logs: false }
    }

    fn found(self) -> Found {
        let Self { mut found, inventory, .. } = self;
        let entered = |name: &HostName| inventory.host(name).is_some_and(|host| host.connect.via == Via::Exec);
        if self.container_logs && found.touched.iter().any(entered) {
            found.touched.insert(HostName::controller());
        }
        found
    }

    fn resolve(&mut self, selector: &Selector) -> Vec<HostName> {
        let names = Static { inventory: self.inventory, targets: &self.targets };
        self.found.named.extend(selector.mentions(&names));
        let is_empty = |name: &Sp<String>| self.inventory.group(name).is_some_and(|group| group.hosts.is_empty());
        self.found.empty.extend(selector.names().into_iter().filter(is_empty).map(|name| name.value));
        // a selector that cannot be resolved was reported by `validate`
        selector.resolve(&names).unwrap_or_default()
    }

    fn add(&mut self, selector: &Selector) {
        let hosts = self.resolve(selector);
        self.found.touched.extend(hosts);
    }

    /// The hosts that a part may touch, in its own names.
    fn part(&mut self, step: &Step, uses: &Use) {
        let Some(book) = &uses.book else { return };
        let mut targets = IndexMap::new();
        for (name, param) in book.params.iter().filter(|(_, param)| param.limits.kind.value.is_target()) {
            let given = uses.params.get(name).and_then(|argument| argument.hosts.clone());
            if let Some(selector) = given.or_else(|| default_hosts(param)) {
                targets.insert(name.clone(), self.resolve(&selector));
            }
            param.of.iter().for_each(|of| drop(self.resolve(of)));
        }
        if let (Some(_), Some(hosts)) = (uses.hosts, &step.hosts) {
            targets.insert(HOSTS.to_owned(), self.resolve(hosts));
        }
        let mut walk =
            Walk { found: std::mem::take(&mut self.found), ..Walk::new(self.inventory, targets, self.about) };
        for (name, target) in &book.targets {
            if !walk.targets.contains_key(name) {
                let hosts = walk.resolve(&target.selector);
                walk.targets.insert(name.clone(), hosts);
            }
        }
        let read: Vec<HostName> = walk.targets.values().flatten().cloned().collect();
        walk.found.read.extend(read);
        book.steps.iter().for_each(|step| walk.step(step));
        self.container_logs |= walk.container_logs;
        self.found = walk.found;
    }

    fn guards(&mut self, guards: &[Guard]) {
        for selector in guards.iter().flat_map(|guard| guard.kind.selectors()) {
            self.add(selector);
        }
    }

    fn step(&mut self, step: &Step) {
        if self.about {
            step.hosts.iter().for_each(|selector| self.add(selector));
            step.flow.always.iter().for_each(|member| self.step(member));
        }
        step.flow.run_on.iter().for_each(|selector| self.add(selector));
        if let Some(watch) = &step.watch {
            watch.hosts.iter().for_each(|selector| self.add(selector));
            // the logs of containers are read here
            if !watch.log.is_literal() || watch.log.source().value == LogName::CONTAINER {
                self.container_logs = true;
            }
        }
        self.guards(&step.done_when);
        self.guards(&step.verify);
        if let Undo::List(entries) = &step.undo {
            for entry in entries {
                self.step(entry);
            }
        }
        match &step.body {
            Body::Judge(_, guards) => self.guards(guards),
            Body::Wait(wait) => self.guards(&wait.until),
            Body::Gather(probes) => {
                probes.values().filter_map(|probe| probe.from.as_ref()).for_each(|selector| self.add(selector));
            }
            Body::Pick(picks) => {
                for pick in picks {
                    let hosts = self.resolve(&pick.from);
                    self.found.touched.extend(hosts.iter().cloned());
                    self.targets.insert(pick.name.value.clone(), hosts);
                }
            }
            Body::Use(uses) => self.part(step, uses),
            Body::Group(members) => members.iter().for_each(|member| self.step(member)),
            Body::Action(_) | Body::Watch | Body::Aside(_) | Body::Gate(_) => {}
        }
    }
}
