//! A channel to a host: the three streams of a program there. What opens channels is all in which the transports differ.

use std::sync::LazyLock;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::look::Dialed;
use super::{LinkError, quote};
use crate::base::BoxFuture;

/// The streams of a program on a host.
pub(super) struct Channel {
    pub input: Box<dyn AsyncWrite + Send + Unpin>,
    pub output: Box<dyn AsyncRead + Send + Unpin>,
    pub errors: Box<dyn AsyncRead + Send + Unpin>,
    /// What must live as long as the streams.
    pub guard: Box<dyn Send + Sync>,
}

/// Opens channels on one connection.
pub(super) trait Opener: Send + Sync {
    /// Starts a command line of the login shell.
    fn open(&self, command: String) -> BoxFuture<'_, Result<Channel, LinkError>>;

    /// A TCP connection from the host.
    fn dial<'a>(&'a self, address: &'a str, timeout: Duration) -> BoxFuture<'a, Result<Dialed, LinkError>>;

    /// Ends the connection and waits for what carried it.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// What takes a text from standard input and runs it, leaving the rest of the input to it.
static LOADER: LazyLock<&str> = LazyLock::new(|| {
    let mut code = include_str!("assets/load.sh").lines().filter(|line| !line.starts_with('#'));
    code.next().expect("the asset has its line")
});

/// The command line that starts a text of `len` bytes, which then follows on standard input and ends in no newline. POSIX shells, csh and fish
/// agree on it: no newline, `!`, backslash or single quote inside the quotes.
pub(super) fn command(len: usize, user: Option<&str>, shell: &str) -> Result<String, LinkError> {
    let run = format!("{shell} -c '{}' refloat {len}", *LOADER);
    match user {
        None => Ok(format!("exec {run}")),
        Some(user) if is_user(user) => Ok(format!("exec sudo -n -H -u {} -- {run}", quote::word(user))),
        Some(user) => Err(LinkError::NotStarted { reason: format!("{user:?} is not a user's name") }),
    }
}

/// Whether this can be the name of a user, or a user's number.
#[must_use]
pub fn is_user(name: &str) -> bool {
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    first && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.@+-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_login_shell_takes_the_loader_for_its_own() {
        assert!(LOADER.is_ascii() && !LOADER.contains(['\'', '!', '\\', '\n']), "{}", *LOADER);
    }

    #[test]
    fn a_user_cannot_become_an_option_or_a_command() {
        assert!(command(1, Some("consul"), "/bin/sh").expect("a name").contains("-u 'consul' --"));
        for bad in ["", "-i", "a b", "a'b", "a;b", "#0", "a\nb"] {
            assert!(command(1, Some(bad), "/bin/sh").is_err(), "{bad:?}");
        }
    }
}
