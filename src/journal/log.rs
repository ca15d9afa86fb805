//! The open journal of one run: the only way to add to its history, and the only place that grants permits.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{broadcast, oneshot};

use super::blobs::{self, BlobFile};
use super::error::JournalError;
use super::folder::RunLock;
use super::follow::Follower;
use super::requests::Requests;
use super::reserve::Reserve;
use super::store::{Batch, Head, Row, Store, Synced};
use crate::base::clock::Clock;
use crate::base::ids::{RunId, UnitKey};
use crate::base::permit::Permit;
use crate::base::secret::{RedactedJson, Redactor};
use crate::event::{BlobRef, Event, EventKind, Outcome, RunState, UnitStart, UnitState};

/// How many events a follower may lag behind before it reads them from the store instead.
const LAG: usize = 1024;

/// The journal of a run that this process executes. Cheap to clone; the run's lock is held until the last clone is gone.
#[derive(Clone)]
pub struct RunLog(Arc<Inner>);

struct Inner {
    run: RunId,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    redactor: Redactor,
    folder: PathBuf,
    output: Arc<BlobFile>,
    reserve: Arc<Reserve>,
    front: Mutex<Front>,
    committed: broadcast::Sender<Arc<Event>>,
    _lock: RunLock,
}

/// The end of the history, batches on their way to the disk included.
struct Front {
    state: RunState,
    head: Head,
    /// The units that were open when this process took the run over and that it has not taken up yet.
    reclaimable: HashSet<UnitKey>,
    /// Why nothing more can be added.
    broken: Option<JournalError>,
}

/// What a log is made of, by `Journal` only.
pub(super) struct Parts {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) redactor: Redactor,
    pub(super) folder: PathBuf,
    pub(super) output: Arc<BlobFile>,
    pub(super) reserve: Reserve,
    pub(super) lock: RunLock,
    pub(super) state: RunState,
    pub(super) head: Head,
}

impl RunLog {
    pub(super) fn new(parts: Parts) -> Self {
        let reclaimable = parts.state.units().filter(|unit| unit.is_unresolved()).map(|unit| unit.start.key).collect();
        let run = parts.state.header().run.clone();
        let front = Front { state: parts.state, head: parts.head, reclaimable, broken: None };
        Self(Arc::new(Inner {
            run,
            store: parts.store,
            clock: parts.clock,
            redactor: parts.redactor,
            folder: parts.folder,
            output: parts.output,
            reserve: Arc::new(parts.reserve),
            front: Mutex::new(front),
            committed: broadcast::Sender::new(LAG),
            _lock: parts.lock,
        }))
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.0.run
    }

    /// The redactor that makes the texts of this run's events.
    #[must_use]
    pub fn redactor(&self) -> &Redactor {
        &self.0.redactor
    }

    /// Adds events, all or none. When this returns they outlive this process, and if one of them is relied on
    /// ([`EventKind::is_relied_on`]) they and all before them outlive the machine. They take their place in the history when
    /// this is called, also when the future is dropped.
    pub fn record(
        &self,
        kinds: Vec<EventKind>,
    ) -> impl Future<Output = Result<Vec<Event>, JournalError>> + Send + use<> {
        let accepted = self.enqueue(kinds);
        async move {
            let (events, durable) = accepted?;
            durable.await.unwrap_or(Err(JournalError::Stopped))?;
            Ok(events.iter().map(|event| (**event).clone()).collect())
        }
    }

    /// Writes down the intent to start these units, in one commit, and grants a permit for each, in the same order. The
    /// only source of permits beside [`RunLog::reclaim`].
    pub async fn start(&self, units: Vec<UnitStart>) -> Result<Vec<Permit>, JournalError> {
        let keys: Vec<UnitKey> = units.iter().map(|unit| unit.key).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.record(vec![EventKind::UnitsStarted { units }]).await?;
        Ok(keys.into_iter().map(Permit::grant).collect())
    }

    /// The permit of a unit whose start is durable and whose outcome is not, left by a process before this one. Given
    /// once: under the same key the host starts it, or attaches to it.
    pub fn reclaim(&self, key: &UnitKey) -> Result<Permit, JournalError> {
        let mut front = self.front();
        let open = front.state.unit(key).is_some_and(UnitState::is_unresolved);
        if front.reclaimable.remove(key) && open {
            Ok(Permit::grant(*key))
        } else {
            Err(JournalError::NotReclaimable(*key))
        }
    }

