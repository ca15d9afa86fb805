//! `refloat runs`: the runs of this machine, the latest first.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::args::{Common, Output};
use super::{env, show};
use crate::base::clock::SystemClock;
use crate::base::exit::Exit;
use crate::base::ids::RunId;
use crate::base::secret::Redactor;
use crate::event::{Mode, Verdict};
use crate::journal::{Journal, JournalError, RunStatus, RunSummary};
use crate::report::{end_words, escape};

/// `refloat runs`
#[derive(Args, Debug)]
#[command(after_help = super::teach::RUNS)]
pub struct RunsArgs {
    /// Only runs that still owe something to a host, and what. `refloat duty` carries it out.
    #[arg(long)]
    pub duties: bool,
    /// How many, the latest first.
    #[arg(short = 'n', long, default_value_t = 20)]
    pub limit: usize,
    /// Write a run to a file: all that `refloat resume` needs on another machine, and no secrets. The file must not exist. Here the run stands still until it comes back.
    #[arg(long, num_args = 2, value_names = ["RUN", "FILE"], conflicts_with_all = ["import", "duties"])]
    pub export: Option<Vec<String>>,
    /// Take in a run from such a file. It is verified, and refused when the run is here with another history; what is new in it is added.
    #[arg(long, value_name = "FILE", conflicts_with = "duties")]
    pub import: Option<PathBuf>,
}

pub fn run(args: &RunsArgs, common: &Common) -> Exit {
    match env::state(common) {
        Ok(state) if args.export.is_some() || args.import.is_some() => match blocking(carry(args, &state)) {
            Ok(Ok(())) => Exit::Ok,
            Ok(Err(error)) => {
                show::failure(&error);
                Exit::Refused
            }
            Err(exit) => exit,
        },
        Ok(state) => list(Some(args.limit), args.duties, &state, common),
        Err(why) => {
            show::error(why);
            Exit::Unreachable
        }
    }
}

/// Carries a run out of this machine, or into it.
async fn carry(args: &RunsArgs, state: &std::path::Path) -> Result<(), Carry> {
    if let Some([run, file]) = args.export.as_deref() {
        let journal = Journal::read(state)?;
        let run = journal.find(run).await?;
        let mut options = std::fs::OpenOptions::new();
        let mut made = options.write(true).create_new(true).mode(0o600).open(file).map_err(Carry::file(file))?;
        let (ours, goes_on) = (journal.is_ours(&run).is_ok(), open(&journal.summary(&run).await?));
        let carried = give(&journal, &run, goes_on, file, &mut made, state).await;
        if carried.is_err() {
            // a part of it is no run, and nobody can go on with it
            std::fs::remove_file(file).map_err(Carry::file(file))?;
            if ours {
                journal.take_back(&run)?;
            }
        }
        carried?;
        outln!("Run {run} is in {file}. On the other machine: refloat runs --import FILE, then refloat resume {run}");
        if goes_on {
            outln!("Whoever goes on there has it; here it stands still. To take it back: refloat runs --import {file}");
        }
    }
    if let Some(file) = &args.import {
        let bytes = std::fs::read(file).map_err(Carry::file(&file.display().to_string()))?;
        let journal = Journal::open(state, Arc::new(SystemClock::default()), Redactor::default())?;
        let run = journal.import(bytes).await?;
        let summary = journal.summary(&run).await?;
        outln!("Run {run} is here: {}, {}.", escape(&summary.state.header().runbook), told(&summary));
        outln!("To look at it: refloat report {run}. To go on with it: refloat resume {run}");
    }
    Ok(())
}

/// Writes a run to a file. One that goes on is marked first: cut off in between it stands still until it is exported again
/// and taken back, and never goes on in two places.
async fn give(
    journal: &Journal,
    run: &RunId,
    goes_on: bool,
    file: &str,
    made: &mut std::fs::File,
    state: &std::path::Path,
) -> Result<(), Carry> {
    if goes_on {
        let journal = Journal::open(state, Arc::new(SystemClock::default()), Redactor::default())?;
        journal.give_away(run, &format!("{file} by {}", env::operator())).await?;
    }
    let bytes = journal.export(run).await?;
    made.write_all(&bytes).and_then(|()| made.sync_all()).map_err(Carry::file(file))
}

/// Whether there is anything left to go on with.
fn open(run: &RunSummary) -> bool {
    let done = matches!(run.status, RunStatus::Closed(Verdict::Recovered | Verdict::Ready | Verdict::NotReady));
    !done || run.state.open_duties().next().is_some()
}

/// Why a run was not carried.
#[derive(Debug, thiserror::Error)]
enum Carry {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("{file}")]
    File {
        file: String,
        #[source]
        source: std::io::Error,
    },
}

impl Carry {
    fn file(file: &str) -> impl FnOnce(std::io::Error) -> Self {
        let file = file.to_owned();
        move |source| Self::File { file, source }
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
    let left = |run: &&RunSummary| {
        let left = matches!(run.status, RunStatus::CutOff | RunStatus::Closed(Verdict::Detached));
        left && run.state.header().mode == Mode::Run
    };
    if let (false, Some(run)) = (duties, runs.iter().find(left)) {
        outln!("\nWhat did not come to its end goes on: refloat resume {}", run.run());
    }
    if duties && !runs.is_empty() {
        outln!("\nWhen a host is back: refloat duty RUN. To close one without it: refloat duty --help");
    }
}
