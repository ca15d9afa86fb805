//! `refloat doctor`: whether this machine has what refloat and its labs need; for what is missing, what to type.

use std::ffi::OsString;
use std::process::Stdio;

use super::args::{Common, Output};
use super::env;
use crate::base::exit::Exit;
use crate::base::process;

struct Finding {
    what: &'static str,
    /// What was found, or what is wrong and what to type.
    found: Result<String, String>,
}

pub fn run(common: &Common) -> Exit {
    let findings = vec![ssh(), agent(), state(common), files(), lab()];
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

fn lab() -> Finding {
    let found = match crate::lab::ready(&path()) {
        Ok(mode) => Ok(format!("everything that `refloat lab` needs is here ({mode})")),
        Err(missing) => Err(missing),
    };
    Finding { what: "lab", found }
}
