//! Followers of logs against writers that rotate them under load: nothing is lost, nothing comes twice, and what cannot
//! be known is said.

mod disturbed;
mod end_to_end;
mod honest;
mod reused;
mod rotation;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use refloat::base::ids::RunId;
use refloat::transport::local::LocalTransport;
use refloat::transport::log::cursors;
use refloat::transport::ssh::Options;
use refloat::transport::{Connect, Cursor, HostAddr, Link, LogSource, Transport as _, Via};
use refloat::watch::{Followed, Follower};

use crate::support::tier;

/// A link to this machine with another shell as its `/bin/sh`.
pub async fn link(tier_name: &str, shell: &str) -> Option<Arc<dyn Link>> {
    let program = shell.split(' ').next().expect("a program");
    let found = std::path::Path::new(program).exists().then_some(()).ok_or(format!("{program} is not here"));
    if !tier(tier_name, found) {
        return None;
    }
    let connect = Connect { via: Via::Local, ..Connect::default() };
    let (name, address) = ("web1".to_owned(), "127.0.0.1".to_owned());
    let host = HostAddr { name, address, user: None, port: None, connect };
    let options = Options::new(RunId::generate(), PathBuf::from("/nonexistent"));
    Some(LocalTransport::with_shell(options, shell).connect(&host).await.expect("a link"))
}

/// Where a file ends now.
pub async fn stands(link: &dyn Link, path: &str) -> Cursor {
    cursors(link.look(), None, &[LogSource::File(path.to_owned())]).await.expect("a cursor").remove(0)
}

/// What comes next.
pub async fn next(follower: &mut Follower) -> Followed {
    let next = tokio::time::timeout(Duration::from_mins(1), follower.next()).await;
    next.expect("a word from the follower").expect("a living follower")
}

/// What comes next that is not `Seen`.
pub async fn told(follower: &mut Follower) -> Followed {
    loop {
        let next = next(follower).await;
        if !matches!(next, Followed::Seen { .. }) {
            return next;
        }
    }
}
