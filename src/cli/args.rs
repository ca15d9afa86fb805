//! The grammar of the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::attach::AttachArgs;
use super::cancel::{CancelArgs, NoteArgs};
use super::check::args::CheckArgs;
use super::doctor::DoctorArgs;
use super::hosts::HostsArgs;
use super::lab::LabArgs;
use super::manual::{CompletionsArgs, ManArgs};
use super::portrait::ShowArgs;
pub use super::resume::args::{Mark, ResumeArgs};
pub use super::run::args::RunArgs;
use super::runs::RunsArgs;
use super::teach;
use super::why::WhyArgs;
use crate::base::ids::RunId;

/// Runbooks that recover clusters: checked, planned, journalled, executed over plain SSH.
#[derive(Parser, Debug)]
#[command(name = "refloat", version, propagate_version = true, after_help = teach::FIRST_DAY, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// What every verb understands.
    #[command(flatten)]
    pub common: Common,
}

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Show every mistake in runbooks, drills, templates and the inventory, in one go. Connects to nothing.
    Validate(ValidateArgs),
    /// Show a runbook in words: what it is for, whom it touches, what it asks, what can be undone.
    Show(ShowArgs),
    /// Show every step, host and rendered command, offline.
    Plan(PlanArgs),
    /// Dry run on the real hosts, read-only: is a run possible now, and is the outage there.
    Check(CheckArgs),
    /// Execute a runbook.
    Run(RunArgs),
    /// Go on with a run that was cut off, or that ended with something to do: nothing is done twice, nothing left out.
    Resume(ResumeArgs),
    /// Watch a run that another process executes, as it happens.
    Attach(AttachArgs),
    /// End a run that another process executes: once, nothing new begins; again, what runs is stopped on the hosts.
    Cancel(CancelArgs),
    /// Write a note into the history of a run, while it goes on or afterwards.
    Note(NoteArgs),
    /// List what is still owed to hosts that could not be reached, carry it out now, or close it with a reason.
    Duty(DutyArgs),
    /// List the runs that were made from this machine.
    Runs(RunsArgs),
    /// Show what happened in a run: what was done where, what may have run, what never started.
    Report(ReportArgs),
    /// Show what a decision of a run rests on: guards, values, and where each came from.
    Why(WhyArgs),
    /// Show the inventory as resolved: addresses, groups, logins; with `--ping`, who answers.
    Hosts(HostsArgs),
    /// Break a real cluster on this machine, recover it by its runbook, and say how long it took.
    Drill(DrillArgs),
    /// Make, enter, break and remove labs of real hosts on this machine.
    Lab(LabArgs),
    /// Show what a step can do: all actions, or one with its keys, its effect and an example.
    Actions(ActionsArgs),
    /// Print the JSON Schema of runbooks, drills or inventories, for editors that complete and check while one types.
    Schema(SchemaArgs),
    /// Print the completions of a shell, to be sourced by it.
    Completions(CompletionsArgs),
    /// Print the manual page, or write the pages of all verbs into a folder.
    Man(ManArgs),
    /// Look whether this machine has what refloat and its labs need; says what to type.
    #[command(after_help = teach::DOCTOR)]
    Doctor(DoctorArgs),
}

/// What every verb understands.
#[derive(Args, Debug, Clone)]
pub struct Common {
    /// The folder that keeps the journal. Default: `refloat` in `XDG_STATE_HOME`.
    #[arg(long, global = true, value_name = "FOLDER", env = "REFLOAT_STATE")]
    pub state: Option<PathBuf>,
    /// For programs: one JSON document, while a run goes on one event a line.
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Tell more of what is going on, on standard error; twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// For whom the output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// People.
    Text,
    /// Programs.
    Json,
}

/// `refloat actions`
#[derive(Args, Debug)]
#[command(after_help = teach::ACTIONS)]
pub struct ActionsArgs {
    /// The action. Default: a list of all.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

/// `refloat schema`
#[derive(Args, Debug)]
#[command(after_help = teach::SCHEMA)]
pub struct SchemaArgs {
    /// Of which text.
    #[arg(value_enum, default_value_t = SchemaOf::Runbook)]
    pub of: SchemaOf,
}

/// The texts that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// A runbook.
    Runbook,
    /// A drill.
    Drill,
    /// An inventory.
    Inventory,
}

/// `refloat validate`
#[derive(Args, Debug)]
#[command(after_help = teach::VALIDATE)]
pub struct ValidateArgs {
    /// Runbooks, drills, inventories, and folders of them. Default: the folder `runbooks`.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// An inventory, to check selectors as well: a file or a folder; repeatable.
    #[arg(short, long, value_name = "FILE")]
    pub inventory: Vec<PathBuf>,
    /// List the codes of all findings with what each means, and read nothing.
    #[arg(long, conflicts_with_all = ["files", "inventory"])]
    pub codes: bool,
}

