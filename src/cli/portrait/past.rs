//! What is known here of a runbook's past: the last drill, check and run.

use crate::event::{Mode, RunState};
use crate::journal::{Journal, RunStatus, RunSummary};
use crate::lab::drill::{Entry, History};
use crate::report::end_words;

use super::super::args::Common;
use super::super::{env, runs};

/// So many of the latest runs are looked through.
const MANY: usize = 2_000;

/// A runbook's past.
#[derive(Debug, Default)]
pub struct Past {
    /// In sentences; none: nothing is known.
    pub lines: Vec<String>,
}

/// The past of a runbook. Where nothing can be read, there is none to tell of.
pub fn of(runbook: &str, common: &Common) -> Past {
    let Ok(state) = env::state(common) else { return Past::default() };
    let Ok(journal) = Journal::read(&state) else { return Past::default() };
    let Ok(Ok(all)) = runs::blocking(journal.runs(MANY)) else { return Past::default() };
    let of_it: Vec<RunSummary> = all.into_iter().filter(|run| run.state.header().runbook == runbook).collect();
    let history = History::load(&state).unwrap_or_default();
    let drilled = |entry: &&Entry| {
        let run = |run: &RunSummary| entry.run.as_deref() == Some(run.run().as_str());
        of_it.iter().any(run)
    };
    let is_drill = |run: &RunSummary| history.entries().any(|entry| entry.run.as_deref() == Some(run.run().as_str()));
    let drill = history.entries().filter(drilled).last().map(|entry| {
        let took = entry.recovery_seconds.map(|seconds| format!(", in {seconds:.1} s")).unwrap_or_default();
        let how = if entry.as_expected { "everything was as expected" } else { "something was not as expected" };
        format!("Last drilled {}: {how}{took} ({} hosts).", entry.at, entry.hosts)
    });
    let latest = |mode: Mode| {
        let ended = of_it.iter().filter(|run| run.state.header().mode == mode && !is_drill(run));
        ended.max_by_key(|run| run.opened())
    };
    let told = |word: &str, run: &RunSummary| format!("Last {word} {}: {}.", run.opened().rfc3339(), ended(run));
    let lines =
        [drill, latest(Mode::Check).map(|run| told("checked", run)), latest(Mode::Run).map(|run| told("run", run))];
    Past { lines: lines.into_iter().flatten().collect() }
}

fn ended(run: &RunSummary) -> String {
    let state: &RunState = &run.state;
    match run.status {
        RunStatus::Alive => "it goes on".to_owned(),
        RunStatus::CutOff => "it was cut off".to_owned(),
        RunStatus::Closed(verdict) => end_words(state, verdict).to_owned(),
    }
}
