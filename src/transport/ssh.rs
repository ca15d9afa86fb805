//! OpenSSH as the carrier, so that the user's configuration, agent, jump hosts, certificates and known hosts all count.
//! Host keys are always strict. Connections are opened a bounded number at a time; only what a busy or restarting server
//! answers is tried again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::control::ControlDir;
use super::interpret::{Again, interpret};
use super::master::Master;
use super::runner::RunnerLink;
use super::session::{self, Session, Terms};
use super::{HostAddr, Link, LinkError, Transport, limits, retry};
use crate::base::BoxFuture;
use crate::base::ids::RunId;

/// What runs the runner on a host.
const SHELL: &str = "/bin/sh";

/// What a transport needs to know about the run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The run, whose claims on a host are kept together.
    pub run: RunId,
    /// The folder in which the control sockets' folder is made: private and short (`XDG_RUNTIME_DIR`, or `/tmp`).
    pub control_dir: PathBuf,
    /// The ssh program.
    pub ssh: PathBuf,
    /// For one attempt to connect, up to the runner's greeting.
    pub connect_timeout: Duration,
    /// For all attempts to connect to a host together.
    pub connect_deadline: Duration,
    /// A silent link is asked for a sign of life this often, and is lost after three unanswered ones.
    pub keepalive: Duration,
    /// Connections being opened at the same time.
    pub parallel: usize,
}

impl Options {
    /// The defaults.
    #[must_use]
    pub fn new(run: RunId, control_dir: PathBuf) -> Self {
        Self {
            run,
            control_dir,
            ssh: "ssh".into(),
            connect_timeout: Duration::from_secs(5),
            connect_deadline: Duration::from_secs(30),
            keepalive: Duration::from_secs(5),
            parallel: 32,
        }
    }
}

/// Links over OpenSSH.
pub struct SshTransport {
    options: Options,
    control: Arc<ControlDir>,
    gate: Semaphore,
}

impl SshTransport {
    /// A transport. Raises the soft limit of open files, and removes what dead owners left in the control folder.
    pub fn new(options: Options) -> Result<Self, LinkError> {
        limits::raise();
        let control = ControlDir::create(&options.control_dir, &options.ssh)
            .map_err(|e| LinkError::local(format!("making a folder in {}", options.control_dir.display()), e))?;
        let gate = Semaphore::new(options.parallel.max(1));
        Ok(Self { options, control: Arc::new(control), gate })
    }

    /// Tries until it stands, until trying again makes no sense, or until the deadline.
    async fn link(&self, host: &HostAddr) -> Result<Arc<dyn Link>, LinkError> {
        let deadline = Instant::now() + self.options.connect_deadline;
        for attempt in 1.. {
            let permit = self.gate.acquire().await;
            let tried = self.attempt(host).await;
            drop(permit);
            let (error, again) = match tried {
                Ok(link) => return Ok(link),
                Err(failed) => failed,
            };
            match retry::pause(again, attempt, retry::random()) {
                Some(pause) if Instant::now() + pause < deadline => {
                    tracing::debug!(host = host.name, attempt, %error, "connecting again");
                    tokio::time::sleep(pause).await;
                }
                _ => return Err(error),
            }
        }
        Err(LinkError::Unreachable { reason: "too many attempts".to_owned() })
    }

    async fn attempt(&self, host: &HostAddr) -> Result<Arc<dyn Link>, (LinkError, Again)> {
        let no = |error| (error, Again::No);
        let command = session::command(None, SHELL).map_err(no)?;
        let (master, channel) = Master::start(host, &self.options, Arc::clone(&self.control), command).map_err(no)?;
        let terms = Terms::new(&self.options.run, &host.connect, SHELL);
        let patience = self.options.connect_timeout + Duration::from_secs(2);
        match Session::greet(channel, &terms, patience).await {
            Ok(first) => {
                let (name, patience) = (host.name.clone(), self.options.connect_timeout);
                let link = RunnerLink::new(name, Arc::new(master), first, terms, SHELL.to_owned(), patience);
                Ok(Arc::new(link))
            }
            Err(missing) => {
                let said = master.post_mortem().await;
                let text = format!("{}\n{said}", missing.stderr);
                if missing.silent && said.trim().is_empty() {
                    let reason = "the host's shell did not answer".to_owned();
                    return Err((LinkError::Channel { reason }, Again::No));
                }
                Err(interpret(&text))
            }
        }
    }
}

impl Transport for SshTransport {
    fn connect<'a>(&'a self, host: &'a HostAddr) -> BoxFuture<'a, Result<Arc<dyn Link>, LinkError>> {
        Box::pin(self.link(host))
    }
}
