//! A run is carried to another machine, as one file ([`super::bundle`]).

use std::collections::BTreeMap;

use super::error::JournalError;
use super::folder::RunLock;
use super::read::History;
use super::store::Batch;
use super::{Journal, blocking, bundle};
use crate::base::ids::RunId;

/// The file in the folder of a run that says to whom it was given.
pub(super) const AWAY: &str = "away";

impl Journal {
    /// A run as one file, for another machine. Refused while a process executes it, and when it is damaged.
    pub async fn export(&self, run: &RunId) -> Result<Vec<u8>, JournalError> {
        if self.is_alive(run) {
            return Err(JournalError::Alive { run: run.clone(), owner: self.folder.lock_owner(run) });
        }
        self.verify(run, None).await?;
        let rows = self.store.rows(run, 1).await?;
        let (history, folder, run) = (History::of(run, &rows), self.folder.run(run), run.clone());
        blocking(move || bundle::write(&run, &rows, &history, &folder)).await
    }

    /// Whoever has the file goes on with the run: here it stands still until it comes back by an import.
    pub async fn give_away(&self, run: &RunId, to: &str) -> Result<(), JournalError> {
        let _lock = self.lock(run).await?;
        let (folder, text) = (self.folder.run(run), to.as_bytes().to_vec());
        blocking(move || bundle::unpack(&folder, &BTreeMap::from([(AWAY.to_owned(), text)]))).await
    }

    /// The lock of a run that is written on here.
    pub(super) async fn own(&self, run: &RunId) -> Result<RunLock, JournalError> {
        let lock = self.lock(run).await?;
        self.is_ours(run)?;
        Ok(lock)
    }

    /// An error when the run was given away, and did not come back.
    pub fn is_ours(&self, run: &RunId) -> Result<(), JournalError> {
        match std::fs::read_to_string(self.folder.run(run).join(AWAY)) {
            Ok(to) => Err(JournalError::Away { run: run.clone(), to }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(JournalError::file("reading", &self.folder.run(run).join(AWAY), source)),
        }
    }

    /// It goes on here again, if it was given away.
    pub fn take_back(&self, run: &RunId) -> Result<(), JournalError> {
        let away = self.folder.run(run).join(AWAY);
        match std::fs::remove_file(&away) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(JournalError::file("removing", &away, source))
            }
            _ => Ok(()),
        }
    }

    /// Takes in a run that was exported, whole or not at all. One that is here already must be the same as far as it
    /// goes; then what is new is added.
    pub async fn import(&self, bytes: Vec<u8>) -> Result<RunId, JournalError> {
        let bundle = blocking(move || bundle::read(&bytes)).await?;
        let run = bundle.run;
        let _lock = self.lock(&run).await?;
        let here = self.store.rows(&run, 1).await?;
        let common = here.len().min(bundle.rows.len());
        if here[..common] != bundle.rows[..common] {
            return Err(JournalError::Diverged { run });
        }
        let new = bundle.rows[common..].to_vec();
        if new.is_empty() {
            // an older one than that which was given away brings nothing back
            return if here.len() == bundle.rows.len() { self.take_back(&run).map(|()| run) } else { Ok(run) };
        }
        let (folder, files) = (self.folder.run(&run), bundle.files);
        blocking(move || bundle::unpack(&folder, &files)).await?;
        let (answer, durable) = tokio::sync::oneshot::channel();
        let done = Box::new(move |result| drop(answer.send(result)));
        self.store.append(Batch { run: run.clone(), rows: new, sync: Some(Box::new(|| Ok(()))), reserve: None, done });
        durable.await.unwrap_or(Err(JournalError::Stopped))?;
        self.take_back(&run)?;
        Ok(run)
    }
}
