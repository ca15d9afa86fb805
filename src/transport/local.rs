//! This machine as a host: the same runner, as a child of ours in a process group of its own.

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
}

impl LocalTransport {
    /// A transport.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, shell: "/bin/sh".to_owned() }
    }

    /// The same with another shell (a program and its first arguments) in the place of `/bin/sh`.
    #[must_use]
    pub fn with_shell(options: Options, shell: &str) -> Self {
        Self { options, shell: shell.to_owned() }
    }

    async fn link(&self, host: &HostAddr) -> Result<Arc<dyn Link>, LinkError> {
        let opener = Arc::new(Children);
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

struct Children;

impl Opener for Children {
    fn open(&self, command: String) -> BoxFuture<'_, Result<Channel, LinkError>> {
        Box::pin(async move {
            let mut child = process::piped("/bin/sh");
            // Not killed on drop: it ends at the end of its input, after it has recorded what its step came to.
            child.arg("-c").arg(command).process_group(0).kill_on_drop(false).stderr(Stdio::piped());
            let mut child = child.spawn().map_err(|e| LinkError::local("starting /bin/sh", e))?;
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
