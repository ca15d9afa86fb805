//! `refloat check`: a dry run on the real hosts, which are only looked at. Runbook after runbook, over the same connections.

pub mod args;
mod explain;
mod files;
mod since;
mod text;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use args::CheckArgs;

use super::args::{Common, Output, Subject};
use super::execute::{self, Answers, Begun, Reins};
use super::plan::{self, Making};
use super::run::{self, Planned, Purpose};
use super::{drift, env, pinned, secrets, show, validate};
use crate::base::clock::{Clock, SystemClock};
use crate::base::diag::Diagnostics;
use crate::base::exit::Exit;
use crate::base::ids::RunId;
use crate::base::secret::Redactor;
use crate::base::span::Sources;
use crate::event::{Closed, Mode, Origin, RunState, Verdict};
use crate::exec::{self, Dry, Setup};
use crate::journal::{Journal, JournalError};
use crate::plan::Plan;
use crate::report::{self, Checks, Detail};
use crate::transport::shared::Shared;
use crate::transport::ssh::Options;

pub fn run(args: &CheckArgs, common: &Common) -> Exit {
    if let Err(why) = since::can_sign(args) {
        show::error(why);
        return Exit::Usage;
    }
    let books = match &args.plan {
        Some(file) => vec![(file.clone(), pinned::take(file, &args.param, &for_people(common)).map(Book::pinned))],
        None => match planned(args, common) {
            Ok(books) => books,
            Err(exit) => return exit,
        },
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            show::error(format!("cannot start: {error}"));
            return Exit::Unreachable;
        }
    };
    let exit = runtime.block_on(all(args, common, books));
    runtime.shutdown_background();
    exit
}

/// For programs one document comes in the end; what is wrong with a text is told to people beside it.
fn for_people(common: &Common) -> Common {
    Common { output: Output::Text, ..common.clone() }
}

/// A plan that is looked at.
struct Book {
    plan: Arc<Plan>,
    origin: Origin,
    /// The params that `rehearse` gave.
    rehearsed: Vec<String>,
}

impl Book {
    fn pinned(planned: Planned) -> Self {
        Self { plan: planned.plan, origin: planned.origin, rehearsed: Vec::new() }
    }
}

/// The files that were named, and the plan of each or what it is not made for.
type Books = Vec<(PathBuf, Result<Book, Exit>)>;

fn planned(args: &CheckArgs, common: &Common) -> Result<Books, Exit> {
    let (default, diags) = ([PathBuf::from("runbooks")], Diagnostics::new());
    let files = validate::runbooks(if args.runbooks.is_empty() { &default } else { &args.runbooks }, &diags);
    if diags.has_errors() {
        return Err(show::findings(&Sources::default(), &diags.into_sorted(), common));
    }
    let making = Making { dry: true, shared: files.len() > 1, ..Making::of_a_run(&args.param, &secrets::ask) };
    let one = |runbook: PathBuf| {
        let subject =
            Subject { runbook: runbook.clone(), inventory: args.inventory.clone(), param: args.param.clone() };
        let book = plan::make(&subject, making, &for_people(common)).map(|made| Book {
            origin: drift::origin(&subject, &made.plan),
            plan: made.plan,
            rehearsed: made.rehearsed,
        });
        (runbook, book)
    };
    let books: Books = files.into_iter().map(one).collect();
    match stranger(&args.param, &books) {
        None => Ok(books),
        Some(stranger) => {
            show::error(stranger);
            Err(Exit::Usage)
        }
    }
}

/// A param that none of several runbooks has.
fn stranger(given: &[(String, String)], books: &Books) -> Option<String> {
    let made: Option<Vec<&Book>> = books.iter().map(|(_, book)| book.as_ref().ok()).collect();
    let made = made.filter(|made| made.len() > 1)?;
    let known = |name: &str| made.iter().any(|book| book.plan.runbook.params.contains_key(name));
    let (name, _) = given.iter().find(|(name, _)| !known(name))?;
    Some(format!("none of these runbooks has a param `{name}`"))
}

/// What became of one runbook.
struct Checked {
    runbook: PathBuf,
    exit: Exit,
    /// The dry run as it was written down; none: there was nothing to begin it with.
    state: Option<RunState>,
    rehearsed: Vec<String>,
    /// What has changed since the last one, for programs.
    since: Option<Value>,
}

