//! This machine as a host, or what a command of it enters (`podman exec -i NAME`): the same runner, as a child of ours in
//! a process group of its own.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use super::channel::{Channel, Opener};
use super::look::Dialed;
use super::runner::RunnerLink;
use super::session::{self, Session, Terms};
use super::ssh::Options;
use super::{HostAddr, Link, LinkError, Transport};
use crate::base::{BoxFuture, process};

/// Links to this machine.
pub struct LocalTransport {
    options: Options,
    shell: String,
    /// The program, and its first arguments, that enters the host; empty: this machine is it.
    enter: Vec<String>,
}

impl LocalTransport {
    /// A transport.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, shell: "/bin/sh".to_owned(), enter: Vec::new() }
    }

    /// The same with another shell (a program and its first arguments) in the place of `/bin/sh`.
    #[must_use]
    pub fn with_shell(options: Options, shell: &str) -> Self {
        Self { options, shell: shell.to_owned(), enter: Vec::new() }
    }

    /// Links to what a command enters. It must hand on its standard streams and end when its input does.
    #[must_use]
    pub fn through(options: Options, enter: &[String]) -> Self {
        Self { enter: enter.to_vec(), ..Self::new(options) }
    }

    async fn link(&self, host: &HostAddr) -> Result<Arc<dyn Link>, LinkError> {
        let opener = Arc::new(Children { enter: self.enter.clone() });
        let terms = Terms::new(&self.options.run, &host.connect, &self.shell);
        let channel = opener.open(session::command(None, &self.shell)?).await?;
        let first = Session::greet(channel, &terms, self.options.connect_timeout)
            .await
            .map_err(|no| super::pool::refused(None, no.stderr))?;
        let name = host.name.clone();
        Ok(Arc::new(RunnerLink::new(name, opener, first, terms, self.shell.clone(), self.options.connect_timeout)))
    }
}

impl Transport for LocalTransport {
    fn connect<'a>(&'a self, host: &'a HostAddr) -> BoxFuture<'a, Result<Arc<dyn Link>, LinkError>> {
        Box::pin(self.link(host))
    }
}

struct Children {
    enter: Vec<String>,
}

impl Opener for Children {
    fn open(&self, command: String) -> BoxFuture<'_, Result<Channel, LinkError>> {
        Box::pin(async move {
            let words = self.enter.iter().map(String::as_str).chain(["/bin/sh", "-c", &command]).collect::<Vec<_>>();
            let mut child = process::piped(words[0]);
            // Not killed on drop: it ends at the end of its input, after it has recorded what its step came to.
            child.args(&words[1..]).process_group(0).kill_on_drop(false).stderr(Stdio::piped());
            let mut child = child.spawn().map_err(|e| LinkError::local("starting its shell", e))?;
            let (Some(input), Some(output), Some(errors)) =
                (child.stdin.take(), child.stdout.take(), child.stderr.take())
            else {
                return Err(LinkError::Channel { reason: "a child without streams".to_owned() });
            };
            Ok(Channel {
                input: Box::new(input),
                output: Box::new(output),
                errors: Box::new(errors),
                guard: Box::new(child),
            })
        })
    }

    fn dial<'a>(&'a self, address: &'a str, timeout: Duration) -> BoxFuture<'a, Result<Dialed, LinkError>> {
        Box::pin(async move {
            use std::io::ErrorKind;
            if let Some(program) = self.enter.first() {
                return Ok(Dialed::Failed(format!("ports cannot be seen through `{program}`")));
            }
            Ok(match tokio::time::timeout(timeout, tokio::net::TcpStream::connect(address)).await {
                Err(_) => Dialed::Silent,
                Ok(Ok(stream)) => Dialed::Open(Box::new(stream)),
                Ok(Err(e)) if e.kind() == ErrorKind::ConnectionRefused => Dialed::Refused,
                Ok(Err(e)) if e.kind() == ErrorKind::TimedOut => Dialed::Silent,
                Ok(Err(e)) => Dialed::Failed(e.to_string()),
            })
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
