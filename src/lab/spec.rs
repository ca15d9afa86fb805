//! What a lab is made of: its hosts, what runs on them, what kind of hosts they are.
//!
//! Invariant: a [`Spec`] that passed [`Spec::check`] is safe to write into the files that the lab's scripts read, which
//! are words separated by blanks: host names, addresses and paths contain nothing else.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::error::LabError;
use super::kit::{CONSUL_GROUP, ConsulKit, Kit};
use super::web;

/// A lab to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// Its hosts, all in one /16 network whose first address is the operator's.
    pub hosts: Vec<HostSpec>,
    /// What runs on them beside sshd.
    pub kit: Kit,
    /// Their service manager.
    pub class: Class,
    /// How they are kept apart; `None` takes the best that this machine allows.
    pub mode: Option<Mode>,
    /// File systems of their own on every host, which [`super::Fault::FillDisk`] can fill. They survive a power-off.
    pub disks: Vec<Disk>,
}

/// One host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostSpec {
    /// Host name: lower-case letters, digits and dashes.
    pub name: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// The groups of the inventory that it belongs to.
    pub groups: Vec<String>,
    /// Its vars in the inventory.
    pub vars: IndexMap<String, serde_json::Value>,
}

/// The service manager of the hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// runit: `sv`, logs under `/var/log`.
    Runit,
    /// systemd as PID 1 of each host: `systemctl`, the journal. Only root can make such hosts.
    Systemd,
}

/// How the hosts are kept apart from this machine and from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Namespaces made by root: real users, real sudo.
    Root,
    /// Namespaces made by an ordinary user: one user per host.
    User,
    /// No namespaces: one sshd per host on a loopback address.
    Loopback,
}

impl Mode {
    /// What a lab of this mode cannot show, for the operator; empty when nothing is lost.
    #[must_use]
    pub fn lost(self) -> &'static [&'static str] {
        match self {
            Self::Root => &[],
            Self::User => &[
                "one user per host: `ops` and `consul` are the same, so ownership proves nothing",
                "sudo is a stand-in that runs the command as that user",
                "no systemd hosts",
            ],
            Self::Loopback => &[
                "hosts share this machine's name, files and processes; the kit is not started",
                "you log in as yourself; sudo is a stand-in that runs the command as you",
                "no faults: links cannot be cut, power cannot be taken away, disks cannot be filled",
                "no systemd hosts",
            ],
        }
    }
}

/// A file system of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// Where it is mounted.
    pub path: String,
    /// Its size in MiB: a limit, taken from memory only as it is used.
    pub mib: u32,
}

/// The most hosts of a lab: a bridge of Linux has 1,024 ports.
pub const MOST: usize = 600;

/// Hosts whose addresses differ in the last number only.
const ROW: u16 = 200;

impl Spec {
    /// `n` Consul servers `consul-1..n` at 10.66.0.11 and on, the lab that `refloat lab up N` makes.
    #[must_use]
    pub fn consul(n: u16) -> Self {
        Self::of(Kit::Consul(ConsulKit::default()), n)
    }

    /// The lab that `refloat lab up N --kit NAME` makes: as [`Spec::consul`], with this kit; of the kit `web`, `n` web hosts
    /// `web-01` and on, and two balancers `lb-1` and `lb-2` behind them.
    #[must_use]
    pub fn of(kit: Kit, n: u16) -> Self {
        if kit != Kit::Web {
            return Self { kit, ..Self::numbered("consul", n, CONSUL_GROUP) };
        }
        let mut spec = Self { kit, ..Self::numbered("web", n.saturating_add(2), web::WEB_GROUP) };
        for (i, host) in (1..).zip(&mut spec.hosts) {
            if i > usize::from(n) {
                host.name = format!("lb-{}", i - usize::from(n));
                host.groups = vec![web::BALANCER_GROUP.to_owned()];
            } else {
                host.name = format!("web-{i:02}");
            }
        }
        spec
    }

    /// `n` hosts `prefix-1..n` at 10.66.0.11 and on, 200 in a row, in one group, without a kit.
    #[must_use]
    pub fn numbered(prefix: &str, n: u16, group: &str) -> Self {
        let byte = |n: u16| u8::try_from(n).unwrap_or(u8::MAX);
        let host = |i: u16| HostSpec {
            name: format!("{prefix}-{i}"),
            address: Ipv4Addr::new(10, 66, byte((i - 1) / ROW), byte(11 + (i - 1) % ROW)),
            groups: vec![group.to_owned()],
            vars: IndexMap::new(),
        };
        Self {
            hosts: (1..=n).map(host).collect(),
            kit: Kit::Bare,
            class: Class::Runit,
            mode: None,
            disks: vec![Disk { path: "/var/lib".to_owned(), mib: 512 }],
        }
    }

