//! What a lab needs from this machine, asked before anything is made.

use std::ffi::OsStr;

use crate::base::process;

use super::spec::{Class, Mode};

/// Something that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A program.
    Program {
        /// Its name.
        program: &'static str,
        /// The Debian package that brings it.
        package: &'static str,
    },
    /// Namespaces are not allowed.
    Namespaces {
        /// What the probe said.
        said: String,
    },
    /// systemd hosts need root.
    Root,
    /// systemd hosts need a cgroup hierarchy that systemd knows.
    Cgroups,
}

/// All missing things in one sentence with what to type.
pub(super) fn sentence(missing: &[Missing]) -> String {
    let mut parts = Vec::new();
    let mut packages: Vec<&str> = Vec::new();
    let mut programs: Vec<&str> = Vec::new();
    for one in missing {
        match one {
            Missing::Program { program, package } => {
                programs.push(program);
                if !packages.contains(package) {
                    packages.push(package);
                }
            }
            Missing::Namespaces { said } => parts.push(format!(
                "namespaces are forbidden ({said}); allow them (kernel.unprivileged_userns_clone=1, \
                 user.max_user_namespaces, no seccomp ban), be root, or use --loopback"
            )),
            Missing::Root => parts.push("systemd hosts need root".to_owned()),
            Missing::Cgroups => parts.push("systemd hosts need cgroups (v2, or v1 with name=systemd)".to_owned()),
        }
    }
    if !packages.is_empty() {
        parts.insert(0, format!("{}: apt-get install {}", programs.join(", "), packages.join(" ")));
    }
    parts.join("; ")
}

/// Whether a lab of the usual class can be made here: in which mode, or what is missing and what to type.
pub fn ready(path: &OsStr) -> Result<&'static str, String> {
    let mode = best_mode();
    let missing = needs(path, mode, Class::Runit);
    if !missing.is_empty() {
        return Err(sentence(&missing));
    }
    Ok(match mode {
        Mode::Root => "namespaces, as root",
        Mode::User => "namespaces, as an ordinary user",
        Mode::Loopback => {
            "loopback addresses: namespaces are forbidden, so hosts share this machine's files and processes"
        }
    })
}

const COMMON: &[(&str, &str)] = &[
    ("bash", "bash"),
    ("ssh", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("sshd", "openssh-server"),
    ("setsid", "util-linux"),
];
const NAMESPACES: &[(&str, &str)] = &[
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("mount", "mount"),
    ("ip", "iproute2"),
    ("awk", "mawk"),
    ("pgrep", "procps"),
];
const RUNIT: &[(&str, &str)] = &[("runsvdir", "runit"), ("sv", "runit"), ("svlogd", "runit")];

/// What is missing for a lab of this mode and class; empty when it can be made.
#[must_use]
pub fn needs(path: &OsStr, mode: Mode, class: Class) -> Vec<Missing> {
    let mut wanted = COMMON.to_vec();
    if class == Class::Runit {
        wanted.extend(RUNIT);
    }
    match mode {
        Mode::Root => wanted.extend(NAMESPACES.iter().chain(&[("sudo", "sudo"), ("setpriv", "util-linux")])),
        Mode::User => wanted.extend(NAMESPACES),
        Mode::Loopback => wanted.push(("setpriv", "util-linux")),
    }
    let mut missing = programs(path, &wanted);
    if mode != Mode::Loopback
        && let Err(said) = namespaces(mode)
    {
        missing.push(Missing::Namespaces { said });
    }
    if class == Class::Systemd {
        if !std::path::Path::new("/usr/lib/systemd/systemd").exists() {
            missing.push(Missing::Program { program: "systemd", package: "systemd" });
        }
        if mode != Mode::Root {
            missing.push(Missing::Root);
        }
        if !["/sys/fs/cgroup/cgroup.controllers", "/sys/fs/cgroup/systemd"]
            .iter()
            .any(|p| std::fs::exists(p).is_ok_and(|e| e))
        {
            missing.push(Missing::Cgroups);
        }
    }
    missing
}

/// Which of these programs are missing; with each goes the Debian package that brings it.
#[must_use]
pub fn programs(path: &OsStr, wanted: &[(&'static str, &'static str)]) -> Vec<Missing> {
    let path = with_sbin(path);
    let missing = wanted.iter().filter(|(program, _)| process::find(program, &path).is_none());
    missing.map(|&(program, package)| Missing::Program { program, package }).collect()
}

/// The best mode that this machine allows this user. A root without rights may still make what every user may.
#[must_use]
pub fn best_mode() -> Mode {
    let modes: &[Mode] = if is_root() { &[Mode::Root, Mode::User] } else { &[Mode::User] };
    modes.iter().copied().find(|&mode| namespaces(mode).is_ok()).unwrap_or(Mode::Loopback)
}

/// Whether namespaces can be made, by making some.
fn namespaces(mode: Mode) -> Result<(), String> {
    let mut probe = process::blocking("unshare");
    if mode == Mode::User {
        probe.args(["--user", "--map-root-user"]);
    }
    probe.args([
        "--net",
        "--mount",
        "--pid",
        "--uts",
        "--ipc",
        "--fork",
        "--mount-proc",
        "mount",
        "-t",
        "tmpfs",
        "probe",
        "/tmp",
    ]);
    match probe.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(format!("unshare: {error}")),
    }
}

/// Whether this process is root.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A search path with the folders where servers are: ordinary users often have none of them.
pub(super) fn with_sbin(path: &OsStr) -> std::ffi::OsString {
    let mut path = path.to_owned();
    path.push(":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin");
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_packages_are_one_line_of_apt() {
        let missing = [
            Missing::Program { program: "sshd", package: "openssh-server" },
            Missing::Program { program: "sv", package: "runit" },
            Missing::Program { program: "svlogd", package: "runit" },
        ];
        assert_eq!(sentence(&missing), "sshd, sv, svlogd: apt-get install openssh-server runit");
    }

    #[test]
    fn forbidden_namespaces_say_what_to_do() {
        let text = sentence(&[Missing::Namespaces { said: "unshare failed: Operation not permitted".into() }]);
        assert!(text.contains("Operation not permitted") && text.contains("--loopback"), "{text}");
    }

    #[test]
    fn an_empty_path_still_finds_sbin() {
        assert_eq!(with_sbin(OsStr::new("/a")).to_str().map(|p| p.starts_with("/a:/usr/local/sbin")), Some(true));
    }
}
