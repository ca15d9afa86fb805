//! Secrets that come from a file or a program of this machine.

use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::env;
use crate::base::process;
use crate::runbook::SecretFrom;

/// A program may ask its person something first.
const WITHIN: Duration = Duration::from_mins(2);

/// Reads the file or asks the program. The error holds nothing of what was read.
pub fn ask(from: &SecretFrom) -> Result<Option<String>, String> {
    let bytes = match from {
        SecretFrom::Env(name) => return Ok(env::var(name)),
        SecretFrom::File(path) => read(path)?,
        SecretFrom::Command(words) => said(words)?,
    };
    let text = String::from_utf8(bytes).map_err(|_| "it is no UTF-8 text".to_owned())?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    if text.is_empty() { Err("it is empty".to_owned()) } else { Ok(Some(text.to_owned())) }
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    let home = || env::var("HOME").ok_or_else(|| "HOME is not set".to_owned());
    let file = match path.strip_prefix("~/") {
        Some(rest) => format!("{}/{rest}", home()?),
        None => path.to_owned(),
    };
    std::fs::read(&file).map_err(|error| format!("{file}: {error}"))
}

fn said(words: &[String]) -> Result<Vec<u8>, String> {
    let (program, arguments) = words.split_first().ok_or("there is no command")?;
    let child = process::blocking(program).args(arguments).spawn().map_err(|error| format!("{program}: {error}"))?;
    let pid = Pid::from_child(&child);
    let (sender, ended) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = ended.recv_timeout(WITHIN) else {
        let _ = kill_process(pid, Signal::KILL);
        return Err(format!("{program} did not end within {} s", WITHIN.as_secs()));
    };
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let last = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
    Err(format!("its command ended with {}: {last}", output.status))
}
