//! `refloat resume`: a run that was cut off, or that ended with something to do, goes on in this process.

pub mod args;

use std::path::Path;
use std::sync::Arc;

use super::args::{Common, Mark, Output, ResumeArgs};
use super::execute::{self, Answers, Begun, Reins};
use super::{drift, duty, env, show};
use crate::base::clock::{Clock, SystemClock};
use crate::base::exit::Exit;
use crate::base::ids::RunId;
use crate::base::secret::Redactor;
use crate::event::{EventKind, Mode, Outcome, Phase, Resumed, RunState, UnitState, Verdict};
use crate::exec::{self, Again};
use crate::journal::{Journal, JournalError, RunStatus, RunSummary};
use crate::plan::RunFacts;
use crate::report::escape;

pub fn run(args: &ResumeArgs, common: &Common) -> Exit {
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
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            show::error(format!("cannot start: {error}"));
            return Exit::Unreachable;
        }
    };
    let exit = runtime.block_on(go(args, common, &state)).unwrap_or_else(|error| {
        show::failure(&error);
        if matches!(error, JournalError::Away { .. } | JournalError::Alive { .. }) {
            Exit::Refused
        } else {
            Exit::Unreachable
        }
    });
    env::report_crash_points();
    runtime.shutdown_background();
    exit
}

