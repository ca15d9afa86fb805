//! How a host is reached, looked at and changed.
//!
//! One connection a host: a [`Link`]. What only looks sees a [`Look`]; what changes a host needs a link and a permit and
//! is called [`Hands`]. The transports are ssh ([`ssh::SshTransport`]) and this machine ([`local::LocalTransport`]); both
//! talk to the same program on the host, the runner (`assets/runner.sh`), over the same frames ([`frame`]).
//!
//! What exec gets is healed ([`healing`]): a lost connection is made again and the request sent again.
//!
//! Promises: an answer is never made up from a lost link ([`LinkError`]); a claimed key has at most one effect, however
//! often it is sent; secrets travel on standard input only; when this process dies, nothing of it stays on the host.

use std::path::PathBuf;
use std::sync::Arc;

use crate::base::BoxFuture;

mod bulk;
mod channel;
mod container;
mod control;
pub mod error;
mod frame;
pub mod hands;
pub mod healing;
mod interpret;
mod limits;
pub mod link;
pub mod local;
mod lock;
pub mod log;
pub mod look;
mod master;
mod mux;
mod outage;
pub mod overheard;
mod paths;
mod pool;
mod quote;
mod retry;
pub mod route;
mod runner;
mod said;
mod session;
pub mod shared;
pub mod ssh;
pub mod work;

pub use channel::is_user;
pub use container::LogCommand;
pub use error::LinkError;
pub use hands::Hands;
pub use link::{Bulk, Claims, Facts, Link, Notice, Record};
pub use lock::{Holder, Locked, Ticket};
pub use log::{Cursor, LogSource};
pub use look::{Answer, Ask, Dialed, Kind, Look, Port, Stat, Stream};
pub use paths::LookError;
pub use work::{Done, Started, Work};

/// A host as the transports need it.
#[derive(Clone, Debug)]
pub struct HostAddr {
    /// The name in the inventory.
    pub name: String,
    /// Where it is: a name or an address, or a `Host` of the ssh configuration.
    pub address: String,
    /// The login user; none: what ssh chooses.
    pub user: Option<String>,
    /// The port; none: what ssh chooses.
    pub port: Option<u16>,
    /// How to connect.
    pub connect: Connect,
}

/// How to connect to a host.
#[derive(Clone, Debug, Default)]
pub struct Connect {
    /// By which transport.
    pub via: Via,
    /// A configuration for ssh in place of the user's (`ssh -F`).
    pub ssh_config: Option<PathBuf>,
    /// `PATH` on the host; none: the login's, with the sbin folders.
    pub path: Option<String>,
    /// The shell of steps on the host; none: `/bin/sh`.
    pub shell: Option<String>,
}

/// A way to reach a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// OpenSSH.
    #[default]
    Ssh,
    /// This machine.
    Local,
    /// A command that starts a shell where the steps run, such as `podman exec -i NAME`.
    Exec {
        /// The program and its arguments.
        command: Vec<String>,
    },
}

/// The seam: opens links.
pub trait Transport: Send + Sync {
    /// Connects, within the transport's own deadline.
    fn connect<'a>(&'a self, host: &'a HostAddr) -> BoxFuture<'a, Result<Arc<dyn Link>, LinkError>>;
}
