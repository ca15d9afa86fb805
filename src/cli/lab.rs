//! `refloat lab`: labs of real hosts, made, entered, broken, taken away.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use crate::base::exit::Exit;
use crate::base::process;
use crate::lab::{Class, FAULT_USAGE, Fault, Kit, Lab, LabError, Machine, Mode, Spec};

/// Make, enter, break and remove labs of real hosts on this machine.
#[derive(Args, Clone, Debug)]
#[command(after_help = super::teach::LAB)]
pub struct LabArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: LabVerb,
    /// Which lab: several can be up at once.
    #[arg(long, global = true, default_value = "default", value_name = "NAME")]
    pub name: String,
    /// The lab's folder, instead of one named after the lab in refloat's state folder.
    #[arg(long, global = true, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
}

/// The verbs of `refloat lab`.
#[derive(Subcommand, Clone, Debug)]
pub enum LabVerb {
    /// Make a lab, of Consul servers unless another kit is named, and wait until they have a leader.
    Up {
        /// How many hosts.
        #[arg(default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=600))]
        hosts: u16,
        /// What the hosts run beside sshd.
        #[arg(long, default_value = "consul", value_parser = PossibleValuesParser::new(kits()), hide_possible_values = true)]
        #[arg(long_help = format!("What the hosts run beside sshd:\n{}", kit_lines()))]
        kit: String,
        /// Hosts with nothing but sshd and a service manager: `--kit bare`.
        #[arg(long, conflicts_with = "kit")]
        bare: bool,
        /// systemd as PID 1 of each host (root only), instead of runit.
        #[arg(long, conflicts_with = "loopback")]
        systemd: bool,
        /// No namespaces: one sshd per host on a loopback address.
        #[arg(long)]
        loopback: bool,
    },
    /// Remove a lab with everything in it.
    Down,
    /// Run a command inside the lab's network, for example refloat itself. A secure kit's token is in its
    /// environment, as `CONSUL_HTTP_TOKEN`.
    Run {
        /// The command.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
    /// Log in to a host, or run a command there.
    Ssh {
        /// The host.
        host: String,
        /// The command, as ssh takes it.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Break something, or mend it.
    #[command(long_about = format!("Break something, or mend it:\n{}", FAULT_USAGE.replace(" | ", "\n")))]
    Break {
        /// The fault and where.
        #[arg(required = true, value_name = "FAULT")]
        fault: Vec<String>,
    },
}

fn kits() -> impl Iterator<Item = &'static str> {
    Kit::ALL.iter().map(|(name, _)| *name)
}

fn kit_lines() -> String {
    let width = kits().map(str::len).max().unwrap_or_default();
    Kit::ALL.iter().map(|(name, what)| format!("{name:width$}  {what}")).collect::<Vec<_>>().join("\n")
}

/// Does what `refloat lab` was asked.
#[must_use]
pub fn run(args: &LabArgs) -> Exit {
    match act(args) {
        Ok(()) => Exit::Ok,
        Err(error) => {
            show(&error);
            exit_of(&error)
        }
    }
}

/// Tells what went wrong with a lab.
pub fn show(error: &LabError) {
    errln!("error: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        errln!("  because: {inner}");
        cause = inner.source();
    }
}

/// The exit code of what went wrong with a lab.
#[must_use]
pub fn exit_of(error: &LabError) -> Exit {
    match error {
        LabError::Spec { .. } | LabError::Fault { .. } | LabError::NoSuchHost { .. } => Exit::Usage,
        LabError::Missing(_)
        | LabError::AlreadyUp { .. }
        | LabError::NotUp { .. }
        | LabError::NotALab { .. }
        | LabError::NoPower { .. }
        | LabError::NoFaultsHere { .. }
        | LabError::Consul(_) => Exit::Refused,
        LabError::Program { .. } | LabError::Late { .. } | LabError::File { .. } | LabError::Record { .. } => {
            Exit::Failed
        }
    }
}

fn act(args: &LabArgs) -> Result<(), LabError> {
    let dir = folder(args)?;
    match &args.verb {
        LabVerb::Up { hosts, kit, bare, systemd, loopback } => {
            if args.dir.is_none()
                && let Some(state) = dir.ancestors().nth(2)
            {
                close(state).map_err(|source| LabError::File { path: state.to_owned(), source })?;
            }
            let kit = if *bare { Kit::Bare } else { kit.parse()? };
            let mut spec = Spec::of(kit, *hosts);
            if *systemd {
                spec.class = Class::Systemd;
            }
            if *loopback {
                spec.mode = Some(Mode::Loopback);
            }
            let lab = Lab::up(&dir, spec, &machine(), &mut |what| errln!("{what}"))?;
            for host in lab.hosts() {
                outln!("{}  {}:{}", host.name, host.address, host.port);
            }
            outln!("inventory  {}", lab.inventory_path().display());
            Ok(())
        }
        LabVerb::Down => Lab::remove(&dir),
        LabVerb::Run { command } => {
            let lab = Lab::open(&dir)?;
            let mut words = lab.enter();
            words.extend_from_slice(command);
            become_program(&words, lab.env()?)
        }
        LabVerb::Ssh { host, command } => {
            let mut words = Lab::open(&dir)?.ssh(host)?;
            words.extend_from_slice(command);
            become_program(&words, Vec::new())
        }
        LabVerb::Break { fault } => Lab::open(&dir)?.fault(&Fault::parse(fault)?),
    }
}

/// Replaces this process, so that signals, the terminal and the exit code are the program's own.
fn become_program(words: &[String], env: Vec<(&str, String)>) -> Result<(), LabError> {
    let mut command = process::blocking(&words[0]);
    command.args(&words[1..]).envs(env).stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
    let error = command.exec();
    Err(LabError::Program { program: words[0].clone(), stderr: error.to_string() })
}

/// The lab's folder: `--dir`, else named after the lab in the state folder.
fn folder(args: &LabArgs) -> Result<PathBuf, LabError> {
    if let Some(dir) = &args.dir {
        return Ok(dir.clone());
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if args.name.is_empty() || !args.name.bytes().all(plain) {
        return Err(LabError::Spec {
            why: format!("`{}` is not a lab's name: letters, digits, `-` and `_`", args.name),
        });
    }
    Ok(xdg("XDG_STATE_HOME", ".local/state").join("refloat/labs").join(&args.name))
}

/// Makes the state folder, which the journal shares and refuses when it is open to others.
fn close(state: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(state)
}

/// What the lab takes from the environment.
#[must_use]
pub fn machine() -> Machine {
    Machine {
        path: std::env::var_os("PATH").unwrap_or_default(),
        cache: xdg("XDG_CACHE_HOME", ".cache").join("refloat"),
        consul: std::env::var_os("REFLOAT_CONSUL").filter(|v| !v.is_empty()).map(PathBuf::from),
    }
}

fn xdg(variable: &str, below_home: &str) -> PathBuf {
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|p| p.is_absolute());
    named.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/".into())).join(below_home))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: LabArgs,
    }

