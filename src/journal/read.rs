//! Reading a history back, and saying whether it is what was written.

use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::ids::RunId;
use crate::event::{Event, RunState, Verdict};

use super::error::Damage;
use super::store::{Head, Row};

/// A run in one line of `refloat runs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// The run, its state and all.
    pub state: RunState,
    /// Whether somebody executes it.
    pub status: RunStatus,
}

/// Where a run is. Derived, never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// A process executes it.
    Alive,
    /// It ended.
    Closed(Verdict),
    /// It did not end, and nobody executes it.
    CutOff,
}

impl RunSummary {
    /// The run.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.state.header().run
    }

    /// When it began.
    #[must_use]
    pub fn opened(&self) -> Timestamp {
        self.state.opened()
    }

    pub(super) fn new(state: RunState, alive: bool) -> Self {
        let status = match state.closed() {
            _ if alive => RunStatus::Alive,
            Some((_, closed)) => RunStatus::Closed(closed.verdict),
            None => RunStatus::CutOff,
        };
        Self { state, status }
    }
}

/// A history that was read back: as much of it as is sound, and what is wrong with the rest.
#[derive(Clone, Debug)]
pub struct History {
    /// The events up to the first damage.
    pub events: Vec<Event>,
    /// The state after them. None: not even the first can be read.
    pub state: Option<RunState>,
    /// The head after them.
    pub head: Head,
    /// The first damage.
    pub damage: Option<Damage>,
    heads: Vec<Digest>,
}

impl History {
    /// Reads rows back, as far as they are what was written.
    pub(super) fn of(run: &RunId, rows: &[Row]) -> Self {
        let mut history =
            Self { events: Vec::new(), state: None, head: Head::start(run), damage: None, heads: Vec::new() };
        for row in rows {
            if let Err(damage) = history.push(row) {
                history.damage = Some(damage);
                break;
            }
        }
        history
    }

    /// Whether a head that was kept elsewhere is part of this history.
    #[must_use]
    pub fn has_head(&self, head: &Digest) -> bool {
        self.heads.contains(head)
    }

    fn push(&mut self, row: &Row) -> Result<(), Damage> {
        let expected = self.head.seq + 1;
        let seq = row.head.seq;
        if seq != expected {
            return Err(Damage::Gap { expected, found: seq });
        }
        let head = self.head.next(&row.json);
        if head != row.head {
            return Err(Damage::Chain { seq });
        }
        let event = decode(row)?;
        let applied = match &mut self.state {
            Some(state) => state.apply(&event),
            None => RunState::open(&event).map(|state| self.state = Some(state)),
        };
        applied.map_err(|illegal| Damage::Impossible { seq, illegal })?;
        self.events.push(event);
        self.heads.push(head.digest);
        self.head = head;
        Ok(())
    }
}

/// The event of a row.
pub(super) fn decode(row: &Row) -> Result<Event, Damage> {
    serde_json::from_str(&row.json).map_err(|error| Damage::Unreadable { seq: row.head.seq, reason: error.to_string() })
}
