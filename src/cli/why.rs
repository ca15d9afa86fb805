//! `refloat why`: what a decision of a run rests on.

use std::path::Path;

use clap::Args;

use super::args::{Common, Output};
use super::{env, runs, show};
use crate::base::exit::Exit;
use crate::event::RunState;
use crate::journal::{Journal, JournalError};
use crate::report::why;

/// `refloat why`
///
/// The chain behind one unit or step of a run: the guards and people that let it through, the values that it read, and
/// for each of these the request that found it, on which host and when.
#[derive(Args, Debug)]
#[command(override_usage = "refloat why [OPTIONS] [RUN] <UNIT>", after_help = ASKING)]
pub struct WhyArgs {
    /// The run, or the beginning of its id (default: the latest), and what is asked about: a step by its path or id, or
    /// a unit as STEP@HOST, STEP[ITEM]@HOST, or STEP@HOST:PLACE for what is done elsewhere.
    #[arg(value_name = "RUN> <UNIT", num_args = 1..=2, required = true)]
    pub words: Vec<String>,
}

const ASKING: &str = "\
Examples:
  refloat why recover/stop@consul-1            why consul-1 was stopped, in the latest run
  refloat why 3f2a choose                      why these hosts were chosen, in that run
  refloat why safe                             what the guards of a step saw

Exit codes: 0 shown · 2 there is no such unit or step · 6 there is no such run, or the journal cannot be read";

pub fn run(args: &WhyArgs, common: &Common) -> Exit {
    let state = match env::state(common) {
        Ok(state) => state,
        Err(why) => {
            show::error(why);
            return Exit::Unreachable;
        }
    };
    let (run, unit) = match args.words.as_slice() {
        [run, unit] => (Some(run.as_str()), unit.as_str()),
        [unit] => (None, unit.as_str()),
        _ => return Exit::Usage,
    };
    match runs::blocking(tell(run, unit, common, &state)) {
        Ok(Ok(exit)) | Err(exit) => exit,
        Ok(Err(error)) => {
            show::failure(&error);
            Exit::Unreachable
        }
    }
}

async fn tell(run: Option<&str>, unit: &str, common: &Common, state: &Path) -> Result<Exit, JournalError> {
    let journal = Journal::read(state)?;
    let run = match run {
        Some(run) => journal.find(run).await?,
        None => journal.latest().await?,
    };
    let events = journal.events(&run).await?;
    let state = RunState::fold(&events)?;
    let found = match why(unit, &events, &state) {
        Ok(found) => found,
        Err(none) => {
            show::error(format!("run {run}: {none}"));
            return Ok(Exit::Usage);
        }
    };
    match common.output {
        Output::Json => {
            let chains: Vec<_> = found.iter().map(crate::report::Because::json).collect();
            show::json(&serde_json::json!({ "run": run, "unit": unit, "chains": chains }));
        }
        Output::Text => {
            outln!("run {run} of {}", crate::report::escape(&state.header().runbook));
            for chain in &found {
                out!("\n{}", chain.text());
            }
        }
    }
    Ok(Exit::Ok)
}
