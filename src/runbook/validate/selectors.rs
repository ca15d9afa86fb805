//! Resolves every selector against the inventory, as far as it can be before params are given and targets are picked:
//! what is chosen later stands for all that it may be chosen from.

use indexmap::IndexMap;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::inventory::{HostName, Inventory, Name, Names, Selector};
use crate::runbook::model::Runbook;
use crate::runbook::pick::Pick;

pub(super) struct Selectors<'a> {
    inventory: &'a Inventory,
    /// Targets, params of type host(s), picks: the hosts that each may be.
    targets: IndexMap<String, Vec<HostName>>,
    /// Whether any name may be a target: those that are written could not be understood.
    open: bool,
    diags: &'a Diagnostics,
}

impl Names for Selectors<'_> {
    fn look_up(&self, name: &str) -> Vec<Name> {
        let mut found: Vec<Name> =
            self.targets.get(name).map(|hosts| Name { kind: "target", hosts: hosts.clone() }).into_iter().collect();
        found.extend(self.inventory.look_up(name));
        if found.is_empty() && self.open {
            found.push(Name { kind: "target", hosts: self.inventory.all_hosts() });
        }
        found
    }

    fn known(&self) -> Vec<String> {
        self.targets.keys().cloned().chain(self.inventory.known()).collect()
    }

    fn all_hosts(&self) -> Vec<HostName> {
        self.inventory.all_hosts()
    }
}

impl<'a> Selectors<'a> {
    pub(super) fn new(runbook: &Runbook, inventory: &'a Inventory, diags: &'a Diagnostics) -> Self {
        let broken = &runbook.broken;
        let open = ["params", "targets"].iter().any(|section| broken.sections.contains(section));
        let mut this = Self { inventory, targets: IndexMap::new(), open, diags };
        for name in &broken.targets {
            this.targets.insert(name.clone(), inventory.all_hosts());
        }
        for (name, param) in runbook.params.iter().filter(|(_, param)| param.limits.kind.is_target()) {
            let hosts = match &param.of {
                Some(of) => this.resolve(of),
                None => inventory.all_hosts(),
            };
            this.targets.insert(name.clone(), hosts);
        }
        this
    }

    /// The targets of the head. One may use another that stands before it.
    pub(super) fn head(&mut self, runbook: &Runbook) {
        for (name, target) in &runbook.targets {
            if !self.inventory.look_up(name).is_empty() {
                self.diags.push(
                    Diagnostic::error(
                        "two-meanings",
                        target.name.span,
                        format!("`{name}` is a target here and a name in the inventory"),
                    )
                    .help("give the target another name, or use the group itself"),
                );
                continue;
            }
            let hosts = self.resolve(&target.selector);
            self.targets.insert(name.clone(), hosts);
        }
    }

    /// How many hosts the targets of the head have that the inventory alone decides.
    pub(super) fn sizes(&self, runbook: &Runbook) -> IndexMap<String, usize> {
        let mut sizes = IndexMap::new();
        for (name, target) in &runbook.targets {
            if let Some(size) = self.size(&target.selector, &sizes) {
                sizes.insert(name.clone(), size);
            }
        }
        sizes
    }

    /// How many hosts a selector means, where the inventory alone decides; `sizes` are those of targets.
    pub(super) fn size(&self, selector: &Selector, sizes: &IndexMap<String, usize>) -> Option<usize> {
        let known = |used: &str| !self.inventory.look_up(used).is_empty() || sizes.contains_key(used);
        let decided = !selector.is_broken() && selector.names().iter().all(|used| known(&used.value));
        selector.resolve(self).ok().filter(|_| decided).map(|hosts| hosts.len())
    }

    pub(super) fn check(&self, selector: &Selector) {
        self.resolve(selector);
    }

    pub(super) fn pick(&mut self, pick: &Pick) {
        let hosts = self.resolve(&pick.from);
        if self.targets.contains_key(&pick.name.value) || !self.inventory.look_up(&pick.name.value).is_empty() {
            self.diags.push(Diagnostic::error(
                "two-meanings",
                pick.name.span,
                format!("`{}` is the name of something else already", pick.name.value),
            ));
            return;
        }
        self.targets.insert(pick.name.value.clone(), hosts);
    }

    /// What is wrong stands for all hosts, so that it is reported once.
    fn resolve(&self, selector: &Selector) -> Vec<HostName> {
        match selector.resolve(self) {
            Ok(hosts) if !selector.is_broken() => hosts,
            Ok(_) => self.inventory.all_hosts(),
            Err(diagnostic) => {
                self.diags.push(diagnostic);
                for diagnostic in selector.check(self) {
                    self.diags.push(diagnostic);
                }
                self.inventory.all_hosts()
            }
        }
    }
}
