//! The master: an `ssh -M` that we start, whose own session is the first runner. When we die, that runner's input ends,
//! so it ends, so the master ends and removes its socket. Only a stream that gets no answer can keep it: see `control`.

use std::fmt::Write as _;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Child;
use tokio::time::timeout;

use super::channel::{Channel, Opener};
use super::control::ControlDir;
use super::look::Dialed;
use super::mux::{self, Forwarded};
use super::said::Log;
use super::ssh::Options;
use super::{HostAddr, LinkError};
use crate::base::{BoxFuture, crash, process};

/// How often a stream is asked for again, one at a time, when it is not certain why it could not be opened.
const AGAIN: usize = 8;

/// A master that we started.
pub(super) struct Master {
    child: tokio::sync::Mutex<Child>,
    socket: PathBuf,
    pub(super) log: Arc<Log>,
    session: Arc<openssh::Session>,
    /// Held while a stream is asked for again.
    alone: tokio::sync::Mutex<()>,
    /// ssh opens our pipe by its path below `/proc`, so it must be there until then.
    _pipe: std::io::PipeWriter,
    _control: Arc<ControlDir>,
}

impl Master {
    /// Starts ssh with a command line as its own session.
    pub(super) fn start(
        host: &HostAddr,
        options: &Options,
        control: Arc<ControlDir>,
        command: String,
    ) -> Result<(Self, Channel), LinkError> {
        let socket = control.socket();
        let (reader, writer) = std::io::pipe().map_err(|e| LinkError::local("making a pipe", e))?;
        let log = Log::listen(reader)?;
        let mut ssh = process::piped(&options.ssh);
        ssh.arg("-M").arg("-S").arg(&socket);
        ssh.arg("-E").arg(format!("/proc/{}/fd/{}", std::process::id(), writer.as_raw_fd()));
        let keepalive = options.keepalive.as_secs().max(1);
        let patience = options.connect_timeout.as_secs().max(1);
        for option in [
            "ControlPersist=no".to_owned(),
            "BatchMode=yes".to_owned(),
            "StrictHostKeyChecking=yes".to_owned(),
            "LogLevel=INFO".to_owned(),
            "ForwardX11=no".to_owned(),
            "ForwardAgent=no".to_owned(),
            "ClearAllForwardings=yes".to_owned(),
            "RequestTTY=no".to_owned(),
            "RemoteCommand=none".to_owned(),
            "PermitLocalCommand=no".to_owned(),
            "ServerAliveCountMax=3".to_owned(),
            format!("ServerAliveInterval={keepalive}"),
            format!("ConnectTimeout={patience}"),
        ] {
            ssh.arg("-o").arg(option);
        }
        if let Some(file) = &host.connect.ssh_config {
            ssh.arg("-F").arg(file);
        }
        if let Some(port) = host.port {
            ssh.arg("-p").arg(port.to_string());
        }
        if let Some(user) = &host.user {
            ssh.arg("-l").arg(user);
        }
        // A group of its own: the terminal's Ctrl-C is ours to handle.
        ssh.arg("--").arg(&host.address).arg(command).stderr(Stdio::piped()).process_group(0);
        let mut child = ssh.spawn().map_err(|e| LinkError::local("starting ssh", e))?;
        let (Some(input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(LinkError::Channel { reason: "a child without streams".to_owned() });
        };
        let channel =
            Channel { input: Box::new(input), output: Box::new(output), errors: Box::new(errors), guard: Box::new(()) };
        let session = Arc::new(openssh::Session::resume_mux(socket.clone().into_boxed_path(), None));
        let (child, alone) = (tokio::sync::Mutex::new(child), tokio::sync::Mutex::new(()));
        Ok((Self { child, socket, log, session, alone, _pipe: writer, _control: control }, channel))
    }

    /// Waits a moment for the end of a master that failed, so that it has said everything.
    pub(super) async fn post_mortem(&self) -> String {
        let mut child = self.child.lock().await;
        if timeout(Duration::from_secs(1), child.wait()).await.is_err() {
            let _ = child.start_kill();
            let _ = child.wait().await;
        }
        drop(child);
        self.log.last_words().await
    }

    async fn dial_one(&self, address: &str, patience: Duration) -> Result<Dialed, LinkError> {
        let split = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let Some((host, port)) = split else {
            return Ok(Dialed::Failed(format!("{address:?} is not host:port")));
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if let Some(dialed) = self.dial_once(host, port, patience).await? {
            return Ok(dialed);
        }
        let _alone = self.alone.lock().await;
        for _ in 0..AGAIN {
            if let Some(dialed) = self.dial_once(host, port, patience).await? {
                return Ok(dialed);
            }
        }
        Ok(Dialed::Failed("the host could not open the stream, and ssh gave more than one reason".to_owned()))
    }

    /// `None`: it is not certain why the stream could not be opened. Streams are opened beside each other, and one that
    /// was given up may fail later; so a reason is ours only if all that were given meanwhile are the same.
    async fn dial_once(&self, host: &str, port: u16, patience: Duration) -> Result<Option<Dialed>, LinkError> {
        let before = self.log.reasons();
        crash::point("before a stream");
        let forwarded = timeout(patience, mux::forward(&self.socket, host, port)).await;
        crash::point("after a stream");
        let forwarded = match forwarded {
            Err(_) => return Ok(Some(Dialed::Silent)),
            Ok(forwarded) => forwarded.map_err(|e| LinkError::lost(format!("asking ssh for a stream: {e}")))?,
        };
        Ok(match forwarded {
            Forwarded::Open(stream) => Some(Dialed::Open(Box::new(stream))),
            Forwarded::Denied(reason) => Some(Dialed::Failed(reason)),
            // ssh says the reason before it answers
            Forwarded::Failed => self.log.reasons_since(before).and_then(|reasons| meaning(&reasons)),
        })
    }

    async fn open_channel(&self, command: String) -> Result<Channel, LinkError> {
        let mut command = openssh::Session::to_raw_command(Arc::clone(&self.session), command);
        command.stdin(openssh::Stdio::piped()).stdout(openssh::Stdio::piped()).stderr(openssh::Stdio::piped());
        let mut child = match command.spawn().await {
            Ok(child) => child,
            // Nothing was sent to a program yet. Whether the connection still stands decides what this is.
            Err(error) => {
                let reason = error_text(&error);
                return Err(match self.session.check().await {
                    Ok(()) => LinkError::Channel { reason },
                    Err(_) => LinkError::Lost { reason },
                });
            }
        };
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin().take(), child.stdout().take(), child.stderr().take())
        else {
            return Err(LinkError::Channel { reason: "a channel without streams".to_owned() });
        };
        let (input, output, errors) = (Box::new(input), Box::new(output), Box::new(errors));
        Ok(Channel { input, output, errors, guard: Box::new(child) })
    }
}

impl Opener for Master {
    fn open(&self, command: String) -> BoxFuture<'_, Result<Channel, LinkError>> {
        Box::pin(self.open_channel(command))
    }

