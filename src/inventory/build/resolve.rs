//! Hosts with their layers merged, and the inventory made of them.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::{Builder, Draft, GroupDraft};
use crate::base::diag::Diagnostic;
use crate::base::span::Span;
use crate::inventory::connect;
use crate::inventory::layers::{self, Layer, Words};
use crate::inventory::model::{Group, Host, HostName, Inventory, Via};
use crate::text::{Node, Sp, Tree};

impl Builder<'_> {
    /// The inventory; what is missing is missed where the first text begins.
    pub(in crate::inventory) fn finish(self, first: Span) -> Inventory {
        let mut names: Vec<&str> = self.names.iter().map(|name| name.value.as_str()).collect();
        names.dedup();
        let name = names.join("+");
        if name.is_empty() {
            let at = Span { end: first.start, ..first };
            self.diags.push(
                Diagnostic::error("missing-key", at, "missing key `inventory`")
                    .help("begin with its name: `inventory: production`"),
            );
        }
        self.finish_named(&name)
    }

    pub(in crate::inventory) fn finish_named(mut self, name: &str) -> Inventory {
        self.check_names();
        self.link_children();
        self.find_members();
        let hosts: IndexMap<HostName, Host> =
            self.hosts.iter().map(|(name, draft)| (name.clone(), self.host(name, draft))).collect();
        self.check_addresses(&hosts);
        let groups = self.groups.iter().map(|(name, draft)| (name.clone(), self.group(name, draft))).collect();
        Inventory { name: name.to_owned(), hosts, groups }
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
        connect::check_port(draft.entry.port.as_ref(), self.diags);
        connect::check_user(draft.entry.user.as_ref(), self.diags);
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
                // its command is missing, which was reported
                Via::Exec if host.connect.command.is_empty() => continue,
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
