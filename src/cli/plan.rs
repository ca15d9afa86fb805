//! `refloat plan`: every step, host and rendered command, offline; and the making of a plan, which `run` shares.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use super::args::{Common, Output, PlanArgs, Subject};
use super::{env, load, pinned, secrets, show};
use crate::base::diag::Diagnostics;
use crate::base::exit::Exit;
use crate::base::span::Sources;
use crate::inventory::Inventory;
use crate::plan::{self, Given, Plan, PreviewStep};
use crate::report::escape;
use crate::runbook::{Runbook, SecretFrom};
use crate::text::{Sp, Tree};

pub fn run(args: &PlanArgs, common: &Common) -> Exit {
    // a secret that a program would say is not needed to look at a plan
    let unasked = |from: &SecretFrom| match from {
        SecretFrom::Command(_) => Ok(None),
        _ => secrets::ask(from),
    };
    let plan = match make(&args.subject, Making::of_a_run(&args.subject.param, &unasked), common) {
        Ok(made) => made.plan,
        Err(exit) => return exit,
    };
    let steps = plan::preview(&plan);
    if let Some(file) = &args.out
        && let Err(exit) = pinned::write(file, &plan, &args.subject)
    {
        return exit;
    }
    match common.output {
        Output::Json => show::json(&json(&plan, &steps)),
        Output::Text => out!("{}", text(&plan, &steps)),
    }
    if let (Some(file), Output::Text) = (&args.out, common.output) {
        pinned::tell(file, &plan);
    }
    Exit::Ok
}

/// Of what a plan is made beside its files, and for what.
#[derive(Clone, Copy)]
pub struct Making<'a> {
    /// What was given for params.
    pub params: &'a [(String, String)],
    /// Reads a variable of the environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Where secrets come from that nobody gives.
    pub secrets: &'a plan::Secrets<'a>,
    /// A dry run: what `rehearse` says counts for what nobody gives.
    pub dry: bool,
    /// What is given is for several runbooks: one need not have every param.
    pub shared: bool,
}

impl<'a> Making<'a> {
    /// A plan of one runbook, to be carried out with what is given.
    pub fn of_a_run(params: &'a [(String, String)], secrets: &'a plan::Secrets<'a>) -> Self {
        Self { params, env: &env::var, secrets, dry: false, shared: false }
    }
}

/// A plan, and what it was made of.
pub struct Made {
    pub plan: Arc<Plan>,
    /// Every file that was read.
    pub files: Vec<PathBuf>,
    /// The params that `rehearse` gave.
    pub rehearsed: Vec<String>,
}

