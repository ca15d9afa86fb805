//! The inventory as it is written.

use indexmap::IndexMap;
use serde::Deserialize;

use super::model::Via;
use crate::text::{OneOrMany, Sp, Tree};

/// One file.
#[derive(Debug, Default, Deserialize)]
pub(super) struct File {
    #[serde(default)]
    pub(super) inventory: Option<Sp<String>>,
    #[serde(default)]
    pub(super) vars: IndexMap<Sp<String>, Tree>,
    #[serde(default)]
    pub(super) connect: Option<ConnectEntry>,
    #[serde(default)]
    pub(super) hosts: IndexMap<Sp<String>, HostEntry>,
    #[serde(default)]
    pub(super) groups: IndexMap<Sp<String>, GroupEntry>,
}

/// What is written behind a host or a range of hosts.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct HostEntry {
    #[serde(default)]
    pub(super) address: Option<Sp<String>>,
    #[serde(default)]
    pub(super) user: Option<Sp<String>>,
    #[serde(default)]
    pub(super) port: Option<Sp<u16>>,
    #[serde(default)]
    pub(super) connect: Option<ConnectEntry>,
    #[serde(default)]
    pub(super) vars: IndexMap<Sp<String>, Tree>,
}

/// What is written behind a group.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct GroupEntry {
    #[serde(default)]
    pub(super) hosts: OneOrMany<Sp<String>>,
    #[serde(default)]
    pub(super) children: OneOrMany<Sp<String>>,
    #[serde(default)]
    pub(super) vars: IndexMap<Sp<String>, Tree>,
    #[serde(default)]
    pub(super) connect: Option<ConnectEntry>,
}

/// The engine's settings as they are written; each may come from another layer.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct ConnectEntry {
    #[serde(default)]
    pub(super) via: Option<Sp<Via>>,
    #[serde(default)]
    pub(super) command: Option<Sp<OneOrMany<Sp<String>>>>,
    #[serde(default)]
    pub(super) port: Option<Sp<u16>>,
    #[serde(default)]
    pub(super) user: Option<Sp<String>>,
    #[serde(default)]
    pub(super) ssh_config: Option<Sp<String>>,
    #[serde(default)]
    pub(super) service_manager: Option<Sp<String>>,
    #[serde(default)]
    pub(super) path: Option<Sp<String>>,
    #[serde(default)]
    pub(super) shell: Option<Sp<String>>,
    #[serde(default)]
    pub(super) drill: Option<Sp<bool>>,
}

/// A host of a test or a lab: `{ address, groups, vars }` behind its name or range.
#[derive(Clone, Debug, Default, Deserialize)]
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
