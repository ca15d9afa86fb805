//! Making a lab, step by step. The scripts below `assets/` do what only a process inside can do; what there is to decide
//! is decided here.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::base::process;

use super::consul::{self, Machine};
use super::error::LabError;
use super::files::{self, Place, at};
use super::kit::Kit;
use super::needs::{self, needs};
use super::record::{self, Record, wait_for};
use super::secure;
use super::seed;
use super::spec::{Class, Mode, Spec};
use super::web;
use super::{Lab, loopback};

const SCRIPTS: &[(&str, &str)] = &[
    ("start.sh", include_str!("assets/start.sh")),
    ("outer.sh", include_str!("assets/outer.sh")),
    ("host.sh", include_str!("assets/host.sh")),
    ("power-on.sh", include_str!("assets/power-on.sh")),
    ("power-off.sh", include_str!("assets/power-off.sh")),
    ("data.sh", include_str!("assets/data.sh")),
    ("fill-disk.sh", include_str!("assets/fill-disk.sh")),
    ("wait-banner.sh", include_str!("assets/wait-banner.sh")),
    ("wait-leader.sh", include_str!("assets/wait-leader.sh")),
];

/// The search path of the lab's own scripts and hosts.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How long the outer namespaces may take, in seconds; a machine under load needs more than one thinks.
const OUTER: u64 = 60;
/// How long sshd may take to answer on all hosts, in seconds.
const BANNER: u64 = 60;
/// How long the first election may take, in seconds.
const LEADER: u64 = 60;

pub(super) fn up(dir: &Path, spec: Spec, machine: &Machine, progress: &mut dyn FnMut(&str)) -> Result<Lab, LabError> {
    spec.check()?;
    let dir = std::path::absolute(dir).map_err(at(dir))?;
    let mode = match (spec.mode, spec.class) {
        (Some(mode), _) => mode,
        (None, Class::Systemd) if needs::is_root() => Mode::Root,
        (None, _) => needs::best_mode(),
    };
    let mut missing = needs(&machine.path, mode, spec.class);
    if spec.kit == Kit::Web && mode != Mode::Loopback {
        missing.extend(needs::programs(&machine.path, web::NEEDS));
    }
    if !missing.is_empty() {
        return Err(LabError::Missing(missing));
    }
    make_way(&dir)?;
    let kit = matches!(spec.kit, Kit::Consul(_)) && mode != Mode::Loopback;
    let consul = if kit { Some(consul::obtain(machine, progress)?) } else { None };
    for lost in mode.lost() {
        progress(&format!("note: {lost}"));
    }
    files::folder(&dir, 0o700)?;
    let places = match mode {
        Mode::Loopback => loopback::places(&spec)?,
        _ => spec.hosts.iter().map(|h| Place { name: h.name.clone(), address: h.address, port: 22 }).collect(),
    };
    let user = if mode == Mode::Loopback { loopback::login()? } else { "ops".to_owned() };
    let record = Record { id: Record::new_id(), spec, mode, user, places };
    record.store(&dir)?;
    let lab = Lab { dir, record };
    let result = make(&lab, consul.as_deref(), progress);
    if result.is_err() {
        // the first error is the one that matters
        let _ = Lab::remove(&lab.dir);
    }
    result.map(|()| lab)
}

/// Makes sure that the folder can be taken: it is new, or empty, or left over from a lab that was killed.
fn make_way(dir: &Path) -> Result<(), LabError> {
    if let Some(old) = Record::load(dir)? {
        if let Some(pid) = old.outer(dir) {
            return Err(LabError::AlreadyUp { dir: dir.to_owned(), pid });
        }
        return Lab::remove(dir);
    }
    let empty = fs::read_dir(dir).map_or(true, |mut entries| entries.next().is_none());
    if empty { Ok(()) } else { Err(LabError::NotALab { dir: dir.to_owned() }) }
}

fn make(lab: &Lab, consul: Option<&Path>, progress: &mut dyn FnMut(&str)) -> Result<(), LabError> {
    let (dir, record) = (&lab.dir, &lab.record);
    let spec = &record.spec;
    for folder in ["bin", "key", "run", "disk", "script"] {
        files::folder(&dir.join(folder), 0o755)?;
    }
    files::write_keys(dir, &record.places)?;
    files::write(&dir.join("ssh_config"), 0o644, &files::ssh_config(dir, &record.places, &record.user))?;
    files::write(&dir.join("inventory.yaml"), 0o644, &files::inventory(record, &record.places))?;
    for (name, text) in SCRIPTS {
        files::write(&dir.join("script").join(name), 0o644, text)?;
    }
    if record.mode == Mode::Loopback {
        progress(&format!("starting {} sshd on loopback addresses", spec.hosts.len()));
        loopback::start(lab)?;
    } else {
        if let (Some(program), Some(kit)) = (consul, spec.kit.consul()) {
            files::write(&dir.join("bin/consul"), 0o755, "")?;
            files::write(&dir.join("bin/consul-admin"), 0o755, &secure::admin(kit))?;
            if kit.secure {
                secure::make(dir, program, &spec.consul_servers())?;
            }
        }
        seed::write_seeds(dir, record)?;
        progress(&format!("making {} hosts", spec.hosts.len()));
        start(lab, consul)?;
        let names: Vec<&str> = spec.hosts.iter().map(|h| h.name.as_str()).collect();
        lab.script("power-on.sh", &names)?;
    }
    progress("waiting for their sshd");
    wait_banners(lab, &record.places)?;
    if let (Kit::Consul(kit), true) = (&spec.kit, consul.is_some()) {
        let servers = spec.consul_servers();
        if kit.autostart && kit.bootstrap_expect.unwrap_or(servers.len()) <= servers.len() {
            progress("waiting for a Consul leader");
            let mut args = vec![LEADER.to_string()];
            args.extend(servers.iter().map(|s| s.name.clone()));
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            lab.script("wait-leader.sh", &args).map_err(late("a Consul leader", LEADER))?;
        }
    }
    Ok(())
}

