//! The runners of one connection. A runner serves one request at a time and none while its step runs, so what is asked
//! meanwhile goes to another one. At most [`RUNNERS`] for each user; sshd allows ten channels by default.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::LinkError;
use super::channel::Opener;
use super::session::{self, Session, Terms};

/// Runners of one user that work at the same time.
const RUNNERS: usize = 3;

type User = Option<String>;

struct Place {
    permits: Arc<Semaphore>,
    freed: Arc<Notify>,
    idle: Vec<Session>,
}

impl Default for Place {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(RUNNERS)), freed: Arc::default(), idle: Vec::new() }
    }
}

/// The runners of one connection, by user; `None` is the login user.
pub(super) struct Pool {
    users: Mutex<HashMap<User, Place>>,
    terms: Terms,
    shell: String,
    patience: Duration,
}

/// A runner that is ours until it is given back. Dropped, it is ended: after an error, or when the request was given up,
/// nobody knows where in its stream it stands.
pub(super) struct Lease {
    pub(super) session: Session,
    _permit: Option<OwnedSemaphorePermit>,
    _freed: Freed,
}

/// Tells who waits for a runner that one has come back, or is gone.
struct Freed(Arc<Notify>);

impl Drop for Freed {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Pool {
    pub(super) fn new(terms: Terms, shell: String, patience: Duration) -> Self {
        Self { users: Mutex::default(), terms, shell, patience }
    }

    /// The run.
    pub(super) fn run(&self) -> &str {
        &self.terms.run
    }

    /// A runner, as soon as one is free or may be opened.
    pub(super) async fn lease(&self, opener: &dyn Opener, user: &User) -> Result<Lease, LinkError> {
        let (permits, freed) = self.place(user);
        let permit = Arc::clone(&permits).acquire_owned().await.map_err(|_| LinkError::lost("the link is finished"))?;
        loop {
            let session = match self.idle(user) {
                Some(session) => Ok(session),
                None => self.open(opener, user).await,
            };
            match session {
                Ok(session) => return Ok(Lease { session, _permit: Some(permit), _freed: Freed(freed) }),
                // A server may allow fewer channels than we would use: then take a runner that has come back meanwhile, or
                // wait for one that is in use.
                Err(LinkError::Channel { .. }) if self.has_idle(user) => {}
                Err(LinkError::Channel { .. }) if permits.available_permits() + 1 < RUNNERS => freed.notified().await,
                Err(error) => return Err(error),
            }
        }
    }

    /// A runner at once, above the limit: to cancel what the others do.
    pub(super) async fn extra(&self, opener: &dyn Opener, user: &User) -> Result<Lease, LinkError> {
        let session = match self.idle(user) {
            Some(session) => session,
            None => self.open(opener, user).await?,
        };
        Ok(Lease { session, _permit: None, _freed: Freed(self.place(user).1) })
    }

    /// Gives a runner back for the next request. One that is not where we think it is ends here.
    pub(super) fn put(&self, user: &User, lease: Lease) {
        // The permit is released after the runner is there, so that whoever waits for it finds it.
        let Lease { session, _permit, _freed } = lease;
        if session.in_step {
            self.lock().entry(user.clone()).or_default().idle.push(session);
        }
    }

    /// The first runner of a connection.
    pub(super) fn first(&self, session: Session) {
        self.lock().entry(None).or_default().idle.push(session);
    }

    /// All idle runners, for the end.
    pub(super) fn drain(&self) -> Vec<(User, Session)> {
        let mut users = self.lock();
        users
            .iter_mut()
            .flat_map(|(user, place)| place.idle.drain(..).map(|s| (user.clone(), s)).collect::<Vec<_>>())
            .collect()
    }

    fn place(&self, user: &User) -> (Arc<Semaphore>, Arc<Notify>) {
        let mut users = self.lock();
        let place = users.entry(user.clone()).or_default();
        (Arc::clone(&place.permits), Arc::clone(&place.freed))
    }

    fn has_idle(&self, user: &User) -> bool {
        self.lock().get(user).is_some_and(|place| !place.idle.is_empty())
    }

    fn idle(&self, user: &User) -> Option<Session> {
        self.lock().get_mut(user)?.idle.pop()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<User, Place>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn open(&self, opener: &dyn Opener, user: &User) -> Result<Session, LinkError> {
        let command = session::command(user.as_deref(), &self.shell)?;
        let channel = opener.open(command).await?;
        Session::greet(channel, &self.terms, self.patience).await.map_err(|no| refused(user.as_deref(), no.stderr))
    }
}

/// Why a program on an open connection did not answer: nothing was asked of it yet, so nothing has happened.
pub(super) fn refused(user: Option<&str>, stderr: String) -> LinkError {
    match user {
        // Sudo refuses in words. Where there are none, it let us in and the shell behind it did not come up in time.
        Some(_) if stderr.is_empty() => {
            LinkError::SudoRefused { stderr: "it said nothing, and no shell answered in time behind it".to_owned() }
        }
        Some(_) => LinkError::SudoRefused { stderr },
        None if stderr.is_empty() => LinkError::Channel { reason: "no answer from the host's shell".to_owned() },
        None => LinkError::Channel { reason: stderr },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_told_as_such() {
        let silent = refused(Some("consul"), String::new()).to_string();
        assert_eq!(silent, "sudo refused: it said nothing, and no shell answered in time behind it");
        let told = refused(Some("consul"), "a password is required".to_owned()).to_string();
        assert_eq!(told, "sudo refused: a password is required");
        assert_eq!(refused(None, String::new()).to_string(), "no channel: no answer from the host's shell");
    }
}
