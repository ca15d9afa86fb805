//! From what is written to what is meant: ranges expanded, groups closed, layers merged, and every contradiction found.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use globset::Glob;
use indexmap::IndexMap;

use super::connect;
use super::file::{File, HostEntry, SimpleHost};
use super::layers::{self, Layer, Words};
use super::model::{Group, Host, HostName, Inventory, Via};
use super::range::Range;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::nearest::nearest;
use crate::base::span::Span;
use crate::text::{Node, Sp, Tree, is_snake};

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
        let fine = name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
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

    /// The inventory. `end` is a place for what is missing.
    pub(super) fn finish(self, end: Span) -> Inventory {
        let mut names: Vec<&str> = self.names.iter().map(|name| name.value.as_str()).collect();
        names.dedup();
        let name = names.join("+");
        if name.is_empty() {
            let at = Span { end: end.start, ..end };
            self.diags.push(
                Diagnostic::error("missing-key", at, "missing key `inventory`")
                    .help("begin with its name: `inventory: production`"),
            );
        }
        self.finish_named(&name)
    }

    pub(super) fn finish_named(mut self, name: &str) -> Inventory {
        self.check_names();
        self.link_children();
        self.find_members();
        let hosts: IndexMap<HostName, Host> =
            self.hosts.iter().map(|(name, draft)| (name.clone(), self.host(name, draft))).collect();
        self.check_addresses(&hosts);
        let groups = self.groups.iter().map(|(name, draft)| (name.clone(), self.group(name, draft))).collect();
        Inventory { name: name.to_owned(), hosts, groups }
    }

    fn check_names(&self) {
        for (name, group) in &self.groups {
            if let Some(host) = self.hosts.get(name.as_str()) {
                self.diags.push(
                    Diagnostic::error("ambiguous-name", group.span, format!("`{name}` is a host and a group"))
                        .label("the group")
                        .and(host.span, "the host"),
                );
            }
        }
    }

    /// Removes children that are unknown or would close a circle, then collects every group's ancestors.
    fn link_children(&mut self) {
        let known: Vec<String> = self.groups.keys().cloned().collect();
        let mut parents: HashMap<String, Vec<String>> = HashMap::new();
        for parent in &known {
            let children = std::mem::take(&mut self.groups[parent].children);
            let mut kept = Vec::new();
            for child in children {
                if !self.groups.contains_key(&child.value) {
                    let help = nearest(&child.value, known.iter().map(String::as_str));
                    let message = format!("there is no group `{}`", child.value);
                    let help = help.map(|name| format!("did you mean `{name}`?"));
                    self.diags.push(Diagnostic::error("unknown-group", child.span, message).maybe_help(help));
                } else if child.value == *parent || ancestors(&parents, parent).contains(&child.value) {
                    let message = format!("the group `{parent}` would hold itself");
                    let circle = Diagnostic::error("group-circle", child.span, message);
                    self.diags.push(circle.and(self.groups[&child.value].span, "this group"));
                } else {
                    parents.entry(child.value.clone()).or_default().push(parent.clone());
                    kept.push(child);
                }
            }
            self.groups[parent].children = kept;
        }
        for (name, group) in &mut self.groups {
            group.ancestors = ancestors(&parents, name);
        }
    }

    fn find_members(&mut self) {
        let mut inherited = Vec::new();
        for group in self.groups.values_mut() {
            for pattern in &group.hosts {
                members(pattern, &self.hosts, &mut group.members, self.diags);
            }
            inherited.extend(group.ancestors.iter().map(|name| (name.clone(), group.members.clone())));
        }
        for (ancestor, members) in inherited {
            self.groups[&ancestor].members.extend(members);
        }
    }

    fn group(&self, name: &str, draft: &GroupDraft) -> Group {
        Group {
            name: Sp::new(name.to_owned(), draft.span),
            hosts: self.hosts.keys().filter(|host| draft.members.contains(*host)).cloned().collect(),
            children: draft.children.clone(),
        }
    }

    fn host(&self, name: &HostName, draft: &Draft) -> Host {
        let groups = self.groups.iter().filter(|(_, group)| group.members.contains(name));
        let groups: Vec<&str> = groups.map(|(group, _)| group.as_str()).collect();
        let own: IndexMap<String, Tree> = draft.entry.vars.iter().map(|(k, v)| (k.value.clone(), v.clone())).collect();

        let layers: Vec<_> = groups.iter().map(|group| self.layer(group, |draft| &draft.vars)).collect();
        let mut vars = self.vars.clone();
        vars.extend(layers::merge(
            &layers,
            |key| own.contains_key(key),
            |key, at, by| self.conflict(name, key, &at, by),
        ));
        vars.extend(own.into_iter().map(|(key, value)| (key, numbered(value, draft.number))));

        let layers: Vec<_> = groups.iter().map(|group| self.layer(group, |draft| &draft.connect)).collect();
        let mut settings = self.connect.clone();
        settings.extend(layers::merge(
            &layers,
            |key| draft.connect.contains_key(key),
            |key, at, by| self.conflict(name, key, &at, by),
        ));
        settings.extend(draft.connect.clone());
        self.check_settings(&settings);

        let address =
            draft.entry.address.as_ref().map_or_else(|| name.to_string(), |a| self.fill(a, draft, name, name));
        let safe = !address.is_empty()
            && !address.starts_with('-')
            && !address.contains(|c: char| c.is_whitespace() || c.is_control());
        if !safe {
            let at = draft.entry.address.as_ref().map_or(draft.span, |a| a.span);
            self.diags.push(Diagnostic::error("bad-address", at, format!("`{address}` is not an address")));
        }
        let connect = connect::typed(&settings, |text| self.fill(text, draft, name, &address));
        let user = draft.entry.user.as_ref().map(|user| self.fill(user, draft, name, &address));
        Host {
            name: name.clone(),
            span: draft.span,
            address,
            user: user.or_else(|| connect.user.clone()),
            port: draft.entry.port.map(|port| port.value).or(connect.port),
            connect,
            groups: groups.into_iter().map(str::to_owned).collect(),
            vars,
        }
    }

    fn layer<'b, T>(
        &'b self,
        group: &'b str,
        settings: impl Fn(&'b GroupDraft) -> &'b IndexMap<String, T>,
    ) -> Layer<'b, T> {
        let draft = &self.groups[group];
        Layer { ancestors: &draft.ancestors, name: group, settings: settings(draft) }
    }

    fn conflict(&self, host: &HostName, key: &str, at: &layers::Conflict, by: [&str; 2]) {
        // once for all hosts that are in both groups
        if !self.conflicts.borrow_mut().insert((at.first, at.second)) {
            return;
        }
        let [first, second] = by;
        let message = format!("`{key}` of `{host}` has two values: it is in the groups `{first}` and `{second}`");
        self.diags.push(
            Diagnostic::error("group-conflict", at.second, message)
                .label(format!("by `{second}`"))
                .and(at.first, format!("by `{first}`"))
                .help("give the host its own value, or put one group into the other"),
        );
    }

    fn check_settings(&self, settings: &IndexMap<String, Words>) {
        let is_exec = settings.get("via").is_some_and(|via| via.0.value == ["exec"]);
        match (is_exec, settings.get("via"), settings.get("command")) {
            (true, Some(via), None) => {
                self.diags.push(Diagnostic::error("missing-key", via.0.span, "`via: exec` needs a `command`"));
            }
            (false, _, Some(command)) => {
                let message = "a `command` is only used by `via: exec`";
                self.diags.push(Diagnostic::error("unused-command", command.0.span, message));
            }
            _ => {}
        }
    }

    /// Fills `{{n}}`, and in settings `{{name}}` and `{{address}}`; nothing else can stand in braces here.
    fn fill(&self, text: &Sp<String>, draft: &Draft, name: &str, address: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text.value.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((word, behind)) = after.split_once("}}") else { break };
            filled.push_str(before);
            match (word.trim(), draft.number) {
                ("n", Some(n)) => filled.push_str(&n.to_string()),
                ("n", None) => {
                    let message = "`{{n}}` is the number of a range, and this host is none";
                    self.diags.push(Diagnostic::error("no-number", text.span, message).and(draft.span, "the host"));
                }
                ("name", _) => filled.push_str(name),
                ("address", _) => filled.push_str(address),
                (other, _) => {
                    let message = format!("`{{{{{other}}}}}` is not known here");
                    self.diags.push(
                        Diagnostic::error("unknown-name", text.span, message)
                            .help("only `{{n}}`, `{{name}}` and `{{address}}` are"),
                    );
                }
            }
            rest = behind;
        }
        filled.push_str(rest);
        filled
    }

    /// The same machine under two names would be stopped twice, or counted twice in a quorum.
    fn check_addresses(&self, hosts: &IndexMap<HostName, Host>) {
        let mut seen: HashMap<(Via, String, u16), &Host> = HashMap::new();
        for host in hosts.values() {
            let key = match host.connect.via {
                Via::Local => (Via::Local, String::new(), 0),
                Via::Exec => (Via::Exec, host.connect.command.join("\u{0}"), 0),
                Via::Ssh => (Via::Ssh, host.address.to_ascii_lowercase(), host.port.unwrap_or(22)),
            };
            let Some(before) = seen.insert(key, host) else { continue };
            let how = match host.connect.via {
                Via::Local => "both are this machine".to_owned(),
                Via::Exec => "both have the same command".to_owned(),
                Via::Ssh => format!("both have the address {}", host.address),
            };
            let message = format!("`{}` and `{}` are the same machine: {how}", before.name, host.name);
            let place = |host: &Host| self.hosts[&host.name].entry.address.as_ref().map_or(host.span, |a| a.span);
            let found = Diagnostic::error("same-machine", place(host), message);
            self.diags.push(if place(before) == place(host) {
                found.help("a range needs `{{n}}` in its address")
            } else {
                found.and(place(before), "the other one")
            });
        }
    }
}

