//! Parts: runbooks that a runbook uses. Each has names of its own, which are fixed when its step begins: params and
//! `hosts` are worked out in the names of whoever uses it, its targets in its own.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::inventory::{HostName, Selector};
use crate::runbook::{Argument, Body, HOSTS, Kind, Param, Runbook, Templates, Use};
use crate::template::Value;

use super::{Plan, View, World};

/// What a part was given.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) params: IndexMap<String, Value>,
    pub(super) targets: IndexMap<String, Vec<HostName>>,
}

impl World {
    /// Before any run, with every part begun as far as it can be.
    #[must_use]
    pub fn offline_parts(plan: &Arc<Plan>) -> Self {
        let mut world = Self::offline(Arc::clone(plan));
        for (step, uses, _) in plan.runbook.parts() {
            let before = world.enter_part_of(&step.path);
            let hosts = uses.hosts.and(step.hosts.as_ref()).and_then(|hosts| world.resolve(hosts).ok());
            // what is wrong with it is told where the plan is shown
            let _ = world.begin(&step.path, hosts);
            world.enter(&before);
        }
        world
    }

    /// The runbook whose names are read: that of the part that was entered, or of the run.
    #[must_use]
    pub fn book(&self) -> &Runbook {
        self.book.as_deref().unwrap_or(&self.plan().runbook)
    }

    /// The runbook of the part that was entered.
    #[must_use]
    pub fn part_book(&self) -> Option<Arc<Runbook>> {
        self.book.clone()
    }

    /// The targets that are known now, those of the part that was entered.
    #[must_use]
    pub fn known_targets(&self) -> IndexMap<String, Vec<HostName>> {
        let picks = self.book().own_steps().into_iter().flat_map(|step| match &step.body {
            Body::Pick(picks) => picks.as_slice(),
            _ => &[],
        });
        let picked = picks.filter_map(|pick| Some((pick.name.value.clone(), self.target(&pick.name.value)?.ok()?)));
        self.static_targets().clone().into_iter().chain(picked).collect()
    }

    /// From here on names are those of a part, by the path of the step that uses it; "" is the run's own runbook. Gives
    /// the one that was left.
    pub fn enter(&mut self, part: &str) -> String {
        let plan = Arc::clone(self.plan());
        let used = plan.runbook.parts().find(|(step, ..)| step.path == part);
        self.book = used.map(|(_, _, book)| Arc::clone(book));
        std::mem::replace(&mut self.part, part.to_owned())
    }

    /// The same with the part that a step belongs to, by its path.
    pub fn enter_part_of(&mut self, path: &str) -> String {
        let part = self.part_of(path);
        self.enter(&part)
    }

    /// The innermost part that a step belongs to.
    fn part_of(&self, path: &str) -> String {
        let inside = |part: &&str| path.strip_prefix(*part).is_some_and(|rest| rest.starts_with('/'));
        let parts = self.plan().runbook.parts().map(|(step, ..)| step.path.as_str());
        parts.filter(inside).max_by_key(|part| part.len()).unwrap_or_default().to_owned()
    }

    /// A name, as it is told apart from the same name of another part.
    #[must_use]
    pub fn qualified(&self, name: &str) -> String {
        if self.part.is_empty() { name.to_owned() } else { format!("{}/{name}", self.part) }
    }

    /// Fixes the params and targets of a part. `hosts`: the hosts of the step that uses it, when it says so itself. The
    /// error names what cannot be worked out; before a run, what is chosen later is left open instead.
    pub fn begin(&mut self, path: &str, hosts: Option<Vec<String>>) -> Result<(), String> {
        let plan = Arc::clone(self.plan());
        let Some((_, uses, book)) = plan.runbook.parts().find(|(step, ..)| step.path == path) else { return Ok(()) };
        let before = self.enter_part_of(path);
        let given = self.given(path, uses, book, hosts);
        self.enter(path);
        let done = given.and_then(|part| {
            self.parts.insert(path.to_owned(), part);
            self.own_targets(path, book)
        });
        self.enter(&before);
        done
    }

    fn given(&self, path: &str, uses: &Use, book: &Runbook, hosts: Option<Vec<String>>) -> Result<Part, String> {
        let mut part = Part::default();
        let fixed = self.plan().parts.get(path);
        for (name, param) in &book.params {
            let named = |why: String| format!("param `{name}` of `{}`: {why}", book.name.value);
            if param.limits.kind.value.is_target() {
                let selector = uses.params.get(name).and_then(|argument| argument.hosts.clone());
                let selector = selector.or_else(|| default_hosts(param));
                if let Some(found) = selector.and_then(|selector| self.settled(&selector).transpose()) {
                    let found = found.and_then(|found| self.within(param, found));
                    part.targets.insert(name.clone(), found.map_err(named)?);
                }
            } else if let Some(argument) = uses.params.get(name) {
                part.params.insert(name.clone(), self.argument(param, argument).map_err(named)?);
            } else if let Some(value) = fixed.and_then(|fixed| fixed.get(name)) {
                part.params.insert(name.clone(), value.clone());
            }
        }
        if let Some(hosts) = hosts {
            part.targets.insert(HOSTS.to_owned(), hosts.iter().map(|host| host.as_str().into()).collect());
        }
        Ok(part)
    }

