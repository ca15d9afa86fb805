//! What is stored of a plan: enough to go on with it on another machine, and to prove that it is the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::base::span::Sources;
use crate::inventory::{ConnectSettings, Host, Inventory};
use crate::runbook::Runbook;
use crate::template::Value;

use super::Plan;
use super::elsewhere::VarName;
use super::hosts::Found;
use super::params::Resolved;

/// The form of this struct; grows when a field changes its meaning.
pub(super) const VERSION: u32 = 2;

/// A plan as it is kept. Secrets are there as references only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// The form of this struct.
    pub version: u32,
    /// The runbook's name.
    pub runbook: String,
    /// Its whole text.
    pub text: String,
    /// The texts of the runbooks that are parts of it, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, String>,
    /// What those parts have that nobody around them gives: by the path of the step that uses one, and the param.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub part_params: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
    /// The vars that came from the environment, by the runbook and the var; a secret is read again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vars: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
    /// The template files, by name.
    pub templates: BTreeMap<String, String>,
    /// The files that are sent as they are, by name.
    #[serde(default)]
    pub files: BTreeMap<String, StoredFile>,
    /// The params.
    pub params: BTreeMap<String, serde_json::Value>,
    /// The static targets.
    pub targets: BTreeMap<String, Vec<String>>,
    /// The inventory's name.
    pub inventory: String,
    /// What the inventory says of the hosts that the plan may touch or read, in its order; and that there are those which
    /// selectors name.
    pub hosts: IndexMap<String, StoredHost>,
    /// Groups without hosts that selectors name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub empty: Vec<String>,
}

/// The bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum StoredFile {
    /// Text, as it is.
    Text(String),
    /// Anything else.
    Bytes {
        /// Two digits for each byte.
        hex: String,
    },
}

impl StoredFile {
    fn new(bytes: &[u8]) -> Self {
        let hex = |mut hex: String, byte: &u8| {
            let _ = write!(hex, "{byte:02x}");
            hex
        };
        std::str::from_utf8(bytes).map_or_else(
            |_| Self::Bytes { hex: bytes.iter().fold(String::new(), hex) },
            |text| Self::Text(text.to_owned()),
        )
    }

    /// The bytes again. `None`: they are not what was stored.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.clone().into_bytes()),
            Self::Bytes { hex } if hex.len().is_multiple_of(2) && hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
                (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
            }
            Self::Bytes { .. } => None,
        }
    }
}

/// A host as the inventory had it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredHost {
    /// Where to connect.
    pub address: String,
    /// As whom.
    pub user: Option<String>,
    /// On which port.
    pub port: Option<u16>,
    /// The engine's settings for it.
    pub connect: ConnectSettings,
    /// Its groups.
    pub groups: Vec<String>,
    /// Its values of the vars that the runbook declares.
    pub vars: BTreeMap<String, serde_json::Value>,
    /// Selectors name it, so that its groups count; nobody touches it or reads anything of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_named: bool,
}

impl StoredHost {
    pub(super) fn new(host: &Host, runbook: &Runbook) -> Self {
        // what no runbook here declares cannot be read, and whether it is a secret nobody says
        let vars = host.vars.iter().filter_map(|(name, tree)| {
            let secret = runbook.var_is_secret(name)?;
            let kept = Value::from_tree(tree).to_json();
            let kept = if secret && !kept.is_null() { serde_json::json!({ "secret": name }) } else { kept };
            Some((name.clone(), kept))
        });
        Self {
            address: host.address.clone(),
            user: host.user.clone(),
            port: host.port,
            connect: host.connect.clone(),
            groups: host.groups.clone(),
            vars: vars.collect(),
            only_named: false,
        }
    }

    fn only_named(host: &Host) -> Self {
        let (address, groups) = (host.name.to_string(), host.groups.clone());
        let connect = ConnectSettings::default();
        Self { address, user: None, port: None, connect, groups, vars: BTreeMap::new(), only_named: true }
    }
}

