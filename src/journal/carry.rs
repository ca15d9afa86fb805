//! A run is carried to another machine, as one file ([`super::bundle`]).

use super::error::JournalError;
use super::read::History;
use super::store::Batch;
use super::{Journal, blocking, bundle};
use crate::base::ids::RunId;

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
            return Ok(run);
        }
        let (folder, files) = (self.folder.run(&run), bundle.files);
        blocking(move || bundle::unpack(&folder, &files)).await?;
        let (answer, durable) = tokio::sync::oneshot::channel();
        let done = Box::new(move |result| drop(answer.send(result)));
        self.store.append(Batch { run: run.clone(), rows: new, sync: Some(Box::new(|| Ok(()))), reserve: None, done });
        durable.await.unwrap_or(Err(JournalError::Stopped))?;
        Ok(run)
    }
}
