//! Links: one suite over the local transport in every shell, and over a real sshd.

mod conformance;
mod healing;
mod local;
mod logins;
mod logs;
mod many;
pub mod ssh;

use std::time::Duration;

use refloat::base::digest::Digest;
use refloat::base::ids::{RunId, UnitKey};
use refloat::base::permit::Permit;
use refloat::transport::{Connect, HostAddr, Via};

/// A permit for a unit of that name.
pub fn permit(name: &str) -> Permit {
    Permit::grant(UnitKey(Digest::of(name)))
}

pub fn host(via: Via) -> HostAddr {
    let connect = Connect { via, ..Connect::default() };
    HostAddr { name: "web1".to_owned(), address: "127.0.0.1".to_owned(), user: None, port: None, connect }
}

/// Waits for a condition on this machine. The pause is only between two looks at it.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}

/// Where a run's claims are for the user of the tests.
pub fn spool(run: &RunId) -> std::path::PathBuf {
    std::path::Path::new(&std::env::var("HOME").expect("HOME")).join(".refloat").join(run.as_str())
}
