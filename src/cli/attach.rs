//! `refloat attach`: a run that another process executes, as it happens.

use std::path::Path;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::args::{Common, Output};
use super::{env, show, tell};
use crate::base::clock::SystemClock;
use crate::base::exit::Exit;
use crate::event::{EventKind, RunState};
use crate::journal::{Journal, JournalError};
use crate::report;

/// `refloat attach`
///
/// Ctrl-C leaves the view, and the run goes on. When it ends, its exit code is the one of this command; 75 means that it
/// did not end while this looked.
#[derive(Args, Debug)]
#[command(after_help = super::teach::ATTACH)]
pub struct AttachArgs {
    /// The run, or the beginning of its id. Default: the latest.
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// Show only what happens from now on, and not what has happened.
    #[arg(long)]
    pub from_now: bool,
}

pub fn run(args: &AttachArgs, common: &Common) -> Exit {
    let state = match env::state(common) {
        Ok(state) => state,
        Err(why) => {
            show::error(why);
            return Exit::Unreachable;
        }
    };
    match super::runs::blocking(view(args, common, &state)) {
        Ok(Ok(exit)) | Err(exit) => exit,
        Ok(Err(error)) => {
            show::failure(&error);
            Exit::Unreachable
        }
    }
}

async fn view(args: &AttachArgs, common: &Common, state: &Path) -> Result<Exit, JournalError> {
    let journal = Journal::read(state)?;
    let run = match &args.run {
        Some(run) => journal.find(run).await?,
        None => journal.latest().await?,
    };
    let known = if args.from_now { Some(RunState::fold(&journal.events(&run).await?)?) } else { None };
    let events = journal.follow(&run, known.as_ref().map_or(1, |state| state.last_seq() + 1));
    let mut reporter = report::for_stdout(common.output == Output::Json, env::steerable());
    let (shown, _) = watch::channel(0);
    let interrupted = signal(SignalKind::interrupt());
    let clock = SystemClock::default();
    let told = tokio::select! {
        told = tell::follow(events, known, &clock, &mut *reporter, &shown, false) => told,
        () = async {
            match interrupted {
                Ok(mut interrupted) => drop(interrupted.recv().await),
                Err(_) => std::future::pending().await,
            }
        } => {
            errln!("\nYou have left the view; the run goes on. Again: refloat attach {run} · its end: refloat cancel {run}");
            return Ok(Exit::Detached);
        }
    };
    let history = journal.history(&run).await?;
    let (Some(told), None) = (told, history.damage) else {
        show::error(format!(
            "the history of run {run} is damaged from here on; what is wrong: refloat report {run} --verify"
        ));
        return Ok(Exit::Unreachable);
    };
    if let Some((_, closed)) = told.closed() {
        reporter.finish(&told, Some(history.head));
        return Ok(closed.verdict.exit());
    }
    let note = |event: &&crate::event::Event| !matches!(event.kind, EventKind::Noted { .. });
    let last = history.events.iter().rev().find(note).map(|event| event.at.rfc3339()).unwrap_or_default();
    show::error(format!(
        "the process that executed run {run} is gone, and the run did not end; the last that it wrote down was at {last}. What may have run: refloat report {run}\n  To go on with it: refloat resume {run}"
    ));
    Ok(Exit::Detached)
}
