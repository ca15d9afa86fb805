//! The table of actions: the key that an author writes, and how it is decoded. A new action is one line here.

use crate::base::diag::Diagnostics;
use crate::text::Tree;

use super::aside::Aside;
use super::{Action, directory, download, file, http, link, r#move, note, pause, run, service, set};

/// A leaf of a runbook.
#[derive(Debug)]
pub enum Leaf {
    /// One that may change a host.
    Action(Box<dyn Action>),
    /// One that touches none.
    Aside(Box<dyn Aside>),
}

/// How the value under a key is decoded.
enum Decode {
    Action(fn(&Tree, &Diagnostics) -> Option<Box<dyn Action>>),
    Aside(fn(&Tree, &Diagnostics) -> Option<Box<dyn Aside>>),
}

const ACTIONS: &[(&str, Decode)] = &[
    ("directory", Decode::Action(directory::decode)),
    ("download", Decode::Action(download::decode)),
    ("file", Decode::Action(file::decode)),
    ("http", Decode::Action(http::decode)),
    ("link", Decode::Action(link::decode)),
    ("move", Decode::Action(r#move::decode)),
    ("note", Decode::Aside(note::decode)),
    ("pause", Decode::Aside(pause::decode)),
    ("run", Decode::Action(run::decode)),
    ("service", Decode::Action(service::decode)),
    ("set", Decode::Aside(set::decode)),
];

/// The keys of all actions.
pub fn keys() -> impl Iterator<Item = &'static str> {
    ACTIONS.iter().map(|(key, _)| *key)
}

/// Decodes the action under a key. `None` when a mistake was recorded or the key is no action's.
pub fn decode(key: &str, tree: &Tree, diags: &Diagnostics) -> Option<Leaf> {
    let (_, decode) = ACTIONS.iter().find(|(name, _)| *name == key)?;
    match decode {
        Decode::Action(decode) => decode(tree, diags).map(Leaf::Action),
        Decode::Aside(decode) => decode(tree, diags).map(Leaf::Aside),
    }
}
