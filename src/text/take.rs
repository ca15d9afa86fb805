//! Taking a map apart by its keys, for places where two vocabularies share one map (a guard and its probe, a step and
//! its action).

use crate::base::nearest::nearest;
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

/// Whether a map lacks a key and has one that is meant for it: a slip in its name, reported as an unknown key.
#[must_use]
pub fn is_slip(tree: &Tree, key: &str, beside: &[&str]) -> bool {
    let Node::Map(entries) = &tree.value else { return false };
    let known = |word: &str| word == key || beside.contains(&word);
    let meant = |word: &str| !known(word) && nearest(word, beside.iter().copied().chain([key])) == Some(key);
    key_span(tree, key).is_none() && entries.iter().any(|(word, _)| meant(&word.value))
}

/// Where a key of a map stands.
#[must_use]
pub fn key_span(tree: &Tree, key: &str) -> Option<Span> {
    match &tree.value {
        Node::Map(entries) => entries.iter().find(|(k, _)| k.value == key).map(|(k, _)| k.span),
        _ => None,
    }
}
