//! The only place that starts processes on this machine. Programs are argument vectors, never shell text; standard
//! streams are always set, so that a child never reads the operator's terminal by accident.

use std::ffi::OsStr;
use std::process::Stdio;

/// A program to be started with pipes, that dies with us: for what we talk to while it runs.
#[must_use]
pub fn piped(program: impl AsRef<OsStr>) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(program);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// A program to be run to its end by blocking code (the lab, `doctor`), without input.
#[must_use]
pub fn blocking(program: impl AsRef<OsStr>) -> std::process::Command {
    let mut command = std::process::Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Where a program is, looked up as a shell would; `None` when it is not installed.
#[must_use]
pub fn find(program: &str, path: &OsStr) -> Option<std::path::PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    std::env::split_paths(path)
        .map(|folder| folder.join(program))
        .find(|file| file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0))
}
