//! The inventory as everything else sees it: resolved, frozen, in the order of the text.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::span::Span;
use crate::text::{Sp, Tree};

/// The name of a host of the inventory, or `controller`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostName(Arc<str>);

impl HostName {
    /// This machine's name in selectors.
    pub const CONTROLLER: &str = "controller";

    /// A name, as it is.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// This machine.
    #[must_use]
    pub fn controller() -> Self {
        Self::new(Self::CONTROLLER)
    }

    /// Whether this is the controller.
    #[must_use]
    pub fn is_controller(&self) -> bool {
        &*self.0 == Self::CONTROLLER
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for HostName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for HostName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for HostName {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for HostName {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl PartialEq<str> for HostName {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for HostName {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

/// Whether hosts and groups can be called so: names go into selectors, folders and command lines.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// How a host is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "via")]
pub enum Via {
    /// OpenSSH.
    #[default]
    Ssh,
    /// This machine.
    Local,
    /// A command that opens a shell there, such as `kubectl exec -i`.
    Exec,
}

/// The engine's settings for one host. Later layers fill what is not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectSettings {
    /// How.
    pub via: Via,
    /// The command of `via: exec`, word by word; `{{name}}`, `{{address}}` and `{{n}}` are filled in.
    pub command: Vec<String>,
    /// The port of ssh.
    pub port: Option<u16>,
    /// The login of ssh.
    pub user: Option<String>,
    /// A file for ssh's `-F`; absolute.
    pub ssh_config: Option<PathBuf>,
    /// Which service manager runs there, when it is not to be found out.
    pub service_manager: Option<String>,
    /// The `PATH` of commands there.
    pub path: Option<String>,
    /// The shell that runs the engine's program there.
    pub shell: Option<String>,
    /// Whether drills may break this host.
    pub drill: bool,
}

/// One machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// Its name.
    pub name: HostName,
    /// Where it is defined: the name or range in `hosts`.
    pub span: Span,
    /// Where it is reached; the name when none is given.
    pub address: String,
    /// The login; that of the host, else of `connect`.
    pub user: Option<String>,
    /// The port; that of the host, else of `connect`.
    pub port: Option<u16>,
    /// The engine's settings.
    pub connect: ConnectSettings,
    /// The groups it is in, in the order of the inventory, those that hold a group of it included.
    pub groups: Vec<String>,
    /// What is said of it: inventory, then groups (parents first), then the host's own.
    pub vars: IndexMap<String, Tree>,
}

/// A named set of hosts.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name and place.
    pub name: Sp<String>,
    /// Its hosts, those of its children included, in the order of the inventory.
    pub hosts: Vec<HostName>,
    /// The groups in it.
    pub children: Vec<Sp<String>>,
}

/// All hosts and groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    pub(super) name: String,
    pub(super) hosts: IndexMap<HostName, Host>,
    pub(super) groups: IndexMap<String, Group>,
}

impl Inventory {
    /// An inventory of hosts that were resolved before: groups follow from what each host says of itself, without their
    /// nesting. `empty`: groups of which no host says anything.
    #[must_use]
    pub fn of_hosts(name: &str, hosts: Vec<Host>, empty: &[String]) -> Self {
        let none = |name: &String| Group {
            name: Sp::new(name.clone(), Span::NOWHERE),
            hosts: Vec::new(),
            children: Vec::new(),
        };
        let mut groups: IndexMap<String, Group> = empty.iter().map(|name| (name.clone(), none(name))).collect();
        for host in &hosts {
            for name in &host.groups {
                groups.entry(name.clone()).or_insert_with(|| none(name)).hosts.push(host.name.clone());
            }
        }
        let hosts = hosts.into_iter().map(|host| (host.name.clone(), host)).collect();
        Self { name: name.to_owned(), hosts, groups }
    }

    /// Its name: `production`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All hosts in the order of the text.
    #[must_use]
    pub fn hosts(&self) -> impl ExactSizeIterator<Item = &Host> {
        self.hosts.values()
    }

    /// One host.
    #[must_use]
    pub fn host(&self, name: &str) -> Option<&Host> {
        self.hosts.get(name)
    }

    /// All groups in the order of the text.
    #[must_use]
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &Group> {
        self.groups.values()
    }

    /// One group.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(name)
    }
}
