//! From the text of a drill to what can be carried out, offline, with all mistakes in one go.

use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::{SourceId, Sources};
use crate::inventory::{HostName, Inventory, Name, Names, Selector};
use crate::lab::files;
use crate::lab::record::Record;
use crate::lab::{Fault, Mode, Place, Spec};
use crate::plan::{self, Given, Plan, World};
use crate::runbook::{self, Body, OnFailure, Runbook, SecretFrom, Templates};
use crate::text::{Sp, Tree};

use super::expect::near;
use super::fault::When;
use super::file::{Case, Drill};

/// A part of a drill that is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Before anything is broken.
    Setup,
    /// The recovery.
    Recover,
    /// After it.
    Verify,
}

impl Part {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Recover => "recover",
            Self::Verify => "verify",
        }
    }
}

/// Everything that can be known before a lab is made.
#[derive(Debug)]
pub struct Ready {
    /// What is done first.
    pub setup: Arc<Plan>,
    /// The recovery.
    pub recover: Arc<Plan>,
    /// What must hold in the end.
    pub verify: Arc<Plan>,
    /// What is broken, when (steps by their paths), in words, and how.
    pub faults: Vec<(When, String, Vec<Fault>)>,
}

/// The inventory that a lab would write, for looking at a drill without making one.
#[must_use]
pub fn inventory_text(spec: &Spec) -> String {
    let place = |host: &crate::lab::HostSpec| Place { name: host.name.clone(), address: host.address, port: 22 };
    let places: Vec<Place> = spec.hosts.iter().map(place).collect();
    let record = Record {
        id: String::new(),
        spec: spec.clone(),
        mode: Mode::Root,
        user: "ops".to_owned(),
        places: places.clone(),
    };
    files::inventory(&record, &places)
}

