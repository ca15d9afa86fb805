//! `refloat run`: makes the plan, begins the journal, executes, shows.

pub mod args;

use std::path::PathBuf;
use std::sync::Arc;

use super::args::{Common, RunArgs, Subject};
use super::execute::{self, Answers, Reins};
use super::plan::{self, Made, Making};
use super::{drift, env, pinned, secrets, show, trust};
use crate::base::clock::{Clock, SystemClock};
use crate::base::exit::Exit;
use crate::base::ids::RunId;
use crate::base::secret::Redactor;
use crate::event::{Mode, Opened, Origin, PlannedStep};
use crate::exec;
use crate::journal::{Journal, JournalError, RunLog};
use crate::plan::{NotFrom, Plan, RunFacts, World};
use crate::runbook::Risk;

pub fn run(args: &RunArgs, common: &Common) -> Exit {
    let planned = match &args.plan {
        Some(file) => pinned::take(file, &args.param, common),
        None => now(&args.subject(), common),
    };
    let Planned { plan, files, origin } = match planned {
        Ok(planned) => planned,
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
    if let Some(step) = &args.from
        && let Err(exit) = begin_at(&plan, step)
    {
        return exit;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            show::error(format!("cannot start: {error}"));
            return Exit::Unreachable;
        }
    };
    let exit = runtime.block_on(go(args, common, plan, origin));
    env::report_crash_points();
    // a thread that still waits for the terminal is not waited for
    runtime.shutdown_background();
    exit
}

/// Says what is left out before the step at which a run begins.
fn begin_at(plan: &Arc<Plan>, step: &str) -> Result<(), Exit> {
    match crate::plan::from(plan, step) {
        Ok(left_out) if left_out.is_empty() => Ok(()),
        Ok(left_out) => {
            let all: Vec<String> = left_out.into_iter().collect();
            errln!("Not done, since the run begins at {step}: {}.", all.join(", "));
            Ok(())
        }
        Err(why) => {
            show::error(format!("--from: {why}"));
            Err(if matches!(why, NotFrom::NoStep { .. }) { Exit::Usage } else { Exit::Refused })
        }
    }
}

/// What is to be carried out.
pub struct Planned {
    pub plan: Arc<Plan>,
    /// The files that decide what is done.
    pub files: Vec<PathBuf>,
    pub origin: Origin,
}

/// The plan of a subject, as its files are now.
fn now(subject: &Subject, common: &Common) -> Result<Planned, Exit> {
    let Made { plan, files, rehearsed: _ } =
        plan::make(subject, Making::of_a_run(&subject.param, &secrets::ask), common)?;
    let origin = drift::origin(subject, &plan);
    Ok(Planned { plan, files, origin })
}

async fn go(args: &RunArgs, common: &Common, plan: Arc<Plan>, origin: Origin) -> Exit {
    let reins = Reins::take();
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
    let _lock = match exec::lock(&plan, &state, &run) {
        Ok(lock) => lock,
        Err(why) => {
            show::error(why);
            return Exit::Refused;
        }
    };
    let purpose =
        Purpose { mode: Mode::Run, reason: args.reason.as_deref(), origin: Some(origin), from: args.from.clone() };
    let begun = match begin(purpose, &plan, &run, journal, &clock, &redactor).await {
        Ok(begun) => begun,
        Err(error) => {
            show::failure(&error);
            return Exit::Unreachable;
        }
    };
    let answers = Answers::new(&plan, &args.confirm, args.yes);
    let Begun { log, facts } = begun;
    let begun = execute::Begun {
        plan,
        log,
        facts,
        clock,
        before: None,
        again: None,
        takeover: args.takeover.clone(),
        verb: "resume",
        reporter: None,
    };
    match execute::carry_out(begun, answers, reins, common, exec::execute).await {
        Ok(closed) => execute::ended(&run, &closed, common),
        Err(exit) => exit,
    }
}

/// A run whose first event is durable.
pub struct Begun {
    pub log: RunLog,
    pub facts: RunFacts,
}

/// What a run is for.
pub struct Purpose<'a> {
    pub mode: Mode,
    pub reason: Option<&'a str>,
    pub origin: Option<Origin>,
    /// The step at which it begins, when that is not the first.
    pub from: Option<String>,
}

/// Begins the journal of a run.
pub async fn begin(
    purpose: Purpose<'_>,
    plan: &Arc<Plan>,
    run: &RunId,
    journal: Journal,
    clock: &Arc<dyn Clock>,
    redactor: &Redactor,
) -> Result<Begun, JournalError> {
    let Purpose { mode, reason, origin, from } = purpose;
    let facts = RunFacts {
        id: run.to_string(),
        started_at: clock.now().rfc3339(),
        mode: if mode == Mode::Run { "run" } else { "check" },
        operator: env::operator(),
    };
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
        mode,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        reason: reason.map(|reason| redactor.redact(reason)),
        origin,
        from,
    };
    let log = journal.begin(opened, &plan.stored).await?;
    Ok(Begun { log, facts })
}
