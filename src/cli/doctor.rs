//! `refloat doctor`: whether this machine has what refloat and its labs need; for what is missing, what to type.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use clap::Args;

use super::args::{Common, Output};
use super::env;
use crate::base::clock::{Clock as _, SystemClock, Timestamp};
use crate::base::exit::Exit;
use crate::base::process;
use crate::inventory::Inventory;
use crate::journal::file_system;

/// `refloat doctor`
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// An inventory, to see how old it is: a file or a folder; repeatable.
    #[arg(short, long, value_name = "FILE")]
    pub inventory: Vec<PathBuf>,
}

/// An inventory that nobody has touched for so long may name hosts that are gone.
const OLD: Duration = Duration::from_hours(24 * 180);

struct Finding {
    what: &'static str,
    /// What was found, or what is wrong and what to type.
    found: Result<String, String>,
}

pub fn run(args: &DoctorArgs, common: &Common) -> Exit {
    let mut findings = vec![ssh(), agent(), state(common), state_files(common), files(), processes(), lab()];
    findings.extend((!args.inventory.is_empty()).then(|| inventory(&args.inventory)));
    match common.output {
        Output::Json => {
            let rows: Vec<_> = findings
                .iter()
                .map(|f| {
                    let (ok, text) = match &f.found {
                        Ok(text) => (true, text),
                        Err(text) => (false, text),
                    };
                    serde_json::json!({ "what": f.what, "ok": ok, "found": text })
                })
                .collect();
            super::show::json(&serde_json::Value::Array(rows));
        }
        Output::Text => {
            for f in &findings {
                let (mark, text) = match &f.found {
                    Ok(text) => ("ok     ", text),
                    Err(text) => ("missing", text),
                };
                outln!("{mark}  {:<14} {text}", f.what);
            }
        }
    }
    if findings.iter().all(|f| f.found.is_ok()) { Exit::Ok } else { Exit::Failed }
}

fn path() -> OsString {
    OsString::from(env::var("PATH").unwrap_or_default())
}

fn ssh() -> Finding {
    let found = match process::find("ssh", &path()) {
        None => Err("no ssh on the PATH; type: apt-get install openssh-client".to_owned()),
        Some(program) => match process::blocking(program).arg("-V").stderr(Stdio::piped()).output() {
            Ok(output) => Ok(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(format!("ssh cannot be started: {error}")),
        },
    };
    Finding { what: "ssh", found }
}

fn agent() -> Finding {
    let found = match env::var("SSH_AUTH_SOCK") {
        Some(socket) if std::path::Path::new(&socket).exists() => Ok(format!("an agent at {socket}")),
        Some(socket) => {
            Err(format!("SSH_AUTH_SOCK names {socket}, which is not there; type: eval $(ssh-agent) && ssh-add"))
        }
        None => Ok("no agent; keys without a passphrase work all the same".to_owned()),
    };
    Finding { what: "ssh agent", found }
}

fn state(common: &Common) -> Finding {
    let found = env::state(common).and_then(|folder| {
        if !folder.exists() {
            return Ok(format!("{} (is made by the first run)", folder.display()));
        }
        let clock = std::sync::Arc::new(crate::base::clock::SystemClock::default());
        match crate::journal::Journal::open(&folder, clock, crate::base::secret::Redactor::default()) {
            Ok(journal) => Ok(journal.path().display().to_string()),
            Err(error) => Err(error.to_string()),
        }
    });
    Finding { what: "state folder", found }
}

fn files() -> Finding {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let found = match limit.maximum {
        Some(hard) if hard < 1024 => {
            Err(format!("at most {hard} open files; 50 hosts need 1024; type: ulimit -Hn 4096"))
        }
        Some(hard) => Ok(format!("{hard} at most")),
        None => Ok("no limit".to_owned()),
    };
    Finding { what: "open files", found }
}

/// Where the journal lies: what is not flushed to a disk is no journal.
fn state_files(common: &Common) -> Finding {
    let existing = |folder: PathBuf| folder.ancestors().find(|folder| folder.exists()).map(Path::to_owned);
    let found = env::state(common).and_then(|folder| {
        let Some(there) = existing(std::path::absolute(&folder).unwrap_or(folder)) else {
            return Ok("unknown".to_owned());
        };
        file_system(&there).map_err(|error| error.to_string())
    });
    Finding { what: "file system", found }
}

/// Each host is an ssh of its own here.
fn processes() -> Finding {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nproc);
    let found = match limit.current {
        Some(now) if now < 512 => Err(format!("at most {now} processes; 50 hosts need 512; type: ulimit -u 2048")),
        Some(now) => Ok(format!("{now} at most")),
        None => Ok("no limit".to_owned()),
    };
    Finding { what: "processes", found }
}

fn inventory(paths: &[PathBuf]) -> Finding {
    let now = SystemClock::default().now();
    let age = |path: &PathBuf| {
        let meta = std::fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(now.since(Timestamp(meta.mtime() * 1_000)))
    };
    let files = Inventory::files(paths);
    let ages: Result<Vec<Duration>, String> = files.iter().map(age).collect();
    let found = ages.and_then(|ages| {
        let days = |age: Duration| age.as_secs() / 86_400;
        match ages.into_iter().min() {
            None => Err("there is no file of it; type: refloat hosts -i INVENTORY".to_owned()),
            Some(age) if age > OLD => Err(format!(
                "changed {} days ago; are these hosts still there? type: refloat hosts -i {} --ping",
                days(age),
                paths[0].display()
            )),
            Some(age) => Ok(format!("{} files, changed {} days ago", files.len(), days(age))),
        }
    });
    Finding { what: "inventory", found }
}

fn lab() -> Finding {
    let found = match crate::lab::ready(&path()) {
        Ok(mode) => Ok(format!("everything that `refloat lab` needs is here ({mode})")),
        Err(missing) => Err(missing),
    };
    Finding { what: "lab", found }
}