/// The values of `rehearse` that count: those that nobody gives, here or in the environment.
fn rehearsed(book: &Runbook, making: Making<'_>) -> IndexMap<Sp<String>, Tree> {
    let in_the_environment = |name: &str| {
        let variable = book.params.get(name).and_then(|param| param.env.as_ref());
        variable.and_then(|variable| (making.env)(variable)).is_some_and(|value| !value.is_empty())
    };
    let free = |name: &str| !making.params.iter().any(|(given, _)| given == name) && !in_the_environment(name);
    let all = book.rehearse.iter().filter(|(name, _)| making.dry && free(&name.value));
    all.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Makes the plan, showing every mistake.
pub fn make(subject: &Subject, making: Making<'_>, common: &Common) -> Result<Made, Exit> {
    load::given_once(making.params).map_err(|why| {
        show::error(why);
        Exit::Usage
    })?;
    let (mut sources, diags) = (Sources::default(), Diagnostics::new());
    let made = from_files(&subject.runbook, &subject.inventory, making, &mut sources, &diags);
    let findings = diags.into_sorted();
    let exit = show::findings_of_a_plan(&sources, &findings, common);
    match made {
        Some(made) if exit == Exit::Ok => Ok(made),
        _ => Err(Exit::Text),
    }
}

/// The same, and what is wrong is only recorded.
pub fn from_files(
    runbook: &Path,
    inventories: &[PathBuf],
    making: Making<'_>,
    sources: &mut Sources,
    diags: &Diagnostics,
) -> Option<Made> {
    let inventory = load::inventory(inventories, sources, diags);
    let loaded = load::runbook(runbook, inventory.as_ref(), sources, diags);
    let (Some(loaded), Some(inventory), false) = (loaded, inventory, diags.has_errors()) else { return None };
    let mut files = loaded.files;
    files.extend(Inventory::files(inventories));
    files.extend(inventory.hosts().filter_map(|host| host.connect.ssh_config.clone()));
    let known = |name: &str| !making.shared || loaded.runbook.params.contains_key(name);
    let params: Vec<_> = making.params.iter().filter(|(name, _)| known(name)).cloned().collect();
    let values = rehearsed(&loaded.runbook, making);
    let rehearsed: Vec<String> = values.keys().map(|name| name.value.clone()).collect();
    let written = values.keys().next().map(|name| (&values, name.span));
    let given = Given { params: &params, written, env: making.env, secrets: making.secrets };
    let plan = Arc::new(plan::build(loaded.runbook, inventory, &loaded.templates, &given, sources, diags)?);
    plan::refuse(&plan::preview(&plan), diags);
    Some(Made { plan, files, rehearsed })
}

fn text(plan: &Plan, steps: &[PreviewStep]) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    let runbook = &plan.runbook;
    let _ = writeln!(out, "{} · {}", runbook.name.value, escape(runbook.title.as_deref().unwrap_or_default()));
    let owner = runbook.owner.as_deref().map(|owner| format!(" · owner {}", escape(owner))).unwrap_or_default();
    let _ = writeln!(out, "risk {}{owner} · plan {}", runbook.risk.value.word(), plan.digest.short());
    for line in runbook.description.iter().flat_map(|text| text.lines()) {
        let _ = writeln!(out, "  {}", escape(line));
    }
    for (name, hosts) in &plan.targets {
        let names: Vec<&str> = hosts.iter().map(crate::inventory::HostName::as_str).collect();
        let _ = writeln!(out, "  {name}: {}", if names.is_empty() { "none".to_owned() } else { names.join(", ") });
    }
    for step in steps {
        let indent = "  ".repeat(step.depth);
        let id = step.path.rsplit('/').next().unwrap_or(&step.path);
        let _ = writeln!(
            out,
            "\n{indent}{id} [{}] {}",
            step.action,
            if step.title == id { String::new() } else { escape(&step.title) }
        );
        if let Some(why) = &step.why {
            let _ = writeln!(out, "{indent}  why: {}", escape(why));
        }
        if !step.how.is_empty() {
            let _ = writeln!(out, "{indent}  {}", step.how.join(", "));
        }
        if let Some(later) = &step.later {
            let _ = writeln!(out, "{indent}  on {later}");
        }
        for host in &step.hosts {
            let user = host.user.as_ref().map(|user| format!(" as {}", escape(user))).unwrap_or_default();
            let place = host.host.as_ref().map(|name| format!("{name}{user}: ")).unwrap_or_default();
            let what = escape(&host.what);
            let _ = writeln!(out, "{indent}  {place}{what}");
        }
    }
    out
}

fn json(plan: &Plan, steps: &[PreviewStep]) -> serde_json::Value {
    let steps: Vec<_> = steps
        .iter()
        .map(|step| {
            let hosts: Vec<_> = step
                .hosts
                .iter()
                .map(|host| serde_json::json!({ "host": host.host, "user": host.user, "what": host.what }))
                .collect();
            serde_json::json!({
                "step": step.path, "title": step.title, "action": step.action, "on": step.later, "how": step.how, "hosts": hosts,
            })
        })
        .collect();
    serde_json::json!({
        "runbook": plan.runbook.name.value,
        "risk": plan.runbook.risk.value.word(),
        "plan": plan.digest.to_string(),
        "targets": plan.targets,
        "steps": steps,
    })
}
