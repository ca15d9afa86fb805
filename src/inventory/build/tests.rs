//! What an inventory means, and what is wrong with one.

use std::path::PathBuf;

use super::*;
use crate::base::span::Sources;
use crate::inventory::{ConnectSettings, Host, Inventory, Via};
use crate::text::Node;

const SHIPPED: &str = r#"inventory: production
vars: { consul_log: "journal:consul.service" }
hosts:
  consul-[1:5]: { address: "10.66.0.1{{n}}" }
  web-[01:40]:
  lb-[1:2]:
  db-[1:3]:
groups:
  consul_servers: { hosts: "consul-[1:5]" }
  web: { hosts: "web-[01:40]" }
  haproxy: { hosts: "lb-[1:2]" }
  postgres: { hosts: "db-[1:3]", vars: { pg_log: "/var/log/postgresql/postgresql-15-main.log" } }
  lab: { hosts: "consul-[4:5]", connect: { service_manager: runit, path: /usr/sbin:/sbin }, vars: { consul_log: /var/log/consul/current } }
"#;

fn load(texts: &[&str]) -> (Inventory, Vec<String>) {
    let mut sources = Sources::default();
    let parts: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(n, text)| (sources.add(format!("{n}.yaml"), *text), PathBuf::from("inv")))
        .collect();
    let diags = Diagnostics::new();
    let inventory = Inventory::from_sources(&parts, &sources, &diags).unwrap_or_default();
    let show = |d: Diagnostic| {
        let under = sources.slice(d.span.unwrap_or_default()).lines().next().unwrap_or_default().to_owned();
        format!("{} @{under}: {}", d.code, d.message)
    };
    (inventory, diags.into_sorted().into_iter().map(show).collect())
}

fn right(text: &str) -> Inventory {
    let (inventory, found) = load(&[text]);
    assert_eq!(found, Vec::<String>::new());
    inventory
}

#[track_caller]
fn wrong(text: &str, expected: &[&str]) -> Inventory {
    let (inventory, found) = load(&[&format!("inventory: x\n{text}")]);
    assert_eq!(found, expected);
    inventory
}

fn var<'a>(host: &'a Host, name: &str) -> &'a Node {
    &host.vars[name].value
}

#[test]
fn the_inventory_of_the_language_loads() {
    let inventory = right(SHIPPED);
    assert_eq!(inventory.name(), "production");
    assert_eq!(inventory.hosts().len(), 50);
    let names: Vec<_> = inventory.hosts().map(|h| h.name.as_str()).take(6).collect();
    assert_eq!(names, ["consul-1", "consul-2", "consul-3", "consul-4", "consul-5", "web-01"]);
    let consul = inventory.host("consul-4").unwrap();
    assert_eq!(consul.address, "10.66.0.14");
    assert_eq!(consul.groups, ["consul_servers", "lab"]);
    assert_eq!(consul.connect.service_manager.as_deref(), Some("runit"));
    assert_eq!(consul.connect.path.as_deref(), Some("/usr/sbin:/sbin"));
    assert_eq!(var(consul, "consul_log"), &Node::Str("/var/log/consul/current".into()));
    let other = inventory.host("consul-1").unwrap();
    assert_eq!(var(other, "consul_log"), &Node::Str("journal:consul.service".into()));
    assert_eq!(other.connect, ConnectSettings::default());
    assert_eq!(inventory.host("web-07").unwrap().address, "web-07");
    assert_eq!(inventory.group("web").unwrap().hosts.len(), 40);
    assert_eq!(
        inventory.groups().map(|g| g.name.value.as_str()).collect::<Vec<_>>(),
        ["consul_servers", "web", "haproxy", "postgres", "lab"]
    );
}

#[test]
fn layers_override_from_the_inventory_to_the_host() {
    let inventory = right(
        "inventory: x\nvars: { a: 0, b: 0, c: 0, d: 0 }\nconnect: { user: all, port: 1 }\nhosts:\n  h-[1:2]: { vars: { d: \"h{{n}} {{host.name}}\" }, port: 4 }\n  other:\n\
         groups:\n  child: { hosts: [h-1, h-2], vars: { c: 2, d: 2 }, connect: { user: child } }\n  parent: { children: child, hosts: other, vars: { b: 1, c: 1, d: 1 }, connect: { user: parent } }\n",
    );
    let host = inventory.host("h-2").unwrap();
    assert_eq!([var(host, "a"), var(host, "b"), var(host, "c")], [&Node::Int(0), &Node::Int(1), &Node::Int(2)]);
    assert_eq!(var(host, "d"), &Node::Str("h2 {{host.name}}".into()));
    assert_eq!((host.user.as_deref(), host.port), (Some("child"), Some(4)));
    assert_eq!(host.groups, ["child", "parent"]);
    let other = inventory.host("other").unwrap();
    assert_eq!((var(other, "c"), other.user.as_deref(), other.port), (&Node::Int(1), Some("parent"), Some(1)));
    assert_eq!(inventory.group("parent").unwrap().hosts.len(), 3);
}

