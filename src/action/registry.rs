//! The table of actions: each says itself how it is written, decoded and explained.

use schemars::{Schema, SchemaGenerator};

use crate::base::diag::Diagnostics;
use crate::text::Tree;

use super::aside::Aside;
use super::{ACTIONS, Action};

/// A leaf of a runbook.
#[derive(Debug)]
pub enum Leaf {
    /// One that may change a host.
    Action(Box<dyn Action>),
    /// One that touches none.
    Aside(Box<dyn Aside>),
}

/// What an action says of itself.
#[derive(Debug)]
pub struct Entry {
    /// The key under which an author writes it.
    pub key: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// What it means to do it again.
    pub effect: &'static str,
    /// A step with it, which is valid.
    pub example: &'static str,
    /// The schema of its value.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// How its value is decoded.
    pub(super) decode: Decode,
}

/// How the value under a key is decoded.
#[derive(Debug)]
pub(super) enum Decode {
    Action(fn(&Tree, &Diagnostics) -> Option<Box<dyn Action>>),
    Aside(fn(&Tree, &Diagnostics) -> Option<Box<dyn Aside>>),
}

/// All actions.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    ACTIONS.iter()
}

/// The keys of all actions.
pub fn keys() -> impl Iterator<Item = &'static str> {
    ACTIONS.iter().map(|entry| entry.key)
}

/// Whether a key is an action's that works on a host.
#[must_use]
pub fn is_on_hosts(key: &str) -> bool {
    ACTIONS.iter().any(|entry| entry.key == key && matches!(entry.decode, Decode::Action(_)))
}

/// Decodes the action under a key. `None` when a mistake was recorded or the key is no action's.
pub fn decode(key: &str, tree: &Tree, diags: &Diagnostics) -> Option<Leaf> {
    let entry = ACTIONS.iter().find(|entry| entry.key == key)?;
    match entry.decode {
        Decode::Action(decode) => decode(tree, diags).map(Leaf::Action),
        Decode::Aside(decode) => decode(tree, diags).map(Leaf::Aside),
    }
}
