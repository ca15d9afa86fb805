//! Doing faults. They are real: processes are killed, power is cut, routes lead nowhere, disks are full.
//!
//! Limits: slow links need a kernel with `netem`. The clock of a host cannot be skewed: Linux has no namespace for the
//! time of day.

use crate::base::process;

use super::error::LabError;
use super::fault::Fault;
use super::files;
use super::kit::Kit;
use super::spec::Mode;
use super::{Lab, up};

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
            let lines = walls.iter().fold(String::new(), |all, (host, to)| all + &format!("{host} {to}\n"));
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
        Fault::Run { host, command } => {
            let path = format!("PATH=/opt/lab/bin:{}", up::PATH);
            inside(lab, host, &["env", &path, "bash", "-c", command])
        }
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
    let mut words = lab.enter();
    words.extend(netem(&card(lab, host)?, millis, loss));
    run(&words).map_err(without_netem)
}

/// What makes a card late and lossy; a second time it is made so anew.
fn netem(card: &str, millis: u64, loss: &str) -> Vec<String> {
    let (delay, loss) = (format!("{millis}ms"), format!("{}%", loss.trim_end_matches('%')));
    let words = ["tc", "qdisc", "replace", "dev", card, "root", "netem", "delay", &delay, "loss", &loss];
    words.map(str::to_owned).to_vec()
}

/// Says what to type, where it is the kernel that cannot do it.
fn without_netem(error: LabError) -> LabError {
    match error {
        LabError::Program { stderr, .. } if stderr.contains("qdisc kind is unknown") => LabError::Fault {
            why: "slow: this machine's kernel has no netem (CONFIG_NET_SCH_NETEM), so links cannot be slow here; \
                  where it is a module, type: modprobe sch_netem"
                .to_owned(),
        },
        other => other,
    }
}

/// Where the kit keeps its data, and the service that writes there.
fn kit_data(lab: &Lab) -> Result<(&'static str, &'static str), LabError> {
    match lab.record.spec.kit {
        Kit::Bare | Kit::Web => {
            Err(LabError::Fault { why: "the hosts of this lab run nothing that has data".to_owned() })
        }
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

    #[test]
    fn a_slow_link_is_made_by_netem() {
        let line = |millis, loss| netem("v2", millis, loss).join(" ");
        assert_eq!(line(120, "0"), "tc qdisc replace dev v2 root netem delay 120ms loss 0%");
        assert_eq!(line(0, "1.5%"), "tc qdisc replace dev v2 root netem delay 0ms loss 1.5%");
        let said = |stderr: &str| {
            without_netem(LabError::Program { program: "tc".to_owned(), stderr: stderr.to_owned() }).to_string()
        };
        assert!(said("Error: Specified qdisc kind is unknown.").contains("modprobe sch_netem"));
        assert!(said("Cannot find device \"v9\"").contains("v9"));
    }
}
