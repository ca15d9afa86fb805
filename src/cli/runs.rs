//! `refloat runs`: the runs of this machine, the latest first.

use std::sync::Arc;

use super::args::{Common, Output, RunsArgs};
use super::{env, show};
use crate::base::clock::SystemClock;
use crate::base::exit::Exit;
use crate::base::secret::Redactor;
use crate::journal::{Journal, JournalError, RunStatus, RunSummary};

pub fn run(args: &RunsArgs, common: &Common) -> Exit {
    let state = match env::state(common) {
        Ok(state) => state,
        Err(why) => {
            show::error(why);
            return Exit::Unreachable;
        }
    };
    match blocking(list(args.limit, &state)) {
        Ok(Ok(runs)) => {
            print(&runs, common);
            Exit::Ok
        }
        Ok(Err(error)) => {
            show::error(error);
            Exit::Unreachable
        }
        Err(exit) => exit,
    }
}

/// Runs something asynchronous to its end.
pub fn blocking<T>(work: impl Future<Output = T>) -> Result<T, Exit> {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => Ok(runtime.block_on(work)),
        Err(error) => {
            show::error(format!("cannot start: {error}"));
            Err(Exit::Unreachable)
        }
    }
}

async fn list(limit: usize, state: &std::path::Path) -> Result<Vec<RunSummary>, JournalError> {
    Journal::open(state, Arc::new(SystemClock::default()), Redactor::default())?.runs(limit).await
}

fn word(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Alive => "running",
        RunStatus::CutOff => "cut off",
        RunStatus::Closed(verdict) => verdict.words(),
    }
}

fn print(runs: &[RunSummary], common: &Common) {
    if common.output == Output::Json {
        let rows: Vec<_> = runs
            .iter()
            .map(|run| {
                serde_json::json!({
                    "run": run.run(), "opened": run.opened().rfc3339(), "status": word(run.status),
                    "runbook": run.state.header().runbook,
                })
            })
            .collect();
        show::json(&serde_json::Value::Array(rows));
        return;
    }
    if runs.is_empty() {
        anstream::println!("There are no runs yet.");
    }
    for run in runs {
        let runbook = &run.state.header().runbook;
        anstream::println!(
            "{}  {}  {:<16}  {}",
            run.run(),
            run.opened().rfc3339(),
            word(run.status),
            crate::report::escape(runbook)
        );
    }
}
