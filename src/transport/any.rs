//! Each host by the transport that the inventory names for it.

use std::sync::Arc;

use super::local::LocalTransport;
use super::ssh::{Options, SshTransport};
use super::{HostAddr, Link, LinkError, Transport, Via};
use crate::base::BoxFuture;

/// All transports that this version has.
pub struct AnyTransport {
    ssh: SshTransport,
    local: LocalTransport,
}

impl AnyTransport {
    /// The transports of a run.
    pub fn new(options: Options) -> Result<Self, LinkError> {
        Ok(Self { local: LocalTransport::new(options.clone()), ssh: SshTransport::new(options)? })
    }
}

impl Transport for AnyTransport {
    fn connect<'a>(&'a self, host: &'a HostAddr) -> BoxFuture<'a, Result<Arc<dyn Link>, LinkError>> {
        match &host.connect.via {
            Via::Ssh => self.ssh.connect(host),
            Via::Local => self.local.connect(host),
            Via::Exec { .. } => Box::pin(async {
                Err(LinkError::Unreachable {
                    reason: "`connect: { via: exec }` is not carried out by this version".into(),
                })
            }),
        }
    }
}
