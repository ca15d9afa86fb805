//! From what is written to what is meant: ranges expanded, groups closed, layers merged, and every contradiction found.

mod groups;
mod resolve;

use std::cell::RefCell;
use std::collections::HashSet;
use std::path::PathBuf;

use indexmap::IndexMap;

use super::connect;
use super::file::{File, HostEntry, SimpleHost};
use super::layers::Words;
use super::model::{HostName, is_name};
use super::range::Range;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::text::{Sp, Tree, is_snake};

/// One file and the folder that its relative paths begin at.
pub(super) struct Part {
    pub(super) file: File,
    pub(super) folder: PathBuf,
}

/// A host before its layers are merged.
struct Draft {
    span: Span,
    number: Option<u64>,
    entry: HostEntry,
    connect: IndexMap<String, Words>,
}

/// A group before it is closed. Files may add to each other's groups.
#[derive(Default)]
struct GroupDraft {
    span: Span,
    hosts: Vec<Sp<String>>,
    children: Vec<Sp<String>>,
    vars: IndexMap<String, Tree>,
    connect: IndexMap<String, Words>,
    /// The groups that hold this one, directly or not.
    ancestors: HashSet<String>,
    /// Its hosts, those of the groups in it included.
    members: HashSet<HostName>,
}

/// Collects the parts.
pub(super) struct Builder<'a> {
    diags: &'a Diagnostics,
    names: Vec<Sp<String>>,
    vars: IndexMap<String, Tree>,
    connect: IndexMap<String, Words>,
    hosts: IndexMap<HostName, Draft>,
    groups: IndexMap<String, GroupDraft>,
    conflicts: RefCell<HashSet<(Span, Span)>>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(diags: &'a Diagnostics) -> Self {
        Self {
            diags,
            names: Vec::new(),
            vars: IndexMap::new(),
            connect: IndexMap::new(),
            hosts: IndexMap::new(),
            groups: IndexMap::new(),
            conflicts: RefCell::default(),
        }
    }

    pub(super) fn add(&mut self, part: Part) {
        let Part { file, folder } = part;
        self.names.extend(file.inventory);
        let vars = self.snake(file.vars);
        put_vars(&mut self.vars, vars, self.diags);
        if let Some(entry) = &file.connect {
            let settings = connect::settings(entry, &folder, self.diags);
            put_settings(&mut self.connect, settings, self.diags);
        }
        for (name, entry) in file.hosts {
            let settings =
                entry.connect.as_ref().map(|c| connect::settings(c, &folder, self.diags)).unwrap_or_default();
            self.add_hosts(&name, &entry, &settings);
        }
        for (name, entry) in file.groups {
            if !self.may_be_called(&name.value, name.span) {
                continue;
            }
            let settings =
                entry.connect.as_ref().map(|c| connect::settings(c, &folder, self.diags)).unwrap_or_default();
            let vars = self.snake(entry.vars);
            let draft =
                self.groups.entry(name.value).or_insert_with(|| GroupDraft { span: name.span, ..Default::default() });
            draft.hosts.extend(entry.hosts);
            draft.children.extend(entry.children);
            put_vars(&mut draft.vars, vars, self.diags);
            put_settings(&mut draft.connect, settings, self.diags);
        }
    }

    pub(super) fn add_simple(&mut self, hosts: &IndexMap<Sp<String>, SimpleHost>) {
        for (name, simple) in hosts {
            let entry = HostEntry { address: simple.address.clone(), vars: simple.vars.clone(), ..Default::default() };
            self.add_hosts(name, &entry, &IndexMap::new());
            for group in &simple.groups {
                if self.may_be_called(&group.value, group.span) {
                    let draft = self.groups.entry(group.value.clone());
                    let draft = draft.or_insert_with(|| GroupDraft { span: group.span, ..Default::default() });
                    draft.hosts.push(name.clone());
                }
            }
        }
    }

    fn add_hosts(&mut self, name: &Sp<String>, entry: &HostEntry, connect: &IndexMap<String, Words>) {
        let names: Vec<(String, Option<u64>)> = match Range::parse(name) {
            Ok(Some(range)) => range.names().map(|(name, n)| (name, Some(n))).collect(),
            Ok(None) => vec![(name.value.clone(), None)],
            Err(error) => {
                self.diags.push(Diagnostic::error("bad-range", name.span, error.to_string()));
                return;
            }
        };
        let entry = HostEntry { vars: self.snake(entry.vars.clone()).into_iter().collect(), ..entry.clone() };
        for (host, number) in names {
            if !self.may_be_called(&host, name.span) {
                return;
            }
            if let Some(before) = self.hosts.get(host.as_str()) {
                self.diags.push(
                    Diagnostic::error("duplicate-host", name.span, format!("the host `{host}` is defined twice"))
                        .label("the second time")
                        .and(before.span, "the first time"),
                );
                continue;
            }
            let draft = Draft { span: name.span, number, entry: entry.clone(), connect: connect.clone() };
            self.hosts.insert(HostName::new(host), draft);
        }
    }

    /// Names go into selectors, folders and command lines.
    fn may_be_called(&self, name: &str, span: Span) -> bool {
        if matches!(name, "controller" | "all") {
            let meaning = if name == "all" { "every host" } else { "this machine" };
            let message = format!("`{name}` always means {meaning}");
            self.diags.push(Diagnostic::error("reserved-name", span, message).help("choose another name"));
            return false;
        }
        let fine = is_name(name);
        if !fine {
            let message =
                format!("`{name}` cannot be a name: letters, digits, `-`, `_` and `.`, a letter or digit first");
            self.diags.push(Diagnostic::error("bad-name", span, message));
        }
        fine
    }

    /// Vars are used as variables.
    fn snake(&self, vars: IndexMap<Sp<String>, Tree>) -> IndexMap<Sp<String>, Tree> {
        for name in vars.keys().filter(|name| !is_snake(name)) {
            self.diags.push(
                Diagnostic::error("not-snake-case", name.span, format!("`{}` cannot be the name of a var", name.value))
                    .help("lower-case letters, digits and single underscores, a letter first"),
            );
        }
        vars
    }
}

/// What several files say of the inventory or of one group must not contradict.
fn put_vars(into: &mut IndexMap<String, Tree>, vars: IndexMap<Sp<String>, Tree>, diags: &Diagnostics) {
    for (name, value) in vars {
        if let Some(before) = into.get(&name.value) {
            diags.push(
                Diagnostic::error("duplicate-key", name.span, format!("`{}` is given twice", name.value))
                    .and(before.span, "the first one"),
            );
        } else {
            into.insert(name.value, value);
        }
    }
}

fn put_settings(into: &mut IndexMap<String, Words>, settings: IndexMap<String, Words>, diags: &Diagnostics) {
    for (name, words) in settings {
        if let Some(before) = into.get(&name) {
            diags.push(
                Diagnostic::error("duplicate-key", words.0.span, format!("`{name}` is given twice"))
                    .and(before.0.span, "the first one"),
            );
        } else {
            into.insert(name, words);
        }
    }
}

#[cfg(test)]
mod tests;
