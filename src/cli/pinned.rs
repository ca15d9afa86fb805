//! Plans in files: written by `plan --out`, carried out by `run --plan`. What is carried out is what was looked at: where
//! its runbook and inventory would do something else by now, nothing is begun.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{Common, Output, Subject};
use super::plan::{Made, Making, from_files};
use super::run::Planned;
use super::{drift, duty, env, load, show};
use crate::base::diag::Diagnostics;
use crate::base::exit::Exit;
use crate::base::secret::{Redacted, Redactor};
use crate::base::span::Sources;
use crate::inventory::Inventory;
use crate::plan::{self, Pinned, Plan};
use crate::report::escape;
use crate::runbook::Kind;
use crate::text::Node;

/// So many differences are shown; more help nobody who was woken up.
const SHOWN: usize = 20;

/// Writes a plan to a file, whole or not at all.
pub fn write(file: &Path, plan: &Arc<Plan>, subject: &Subject) -> Result<(), Exit> {
    let refused = |why: String| {
        show::error(why);
        Exit::Refused
    };
    let origin = drift::origin(subject, plan);
    let bytes = Pinned::new(plan, origin, &subject.param, &env::var, env!("CARGO_PKG_VERSION")).bytes();
    let redactor = Redactor::default();
    plan.teach(&redactor);
    if redactor.redact_bytes(&bytes) != bytes {
        return Err(refused(format!(
            "the value of a secret stands elsewhere in the plan as well, so {} would give it away; it was not written",
            file.display()
        )));
    }
    let is_file = file.symlink_metadata().map(|meta| meta.is_file());
    if is_file.is_ok_and(|is| !is) || std::fs::read(file).is_ok_and(|there| !Pinned::is_one(&there)) {
        let shown = file.display();
        return Err(refused(format!(
            "{shown} is there, and is no plan of refloat; it is left as it is. Name another file"
        )));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let put = || {
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        temporary.write_all(&bytes)?;
        temporary.as_file().sync_all()?;
        temporary.persist(file).map_err(|error| error.error)
    };
    put().map(drop).map_err(|error| refused(format!("{} cannot be written: {error}", file.display())))
}

/// Says what was written, and what to type.
pub fn tell(file: &Path, plan: &Plan) {
    let (shown, typed) = (escape(&file.display().to_string()), typed(&file.display().to_string()));
    outln!("\nWritten to {shown}: plan {}", plan.digest);
    outln!("To look whether it would work now: refloat check --plan {typed}");
    outln!("To carry it out: refloat run --plan {typed}");
    outln!("With nobody at the terminal: refloat run --plan {typed} --confirm VALUE@{}", plan.digest.short());
}

/// The plan of a file, to be carried out, when it is whole and still what its files would do. Of `params` it takes secrets.
pub fn take(file: &Path, params: &[(String, String)], common: &Common) -> Result<Planned, Exit> {
    let wrong = |why: &dyn std::fmt::Display| {
        show::error(format!("the plan {} cannot be carried out: {why}", file.display()));
        Exit::Text
    };
    load::given_once(params).map_err(|why| {
        show::error(why);
        Exit::Usage
    })?;
    let bytes = std::fs::read(file).map_err(|error| wrong(&error))?;
    let pinned = Pinned::read(&bytes).map_err(|error| wrong(&error))?;
    let missing = drift::missing(&pinned.origin);
    let mut given = params.to_vec();
    if missing.is_none() {
        given.extend(of_hosts(&pinned, params));
    }
    let plan = duty::restored(&pinned.stored.bytes(), pinned.plan, &given, common).ok_or(Exit::Text)?;
    if let Some((name, _)) = params.iter().find(|(name, _)| !is_secret(&plan, name)) {
        show::error(format!(
            "-p {name}=…: what is no secret is fixed in a plan; for another value make another plan: {}",
            again(&pinned, file)
        ));
        return Err(Exit::Usage);
    }
    match missing {
        None => unchanged(&pinned, &plan, params, file, common)?,
        Some(missing) if common.output == Output::Text => {
            let missing = escape(missing);
            outln!(
                "{missing} cannot be read here: the plan is carried out as it was made, and compared with nothing.\n"
            );
        }
        Some(_) => {}
    }
    let mut files = vec![file.to_owned()];
    files.extend(plan.inventory.hosts().filter_map(|host| host.connect.ssh_config.clone()));
    Ok(Planned { plan, files, origin: pinned.origin })
}

/// Refuses a plan whose files would do something else now.
fn unchanged(
    pinned: &Pinned,
    plan: &Arc<Plan>,
    params: &[(String, String)],
    file: &Path,
    common: &Common,
) -> Result<(), Exit> {
    let (mut sources, diags) = (Sources::default(), Diagnostics::new());
    let of_the_run = params.iter().filter(|(name, _)| !name.contains('/')).cloned();
    let params: Vec<_> = pinned.params.clone().into_iter().chain(of_the_run).collect();
    let env = |name: &str| pinned.env.get(name).cloned().unwrap_or_else(|| env::var(name));
    // secrets are not compared, so none is asked for a second time
    let making = Making { env: &env, ..Making::of_a_run(&params, &|_| Ok(None)) };
    let inventory: Vec<PathBuf> = pinned.origin.inventory.iter().map(|path| path.as_str().into()).collect();
    let runbook = Path::new(pinned.origin.runbook.as_str());
    let made = from_files(runbook, &inventory, making, &mut sources, &diags);
    let (made, name) = (made.filter(|_| !diags.has_errors()), plan.digest.short());
    let Some(Made { plan: now, .. }) = made else {
        show::findings_of_a_plan(&sources, &diags.into_sorted(), common);
        show::error(format!(
            "the files of plan {name} make no plan any more, so it is not carried out; nothing was begun"
        ));
        return Err(Exit::Refused);
    };
    let differences = plan::differences(plan, &now);
    if differences.is_empty() {
        return Ok(());
    }
    show::error(format!("plan {name} is not what its files would do now, so it is not carried out; nothing was begun"));
    errln!("- in the plan, + in the files:");
    for one in differences.iter().take(SHOWN) {
        show::tell(&drift::shown(one));
    }
    if differences.len() > SHOWN {
        errln!("  … and {} more", differences.len() - SHOWN);
    }
    errln!("To do what the files say, make the plan again, and look at it: {}", again(pinned, file));
    errln!("It will be plan {0}: a --confirm for it ends with @{0}.", now.digest.short());
    errln!("To do what this plan says, bring its files back as they were.");
    Err(Exit::Refused)
}

/// What makes the plan again.
fn again(pinned: &Pinned, file: &Path) -> String {
    let mut words = vec!["refloat plan".to_owned(), typed(pinned.origin.runbook.as_str())];
    words.extend(pinned.origin.inventory.iter().map(|path| format!("-i {}", typed(path.as_str()))));
    words.extend(pinned.params.iter().map(|(name, value)| format!("-p {}", typed(&format!("{name}={value}")))));
    words.push(format!("--out {}", typed(&file.display().to_string())));
    escape(&words.join(" "))
}

/// A word as a shell takes it.
fn typed(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Whether a name of `-p` is a secret of a plan: a param, or a var of a host.
fn is_secret(plan: &Plan, name: &str) -> bool {
    match name.split_once('/') {
        Some((host, var)) => plan.inventory.host(host).is_some() && plan.runbook.var_is_secret(var) == Some(true),
        None => plan.runbook.params.get(name).is_some_and(|param| param.limits.kind.value == Kind::Secret),
    }
}

/// The secret vars of hosts, which are in the inventory and not in the plan.
fn of_hosts(pinned: &Pinned, given: &[(String, String)]) -> Vec<(String, String)> {
    let paths: Vec<&str> = pinned.origin.inventory.iter().map(Redacted::as_str).collect();
    // what is wrong with it is told where the plan is compared with it
    let Some(inventory) = Inventory::load(&paths, &mut Sources::default(), &Diagnostics::new()) else {
        return Vec::new();
    };
    let hosts = pinned.stored.hosts.iter().filter_map(|(name, stored)| Some((inventory.host(name)?, stored)));
    let secrets = hosts.flat_map(|(host, stored)| {
        let wanted = stored.vars.iter().filter(|(name, kept)| **kept == serde_json::json!({ "secret": name }));
        wanted.filter_map(|(name, _)| {
            let Node::Str(text) = &host.vars.get(name)?.value else { return None };
            Some((format!("{}/{name}", host.name), text.clone()))
        })
    });
    secrets.filter(|(name, _)| !given.iter().any(|(other, _)| other == name)).collect()
}