async fn go(args: &ResumeArgs, common: &Common, state: &Path) -> Result<Exit, JournalError> {
    let reins = Reins::take();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let redactor = Redactor::default();
    let journal = Journal::open(state, Arc::clone(&clock), redactor.clone())?;
    let Some(run) = chosen(&journal, args, common).await? else { return Ok(Exit::Usage) };
    let now = RunState::fold(&journal.events(&run).await?)?;
    let again = match wanted(&now, args) {
        Ok(again) => again,
        Err(why) => {
            show::error(why);
            return Ok(Exit::Usage);
        }
    };
    let marks = match marks(&now, &args.mark, &redactor) {
        Ok(marks) => marks,
        Err(why) => {
            show::error(why);
            return Ok(Exit::Usage);
        }
    };
    let Some(stored) = journal.blob(&run, &now.header().stored).await? else {
        show::error(format!(
            "the plan of run {run} is missing or changed in the state folder, so it cannot go on; what is known of it: refloat report {run} --verify"
        ));
        return Ok(Exit::Unreachable);
    };
    let Some(plan) = duty::restored(&stored, now.header().plan, &args.param, common) else { return Ok(Exit::Text) };
    if let Some(stranger) = again.skip.iter().find(|skip| !plan.runbook.all_steps().iter().any(|s| s.path == **skip)) {
        show::error(format!("this run has no step `{stranger}`; its steps are listed by: refloat report {run}"));
        return Ok(Exit::Usage);
    }
    plan.teach(&redactor);
    let digest = plan.digest.to_string();
    if let Some((_, other)) = args.confirm.iter().find(|(_, wanted)| !digest.starts_with(wanted.as_str())) {
        show::error(format!("--confirm is for plan {other}, and this run has plan {}", plan.digest.short()));
        return Ok(Exit::Refused);
    }
    drift::tell(&plan, now.header(), &redactor, common);
    let _lock = match exec::lock(&plan, state, &run) {
        Ok(lock) => lock,
        Err(why) => {
            show::error(why);
            return Ok(Exit::Refused);
        }
    };
    let resumed = Resumed {
        operator: env::operator(),
        controller: env::controller(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        verb: "resume".to_owned(),
        reason: args.reason.clone().map(|reason| redactor.redact(reason)),
    };
    let log = journal.resume(&run, resumed).await?;
    if !marks.is_empty() {
        log.record(marks).await?;
    }
    let facts = RunFacts {
        id: run.to_string(),
        started_at: now.opened().rfc3339(),
        mode: "run",
        // texts are rendered as they were
        operator: now.header().operator.clone(),
    };
    let answers = Answers::new(&plan, &args.confirm, args.yes);
    let begun = Begun {
        plan,
        log,
        facts,
        clock,
        before: Some(now),
        again: Some(again),
        takeover: args.takeover.clone(),
        verb: "resume",
        reporter: None,
    };
    Ok(match execute::carry_out(begun, answers, reins, common, exec::execute).await {
        Ok(closed) => execute::ended(&run, &closed, common),
        Err(exit) => exit,
    })
}

/// The run that is meant; none: why, was said.
async fn chosen(journal: &Journal, args: &ResumeArgs, common: &Common) -> Result<Option<RunId>, JournalError> {
    if let Some(run) = &args.run {
        let summary = journal.summary(&journal.find(run).await?).await?;
        if let Err(why) = can_go_on(&summary) {
            show::error(why);
            return Ok(None);
        }
        journal.is_ours(summary.run())?;
        return Ok(Some(summary.run().clone()));
    }
    // one that was refused has nothing to go on with; whoever means it names it
    let refused = |summary: &RunSummary| summary.status == RunStatus::Closed(Verdict::Refused);
    for summary in journal.runs(usize::MAX).await?.into_iter().filter(|summary| !refused(summary)) {
        if let (Ok(why), Ok(())) = (can_go_on(&summary), journal.is_ours(summary.run())) {
            if common.output == Output::Text {
                let (run, book) = (summary.run(), escape(&summary.state.header().runbook));
                outln!("Goes on with run {run} ({book}), the newest that can: {why}");
            }
            return Ok(Some(summary.run().clone()));
        }
    }
    show::error("there is no run that could go on; to see all: refloat runs");
    Ok(None)
}

/// Why a run can go on, or why it cannot.
fn can_go_on(summary: &RunSummary) -> Result<String, String> {
    let run = summary.run();
    if summary.state.header().mode == Mode::Check {
        return Err(format!("run {run} only looked: there is nothing to go on with"));
    }
    match summary.status {
        RunStatus::Alive => Err(format!("run {run} goes on in another process")),
        RunStatus::CutOff => Ok("it was cut off".to_owned()),
        RunStatus::Closed(Verdict::Recovered | Verdict::Ready | Verdict::NotReady) => {
            let owed = summary.state.open_duties().next().is_some();
            let owed = if owed { format!("; what it owes to hosts: refloat duty {run}") } else { String::new() };
            Err(format!("run {run} is done, every step of it{owed}"))
        }
        RunStatus::Closed(verdict) => Ok(format!("it ended as: {}", verdict.words())),
    }
}

fn wanted(now: &RunState, args: &ResumeArgs) -> Result<Again, String> {
    let undo = now.units().find(|unit| unit.start.unit.phase == Phase::Undo && unit.is_unresolved());
    if let (true, Some(undo)) = (args.retry_failed, undo) {
        let run = &now.header().run;
        return Err(format!(
            "an undo was interrupted ({} on {}), and is finished before anything is begun anew: refloat resume {run}",
            undo.start.unit.step,
            undo.start.unit.host()
        ));
    }
    for path in &args.skip {
        let open = now.units().find(|unit| unit.start.unit.step == *path && unit.end.is_none());
        if let Some(open) = open {
            let host = open.start.unit.host();
            return Err(format!(
                "`{path}` was started on {host} and nobody knows what became of it: resume without --skip asks the host, or say what you found: --mark {path}@{host}=ok"
            ));
        }
    }
    let why = args.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
    Ok(Again {
        retry_failed: args.retry_failed,
        skip: args.skip.iter().cloned().collect(),
        skipped: format!("skipped by {}{why}", env::operator()),
    })
}

/// What a person says of units of which nobody knows.
fn marks(now: &RunState, wanted: &[(String, Mark)], redactor: &Redactor) -> Result<Vec<EventKind>, String> {
    let doubtful: Vec<&UnitState> = now.units().filter(|unit| unit.is_unresolved()).collect();
    let mut marks = Vec::new();
    for (name, mark) in wanted {
        let mut meant = doubtful.iter().filter(|unit| is_called(unit, name));
        let unit = match (meant.next(), meant.next()) {
            (Some(unit), None) => unit,
            (None, _) => {
                let names: Vec<String> = doubtful.iter().map(|unit| called(unit)).collect();
                let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                return Err(format!("`{name}` is nothing in doubt; what is: {names}"));
            }
            (Some(one), Some(other)) => {
                let (one, other) = (one.start.key, other.start.key);
                return Err(format!("`{name}` could be {one} or {other}; give the beginning of the key"));
            }
        };
        let by = env::operator();
        let outcome = match mark {
            Mark::Ok => Outcome::Changed,
            Mark::Failed => Outcome::Failed { reason: redactor.redact(format!("{by} says that it had no effect")) },
        };
        marks.push(EventKind::UnitMarked { key: unit.start.key, outcome, by });
    }
    Ok(marks)
}

/// `recover/fence@web-3`, with where it runs when that is elsewhere.
fn called(unit: &UnitState) -> String {
    let of = &unit.start.unit;
    match &of.on {
        Some(on) if on != of.host() => format!("{}@{}:{on}", of.step, of.host()),
        _ => format!("{}@{}", of.step, of.host()),
    }
}

fn is_called(unit: &UnitState, name: &str) -> bool {
    let key = unit.start.key.to_string();
    called(unit) == name || (name.len() >= 4 && key.starts_with(name))
}
