//! What `run`, `resume` and `duty` have in common once the journal is theirs: hosts, screen, operator and signals are put
//! together, the work is done in a task of its own, and how it ended is told.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::args::{Common, Output};
use super::operator::{AtTheTerminal, Typed};
use super::{env, show, signals, tell};
use crate::base::clock::Clock;
use crate::base::exit::Exit;
use crate::base::ids::RunId;
use crate::event::{Closed, RunState};
use crate::exec::{Again, Broken, Cancel, Canceller, Dry, Idle, Setup, answer};
use crate::journal::RunLog;
use crate::plan::{Plan, RunFacts};
use crate::report::{self, Reporter};
use crate::runbook::Risk;
use crate::transport::route::Routes;
use crate::transport::ssh::Options;

/// How the work is ended from outside. Taken first of all: from then on a signal ends the run with a verdict.
pub struct Reins {
    canceller: Canceller,
    cancel: Cancel,
    signals: JoinHandle<()>,
}

impl Reins {
    pub fn take() -> Self {
        let (canceller, cancel) = Cancel::pair();
        let signals = signals::obey(canceller.clone());
        Self { canceller, cancel, signals }
    }
}

/// What is answered without asking.
#[derive(Default)]
pub struct Answers {
    given: Vec<String>,
    yes: bool,
    defaults: bool,
}

impl Answers {
    /// By `--confirm` and `--yes`.
    pub fn new(plan: &Plan, confirm: &[(String, String)], yes: bool) -> Self {
        let destructive = plan.runbook.risk.value == Risk::Destructive;
        let given = confirm.iter().map(|(value, _)| value.clone()).collect();
        Self { given, yes: yes && !destructive, defaults: !destructive }
    }
}

/// A run that this process executes.
pub struct Begun {
    pub plan: Arc<Plan>,
    pub log: RunLog,
    pub facts: RunFacts,
    pub clock: Arc<dyn Clock>,
    /// The run as a process before this one left it.
    pub before: Option<RunState>,
    /// How a run goes on that another process began.
    pub again: Option<Again>,
    /// The run from which hosts are taken over.
    pub takeover: Option<RunId>,
    /// The verb that goes on with it.
    pub verb: &'static str,
    /// Who shows it; none: what fits standard output.
    pub reporter: Option<Box<dyn Reporter>>,
}

/// Does the work and tells its end, when it has none of its own: then what to exit with.
pub async fn carry_out<T, F>(
    begun: Begun,
    answers: Answers,
    reins: Reins,
    common: &Common,
    work: impl FnOnce(Setup) -> F,
) -> Result<T, Exit>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Broken>> + Send + 'static,
{
    let Begun { plan, log, facts, clock, before, again, takeover, verb, reporter } = begun;
    let Reins { canceller, cancel, signals } = reins;
    let run = log.run().clone();
    let requests = tokio::spawn(answer(log.clone(), canceller.clone()));
    let transport = Arc::new(Routes::new(Options::new(run.clone(), env::control())));
    let (shown, asked) = watch::channel(0);
    let reporter = reporter.unwrap_or_else(|| report::for_stdout(common.output == Output::Json, env::steerable()));
    let reporter = tokio::spawn(tell::tell(log.clone(), before, Arc::clone(&clock), reporter, shown));
    let operator = Arc::new(AtTheTerminal {
        given: Mutex::new(answers.given.into()),
        yes: answers.yes,
        defaults: answers.defaults,
        plan: plan.digest.short(),
        shown: asked,
        asked: Mutex::new(0),
        typed: Typed::here(),
        canceller,
    });
    let setup = Setup {
        plan,
        log,
        transport,
        operator,
        clock,
        cancel,
        facts,
        hook: Arc::new(Idle),
        again,
        takeover,
        dry: Dry::default(),
    };
    // a task of its own: a panic in it is told as what it is
    let ended = tokio::spawn(work(setup)).await;
    signals.abort();
    requests.abort();
    // it lets go of the journal
    let _ = requests.await;
    match ended {
        Ok(Ok(done)) => {
            // it ends when it has shown the last event
            let _ = reporter.await;
            Ok(done)
        }
        Ok(Err(broken)) => {
            reporter.abort();
            show::failure(&broken.error);
            let look = if broken.changed {
                format!(
                    "this run could not go on, and its steps may have changed hosts; before you run it again, look at what it did: refloat report {run}"
                )
            } else {
                "this run could not go on; its steps have changed nothing".to_owned()
            };
            show::error(format!("{look}\n  When it is mended, to go on: refloat {verb} {run}"));
            Err(if broken.changed { Exit::Attention } else { Exit::Unreachable })
        }
        Err(panic) => {
            reporter.abort();
            show::error(format!(
                "a bug in refloat ended this run: {panic}; what was done stands in `refloat report {run}`"
            ));
            Err(Exit::Bug)
        }
    }
}

/// Says how a run goes on that ended with something to do, and gives its exit code.
pub fn ended(run: &RunId, closed: &Closed, common: &Common) -> Exit {
    if let (Output::Text, Some(next)) = (common.output, report::way_on(run, Some(closed))) {
        outln!("{next}");
    }
    closed.verdict.exit()
}
