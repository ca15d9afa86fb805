//! What can change a host: made from a link and a permit, so that work that was not written down first does not compile.

use tokio::sync::oneshot;

use super::LinkError;
use super::link::{Bulk, Link};
use super::look::{Ask, Look};
use super::work::{Done, Started, Work};
use crate::base::ids::UnitKey;
use crate::base::permit::Permit;

/// The hands of one unit on one host.
pub struct Hands<'a> {
    link: &'a dyn Link,
    permit: Permit,
    boot: Option<String>,
}

impl<'a> Hands<'a> {
    /// Hands for the unit whose start is durable.
    #[must_use]
    pub fn new(link: &'a dyn Link, permit: Permit) -> Self {
        Self { link, permit, boot: None }
    }

    /// The same for a unit that may have been started on this boot of the host: it is started on no other.
    #[must_use]
    pub fn of_boot(self, boot: Option<String>) -> Self {
        Self { boot, ..self }
    }

    /// Eyes only.
    #[must_use]
    pub fn look(&self) -> &'a dyn Look {
        self.link.look()
    }

    /// The host's name.
    #[must_use]
    pub fn host(&self) -> &'a str {
        self.link.host()
    }

    /// The key under which the host claims the work.
    #[must_use]
    pub fn key(&self) -> &UnitKey {
        self.permit.key()
    }

    /// Does the work, once: see [`Work`].
    pub async fn run(&self, work: &Work, started: Option<oneshot::Sender<Started>>) -> Result<Done, LinkError> {
        match &self.boot {
            None => self.link.claim(&self.permit, work, started).await,
            boot => self.link.claim(&self.permit, &Work { boot: boot.clone(), ..work.clone() }, started).await,
        }
    }

    /// Reads beside the control channel: for what is too much for it.
    pub async fn bulk(&self, ask: &Ask) -> Result<Box<dyn Bulk>, LinkError> {
        self.link.bulk(ask).await
    }
}
