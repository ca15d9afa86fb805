//! The hosts: refloat's own lab without anything on it but sshd, each host with its own namespaces.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::floor;
use crate::workload::{FILE, STEPS, Workload};

/// The program that is measured, as cargo built it.
pub const REFLOAT: &str = env!("CARGO_BIN_EXE_refloat");

/// Room in the kernel's table of neighbours, which all network namespaces share: by default it holds 1,024, and when
/// each of fifty hosts has asked each other one it is full, and they cannot be reached any more. What was set before
/// comes back when this is dropped.
pub struct Neighbours(Vec<(PathBuf, String)>);

impl Neighbours {
    pub fn room() -> Self {
        let mut before = Vec::new();
        for (name, wanted) in [("gc_thresh3", 65_536), ("gc_thresh2", 32_768)] {
            let path = Path::new("/proc/sys/net/ipv4/neigh/default").join(name);
            let now = std::fs::read_to_string(&path).unwrap_or_default();
            let less = now.trim().parse().is_ok_and(|now: u32| now < wanted);
            if less && std::fs::write(&path, wanted.to_string()).is_ok() {
                before.push((path, now));
            }
        }
        Self(before)
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        for (path, before) in &self.0 {
            let _ = std::fs::write(path, before);
        }
    }
}

/// A lab and a folder for the files of the runs.
pub struct Farm {
    dir: PathBuf,
    owned: bool,
}

impl Farm {
    /// Makes it; it is removed when this is dropped.
    pub fn up(dir: &Path, hosts: usize) -> Self {
        let farm = Self { dir: std::path::absolute(dir).expect("a path"), owned: true };
        std::fs::create_dir_all(farm.dir.join("work")).expect("a folder");
        let mut command = Command::new(REFLOAT);
        command.args(["lab", "up", &hosts.to_string(), "--bare", "--dir"]).arg(farm.lab()).stdout(Stdio::null());
        assert!(command.status().expect("refloat").success(), "there is no farm");
        farm
    }

    /// One that is up.
    pub fn of(dir: &Path) -> Self {
        Self { dir: std::path::absolute(dir).expect("a path"), owned: false }
    }

    /// Runs this program again inside the farm's network; its exit code.
    pub fn inside(&self, args: impl Iterator<Item = String>) -> i32 {
        let own = std::env::current_exe().expect("our own path");
        let mut command = Command::new(REFLOAT);
        command.args(["lab", "--dir"]).arg(self.lab()).args(["run", "--"]).arg(own).args(args).arg("inside");
        command.status().expect("refloat").code().unwrap_or(1)
    }

    /// In memory, where that can be: the disk of a host is its own, but here a hundred of them would share one, whose
    /// allocator looks at every file that any of them removed within the last minute.
    fn lab(&self) -> PathBuf {
        let memory = Path::new("/dev/shm");
        let name = self.dir.file_name().expect("a name").to_string_lossy();
        if memory.is_dir() { memory.join(format!("{name}-lab")) } else { self.dir.join("lab") }
    }

    /// A path for a file of a run.
    pub fn work(&self, name: &str) -> PathBuf {
        self.dir.join("work").join(name)
    }

    /// The file that takes what a contender prints.
    pub fn log(&self, contender: &str) -> PathBuf {
        self.work(&format!("{contender}.log"))
    }

    pub fn inventory(&self) -> PathBuf {
        self.lab().join("inventory.yaml")
    }

    pub fn ssh_config(&self) -> PathBuf {
        self.lab().join("ssh_config")
    }

    pub fn key(&self) -> PathBuf {
        self.lab().join("id")
    }

    pub fn known_hosts(&self) -> PathBuf {
        self.lab().join("known_hosts")
    }

    /// The names of the first `n` hosts.
    pub fn hosts(n: usize) -> Vec<String> {
        (1..=n).map(|n| format!("consul-{n}")).collect()
    }

    /// The address of a host.
    pub fn address(&self, host: &str) -> String {
        let text = std::fs::read_to_string(self.ssh_config()).expect("the lab's ssh_config");
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("Host {host} ")));
        line.expect("a host of the lab").to_owned()
    }

    /// Whether the work was done on every host, exactly; takes its traces away.
    pub fn verify(&self, work: &Workload, contender: &str) {
        let text = format!("cat {STEPS} 2>/dev/null; echo --; cat {FILE} 2>/dev/null; rm -f {STEPS} {FILE}");
        let expected = format!("{}--\n{}", work.written(), work.file());
        let hosts = Self::hosts(work.hosts);
        for (host, said) in hosts.iter().zip(floor::ask(&self.ssh_config(), &hosts, &text)) {
            let log = self.log(contender);
            assert_eq!(said, expected, "{contender} did not do {} on {host}; see {}", work.name, log.display());
        }
    }
}

impl Drop for Farm {
    fn drop(&mut self) {
        if self.owned {
            let down = Command::new(REFLOAT).args(["lab", "down", "--dir"]).arg(self.lab()).status();
            assert!(down.expect("refloat").success(), "the farm stays in {}", self.dir.display());
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}
