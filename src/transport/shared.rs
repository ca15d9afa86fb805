//! A transport whose links several runs use, one after the other: each host is connected to once. They have to be runs
//! that only look, since a link knows of one run's claims alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use tokio::sync::OnceCell;

use super::overheard::{Hear, Overheard};
use super::route::Routes;
use super::ssh::Options;
use super::{Claims, HostAddr, Link, LinkError, Transport};
use crate::base::BoxFuture;

type Tried = Arc<OnceCell<Result<Arc<dyn Link>, LinkError>>>;

/// Links by what the inventory says of their hosts. That a host cannot be reached is found out once, too.
pub struct Shared {
    routes: Routes,
    links: Mutex<HashMap<String, Tried>>,
    hear: Option<Hear>,
}

impl Shared {
    /// No links yet. `hear`: hears of every request.
    #[must_use]
    pub fn new(options: Options, hear: Option<Hear>) -> Self {
        Self { routes: Routes::new(options), links: Mutex::default(), hear }
    }

    async fn link(&self, host: &HostAddr) -> Result<Arc<dyn Link>, LinkError> {
        let link = self.routes.connect(host).await?;
        Ok(match &self.hear {
            Some(hear) => Arc::new(Overheard { link, hear: Arc::clone(hear) }),
            None => link,
        })
    }

    /// Ends all connections.
    pub async fn close(&self) {
        let all: Vec<Tried> =
            self.links.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(_, tried)| tried).collect();
        let open = all.iter().filter_map(|tried| tried.get()?.as_ref().ok());
        join_all(open.map(|link| link.finish(Claims::Keep))).await;
    }
}

impl Transport for Shared {
    fn connect<'a>(&'a self, host: &'a HostAddr) -> BoxFuture<'a, Result<Arc<dyn Link>, LinkError>> {
        Box::pin(async move {
            let of = format!("{host:?}");
            let tried = Arc::clone(self.links.lock().unwrap_or_else(PoisonError::into_inner).entry(of).or_default());
            tried.get_or_init(|| self.link(host)).await.clone()
        })
    }
}
