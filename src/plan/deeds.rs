//! What a plan would do, in lines that can be compared: whom it is about and how they are reached, and each step with
//! every text as it would be for each host. What is only for readers does not count: comments, titles, names of what is
//! used, values that nothing uses. Pure.
//!
//! A text whose values are all known is told by what it comes to, so that two ways of writing the same are the same. One
//! that waits for what a step finds, or holds a secret, is told as it is written, with the values in it that are known.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::base::diag::Diagnostics;
use crate::base::secret::Redactor;
use crate::base::span::{SourceId, Span};
use crate::inventory::HostName;
use crate::runbook::{Body, Runbook, Step, Use};
use crate::template::Expr;
use crate::text::{self, Node, Tree};

use super::drift::{Drift, lay_out, shown};
use super::hosts::touched;
use super::wordings::{Eyes, Wordings, hosts, prefixed};
use super::{Plan, World};

/// Keys of a step that are for readers, or told otherwise.
const NOT_OF_A_STEP: [&str; 7] = ["id", "title", "why", "hosts", "run_on", "steps", "always"];

/// Keys of a runbook that are done, besides its steps.
const OF_A_BOOK: [&str; 5] = ["risk", "lock", "defaults", "on_failure", "outputs"];

/// What would be done otherwise by `now` than by `then`.
#[must_use]
pub fn differences(then: &Arc<Plan>, now: &Arc<Plan>) -> Vec<Drift> {
    let (before, after) = (Deeds::of(then), Deeds::of(now));
    // who is no longer touched, or is now, is told by the targets and steps
    let both = |name: &&String| after.reached.contains_key(*name);
    let reached = before.reached.keys().filter(both);
    let mut all: Vec<Drift> = reached.filter_map(|name| differ(name, &before.reached, &after.reached)).collect();
    let new = after.done.keys().filter(|name| !before.done.contains_key(*name));
    all.extend(before.done.keys().chain(new).filter_map(|name| differ(name, &before.done, &after.done)));
    let order = |of: &Deeds, other: &Deeds| {
        let both = of.done.keys().filter(|name| other.done.contains_key(*name));
        both.cloned().collect::<Vec<_>>().join("\n")
    };
    let (old, new) = (order(&before, &after), order(&after, &before));
    if old != new {
        all.push(Drift { what: "the order".to_owned(), lines: shown(&old, &new) });
    }
    let redactor = Redactor::default();
    then.teach(&redactor);
    now.teach(&redactor);
    let clean = |line: String| redactor.redact(line).to_string();
    all.into_iter().map(|one| Drift { lines: one.lines.into_iter().map(clean).collect(), ..one }).collect()
}

/// Lines, by what they are of.
type Lines = IndexMap<String, String>;

fn differ(name: &String, before: &Lines, after: &Lines) -> Option<Drift> {
    let of = |lines: &Lines| lines.get(name).cloned().unwrap_or_default();
    let (old, new) = (of(before), of(after));
    let gone = match (before.contains_key(name), after.contains_key(name)) {
        (true, false) => " (it is gone)",
        (false, true) => " (it is new)",
        _ if old == new => return None,
        _ => "",
    };
    Some(Drift { what: format!("{name}{gone}"), lines: shown(&old, &new) })
}

struct Deeds {
    /// How hosts are reached.
    reached: Lines,
    /// The targets, the head of each runbook, the steps in order.
    done: Lines,
}

impl Deeds {
    fn of(plan: &Arc<Plan>) -> Self {
        let stored = plan.kept();
        let texts = plan.runbook.parts().filter_map(|(_, uses, book)| {
            let text = stored.parts.get(&uses.runbook.value)?;
            Some((book.name.span.source, text))
        });
        let texts: HashMap<SourceId, &String> =
            std::iter::once((plan.runbook.name.span.source, &stored.text)).chain(texts).collect();
        // what is wrong with them was told when they were read
        let read =
            |(source, text): (SourceId, &String)| Some((source, text::parse(source, text, &Diagnostics::new())?));
        let trees: HashMap<SourceId, Tree> = texts.into_iter().filter_map(read).collect();
        let mut maps = HashMap::new();
        for tree in trees.values() {
            index(tree, &mut maps);
        }
        let touched = touched(&plan.runbook, &plan.inventory, &plan.targets);
        let reached = |name: &String| touched.iter().any(|host| host.as_str() == name);
        let targets = plan.targets.iter().map(|(name, hosts)| {
            let names: Vec<&str> = hosts.iter().map(HostName::as_str).collect();
            (format!("the hosts of {name}"), names.join("\n"))
        });
        let done = targets.collect();
        let eyes: Eyes = touched.iter().map(|host| Some(host.to_string())).collect();
        let mut teller = Teller { trees: &trees, maps, touched: eyes, world: World::offline(Arc::clone(plan)), done };
        teller.book(&plan.runbook, "the runbook");
        teller.steps(&plan.runbook.steps, None);
        let done = teller.done;
        let reached = stored.hosts.into_iter().filter(|(name, _)| reached(name)).map(|(name, mut host)| {
            // these count where something reads them
            host.vars.clear();
            host.groups.clear();
            host.connect.drill = false;
            let mut lines = BTreeSet::new();
            lay_out("", &serde_json::to_value(host).unwrap_or_default(), &mut lines);
            (format!("how {name} is reached"), lines.into_iter().collect::<Vec<_>>().join("\n"))
        });
        Self { reached: reached.collect(), done }
    }
}

