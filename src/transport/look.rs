//! What may look at a host and cannot change it.

use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncWrite};

use super::LinkError;
use crate::base::BoxFuture;

/// A text to be run on a host that only looks: no claim, no file on the host; after a lost link it is asked again.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Shell text, run with `-e`.
    pub script: String,
    /// With an empty script: the program to run instead, and its arguments. With a script: its `"$@"`.
    pub argv: Option<Vec<String>>,
    /// Standard input; empty: `/dev/null`.
    pub stdin: Vec<u8>,
    /// As whom, through `sudo -n -u`; none: the login user.
    pub user: Option<String>,
    /// Variables. They travel on standard input, never in an argument vector.
    pub env: Vec<(String, SecretString)>,
    /// The working folder; none: `/`.
    pub cwd: Option<String>,
    /// The shell; none: the host's.
    pub shell: Option<String>,
    /// After this the host ends it.
    pub timeout: Duration,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            script: String::new(),
            argv: None,
            stdin: Vec::new(),
            user: None,
            env: Vec::new(),
            cwd: None,
            shell: None,
            timeout: Duration::from_secs(30),
        }
    }
}

impl Ask {
    /// A script with the defaults for all else.
    #[must_use]
    pub fn script(text: impl Into<String>) -> Self {
        Self { script: text.into(), ..Self::default() }
    }
}

/// What an [`Ask`] ended with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The exit code, 128 + signal when it was killed.
    pub exit: i32,
    /// Its standard output, raw.
    pub stdout: Vec<u8>,
    /// Its standard error, raw.
    pub stderr: Vec<u8>,
    /// It was ended by its timeout.
    pub timed_out: bool,
    /// Some of the middle of a stream was left out.
    pub truncated: bool,
}

/// Bytes both ways.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What a TCP connection from a host came to.
pub enum Dialed {
    /// It is open.
    Open(Box<dyn Stream>),
    /// Something said no.
    Refused,
    /// Nothing answered in time.
    Silent,
    /// Anything else: no route, unknown name, forwarding forbidden.
    Failed(String),
}

/// The state of a port, seen from a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// It accepts connections.
    Open,
    /// It refuses them.
    Refused,
    /// Nothing answers.
    Silent,
}

/// What a path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// `file`, `folder`, `link` or `other`.
    pub kind: Kind,
    /// Permission bits, such as `0o644`.
    pub mode: u32,
    /// The owner's name, or number when it has none.
    pub owner: String,
    /// The group's name, or number when it has none.
    pub group: String,
    /// In bytes.
    pub size: u64,
    /// Seconds since the epoch.
    pub modified: i64,
    /// The inode.
    pub inode: u64,
    /// Where a link points.
    pub target: Option<String>,
}

/// The kinds of things a path can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, which is not followed.
    Link,
    /// A device, a socket, a pipe.
    Other,
}

/// What may look at a host and cannot change it.
pub trait Look: Send + Sync {
    /// Runs a text in a subshell of the runner: no claim, no file on the host.
    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Answer, LinkError>>;

    /// A TCP connection from the host to `host:port` as seen from there. Needs no program on the host.
    fn dial<'a>(&'a self, address: &'a str, timeout: Duration) -> BoxFuture<'a, Result<Dialed, LinkError>>;
}
