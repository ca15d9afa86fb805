//! What one process asks of another that executes a run: to end it, to note something. Requests are no history: they
//! are gone when they are answered, or when nobody waits for the answer any more.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::error::JournalError;
use super::store::Store;
use crate::base::ids::RunId;

/// How often the answer is looked for.
const POLL: Duration = Duration::from_millis(50);

/// What is asked of whoever executes a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "want", rename_all = "snake_case")]
pub enum Want {
    /// That it ends. The first time nothing new begins; `now`, or the second time: what runs is stopped on the hosts.
    Cancel {
        /// Stop on the hosts at once.
        now: bool,
    },
    /// That it writes a note of a person down.
    Note {
        /// The words.
        text: String,
    },
    /// Something that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Something that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub(super) id: i64,
    /// Who asks.
    pub by: String,
    /// What is asked.
    pub want: Want,
}

/// What the process that executes the run says to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", content = "words", rename_all = "snake_case")]
pub enum Answer {
    /// It is done, or being done; in words.
    Accepted(String),
    /// It is not, and why.
    Refused(String),
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The process answered.
    Answered(Answer),
    /// No process executes the run, or it ended before it answered.
    Gone,
    /// A process executes the run and did not answer in time. The request is withdrawn.
    Silent,
}

/// The requests that come to the process that executes a run. Dropped, none is heard any more.
pub struct Requests {
    store: Arc<dyn Store>,
    heard: mpsc::UnboundedReceiver<Request>,
}

impl Requests {
    pub(super) fn of(store: Arc<dyn Store>, run: &RunId) -> Result<Self, JournalError> {
        let (sender, heard) = mpsc::unbounded_channel();
        store.listen(run, sender)?;
        Ok(Self { store, heard })
    }

    /// The next one; None: nothing can be heard any more. Cancel safe.
    pub async fn next(&mut self) -> Option<Request> {
        self.heard.recv().await
    }

    /// Answers one. Who asked may have withdrawn it meanwhile.
    pub async fn answer(&self, request: &Request, answer: &Answer) -> Result<(), JournalError> {
        self.store.answer(request.id, answer).await
    }
}

/// Asks, and waits for the answer as long as somebody is there to give it.
pub(super) async fn ask(
    store: &dyn Store,
    alive: impl Fn() -> bool,
    (run, by, want): (&RunId, &str, &Want),
    within: Duration,
) -> Result<Reply, JournalError> {
    if !alive() {
        return Ok(Reply::Gone);
    }
    let id = store.ask(run, by, want).await?;
    let answered = async {
        loop {
            // before the answer is looked for: what was answered before it let go is seen then
            let gone = !alive();
            match store.answered(id, gone).await? {
                Some(answer) => return Ok(Reply::Answered(answer)),
                None if gone => return Ok(Reply::Gone),
                None => tokio::time::sleep(POLL).await,
            }
        }
    };
    match tokio::time::timeout(within, answered).await {
        Ok(reply) => reply,
        Err(_) => Ok(store.answered(id, true).await?.map_or(Reply::Silent, Reply::Answered)),
    }
}