/// Every map of a text by its place.
fn index<'a>(tree: &'a Tree, maps: &mut HashMap<Span, &'a Tree>) {
    match &tree.value {
        Node::Map(entries) => {
            maps.insert(tree.span, tree);
            for (_, value) in entries {
                index(value, maps);
            }
        }
        Node::List(items) => {
            for item in items {
                index(item, maps);
            }
        }
        _ => {}
    }
}

struct Teller<'a> {
    trees: &'a HashMap<SourceId, Tree>,
    maps: HashMap<Span, &'a Tree>,
    touched: Eyes,
    world: World,
    done: Lines,
}

impl Teller<'_> {
    fn book(&mut self, book: &Runbook, name: &str) {
        let Some(tree) = self.trees.get(&book.name.span.source) else { return };
        let mut told = Told { words: Wordings::of_book(book), world: &self.world, lines: Vec::new() };
        for key in OF_A_BOOK {
            tree.get(key).into_iter().for_each(|tree| told.tree(key, tree));
        }
        let lines = told.lines.join("\n");
        self.done.insert(name.to_owned(), lines);
    }

    /// `each`: the list of a group around them over whose items they are done.
    fn steps(&mut self, steps: &[Step], each: Option<&Expr>) {
        for step in steps {
            let each = step.flow.for_each.as_ref().or(each);
            self.step(step, each);
            match &step.body {
                Body::Group(members) => self.steps(members, each),
                Body::Use(uses) => self.part(step, uses),
                _ => {}
            }
            self.steps(&step.flow.always, each);
        }
    }

    fn step(&mut self, step: &Step, each: Option<&Expr>) {
        let world = &self.world;
        let words = Wordings::of_step(step, each, world, &self.touched);
        let mut told = Told { words, world, lines: Vec::new() };
        let selectors = [("hosts", &step.hosts), ("run_on", &step.flow.run_on)];
        for (key, selector) in selectors.iter().filter_map(|(key, selector)| Some((key, selector.as_ref()?))) {
            told.lines.extend(prefixed(key, &hosts(selector, world)));
        }
        if let Some(Tree { value: Node::Map(entries), .. }) = self.maps.get(&step.span) {
            for (key, tree) in entries.iter().filter(|(key, _)| !NOT_OF_A_STEP.contains(&key.as_str())) {
                told.tree(key, tree);
            }
        }
        told.lines.extend(told.words.rest(world));
        let lines = told.lines.join("\n");
        self.done.insert(format!("step {}", step.path), lines);
    }

    /// The steps of a part, in its own names.
    fn part(&mut self, step: &Step, uses: &Use) {
        let Some(book) = &uses.book else { return };
        let hosts = uses.hosts.and(step.hosts.as_ref()).and_then(|hosts| self.world.resolve(hosts).ok());
        // what is wrong with it is told where the plan is made
        let _ = self.world.begin(&step.path, hosts);
        let before = self.world.enter(&step.path);
        self.book(book, &format!("the runbook {} at {}", book.name.value, step.path));
        self.steps(uses.steps(), None);
        self.world.enter(&before);
    }
}

/// A text as it would be carried out, line by line.
struct Told<'a, 'w> {
    words: Wordings<'a>,
    world: &'w World,
    lines: Vec<String>,
}

impl Told<'_, '_> {
    fn tree(&mut self, key: &str, tree: &Tree) {
        if !matches!(tree.value, Node::Map(_))
            && let Some(lines) = self.words.take(tree.span, key, self.world)
        {
            self.lines.extend(lines);
            return;
        }
        match &tree.value {
            Node::Map(entries) => {
                for (name, value) in entries {
                    self.tree(&format!("{key}.{}", name.value), value);
                }
            }
            // one and a list of one are the same
            Node::List(items) if items.len() == 1 => self.tree(key, &items[0]),
            Node::List(items) => {
                for (n, item) in items.iter().enumerate() {
                    self.tree(&format!("{key}[{n}]"), item);
                }
            }
            scalar => self.lines.extend(prefixed(key, &plain(scalar))),
        }
    }
}

fn plain(scalar: &Node) -> String {
    match scalar {
        Node::Bool(bool) => bool.to_string(),
        Node::Int(int) => int.to_string(),
        Node::Float(float) => float.to_string(),
        Node::Str(text) => text.clone(),
        Node::Null | Node::List(_) | Node::Map(_) => "null".to_owned(),
    }
}

#[cfg(test)]
mod tests;
