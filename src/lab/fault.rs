//! Faults: what can be done to a lab, and undone.
//!
//! A new one is a variant here, a row in [`Fault::parse`] and an arm where faults are done.

use super::error::LabError;

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
    /// A command is run on the host by its root, as text for bash.
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

    pub(super) fn name(&self) -> &'static str {
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
