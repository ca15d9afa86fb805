//! What the lab writes for the operator: keys, `known_hosts`, `ssh_config`, the inventory. And the small helpers by which
//! all of the lab's files are written.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde_json::json;

use crate::base::process;

use super::error::LabError;
use super::record::Record;
use super::secure;
use super::spec::{Class, Mode};

/// One host as one connects to it, which on loopback differs from what the spec says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Place {
    /// Host name.
    pub name: String,
    /// Address.
    pub address: std::net::Ipv4Addr,
    /// Port of sshd.
    pub port: u16,
}

/// Keys for the operator and each host.
pub(super) fn write_keys(dir: &Path, places: &[Place]) -> Result<(), LabError> {
    keygen(&dir.join("id"), "refloat lab")?;
    let mut known = String::new();
    for Place { name, address, port } in places {
        let key = dir.join("key").join(name);
        keygen(&key, name)?;
        let public = read(&key.with_extension("pub"))?;
        let mut words = public.split_ascii_whitespace();
        let (kind, data) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let _ = match port {
            22 => writeln!(known, "{name},{address} {kind} {data}"),
            _ => writeln!(known, "[{name}]:{port},[{address}]:{port} {kind} {data}"),
        };
    }
    write(&dir.join("known_hosts"), 0o644, &known)
}

fn keygen(path: &Path, comment: &str) -> Result<(), LabError> {
    let mut command = process::blocking("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"]).arg(path);
    run(&mut command).map(drop)
}

/// The file for ssh's `-F`.
pub(super) fn ssh_config(dir: &Path, places: &[Place], user: &str) -> String {
    let mut text = String::new();
    for Place { name, address, port } in places {
        let _ = writeln!(text, "Host {name} {address}\n  HostName {address}\n  Port {port}");
    }
    let _ = write!(
        text,
        "Host *\n  User {user}\n  IdentityFile {id}\n  IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile {known}\n  \
         GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n  UpdateHostKeys no\n  BatchMode yes\n  \
         ConnectTimeout 5\n  KexAlgorithms curve25519-sha256\n",
        id = ssh_path(&dir.join("id")),
        known = ssh_path(&dir.join("known_hosts")),
    );
    text
}

/// A path as ssh's configuration wants it: quoted, without meaning for `%` and `$`.
fn ssh_path(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('%', "%%"))
}

/// The lab's inventory, in refloat's own form. Values are written as JSON, which YAML contains.
pub(super) fn inventory(record: &Record, places: &[Place]) -> String {
    let spec = &record.spec;
    let manager = match spec.class {
        Class::Runit => "runit",
        Class::Systemd => "systemd",
    };
    let mut text = String::from("# Written by `refloat lab up`.\ninventory: lab\n");
    if let Some(kit) = spec.kit.consul().filter(|_| record.mode != Mode::Loopback) {
        let log = match spec.class {
            Class::Runit => "/var/log/consul/current",
            Class::Systemd => "journal:consul.service",
        };
        let _ = writeln!(text, "vars:\n  consul_log: {log}");
        for (name, value) in secure::VARS.iter().filter(|_| kit.secure) {
            let _ = writeln!(text, "  {name}: {value}");
        }
    }
    text.push_str("hosts:\n");
    let mut groups: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for (host, place) in spec.hosts.iter().zip(places) {
        let _ = write!(text, "  {}:\n    address: {}\n", host.name, place.address);
        if place.port != 22 {
            let _ = writeln!(text, "    port: {}", place.port);
        }
        let _ = writeln!(
            text,
            "    connect: {{ ssh_config: ssh_config, user: {}, service_manager: {manager}, drill: true }}",
            json!(record.user)
        );
        if !host.vars.is_empty() {
            let _ = writeln!(text, "    vars: {}", json!(host.vars));
        }
        for group in &host.groups {
            groups.entry(group).or_default().push(&host.name);
        }
    }
    if !groups.is_empty() {
        text.push_str("groups:\n");
    }
    for (group, members) in groups {
        let _ = write!(text, "  {group}:\n    hosts: [{}]\n", members.join(", "));
    }
    text
}

/// Writes a file with exactly this mode, and the folders above it.
pub(super) fn write(path: &Path, mode: u32, text: &str) -> Result<(), LabError> {
    use std::io::Write as _;
    let attempt = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(fs::Permissions::from_mode(mode))
    };
    attempt().map_err(at(path))
}

/// Makes a folder with exactly this mode.
pub(super) fn folder(path: &Path, mode: u32) -> Result<(), LabError> {
    fs::create_dir_all(path)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .map_err(at(path))
}

/// Makes a symbolic link.
pub(super) fn link(target: &str, path: &Path) -> Result<(), LabError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(at(parent))?;
    }
    symlink(target, path).map_err(at(path))
}

/// Reads a text file.
pub(super) fn read(path: &Path) -> Result<String, LabError> {
    fs::read_to_string(path).map_err(at(path))
}

/// Names the path that an error is about.
pub(super) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> LabError + use<> {
    let path: PathBuf = path.to_owned();
    move |source| LabError::File { path, source }
}

/// Runs a program to its end; its failure carries the end of what it said.
pub(super) fn run(command: &mut std::process::Command) -> Result<String, LabError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|e| LabError::Program { program: program.clone(), stderr: e.to_string() })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(LabError::Program { program, stderr: format!("{}: {}", output.status, tail(&output.stderr)) })
}

/// The last lines of what a program said.
pub(super) fn tail(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.trim().lines().collect();
    lines[lines.len().saturating_sub(4)..].join(" | ")
}