#[test]
fn groups_that_disagree_are_named_once() {
    let text = "hosts:\n  h-[1:3]:\ngroups:\n  a: { hosts: \"h-[1:3]\", vars: { v: [1, {k: x}], same: [1, {k: x}] } }\n  b: { hosts: \"h-*\", vars: { v: [2], same: [1, {k: x}] } }\n";
    wrong(text, &["group-conflict @[2]: `v` of `h-1` has two values: it is in the groups `a` and `b`"]);
    // settled by the host
    wrong(&text.replace("h-[1:3]:\n", "h-[1:3]: { vars: { v: 1 } }\n"), &[]);
    // settled by their relation, also over a group between them
    wrong(&format!("{text}  m: {{ children: [b] }}\n").replace("a: { hosts", "a: { children: [m], hosts"), &[]);
    wrong(
        "hosts: { h: }\ngroups:\n  a: { hosts: h, connect: { user: u } }\n  b: { hosts: h, connect: { user: w } }\n",
        &["group-conflict @w: `user` of `h` has two values: it is in the groups `a` and `b`"],
    );
}

#[test]
fn references_are_checked() {
    wrong(
        "hosts:\n  h-[1:2]:\ngroups:\n  a: { hosts: [h-3, x-*, \"h-[2:3]\"], children: [bb] }\n  b: { children: [c] }\n  c: { children: [b, c] }\n",
        &[
            "unknown-host @h-3: there is no host `h-3`",
            "unknown-host @x-*: there is no host `x-*`",
            "unknown-host @\"h-[2:3]\": there is no host `h-3`",
            "unknown-group @bb: there is no group `bb`",
            "group-circle @b: the group `c` would hold itself",
            "group-circle @c: the group `c` would hold itself",
        ],
    );
}

#[test]
fn names_are_unique_and_safe() {
    wrong(
        "hosts:\n  h-[1:3]:\n  h-2: { address: other }\n  g:\n  all:\n  \"-oProxyCommand=x\":\n  a b:\n  \"c[1\":\ngroups:\n  g: { hosts: h-1 }\n  controller:\n",
        &[
            "duplicate-host @h-2: the host `h-2` is defined twice",
            "reserved-name @all: `all` always means every host",
            "bad-name @\"-oProxyCommand=x\": `-oProxyCommand=x` cannot be a name: letters, digits, `-`, `_` and `.`, a letter or digit first",
            "bad-name @a b: `a b` cannot be a name: letters, digits, `-`, `_` and `.`, a letter or digit first",
            "bad-range @\"c[1\": a range is written [1:5]",
            "ambiguous-name @g: `g` is a host and a group",
            "reserved-name @controller: `controller` always means this machine",
        ],
    );
    wrong(
        "hosts: { h: { vars: { Log-Dir: x } } }\n",
        &["not-snake-case @Log-Dir: `Log-Dir` cannot be the name of a var"],
    );
    wrong("hosts: { h: { address: -oX } }\n", &["bad-address @-oX: `-oX` is not an address"]);
}

#[test]
fn one_machine_has_one_name() {
    wrong(
        "hosts:\n  a: { address: 10.0.0.1 }\n  b: { address: 10.0.0.1 }\n  c: { address: 10.0.0.1, port: 2222 }\n  D: { address: a.Example }\n  e: { address: A.example }\n",
        &[
            "same-machine @10.0.0.1: `a` and `b` are the same machine: both have the address 10.0.0.1",
            "same-machine @A.example: `D` and `e` are the same machine: both have the address A.example",
        ],
    );
    wrong(
        "hosts:\n  a-[1:2]: { address: x }\n",
        &["same-machine @x: `a-1` and `a-2` are the same machine: both have the address x"],
    );
    wrong(
        "hosts:\n  a-[1:2]: { connect: { via: local } }\n",
        &["same-machine @a-[1:2]: `a-1` and `a-2` are the same machine: both are this machine"],
    );
    wrong("hosts:\n  a-[1:2]: { connect: { via: exec, command: \"podman exec -i {{name}} sh\" } }\n", &[]);
}

