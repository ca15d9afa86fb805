//! The inventory as it is written.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::model::Via;
use crate::text::{OneOrMany, Sp, Tree};

/// The machines.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "inventory", deny_unknown_fields)]
pub(super) struct File {
    /// Its name.
    #[serde(default)]
    pub(super) inventory: Option<Sp<String>>,
    /// What is said of all hosts.
    #[serde(default)]
    pub(super) vars: IndexMap<Sp<String>, Tree>,
    /// How all hosts are reached.
    #[serde(default)]
    pub(super) connect: Option<ConnectEntry>,
    /// Each machine once: a name or a range such as `web-[1:3]`.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, Option<HostEntry>>")]
    pub(super) hosts: IndexMap<Sp<String>, HostEntry>,
    /// Named sets of hosts.
    #[serde(default)]
    pub(super) groups: IndexMap<Sp<String>, GroupEntry>,
}

/// What is written behind a host or a range of hosts.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "host", deny_unknown_fields)]
pub(super) struct HostEntry {
    /// Where it is; its name when not given. `{{n}}` is the number of a range.
    #[serde(default)]
    pub(super) address: Option<Sp<String>>,
    /// As whom to log in.
    #[serde(default)]
    pub(super) user: Option<Sp<String>>,
    /// The port of its sshd.
    #[serde(default)]
    pub(super) port: Option<Sp<u16>>,
    /// How it is reached.
    #[serde(default)]
    pub(super) connect: Option<ConnectEntry>,
    /// What is said of it.
    #[serde(default)]
    pub(super) vars: IndexMap<Sp<String>, Tree>,
}

/// What is written behind a group.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "group", deny_unknown_fields)]
pub(super) struct GroupEntry {
    /// Names, ranges, patterns.
    #[serde(default)]
    pub(super) hosts: OneOrMany<Sp<String>>,
    /// Groups that are part of it.
    #[serde(default)]
    pub(super) children: OneOrMany<Sp<String>>,
    /// What is said of its hosts.
    #[serde(default)]
    pub(super) vars: IndexMap<Sp<String>, Tree>,
    /// How its hosts are reached.
    #[serde(default)]
    pub(super) connect: Option<ConnectEntry>,
}

/// The engine's settings as they are written; each may come from another layer.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "connect", deny_unknown_fields)]
pub(super) struct ConnectEntry {
    /// By what.
    #[serde(default)]
    pub(super) via: Option<Sp<Via>>,
    /// The command that opens a shell there, for `via: exec`.
    #[serde(default)]
    pub(super) command: Option<Sp<OneOrMany<Sp<String>>>>,
    /// The port.
    #[serde(default)]
    pub(super) port: Option<Sp<u16>>,
    /// The login.
    #[serde(default)]
    pub(super) user: Option<Sp<String>>,
    /// A file for `ssh -F`, relative to the inventory.
    #[serde(default)]
    pub(super) ssh_config: Option<Sp<String>>,
    /// `systemd`, `runit` or `openrc`; found out when not given.
    #[serde(default)]
    pub(super) service_manager: Option<Sp<String>>,
    /// The folders where commands are looked for.
    #[serde(default)]
    pub(super) path: Option<Sp<String>>,
    /// The POSIX shell there.
    #[serde(default)]
    pub(super) shell: Option<Sp<String>>,
    /// Whether drills may answer gates here.
    #[serde(default)]
    pub(super) drill: Option<Sp<bool>>,
}

/// A host of a test or a lab: `{ address, groups, vars }` behind its name or range.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "simple-host", deny_unknown_fields)]
pub struct SimpleHost {
    /// Where it is; the name when not given.
    #[serde(default)]
    pub address: Option<Sp<String>>,
    /// Its groups.
    #[serde(default)]
    pub groups: OneOrMany<Sp<String>>,
    /// What is said of it.
    #[serde(default)]
    pub vars: IndexMap<Sp<String>, Tree>,
}
