//! The times without a link: who waits, who connects again, and what is known meanwhile.
//!
//! One task for each host connects again, as long as somebody waits for it. It belongs to no request: a request that is
//! not looked at for a while (its caller waits for something else) holds up nobody.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::interpret::Again;
use super::{HostAddr, Link, LinkError, Transport, retry};

/// How long the task goes on when nobody waits: who asks every second finds it still there.
const LINGER: Duration = Duration::from_secs(10);

/// A link that was lost sooner than this was not worth much: the next one is not made at once.
const STEADY: Duration = Duration::from_secs(5);

/// What is known of a link.
#[derive(Clone)]
pub(super) enum State {
    /// It stands, as far as anybody knows.
    Up(Arc<dyn Link>),
    /// It does not.
    Down(Outage),
}

/// A time without a link.
#[derive(Clone, Debug)]
pub(super) struct Outage {
    /// When it was noticed.
    pub since: Instant,
    /// What was noticed.
    pub why: String,
    /// How often the host was connected to again, in vain.
    tries: u32,
    /// What the last of them said.
    last: Option<LinkError>,
    /// Nobody tries again: what was said will be said again.
    pub hopeless: bool,
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; that was {} ago", self.why, words(self.since.elapsed()))?;
        match (&self.last, self.tries) {
            (None, _) => write!(f, ", and it is not back"),
            (Some(last), 1) => write!(f, ", and it could not be connected to again: {last}"),
            (Some(last), tries) => write!(f, ", and it could not be connected to again in {tries} tries: {last}"),
        }
    }
}

/// A duration for people: `4s`, `3m 10s`.
pub(super) fn words(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 { format!("{seconds}s") } else { format!("{}m {}s", seconds / 60, seconds % 60) }
}

/// The connection to one host, through all its outages.
pub(super) struct Line {
    transport: Arc<dyn Transport>,
    host: HostAddr,
    state: watch::Sender<State>,
    wanted: Mutex<Wanted>,
}

/// Who wants the link back.
struct Wanted {
    waiting: usize,
    last: Instant,
    /// The link that was lost last was made then.
    made: Instant,
    /// How many links in a row were lost so soon.
    short: u32,
    task: Option<tokio::task::AbortHandle>,
    /// As whom links of this run have worked.
    users: Vec<Option<String>>,
    /// With what they have locked the host.
    token: Option<String>,
}

/// Somebody who waits. Dropped, he waits no more.
pub(super) struct Waiter<'a>(&'a Line);

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut wanted = self.0.wanted();
        wanted.waiting -= 1;
        wanted.last = Instant::now();
    }
}

impl Line {
    pub(super) fn new(transport: Arc<dyn Transport>, host: HostAddr, link: Arc<dyn Link>) -> Arc<Self> {
        let now = Instant::now();
        let wanted = Wanted { waiting: 0, last: now, made: now, short: 0, task: None, users: Vec::new(), token: None };
        Arc::new(Self { transport, host, state: watch::Sender::new(State::Up(link)), wanted: Mutex::new(wanted) })
    }

    pub(super) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    pub(super) fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Says that a link is lost. `true` for the first one who says so.
    pub(super) fn lost(&self, link: &Arc<dyn Link>, why: String) -> bool {
        self.state.send_if_modified(|state| {
            let new = matches!(state, State::Up(up) if Arc::ptr_eq(up, link));
            if new {
                let outage = Outage { since: Instant::now(), why, tries: 0, last: None, hopeless: false };
                *state = State::Down(outage);
            }
            new
        })
    }

    /// Has the link made again, as long as the waiter is there.
    pub(super) fn wait(self: &Arc<Self>) -> Waiter<'_> {
        let mut wanted = self.wanted();
        wanted.waiting += 1;
        let idle = wanted.task.as_ref().is_none_or(tokio::task::AbortHandle::is_finished);
        if idle && matches!(*self.state.borrow(), State::Down(_)) {
            wanted.task = Some(tokio::spawn(Arc::clone(self).heal()).abort_handle());
        }
        drop(wanted);
        Waiter(self)
    }

    /// Nobody tries any more.
    pub(super) fn end(&self) {
        if let Some(task) = self.wanted().task.take() {
            task.abort();
        }
    }

    pub(super) fn worked_as(&self, user: Option<&str>) {
        let user = user.map(str::to_owned);
        let mut wanted = self.wanted();
        if !wanted.users.contains(&user) {
            wanted.users.push(user.clone());
        }
        drop(wanted);
        if let State::Up(link) = self.state() {
            link.worked_as(user.as_deref());
        }
    }

    pub(super) fn holds(&self, token: &str) {
        self.wanted().token = Some(token.to_owned());
        if let State::Up(link) = self.state() {
            link.holds(token);
        }
    }

    async fn heal(self: Arc<Self>) {
        let mut tries = {
            let mut wanted = self.wanted();
            wanted.short = if wanted.made.elapsed() < STEADY { wanted.short + 1 } else { 0 };
            wanted.short
        };
        loop {
            if let Some(pause) = retry::pause(Again::Busy, tries, retry::random()).filter(|_| tries > 0) {
                tokio::time::sleep(pause).await;
            }
            tries += 1;
            let connected = self.transport.connect(&self.host).await;
            let mut wanted = self.wanted();
            let unwanted = wanted.waiting == 0 && wanted.last.elapsed() > LINGER;
            let error = match connected {
                Ok(link) => {
                    wanted.made = Instant::now();
                    wanted.users.iter().for_each(|user| link.worked_as(user.as_deref()));
                    wanted.token.iter().for_each(|token| link.holds(token));
                    wanted.task = None;
                    // under the lock, or who comes between the two would have it made once more
                    self.state.send_replace(State::Up(link));
                    return;
                }
                Err(error) => error,
            };
            tracing::debug!(host = self.host.name, tries, %error, "the link is not back");
            // another key is for a person to look at, not to be tried again
            let hopeless = matches!(error, LinkError::HostKey { .. });
            if hopeless || unwanted {
                wanted.task = None;
            }
            drop(wanted);
            self.state.send_modify(|state| {
                if let State::Down(outage) = state {
                    outage.tries += 1;
                    outage.last = Some(error);
                    outage.hopeless = hopeless;
                }
            });
            if hopeless || unwanted {
                return;
            }
        }
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_says_since_when_and_what_was_tried() {
        let mut outage =
            Outage { since: Instant::now(), why: "reset".to_owned(), tries: 0, last: None, hopeless: false };
        assert_eq!(outage.to_string(), "reset; that was 0s ago, and it is not back");
        outage.last = Some(LinkError::Unreachable { reason: "refused".to_owned() });
        outage.tries = 3;
        let said = "reset; that was 0s ago, and it could not be connected to again in 3 tries: unreachable: refused";
        assert_eq!(outage.to_string(), said);
        assert_eq!(words(Duration::from_secs(190)), "3m 10s");
    }
}
