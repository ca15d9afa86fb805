//! The grammar of `refloat run`.

use std::path::PathBuf;

use clap::Args;

use super::super::args::{Subject, name_and_value, owner, value_at_plan};
use crate::base::ids::RunId;

/// `refloat run`
#[derive(Args, Debug)]
#[command(override_usage = USAGE, after_help = RUNNING)]
pub struct RunArgs {
    /// The runbook: a file, or its name in the folder `runbooks`.
    #[arg(value_name = "RUNBOOK", required_unless_present = "plan")]
    pub runbook: Option<PathBuf>,
    /// The inventory: a file or a folder; repeatable.
    #[arg(short, long, value_name = "FILE", required_unless_present = "plan")]
    pub inventory: Vec<PathBuf>,
    /// Instead of both, a plan that `refloat plan --out FILE` wrote: it is carried out as it stands. Where its runbook and
    /// inventory are here and would now do something else, it is refused, and what differs is shown.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["runbook", "inventory"])]
    pub plan: Option<PathBuf>,
    /// A param, as `name=value`; repeatable. Hosts are a selector: `-p lost=web-[1:3]`. With `--plan` only its secrets,
    /// those of hosts as `HOST/NAME=value`.
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub param: Vec<(String, String)>,
    /// Answers a `confirm`, `ask` or `manual` without a terminal: the text to type, and the beginning of the plan's
    /// digest that `plan` prints, so that it allows this plan only. Repeatable, in the order of the gates.
    #[arg(long, value_name = "VALUE@PLAN", value_parser = value_at_plan, allow_hyphen_values = true)]
    pub confirm: Vec<(String, String)>,
    /// Answers every `confirm` of a runbook that is not destructive, and every `ask` that has a default.
    #[arg(long)]
    pub yes: bool,
    /// Take the hosts over that this other run has locked: from then on it can start nothing there. Its id stands where
    /// this run was refused. First look whether it really is to be ended.
    #[arg(long, value_name = "OWNER", value_parser = owner)]
    pub takeover: Option<RunId>,
    /// Begin at this step, by its path or id. What stands before it is left out, but for the gates at which a person
    /// agrees; refused where something that is carried out needs what is left out.
    #[arg(long, value_name = "STEP")]
    pub from: Option<String>,
    /// Why the run is made, for its report.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

impl RunArgs {
    /// What it is about, when that is no plan.
    pub fn subject(&self) -> Subject {
        let runbook = self.runbook.clone().unwrap_or_default();
        Subject { runbook, inventory: self.inventory.clone(), param: self.param.clone() }
    }
}

const USAGE: &str = "refloat run [OPTIONS] <RUNBOOK> --inventory <FILE>\n       refloat run [OPTIONS] --plan <FILE>";

const RUNNING: &str = "\
Examples:
  refloat run quorum-loss.yaml -i INVENTORY -p lost=consul-3 …     as the files are now
  refloat run --plan plan.json                                     as it was planned and looked at
  refloat run --plan plan.json --confirm dc1@1a2b3c4d              with nobody at the terminal

A plan was overtaken when its files would now do something else: another command or file on a host, other hosts, another
order, another gate or guard. Comments, titles, and values that nothing uses do not count. When the files are not here,
the plan was made elsewhere and is carried out as it stands. Secrets are not in it: they are taken from where the runbook
says, or given with -p.

Exit codes: 0 done · 1 failed after the first change · 2 wrong command line · 3 wrong text, or no whole plan of this
version · 4 refused before the first change, such as a plan that was overtaken · 5 needs attention · 6 something could not
be reached · 75 detached · 130 ended by a person";
