//! The lab: real hosts on this machine, made in seconds and gone with one kill.
//!
//! A host is a set of namespaces with its own name, address, file system and process tree, sshd on port 22 and a service
//! manager. All hosts live inside one outer set of namespaces: when its first process dies, the kernel takes everything
//! away. So labs do not see each other, and two may use the same addresses at once.
//!
//! ```text
//! outer (net, mount, pid, for an ordinary user also user)      br0 10.66.0.1, disks of all hosts
//! ├── consul-1 (net, mount, pid, uts, ipc; systemd: cgroup)    eth0 10.66.0.11, /usr of this machine read-only
//! └── consul-2 ...                                             PID 1: runsvdir or systemd
//! ```
//!
//! refloat itself is run inside the outer network namespace ([`Lab::enter`]), hence `ssh_config` needs no proxy.
//!
//! Invariants: nothing of the machine is changed: no interface, sysctl, or file outside the lab's folder (systemd hosts
//! have a cgroup folder, which [`Lab::remove`] takes away; loopback labs of root may need `/run/sshd`). A process is
//! killed only when it carries the lab's id.
//!
//! Limits: disks are in memory and die with the lab; they survive a host's power-off. Where namespaces are forbidden,
//! [`Mode::Loopback`] gives one sshd per host on a loopback address, and [`Mode::lost`] says what that cannot show.

mod breaks;
mod consul;
pub mod drill;
mod error;
mod fault;
mod files;
mod kit;
mod loopback;
mod needs;
mod record;
mod secure;
mod seed;
mod spec;
mod up;
mod web;

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use crate::base::process;

pub use consul::{ConsulError, Machine, obtain as obtain_consul};
pub use error::LabError;
pub use fault::{Fault, USAGE as FAULT_USAGE};
pub use files::Place;
pub use kit::{CONSUL_GROUP, ConsulKit, Kit};
pub use needs::{Missing, best_mode, needs, programs, ready};
pub use spec::{Class, Disk, HostSpec, Mode, Spec};
pub use web::NEEDS as WEB_NEEDS;

use record::Record;

/// A lab that is up.
#[derive(Clone, Debug)]
pub struct Lab {
    dir: PathBuf,
    record: Record,
}

impl Lab {
    /// Makes a lab in a folder and waits until its hosts answer, and its Consul servers have a leader.
    ///
    /// `progress` is told, in a few words, what is being done. A lab that fails to come up is taken away again.
    pub fn up(dir: &Path, spec: Spec, machine: &Machine, progress: &mut dyn FnMut(&str)) -> Result<Self, LabError> {
        up::up(dir, spec, machine, progress)
    }

    /// The lab of a folder.
    pub fn open(dir: &Path) -> Result<Self, LabError> {
        let dir = std::path::absolute(dir).map_err(files::at(dir))?;
        match Record::load(&dir)? {
            Some(record) if record.outer(&dir).is_some() => Ok(Self { dir, record }),
            _ => Err(LabError::NotUp { dir }),
        }
    }

    /// Ends the lab: kills its processes, waits until they are gone, removes its folder.
    pub fn down(self) -> Result<(), LabError> {
        Self::remove(&self.dir)
    }

    /// Takes away whatever is left of a lab in a folder, also of one that was killed or never came up.
    pub fn remove(dir: &Path) -> Result<(), LabError> {
        let dir = std::path::absolute(dir).map_err(files::at(dir))?;
        let Some(record) = Record::load(&dir)? else { return Err(LabError::NotUp { dir }) };
        let pids = record.processes();
        record::kill(&pids);
        record::wait_for(
            "the end of the lab's processes",
            Duration::from_secs(20),
            || pids.iter().all(|&pid| record::is_over(pid)),
            || format!("processes {pids:?}"),
        )?;
        if record.mode == Mode::Loopback {
            loopback::clean(&record)?;
        }
        if record.spec.class == Class::Systemd {
            up::remove_cgroups(&record.id)?;
        }
        record::remove(&dir)
    }

    /// The words before a command that make it run inside the lab's network; empty for loopback.
    #[must_use]
    pub fn enter(&self) -> Vec<String> {
        self.nsenter(&["--net"])
    }

    /// The words that enter all of the lab's outer namespaces, where the scripts work.
    fn enter_all(&self) -> Vec<String> {
        let outer = self.record.outer(&self.dir).unwrap_or_default();
        self.nsenter(&["--net", "--mount", &format!("--pid=/proc/{outer}/ns/pid_for_children")])
    }