/// What a lab says of itself.
pub struct Told {
    /// The text of its inventory.
    pub inventory: SourceId,
    /// The folder that paths in it are below.
    pub folder: PathBuf,
    /// Variables that open its hosts' APIs; those of the person at the controller are none of the drill's.
    pub env: Vec<(&'static str, String)>,
}

/// Makes a case ready. `lab` is what its lab says, `runbook` the text of its runbook; `templates` finds what a part uses:
/// other runbooks, which it puts into it, and template files. `None` when a mistake was recorded.
pub fn prepare(
    drill: &Drill,
    case: &Case,
    runbook: SourceId,
    lab: Told,
    templates: &mut dyn FnMut(Part, &mut Runbook, &mut Sources) -> Templates,
    sources: &mut Sources,
    diags: &Diagnostics,
) -> Option<Ready> {
    let parts = [(lab.inventory, lab.folder)];
    let env = |name: &str| lab.env.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let load = |sources: &Sources, diags: &Diagnostics| Inventory::from_sources(&parts, sources, diags);
    let inventory = load(sources, diags)?;
    let mut main = runbook::parse(runbook, sources, diags)?;
    if main.name.value != drill.runbook.value {
        let message = format!("the runbook is called `{}`", main.name.value);
        diags.push(Diagnostic::error("name", drill.runbook.span, message).and(main.name.span, "there"));
    }
    let mut main_files = Some(templates(Part::Recover, &mut main, sources));
    look(case, &main, &inventory, diags);
    let again = |sources: &Sources| runbook::parse(runbook, sources, &Diagnostics::new());
    let other = |part: Part, steps: &[Tree], sources: &Sources| {
        let name = Sp::new(format!("{}/{}", drill.name.value, part.word()), drill.name.span);
        let steps = again(sources)?.with_steps(name, steps, diags);
        own_hosts_only(part, &steps, diags);
        Some(steps)
    };
    let books = [
        (Part::Setup, other(Part::Setup, &case.setup, sources)?),
        (Part::Recover, main),
        (Part::Verify, other(Part::Verify, &case.verify, sources)?),
    ];
    let mut plans = Vec::new();
    // the secrets of the person at the controller are none of the drill's
    let secrets = |_: &SecretFrom| Err("a drill is given it, below `params:`".to_owned());
    for (part, mut book) in books {
        let found = if part == Part::Recover { main_files.take() } else { None };
        let files = found.unwrap_or_else(|| templates(part, &mut book, sources));
        runbook::validate(&book, sources, &files, Some(&inventory), diags);
        let given = Given { params: &[], written: Some((&case.params, case.name.span)), env: &env, secrets: &secrets };
        // what is wrong with the lab was found above, and with the params it is found once
        let nobody = Diagnostics::new();
        let diags = if part == Part::Recover { diags } else { &nobody };
        let inventory = load(sources, &nobody)?;
        plans.extend(plan::build(book, inventory, &files, &given, sources, diags).map(Arc::new));
    }
    let [setup, recover, verify] = <[Arc<Plan>; 3]>::try_from(plans).ok()?;
    let world = World::offline(Arc::clone(&recover));
    let mut faults = Vec::new();
    for moment in &case.faults {
        let path = |step: &Sp<String>| step.clone().map(|step| path_of(&step, &recover.runbook).unwrap_or(step));
        let when = match &moment.when {
            When::First => When::First,
            When::Before(step) => When::Before(path(step)),
            When::After(step) => When::After(path(step)),
        };
        match moment.faults(&mut |selector| world.resolve(selector)) {
            Ok(all) => faults.push((when, moment.words.clone(), all)),
            Err(why) => diags.push(Diagnostic::error("wrong-hosts", moment.span, why)),
        }
    }
    (!diags.has_errors()).then_some(Ready { setup, recover, verify, faults })
}

/// What the case says of the runbook and of the lab.
fn look(case: &Case, runbook: &Runbook, inventory: &Inventory, diags: &Diagnostics) {
    let hosts = runbook.params.iter().filter(|(_, param)| param.limits.kind.value.is_target()).map(|(name, _)| name);
    let targets = runbook.targets.keys().chain(hosts).cloned();
    let names = Loose { inventory, targets: targets.collect() };
    for moment in &case.faults {
        for selector in moment.selectors() {
            selector.check(&names).into_iter().for_each(|finding| diags.push(finding));
            not_the_controller(selector, "a fault", diags);
        }
        match &moment.when {
            When::Before(id) | When::After(id) => step(id, runbook, diags),
            When::First => {}
        }
    }
    for (id, _) in &case.answers {
        step(id, runbook, diags);
        let asks = |step: &runbook::Step| {
            let between = step.flow.rolling.as_ref().is_some_and(|rolling| rolling.confirm_after.is_some());
            let fails = step.on_failure.as_ref().is_some_and(|what| what.value == OnFailure::Ask);
            between || fails || matches!(step.body, Body::Gate(_))
        };
        let asked = runbook.all_steps().into_iter().find(|step| step.path == id.value || step.id.value == id.value);
        let gate = asked.is_none_or(asks);
        if !gate {
            let message = format!("step `{}` asks nobody", id.value);
            diags.push(
                Diagnostic::error("no-question", id.span, message)
                    .help("answers are for `confirm`, `ask` and `manual` steps, and for `confirm_after`"),
            );
        }
    }
    case.expect.check(runbook, inventory, diags);
}

/// The path of a step, which may be named by its id or by its path.
fn path_of(name: &str, runbook: &Runbook) -> Option<String> {
    let is = |step: &&&runbook::Step| step.path == name || step.id.value == name;
    runbook.all_steps().iter().find(is).map(|step| step.path.clone())
}

pub(super) fn step(name: &Sp<String>, runbook: &Runbook, diags: &Diagnostics) {
    if path_of(&name.value, runbook).is_none() && !runbook.broken.steps.contains(&name.value) && !name.span.is_nowhere()
    {
        let known: Vec<String> = runbook.all_steps().iter().map(|step| step.id.value.clone()).collect();
        let message = format!("runbook `{}` has no step `{}`", runbook.name.value, name.value);
        let help = near(&name.value, known.iter().map(String::as_str));
        diags.push(Diagnostic::error("unknown-step", name.span, message).maybe_help(help));
    }
}

pub(super) fn host(name: &Sp<String>, inventory: &Inventory, diags: &Diagnostics) {
    if inventory.host(&name.value).is_none() && !name.span.is_nowhere() {
        let message = format!("the lab has no host `{}`", name.value);
        let help = near(&name.value, inventory.hosts().map(|host| host.name.as_str()));
        diags.push(Diagnostic::error("unknown-hosts", name.span, message).maybe_help(help));
    }
}

/// Setup and verify change hosts of the lab, never this machine.
fn own_hosts_only(part: Part, book: &Runbook, diags: &Diagnostics) {
    for step in book.all_steps() {
        if let (Body::Action(_), Some(hosts)) = (&step.body, &step.hosts) {
            not_the_controller(hosts, &format!("a step of `{}`", part.word()), diags);
        }
    }
}

fn not_the_controller(selector: &Selector, what: &str, diags: &Diagnostics) {
    for name in selector.names() {
        if name.value == HostName::CONTROLLER {
            let message = format!("{what} touches hosts of the lab only, and the controller is this machine");
            diags.push(Diagnostic::error("not-in-the-lab", name.span, message));
        }
    }
}

/// The lab's names, and the runbook's targets: of these only that they exist is known.
struct Loose<'a> {
    inventory: &'a Inventory,
    targets: Vec<String>,
}

impl Names for Loose<'_> {
    fn look_up(&self, name: &str) -> Vec<Name> {
        let known = self.targets.iter().any(|target| target == name);
        let target = known.then(|| Name { kind: "target", hosts: Vec::new() });
        target.into_iter().chain(self.inventory.look_up(name)).collect()
    }

    fn known(&self) -> Vec<String> {
        self.targets.iter().cloned().chain(self.inventory.known()).collect()
    }

    fn all_hosts(&self) -> Vec<HostName> {
        self.inventory.all_hosts()
    }
}

/// The answers of a case, by the paths of their steps.
pub(super) fn answers(case: &Case, runbook: &Runbook) -> IndexMap<String, String> {
    let path = |step: &Sp<String>| path_of(&step.value, runbook).unwrap_or_else(|| step.value.clone());
    case.answers.iter().map(|(step, text)| (path(step), text.value.clone())).collect()
}