/// What names a runbook, its hosts and its params.
#[derive(Args, Debug)]
pub struct Subject {
    /// The runbook: a file, or its name in the folder `runbooks`.
    #[arg(value_name = "RUNBOOK")]
    pub runbook: PathBuf,
    /// The inventory: a file or a folder; repeatable.
    #[arg(short, long, value_name = "FILE", required = true)]
    pub inventory: Vec<PathBuf>,
    /// A param, as `name=value`; repeatable. Hosts are a selector: `-p lost=web-[1:3]`.
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub param: Vec<(String, String)>,
}

pub(super) fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

/// `refloat plan`
#[derive(Args, Debug)]
#[command(after_help = teach::PLAN)]
pub struct PlanArgs {
    #[command(flatten)]
    pub subject: Subject,
    /// Write the plan to this file as well, for `refloat run --plan FILE`: what is looked at is then what is done. Secrets
    /// are not in it. A plan that is there already is replaced, anything else is not.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

pub(super) fn owner(text: &str) -> Result<RunId, String> {
    RunId::parse(text).ok_or_else(|| "it is the whole id of a run, as it stands where this one was refused".to_owned())
}

pub(super) fn value_at_plan(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once('@') {
        Some((value, plan)) if plan.len() >= 8 && plan.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Ok((value.to_owned(), plan.to_ascii_lowercase()))
        }
        _ => Err("write it as VALUE@PLAN, PLAN being at least 8 characters of the digest that `refloat plan` prints"
            .to_owned()),
    }
}

/// `refloat duty`
///
/// A step with `reach: later` does not wait for a host that cannot be reached: what it would do there is kept with the
/// run as a duty, until it is carried out or closed.
#[derive(Args, Debug)]
#[command(after_help = teach::DUTY)]
pub struct DutyArgs {
    /// The run, or the beginning of its id. Without it: list the open duties of all runs.
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// Only these: a host, or HOST/STEP as the list names it. Default: all that are open.
    #[arg(value_name = "DUTY")]
    pub duties: Vec<String>,
    /// Do nothing on the host and close them: it was scrapped, rebuilt, or somebody did it by hand. Name each DUTY.
    #[arg(long, requires_all = ["duties", "reason"])]
    pub close: bool,
    /// Why, for the report.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// A secret of the run, since secrets are not kept with it: a param as `NAME=VALUE`, a secret var of a host as
    /// `HOST/NAME=VALUE`, for each host that the run may touch; repeatable. Params are also taken from the variables of
    /// the environment that the runbook names for them.
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub param: Vec<(String, String)>,
}

/// `refloat drill`
///
/// A lab is made, set up and broken as the drill says, the runbook recovers it, and what must hold afterwards is asked.
/// Exit code 0: everything was as expected. Nothing is left of the lab, unless `--keep`.
#[derive(Args, Debug)]
#[command(after_help = teach::DRILL)]
pub struct DrillArgs {
    /// Drills: files, their names in the folder `runbooks`, or folders. Default: the folder `runbooks`.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Only this variant; `main` is the file's own.
    #[arg(long, value_name = "NAME")]
    pub variant: Option<String>,
    /// Each so many times in a row.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub times: u32,
    /// Leave the lab up, and say how to enter it.
    #[arg(long)]
    pub keep: bool,
    /// Say how each drill ended, and not what happens in it.
    #[arg(short, long)]
    pub quiet: bool,
    /// Drill nothing: show how long recoveries took until now.
    #[arg(long, conflicts_with_all = ["variant", "keep", "quiet", "times"])]
    pub history: bool,
    /// The form of the history.
    #[arg(long, value_enum, default_value_t = Format::Text, requires = "history")]
    pub format: Format,
    /// The folder of a lab that is up and whose network this process is in.
    #[arg(long, value_name = "FOLDER", hide = true)]
    pub inside: Option<PathBuf>,
}

/// `refloat report`
#[derive(Args, Debug)]
#[command(after_help = teach::REPORT)]
pub struct ReportArgs {
    /// The run, or the beginning of its id. Default: the latest.
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// The form of the report.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Check the journal's chain and say whether it is whole.
    #[arg(long)]
    pub verify: bool,
    /// The head that was printed at the end of the run: with `--verify`, the chain must lead to it.
    #[arg(long, value_name = "DIGEST", requires = "verify")]
    pub head: Option<String>,
}

/// The forms of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal.
    Text,
    /// For a post-mortem.
    Markdown,
    /// For programs.
    Json,
}
