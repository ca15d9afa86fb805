//! Whom selectors mean, as far as it is known: before anything is planned, from an inventory or none, or while a run goes
//! on. What is not known yet is said in words.

use indexmap::IndexMap;

use crate::inventory::{HostName, Inventory, Selector};
use crate::runbook::{Body, HOSTS, Runbook, Step, Use};

use super::World;
use super::params::Static;
use super::part::default_hosts;

/// Whom selectors mean.
pub trait Cast<'a> {
    /// The hosts of a selector; `None`: they are not known yet.
    fn hosts(&self, selector: &Selector) -> Option<Vec<String>>;
    /// The runbook whose names are read.
    fn book(&self) -> &Runbook;
    /// From here on names are those of a part.
    fn enter(&mut self, step: &'a Step, uses: &'a Use);
    /// And from here on those of whoever uses it.
    fn leave(&mut self);

    /// Whom a selector means, in words: by name, or as it is said and when it will be known.
    fn whom(&self, selector: &Selector) -> String {
        match self.hosts(selector) {
            Some(hosts) if hosts.is_empty() => "no host".to_owned(),
            Some(hosts) => hosts.join(", "),
            None => self.later(selector),
        }
    }

    /// The same of one whose hosts are not known.
    fn later(&self, selector: &Selector) -> String {
        let words = selector.words();
        let steps = self.book().own_steps();
        let chosen = steps.iter().find(|step| match &step.body {
            Body::Pick(picks) => {
                picks.iter().any(|pick| selector.names().iter().any(|name| name.value == pick.name.value))
            }
            _ => false,
        });
        chosen.map_or_else(|| words.clone(), |step| format!("{words} (chosen at `{}`)", step.id.value))
    }
}

/// The hosts that a runbook names, by an inventory or none.
pub struct Written<'a> {
    inventory: Option<&'a Inventory>,
    book: &'a Runbook,
    targets: Targets,
    /// The parts that were entered, and their targets.
    parts: Vec<(&'a Runbook, Targets)>,
}

/// The targets whose hosts are known.
type Targets = IndexMap<String, Vec<HostName>>;

impl<'a> Written<'a> {
    /// `given`: the params of hosts that somebody gave.
    #[must_use]
    pub fn new(book: &'a Runbook, inventory: Option<&'a Inventory>, given: &IndexMap<String, Selector>) -> Self {
        let mut this = Self { inventory, book, targets: Targets::new(), parts: Vec::new() };
        this.targets = this.begin(book, &|name| given.get(name).cloned(), None);
        this
    }

    fn resolve(&self, selector: &Selector) -> Option<Vec<HostName>> {
        self.resolve_in(selector, self.parts.last().map_or(&self.targets, |(_, targets)| targets))
    }

    fn resolve_in(&self, selector: &Selector, targets: &Targets) -> Option<Vec<HostName>> {
        selector.resolve(&Static { inventory: self.inventory?, targets }).ok()
    }

    /// The targets of a runbook. What is given is read in the names of whoever uses it.
    fn begin(
        &self,
        book: &Runbook,
        given: &dyn Fn(&String) -> Option<Selector>,
        hosts: Option<Vec<HostName>>,
    ) -> Targets {
        let params = book.params.iter().filter(|(_, param)| param.limits.kind.value.is_target());
        let params = params.filter_map(|(name, param)| {
            let selector = given(name).or_else(|| default_hosts(param))?;
            Some((name.clone(), self.resolve(&selector)?))
        });
        let mut targets: Targets = params.chain(hosts.map(|hosts| (HOSTS.to_owned(), hosts))).collect();
        for (name, target) in &book.targets {
            if let Some(hosts) = self.resolve_in(&target.selector, &targets) {
                targets.entry(name.clone()).or_insert(hosts);
            }
        }
        targets
    }
}

impl<'a> Cast<'a> for Written<'a> {
    fn hosts(&self, selector: &Selector) -> Option<Vec<String>> {
        Some(self.resolve(selector)?.iter().map(ToString::to_string).collect())
    }

    fn book(&self) -> &Runbook {
        self.parts.last().map_or(self.book, |(book, _)| book)
    }

    fn enter(&mut self, step: &'a Step, uses: &'a Use) {
        let Some(book) = &uses.book else { return };
        let given = |name: &String| uses.params.get(name).and_then(|argument| argument.hosts.clone());
        let hosts = uses.hosts.and(step.hosts.as_ref()).and_then(|hosts| self.resolve(hosts));
        let targets = self.begin(book, &given, hosts);
        self.parts.push((book, targets));
    }

    fn leave(&mut self) {
        self.parts.pop();
    }
}

/// The hosts that a run knows now.
pub struct Live {
    world: World,
    /// The parts around the one whose names are read, and whether what it was given is known.
    around: Vec<(String, bool)>,
}

impl Live {
    /// As a run sees it.
    #[must_use]
    pub fn new(world: &World) -> Self {
        let mut world = world.clone();
        world.enter("");
        Self { world, around: Vec::new() }
    }
}

impl Cast<'_> for Live {
    fn hosts(&self, selector: &Selector) -> Option<Vec<String>> {
        let known = self.around.iter().all(|(_, known)| *known);
        known.then(|| self.world.resolve(selector).ok()).flatten()
    }

    fn book(&self) -> &Runbook {
        self.world.book()
    }

    fn enter(&mut self, step: &Step, uses: &Use) {
        let hosts = uses.hosts.and(step.hosts.as_ref()).and_then(|hosts| self.world.resolve(hosts).ok());
        let known = self.world.begin(&step.path, hosts).is_ok();
        let before = self.world.enter(&step.path);
        self.around.push((before, known));
    }

    fn leave(&mut self) {
        if let Some((before, _)) = self.around.pop() {
            self.world.enter(&before);
        }
    }
}
