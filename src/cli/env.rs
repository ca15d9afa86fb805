//! What comes from the environment of the process, read here and nowhere else.

use std::path::PathBuf;

use super::args::Common;
use crate::base::crash;

/// A variable that is set and not empty.
pub fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The folder of the journal: `--state`, else refloat in `XDG_STATE_HOME`, else in `~/.local/state`.
pub fn state(common: &Common) -> Result<PathBuf, String> {
    if let Some(state) = &common.state {
        return Ok(state.clone());
    }
    let base = var("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    base.or_else(|| var("HOME").map(|home| PathBuf::from(home).join(".local/state")))
        .map(|base| base.join("refloat"))
        .ok_or_else(|| "neither XDG_STATE_HOME nor HOME is set; name a folder with --state".to_owned())
}

/// Where control sockets go: their paths must be short.
pub fn control() -> PathBuf {
    var("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|path| path.is_dir() && path.as_os_str().len() < 48)
        .unwrap_or_else(|| "/tmp".into())
}

/// Who runs this.
pub fn operator() -> String {
    // sudo keeps the name of the person
    var("SUDO_USER")
        .or_else(|| var("USER"))
        .or_else(|| var("LOGNAME"))
        .unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

/// This machine.
pub fn controller() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Whether a terminal here can move its cursor.
pub fn steerable() -> bool {
    var("TERM").is_none_or(|term| term != "dumb")
}

/// What is told on standard error beside the output: `-v`, `-vv`, or `REFLOAT_LOG`.
pub fn tracing(verbose: u8) {
    use tracing_subscriber::EnvFilter;
    let level = match verbose {
        0 => "warn",
        1 => "refloat=debug",
        _ => "refloat=trace",
    };
    let filter = EnvFilter::try_from_env("REFLOAT_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
}

/// `REFLOAT_KILL_AT=N` kills the process at the N-th journal write or request (see `base::crash`); for tests of what a
/// crash leaves behind. `REFLOAT_FULL_AT=N` and `REFLOAT_SYNC_FAILS_AT=N` let the N-th write of the journal fail.
pub fn crash_points() {
    if let Some(n) = var("REFLOAT_KILL_AT").and_then(|n| n.parse().ok()) {
        crash::arm(n);
    }
    for (name, fault) in [("REFLOAT_FULL_AT", crash::Fault::Full), ("REFLOAT_SYNC_FAILS_AT", crash::Fault::Sync)] {
        if let Some(n) = var(name).and_then(|n| n.parse().ok()) {
            crash::fail_at(n, fault);
        }
    }
}

/// After a run that was not killed, how many crash points it passed, when a test wants to know.
pub fn report_crash_points() {
    if var("REFLOAT_KILL_AT").is_some() {
        errln!("crash points passed: {}", crash::passed());
    }
}
