//! What the files say now that a stored plan was made of, where that is something else than what is stored. Pure.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::params::Static;
use super::stored::StoredHost;
use super::{Plan, Stored};
use crate::base::digest::Digest;
use crate::base::span::Sources;
use crate::inventory::Inventory;
use crate::runbook::{Runbook, Templates};

/// At most so many lines are told of one text.
const SHOWN: usize = 12;

/// Texts that are longer are not compared line by line, but as wholes.
const COMPARED: usize = 1_000_000;

/// The files as they are now. What cannot be read as what it was is none.
#[derive(Clone, Copy)]
pub struct Now<'a> {
    /// The text of the runbook.
    pub text: &'a str,
    /// The runbook and what lies beside it.
    pub runbook: Option<(&'a Runbook, &'a Templates)>,
    /// The inventory.
    pub inventory: Option<&'a Inventory>,
}

/// One text that is another one now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// What it is.
    pub what: String,
    /// The lines that went, after a `-`, and those that came, after a `+`.
    pub lines: Vec<String>,
}

/// What is another text now than what is stored.
#[must_use]
pub fn drift(plan: &Plan, now: Now<'_>, sources: &Sources) -> Vec<Drift> {
    let then = plan.kept();
    let (before, after) = (stored(&then), current(plan, &then, now, sources));
    let both = before.iter().filter_map(|(what, old)| {
        let new = after.get(what)?;
        (old != new).then(|| Drift { what: what.clone(), lines: shown(old, new) })
    });
    let new = after.iter().filter(|(what, _)| !before.contains_key(*what));
    both.chain(new.map(|(what, new)| Drift { what: what.clone(), lines: shown("", new) })).collect()
}

/// The texts of a plan, each under what it is.
type Texts = IndexMap<String, String>;

fn stored(then: &Stored) -> Texts {
    let mut texts = Texts::from([(runbook(&then.runbook), then.text.clone())]);
    texts.extend(then.parts.iter().map(|(name, text)| (runbook(name), text.clone())));
    texts.extend(then.templates.iter().map(|(name, text)| (template(name), text.clone())));
    texts.extend(then.files.iter().map(|(name, file)| (self::file(name), content(&file.bytes().unwrap_or_default()))));
    texts.extend(told(then).map(|(name, stored)| (host(name), said(stored))));
    texts.extend(then.targets.iter().map(|(name, hosts)| (target(name), hosts.join("\n"))));
    texts
}

/// The same of the files. What they do not say any more is not named, since the text that named it shows that.
fn current(plan: &Plan, then: &Stored, now: Now<'_>, sources: &Sources) -> Texts {
    let mut texts = Texts::from([(runbook(&then.runbook), now.text.to_owned())]);
    if let Some((book, templates)) = now.runbook {
        let parts = book.parts().map(|(_, uses, part)| (&uses.runbook.value, part));
        texts.extend(
            parts.map(|(name, part)| (runbook(name), sources.get(part.name.span.source).text.as_ref().to_owned())),
        );
        let found = templates.texts.iter();
        texts.extend(found.map(|(name, source)| (template(name), sources.get(*source).text.as_ref().to_owned())));
        texts.extend(templates.files.iter().map(|(name, bytes)| (file(name), content(bytes))));
    }
    if let Some(inventory) = now.inventory {
        texts.extend(told(then).map(|(name, _)| {
            let found = inventory.host(name).map(|host| said(&StoredHost::new(host, &plan.runbook)));
            (host(name), found.unwrap_or_default())
        }));
        let mut targets = plan.targets.clone();
        for (name, of) in &plan.runbook.targets {
            let found = of.selector.resolve(&Static { inventory, targets: &targets }).unwrap_or_default();
            let names: Vec<String> = found.iter().map(ToString::to_string).collect();
            texts.insert(target(name), names.join("\n"));
            targets.insert(name.clone(), found);
        }
    }
    texts
}

/// The hosts of which something is stored.
fn told(then: &Stored) -> impl Iterator<Item = (&String, &StoredHost)> {
    then.hosts.iter().filter(|(_, stored)| !stored.only_named)
}

fn runbook(name: &str) -> String {
    format!("runbook {name}")
}

fn template(name: &str) -> String {
    format!("template {name}")
}

fn file(name: &str) -> String {
    format!("file {name}")
}

fn host(name: &str) -> String {
    format!("the inventory of {name}")
}

fn target(name: &str) -> String {
    format!("the hosts of {name}")
}