    /// Writes down how a unit ended.
    pub async fn end(
        &self,
        key: UnitKey,
        outcome: Outcome,
        outputs: RedactedJson,
        millis: u64,
    ) -> Result<Event, JournalError> {
        let mut events = self.record(vec![EventKind::UnitEnded { key, outcome, outputs, millis }]).await?;
        Ok(events.remove(0))
    }

    /// Keeps output beside the journal, redacted. It is on the disk before an event after this one that is relied on; on a
    /// full disk it is left out, and the number says how much.
    pub async fn blob(&self, bytes: Vec<u8>) -> Result<(BlobRef, u64), JournalError> {
        let inner = Arc::clone(&self.0);
        let append = move || inner.output.append_if_it_fits(&inner.redactor.redact_bytes(&bytes));
        tokio::task::spawn_blocking(append).await.unwrap_or(Err(JournalError::Stopped))
    }

    /// Keeps a file of a host beside the journal, exactly as it is: redacting would break it. It is private like
    /// everything there, and on the disk when this returns.
    pub async fn artifact(&self, name: String, bytes: Vec<u8>) -> Result<BlobRef, JournalError> {
        let folder = self.0.folder.clone();
        let keep = move || blobs::keep(&folder, &name, &bytes);
        tokio::task::spawn_blocking(keep).await.unwrap_or(Err(JournalError::Stopped))
    }

    /// Asks the state, batches on their way to the disk included. The answer is made while the log is held: keep it
    /// short.
    pub fn with_state<T>(&self, ask: impl FnOnce(&RunState) -> T) -> T {
        ask(&self.front().state)
    }

    /// A copy of the state.
    #[must_use]
    pub fn state(&self) -> RunState {
        self.with_state(Clone::clone)
    }

    /// The end of the chain.
    #[must_use]
    pub fn head(&self) -> Head {
        self.front().head
    }

    /// Every event of the run from number `from` on, those that are to come included. A follower that lags reads from
    /// the store: it loses nothing, and holds nobody up.
    #[must_use]
    pub fn subscribe(&self, from: u64) -> Follower {
        Follower::live(Arc::clone(&self.0.store), self.0.run.clone(), from, self.0.committed.subscribe())
    }

    /// What other processes ask of the one that executes this run, from now on.
    pub fn requests(&self) -> Result<Requests, JournalError> {
        Requests::of(Arc::clone(&self.0.store), &self.0.run)
    }

    fn front(&self) -> MutexGuard<'_, Front> {
        self.0.front.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(clippy::type_complexity, reason = "the events, and the answer of the store")]
    fn enqueue(
        &self,
        kinds: Vec<EventKind>,
    ) -> Result<(Vec<Arc<Event>>, oneshot::Receiver<Result<(), JournalError>>), JournalError> {
        let at = self.0.clock.now();
        let (answer, durable) = oneshot::channel();
        let begins = kinds.iter().any(|kind| matches!(kind, EventKind::UnitsStarted { .. }));
        let reserve = (!begins).then(|| Arc::clone(&self.0.reserve));
        let mut front = self.front();
        if let Some(broken) = &front.broken {
            return Err(broken.clone());
        }
        let output = Arc::clone(&self.0.output);
        let sync = kinds.iter().any(EventKind::is_relied_on).then(|| -> Synced { Box::new(move || output.sync()) });
        let mut events = Vec::with_capacity(kinds.len());
        let mut rows = Vec::with_capacity(kinds.len());
        for kind in kinds {
            let event = Event { seq: front.state.last_seq() + 1, at, kind };
            if let Err(illegal) = front.state.apply(&event) {
                let error = JournalError::Illegal(illegal);
                if !rows.is_empty() {
                    // Events before it in this batch are in the state and will never be written.
                    front.broken = Some(error.clone());
                }
                return Err(error);
            }
            let row = row(front.head, &event);
            front.head = row.head;
            rows.push(row);
            events.push(Arc::new(event));
        }
        let (committed, publish) = (self.0.committed.clone(), events.clone());
        let done = Box::new(move |result: Result<(), JournalError>| {
            if result.is_ok() {
                // Nobody listening is fine: reporters are best effort, the store has it all.
                for event in publish {
                    let _ = committed.send(event);
                }
            }
            let _ = answer.send(result);
        });
        // Under the lock, so that the order in the store is the order of the numbers.
        self.0.store.append(Batch { run: self.0.run.clone(), rows, sync, reserve, done });
        drop(front);
        Ok((events, durable))
    }
}

/// An event as it is kept after `before`.
pub(super) fn row(before: Head, event: &Event) -> Row {
    let json = serde_json::to_string(event).expect("an event has string keys only and no failing serializer");
    Row { head: before.next(&json), json }
}
