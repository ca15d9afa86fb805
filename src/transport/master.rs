//! The master: an `ssh -M` that we start, whose own session is the first runner. When we die, that runner's input ends,
//! so it ends, so the master ends and removes its socket. Only a stream that gets no answer can keep it: see `control`.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::Child;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::channel::{Channel, Opener};
use super::control::ControlDir;
use super::look::Dialed;
use super::mux::{self, Forwarded};
use super::ssh::Options;
use super::{HostAddr, LinkError};
use crate::base::{BoxFuture, crash, process};

/// What ssh itself says, apart from what comes from the host: `ssh -E` into a pipe of ours, which needs no file that
/// could be left behind.
#[derive(Default)]
pub(super) struct Log {
    text: Mutex<String>,
    /// Why streams to a port could not be opened, oldest first.
    failures: Mutex<VecDeque<String>>,
    news: Notify,
}

impl Log {
    fn take_in(&self, line: &str) {
        tracing::debug!(line, "ssh");
        if let Some((_, reason)) = line.split_once(": open failed: ") {
            self.failures.lock().unwrap_or_else(PoisonError::into_inner).push_back(reason.trim_end().to_owned());
        }
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        if text.len() < 16 << 10 {
            let _ = writeln!(text, "{line}");
        }
        drop(text);
        self.news.notify_one();
    }

    /// All that ssh has said.
    pub(super) fn text(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why the stream that was just asked for could not be opened. `open failed` twice may also be a session that the
    /// server refused, so another reason goes before it for a moment.
    async fn reason(&self) -> String {
        let mut general = None;
        loop {
            match self.failure() {
                Some(reason) if reason.ends_with("open failed") => general = Some(reason),
                Some(reason) => return reason,
                None => {}
            }
            let news = self.news.notified();
            match &general {
                None => news.await,
                Some(reason) => {
                    if timeout(Duration::from_millis(100), news).await.is_err() {
                        return reason.clone();
                    }
                }
            }
        }
    }

    fn failure(&self) -> Option<String> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// A master that we started.
pub(super) struct Master {
    child: tokio::sync::Mutex<Child>,
    socket: PathBuf,
    pub(super) log: Arc<Log>,
    session: Arc<openssh::Session>,
    /// One stream is opened at a time: only so does the next reason in the log belong to it.
    dialling: tokio::sync::Mutex<()>,
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
        let log = Arc::new(Log::default());
        listen(reader, Arc::clone(&log))?;
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
        let (child, dialling) = (tokio::sync::Mutex::new(child), tokio::sync::Mutex::new(()));
        Ok((Self { child, socket, log, session, dialling, _pipe: writer, _control: control }, channel))
    }

    /// Waits a moment for the end of a master that failed, so that it has said everything.
    pub(super) async fn post_mortem(&self) -> String {
        let mut child = self.child.lock().await;
        if timeout(Duration::from_secs(1), child.wait()).await.is_err() {
            let _ = child.start_kill();
            let _ = child.wait().await;
        }
        drop(child);
        // The reader of the pipe may be a moment behind the end of the process.
        while timeout(Duration::from_millis(50), self.log.news.notified()).await.is_ok() {}
        self.log.text()
    }

    async fn dial_one(&self, address: &str, patience: Duration) -> Result<Dialed, LinkError> {
        let split = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let Some((host, port)) = split else {
            return Ok(Dialed::Failed(format!("{address:?} is not host:port")));
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let _one = self.dialling.lock().await;
        while self.log.failure().is_some() {}
        crash::point("before a stream");
        let forwarded = timeout(patience, mux::forward(&self.socket, host, port)).await;
        crash::point("after a stream");
        let forwarded = match forwarded {
            Err(_) => return Ok(Dialed::Silent),
            Ok(forwarded) => forwarded.map_err(|e| LinkError::lost(format!("asking ssh for a stream: {e}")))?,
        };
        match forwarded {
            Forwarded::Open(stream, control) => Ok(Dialed::Open(Box::new(Forward { stream, _control: control }))),
            Forwarded::Denied(reason) => Ok(Dialed::Failed(reason)),
            Forwarded::Failed => {
                // ssh writes the reason before it answers us, so it is in the pipe already
                Ok(match timeout(Duration::from_secs(2), self.log.reason()).await {
                    Ok(reason) if reason.contains("Connection refused") => Dialed::Refused,
                    Ok(reason) if reason.contains("timed out") => Dialed::Silent,
                    Ok(reason) => Dialed::Failed(reason),
                    Err(_) => Dialed::Failed("the host could not open the stream".to_owned()),
                })
            }
        }
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

/// Reads ssh's log line by line until its last writer is gone.
fn listen(reader: std::io::PipeReader, log: Arc<Log>) -> Result<(), LinkError> {
    let mut reader =
        pipe::Receiver::from_owned_fd(reader.into()).map_err(|e| LinkError::local("reading ssh's log", e))?;
    tokio::spawn(async move {
        let mut text = Vec::new();
        while reader.read_buf(&mut text).await.is_ok_and(|n| n > 0) {
            while let Some(end) = text.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = text.drain(..=end).collect();
                log.take_in(String::from_utf8_lossy(&line).trim_end());
            }
            text.truncate(4096);
        }
    });
    Ok(())
}

/// A stream through the master.
struct Forward {
    stream: tokio::net::UnixStream,
    _control: tokio::net::UnixStream,
}

impl tokio::io::AsyncRead for Forward {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl tokio::io::AsyncWrite for Forward {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::pin::Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Where the master listens, for a message.
impl std::fmt::Debug for Master {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Master({})", Path::display(&self.socket))
    }
}
