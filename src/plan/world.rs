//! What is known while a run goes on: picks, outputs, outcomes. Expressions read it through a [`View`](super::View).

mod foresight;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::inventory::{HostName, Name, Names, Selector};
use crate::runbook::{Param, Runbook};
use crate::template::Value;

use super::part::Part;
use super::{Items, Plan};

/// What `run.*` is.
#[derive(Clone, Debug, Default)]
pub struct RunFacts {
    /// The run's id.
    pub id: String,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// `run` or `check`.
    pub mode: &'static str,
    /// Who runs it.
    pub operator: String,
}

/// The results of one step.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// The hosts that it ran on; empty for a step without hosts.
    hosts: Vec<String>,
    /// The outputs of each host; under "" those of a step without hosts.
    outputs: HashMap<String, IndexMap<String, Value>>,
    /// The outcome of each host.
    outcomes: HashMap<String, Value>,
    /// The hosts whose outputs were found by a process before this one and are kept nowhere.
    forgotten: HashSet<String>,
    /// Of a step that is done for items: those of the items so far.
    past: Past,
}

/// What the steps of a `for_each` found, item by item.
#[derive(Clone, Debug, Default)]
struct Past {
    outputs: HashMap<String, IndexMap<String, Vec<Value>>>,
    outcomes: HashMap<String, Vec<Value>>,
}

/// Puts a value at a place of a list; what is missing before it is null.
fn put(list: &mut Vec<Value>, at: u32, value: Value) {
    let at = at as usize;
    if list.len() <= at {
        list.resize(at + 1, Value::Null);
    }
    list[at] = value;
}

/// The mutable part of what expressions can read.
#[derive(Clone, Debug)]
pub struct World {
    plan: Arc<Plan>,
    run: RunFacts,
    picks: IndexMap<String, Vec<HostName>>,
    /// The picks that a dry run cannot make.
    left_open: HashSet<String>,
    results: HashMap<String, Results>,
    items: Option<Items>,
    /// Before a run, what a step would find is unknown; in one, a step that has not run has found nothing.
    offline: bool,
    /// The part whose names are read: the path of the step that uses it.
    pub(super) part: String,
    /// Its runbook.
    pub(super) book: Option<Arc<Runbook>>,
    /// The parts that have begun.
    pub(super) parts: HashMap<String, Part>,
}

impl World {
    /// At the start of a run.
    #[must_use]
    pub fn new(plan: Arc<Plan>, run: RunFacts) -> Self {
        Self {
            plan,
            run,
            picks: IndexMap::new(),
            left_open: HashSet::new(),
            results: HashMap::new(),
            items: None,
            offline: false,
            part: String::new(),
            book: None,
            parts: HashMap::new(),
        }
    }

