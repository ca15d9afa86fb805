//! The process inside the lab's network: it carries one drill out, shows what happens, and leaves what it saw in the
//! lab's folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::base::BoxFuture;
use crate::base::clock::{Clock, SystemClock};
use crate::base::diag::Diagnostics;
use crate::base::exit::Exit;
use crate::base::ids::RunId;
use crate::base::secret::Redactor;
use crate::base::span::Sources;
use crate::event::Mode;
use crate::exec::{Cancel, Canceller};
use crate::journal::Journal;
use crate::lab::Lab;
use crate::lab::drill::{Begin, Case, Desk, Part, Phase, Ready, carry_out};
use crate::plan::Plan;
use crate::report;
use crate::transport::route::Routes;
use crate::transport::ssh::Options;

use super::super::args::{Common, DrillArgs};
use super::super::load::{self, LoadedDrill};
use super::super::run::{self, Purpose};
use super::super::{env, tell};
use super::{RESULT, name, show};

/// Carries the drill out in the lab of a folder.
pub fn run(args: &DrillArgs, common: &Common, dir: &Path) -> Exit {
    let made = ready(args, common, dir);
    let (loaded, case, ready, lab) = match made {
        Ok(made) => made,
        Err(exit) => return exit,
    };
    let state = match env::state(common) {
        Ok(state) => state,
        Err(why) => {
            super::super::show::error(why);
            return Exit::Unreachable;
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            super::super::show::error(format!("cannot start: {error}"));
            return Exit::Unreachable;
        }
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let reason = format!("drill {}", name(&loaded.drill.name.value, &case.name.value));
    let quiet = args.quiet;
    let desk =
        Arc::new(AtTheLab { state, journal: lab.dir().join("journal"), clock: Arc::clone(&clock), reason, quiet });
    let outcome = runtime.block_on(async {
        let (canceller, cancel) = Cancel::pair();
        let canceller = Arc::new(canceller);
        let signals = tokio::spawn(obey(Arc::clone(&canceller)));
        let outcome = carry_out(desk, (&loaded.drill, &case), ready, &lab, clock, (canceller, cancel)).await;
        signals.abort();
        outcome
    });
    let exit = if outcome.as_expected { Exit::Ok } else { Exit::Failed };
    let written = serde_json::to_vec(&outcome).map_err(std::io::Error::from);
    match written.and_then(|text| std::fs::write(dir.join(RESULT), text)) {
        Ok(()) => exit,
        Err(error) => {
            super::super::show::error(format!("{}: {error}", dir.join(RESULT).display()));
            Exit::Unreachable
        }
    }
}

fn ready(args: &DrillArgs, common: &Common, dir: &Path) -> Result<(LoadedDrill, Case, Ready, Lab), Exit> {
    let (mut sources, diags) = (Sources::default(), Diagnostics::new());
    let lab = Lab::open(dir).map_err(|error| {
        super::super::lab::show(&error);
        super::super::lab::exit_of(&error)
    })?;
    let loaded = args.files.first().and_then(|file| load::drill(file, &mut sources, &diags));
    let made = loaded.and_then(|mut loaded| {
        let wanted = args.variant.as_deref();
        let case = loaded.drill.cases.iter().find(|case| Some(case.name.value.as_str()) == wanted)?.clone();
        let ready = loaded.prepare(&case, Some(&lab), &mut sources, &diags)?;
        Some((loaded, case, ready))
    });
    super::super::show::findings(&sources, &diags.into_sorted(), common);
    made.map(|(loaded, case, ready)| (loaded, case, ready, lab)).ok_or(Exit::Text)
}

/// The first signal ends what runs, also on the hosts; a second one leaves at once.
async fn obey(canceller: Arc<Canceller>) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    for again in [false, true] {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if again {
            std::process::exit(Exit::Cancelled.code().into());
        }
        errln!("Ending the drill; its lab is taken down. Again to leave at once.");
        let _ = canceller.more();
        let _ = canceller.more();
    }
}

/// Setup and verify are written down in the lab's folder and go with it; the run is written down as any other.
struct AtTheLab {
    state: PathBuf,
    journal: PathBuf,
    clock: Arc<dyn Clock>,
    reason: String,
    quiet: bool,
}

impl Desk for AtTheLab {
    fn begin<'a>(&'a self, part: Part, plan: &'a Arc<Plan>) -> BoxFuture<'a, Result<Begin, String>> {
        Box::pin(async move {
            let redactor = Redactor::default();
            plan.teach(&redactor);
            let id = RunId::generate();
            // the locks of a drill are the lab's: it neither waits for a real run nor keeps one from its work
            let state = if part == Part::Recover { &self.state } else { &self.journal };
            let journal =
                Journal::open(state, Arc::clone(&self.clock), redactor.clone()).map_err(|error| error.to_string())?;
            let held = Some(crate::exec::lock(plan, &self.journal, &id)?);
            let purpose = Purpose { mode: Mode::Run, reason: Some(&self.reason), origin: None, from: None };
            let begun = run::begin(purpose, plan, &id, journal, &self.clock, &redactor).await;
            let run::Begun { log, facts } = begun.map_err(|error| error.to_string())?;
            let transport = Arc::new(Routes::new(Options::new(id, env::control())));
            let shown = (part == Part::Recover && !self.quiet).then(|| {
                let (questions, _) = watch::channel(0);
                let reporter = report::for_stdout(false, env::steerable());
                tokio::spawn(tell::tell(log.clone(), None, Arc::clone(&self.clock), reporter, questions))
            });
            Ok(Begin { log, facts, transport, shown, held })
        })
    }

    fn phase(&self, phase: &Phase) {
        match phase {
            Phase::Steps(Part::Recover) => {
                show::progress_ends(self.quiet);
            }
            Phase::Steps(part) => show::progress(self.quiet, part.word()),
            Phase::Broken { words } => show::broken(self.quiet, words),
            Phase::Done { name, what, took } => {
                show::progress_ends(self.quiet);
                show::phase(self.quiet, name, what, *took);
            }
        }
    }
}
