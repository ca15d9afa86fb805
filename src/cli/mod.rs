//! The command line: one file per verb. Everything that touches the terminal, the environment or the exit code is here
//! or in `report`.

#[macro_use]
mod show;

mod actions;
mod args;
mod attach;
mod cancel;
mod check;
mod doctor;
mod drift;
mod drill;
mod duty;
mod env;
mod execute;
mod hosts;
pub mod lab;
mod load;
mod manual;
mod operator;
mod pinned;
mod plan;
mod portrait;
mod report;
mod resume;
mod run;
mod runs;
mod schema;
mod secrets;
mod signals;
mod teach;
mod tell;
mod trust;
mod validate;
mod why;

use std::process::ExitCode;

use clap::Parser as _;

use crate::base::exit::Exit;
use args::{Cli, Verb};

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // a closed pipe is no reason for another error
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Exit::Usage } else { Exit::Ok }.code());
        }
    };
    env::tracing(cli.common.verbose);
    env::crash_points();
    let Some(verb) = &cli.verb else {
        // nothing was done: a script that lost its arguments must not take it for success
        show::tell(teach::ALONE);
        return ExitCode::from(Exit::Usage.code());
    };
    let exit = match verb {
        Verb::Validate(args) => validate::run(args, &cli.common),
        Verb::Show(args) => portrait::run(args, &cli.common),
        Verb::Plan(args) => plan::run(args, &cli.common),
        Verb::Check(args) => check::run(args, &cli.common),
        Verb::Run(args) => run::run(args, &cli.common),
        Verb::Resume(args) => resume::run(args, &cli.common),
        Verb::Attach(args) => attach::run(args, &cli.common),
        Verb::Cancel(args) => cancel::cancel(args, &cli.common),
        Verb::Note(args) => cancel::note(args, &cli.common),
        Verb::Duty(args) => duty::run(args, &cli.common),
        Verb::Runs(args) => runs::run(args, &cli.common),
        Verb::Report(args) => report::run(args, &cli.common),
        Verb::Why(args) => why::run(args, &cli.common),
        Verb::Hosts(args) => hosts::run(args, &cli.common),
        Verb::Drill(args) => drill::run(args, &cli.common),
        Verb::Lab(args) => lab::run(args),
        Verb::Actions(args) => actions::run(args, &cli.common),
        Verb::Schema(args) => schema::run(args),
        Verb::Completions(args) => manual::completions(args),
        Verb::Man(args) => manual::man(args),
        Verb::Doctor(args) => doctor::run(args, &cli.common),
    };
    ExitCode::from(if exit == Exit::Ok && show::lost() { Exit::Failed } else { exit }.code())
}