    /// Before any run: what steps would find is unknown.
    #[must_use]
    pub fn offline(plan: Arc<Plan>) -> Self {
        let run =
            RunFacts { id: "RUN".to_owned(), started_at: "START".to_owned(), mode: "plan", operator: String::new() };
        Self { offline: true, ..Self::new(plan, run) }
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// What `run.*` is.
    #[must_use]
    pub fn run(&self) -> &RunFacts {
        &self.run
    }

    /// Keeps what was picked.
    pub fn pick(&mut self, name: &str, hosts: Vec<HostName>) {
        self.picks.insert(self.qualified(name), hosts);
    }

    /// Says whom a step is about, before it has results; in a rolling group, once for each batch.
    pub fn open(&mut self, step: &str, hosts: &[String]) {
        let known = &mut self.results.entry(self.qualified(step)).or_default().hosts;
        let new: Vec<String> = hosts.iter().filter(|host| !known.contains(host)).cloned().collect();
        known.extend(new);
    }

    /// The items that are done from here on; `None`: outside of a `for_each`.
    pub fn each(&mut self, items: Option<Items>) {
        self.items = items;
    }

    /// The items that are done now.
    #[must_use]
    pub fn items(&self) -> Option<&Items> {
        self.items.as_ref()
    }

    /// The place of the items that are done now.
    #[must_use]
    pub fn index(&self) -> Option<u32> {
        self.items.as_ref().map(|items| items.index)
    }

    pub(super) fn item(&self, host: Option<&str>) -> Option<Value> {
        self.items.as_ref().and_then(|items| items.read(host))
    }

    /// An item of a step is done. What was found for it is no longer read by itself, but in [`World::end_items`].
    pub fn end_item(&mut self, step: &str, index: u32) {
        let results = self.results.entry(self.qualified(step)).or_default();
        for (host, values) in std::mem::take(&mut results.outputs) {
            let lists = results.past.outputs.entry(host).or_default();
            values.into_iter().for_each(|(name, value)| put(lists.entry(name).or_default(), index, value));
        }
        for (host, outcome) in std::mem::take(&mut results.outcomes) {
            put(results.past.outcomes.entry(host).or_default(), index, outcome);
        }
    }

    /// All items of a step are done: its outputs and outcomes are lists, null where an item has none.
    pub fn end_items(&mut self, step: &str) {
        let results = self.results.entry(self.qualified(step)).or_default();
        let Past { outputs, outcomes } = std::mem::take(&mut results.past);
        let lists = |values: IndexMap<String, Vec<Value>>| {
            values.into_iter().map(|(name, list)| (name, Value::from(list))).collect()
        };
        results.outputs = outputs.into_iter().map(|(host, values)| (host, lists(values))).collect();
        results.outcomes = outcomes.into_iter().map(|(host, list)| (host, Value::from(list))).collect();
    }

    /// Keeps an output of a step on a host (`""`: of no host).
    pub fn output(&mut self, step: &str, host: &str, name: &str, value: Value) {
        let results = self.results.entry(self.qualified(step)).or_default();
        results.outputs.entry(host.to_owned()).or_default().insert(name.to_owned(), value);
    }

    /// What a step found on a host is known no more: whoever reads it is told so.
    pub fn forget(&mut self, step: &str, host: &str) {
        let results = self.results.entry(self.qualified(step)).or_default();
        results.forgotten.insert(host.to_owned());
    }

    /// Keeps the outcome of a step on a host.
    pub fn outcome(&mut self, step: &str, host: &str, outcome: &'static str) {
        self.results.entry(self.qualified(step)).or_default().outcomes.insert(host.to_owned(), Value::str(outcome));
    }

    /// The hosts that a selector means now. The error says why it means none.
    pub fn resolve(&self, selector: &Selector) -> Result<Vec<String>, String> {
        selector
            .resolve(self)
            .map(|hosts| hosts.iter().map(ToString::to_string).collect())
            .map_err(|diagnostic| diagnostic.message)
    }

    /// A target's hosts: static, or picked. `Err` names the step that picks it, when it has not been picked yet.
    pub(super) fn target(&self, name: &str) -> Option<Result<Vec<HostName>, String>> {
        if let Some(hosts) = self.picks.get(&self.qualified(name)).or_else(|| self.static_targets().get(name)) {
            return Some(Ok(hosts.clone()));
        }
        let book = self.book();
        let is_target = |param: &Param| param.limits.kind.value.is_target();
        if !self.part.is_empty() && (book.targets.contains_key(name) || book.params.get(name).is_some_and(is_target)) {
            // it rests on what is picked around the part
            return Some(Err(self.part.clone()));
        }
        let step = book.own_steps().into_iter().find(|step| match &step.body {
            crate::runbook::Body::Pick(picks) => picks.iter().any(|pick| pick.name.value == name),
            _ => false,
        })?;
        Some(Err(step.id.value.clone()))
    }

    pub(super) fn is_offline(&self) -> bool {
        self.offline
    }

    /// An output, in the eyes of a host.
    pub(super) fn read_output(&self, step: &str, host: Option<&str>, name: Option<&str>) -> Value {
        let Some(results) = self.results.get(&self.qualified(step)) else { return self.nothing(step) };
        let place = match host {
            Some(host) if results.outputs.contains_key(host) => host,
            // a step that ran on one host is read from everywhere
            _ => match results.hosts.as_slice() {
                [] => "",
                [one] => one,
                _ => host.unwrap_or_default(),
            },
        };
        let outputs = results.outputs.get(place);
        if results.forgotten.contains(place) {
            // a dry run knows some of them
            let known = name.and_then(|name| outputs?.get(name));
            return known.cloned().unwrap_or_else(|| Value::unknown(step));
        }
        let Some(outputs) = outputs else { return self.nothing(step) };
        match name {
            Some(name) => outputs.get(name).cloned().unwrap_or(Value::Null),
            None => Value::map(outputs.clone()),
        }
    }

    /// An outcome, in the eyes of a host.
    pub(super) fn read_outcome(&self, step: &str, host: Option<&str>) -> Value {
        let Some(results) = self.results.get(&self.qualified(step)) else { return self.nothing(step) };
        let place = match (host, results.hosts.as_slice()) {
            (Some(host), _) if results.outcomes.contains_key(host) => host,
            (_, [one]) => one,
            (_, []) => "",
            (host, _) => host.unwrap_or_default(),
        };
        results.outcomes.get(place).cloned().unwrap_or_else(|| self.nothing(step))
    }

    fn nothing(&self, step: &str) -> Value {
        if self.offline { Value::unknown(step) } else { Value::Null }
    }
}

impl Names for World {
    fn look_up(&self, name: &str) -> Vec<Name> {
        let target = match self.target(name) {
            Some(Ok(hosts)) => Some(Name { kind: "target", hosts }),
            Some(Err(_)) | None => None,
        };
        target.into_iter().chain(self.plan.inventory.look_up(name)).collect()
    }

    fn known(&self) -> Vec<String> {
        let targets = self.static_targets().keys().chain(self.picks.keys()).cloned();
        targets.chain(self.plan.inventory.known()).collect()
    }

    fn all_hosts(&self) -> Vec<HostName> {
        self.plan.inventory.all_hosts()
    }
}
