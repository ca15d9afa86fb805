//! `refloat drill`: for each drill a lab is made; inside its network a process of its own carries the drill out
//! ([`inside`]), since the engine connects from where it runs; then the lab is taken down and the time is kept.

mod history;
mod inside;
mod interrupt;
mod show;

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use crate::base::clock::{Clock as _, SystemClock};
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::exit::Exit;
use crate::base::process;
use crate::base::span::Sources;
use crate::lab::drill::{Case, Drill, Entry, History, MAIN, Outcome};
use crate::lab::{Lab, LabError, Mode};
use crate::runbook::Risk;

use super::args::{Common, DrillArgs, Output};
use super::load;
use interrupt::Interrupt;

/// The file in the lab's folder in which the process inside leaves what it saw.
const RESULT: &str = "drill.json";

/// Does what `refloat drill` was asked.
pub fn run(args: &DrillArgs, common: &Common) -> Exit {
    if let Some(dir) = &args.inside {
        return inside::run(args, common, dir);
    }
    let state = match super::env::state(common) {
        Ok(state) => state,
        Err(why) => {
            super::show::error(why);
            return Exit::Unreachable;
        }
    };
    if args.history {
        return history::run(args, common, &state);
    }
    let todo = match choose(args, common) {
        Ok(todo) => todo,
        Err(exit) => return exit,
    };
    let interrupt = match Interrupt::obey() {
        Ok(interrupt) => interrupt,
        Err(error) => {
            super::show::error(format!("cannot start: {error}"));
            return Exit::Unreachable;
        }
    };
    let program = Program { args, common, state, interrupt: &interrupt };
    program.all(&todo)
}

/// A drill to be carried out.
struct Todo {
    file: PathBuf,
    drill: Arc<Drill>,
    case: Case,
}

/// Reads and checks every drill, and takes those that were asked for.
fn choose(args: &DrillArgs, common: &Common) -> Result<Vec<Todo>, Exit> {
    let (mut sources, diags) = (Sources::default(), Diagnostics::new());
    let default = [PathBuf::from("runbooks")];
    let named = if args.files.is_empty() { &default[..] } else { &args.files };
    let (mut todo, mut files, mut destructive) = (Vec::new(), Vec::new(), false);
    for path in super::validate::drills(named, &diags) {
        let Some(mut loaded) = load::drill(&path, &mut sources, &diags) else { continue };
        let drill = Arc::new(loaded.drill.clone());
        for case in &drill.cases {
            let ready = loaded.prepare(case, None, &mut sources, &diags);
            destructive |= ready.is_some_and(|ready| ready.recover.runbook.risk.value == Risk::Destructive);
            let (file, drill, case) = (loaded.path.clone(), Arc::clone(&drill), case.clone());
            todo.push(Todo { file, drill, case });
        }
        files.extend(loaded.files);
    }
    if todo.is_empty() && !diags.has_errors() {
        diags.push(Diagnostic::placeless("no-drill", "there is no drill (*.drill.yaml)"));
    }
    let exit = super::show::findings_of_a_plan(&sources, &diags.into_sorted(), common);
    if exit != Exit::Ok {
        return Err(exit);
    }
    if destructive && let Err(why) = super::trust::trusted(&files) {
        super::show::error(why);
        return Err(Exit::Refused);
    }
    if let Some(wanted) = &args.variant {
        let known: Vec<String> = todo.iter().map(|one| one.case.name.value.clone()).collect();
        todo.retain(|one| one.case.name.value == *wanted);
        if todo.is_empty() {
            super::show::error(format!("there is no variant `{wanted}`; there are: {}", known.join(", ")));
            return Err(Exit::Usage);
        }
    }
    Ok(todo)
}

struct Program<'a> {
    args: &'a DrillArgs,
    common: &'a Common,
    state: PathBuf,
    interrupt: &'a Interrupt,
}

