//! `refloat duty`: what is owed to hosts that could not be reached is listed, carried out, or closed with a reason.

use std::path::Path;
use std::sync::Arc;

use super::args::{Common, DutyArgs, Output};
use super::execute::{self, Answers, Begun, Reins};
use super::{env, runs, secrets, show};
use crate::base::clock::{Clock, SystemClock};
use crate::base::diag::Diagnostics;
use crate::base::digest::Digest;
use crate::base::exit::Exit;
use crate::base::ids::RunId;
use crate::base::secret::Redactor;
use crate::base::span::Sources;
use crate::event::{Closed, Duty, Event, EventKind, Resumed, RunState, Verdict};
use crate::exec::{Served, close_duties, serve_duties};
use crate::journal::{Journal, JournalError, RunLog};
use crate::plan::{self, Given, Plan, RunFacts};

/// What the journal says that this process does.
const VERB: &str = "duty";

pub fn run(args: &DutyArgs, common: &Common) -> Exit {
    let state = match env::state(common) {
        Ok(state) => state,
        Err(why) => {
            show::error(why);
            return Exit::Unreachable;
        }
    };
    if let Err(why) = super::load::given_once(&args.param) {
        show::error(why);
        return Exit::Usage;
    }
    let Some(run) = &args.run else { return runs::list(None, true, &state, common) };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            show::error(format!("cannot start: {error}"));
            return Exit::Unreachable;
        }
    };
    let exit = runtime.block_on(go(args, run, common, &state)).unwrap_or_else(|error| {
        show::error(error);
        Exit::Unreachable
    });
    env::report_crash_points();
    runtime.shutdown_background();
    exit
}

async fn go(args: &DutyArgs, run: &str, common: &Common, state: &Path) -> Result<Exit, JournalError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let redactor = Redactor::default();
    let journal = Journal::open(state, Arc::clone(&clock), redactor.clone())?;
    let run = journal.find(run).await?;
    let events = journal.events(&run).await?;
    let now = RunState::fold(&events)?;
    let duties = match chosen(&now, &args.duties) {
        Ok(duties) if duties.is_empty() => {
            outln!("Run {run} owes nothing to any host.");
            return Ok(Exit::Ok);
        }
        Ok(duties) => duties,
        Err(why) => {
            show::error(why);
            return Ok(Exit::Usage);
        }
    };
    let before = own_end(&events);
    let resumed = Resumed {
        operator: env::operator(),
        controller: env::controller(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        verb: VERB.to_owned(),
        reason: args.reason.clone().map(|reason| redactor.redact(reason)),
    };
    if args.close {
        let log = journal.resume(&run, resumed).await?;
        let reason = args.reason.as_deref().unwrap_or_default();
        close_duties(&log, &duties, &env::operator(), reason, before).await?;
        for duty in &duties {
            outln!("closed: {}", crate::report::escape(&duty.name()));
        }
        return Ok(Exit::Ok);
    }
    let stored = journal.blob(&run, &now.header().stored).await?.unwrap_or_default();
    let Some(plan) = restored(&stored, now.header().plan, &args.param, common) else { return Ok(Exit::Text) };
    plan.teach(&redactor);
    let _lock = match crate::exec::lock(&plan, state, &run) {
        Ok(lock) => lock,
        Err(why) => {
            show::error(why);
            return Ok(Exit::Refused);
        }
    };
    let log = journal.resume(&run, resumed).await?;
    Ok(serve(plan, log, now, clock, &duties, before, common).await)
}

async fn serve(
    plan: Arc<Plan>,
    log: RunLog,
    now: RunState,
    clock: Arc<dyn Clock>,
    duties: &[Duty],
    before: Option<Closed>,
    common: &Common,
) -> Exit {
    let run: RunId = log.run().clone();
    let facts =
        RunFacts { id: run.to_string(), started_at: now.opened().rfc3339(), mode: "run", operator: env::operator() };
    let owned = duties.to_vec();
    let work = |setup| async move { serve_duties(setup, &owned, before).await };
    let begun =
        Begun { plan, log, facts, clock, before: Some(now), again: None, takeover: None, verb: VERB, reporter: None };
    match execute::carry_out(begun, Answers::default(), Reins::take(), common, work).await {
        Ok(served) => {
            if common.output == Output::Text {
                tell_all(&served, &run);
            }
            exit(&served)
        }
        Err(exit) => exit,
    }
}

