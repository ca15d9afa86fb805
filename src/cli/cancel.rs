//! `refloat cancel` and `refloat note`: something is asked of the process that executes a run.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::args::Common;
use super::{env, show};
use crate::base::clock::SystemClock;
use crate::base::exit::Exit;
use crate::base::ids::RunId;
use crate::base::secret::Redactor;
use crate::journal::{Answer, Journal, JournalError, Reply, RunStatus, Want};

/// `refloat cancel`
///
/// The same as Ctrl-C in the terminal of the run. What has changed on hosts stays as it is, unless the runbook says
/// `on_failure: undo`.
#[derive(Args, Debug)]
#[command(after_help = super::teach::CANCEL)]
pub struct CancelArgs {
    /// The run, or the beginning of its id.
    #[arg(value_name = "RUN")]
    pub run: String,
    /// At once also stop what runs on the hosts: SIGTERM, then SIGKILL. The same as to cancel twice.
    #[arg(long)]
    pub now: bool,
}

/// `refloat note`
#[derive(Args, Debug)]
#[command(after_help = super::teach::NOTE)]
pub struct NoteArgs {
    /// The run, or the beginning of its id.
    #[arg(value_name = "RUN")]
    pub run: String,
    /// What to write. It stands in the report with your name and the time.
    #[arg(value_name = "TEXT", required = true)]
    pub text: Vec<String>,
}

/// So long an answer is waited for. A process that lives answers within a fraction of a second.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn cancel(args: &CancelArgs, common: &Common) -> Exit {
    with_state(common, async |state| {
        let (journal, run) = find(state, &args.run).await?;
        let reply = journal.ask(&run, &by(), &Want::Cancel { now: args.now }, PATIENCE).await?;
        match reply {
            Reply::Answered(Answer::Accepted(words)) => {
                outln!("Run {run}: {words}.");
                if !args.now && !words.contains("stopped on the hosts") {
                    outln!("To stop what runs on the hosts too: refloat cancel {run} --now");
                }
                outln!("To watch its end: refloat attach {run}");
                Ok(Exit::Ok)
            }
            Reply::Answered(Answer::Refused(why)) => Ok(refused(&run, &why)),
            Reply::Gone => Ok(refused(&run, &gone(&journal, &run).await?)),
            Reply::Silent => Ok(silent(&journal, &run)),
        }
    })
}

pub fn note(args: &NoteArgs, common: &Common) -> Exit {
    with_state(common, async |state| {
        let (journal, run) = find(state, &args.run).await?;
        let want = Want::Note { text: args.text.join(" ") };
        // its process may end, or another take it over, between two looks
        for _ in 0..3 {
            match journal.ask(&run, &by(), &want, PATIENCE).await? {
                Reply::Answered(Answer::Accepted(_)) => return Ok(noted(&run)),
                Reply::Silent => return Ok(silent(&journal, &run)),
                Reply::Gone | Reply::Answered(Answer::Refused(_)) => {}
            }
            match journal.note(&run, &by(), &args.text.join(" ")).await {
                Ok(()) => return Ok(noted(&run)),
                Err(JournalError::Alive { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(refused(&run, "it is neither executed nor at rest for long enough to note anything; try again"))
    })
}

fn noted(run: &RunId) -> Exit {
    outln!("Noted in run {run}.");
    Exit::Ok
}

fn refused(run: &RunId, why: &str) -> Exit {
    show::error(format!("run {run}: {why}"));
    Exit::Refused
}

fn silent(journal: &Journal, run: &RunId) -> Exit {
    let seconds = PATIENCE.as_secs();
    let owner = journal.owner(run);
    show::error(format!(
        "run {run}: the process that executes it ({owner}) did not answer within {seconds} s; nothing was asked of it any more. It may be stopped (SIGSTOP, a sleeping machine) or have another state folder open. To see how far it is: refloat report {run}"
    ));
    Exit::Unreachable
}

/// Why nobody answers.
async fn gone(journal: &Journal, run: &RunId) -> Result<String, JournalError> {
    Ok(match journal.summary(run).await?.status {
        RunStatus::Closed(verdict) => format!("it has ended: {}. What happened: refloat report {run}", verdict.words()),
        RunStatus::CutOff => format!(
            "the process that executed it is gone, so nothing new begins; what it had started may still run on the hosts. What may have run: refloat report {run}"
        ),
        RunStatus::Alive => "another process has just taken it over; try again".to_owned(),
    })
}

/// Who asks.
fn by() -> String {
    format!("{}@{}", env::operator(), env::controller())
}

async fn find(state: &Path, run: &str) -> Result<(Journal, RunId), JournalError> {
    // a journal that is not there is not made
    let run = Journal::read(state)?.find(run).await?;
    Ok((Journal::open(state, Arc::new(SystemClock::default()), Redactor::default())?, run))
}

fn with_state(common: &Common, work: impl AsyncFnOnce(&Path) -> Result<Exit, JournalError>) -> Exit {
    let state = match env::state(common) {
        Ok(state) => state,
        Err(why) => {
            show::error(why);
            return Exit::Unreachable;
        }
    };
    match super::runs::blocking(work(&state)) {
        Ok(Ok(exit)) | Err(exit) => exit,
        Ok(Err(error)) => {
            show::failure(&error);
            Exit::Unreachable
        }
    }
}