async fn all(args: &CheckArgs, common: &Common, books: Books) -> Exit {
    let heard = (args.shown.explain && common.output == Output::Text).then(explain::hear);
    let transport = Arc::new(Shared::new(Options::new(RunId::generate(), env::control()), heard));
    let mut checked = Vec::new();
    for (runbook, book) in books {
        let turned = text::turned(args, common, &runbook, book.is_err());
        if let Some(turned) = &turned {
            since::tell(args, turned).await;
        }
        let one = match book {
            Ok(book) => one(args, common, runbook, book, &transport).await,
            Err(exit) => Checked { runbook, exit, state: None, rehearsed: Vec::new(), since: turned },
        };
        let ended = matches!(one.exit, Exit::Cancelled | Exit::Bug);
        checked.push(one);
        if ended {
            break;
        }
    }
    transport.close().await;
    if common.output == Output::Json {
        show::json(&document(&checked));
    }
    match files::write(args, &checked) {
        Ok(()) => worst(&checked),
        Err(exit) => exit,
    }
}

/// The exit of several: what is worst decides.
fn worst(checked: &[Checked]) -> Exit {
    const ORDER: [Exit; 8] = [
        Exit::Bug,
        Exit::Attention,
        Exit::Cancelled,
        Exit::Usage,
        Exit::Text,
        Exit::Unreachable,
        Exit::Refused,
        Exit::Failed,
    ];
    let mut worst = ORDER.into_iter().filter(|exit| checked.iter().any(|one| one.exit == *exit));
    worst.next().unwrap_or(Exit::Ok)
}

async fn one(args: &CheckArgs, common: &Common, runbook: PathBuf, book: Book, transport: &Arc<Shared>) -> Checked {
    let Book { plan, origin, rehearsed } = book;
    let reins = Reins::take();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let redactor = Redactor::default();
    plan.teach(&redactor);
    let run = RunId::generate();
    let opened = async {
        let state = env::state(common).map_err(show::error)?;
        let told = |error: JournalError| show::failure(&error);
        let journal = Journal::open(&state, Arc::clone(&clock), redactor.clone()).map_err(told)?;
        let purpose = Purpose { mode: Mode::Check, reason: None, origin: Some(origin), from: None };
        run::begin(purpose, &plan, &run, journal, &clock, &redactor).await.map_err(told)
    };
    let Ok(run::Begun { log, facts }) = opened.await else {
        return Checked { runbook, exit: Exit::Unreachable, state: None, rehearsed, since: None };
    };
    let detail = Detail { diff: args.shown.diff, explain: args.shown.explain, rehearsed: rehearsed.clone() };
    let reporter: Box<dyn report::Reporter> = match common.output {
        Output::Json => Box::new(report::Silent),
        Output::Text => {
            let look = report::Look::of_stdout();
            // what is read by programs or later is not cut
            let width = if std::io::stdout().is_terminal() { look.width } else { usize::MAX };
            Box::new(Checks::new(std::io::stdout(), report::Look { width, ..look }, detail))
        }
    };
    let begun = Begun {
        plan,
        log: log.clone(),
        facts,
        clock,
        before: None,
        again: None,
        takeover: None,
        verb: "check",
        reporter: Some(reporter),
    };
    let (dry, shared) = (Dry { now: args.now, explain: args.shown.explain }, Arc::clone(transport));
    let work = move |setup| exec::execute(Setup { dry, transport: shared, ..setup });
    let exit = match execute::carry_out(begun, Answers::default(), reins, common, work).await {
        Ok(Closed { verdict, .. }) => exit(verdict),
        Err(exit) => exit,
    };
    let state = log.state();
    let since = if args.compares() && state.closed().is_some() { compare(args, common, &state).await } else { None };
    Checked { runbook, exit, state: Some(state), rehearsed, since }
}

/// Says what has changed since the last check of the same, and tells whoever wants to know.
async fn compare(args: &CheckArgs, common: &Common, state: &RunState) -> Option<Value> {
    let last = match env::state(common) {
        Ok(folder) => match Journal::read(&folder) {
            Ok(journal) => since::last(&journal, state).await,
            Err(error) => Err(error),
        },
        Err(_) => return None,
    };
    let last = last.map_err(|error| show::failure(&error)).ok()?;
    let change = state.change_since(last.as_ref());
    if common.output == Output::Text && args.since_last {
        for line in since::words(&change, last.as_ref()) {
            outln!("  {line}");
        }
    }
    let document = since::document(&change, state, last.as_ref());
    if !change.is_empty() {
        since::tell(args, &document).await;
    }
    Some(document)
}

/// A dry run that hosts could not be reached for is not ready.
fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Unreachable | Verdict::Failed => Exit::Failed,
        verdict => verdict.exit(),
    }
}

fn document(checked: &[Checked]) -> serde_json::Value {
    let each = checked.iter().map(|one| {
        let result = one.state.as_ref().map(report::check_json);
        serde_json::json!({
            "file": one.runbook,
            "exit": one.exit.code(),
            "rehearsed": one.rehearsed,
            "since_last": one.since,
            "check": result,
        })
    });
    serde_json::json!({
        "ready": checked.iter().all(|one| one.exit == Exit::Ok),
        "exit": worst(checked).code(),
        "checks": each.collect::<Vec<_>>(),
    })
}
