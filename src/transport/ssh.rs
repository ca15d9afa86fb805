//! The ssh transport.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{HostAddr, Link, LinkError, Transport};
use crate::base::BoxFuture;
use crate::base::ids::RunId;

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
            connect_timeout: Duration::from_secs(10),
            connect_deadline: Duration::from_secs(30),
            keepalive: Duration::from_secs(5),
            parallel: 32,
        }
    }
}

/// Links over OpenSSH.
pub struct SshTransport {
    options: Options,
}

impl SshTransport {
    /// A transport. Raises the soft limit of open files, reaps what dead owners left in the control folder.
    pub fn new(options: Options) -> Result<Self, LinkError> {
        Ok(Self { options })
    }
}

impl Transport for SshTransport {
    fn connect<'a>(&'a self, host: &'a HostAddr) -> BoxFuture<'a, Result<Arc<dyn Link>, LinkError>> {
        let _ = &self.options;
        Box::pin(async move {
            Err(LinkError::Unreachable { reason: format!("{}: the ssh transport is not built yet", host.name) })
        })
    }
}