fn ancestors(parents: &HashMap<String, Vec<String>>, of: &str) -> HashSet<String> {
    let mut found = HashSet::new();
    let mut open = vec![of];
    while let Some(name) = open.pop() {
        for parent in parents.get(name).into_iter().flatten() {
            if found.insert(parent.clone()) {
                open.push(parent);
            }
        }
    }
    found
}

/// The hosts that a name, range or glob in a group stands for.
fn members(pattern: &Sp<String>, hosts: &IndexMap<HostName, Draft>, into: &mut HashSet<HostName>, diags: &Diagnostics) {
    let unknown = |name: &str| {
        let help = nearest(name, hosts.keys().map(HostName::as_str)).map(|near| format!("did you mean `{near}`?"));
        diags.push(
            Diagnostic::error("unknown-host", pattern.span, format!("there is no host `{name}`"))
                .help("every host is defined once under `hosts`")
                .maybe_help(help),
        );
    };
    if pattern.contains(['*', '?']) {
        let Ok(glob) = Glob::new(pattern) else {
            diags.push(Diagnostic::error("bad-glob", pattern.span, format!("`{}` is not a pattern", pattern.value)));
            return;
        };
        let glob = glob.compile_matcher();
        let found: Vec<_> = hosts.keys().filter(|name| glob.is_match(name.as_str())).cloned().collect();
        if found.is_empty() {
            unknown(pattern);
        }
        into.extend(found);
        return;
    }
    let names: Vec<String> = match Range::parse(pattern) {
        Ok(Some(range)) => range.names().map(|(name, _)| name).collect(),
        Ok(None) => vec![pattern.value.clone()],
        Err(error) => {
            diags.push(Diagnostic::error("bad-range", pattern.span, error.to_string()));
            return;
        }
    };
    for name in names {
        match hosts.get_key_value(name.as_str()) {
            Some((name, _)) => {
                into.insert(name.clone());
            }
            None => unknown(&name),
        }
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

/// `{{n}}` in a host's own vars; every other expression is the runbook's.
fn numbered(tree: Tree, number: Option<u64>) -> Tree {
    let Some(n) = number else { return tree };
    let span = tree.span;
    let value = match tree.value {
        Node::Str(text) => Node::Str(text.replace("{{n}}", &n.to_string()).replace("{{ n }}", &n.to_string())),
        Node::List(items) => Node::List(items.into_iter().map(|item| numbered(item, number)).collect()),
        Node::Map(entries) => Node::Map(entries.into_iter().map(|(k, v)| (k, numbered(v, number))).collect()),
        other => other,
    };
    Tree::new(value, span)
}

#[cfg(test)]
mod tests;
