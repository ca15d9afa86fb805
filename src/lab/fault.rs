//! Faults: what can be done to a lab, and undone.
//!
//! They are real: processes are killed, power is cut, routes lead nowhere, disks are full. A new one is a variant here,
//! a row in [`Fault::parse`] and an arm in [`apply`]; slow links (`tc netem` on a host's card), a skewed clock and stale
//! data are the next.

use crate::base::process;

use super::error::LabError;
use super::files;
use super::spec::Mode;
use super::{Lab, up};

/// A fault, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The processes of a name get SIGKILL. The service manager starts them again unless they are kept down.
    Kill {
        /// The host.
        host: String,
        /// The process, by its exact name; to be kept down it has to be the name of its service too.
        process: String,
        /// Whether the service manager shall leave them dead, until told to start them or until the next power-on.
        keep_down: bool,
    },
    /// All processes of a host end at once, without a word to anyone. Its disks keep what they hold.
    PowerOff {
        /// The host.
        host: String,
    },
    /// The host starts again; returns when its sshd answers.
    PowerOn {
        /// The host.
        host: String,
    },
    /// The host's link goes down; nothing reaches it, ssh neither.
    CutLink {
        /// The host.
        host: String,
    },
    /// The link is up again.
    MendLink {
        /// The host.
        host: String,
    },
    /// Two sets of hosts cannot reach each other. The operator still reaches both.
    Partition {
        /// One side.
        a: Vec<String>,
        /// The other side.
        b: Vec<String>,
    },
    /// All partitions end.
    Heal,
    /// The disk that holds a path has no room left.
    FillDisk {
        /// The host.
        host: String,
        /// A path on the disk.
        path: String,
    },
    /// The disk has its size again.
    FreeDisk {
        /// The host.
        host: String,
        /// A path on the disk.
        path: String,
    },
}

/// All forms of `refloat lab break`, for help texts.
pub const USAGE: &str = "kill HOST PROCESS [keep-down] | power-off HOST | power-on HOST | cut-link HOST | mend-link HOST | \
                         partition HOST.. / HOST.. | heal | fill-disk HOST PATH | free-disk HOST PATH";

impl Fault {
    /// Reads a fault from words, as in `refloat lab break power-off consul-1`.
    pub fn parse<S: AsRef<str>>(words: &[S]) -> Result<Self, LabError> {
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        let own = |s: &str| s.to_owned();
        let fault = match words.as_slice() {
            ["kill", host, process] => Self::Kill { host: own(host), process: own(process), keep_down: false },
            ["kill", host, process, "keep-down"] => {
                Self::Kill { host: own(host), process: own(process), keep_down: true }
            }
            ["power-off", host] => Self::PowerOff { host: own(host) },
            ["power-on", host] => Self::PowerOn { host: own(host) },
            ["cut-link", host] => Self::CutLink { host: own(host) },
            ["mend-link", host] => Self::MendLink { host: own(host) },
            ["partition", sides @ ..] => return Self::parse_partition(sides),
            ["heal"] => Self::Heal,
            ["fill-disk", host, path] => Self::FillDisk { host: own(host), path: own(path) },
            ["free-disk", host, path] => Self::FreeDisk { host: own(host), path: own(path) },
            _ => {
                return Err(LabError::Fault {
                    why: format!("`{}` is not a fault; faults are: {USAGE}", words.join(" ")),
                });
            }
        };
        Ok(fault)
    }

    fn parse_partition(sides: &[&str]) -> Result<Self, LabError> {
        let own = |side: &[&str]| side.iter().map(|&s| s.to_owned()).collect::<Vec<_>>();
        let sides: Vec<Vec<String>> = sides.split(|w| *w == "/").map(own).collect();
        match <[Vec<String>; 2]>::try_from(sides) {
            Ok([a, b]) if !a.is_empty() && !b.is_empty() && !a.iter().any(|h| b.contains(h)) => {
                Ok(Self::Partition { a, b })
            }
            _ => Err(LabError::Fault {
                why: "a partition has two sides without a common host: partition A.. / B..".to_owned(),
            }),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Kill { .. } => "kill",
            Self::PowerOff { .. } => "power-off",
            Self::PowerOn { .. } => "power-on",
            Self::CutLink { .. } => "cut-link",
            Self::MendLink { .. } => "mend-link",
            Self::Partition { .. } => "partition",
            Self::Heal => "heal",
            Self::FillDisk { .. } => "fill-disk",
            Self::FreeDisk { .. } => "free-disk",
        }
    }
}