/// What params of parts have by themselves, by the path of the step and the param.
type PartParams = IndexMap<String, IndexMap<String, Value>>;
/// Template files, by name.
type Texts = IndexMap<String, Arc<str>>;
/// Files that are sent as they are, by name.
type Files = IndexMap<String, Arc<[u8]>>;

impl Stored {
    pub(super) fn new(
        runbook: &Runbook,
        text: &str,
        (inventory, found): (&Inventory, &Found),
        (resolved, parts, vars): (&Resolved, &PartParams, &IndexMap<VarName, Value>),
        (templates, files): (&Texts, &Files),
        sources: &Sources,
    ) -> Self {
        let part_text = |book: &Arc<Runbook>| sources.get(book.name.span.source).text.to_string();
        let hosts = inventory.hosts().filter_map(|host| {
            let kept = if found.touched.contains(&host.name) || found.read.contains(&host.name) {
                StoredHost::new(host, runbook)
            } else if found.named.contains(&host.name) {
                StoredHost::only_named(host)
            } else {
                return None;
            };
            Some((host.name.to_string(), kept))
        });
        let mut of_environment: BTreeMap<String, BTreeMap<String, serde_json::Value>> = BTreeMap::new();
        for ((book, name), value) in vars.iter().filter(|(_, value)| !matches!(value, Value::Secret(_))) {
            of_environment.entry(book.clone()).or_default().insert(name.clone(), value.to_json());
        }
        Self {
            version: VERSION,
            vars: of_environment,
            runbook: runbook.name.value.clone(),
            text: text.to_owned(),
            templates: templates.iter().map(|(name, text)| (name.clone(), text.to_string())).collect(),
            files: files.iter().map(|(name, bytes)| (name.clone(), StoredFile::new(bytes))).collect(),
            parts: runbook.parts().map(|(_, uses, book)| (uses.runbook.value.clone(), part_text(book))).collect(),
            part_params: parts.iter().map(|(path, values)| (path.clone(), kept(values))).collect(),
            params: kept(&resolved.params),
            targets: resolved
                .targets
                .iter()
                .map(|(name, hosts)| (name.clone(), hosts.iter().map(ToString::to_string).collect()))
                .collect(),
            inventory: inventory.name().to_owned(),
            hosts: hosts.collect(),
            empty: found.empty.iter().cloned().collect(),
        }
    }

    /// The plan's name: the digest of everything but the folders in which files for ssh lie, which differ from one
    /// machine to another.
    #[must_use]
    pub fn name(&self) -> Digest {
        let mut same = self.clone();
        for file in same.hosts.values_mut().filter_map(|host| host.connect.ssh_config.as_mut()) {
            *file = file.file_name().map(PathBuf::from).unwrap_or_default();
        }
        Digest::of(same.bytes())
    }

    /// The bytes that are stored. Maps are sorted or in the order of the inventory, so equal plans give equal bytes.
    ///
    /// # Panics
    /// Never: texts, numbers and maps of them are JSON.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("texts, numbers and maps of them are JSON")
    }
}

impl Plan {
    /// What is stored of it.
    pub(super) fn kept(&self) -> Stored {
        serde_json::from_slice(&self.stored).expect("it was made of that, or that of it")
    }
}

/// Values as they are kept: of a secret its name only.
fn kept(values: &IndexMap<String, Value>) -> BTreeMap<String, serde_json::Value> {
    let kept = |(name, value): (&String, &Value)| {
        let kept = match value {
            Value::Secret(_) => serde_json::json!({ "secret": name }),
            other => other.to_json(),
        };
        (name.clone(), kept)
    };
    values.iter().map(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::StoredFile;

    #[test]
    fn every_byte_of_a_file_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        for bytes in [&b"plain \xc3\xa4\n"[..], &all, b"", b"\xff"] {
            let stored = serde_json::to_string(&StoredFile::new(bytes)).expect("JSON");
            let back: StoredFile = serde_json::from_str(&stored).expect("the same");
            assert_eq!(back.bytes().expect("whole"), bytes);
        }
        for hex in ["f", "fg", "ä", "+1"] {
            assert_eq!(StoredFile::Bytes { hex: hex.to_owned() }.bytes(), None);
        }
    }
}
