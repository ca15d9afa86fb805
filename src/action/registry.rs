//! The table of actions: the key that an author writes, and how it is decoded. A new action is one line here.

use crate::base::diag::Diagnostics;
use crate::text::Tree;

use super::{Action, download, file, r#move, run, service};

type Decode = fn(&Tree, &Diagnostics) -> Option<Box<dyn Action>>;

const ACTIONS: &[(&str, Decode)] = &[
    ("download", download::decode),
    ("file", file::decode),
    ("move", r#move::decode),
    ("run", run::decode),
    ("service", service::decode),
];

/// The keys of all actions.
pub fn keys() -> impl Iterator<Item = &'static str> {
    ACTIONS.iter().map(|(key, _)| *key)
}

/// Decodes the action under a key. `None` when a mistake was recorded or the key is no action's.
pub fn decode(key: &str, tree: &Tree, diags: &Diagnostics) -> Option<Box<dyn Action>> {
    let (_, decode) = ACTIONS.iter().find(|(name, _)| *name == key)?;
    decode(tree, diags)
}