    /// The hosts that run Consul.
    #[must_use]
    pub fn consul_servers(&self) -> Vec<&HostSpec> {
        match self.kit {
            Kit::Bare | Kit::Web => Vec::new(),
            Kit::Consul(_) => self.hosts.iter().filter(|h| h.groups.iter().any(|g| g == CONSUL_GROUP)).collect(),
        }
    }

    /// The address of the operator's side of the lab's network.
    #[must_use]
    pub fn gateway(&self) -> Ipv4Addr {
        let [a, b, ..] = self.hosts.first().map_or([10, 66, 0, 0], |h| h.address.octets());
        Ipv4Addr::new(a, b, 0, 1)
    }

    /// Whether such a lab can exist.
    pub fn check(&self) -> Result<(), LabError> {
        let refuse = |why: String| Err(LabError::Spec { why });
        if self.hosts.is_empty() || self.hosts.len() > MOST {
            return refuse(format!("a lab has 1 to {MOST} hosts, not {}", self.hosts.len()));
        }
        if self.mode == Some(Mode::Loopback) && self.hosts.len() > usize::from(ROW) {
            return refuse(format!("a lab without namespaces has 1 to {ROW} hosts, not {}", self.hosts.len()));
        }
        let network = self.gateway().octets();
        let mut names = BTreeSet::new();
        let mut addresses = BTreeSet::new();
        for HostSpec { name, address, groups, .. } in &self.hosts {
            if !is_name(name) {
                return refuse(format!("`{name}` is not a host name: lower-case letters, digits and dashes"));
            }
            if let Some(group) = groups.iter().find(|g| !is_group(g)) {
                return refuse(format!("`{group}` is not the name of a group"));
            }
            let octets = address.octets();
            if octets[..2] != network[..2] || matches!(octets[3], 0 | 1 | 255) {
                return refuse(format!(
                    "{name}: {address} is not a host's address in the network of {}",
                    self.gateway()
                ));
            }
            if !names.insert(name) || !addresses.insert(address) {
                return refuse(format!("{name} or its address {address} occurs twice"));
            }
        }
        for disk in &self.disks {
            let plain = disk.path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b));
            if !plain || !disk.path.starts_with("/var/") || disk.path.contains("..") || disk.mib == 0 {
                return refuse(format!("`{}` cannot be a disk: a folder under /var with a size", disk.path));
            }
        }
        if let Kit::Consul(kit) = &self.kit {
            if self.consul_servers().is_empty() {
                return refuse(format!("the Consul kit needs hosts in the group {CONSUL_GROUP}"));
            }
            if !matches!(kit.raft_protocol, 2 | 3) || !(1..=10).contains(&kit.raft_multiplier) {
                return refuse("raft_protocol is 2 or 3, raft_multiplier 1 to 10".to_owned());
            }
        }
        if self.kit == Kit::Web && self.class == Class::Systemd {
            return refuse("the web kit has runit hosts".to_owned());
        }
        if self.class == Class::Systemd && matches!(self.mode, Some(Mode::User | Mode::Loopback)) {
            return refuse("systemd hosts need root and namespaces".to_owned());
        }
        Ok(())
    }
}

/// A word that is safe as a host name, a file name and in the scripts' lists.
pub(super) fn is_name(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=40).contains(&name.len()) && name.bytes().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}

fn is_group(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(spec: &Spec) -> String {
        spec.check().map_or_else(|e| e.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn the_default_lab_is_fine() {
        let spec = Spec::consul(5);
        assert_eq!(why(&spec), "fine");
        assert_eq!(spec.hosts[4].address.to_string(), "10.66.0.15");
        assert_eq!(spec.gateway().to_string(), "10.66.0.1");
        assert_eq!(spec.consul_servers().len(), 5);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        type Damage = fn(&mut Spec);
        let broken: [(Damage, &str); 9] = [
            (|s| s.hosts.clear(), "1 to 600 hosts"),
            (|s| s.hosts[0].name = "A b".into(), "not a host name"),
            (|s| s.hosts[0].name = "consul-2".into(), "occurs twice"),
            (|s| s.hosts[1].address = s.hosts[0].address, "occurs twice"),
            (|s| s.hosts[1].address = Ipv4Addr::new(10, 67, 0, 12), "in the network of"),
            (|s| s.hosts[1].address = Ipv4Addr::new(10, 66, 0, 1), "in the network of"),
            (|s| s.disks[0].path = "/usr/../etc".into(), "cannot be a disk"),
            (|s| s.hosts.iter_mut().for_each(|h| h.groups.clear()), "needs hosts in the group"),
            (|s| (s.class, s.mode) = (Class::Systemd, Some(Mode::User)), "need root"),
        ];
        for (damage, expected) in broken {
            let mut spec = Spec::consul(3);
            damage(&mut spec);
            assert!(why(&spec).contains(expected), "{} should say {expected}", why(&spec));
        }
    }
}