fn late(what: &'static str, seconds: u64) -> impl FnOnce(LabError) -> LabError {
    move |error| match error {
        LabError::Program { stderr, .. } => LabError::Late { what, seconds, detail: stderr },
        other => other,
    }
}

/// Starts the outer namespaces, detached from this process.
fn start(lab: &Lab, consul: Option<&Path>) -> Result<(), LabError> {
    let (dir, record) = (&lab.dir, &lab.record);
    let mut command = process::blocking("setsid");
    command.args(["--fork", "bash"]).arg(dir.join("script/start.sh")).arg(dir).arg(&record.id);
    command.args(["--net", "--mount", "--pid"]);
    if record.mode == Mode::User {
        command.args(["--user", "--map-root-user"]);
    }
    environment(&mut command, dir, record, consul);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    files::run(&mut command)?;
    let log = || files::tail(&fs::read(dir.join("outer.log")).unwrap_or_default());
    wait_for("the lab's outer namespaces", Duration::from_secs(OUTER), || is_up(lab) || has_failed(lab), log)?;
    if is_up(lab) { Ok(()) } else { Err(LabError::Program { program: "outer.sh".to_owned(), stderr: log() }) }
}

fn is_up(lab: &Lab) -> bool {
    lab.dir.join("state").exists()
}

/// The outer process was there and is gone.
fn has_failed(lab: &Lab) -> bool {
    let pid = fs::read_to_string(lab.dir.join("outer.pid")).ok().and_then(|t| t.trim().parse().ok());
    pid.is_some_and(record::is_over) && !is_up(lab)
}

/// Waits until sshd answers at each place.
pub(super) fn wait_banners(lab: &Lab, places: &[Place]) -> Result<(), LabError> {
    let mut words = lab.enter();
    words.push("bash".to_owned());
    words.push(lab.dir.join("script/wait-banner.sh").display().to_string());
    words.push(BANNER.to_string());
    words.extend(places.iter().map(|p| format!("{}:{}", p.address, p.port)));
    let waited = files::run(process::blocking(&words[0]).args(&words[1..]));
    waited.map(drop).map_err(late("an answer of sshd", BANNER)).map_err(|error| with_log(lab, error))
}

/// Adds what the first host that complained said.
fn with_log(lab: &Lab, mut error: LabError) -> LabError {
    let log =
        |place: &Place| fs::read(lab.dir.join("run").join(&place.name).join("log")).ok().filter(|l| !l.is_empty());
    if let (LabError::Late { detail, .. }, Some(said)) = (&mut error, lab.record.places.iter().find_map(log)) {
        *detail = format!("{detail}; a host said: {}", files::tail(&said));
    }
    error
}

/// What the scripts read.
pub(super) fn environment(command: &mut std::process::Command, dir: &Path, record: &Record, consul: Option<&Path>) {
    let gateway = record.spec.gateway();
    let class = match record.spec.class {
        Class::Runit => "runit",
        Class::Systemd => "systemd",
    };
    let mode = match record.mode {
        Mode::Root => "root",
        Mode::User => "user",
        Mode::Loopback => "loopback",
    };
    command
        .env("REFLOAT_LAB_DIR", dir)
        .env("REFLOAT_LAB_ID", &record.id)
        .env("REFLOAT_LAB_CLASS", class)
        .env("REFLOAT_LAB_MODE", mode)
        .env("REFLOAT_LAB_GATEWAY", gateway.to_string())
        .env("REFLOAT_LAB_BRIDGE", format!("{gateway}/16"))
        .env("REFLOAT_LAB_CONSUL", consul.unwrap_or(Path::new("")))
        .env("PATH", PATH)
        .env("LC_ALL", "C");
}

/// Takes away the empty cgroup folders that systemd hosts leave.
pub(super) fn remove_cgroups(id: &str) -> Result<(), LabError> {
    for root in ["/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"] {
        let top = Path::new(root).join(id);
        let gone = || {
            remove_empty(&top);
            !top.exists()
        };
        wait_for("the end of the lab's cgroups", Duration::from_secs(10), gone, || top.display().to_string())?;
    }
    Ok(())
}

/// Removes empty folders, the deepest first. The files of a cgroup are not files: only `rmdir` works.
fn remove_empty(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            remove_empty(&entry.path());
        }
    }
    // one that is still busy is tried again by the caller
    let _ = fs::remove_dir(dir);
}
