//! Labs for tests: what this machine allows, and labs that are gone when the test is.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use refloat::lab::{Class, Lab, Machine, Mode, Spec, best_mode, needs};
use tempfile::TempDir;

use super::tier;

/// Whether labs of namespaces can be made here.
pub fn namespaces() -> bool {
    let mode = best_mode();
    let missing = if mode == Mode::Loopback { Mode::User } else { mode };
    let missing = needs(&machine().path, missing, Class::Runit);
    tier("namespaces", if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}")) })
}

/// Whether sshd can be run here, without namespaces.
pub fn sshd() -> bool {
    let missing = needs(&machine().path, Mode::Loopback, Class::Runit);
    tier("sshd", if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}")) })
}

/// Whether hosts with systemd can be made here.
pub fn systemd() -> bool {
    let missing = needs(&machine().path, best_mode(), Class::Systemd);
    tier("systemd", if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}")) })
}

/// Whether labs with Consul can be made here; fetches Consul, once for all tests.
pub fn consul() -> bool {
    namespaces() && tier("consul", consul_program().map(drop))
}

/// The Consul of the tests.
pub fn consul_program() -> Result<PathBuf, String> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOUND.get_or_init(|| refloat::lab::obtain_consul(&machine(), &mut |_| {}).map_err(|e| e.to_string())).clone()
}

/// This machine, as the tests see it: the cache is in the build folder, and the demo has the same.
pub fn machine() -> Machine {
    Machine {
        path: std::env::var_os("PATH").unwrap_or_default(),
        cache: Path::new(env!("CARGO_TARGET_TMPDIR")).join("refloat"),
        consul: std::env::var_os("REFLOAT_CONSUL").map(PathBuf::from),
    }
}

/// A lab that is taken away with the test.
pub struct TestLab {
    lab: Lab,
    _folder: TempDir,
}

impl TestLab {
    /// Makes a lab.
    pub fn up(spec: Spec) -> Self {
        Self::of(spec, &machine())
    }

    /// Makes a lab of another machine: with something else as its Consul.
    pub fn of(spec: Spec, machine: &Machine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lab = Lab::up(&folder.path().join("lab"), spec, machine, &mut |_| {}).unwrap_or_else(|e| panic!("{e}"));
        Self { lab, _folder: folder }
    }

    /// What a command says on a host, its end trimmed; a failure of the command is a failure of the test.
    pub fn say(&self, host: &str, script: &str) -> String {
        let (code, text) = self.try_say(host, script);
        assert_eq!(code, Some(0), "{host}: {script}: {text}");
        text
    }

    /// Exit code and both streams of a command on a host.
    pub fn try_say(&self, host: &str, script: &str) -> (Option<i32>, String) {
        let output = self.lab.exec(host, &["bash", "-c", script]).unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.code(), text.trim().to_owned())
    }
}

impl Deref for TestLab {
    type Target = Lab;

    fn deref(&self) -> &Lab {
        &self.lab
    }
}

impl Drop for TestLab {
    fn drop(&mut self) {
        if let Err(error) = Lab::remove(self.lab.dir())
            && !matches!(error, refloat::lab::LabError::NotUp { .. })
        {
            eprintln!("{error}");
        }
    }
}