    fn dial<'a>(&'a self, address: &'a str, timeout: Duration) -> BoxFuture<'a, Result<Dialed, LinkError>> {
        Box::pin(self.dial_one(address, timeout))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let mut child = self.child.lock().await;
            // SIGTERM lets ssh remove its socket and tell the host.
            terminate(&child);
            if timeout(Duration::from_secs(3), child.wait()).await.is_err() {
                let _ = child.start_kill();
                let _ = child.wait().await;
            }
            let _ = std::fs::remove_file(&self.socket);
        })
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        if let Ok(child) = self.child.try_lock() {
            terminate(&child);
        }
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// A polite end. The process id is still the child's: it has not been waited for.
fn terminate(child: &Child) {
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}

fn error_text(error: &openssh::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let _ = write!(text, ": {inner}");
        source = inner.source();
    }
    text
}

/// Where the master listens, for a message.
impl std::fmt::Debug for Master {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Master({})", Path::display(&self.socket))
    }
}

/// What reasons mean, one of which is ours; `None` when that depends on which.
fn meaning(reasons: &[String]) -> Option<Dialed> {
    let Some((reason, others)) = reasons.split_first() else {
        return Some(Dialed::Failed("the host could not open the stream".to_owned()));
    };
    if others.iter().any(|other| other != reason) {
        return None;
    }
    Some(match reason.as_str() {
        reason if reason.contains("Connection refused") => Dialed::Refused,
        reason if reason.contains("timed out") => Dialed::Silent,
        reason => Dialed::Failed(reason.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_may_be_anothers_is_none() {
        let word = |reasons: &[&str]| {
            let reasons: Vec<_> = reasons.iter().map(|&reason| reason.to_owned()).collect();
            match meaning(&reasons)? {
                Dialed::Open(_) => Some("open".to_owned()),
                Dialed::Refused => Some("refused".to_owned()),
                Dialed::Silent => Some("silent".to_owned()),
                Dialed::Failed(why) => Some(why),
            }
        };
        let (refused, timed_out) = ("connect failed: Connection refused", "connect failed: Connection timed out");
        let no_route = "connect failed: No route to host";
        for (reasons, expected) in [
            (&[refused][..], Some("refused")),
            (&[refused, refused], Some("refused")),
            (&[timed_out], Some("silent")),
            (&[no_route, no_route], Some(no_route)),
            (&[refused, no_route], None),
            (&[timed_out, refused], None),
            (&[], Some("the host could not open the stream")),
        ] {
            assert_eq!(word(reasons).as_deref(), expected, "{reasons:?}");
        }
    }
}