pub(super) fn apply(lab: &Lab, fault: &Fault) -> Result<(), LabError> {
    if lab.mode() == Mode::Loopback {
        return Err(LabError::NoFaultsHere { fault: fault.name() });
    }
    match fault {
        Fault::Kill { host, process, keep_down } => {
            let keep = if *keep_down { "keep" } else { "" };
            inside(lab, host, &["bash", "-c", include_str!("assets/kill.sh"), "kill.sh", process, keep])
        }
        Fault::PowerOff { host } => {
            init_of(lab, host)?;
            lab.script("power-off.sh", &[host]).map(drop)
        }
        Fault::PowerOn { host } => {
            let place = lab.place(host)?.clone();
            lab.script("power-on.sh", &[host])?;
            up::wait_banners(lab, &[place])
        }
        Fault::CutLink { host } => link(lab, host, "down"),
        Fault::MendLink { host } => link(lab, host, "up"),
        Fault::Partition { a, b } => {
            for (here, there) in [(a, b), (b, a)] {
                for host in here {
                    for other in there {
                        let to = format!("{}/32", lab.place(other)?.address);
                        inside(lab, host, &["ip", "route", "replace", "blackhole", &to])?;
                    }
                }
            }
            Ok(())
        }
        Fault::Heal => {
            for place in lab.hosts() {
                // a host without power has no routes either
                if init_of(lab, &place.name).is_ok() {
                    inside(lab, &place.name, &["ip", "route", "flush", "type", "blackhole"])?;
                }
            }
            Ok(())
        }
        Fault::FillDisk { host, path } => disk(lab, host, path, "full"),
        Fault::FreeDisk { host, path } => disk(lab, host, path, "free"),
    }
}

fn link(lab: &Lab, host: &str, state: &str) -> Result<(), LabError> {
    lab.place(host)?;
    let index = lab.hosts().iter().position(|p| p.name == host).map_or(0, |i| i + 1);
    let mut words = lab.enter();
    words.extend(["ip", "link", "set", &format!("v{index}"), state].map(str::to_owned));
    run(&words)
}

fn disk(lab: &Lab, host: &str, path: &str, what: &str) -> Result<(), LabError> {
    lab.place(host)?;
    let disks = lab.record.spec.disks.iter().map(|d| d.path.as_str());
    let holds = |disk: &&str| std::path::Path::new(path).starts_with(disk);
    let mount = disks.filter(holds).max_by_key(|d| d.len()).unwrap_or("/");
    lab.script("fill-disk.sh", &[host, mount, what]).map(drop)
}

/// The first process of a host, as its number is in the lab's process namespace.
fn init_of(lab: &Lab, host: &str) -> Result<String, LabError> {
    lab.place(host)?;
    let file = lab.dir().join("run").join(host).join("init.pid");
    let pid = files::read(&file).map_err(|_| LabError::NoPower { host: host.to_owned() })?;
    Ok(pid.trim().to_owned())
}

/// Runs a command in a host's namespaces, as its root.
fn inside(lab: &Lab, host: &str, argv: &[&str]) -> Result<(), LabError> {
    let init = init_of(lab, host)?;
    let mut words = lab.enter_all();
    words.extend(["nsenter", "-t", &init, "-n", "-m", "-p", "-u", "-i", "--"].map(str::to_owned));
    words.extend(argv.iter().map(|&w| w.to_owned()));
    run(&words).map_err(|error| match error {
        LabError::Program { stderr, .. } => LabError::Program { program: format!("{} on {host}", argv[0]), stderr },
        other => other,
    })
}

fn run(words: &[String]) -> Result<(), LabError> {
    let mut command = process::blocking(&words[0]);
    command.args(&words[1..]).env("PATH", up::PATH).env("LC_ALL", "C");
    files::run(&mut command).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Fault, String> {
        let words: Vec<&str> = line.split(' ').collect();
        Fault::parse(&words).map_err(|e| e.to_string())
    }

    #[test]
    fn every_form_of_the_usage_can_be_read_and_carries_its_name() {
        for form in USAGE.split(" | ") {
            let line = form.replace(['[', ']'], "").replace("HOST.. / HOST..", "a b / c");
            let fault = parse(&line).unwrap_or_else(|e| panic!("{line}: {e}"));
            assert_eq!(Some(fault.name()), line.split(' ').next());
        }
    }

    #[test]
    fn a_kill_may_be_for_good() {
        let kill = |keep_down| Fault::Kill { host: "a".into(), process: "consul".into(), keep_down };
        assert_eq!(parse("kill a consul"), Ok(kill(false)));
        assert_eq!(parse("kill a consul keep-down"), Ok(kill(true)));
    }

    #[test]
    fn a_partition_has_two_sides() {
        let partition = Fault::Partition { a: vec!["a".into()], b: vec!["b".into(), "c".into()] };
        assert_eq!(parse("partition a / b c"), Ok(partition));
        for wrong in ["partition a", "partition a /", "partition / a", "partition a / a", "partition a / b / c"] {
            assert!(parse(wrong).unwrap_err().contains("two sides"), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_fault_shows_all_faults() {
        assert!(parse("explode a").unwrap_err().contains("power-off HOST"));
        assert!(parse("kill a").unwrap_err().contains("not a fault"));
    }
}
