//! Which mistakes of the corpus an editor shows while one types, by their codes: those on whose line the schema says
//! something. The table is exact, so that a schema that knows less is seen.
//!
//! What a schema can know is shape: keys, types, closed lists of words, patterns, and exactly one of several. It knows nothing
//! of names that mean something elsewhere (targets, outputs, params, templates), of expressions and what is around braces, of
//! the inventory, and nothing at all of a text that is no YAML; those codes are not here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use refloat::base::diag::Diagnostics;
use refloat::base::span::SourceId;
use refloat::text::{Node, Tree, parse};

use super::{kind, validator, yaml};

/// The place of a node by its JSON pointer, and of its key where it has one.
fn places(tree: &Tree, pointer: &str) -> Vec<u32> {
    let (mut tree, mut key) = (tree, None);
    for word in pointer.split('/').skip(1) {
        let word = word.replace("~1", "/").replace("~0", "~");
        match &tree.value {
            Node::Map(entries) => match entries.iter().find(|(name, _)| name.value == word) {
                Some((name, value)) => (tree, key) = (value, Some(name.span.start)),
                None => break,
            },
            Node::List(items) => match word.parse().ok().and_then(|at: usize| items.get(at)) {
                Some(item) => (tree, key) = (item, None),
                None => break,
            },
            _ => break,
        }
    }
    [Some(tree.span.start), key].into_iter().flatten().collect()
}

/// The places of the keys of the map that begins there.
fn keys(tree: &Tree, at: u32) -> Vec<u32> {
    match &tree.value {
        Node::Map(entries) if tree.span.start == at => entries.iter().map(|(key, _)| key.span.start).collect(),
        Node::Map(entries) => entries.iter().flat_map(|(_, value)| keys(value, at)).collect(),
        Node::List(items) => items.iter().flat_map(|item| keys(item, at)).collect(),
        _ => Vec::new(),
    }
}

/// The places of a finding, and of what it is made of.
fn found(error: &ValidationError<'_>, tree: &Tree, all: &mut BTreeSet<u32>) {
    let pointer = error.instance_path().to_string();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            for name in unexpected {
                let name = name.replace('~', "~0").replace('/', "~1");
                all.extend(places(tree, &format!("{pointer}/{name}")));
            }
        }
        // which of them is too much, it cannot say
        ValidationErrorKind::OneOfMultipleValid { .. } => {
            let at = places(tree, &pointer);
            all.extend(&at);
            all.extend(keys(tree, at[0]));
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            all.extend(places(tree, &pointer));
            context.iter().flatten().for_each(|error| found(error, tree, all));
        }
        _ => all.extend(places(tree, &pointer)),
    }
}

/// The codes of mistakes of shape, and how many of their mistakes the schema says nothing of. Their number may only fall.
const SHAPE: &[(&str, usize)] = &[
    ("invalid-value", 0),
    ("missing-key", 2),
    ("no-action", 0),
    ("no-amount", 0),
    ("no-content", 0),
    ("no-fault", 0),
    ("no-guard", 0),
    ("no-such-fault", 0),
    ("param-type", 0),
    ("probe-changes", 0),
    ("sudo-method", 0),
    ("two-actions", 0),
    ("two-faults", 0),
    ("two-probes", 0),
    ("unknown-key", 1),
    ("unknown-parse", 0),
    ("unknown-value", 1),
    ("var-type", 0),
    ("wrong-type", 6),
    ("wrong-undo", 0),
];

#[test]
fn what_an_editor_shows_of_each_code() {
    let validators = BTreeMap::from(["runbook", "drill", "inventory"].map(|kind| (kind, validator(kind))));
    let mut table: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for path in yaml("tests/corpus/wrong") {
        let text = fs::read_to_string(&path).expect("a text");
        let tree = parse(SourceId(0), &text, &Diagnostics::new());
        // no YAML, or of no kind: there is nothing for a schema to look at
        let (Some(value), Some(tree)) = (super::read(&path), tree) else { continue };
        let Some(kind) = kind(&value) else { continue };
        let mut places = BTreeSet::new();
        validators[kind].iter_errors(&value).for_each(|error| found(&error, &tree, &mut places));
        let line = |at: &u32| text[..*at as usize].matches('\n').count() + 1;
        let lines: BTreeSet<usize> = places.iter().map(line).collect();
        // mistakes of this file itself
        for mistake in
            text.lines().filter_map(|line| line.strip_prefix("# wrong: ")).filter(|line| !line.contains(" in "))
        {
            let Some((code, place)) = mistake.split_once(' ') else { continue };
            let line: usize = place.split_once(':').expect("LINE:COLUMN").0.parse().expect("a number");
            let counts = table.entry(code.to_owned()).or_default();
            counts.0 += usize::from(lines.contains(&line));
            counts.1 += 1;
        }
    }
    for (code, unseen) in SHAPE {
        let (seen, all) = table.get(*code).unwrap_or_else(|| panic!("no fixture with {code} that is YAML"));
        assert_eq!(all - seen, *unseen, "{code}: {table:?}");
    }
}
