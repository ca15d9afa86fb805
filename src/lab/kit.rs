//! What the hosts of a lab run beside sshd. A kit has a name, by which the command line and drill files ask for it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::LabError;
use super::secure;

/// The group of the hosts that run Consul.
pub const CONSUL_GROUP: &str = "consul_servers";

/// What the hosts of a lab run beside sshd.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kit {
    /// Nothing.
    Bare,
    /// Consul servers on the hosts of the group `consul_servers`.
    Consul(ConsulKit),
    /// nginx on the hosts of the group `web`, haproxy on those of `haproxy`.
    Web,
}

/// How the Consul servers of a lab are configured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConsulKit {
    /// How many servers elect the first leader; `None`: all of them.
    pub bootstrap_expect: Option<usize>,
    /// 2 or 3.
    pub raft_protocol: u8,
    /// 1 is the fastest election, 5 is Consul's own default.
    pub raft_multiplier: u8,
    /// Whether the servers start with their hosts. When they do, `up` waits for a leader.
    pub autostart: bool,
    /// ACLs that deny by default, a token that may do everything, TLS between the servers and for the API.
    pub secure: bool,
}

impl Default for ConsulKit {
    fn default() -> Self {
        Self { bootstrap_expect: None, raft_protocol: 3, raft_multiplier: 1, autostart: true, secure: false }
    }
}

impl Kit {
    /// The names of the kits, and what each is, in a few words.
    pub const ALL: &[(&str, &str)] = &[
        ("bare", "nothing"),
        ("consul", "Consul servers whose elections are as fast as can be"),
        ("consul-protocol-2", "the same, with Raft protocol 2: servers are known by their addresses"),
        (
            "consul-secure",
            "the same, with ACLs that deny by default, TLS between the servers, and an API by HTTPS only",
        ),
        ("consul-default-timing", "the same, with the elections that Consul has by default"),
        ("web", "nginx on web hosts, and two haproxy before them"),
    ];

    /// The kit of that name; [`Kit::ALL`] lists them.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let consul = ConsulKit::default();
        Some(match name {
            "bare" => Self::Bare,
            "web" => Self::Web,
            "consul" => Self::Consul(consul),
            "consul-protocol-2" => Self::Consul(ConsulKit { raft_protocol: 2, ..consul }),
            "consul-secure" => Self::Consul(ConsulKit { secure: true, ..consul }),
            "consul-default-timing" => Self::Consul(ConsulKit { raft_multiplier: 5, ..consul }),
            _ => return None,
        })
    }

    /// The variables that open the APIs of its hosts; a lab that is up knows their values.
    #[must_use]
    pub fn variables(&self) -> &'static [&'static str] {
        if self.consul().is_some_and(|kit| kit.secure) { &[secure::TOKEN_VARIABLE] } else { &[] }
    }

    /// Its Consul servers, when it has such.
    #[must_use]
    pub fn consul(&self) -> Option<&ConsulKit> {
        match self {
            Self::Bare | Self::Web => None,
            Self::Consul(kit) => Some(kit),
        }
    }
}

impl FromStr for Kit {
    type Err = LabError;

    fn from_str(name: &str) -> Result<Self, LabError> {
        let known = || Self::ALL.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        Self::named(name)
            .ok_or_else(|| LabError::Spec { why: format!("there is no kit `{name}`; there are {}", known()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_a_kit_of_its_own() {
        let kits: Vec<Kit> = Kit::ALL.iter().map(|(name, _)| name.parse().unwrap()).collect();
        for (n, kit) in kits.iter().enumerate() {
            assert!(!kits[..n].contains(kit), "{kit:?}");
        }
        let error = "consul-fast".parse::<Kit>().unwrap_err();
        assert!(error.to_string().contains("consul-default-timing"), "{error}");
    }
}
