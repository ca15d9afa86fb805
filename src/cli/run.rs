//! `refloat run`: makes the plan, begins the journal, executes, shows.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::args::{Common, Output, RunArgs};
use super::operator::{AtTheTerminal, Typed};
use super::{env, plan, resume, secrets, show, signals, tell, trust};
use crate::base::clock::{Clock, SystemClock};
use crate::base::exit::Exit;
use crate::base::ids::RunId;
use crate::base::secret::Redactor;
use crate::event::{Mode, Opened, PlannedStep};
use crate::exec::{Cancel, Idle, Setup, answer, execute};
use crate::journal::{Journal, JournalError, RunLog};
use crate::plan::{Plan, RunFacts, World};
use crate::report;
use crate::runbook::Risk;
use crate::transport::route::Routes;
use crate::transport::ssh::Options;

pub fn run(args: &RunArgs, common: &Common) -> Exit {
    let (plan, files) = match plan::make(&args.subject, &secrets::ask, common) {
        Ok(made) => made,
        Err(exit) => return exit,
    };
    let destructive = plan.runbook.risk.value == Risk::Destructive;
    if destructive && let Err(why) = trust::trusted(&files) {
        show::error(why);
        return Exit::Refused;
    }
    let digest = plan.digest.to_string();
    for (_, wanted) in &args.confirm {
        if !digest.starts_with(wanted.as_str()) {
            show::error(format!(
                "--confirm is for plan {wanted}, and this is plan {}: something has changed since it was looked at.\n  Look again: refloat plan …",
                plan.digest.short()
            ));
            return Exit::Refused;
        }
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            show::error(format!("cannot start: {error}"));
            return Exit::Unreachable;
        }
    };
    let exit = runtime.block_on(go(args, common, plan, destructive));
    env::report_crash_points();
    // a thread that still waits for the terminal is not waited for
    runtime.shutdown_background();
    exit
}

async fn go(args: &RunArgs, common: &Common, plan: Arc<Plan>, destructive: bool) -> Exit {
    // first of all: from here on a signal ends the run with a verdict
    let (canceller, cancel) = Cancel::pair();
    let signals = signals::obey(canceller.clone());
    let state = match env::state(common) {
        Ok(state) => state,
        Err(why) => {
            show::error(why);
            return Exit::Unreachable;
        }
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let redactor = Redactor::default();
    plan.teach(&redactor);
    let run = RunId::generate();
    // the first to touch the state folder: it says whether the folder is safe
    let journal = match Journal::open(&state, Arc::clone(&clock), redactor.clone()) {
        Ok(journal) => journal,
        Err(error) => {
            show::failure(&error);
            return Exit::Unreachable;
        }
    };
    // before the run begins: one that is refused here leaves nothing open in the journal
    let _lock = match crate::exec::lock(&plan, &state, &run) {
        Ok(lock) => lock,
        Err(why) => {
            show::error(why);
            return Exit::Refused;
        }
    };
    let begun = match begin(args.reason.as_deref(), &plan, &run, journal, &clock, &redactor).await {
        Ok(begun) => begun,
        Err(error) => {
            show::failure(&error);
            return Exit::Unreachable;
        }
    };
    let requests = tokio::spawn(answer(begun.log.clone(), canceller.clone()));
    let transport = Arc::new(Routes::new(Options::new(run.clone(), env::control())));
    let (shown, asked) = watch::channel(0);
    let reporter = report::for_stdout(common.output == Output::Json, env::steerable());
    let reporter = tokio::spawn(tell::tell(begun.log.clone(), None, Arc::clone(&clock), reporter, shown));
    let operator = AtTheTerminal {
        given: Mutex::new(args.confirm.iter().map(|(value, _)| value.clone()).collect::<VecDeque<_>>()),
        yes: args.yes && !destructive,
        defaults: !destructive,
        plan: plan.digest.short(),
        shown: asked,
        asked: Mutex::new(0),
        typed: Typed::here(),
        canceller,
    };
    let operator = Arc::new(operator);
    let hook = Arc::new(Idle);
    let setup = Setup {
        plan,
        log: begun.log,
        transport,
        operator,
        clock,
        cancel,
        facts: begun.facts,
        hook,
        again: None,
        takeover: args.takeover.clone(),
    };
    // a task of its own: a panic in it is told as what it is
    let ended = tokio::spawn(execute(setup)).await;
    signals.abort();
    requests.abort();
    // it lets go of the journal
    let _ = requests.await;
    match ended {
        Ok(Ok(closed)) => {
            // it ends when it has shown the last event
            let _ = reporter.await;
            resume::way_on(&run, closed.verdict, common);
            closed.verdict.exit()
        }
        Ok(Err(broken)) => {
            reporter.abort();
            show::failure(&broken.error);
            if broken.changed {
                show::error(format!(
                    "this run could not go on, and its steps may have changed hosts; before you run it again, look at what it did: refloat report {run}\n  When it is mended, to go on: refloat resume {run}"
                ));
                Exit::Attention
            } else {
                Exit::Unreachable
            }
        }
        Err(panic) => {
            reporter.abort();
            show::error(format!(
                "a bug in refloat ended this run: {panic}; what was done stands in `refloat report {run}`"
            ));
            Exit::Bug
        }
    }
}

/// A run whose first event is durable.
pub struct Begun {
    pub log: RunLog,
    pub facts: RunFacts,
}

/// Begins the journal of a run.
pub async fn begin(
    reason: Option<&str>,
    plan: &Arc<Plan>,
    run: &RunId,
    journal: Journal,
    clock: &Arc<dyn Clock>,
    redactor: &Redactor,
) -> Result<Begun, JournalError> {
    let facts =
        RunFacts { id: run.to_string(), started_at: clock.now().rfc3339(), mode: "run", operator: env::operator() };
    let world = World::new(Arc::clone(plan), facts.clone());
    let outline = plan.runbook.all_steps().into_iter().map(|step| PlannedStep {
        step: step.path.clone(),
        title: redactor.redact(step.heading()),
        action: step.body.key().to_owned(),
        hosts: step.hosts.as_ref().and_then(|selector| world.resolve(selector).ok()).unwrap_or_default(),
    });
    let opened = Opened {
        run: run.clone(),
        runbook: plan.runbook.name.value.clone(),
        title: redactor.redact(plan.runbook.title.clone().unwrap_or_default()),
        risk: plan.runbook.risk.value.word().to_owned(),
        plan: plan.digest,
        stored: crate::event::BlobRef { file: String::new(), offset: 0, len: 0, digest: plan.digest },
        outline: outline.collect(),
        operator: facts.operator.clone(),
        controller: env::controller(),
        mode: Mode::Run,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        reason: reason.map(|reason| redactor.redact(reason)),
    };
    let log = journal.begin(opened, &plan.stored).await?;
    Ok(Begun { log, facts })
}
