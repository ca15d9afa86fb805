//! What one decoding remembers between its rounds: the nodes taken out, and the findings.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use super::error::{Error, Parts};
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::nearest::nearest;
use crate::base::span::Span;
use crate::text::tree::{Node, Sp, Tree};

/// Findings of one text; what is beyond them is not looked for.
const MAX_FINDINGS: usize = 200;
/// Rounds of one text: more than its findings, since consequences need rounds too.
const MAX_ROUNDS: usize = 2_000;

/// The identity of a node within one decoding: its address in the borrowed tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NodeId(usize);

impl NodeId {
    pub(super) fn of(tree: &Tree) -> Self {
        Self(std::ptr::from_ref(tree) as usize)
    }
}

#[derive(Debug, Default)]
pub(super) struct State<'a> {
    taken: RefCell<HashSet<NodeId>>,
    /// Required keys that are missing: reported, and from then on they have a stand-in.
    filled: RefCell<HashSet<(NodeId, &'static str)>>,
    /// Keys of another vocabulary that shares the map at the root.
    beside: Option<(NodeId, &'a [&'a str])>,
    /// What is reported already: rounds see the same unknown keys again.
    seen: RefCell<HashSet<(Span, String)>>,
    found: RefCell<Vec<Diagnostic>>,
    /// Keys that were meant by unknown ones: they are not missing as well.
    meant: RefCell<HashSet<(NodeId, String)>>,
    too_many: Cell<bool>,
}

impl<'a> State<'a> {
    pub(super) fn new(root: &Tree, beside: &'a [&'a str]) -> Self {
        Self { beside: Some((NodeId::of(root), beside)), ..Self::default() }
    }

    /// The keys of a struct that have a stand-in.
    pub(super) fn fills(&self, tree: &Tree) -> Vec<&'static str> {
        let node = NodeId::of(tree);
        self.filled.borrow().iter().filter(|(of, _)| *of == node).map(|(_, key)| *key).collect()
    }

    pub(super) fn is_taken(&self, tree: &Tree) -> bool {
        self.taken.borrow().contains(&NodeId::of(tree))
    }

    /// Whether something directly in this node was taken out; of a map, under `key` if one is given.
    pub(super) fn is_hurt(&self, tree: &Tree, key: Option<&str>) -> bool {
        match &tree.value {
            Node::List(items) => items.iter().any(|item| self.is_taken(item)),
            Node::Map(entries) => {
                entries.iter().any(|(k, v)| key.is_none_or(|wanted| wanted == k.value) && self.is_taken(v))
            }
            _ => false,
        }
    }

    pub(super) fn push(&self, diagnostic: Diagnostic) {
        let mut found = self.found.borrow_mut();
        if !self.seen.borrow_mut().insert((diagnostic.span.unwrap_or_default(), diagnostic.message.clone())) {
            return;
        }
        if found.len() < MAX_FINDINGS {
            found.push(diagnostic);
        } else {
            self.too_many.set(true);
        }
    }

    /// Records an error and takes its node out. `false` when there is nothing left to decode.
    pub(super) fn take_out(&self, root: &Tree, error: Error) -> bool {
        let Parts { node, missing, finding } = error.into_parts(root);
        let meant = missing.is_some_and(|key| self.meant.borrow().contains(&(node, key.to_owned())));
        if let Some(finding) = finding.filter(|_| !meant) {
            self.push(finding);
        }
        let rounds = self.taken.borrow().len() + self.filled.borrow().len() + 1;
        if rounds >= MAX_ROUNDS {
            self.too_many.set(true);
        }
        if let Some(key) = missing
            && self.filled.borrow_mut().insert((node, key))
        {
            return !self.too_many.get();
        }
        let new = self.taken.borrow_mut().insert(node);
        new && node != NodeId::of(root) && !self.too_many.get()
    }

    pub(super) fn hand_over(self, root: Span, diags: &Diagnostics) {
        let found = self.found.into_inner();
        let last = Span { start: root.end, ..root };
        for finding in found {
            diags.push(finding);
        }
        if self.too_many.get() {
            let message = format!("more than {MAX_FINDINGS} mistakes: the rest of this text was not looked at");
            diags.push(Diagnostic::error("too-many-mistakes", last, message));
        }
    }

    /// The entries of a map without duplicates (the first counts) and without what was taken out.
    pub(super) fn entries<'t>(&self, entries: &'t [(Sp<String>, Tree)]) -> Vec<&'t (Sp<String>, Tree)> {
        let mut first: std::collections::HashMap<&str, Span> = std::collections::HashMap::with_capacity(entries.len());
        let mut kept = Vec::with_capacity(entries.len());
        for entry in entries {
            let (key, value) = entry;
            if let Some(before) = first.get(key.value.as_str()) {
                self.push(
                    Diagnostic::error("duplicate-key", key.span, format!("`{}` is written twice", key.value))
                        .label("the second one")
                        .and(*before, "the first one"),
                );
                continue;
            }
            first.insert(&key.value, key.span);
            if !self.is_taken(value) {
                kept.push(entry);
            }
        }
        kept
    }

    /// An entry under a key that is not one of `known`.
    pub(super) fn unknown_key(&self, of: &Tree, key: &Sp<String>, value: &Tree, known: &[&str]) {
        let beside = self.beside.filter(|(node, _)| *node == NodeId::of(of)).map_or(&[][..], |(_, beside)| beside);
        let known = &[known, beside].concat();
        let mut finding = Diagnostic::error("unknown-key", key.span, format!("unknown key `{}`", key.value));
        // `{ a: b, c, d: e }`: the author meant the text `b, c`; such a key has neither colon nor value
        let broken = value.value == Node::Null && value.span.start == key.span.end && value.span.end == key.span.end;
        if broken {
            finding = finding
                .label("taken for a key")
                .help("inside `{ }` a comma ends the value: quote the text that contains it");
        } else {
            if let Some(near) = nearest(&key.value, known.iter().copied()) {
                self.meant.borrow_mut().insert((NodeId::of(of), near.to_owned()));
            }
            finding = finding.maybe_help(hint(&key.value, known));
        }
        self.push(finding);
    }
}

/// The nearest name, else the choice when it is short.
pub(super) fn hint(wrong: &str, known: &[&str]) -> Option<String> {
    if let Some(name) = nearest(wrong, known.iter().copied()) {
        return Some(format!("did you mean `{name}`?"));
    }
    (1..=12).contains(&known.len()).then(|| format!("known here: {}", listed(known)))
}

/// "`a`, `b`".
pub(super) fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
