//! `refloat runs`: the runs of this machine, the latest first.

use super::args::{Common, Output, RunsArgs};
use super::{env, show};
use crate::base::exit::Exit;
use crate::journal::{Journal, JournalError, RunStatus, RunSummary};
use crate::report::{end_words, escape};

pub fn run(args: &RunsArgs, common: &Common) -> Exit {
    match env::state(common) {
        Ok(state) => list(Some(args.limit), args.duties, &state, common),
        Err(why) => {
            show::error(why);
            Exit::Unreachable
        }
    }
}

/// Lists at most so many runs, all or only those with open duties, which are then named.
pub fn list(limit: Option<usize>, duties: bool, state: &std::path::Path, common: &Common) -> Exit {
    match blocking(read(limit.unwrap_or(usize::MAX), duties, state)) {
        Ok(Ok(runs)) => {
            print(&runs, duties, common);
            Exit::Ok
        }
        Ok(Err(error)) => {
            show::failure(&error);
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

async fn read(limit: usize, duties: bool, state: &std::path::Path) -> Result<Vec<RunSummary>, JournalError> {
    let journal = Journal::read(state)?;
    // the limit counts what is listed
    let mut runs = journal.runs(if duties { usize::MAX } else { limit }).await?;
    if duties {
        runs.retain(|run| run.state.open_duties().next().is_some());
        runs.truncate(limit);
    }
    Ok(runs)
}

fn word(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Alive => "running",
        RunStatus::CutOff => "cut off",
        RunStatus::Closed(verdict) => verdict.words(),
    }
}

/// The same for people.
fn told(run: &RunSummary) -> &'static str {
    match run.status {
        RunStatus::Closed(verdict) => end_words(&run.state, verdict),
        status @ (RunStatus::Alive | RunStatus::CutOff) => word(status),
    }
}

fn print(runs: &[RunSummary], duties: bool, common: &Common) {
    if common.output == Output::Json {
        let rows: Vec<_> = runs
            .iter()
            .map(|run| {
                let duties: Vec<_> = run
                    .state
                    .open_duties()
                    .map(|duty| {
                        serde_json::json!({"step": duty.step, "host": duty.host, "reason": duty.reason.as_str()})
                    })
                    .collect();
                serde_json::json!({
                    "run": run.run(), "opened": run.opened().rfc3339(), "status": word(run.status),
                    "runbook": run.state.header().runbook, "duties": duties,
                })
            })
            .collect();
        show::json(&serde_json::Value::Array(rows));
        return;
    }
    if runs.is_empty() {
        outln!("{}", if duties { "Nothing is owed to any host." } else { "There are no runs yet." });
    }
    for run in runs {
        let owed = run.state.open_duties().count();
        let runbook = escape(&run.state.header().runbook);
        let note = match owed {
            0 => String::new(),
            1 => "  1 duty".to_owned(),
            n => format!("  {n} duties"),
        };
        outln!("{}  {}  {:<25}  {runbook}{note}", run.run(), run.opened().rfc3339(), told(run));
        if duties {
            for duty in run.state.open_duties() {
                outln!("  {}  {}", escape(&duty.name()), escape(duty.reason.as_str()));
            }
        }
    }
    if duties && !runs.is_empty() {
        outln!("\nWhen a host is back: refloat duty RUN. To close one without it: refloat duty --help");
    }
}