/// A file as text; of what is none, its digest.
pub(super) fn content(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes)
        .map_or_else(|_| format!("{} bytes, {}", bytes.len(), Digest::of(bytes).short()), str::to_owned)
}

/// What the inventory says of a host, each value in a line.
fn said(host: &StoredHost) -> String {
    let mut lines = BTreeSet::new();
    lay_out("", &serde_json::to_value(host).unwrap_or_default(), &mut lines);
    lines.into_iter().collect::<Vec<_>>().join("\n")
}

pub(super) fn lay_out(path: &str, value: &serde_json::Value, lines: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Null => {}
        serde_json::Value::Object(map) => {
            let dot = if path.is_empty() { "" } else { "." };
            map.iter().for_each(|(name, value)| lay_out(&format!("{path}{dot}{name}"), value, lines));
        }
        serde_json::Value::String(text) => drop(lines.insert(format!("{path}: {text}"))),
        other => drop(lines.insert(format!("{path}: {other}"))),
    }
}

pub(super) fn shown(old: &str, new: &str) -> Vec<String> {
    let mut lines = diff(old, new);
    let more = lines.len().saturating_sub(SHOWN);
    if more > 0 {
        // of both sides, since one alone says nothing
        let went = lines.iter().filter(|line| line.starts_with('-')).count();
        let came = lines.len() - went;
        let mut went = went.min(SHOWN - came.min(SHOWN / 2));
        let mut came = SHOWN - went;
        lines.retain(|line| {
            let left = if line.starts_with('-') { &mut went } else { &mut came };
            let kept = *left > 0;
            *left -= usize::from(kept);
            kept
        });
        lines.push(format!("… and {more} more lines"));
    }
    lines
}

/// The lines that went and those that came, in order.
fn diff(old: &str, new: &str) -> Vec<String> {
    let (mut old, mut new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    old.drain(..same);
    new.drain(..same);
    let same = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    old.truncate(old.len() - same);
    new.truncate(new.len() - same);
    if old.len().saturating_mul(new.len()) > COMPARED {
        return old.iter().map(|line| format!("- {line}")).chain(new.iter().map(|line| format!("+ {line}"))).collect();
    }
    // how many lines the rests from here on have in common
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            common[a][b] =
                if old[a] == new[b] { common[a + 1][b + 1] + 1 } else { common[a + 1][b].max(common[a][b + 1]) };
        }
    }
    let (mut a, mut b, mut lines) = (0, 0, Vec::new());
    while a < old.len() || b < new.len() {
        if a < old.len() && b < new.len() && old[a] == new[b] {
            (a, b) = (a + 1, b + 1);
        } else if b == new.len() || a < old.len() && common[a + 1][b] >= common[a][b + 1] {
            lines.push(format!("- {}", old[a]));
            a += 1;
        } else {
            lines.push(format!("+ {}", new[b]));
            b += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lines_that_went_and_came_are_told() {
        for (old, new, expected) in [
            ("a\nb\nc\n", "a\nb\nc\n", vec![]),
            ("a\nb\nc\n", "a\nx\nc\n", vec!["- b", "+ x"]),
            ("a\nb\nc\nd\n", "a\nc\ne\nd\n", vec!["- b", "+ e"]),
            ("", "a\n", vec!["+ a"]),
            ("a\n", "", vec!["- a"]),
            ("a\nb\na\n", "b\na\nb\n", vec!["- a", "+ b"]),
        ] {
            assert_eq!(diff(old, new), expected, "{old:?} {new:?}");
        }
    }

    #[test]
    fn a_long_difference_is_cut_and_says_so() {
        let long = (0..40).map(|n| n.to_string()).collect::<Vec<_>>().join("\n");
        let lines = shown("", &long);
        assert_eq!((lines.len(), lines[SHOWN].as_str()), (SHOWN + 1, "… and 28 more lines"));
        let lines = shown(&long, &long.replace('1', "one").replace('0', "none"));
        let signs: String = lines.iter().filter_map(|line| line.chars().next()).collect();
        assert_eq!((signs.matches('-').count(), signs.matches('+').count(), signs.matches('…').count()), (6, 6, 1));
        let huge = (0..2_000).map(|n| n.to_string()).collect::<Vec<_>>().join("\n");
        assert_eq!(diff(&huge, &huge.replace('1', "x").replace('0', "y")).len() % 2, 0);
    }

    #[test]
    fn a_file_that_is_no_text_is_told_by_its_digest() {
        assert_eq!(content(b"plain"), "plain");
        assert!(content(b"\xff\xfe").starts_with("2 bytes, "));
    }
}
