//! This machine as a host: the same runner, as a child of ours.

use std::sync::Arc;

use super::ssh::Options;
use super::{HostAddr, Link, LinkError, Transport};
use crate::base::BoxFuture;

/// Links to this machine.
pub struct LocalTransport {
    options: Options,
}

impl LocalTransport {
    /// A transport.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options }
    }
}

impl Transport for LocalTransport {
    fn connect<'a>(&'a self, host: &'a HostAddr) -> BoxFuture<'a, Result<Arc<dyn Link>, LinkError>> {
        let _ = &self.options;
        Box::pin(async move {
            Err(LinkError::Unreachable { reason: format!("{}: the local transport is not built yet", host.name) })
        })
    }
}
