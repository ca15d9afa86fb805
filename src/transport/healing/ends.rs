//! What a healed link does once: at the first change of its host, and at the end of the run.

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::super::outage::State;
use super::super::{Claims, Link, LinkError, Locked, Ticket};
use super::{ENDING, HURRY, Healed, Until};
use crate::base::ids::UnitKey;

impl Healed {
    pub(super) async fn do_lock(&self, ticket: &Ticket) -> Result<Locked, LinkError> {
        *self.unlocked() = Some(ticket.clone());
        let locked = self.looks(move |link| Box::pin(async move { link.lock(ticket).await })).await?;
        if !matches!(locked, Locked::Held(_)) {
            self.locked(ticket);
        }
        Ok(locked)
    }

    /// Takes the lock, if it could not be had when it was asked for.
    pub(super) async fn lock_first(&self, link: &Arc<dyn Link>) -> Result<(), LinkError> {
        let Some(ticket) = self.unlocked().clone() else { return Ok(()) };
        match link.lock(&ticket).await? {
            Locked::Held(holder) => Err(LinkError::NotStarted { reason: holder.to_string() }),
            Locked::Taken | Locked::Over { .. } => {
                self.locked(&ticket);
                Ok(())
            }
        }
    }

    fn locked(&self, ticket: &Ticket) {
        self.line.holds(&ticket.token);
        *self.unlocked() = None;
    }

    fn unlocked(&self) -> MutexGuard<'_, Option<Ticket>> {
        self.unlocked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn do_cancel(&self, key: &UnitKey, grace: Duration) -> Result<(), LinkError> {
        self.hurried.send_if_modified(|keys| keys.insert(key.to_string()));
        loop {
            let link = self.link(Until::At(Instant::now() + HURRY)).await?;
            let silent = |_| Err(LinkError::lost("the host does not answer"));
            match timeout(grace + ENDING, link.cancel(key, grace)).await.unwrap_or_else(silent) {
                Err(LinkError::Lost { reason }) => self.lost(&link, reason),
                answer => return answer,
            }
        }
    }

    /// What is to be removed or freed is so over a new link, if there is one soon.
    pub(super) async fn do_finish(&self, claims: Claims) -> bool {
        self.ended.store(true, Ordering::SeqCst);
        let mut told = false;
        if let State::Up(link) = self.line.state() {
            told = link.finish(claims).await;
            if !told {
                self.line.lost(&link, "it did not answer at the end of the run".to_owned());
            }
        }
        if !told && claims != Claims::Keep {
            let (waiter, mut states) = (self.line.wait(), self.line.watch());
            let _ = timeout(HURRY, states.wait_for(|state| matches!(state, State::Up(_)))).await;
            drop(waiter);
            if let State::Up(link) = self.line.state() {
                told = link.finish(claims).await;
            }
        }
        self.line.end();
        told
    }
}
