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
    #[arg(short, long, value_name = "FILE", required_unless_present = "plan")]
    pub inventory: Vec<PathBuf>,
    /// Instead of both, a plan that `refloat plan --out FILE` wrote. Where its runbook and inventory are here and would now
    /// do something else, it is refused with exit code 4, and what differs is shown.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["runbooks", "inventory"])]
    pub plan: Option<PathBuf>,
    /// A param, as `name=value`; repeatable. Of several runbooks each takes those that it has. What nobody gives is taken
    /// from the runbook's `rehearse`, and said.
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub param: Vec<(String, String)>,
    /// In the incident: the outage has to be there as well, as a run would want it. Where it is not: exit code 4.
    #[arg(long)]
    pub now: bool,
    #[command(flatten)]
    pub shown: Shown,
    /// Say what became blocked and what recovered since the last check of the same runbook, inventory and params.
    #[arg(long)]
    pub since_last: bool,
    /// When something has changed since the last check: a command of the shell, which gets the change as JSON on its
    /// standard input. Once for each change and runbook; that it fails is said and harms nothing.
    #[arg(long, value_name = "COMMAND")]
    pub notify: Option<String>,
    /// Likewise: post the change to this address, signed with the text in `REFLOAT_WEBHOOK_SECRET` by HMAC-SHA256 of the
    /// body, in the header `X-Refloat-Signature: sha256=…`.
    #[arg(long, value_name = "URL")]
    pub webhook: Option<String>,
    /// Write what was found for Prometheus: a file in the folder of `node_exporter`'s textfile collector.
    #[arg(long, value_name = "FILE")]
    pub textfile: Option<PathBuf>,
    /// Write what was found as `JUnit` XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// What is shown beside the verdicts.
#[derive(Args, Debug)]
pub struct Shown {
    /// Show what would change in files, line by line. Secrets and binary files are not shown.
    #[arg(long)]
    pub diff: bool,
    /// Show what was read and asked, and every command that would be sent.
    #[arg(long)]
    pub explain: bool,
}

impl CheckArgs {
    /// Whether it matters what the last check said.
    pub fn compares(&self) -> bool {
        self.since_last || self.notify.is_some() || self.webhook.is_some()
    }
}

const CHECKS: &str = "\
Examples:
  refloat check -i INVENTORY                          everything in the folder runbooks, with its rehearse values
  refloat check -i INVENTORY consul/quorum-loss --diff
  refloat check -i INVENTORY consul/quorum-loss -p lost=consul-3 --now     before a run, in the incident
  refloat check -i INVENTORY runbooks --since-last --textfile refloat.prom --notify 'mail -s refloat ops'    at night

Verdicts: holds (nothing would be done) · would change · would run · would ask · blocked · skipped · unknown until a step
that has to be carried out first. Only `blocked` makes it not ready. That the outage is not there does not.

Exit codes: 0 ready · 1 not ready · 2 wrong command line · 3 wrong text · 4 with --now: the outage is not there · 6 no
journal · 130 ended by a person";
