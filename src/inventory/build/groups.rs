//! Groups: who is in them, and what is wrong with that.

use std::collections::{HashMap, HashSet};

use globset::Glob;
use indexmap::IndexMap;

use super::{Builder, Draft};
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::nearest::nearest;
use crate::inventory::model::HostName;
use crate::inventory::range::Range;
use crate::text::Sp;

impl Builder<'_> {
    pub(super) fn check_names(&self) {
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
    pub(super) fn link_children(&mut self) {
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

    pub(super) fn find_members(&mut self) {
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
