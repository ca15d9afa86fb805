//! The grammar of `refloat check`.

use std::path::PathBuf;

use clap::Args;

use super::super::args::name_and_value;

/// `refloat check`
///
/// A dry run on the real hosts, which are only looked at: no file, claim or lock is made there. Guards and probes are
/// asked as in a run, picks are made, templates rendered and compared with what is there. It gives two answers: whether a
/// run could start now, with every reason why not; and whether the outage is there that the runbook is for.
#[derive(Args, Debug)]
#[command(after_help = CHECKS)]
pub struct CheckArgs {
    /// Runbooks: files, their names in the folder `runbooks`, or folders. Default: the folder `runbooks`.
    #[arg(value_name = "RUNBOOK")]
    pub runbooks: Vec<PathBuf>,
    /// The inventory: a file or a folder; repeatable.
    #[arg(short, long, value_name = "FILE", required = true)]
    pub inventory: Vec<PathBuf>,
    /// A param, as `name=value`; repeatable. Of several runbooks each takes those that it has. What nobody gives is taken
    /// from the runbook's `rehearse`, and said.
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub param: Vec<(String, String)>,
    /// In the incident: the outage has to be there as well, as a run would want it. Where it is not: exit code 4.
    #[arg(long)]
    pub now: bool,
    /// Show what would change in files, line by line. Secrets and binary files are not shown.
    #[arg(long)]
    pub diff: bool,
    /// Show what was read and asked, and every command that would be sent.
    #[arg(long)]
    pub explain: bool,
}

const CHECKS: &str = "\
  refloat check -i INVENTORY                          everything in the folder runbooks, with its rehearse values
  refloat check -i INVENTORY consul/quorum-loss --diff
  refloat check -i INVENTORY consul/quorum-loss -p lost=consul-3 --now     before a run, in the incident

Verdicts: holds (nothing would be done) · would change · would run · would ask · blocked · skipped · unknown until a step
that has to be carried out first. Only `blocked` makes it not ready. That the outage is not there does not.

Exit codes: 0 ready · 1 not ready · 2 wrong command line · 3 wrong text · 4 with --now: the outage is not there · 6 no
journal · 130 ended by a person";
