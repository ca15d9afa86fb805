//! What has changed since the last check of the same, and who is told of it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use ring::hmac;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

use super::super::{env, show};
use super::args::CheckArgs;
use crate::action::probe::post;
use crate::base::ids::RunId;
use crate::base::process;
use crate::event::{Change, Mode, Opened, Place, RunState, Symptom, Verdict};
use crate::journal::{Journal, JournalError, RunStatus};
use crate::report::escape;
use crate::transport::local::LocalTransport;
use crate::transport::ssh::Options;
use crate::transport::{Connect, HostAddr, Transport as _, Via};

/// Who is told gets so long.
const WITHIN: Duration = Duration::from_secs(30);

/// The secret of the signature.
const SECRET: &str = "REFLOAT_WEBHOOK_SECRET";

/// What another check of the same found, the last one that came to its end.
pub async fn last(journal: &Journal, now: &RunState) -> Result<Option<RunState>, JournalError> {
    let (header, began) = (now.header(), now.opened());
    let same = |other: &Opened| {
        let is_other = other.run != header.run;
        is_other && other.mode == Mode::Check && other.runbook == header.runbook && other.origin == header.origin
    };
    let ended =
        |status: RunStatus| matches!(status, RunStatus::Closed(Verdict::Ready | Verdict::NotReady | Verdict::Refused));
    let before = journal.newest(same, |run| run.opened() <= began && ended(run.status)).await?;
    Ok(before.map(|run| run.state))
}

/// The change in words, a line each.
pub fn words(change: &Change, last: Option<&RunState>) -> Vec<String> {
    let since = last.map_or_else(|| "first check".to_owned(), |last| format!("since {}", last.opened().rfc3339()));
    if change.is_empty() {
        return vec![format!("{since}: nothing has changed")];
    }
    let place = |place: &Place| {
        let host = place.host.as_ref().map(|host| format!(", {}", escape(host))).unwrap_or_default();
        let reason = place.reason.as_str().lines().next().unwrap_or_default();
        format!("{}{host}: {}", escape(&place.step), escape(reason))
    };
    let blocked = change.blocked.iter().map(|one| format!("{since}: became blocked: {}", place(one)));
    let recovered = change.recovered.iter().map(|one| format!("{since}: recovered: {}", place(one)));
    let word = |symptom: Option<Symptom>| symptom.map_or("none", Symptom::word);
    let symptom =
        change.symptom.iter().map(|(was, is)| format!("{since}: the symptom was {} and is {}", word(*was), word(*is)));
    blocked.chain(recovered).chain(symptom).collect()
}

/// The change for programs.
pub fn document(change: &Change, now: &RunState, last: Option<&RunState>) -> Value {
    json!({
        "runbook": now.header().runbook,
        "run": now.header().run,
        "at": now.opened().rfc3339(),
        "since": last.map(|last| last.opened().rfc3339()),
        "ready": now.obstacles().is_empty(),
        "symptom": now.symptom(),
        "blocked": change.blocked,
        "recovered": change.recovered,
        "symptom_was": change.symptom.and_then(|(was, _)| was),
    })
}

/// The signature needs a secret.
pub fn can_sign(args: &CheckArgs) -> Result<(), String> {
    match (&args.webhook, env::var(SECRET).filter(|secret| !secret.is_empty())) {
        (Some(_), None) => {
            Err(format!("--webhook signs what it posts: set {SECRET} to a text that the receiver knows too"))
        }
        _ => Ok(()),
    }
}

/// Tells of a change. That nobody could be told is said, and changes nothing else.
pub async fn tell(args: &CheckArgs, document: &Value) {
    let body = format!("{document}\n");
    if let Some(command) = &args.notify {
        let (command, body) = (command.clone(), body.clone());
        let told = tokio::task::spawn_blocking(move || run(&command, &body)).await;
        warn("--notify", told.unwrap_or_else(|panic| Err(panic.to_string())));
    }
    if let Some(url) = &args.webhook {
        warn("--webhook", send(url, body).await);
    }
}

fn warn(how: &str, told: Result<(), String>) {
    if let Err(why) = told {
        show::error(format!("{how}: nobody was told of the change: {why}"));
    }
}

fn run(command: &str, body: &str) -> Result<(), String> {
    let mut shell = process::blocking("sh");
    // a group of its own, which ends as a whole
    let child = shell.args(["-c", command]).stdin(Stdio::piped()).stdout(Stdio::null()).process_group(0).spawn();
    let mut child = child.map_err(|error| format!("sh: {error}"))?;
    let (pid, input, text) = (Pid::from_child(&child), child.stdin.take(), body.to_owned());
    // one that does not read is not waited for
    std::thread::spawn(move || input.map(|mut input| input.write_all(text.as_bytes())));
    let (sender, ended) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = ended.recv_timeout(WITHIN) else {
        let _ = kill_process_group(pid, Signal::KILL);
        return Err(format!("it did not end within {} s", WITHIN.as_secs()));
    };
    let output = output.map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(format!("{}: {said}", output.status)) }
}

async fn send(url: &str, body: String) -> Result<(), String> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, env::var(SECRET).unwrap_or_default().as_bytes());
    let signature = hmac::sign(&key, body.as_bytes());
    let signature = signature.as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let headers = vec![
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("X-Refloat-Signature".to_owned(), format!("sha256={signature}")),
    ];
    let here = HostAddr {
        name: "controller".to_owned(),
        address: "127.0.0.1".to_owned(),
        user: None,
        port: None,
        connect: Connect { via: Via::Local, ..Connect::default() },
    };
    let transport = LocalTransport::new(Options::new(RunId::generate(), env::control()));
    let link = transport.connect(&here).await.map_err(|error| error.to_string())?;
    let status = post(url, headers, body, link.look(), WITHIN).await?;
    if (200..300).contains(&status) { Ok(()) } else { Err(format!("{url}: {status}")) }
}