#[test]
fn settings_are_resolved_and_checked() {
    let inventory = wrong(
        "hosts:\n  a-[1:2]: { user: \"u{{n}}\", connect: { via: exec, command: [podman, exec, \"{{name}}\", \"x y\"], ssh_config: ssh/config, drill: true } }\n",
        &[],
    );
    let host = inventory.host("a-2").unwrap();
    assert_eq!(host.connect.via, Via::Exec);
    assert_eq!(host.connect.command, ["podman", "exec", "a-2", "x y"]);
    assert_eq!(host.connect.ssh_config.as_deref(), Some(std::path::Path::new("inv/ssh/config")));
    assert_eq!(host.user.as_deref(), Some("u2"));
    assert!(host.connect.drill);
    wrong(
        "hosts:\n  a: { connect: { via: exec } }\n  b: { connect: { command: x } }\n  c: { connect: { via: telnet, prot: 1, ssh_config: ~/.ssh/x } }\n  d: { address: \"{{n}}.{{host.name}}\" }\n",
        &[
            "missing-key @exec: `via: exec` needs a `command`",
            "unused-command @x: a `command` is only used by `via: exec`",
            "unknown-value @telnet: unknown value `telnet`: expected one of `ssh`, `local`, `exec`",
            "unknown-key @prot: unknown key `prot`",
            "home-path @~/.ssh/x: `~` is not known here",
            "no-number @\"{{n}}.{{host.name}}\": `{{n}}` is the number of a range, and this host is none",
            "unknown-name @\"{{n}}.{{host.name}}\": `{{host.name}}` is not known here",
        ],
    );
}

#[test]
fn files_add_to_each_other() {
    let (inventory, found) = load(&[
        "inventory: x\nhosts: { a: }\ngroups: { g: { hosts: a, vars: { v: 1 } } }\n",
        "hosts: { b: }\ngroups: { g: { hosts: b } }\n",
    ]);
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(inventory.group("g").unwrap().hosts, [HostName::from("a"), HostName::from("b")]);
    assert_eq!(var(inventory.host("b").unwrap(), "v"), &Node::Int(1));
    let (_, found) = load(&[
        "hosts: { a: }\ngroups: { g: { vars: { v: 1 } } }\n",
        "hosts: { a: }\ngroups: { g: { vars: { v: 1 } } }\n",
    ]);
    assert_eq!(
        found,
        [
            "missing-key @: missing key `inventory`",
            "duplicate-host @a: the host `a` is defined twice",
            "duplicate-key @v: `v` is given twice"
        ]
    );
}

#[test]
fn a_simple_inventory_is_hosts_with_groups() {
    let diags = Diagnostics::new();
    let tree = crate::text::parse(
        crate::base::span::SourceId(0),
        "lab-[1:3]: { groups: [servers], vars: { a: x } }\nlab-4:\n",
        &diags,
    )
    .unwrap();
    let hosts = crate::text::decode(&tree, &diags).unwrap();
    let inventory = Inventory::simple("lab", &hosts, &diags);
    assert_eq!(diags.sorted(), []);
    assert_eq!(inventory.group("servers").unwrap().hosts.len(), 3);
    assert_eq!(inventory.host("lab-4").unwrap().groups, Vec::<String>::new());
}

#[test]
fn folders_and_files_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("b.yaml"), "hosts: { b: { connect: { ssh_config: c } } }\n").unwrap();
    std::fs::write(folder.path().join("a.yaml"), "inventory: x\nhosts: { a: }\n").unwrap();
    std::fs::write(folder.path().join("notes.txt"), "{{{").unwrap();
    let (mut sources, diags) = (Sources::default(), Diagnostics::new());
    let inventory = Inventory::load(&[folder.path()], &mut sources, &diags).unwrap();
    assert_eq!(diags.sorted(), []);
    assert_eq!(inventory.hosts().map(|h| h.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(inventory.host("b").unwrap().connect.ssh_config, Some(folder.path().join("c")));
    assert!(Inventory::load(&[folder.path().join("missing.yaml")], &mut sources, &diags).is_none());
    assert_eq!(diags.sorted()[0].code, "inventory-unreadable");
}
