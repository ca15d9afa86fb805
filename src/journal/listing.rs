//! Which runs there are.

use super::Journal;
use super::error::JournalError;
use super::read::{RunSummary, decode};
use crate::base::ids::RunId;
use crate::event::{Event, EventKind, Opened};

impl Journal {
    /// The runs, newest first, at most `limit`. Runs that cannot be read are left out; `verify` names the damage.
    pub async fn runs(&self, limit: usize) -> Result<Vec<RunSummary>, JournalError> {
        let mut summaries = Vec::new();
        for run in self.store.runs().await?.into_iter().take(limit) {
            if let Some(state) = self.history(&run).await?.state {
                summaries.push(RunSummary::new(state, self.is_alive(&run)));
            }
        }
        Ok(summaries)
    }

    /// The newest of the runs of which one thing holds at their beginning and another of all that is known; only of the
    /// former is more read than that. Runs that cannot be read are left out.
    pub async fn newest(
        &self,
        begun: impl Fn(&Opened) -> bool,
        wanted: impl Fn(&RunSummary) -> bool,
    ) -> Result<Option<RunSummary>, JournalError> {
        for run in self.store.runs().await? {
            let first = self.store.first(&run).await?.and_then(|row| decode(&row).ok());
            let Some(Event { kind: EventKind::RunOpened(opened), .. }) = first else { continue };
            if !begun(&opened) {
                continue;
            }
            let summary = self.summary(&run).await.ok().filter(&wanted);
            if summary.is_some() {
                return Ok(summary);
            }
        }
        Ok(None)
    }

    /// The newest run.
    pub async fn latest(&self) -> Result<RunId, JournalError> {
        let newest = self.store.runs().await?.into_iter().next();
        newest.ok_or_else(|| JournalError::NoRuns { path: self.path().to_owned() })
    }

    /// The run that is called so, or the only one whose id begins so.
    pub async fn find(&self, wanted: &str) -> Result<RunId, JournalError> {
        let wanted = wanted.to_lowercase();
        let mut runs = self.store.runs().await?;
        if let Some(exact) = runs.iter().find(|run| run.as_str() == wanted) {
            return Ok(exact.clone());
        }
        runs.retain(|run| !wanted.is_empty() && run.as_str().starts_with(&wanted));
        match runs.pop() {
            None => Err(JournalError::NoSuchRun { wanted }),
            Some(only) if runs.is_empty() => Ok(only),
            Some(last) => {
                runs.push(last);
                Err(JournalError::Ambiguous { wanted, runs })
            }
        }
    }

    /// One run in short.
    pub async fn summary(&self, run: &RunId) -> Result<RunSummary, JournalError> {
        let alive = self.is_alive(run);
        let history = self.history(run).await?;
        match (history.state, history.damage) {
            (Some(state), _) => Ok(RunSummary::new(state, alive)),
            (None, Some(damage)) => Err(JournalError::Damaged { run: run.clone(), damage }),
            (None, None) => Err(JournalError::NoSuchRun { wanted: run.to_string() }),
        }
    }
}
