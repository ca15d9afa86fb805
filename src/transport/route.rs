//! One transport for all hosts of an inventory: each by the way that it asks for.

use std::sync::{Arc, OnceLock};

use super::local::LocalTransport;
use super::ssh::{Options, SshTransport};
use super::{HostAddr, Link, LinkError, Transport, Via};
use crate::base::BoxFuture;

/// Chooses by [`Via`]. ssh is set up when the first host wants it.
pub struct Routes {
    options: Options,
    local: LocalTransport,
    ssh: OnceLock<Result<SshTransport, LinkError>>,
}

impl Routes {
    /// All transports of a run.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { local: LocalTransport::new(options.clone()), options, ssh: OnceLock::new() }
    }
}

impl Transport for Routes {
    fn connect<'a>(&'a self, host: &'a HostAddr) -> BoxFuture<'a, Result<Arc<dyn Link>, LinkError>> {
        match &host.connect.via {
            Via::Local => self.local.connect(host),
            Via::Ssh => match self.ssh.get_or_init(|| SshTransport::new(self.options.clone())) {
                Ok(ssh) => ssh.connect(host),
                Err(error) => Box::pin(std::future::ready(Err(error.clone()))),
            },
            Via::Exec { command } => {
                let through = LocalTransport::through(self.options.clone(), command);
                Box::pin(async move { through.connect(host).await })
            }
        }
    }
}
