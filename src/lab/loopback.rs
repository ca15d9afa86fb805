//! Labs without namespaces: one sshd per host on a loopback address, as whoever makes the lab.
//!
//! Each lab takes a block 127.66.K.0/24 that is free, so several can be up at once. The host's processes carry the lab's
//! id: sshd and runsvdir in their command lines, what they start in the environment.
//!
//! Limit: an sshd of root insists on `/run/sshd`. Where a machine has none, the lab makes it and takes it away when the
//! last lab that used it goes down by [`super::Lab::remove`]; after a bare kill the empty-looking folder stays until then.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use crate::base::process;

use super::Lab;
use super::error::LabError;
use super::files::{self, Place, at, folder, write};
use super::needs;
use super::record::{self, Record, wait_for};
use super::spec::Spec;
use super::up;

const PORT: u16 = 2222;
const PRIVSEP: &str = "/run/sshd";
/// In [`PRIVSEP`]: it was made by a lab.
const MADE: &str = "refloat-made-this-folder";

/// Addresses for all hosts, in a block where none of them is taken.
pub(super) fn places(spec: &Spec) -> Result<Vec<Place>, LabError> {
    let first = std::process::id();
    for k in (0..250).map(|i| u8::try_from((first + i) % 250).unwrap_or(0)) {
        let place = |name: &str, address: Ipv4Addr| Place {
            name: name.to_owned(),
            address: Ipv4Addr::new(127, 66, k, address.octets()[3]),
            port: PORT,
        };
        let places: Vec<Place> = spec.hosts.iter().map(|h| place(&h.name, h.address)).collect();
        if places.iter().all(|p| TcpListener::bind((p.address, p.port)).is_ok()) {
            return Ok(places);
        }
    }
    Err(LabError::Spec { why: format!("no block of loopback addresses has port {PORT} free") })
}

/// The user who logs in: the one who makes the lab.
pub(super) fn login() -> Result<String, LabError> {
    Ok(files::run(process::blocking("id").arg("-un"))?.trim().to_owned())
}

pub(super) fn start(lab: &Lab) -> Result<(), LabError> {
    let (dir, record) = (&lab.dir, &lab.record);
    write(&dir.join("bin/sudo"), 0o755, include_str!("assets/sudo.sh"))?;
    write(&dir.join("script/loopback.sh"), 0o644, include_str!("assets/loopback.sh"))?;
    let mut hosts = String::new();
    for place in &record.places {
        let _ = writeln!(hosts, "{} {}", place.name, place.address);
        write(&dir.join("sshd").join(&record.id).join(&place.name), 0o644, &sshd_config(dir, record, place))?;
        folder(&services(dir, record, place), 0o755)?;
    }
    write(&dir.join("hosts.list"), 0o644, &hosts)?;
    if needs::is_root() {
        claim(Path::new(PRIVSEP), &record.id)?;
    }
    let mut command = process::blocking("setsid");
    command.args(["--fork", "bash"]).arg(dir.join("script/loopback.sh")).arg(&record.id);
    up::environment(&mut command, dir, record, None);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    files::run(&mut command)?;
    let up = || dir.join("state").exists();
    wait_for("the start of the lab's sshd", Duration::from_secs(20), up, String::new)
}

/// The folder of a host's services, for `sv`.
fn services(dir: &Path, record: &Record, place: &Place) -> std::path::PathBuf {
    dir.join("sv").join(&record.id).join(&place.name)
}

fn sshd_config(dir: &Path, record: &Record, place: &Place) -> String {
    let Place { name, address, port } = place;
    let quoted = |path: std::path::PathBuf| format!("\"{}\"", path.display());
    format!(
        "ListenAddress {address}\nPort {port}\nHostKey {key}\nPidFile none\nUsePAM no\nStrictModes no\n\
         AuthorizedKeysFile {authorized}\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n\
         KbdInteractiveAuthentication no\nPrintMotd no\nPrintLastLog no\nMaxStartups 200\nMaxSessions 100\nUseDNS no\n\
         Subsystem sftp internal-sftp\nSetEnv \"PATH={dir}/bin:{path}\" \"SVDIR={services}\" REFLOAT_LAB_HOST={name} \
         REFLOAT_LAB_ID={id}\n",
        key = quoted(dir.join("key").join(name)),
        authorized = quoted(dir.join("id.pub")),
        dir = dir.display(),
        path = up::PATH,
        services = services(dir, record, place).display(),
        id = record.id,
    )
}

/// Makes sure that sshd's folder is there, for this lab and without ending another one's claim.
fn claim(privsep: &Path, id: &str) -> Result<(), LabError> {
    if !privsep.exists() {
        folder(privsep, 0o755)?;
        write(&privsep.join(MADE), 0o644, "")?;
    }
    write(&privsep.join(id), 0o644, "")
}

/// Gives sshd's folder back; the last lab removes it, if a lab has made it.
fn release(privsep: &Path, id: &str) -> Result<(), LabError> {
    let mine = privsep.join(id);
    if !mine.exists() {
        return Ok(());
    }
    fs::remove_file(&mine).map_err(at(&mine))?;
    let made = privsep.join(MADE);
    let left = fs::read_dir(privsep).map_err(at(privsep))?.count();
    if left == 1 && made.exists() {
        fs::remove_file(&made).map_err(at(&made))?;
        fs::remove_dir(privsep).map_err(at(privsep))?;
    }
    Ok(())
}

/// Ends what a lab without namespaces leaves when its first process is gone.
pub(super) fn clean(record: &Record) -> Result<(), LabError> {
    let gone = || {
        let left = record.traces();
        record::kill(&left);
        left.iter().all(|&pid| record::is_over(pid))
    };
    wait_for("the end of the lab's processes", Duration::from_secs(20), gone, || format!("{:?}", record.traces()))?;
    release(Path::new(PRIVSEP), &record.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lab_removes_what_the_first_has_made() {
        let top = tempfile::tempdir().unwrap();
        let privsep = top.path().join("sshd");
        claim(&privsep, "one").unwrap();
        claim(&privsep, "two").unwrap();
        release(&privsep, "one").unwrap();
        release(&privsep, "one").unwrap();
        assert!(privsep.exists());
        release(&privsep, "two").unwrap();
        assert!(!privsep.exists());
    }

    #[test]
    fn a_folder_of_the_machine_stays() {
        let top = tempfile::tempdir().unwrap();
        claim(top.path(), "one").unwrap();
        release(top.path(), "one").unwrap();
        assert_eq!(fs::read_dir(top.path()).unwrap().count(), 0);
    }

    #[test]
    fn two_labs_get_different_addresses() {
        let first = places(&Spec::consul(2)).unwrap();
        let _taken = TcpListener::bind((first[1].address, PORT)).unwrap();
        let second = places(&Spec::consul(2)).unwrap();
        assert_ne!(first[0].address, second[0].address);
        assert_eq!(second[1].address.octets()[3], 12);
    }
}
