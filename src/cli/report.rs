//! `refloat report`: a run afterwards.

use super::args::{Common, Format, Output, ReportArgs};
use super::{env, show};
use crate::base::exit::Exit;
use crate::event::RunState;
use crate::journal::{Damage, Journal, JournalError};
use crate::report::Report;

pub fn run(args: &ReportArgs, common: &Common) -> Exit {
    let state = match env::state(common) {
        Ok(state) => state,
        Err(why) => {
            show::error(why);
            return Exit::Unreachable;
        }
    };
    match super::runs::blocking(show_run(args, common, &state)) {
        Ok(Ok(exit)) | Err(exit) => exit,
        Ok(Err(error)) => {
            show::failure(&error);
            Exit::Unreachable
        }
    }
}

async fn show_run(args: &ReportArgs, common: &Common, state: &std::path::Path) -> Result<Exit, JournalError> {
    let journal = Journal::read(state)?;
    let run = match &args.run {
        Some(run) => journal.find(run).await?,
        None => journal.latest().await?,
    };
    if args.verify {
        let head = match args.head.as_deref().map(str::parse).transpose() {
            Ok(head) => head,
            Err(error) => {
                show::error(format!("--head: {error}"));
                return Ok(Exit::Usage);
            }
        };
        return Ok(match journal.verify(&run, head).await {
            Ok(head) => {
                outln!("run {run}: the chain is whole; its head is {}", head.digest);
                Exit::Ok
            }
            Err(JournalError::Damaged { damage: Damage::Head { head }, .. }) => {
                show::error(format!(
                    "run {run}: the chain is whole, but it does not lead to the head {head}: that is another run's, or this history was shortened or rewritten"
                ));
                Exit::Failed
            }
            Err(error) => {
                show::failure(&error);
                Exit::Failed
            }
        });
    }
    let summary = journal.summary(&run).await?;
    let history = journal.history(&run).await?;
    let events = journal.events(&run).await?;
    let state = RunState::fold(&events)?;
    let report = Report { events: &events, state: &state, status: summary.status, head: Some(history.head) };
    let format = if common.output == Output::Json { Format::Json } else { args.format };
    match format {
        Format::Text => out!("{}", report.text()),
        Format::Markdown => out!("{}", report.markdown()),
        Format::Json => show::json(&report.json()),
    }
    Ok(Exit::Ok)
}