    fn argument(&self, param: &Param, argument: &Argument) -> Result<Value, String> {
        let value = argument.data.value(&View::new(self, None, None)).map_err(|error| error.to_string())?;
        if value.waits_for().is_some() { Ok(value) } else { param.limits.typed(&value) }
    }

    /// The hosts of a selector; `None`: before a run, some of them are chosen later.
    fn settled(&self, selector: &Selector) -> Result<Option<Vec<HostName>>, String> {
        match selector.resolve(self) {
            Ok(hosts) => Ok(Some(hosts)),
            Err(_) if self.is_offline() => Ok(None),
            Err(why) => Err(why.message),
        }
    }

    fn within(&self, param: &Param, hosts: Vec<HostName>) -> Result<Vec<HostName>, String> {
        if let Some(Ok(allowed)) = param.of.as_ref().map(|of| of.resolve(self)) {
            let strangers: Vec<&str> =
                hosts.iter().filter(|host| !allowed.contains(host)).map(HostName::as_str).collect();
            if !strangers.is_empty() {
                return Err(format!("{} is not among the hosts that it may name", strangers.join(", ")));
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "an inventory has far fewer hosts than 2^52")]
        let count = hosts.len() as f64;
        let limits = &param.limits;
        let one = limits.kind.value == Kind::Host && hosts.len() != 1;
        if one || limits.min.is_some_and(|min| count < min) || limits.max.is_some_and(|max| count > max) {
            return Err(format!("it cannot be {} hosts", hosts.len()));
        }
        Ok(hosts)
    }

    /// The targets that the part declares, one after the other.
    fn own_targets(&mut self, path: &str, book: &Runbook) -> Result<(), String> {
        for (name, target) in &book.targets {
            if self.parts.get(path).is_some_and(|part| part.targets.contains_key(name)) {
                continue;
            }
            let named = |why| format!("target `{name}` of `{}`: {why}", book.name.value);
            if let Some(hosts) = self.settled(&target.selector).map_err(named)?
                && let Some(part) = self.parts.get_mut(path)
            {
                part.targets.insert(name.clone(), hosts);
            }
        }
        Ok(())
    }

    /// Works out the outputs of a part that has ended, and gives them to whoever used it. The error names the output.
    pub fn end(&mut self, path: &str, id: &str) -> Result<IndexMap<String, Value>, String> {
        let before = self.enter(path);
        let view = View::new(self, None, None);
        let outputs = self.book().outputs.iter().map(|(name, expression)| {
            let value = expression.eval(&view).map_err(|error| format!("output `{name}`: {error}"))?;
            Ok((name.clone(), value))
        });
        let outputs: Result<IndexMap<String, Value>, String> = outputs.collect();
        self.enter_part_of(path);
        let outputs = outputs.inspect(|outputs| {
            for (name, value) in outputs {
                self.output(id, "", name, value.clone());
            }
        });
        self.enter(&before);
        outputs
    }

    /// The values of the params.
    pub(super) fn params(&self) -> &IndexMap<String, Value> {
        self.parts.get(&self.part).map_or(&self.plan().params, |part| &part.params)
    }

    /// The static targets.
    #[must_use]
    pub fn static_targets(&self) -> &IndexMap<String, Vec<HostName>> {
        self.parts.get(&self.part).map_or(&self.plan().targets, |part| &part.targets)
    }

    /// A template file, by the name that the author wrote.
    #[must_use]
    pub fn template(&self, name: &str) -> Option<Arc<str>> {
        self.plan().templates.get(&self.beside(name)).cloned()
    }

    /// A file that is sent as it is, likewise.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<Arc<[u8]>> {
        self.plan().files.get(&self.beside(name)).cloned()
    }

    fn beside(&self, name: &str) -> String {
        Templates::name_in(self.book.as_deref(), name)
    }
}

/// The default of a param that is hosts.
pub(super) fn default_hosts(param: &Param) -> Option<Selector> {
    // what is wrong with it was said when it was read
    Selector::decode(param.default.as_ref()?, &crate::base::diag::Diagnostics::new())
}