    fn parse(line: &str) -> LabArgs {
        Cli::try_parse_from(format!("lab {line}").split_ascii_whitespace()).unwrap_or_else(|e| panic!("{e}")).args
    }

    #[test]
    fn commands_for_the_lab_keep_their_own_options() {
        let args = parse("--name two run -- refloat check --now a.yaml");
        let LabVerb::Run { command } = args.verb else { panic!("not run") };
        assert_eq!((args.name.as_str(), command.join(" ").as_str()), ("two", "refloat check --now a.yaml"));
        let LabVerb::Ssh { command, .. } = parse("ssh consul-1 ls -la").verb else { panic!("not ssh") };
        assert_eq!(command, ["ls", "-la"]);
    }

    #[test]
    fn a_partition_reaches_the_fault() {
        let LabVerb::Break { fault } = parse("break partition consul-1 / consul-2 consul-3").verb else { panic!() };
        assert!(matches!(Fault::parse(&fault), Ok(Fault::Partition { b, .. }) if b.len() == 2));
    }

    #[test]
    fn the_state_folder_is_fit_for_the_journal() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join("state/refloat");
        close(&state).unwrap();
        close(&state).unwrap();
        assert_eq!(std::fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o700);
        let clock = std::sync::Arc::new(crate::base::clock::SystemClock::default());
        crate::journal::Journal::open(&state, clock, crate::base::secret::Redactor::default()).unwrap();
    }

    #[test]
    fn a_name_cannot_leave_the_state_folder() {
        assert!(folder(&parse("--name ../../etc down")).is_err());
        assert!(folder(&parse("--name ok-1 down")).is_ok_and(|f| f.ends_with("refloat/labs/ok-1")));
    }
}
