//! Taking a map apart by its keys, for places where two vocabularies share one map (a guard and its probe, a step and
//! its action).

use crate::base::span::Span;

use super::tree::{Node, Tree};

/// The entries of a map with these keys, and those without. Both keep the map's span; anything but a map is in both.
#[must_use]
pub fn split(tree: &Tree, keys: &[&str]) -> (Tree, Tree) {
    let Node::Map(entries) = &tree.value else { return (tree.clone(), tree.clone()) };
    let (with, without) = entries.iter().cloned().partition(|(key, _)| keys.contains(&key.value.as_str()));
    (Tree::new(Node::Map(with), tree.span), Tree::new(Node::Map(without), tree.span))
}

/// Where a map begins: its first key. A caret under a whole step would be a page long.
#[must_use]
pub fn head(tree: &Tree) -> Span {
    match &tree.value {
        Node::Map(entries) => entries.first().map_or(tree.span, |(key, _)| key.span),
        _ => tree.span,
    }
}

/// Where a key of a map stands.
#[must_use]
pub fn key_span(tree: &Tree, key: &str) -> Option<Span> {
    match &tree.value {
        Node::Map(entries) => entries.iter().find(|(k, _)| k.value == key).map(|(k, _)| k.span),
        _ => None,
    }
}
