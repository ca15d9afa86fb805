//! Layers of settings: inventory, then groups (a child over its parents), then the host. Two groups of which neither
//! holds the other must not disagree.

use std::collections::HashSet;

use indexmap::IndexMap;

use crate::base::span::Span;
use crate::text::{Node, Sp, Tree};

/// The groups of one host with what each gives for one setting.
pub(super) struct Conflict {
    pub(super) first: Span,
    pub(super) second: Span,
}

/// One group's settings, with the groups that it is in.
pub(super) struct Layer<'a, T> {
    pub(super) ancestors: &'a HashSet<String>,
    pub(super) name: &'a str,
    pub(super) settings: &'a IndexMap<String, T>,
}

impl<T> Clone for Layer<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Layer<'_, T> {}

/// What the groups give for each setting, unless they disagree; conflicts of what `settled` names do not matter.
pub(super) fn merge<T: Setting>(
    layers: &[Layer<'_, T>],
    settled: impl Fn(&str) -> bool,
    mut conflict: impl FnMut(&str, Conflict, [&str; 2]),
) -> IndexMap<String, T> {
    let mut merged = IndexMap::new();
    for key in layers.iter().flat_map(|layer| layer.settings.keys()) {
        if merged.contains_key(key) {
            continue;
        }
        let givers: Vec<_> = layers.iter().filter(|layer| layer.settings.contains_key(key)).collect();
        // a group that holds another giver is overridden by it
        let heard: Vec<_> =
            givers.iter().filter(|layer| !givers.iter().any(|other| other.ancestors.contains(layer.name))).collect();
        let Some((first, rest)) = heard.split_first() else { continue };
        let value = &first.settings[key];
        if let Some(other) = rest.iter().find(|other| !value.same(&other.settings[key]))
            && !settled(key)
        {
            let places = Conflict { first: value.place(), second: other.settings[key].place() };
            conflict(key, places, [first.name, other.name]);
        }
        merged.insert(key.clone(), value.clone());
    }
    merged
}

/// A value that layers give.
pub(super) trait Setting: Clone {
    /// Where it stands.
    fn place(&self) -> Span;
    /// Whether it is the same value, wherever it stands.
    fn same(&self, other: &Self) -> bool;
}

impl Setting for Tree {
    fn place(&self) -> Span {
        self.span
    }

    fn same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Node::List(a), Node::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b)),
            (Node::Map(a), Node::Map(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(key, value)| other.get(key).is_some_and(|found| value.same(found)))
                    && b.iter().all(|(key, _)| self.get(key).is_some())
            }
            (a, b) => a == b,
        }
    }
}

/// A setting of the engine, as words.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Words(pub(super) Sp<Vec<String>>);

impl Setting for Words {
    fn place(&self) -> Span {
        self.0.span
    }

    fn same(&self, other: &Self) -> bool {
        self.0.value == other.0.value
    }
}