    fn nsenter(&self, which: &[&str]) -> Vec<String> {
        let Some(outer) = self.record.outer(&self.dir).filter(|_| self.record.mode != Mode::Loopback) else {
            return Vec::new();
        };
        let mut words = vec!["nsenter".to_owned(), format!("--target={outer}")];
        words.extend(which.iter().map(|&w| w.to_owned()));
        // one cannot enter the user namespace that one is in, for example under `refloat lab run`
        let own = std::fs::read_link("/proc/self/ns/user").ok();
        if self.record.mode == Mode::User && own != std::fs::read_link(format!("/proc/{outer}/ns/user")).ok() {
            words.extend(["--user".to_owned(), "--preserve-credentials".to_owned()]);
        }
        words.push("--".to_owned());
        words
    }

    /// Variables for the programs that are run inside its network: for a secure kit, the token that opens its API.
    pub fn env(&self) -> Result<Vec<(&'static str, String)>, LabError> {
        let names = self.record.spec.kit.variables().iter().filter(|_| self.record.mode != Mode::Loopback);
        names.map(|name| Ok((*name, secure::token(&self.dir)?))).collect()
    }

    /// The lab's folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The inventory that the lab wrote.
    #[must_use]
    pub fn inventory_path(&self) -> PathBuf {
        self.dir.join("inventory.yaml")
    }

    /// The file for ssh's `-F`.
    #[must_use]
    pub fn ssh_config_path(&self) -> PathBuf {
        self.dir.join("ssh_config")
    }

    /// Its hosts, as one connects to them.
    #[must_use]
    pub fn hosts(&self) -> &[Place] {
        &self.record.places
    }

    /// How its hosts are kept apart.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.record.mode
    }

    /// The process whose death ends the lab.
    #[must_use]
    pub fn outer_pid(&self) -> Option<u32> {
        self.record.outer(&self.dir)
    }

    /// The words of an ssh to one of the hosts, to be followed by a command as one word of shell text, or nothing.
    pub fn ssh(&self, host: &str) -> Result<Vec<String>, LabError> {
        let place = self.place(host)?;
        let mut words = self.enter();
        words.extend(["ssh", "-F"].map(str::to_owned));
        words.extend([self.ssh_config_path().display().to_string(), place.name.clone()]);
        Ok(words)
    }

    /// Runs a command on a host, as its user `ops`, over ssh.
    pub fn exec(&self, host: &str, argv: &[&str]) -> Result<Output, LabError> {
        let mut words = self.ssh(host)?;
        let line = shlex::try_join(argv.iter().copied()).map_err(|e| LabError::Fault { why: e.to_string() })?;
        words.push(line);
        let failed = |e: std::io::Error| LabError::Program { program: words[0].clone(), stderr: e.to_string() };
        process::blocking(&words[0]).args(&words[1..]).output().map_err(failed)
    }

    /// What a file on a host holds, as its root reads it; `None` when there is none.
    #[must_use]
    pub fn file(&self, host: &str, path: &str) -> Option<String> {
        let output = self.exec(host, &["sudo", "-n", "cat", "--", path]).ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Does something bad to the lab, or undoes it.
    pub fn fault(&self, fault: &Fault) -> Result<(), LabError> {
        breaks::apply(self, fault)
    }

    /// Does several bad things at the same time. The first error is told when all are done.
    pub fn faults(&self, faults: &[Fault]) -> Result<(), LabError> {
        std::thread::scope(|scope| {
            let running: Vec<_> = faults.iter().map(|fault| scope.spawn(|| self.fault(fault))).collect();
            let ended: Vec<_> =
                running.into_iter().map(|one| one.join().unwrap_or_else(|p| std::panic::resume_unwind(p))).collect();
            ended.into_iter().collect()
        })
    }

    fn place(&self, host: &str) -> Result<&Place, LabError> {
        self.record.places.iter().find(|p| p.name == host).ok_or_else(|| LabError::NoSuchHost {
            name: host.to_owned(),
            known: self.record.places.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    /// Runs one of the lab's scripts in its outer namespaces.
    fn script(&self, name: &str, args: &[&str]) -> Result<String, LabError> {
        let words = self.enter_all();
        let Some((program, rest)) = words.split_first() else {
            return Err(LabError::NotUp { dir: self.dir.clone() });
        };
        let mut command = process::blocking(program);
        command.args(rest).arg("bash").arg(self.dir.join("script").join(name)).args(args);
        up::environment(&mut command, &self.dir, &self.record, None);
        files::run(&mut command).map_err(|error| match error {
            LabError::Program { stderr, .. } => LabError::Program { program: name.to_owned(), stderr },
            other => other,
        })
    }
}