/// A plan as it was when it was kept; mistakes are shown.
pub fn restored(stored: &[u8], digest: Digest, params: &[(String, String)], common: &Common) -> Option<Arc<Plan>> {
    let (mut sources, diags) = (Sources::default(), Diagnostics::new());
    let given = Given { params, written: None, env: &env::var, secrets: &secrets::ask };
    let plan = plan::restore(stored, digest, &given, &mut sources, &diags);
    show::findings_of_a_plan(&sources, &diags.into_sorted(), common);
    plan.map(Arc::new)
}

/// The open duties that are meant; the error names what is none.
fn chosen(state: &RunState, wanted: &[String]) -> Result<Vec<Duty>, String> {
    let open: Vec<Duty> = state.open_duties().cloned().collect();
    if wanted.is_empty() {
        return Ok(open);
    }
    let is = |duty: &Duty, wanted: &String| duty.host == *wanted || duty.name() == *wanted;
    if let Some(stranger) = wanted.iter().find(|wanted| !open.iter().any(|duty| is(duty, wanted))) {
        let names: Vec<String> = open.iter().map(Duty::name).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(format!("`{stranger}` is no open duty of this run; open are: {names}"));
    }
    Ok(open.into_iter().filter(|duty| wanted.iter().any(|wanted| is(duty, wanted))).collect())
}

/// Closes everything that a run owes to hosts that are no more.
pub async fn close_all(state: &Path, run: &str, reason: &str) -> Result<(), JournalError> {
    let redactor = Redactor::default();
    let journal = Journal::open(state, Arc::new(SystemClock::default()), redactor.clone())?;
    let run = journal.find(run).await?;
    let events = journal.events(&run).await?;
    let now = RunState::fold(&events)?;
    let open: Vec<Duty> = now.duties().iter().filter(|duty| duty.end.is_none()).cloned().collect();
    if open.is_empty() {
        return Ok(());
    }
    let resumed = Resumed {
        operator: env::operator(),
        controller: env::controller(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        verb: VERB.to_owned(),
        reason: Some(redactor.redact(reason)),
    };
    let log = journal.resume(&run, resumed).await?;
    close_duties(&log, &open, &env::operator(), reason, own_end(&events)).await
}

/// How the run itself ended, before anybody looked at its duties.
fn own_end(events: &[Event]) -> Option<Closed> {
    let mut duty = false;
    let mut end = None;
    for event in events {
        match &event.kind {
            EventKind::RunResumed(resumed) => duty = resumed.verb == VERB,
            EventKind::RunClosed(closed) if !duty => end = Some((**closed).clone()),
            _ => {}
        }
    }
    end
}

fn tell_all(served: &[(Duty, Served)], run: &RunId) {
    outln!();
    for (duty, served) in served {
        let name = crate::report::escape(&duty.name());
        let said = match served {
            Served::Done => "done".to_owned(),
            Served::Unreachable(why) => format!("still open, the host cannot be reached: {why}"),
            Served::Stopped(verdict, why) => format!("still open, {}: {why}", verdict.words()),
        };
        outln!("{name}: {}", crate::report::escape(&said));
    }
    if served.iter().any(|(_, served)| *served != Served::Done) {
        outln!("Again: refloat duty {run}");
        outln!("When it need not be done any more: refloat duty {run} HOST/STEP --close --reason TEXT");
    }
}

/// The worst of all.
fn exit(served: &[(Duty, Served)]) -> Exit {
    let rank = |exit: &Exit| match exit {
        Exit::Bug => 8,
        Exit::Attention => 7,
        Exit::Detached => 6,
        Exit::Cancelled => 5,
        Exit::Unreachable => 4,
        Exit::Refused => 3,
        Exit::Failed => 2,
        Exit::Text | Exit::Usage => 1,
        Exit::Ok => 0,
    };
    let of = |served: &Served| match served {
        Served::Done => Verdict::Recovered.exit(),
        Served::Unreachable(_) => Verdict::Unreachable.exit(),
        Served::Stopped(verdict, _) => verdict.exit(),
    };
    served.iter().map(|(_, served)| of(served)).max_by_key(rank).unwrap_or(Exit::Ok)
}
