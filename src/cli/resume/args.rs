//! The grammar of `refloat resume`.

use clap::Args;

use super::super::args::{name_and_value, owner, value_at_plan};
use crate::base::ids::RunId;

/// `refloat resume`
///
/// Goes on with a run where the journal says that it stands, on the plan as it was when the run began. What is done is
/// not done again; what was started and has no outcome is asked for on its host, under the same key; guards are asked
/// again right before the next change.
#[derive(Args, Debug)]
#[command(after_help = RESUMING)]
pub struct ResumeArgs {
    /// The run, or the beginning of its id. Default: the newest one that can go on.
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// Begin anew what failed; without it, what failed stays failed, and what was put back stays so.
    #[arg(long)]
    pub retry_failed: bool,
    /// Close this step as skipped, by its path as the report names it; repeatable.
    #[arg(long, value_name = "STEP")]
    pub skip: Vec<String>,
    /// Say what became of a unit of which nobody knows: STEP@HOST or the beginning of its key, `=ok` or `=failed`;
    /// repeatable. Look on the host first.
    #[arg(long, value_name = "UNIT=OUTCOME", value_parser = unit_and_outcome)]
    pub mark: Vec<(String, Mark)>,
    /// A secret of the run, since secrets are not kept with it: a param as `NAME=VALUE`, a secret var of a host as
    /// `HOST/NAME=VALUE`; repeatable. Params are also taken from where the runbook says.
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub param: Vec<(String, String)>,
    /// As for `run`. PLAN is the digest of the run's own plan.
    #[arg(long, value_name = "VALUE@PLAN", value_parser = value_at_plan, allow_hyphen_values = true)]
    pub confirm: Vec<(String, String)>,
    /// As for `run`.
    #[arg(long)]
    pub yes: bool,
    /// As for `run`: take the hosts over that this other run has locked.
    #[arg(long, value_name = "OWNER", value_parser = owner)]
    pub takeover: Option<RunId>,
    /// Why, for the report.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// What a person says that became of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It had its effect.
    Ok,
    /// It had none, and nothing of it runs.
    Failed,
}

fn unit_and_outcome(text: &str) -> Result<(String, Mark), String> {
    match text.rsplit_once('=') {
        Some((unit, "ok")) if !unit.is_empty() => Ok((unit.to_owned(), Mark::Ok)),
        Some((unit, "failed")) if !unit.is_empty() => Ok((unit.to_owned(), Mark::Failed)),
        _ => Err("write it as STEP@HOST=ok or STEP@HOST=failed".to_owned()),
    }
}

const RESUMING: &str = "\
Examples:
  refloat resume                                    the newest run that was cut off or has something to do
  refloat resume 3f2a                               this one
  refloat resume 3f2a --retry-failed                and begin anew what failed
  refloat resume 3f2a --skip recover/note           and leave a step out
  refloat resume 3f2a --mark recover/fence@web-3=ok it had its effect: go on behind it
  refloat resume 3f2a -p token=…                    give a secret of the run again

Files that were edited since do not count: the run goes on as it was planned. On another machine: `refloat runs --export
RUN FILE` here, `refloat runs --import FILE` there. An undo that was interrupted goes on as an undo.

Exit codes: as for `run`; 5 it is not known what happened, and it says what to look at and what to type";
