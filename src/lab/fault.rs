//! Faults: what can be done to a lab, and undone.
//!
//! They are real: processes are killed, power is cut, routes lead nowhere, disks are full. A new one is a variant here,
//! a row in [`Fault::parse`] and an arm in [`apply`].
//!
//! Limits: slow links need a kernel with `netem`. The clock of a host cannot be skewed: Linux has no namespace for the
//! time of day.

use crate::base::process;

use super::error::LabError;
use super::files;
use super::kit::Kit;
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
    /// What is sent to the host comes late, or not at all.
    Slow {
        /// The host.
        host: String,
        /// How late, in milliseconds.
        millis: u64,
        /// How much is lost, in percent.
        loss: String,
    },
    /// A copy of the data of the host's kit is kept, as it is now.
    KeepData {
        /// The host.
        host: String,
    },
    /// The kept copy takes the place of the data, while its service is down; one that ran is started again.
    StaleData {
        /// The host.
        host: String,
    },
    /// A command is run on the host by its root, as text for a login shell.
    Run {
        /// The host.
        host: String,
        /// The command.
        command: String,
    },
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
                         partition HOST.. / HOST.. | heal | slow HOST MILLISECONDS [LOSS] | fill-disk HOST PATH | \
                         free-disk HOST PATH | keep-data HOST | stale-data HOST | run HOST COMMAND";

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
            ["slow", host, millis, loss @ ..] if loss.len() < 2 => {
                let number = |text: &str| text.parse::<f64>().ok().filter(|n| (0.0..=100.0).contains(n));
                let loss = loss.first().map_or("0", |loss| loss.trim_end_matches('%'));
                match (millis.trim_end_matches("ms").parse(), number(loss)) {
                    (Ok(millis), Some(_)) => Self::Slow { host: own(host), millis, loss: own(loss) },
                    _ => return Err(LabError::Fault { why: "slow: whole milliseconds, then percent".to_owned() }),
                }
            }
            ["keep-data", host] => Self::KeepData { host: own(host) },
            ["stale-data", host] => Self::StaleData { host: own(host) },
            ["run", host, command @ ..] if !command.is_empty() => {
                Self::Run { host: own(host), command: command.join(" ") }
            }
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
            Self::Slow { .. } => "slow",
            Self::KeepData { .. } => "keep-data",
            Self::StaleData { .. } => "stale-data",
            Self::Run { .. } => "run",
            Self::FillDisk { .. } => "fill-disk",
            Self::FreeDisk { .. } => "free-disk",
        }
    }
}

/// Which host cannot reach which addresses, in the lab's folder.
const WALLS: &str = "walls.list";
const KILL: &str = include_str!("assets/kill.sh");

pub(super) fn apply(lab: &Lab, fault: &Fault) -> Result<(), LabError> {
    if lab.mode() == Mode::Loopback {
        return Err(LabError::NoFaultsHere { fault: fault.name() });
    }
    match fault {
        Fault::Kill { host, process, keep_down } => {
            let keep = if *keep_down { "keep" } else { "" };
            inside(lab, host, &["bash", "-c", KILL, "kill.sh", process, keep])
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
            let mut walls = Vec::new();
            for (here, there) in [(a, b), (b, a)] {
                for host in here {
                    lab.place(host)?;
                    for other in there {
                        walls.push((host, lab.place(other)?.address));
                    }
                }
            }
            // a host without power builds its walls when it has it again, before anything runs there
            let lines: String = walls.iter().map(|(host, to)| format!("{host} {to}\n")).collect();
            let list = lab.dir().join(WALLS);
            let before = std::fs::read_to_string(&list).unwrap_or_default();
            files::write(&list, 0o644, &(before + &lines))?;
            for (host, to) in walls {
                if init_of(lab, host).is_ok() {
                    inside(lab, host, &["ip", "route", "replace", "blackhole", &format!("{to}/32")])?;
                }
            }
            Ok(())
        }
        Fault::Heal => {
            files::write(&lab.dir().join(WALLS), 0o644, "")?;
            for place in lab.hosts() {
                if init_of(lab, &place.name).is_ok() {
                    inside(lab, &place.name, &["ip", "route", "flush", "type", "blackhole"])?;
                }
            }
            Ok(())
        }
        Fault::Slow { host, millis, loss } => slow(lab, host, *millis, loss),
        Fault::KeepData { host } => data(lab, host, "keep"),
        Fault::StaleData { host } => {
            let (_, service) = kit_data(lab)?;
            let runs = init_of(lab, host).is_ok() && inside(lab, host, &["pgrep", "-x", service]).is_ok();
            if runs {
                inside(lab, host, &["bash", "-c", KILL, "kill.sh", service, "keep"])?;
            }
            data(lab, host, "back")?;
            if runs {
                inside(lab, host, &["bash", "-c", include_str!("assets/start-again.sh"), "start-again.sh", service])?;
            }
            Ok(())
        }
        Fault::Run { host, command } => inside(lab, host, &["bash", "-lc", command]),
        Fault::FillDisk { host, path } => disk(lab, host, path, "full"),
        Fault::FreeDisk { host, path } => disk(lab, host, path, "free"),
    }
}

/// The lab's end of a host's link.
fn card(lab: &Lab, host: &str) -> Result<String, LabError> {
    lab.place(host)?;
    let index = lab.hosts().iter().position(|p| p.name == host).map_or(0, |i| i + 1);
    Ok(format!("v{index}"))
}

fn link(lab: &Lab, host: &str, state: &str) -> Result<(), LabError> {
    let mut words = lab.enter();
    words.extend(["ip", "link", "set", &card(lab, host)?, state].map(str::to_owned));
    run(&words)
}

fn slow(lab: &Lab, host: &str, millis: u64, loss: &str) -> Result<(), LabError> {
    let (card, delay, loss) = (card(lab, host)?, format!("{millis}ms"), format!("{loss}%"));
    let mut words = lab.enter();
    words.extend(["tc", "qdisc", "replace", "dev", &card, "root", "netem"].map(str::to_owned));
    words.extend(["delay", &delay, "loss", &loss].map(str::to_owned));
    run(&words).map_err(|error| match error {
        LabError::Program { stderr, .. } if stderr.contains("qdisc kind is unknown") => LabError::Fault {
            why: "slow: this machine's kernel has no netem (CONFIG_NET_SCH_NETEM), so links cannot be slow here; \
                  where it is a module, type: modprobe sch_netem"
                .to_owned(),
        },
        other => other,
    })
}

/// Where the kit keeps its data, and the service that writes there.
fn kit_data(lab: &Lab) -> Result<(&'static str, &'static str), LabError> {
    match lab.record.spec.kit {
        Kit::Bare => Err(LabError::Fault { why: "the hosts of this lab run nothing that has data".to_owned() }),
        Kit::Consul(_) => Ok(("/var/lib/consul", "consul")),
    }
}

fn data(lab: &Lab, host: &str, what: &str) -> Result<(), LabError> {
    lab.place(host)?;
    let (folder, service) = kit_data(lab)?;
    lab.script("data.sh", &[host, folder, service, what]).map(drop)
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
            let line = line.replace("MILLISECONDS", "10").replace("LOSS", "1.5%");
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