impl Program<'_> {
    fn all(&self, todo: &[Todo]) -> Exit {
        let mut outcomes = Vec::new();
        let all = todo.len() * self.args.times as usize;
        let mut worst = Exit::Ok;
        for one in todo {
            for _ in 0..self.args.times {
                if self.interrupt.is_set() {
                    break;
                }
                show::begins(self.quiet(), &one.drill, &one.case, (outcomes.len() + 1, all));
                match self.one(one) {
                    Ok(outcome) => {
                        if !outcome.as_expected && worst == Exit::Ok {
                            worst = Exit::Failed;
                        }
                        outcomes.push(outcome);
                    }
                    Err(error) => {
                        super::lab::show(&error);
                        worst = super::lab::exit_of(&error);
                        break;
                    }
                }
            }
        }
        if self.common.output == Output::Json {
            super::show::json(&show::document(&outcomes, all));
        } else if all > 1 {
            history::print(&self.state, todo);
        }
        if self.interrupt.is_set() { Exit::Cancelled } else { worst }
    }

    /// Whether only the end of each drill is told.
    fn quiet(&self) -> bool {
        self.args.quiet || self.common.output == Output::Json
    }

    fn one(&self, todo: &Todo) -> Result<Outcome, LabError> {
        let Todo { drill, case, .. } = todo;
        let folder = tempfile::Builder::new().prefix("refloat-drill-").tempdir();
        let folder = folder.map_err(|source| LabError::File { path: std::env::temp_dir(), source })?;
        let clock = SystemClock::default();
        let mut outcome = Outcome::new(drill, case);
        let Some(lab) = self.up(folder.path(), case)? else {
            outcome.interrupted = true;
            return Ok(outcome);
        };
        let up = clock.elapsed();
        let what = format!("{} hosts, kit {}", lab.hosts().len(), case.kit);
        show::phase(self.quiet(), "lab", &what, up);
        let seen = self.inside(todo, &lab);
        outcome = match seen {
            Ok(outcome) => outcome,
            Err(why) => {
                outcome.unmet.push(why);
                outcome
            }
        };
        outcome.phases.insert(0, ("lab".to_owned(), up.as_secs_f64()));
        outcome.interrupted |= self.interrupt.is_set();
        if self.args.keep && !outcome.interrupted {
            let kept = folder.keep();
            show::kept(self.common, &kept, &lab);
        } else {
            match lab.down() {
                Ok(()) => self.close_duties(&outcome),
                Err(error) => outcome.unmet.push(format!("the lab could not be taken down: {error}")),
            }
        }
        outcome.as_expected = outcome.unmet.is_empty() && !outcome.interrupted;
        let mut times = None;
        if !outcome.interrupted {
            let entry = Entry::new(&outcome, clock.now().rfc3339());
            match History::add(&self.state, &entry).and_then(|()| History::load(&self.state)) {
                Ok(history) => times = history.of(&outcome.drill, &outcome.variant),
                Err(error) => super::show::error(format!("the history of drills: {error}")),
            }
        }
        show::ended(self.common, &outcome, times.as_ref());
        Ok(outcome)
    }

    /// Nothing is owed to hosts that are gone.
    fn close_duties(&self, outcome: &Outcome) {
        let Some(run) = &outcome.run else { return };
        let closed = super::runs::blocking(super::duty::close_all(&self.state, run, "its lab was taken down"));
        if let Ok(Err(error)) = closed {
            super::show::error(error);
        }
    }

    /// Makes the lab; `None` when a person ended it meanwhile.
    fn up(&self, dir: &Path, case: &Case) -> Result<Option<Lab>, LabError> {
        let Some(spec) = case.lab.clone() else {
            return Err(LabError::Spec { why: "the drill has no lab".to_owned() });
        };
        let quiet = self.quiet();
        let made = Lab::up(dir, spec, &super::lab::machine(), &mut |what| show::progress(quiet, what));
        show::progress_ends(quiet);
        match made {
            Err(_) if self.interrupt.is_set() => Ok(None),
            Err(error) => Err(error),
            Ok(lab) if lab.mode() == Mode::Loopback => {
                lab.down()?;
                Err(LabError::NoFaultsHere { fault: "drill" })
            }
            Ok(lab) => Ok(Some(lab)),
        }
    }

    /// The same program inside the lab's network; what it saw, or why it could not tell.
    fn inside(&self, todo: &Todo, lab: &Lab) -> Result<Outcome, String> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut words = lab.enter();
        let text = |path: &Path| path.display().to_string();
        let file = std::path::absolute(&todo.file).unwrap_or_else(|_| todo.file.clone());
        let state = std::path::absolute(&self.state).unwrap_or_else(|_| self.state.clone());
        words.extend([text(&own), "drill".to_owned(), text(&file), "--inside".to_owned(), text(lab.dir())]);
        words.extend(["--variant".to_owned(), todo.case.name.value.clone(), "--state".to_owned(), text(&state)]);
        if self.quiet() {
            words.push("--quiet".to_owned());
        }
        let mut command = process::blocking(&words[0]);
        command.args(&words[1..]).stdout(Stdio::inherit()).stderr(Stdio::inherit());
        // what a person types at the terminal is for this process, which hands it on
        command.process_group(0);
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", words[0]))?;
        self.interrupt.of(Some(child.id()));
        let ended = child.wait();
        self.interrupt.of(None);
        let ended = ended.map_err(|error| error.to_string())?;
        let result = std::fs::read(lab.dir().join(RESULT)).ok();
        result
            .and_then(|text| serde_json::from_slice(&text).ok())
            .ok_or_else(|| format!("the drill's own process left no result: {ended}"))
    }
}

/// What to call a case.
fn title(drill: &Drill, case: &Case) -> String {
    name(&drill.name.value, &case.name.value)
}

fn name(drill: &str, variant: &str) -> String {
    if variant == MAIN { drill.to_owned() } else { format!("{drill} · {variant}") }
}
