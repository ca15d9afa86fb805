//! One transport for all hosts of an inventory: each by the way that it asks for, and healed.

use std::sync::{Arc, OnceLock};

use super::healing::Healing;
use super::local::LocalTransport;
use super::ssh::{Options, SshTransport};
use super::{HostAddr, Link, LinkError, Transport, Via};
use crate::base::BoxFuture;

/// All transports of a run.
pub struct Routes(Healing);

/// Chooses by [`Via`]. ssh is set up when the first host wants it.
struct Ways {
    options: Options,
    local: LocalTransport,
    ssh: OnceLock<Result<SshTransport, LinkError>>,
}

impl Routes {
    /// All transports of a run.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let ways = Ways { local: LocalTransport::new(options.clone()), options, ssh: OnceLock::new() };
        Self(Healing::new(Arc::new(ways)))
    }
}

impl Transport for Routes {
    fn connect<'a>(&'a self, host: &'a HostAddr) -> BoxFuture<'a, Result<Arc<dyn Link>, LinkError>> {
        self.0.connect(host)
    }
}

impl Transport for Ways {
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
