//! Following a run: every event in order, first those that are written, then those that come.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::{Interval, interval};

use super::error::JournalError;
use super::read::decode;
use super::store::Store;
use crate::base::ids::RunId;
use crate::event::Event;

/// How often a run of another process is looked at.
const POLL: Duration = Duration::from_millis(200);

/// Gives the events of a run, each once, in order.
pub struct Follower {
    store: Arc<dyn Store>,
    run: RunId,
    next: u64,
    read: VecDeque<Event>,
    /// Whether the store may hold events that are not in `read` and will not come through `source`.
    behind: bool,
    source: Source,
}

enum Source {
    /// This process executes the run.
    Live(Receiver<Arc<Event>>),
    /// Another one does, as long as this says so. The interval goes on when `next` is cancelled.
    Poll(Box<dyn Fn() -> bool + Send + Sync>, Option<Interval>),
    /// Nobody does.
    Ended,
}

impl Follower {
    pub(super) fn live(store: Arc<dyn Store>, run: RunId, from: u64, events: Receiver<Arc<Event>>) -> Self {
        Self { store, run, next: from.max(1), read: VecDeque::new(), behind: true, source: Source::Live(events) }
    }

    pub(super) fn poll(
        store: Arc<dyn Store>,
        run: RunId,
        from: u64,
        alive: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        let source = Source::Poll(Box::new(alive), None);
        Self { store, run, next: from.max(1), read: VecDeque::new(), behind: true, source }
    }

    /// The next event; None when no more can come: the process that executes the run let go of it. Cancel safe.
    pub async fn next(&mut self) -> Result<Option<Event>, JournalError> {
        loop {
            while let Some(event) = self.read.pop_front() {
                if event.seq == self.next {
                    self.next += 1;
                    return Ok(Some(event));
                }
            }
            if self.behind {
                self.read_store().await?;
                self.behind = false;
                continue;
            }
            match &mut self.source {
                Source::Live(events) => match events.recv().await {
                    // It is either the next one, or one that was read from the store already.
                    Ok(event) if event.seq <= self.next => self.read.push_back((*event).clone()),
                    Ok(_) | Err(RecvError::Lagged(_)) => self.behind = true,
                    Err(RecvError::Closed) => {
                        self.source = Source::Ended;
                        self.behind = true;
                    }
                },
                Source::Poll(alive, every) => {
                    // Asked before the store is read: what was written before it let go is read then.
                    if alive() {
                        every.get_or_insert_with(|| interval(POLL)).tick().await;
                    } else {
                        self.source = Source::Ended;
                    }
                    self.behind = true;
                }
                Source::Ended => return Ok(None),
            }
        }
    }

    async fn read_store(&mut self) -> Result<(), JournalError> {
        let rows = self.store.rows(&self.run, self.next).await?;
        for row in rows {
            let event = decode(&row).map_err(|damage| JournalError::Damaged { run: self.run.clone(), damage })?;
            self.read.push_back(event);
        }
        Ok(())
    }
}
