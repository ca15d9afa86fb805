//! The paths that a text or an expression reads, known before anything connects.

use std::ops::Range;

/// What a path starts from, as far as the text alone tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefBase {
    /// The names of the language.
    Root,
    /// The fields of the hosts of this path: inside `#each targets.web`, or in `pluck targets.web "vars.x"`.
    HostsOf(Vec<String>),
    /// An element of a list whose kind only the run knows: not checkable.
    Local,
}

/// One path that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Its segments; empty when the element itself is meant (`this`).
    pub path: Vec<String>,
    /// What it starts from.
    pub base: RefBase,
    /// Where it stands, in bytes of the value.
    pub range: Range<usize>,
    /// Whether null is dealt with: under `default`, `empty`, `get`, `#if`, or compared with `null`.
    pub allows_null: bool,
    /// The kind of the literal that it is compared with, in words.
    pub compared: Option<&'static str>,
}

impl Reference {
    /// The path as it is written, `outputs.see.node_id`.
    #[must_use]
    pub fn dotted(&self) -> String {
        self.path.join(".")
    }
}
