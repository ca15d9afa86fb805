//! A connection to a host.

use std::time::Duration;

use tokio::sync::oneshot;

use super::LinkError;
use super::lock::{Locked, Ticket};
use super::look::{Answer, Ask, Look};
use super::work::{Done, Started, Work};
use crate::base::BoxFuture;
use crate::base::ids::UnitKey;
use crate::base::permit::Permit;

/// What the host says about itself when the link is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The id of this boot: another one means that the host was restarted.
    pub boot_id: String,
    /// The id of the installation, by which one machine under two names is found. Empty when it has none.
    pub machine_id: String,
    /// The login user's number.
    pub uid: u32,
    /// The login user's name.
    pub login: String,
    /// Since the boot, when the link was made.
    pub uptime: Duration,
    /// What `/bin/sh` is: `dash`, `bash`, `busybox`, or its path.
    pub shell: String,
}

/// What becomes of a run's claims on the host when the run is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claims {
    /// They stay, so that `resume` can ask for what happened, and so does the host's lock.
    Keep,
    /// They stay for what they keep of what was there before; nothing may happen any more, so the lock is freed.
    Free,
    /// They are removed, and the lock is freed: all outcomes are known and durable.
    Remove,
}

/// What a host knows of a key that was never to start from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// It never ran, and never will.
    Never,
    /// It runs.
    Running,
    /// It has ended.
    Ended {
        /// Its exit code.
        exit: i32,
    },
    /// It was begun, and its end is not written down.
    Lost,
}

/// Output as it comes, over a channel of its own.
pub trait Bulk: Send {
    /// The next bytes of standard output; empty at its end.
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<u8>, LinkError>>;

    /// Waits for the end, without further output: exit code and standard error.
    fn end(self: Box<Self>) -> BoxFuture<'static, Result<Answer, LinkError>>;
}

/// What an operator is to hear of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It was lost, and the host is connected to again.
    Lost {
        /// What was noticed.
        why: String,
    },
    /// It stands again.
    Back,
}

/// Hears of a host's link.
pub type Tell = Box<dyn Fn(&str, Notice) + Send + Sync>;

/// A connection to a host. Work needs a permit: see [`super::Hands`].
pub trait Link: Look {
    /// The host's name in the inventory.
    fn host(&self) -> &str;

    /// What the host said about itself.
    fn facts(&self) -> &Facts;

    /// This link as something that can only look.
    fn look(&self) -> &dyn Look;

    /// Starts work under the permit's key, or answers what the same key came to before.
    fn claim<'a>(
        &'a self,
        permit: &'a Permit,
        work: &'a Work,
        started: Option<oneshot::Sender<Started>>,
    ) -> BoxFuture<'a, Result<Done, LinkError>>;

    /// Says that earlier links of this run have worked as this user, so that `cancel` and `finish` look there too.
    fn worked_as(&self, user: Option<&str>);

    /// Takes the lock of the host, which everything that is claimed from then on needs; it is freed by [`Link::finish`].
    /// Asked again it says the same. A link that is healed takes one that could not be asked for before it claims.
    fn lock<'a>(&'a self, ticket: &'a Ticket) -> BoxFuture<'a, Result<Locked, LinkError>>;

    /// Says that an earlier link of this run may have taken the lock, with this token or one of an earlier session.
    fn holds(&self, token: &str);

    /// Says who hears of losses. Only a link that is healed has anything to tell.
    fn told(&self, _tell: Tell) {}

    /// Ends the process groups of a key's work (all its parts, as the login user and any user that this link has worked
    /// as; see [`Link::worked_as`]) over another channel: SIGTERM, after `grace` SIGKILL. `Ok` means that none of them is left.
    fn cancel<'a>(&'a self, key: &'a UnitKey, grace: Duration) -> BoxFuture<'a, Result<(), LinkError>>;

    /// Sees to it that what has not begun under a key never will, and says what became of what has. As the user whose work
    /// it was; none: the login user.
    fn fence<'a>(&'a self, key: &'a UnitKey, user: Option<&'a str>) -> BoxFuture<'a, Result<Record, LinkError>>;

    /// Like `ask`, with its output as it comes, over a channel of its own. Dropping it ends the command.
    fn bulk<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Box<dyn Bulk>, LinkError>>;

    /// The end of the run: scratch is removed, claims as asked, the runners and the connection end. `false`: the host
    /// could not be told of it.
    fn finish(&self, claims: Claims) -> BoxFuture<'_, bool>;
}
