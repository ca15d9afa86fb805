//! Reading what a command names: runbooks with their templates, the inventory.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::action::Action;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::{SourceId, Sources};
use crate::inventory::Inventory;
use crate::lab::Lab;
use crate::lab::drill::{self, Case, Drill, Part, Ready, Told};
use crate::runbook::{self, Body, Runbook, Templates, Undo};
use crate::text::{self, Sp};

/// A runbook and its template files.
pub struct Loaded {
    pub runbook: Runbook,
    pub templates: Templates,
    /// Every file that was read.
    pub files: Vec<PathBuf>,
}

/// Reads and checks a runbook as a whole. `None` when nothing can be made of it.
pub fn runbook(
    path: &Path,
    inventory: Option<&Inventory>,
    sources: &mut Sources,
    diags: &Diagnostics,
) -> Option<Loaded> {
    let path = find(path, ".yaml");
    let text = read(&path, diags)?;
    let source = sources.add(path.display().to_string(), text);
    let mut runbook = runbook::parse(source, sources, diags)?;
    let mut files = vec![path.clone()];
    link(&path, &mut runbook, &mut files, sources, diags);
    let templates = templates(&path, &runbook, &mut files, sources, diags);
    runbook::validate(&runbook, sources, &templates, inventory, diags);
    Some(Loaded { runbook, templates, files })
}

/// Reads the runbooks that one uses. Adds what was read to `files`.
fn link(from: &Path, book: &mut Runbook, files: &mut Vec<PathBuf>, sources: &mut Sources, diags: &Diagnostics) {
    let mut read_before: IndexMap<PathBuf, SourceId> = IndexMap::new();
    let mut find = |name: &Sp<String>, sources: &mut Sources, diags: &Diagnostics| {
        let Some(path) = runbook_of(from, name) else {
            no_runbook(name, "the runbook", diags);
            return None;
        };
        if let Some(source) = read_before.get(&path) {
            return Some(*source);
        }
        let source = sources.add(path.display().to_string(), read(&path, diags)?);
        files.push(path.clone());
        read_before.insert(path, source);
        Some(source)
    };
    runbook::link(book, &mut find, sources, diags);
}

fn no_runbook(name: &Sp<String>, beside: &str, diags: &Diagnostics) {
    if !name.span.is_nowhere() {
        let message = format!("there is no runbook `{}`", name.value);
        let help = format!("its file is looked for in the folders above {beside}, and in their folders `runbooks`");
        diags.push(Diagnostic::error("no-runbook", name.span, message).help(help));
    }
}

/// Reads the templates of a runbook and its parts, which are looked for from a file on; those of a part from its own.
/// Adds what was read to `files`.
fn templates(
    from: &Path,
    runbook: &Runbook,
    files: &mut Vec<PathBuf>,
    sources: &mut Sources,
    diags: &Diagnostics,
) -> Templates {
    let mut templates = Templates::new();
    for book in runbook.books() {
        let part = (!std::ptr::eq(book, runbook)).then_some(book);
        let from = part.map_or_else(|| from.to_owned(), |_| PathBuf::from(&*sources.get(book.name.span.source).name));
        let kept_as = |name: &str| Templates::name_in(part, name);
        for name in template_names(book) {
            if let Some(file) = template(&from, &name)
                && let Some(text) = read(&file, diags)
            {
                templates.texts.insert(kept_as(&name), sources.add(file.display().to_string(), text));
                files.push(file);
            }
        }
        for name in leaves(book).flat_map(|action| action.files()) {
            if let Some((file, content)) = beside(&from, name, diags) {
                templates.files.insert(kept_as(&name.value), content);
                files.push(file);
            }
        }
    }
    templates
}

/// A drill file, and the text of its runbook.
pub struct LoadedDrill {
    pub drill: Drill,
    /// The file.
    pub path: PathBuf,
    runbook: SourceId,
    runbook_path: PathBuf,
    /// Every file that was read.
    pub files: Vec<PathBuf>,
}

/// Whether a file is a drill: it says so in its first key, or by its name.
pub fn is_drill(path: &Path) -> bool {
    let named = path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".drill.yaml"));
    named || has_key(path, "drill:")
}

/// Whether a file is an inventory: it has that key, and is no test, which has one too.
pub fn is_inventory(path: &Path) -> bool {
    has_key(path, "inventory:") && !has_key(path, "test:")
}

fn has_key(path: &Path, key: &str) -> bool {
    text::read(path).is_ok_and(|text| text.lines().any(|line| line.starts_with(key)))
}

/// Reads a drill and finds its runbook. `None` when nothing can be made of it.
pub fn drill(path: &Path, sources: &mut Sources, diags: &Diagnostics) -> Option<LoadedDrill> {
    let path = find(path, ".drill.yaml");
    let text = read(&path, diags)?;
    let source = sources.add(path.display().to_string(), text);
    let drill = Drill::parse(source, sources, diags)?;
    let Some(runbook_path) = runbook_of(&path, &drill.runbook) else {
        no_runbook(&drill.runbook, "the drill", diags);
        return None;
    };
    let runbook = sources.add(runbook_path.display().to_string(), read(&runbook_path, diags)?);
    let files = vec![path.clone(), runbook_path.clone()];
    Some(LoadedDrill { drill, path, runbook, runbook_path, files })
}

/// The file of the runbook that a drill or a runbook names.
fn runbook_of(from: &Path, name: &str) -> Option<PathBuf> {
    let name = format!("{name}.yaml");
    let start = std::path::absolute(from).ok()?;
    let folders = start.ancestors().skip(1);
    let found = folders.flat_map(|f| [f.join(&name), f.join("runbooks").join(&name)]).find(|file| file.is_file())?;
    Some(as_written(found))
}

impl LoadedDrill {
    /// Makes a case ready, with the inventory of its lab, or with the one that the lab would write.
    pub fn prepare(
        &mut self,
        case: &Case,
        lab: Option<&Lab>,
        sources: &mut Sources,
        diags: &Diagnostics,
    ) -> Option<Ready> {
        let told = if let Some(lab) = lab {
            let path = lab.inventory_path();
            let env = lab.env().map_err(|error| diags.push(Diagnostic::placeless("lab", error.to_string()))).ok()?;
            let source = sources.add(path.display().to_string(), read(&path, diags)?);
            Told { inventory: source, folder: lab.dir().to_owned(), env }
        } else {
            let spec = case.lab.as_ref()?;
            let name = format!("{} (its lab)", self.path.display());
            let env = spec.kit.variables().iter().map(|name| (*name, format!("{name} of the lab"))).collect();
            Told { inventory: sources.add(name, drill::inventory_text(spec)), folder: PathBuf::new(), env }
        };
        let (path, runbook_path, files) = (&self.path, &self.runbook_path, &mut self.files);
        let mut find = |part, book: &mut Runbook, sources: &mut Sources| {
            let from = if part == Part::Recover { runbook_path } else { path };
            link(from, book, files, sources, diags);
            templates(from, book, files, sources, diags)
        };
        drill::prepare(&self.drill, case, self.runbook, told, &mut find, sources, diags)
    }
}

/// Reads the inventory; several files are one.
pub fn inventory(paths: &[PathBuf], sources: &mut Sources, diags: &Diagnostics) -> Option<Inventory> {
    if paths.is_empty() { None } else { Inventory::load(paths, sources, diags) }
}

/// A runbook or drill by its file, or by its name in the folder `runbooks`.
pub fn find(path: &Path, ending: &str) -> PathBuf {
    if path.exists() {
        return path.to_owned();
    }
    let mut named = Path::new("runbooks").join(path).into_os_string();
    named.push(ending);
    let named = PathBuf::from(named);
    if named.exists() { named } else { path.to_owned() }
}

fn read(path: &Path, diags: &Diagnostics) -> Option<String> {
    let cannot = |error| format!("cannot read {}: {error}", path.display());
    text::read(path).map_err(|error| diags.push(Diagnostic::placeless("unreadable", cannot(error)))).ok()
}

/// A param is given once: which of two is meant is not guessed.
pub fn given_once(params: &[(String, String)]) -> Result<(), String> {
    for (at, (name, _)) in params.iter().enumerate() {
        if let Some(before) = params[..at].iter().position(|(other, _)| other == name) {
            // the values may be secrets
            return Err(format!(
                "param `{name}` is given twice, by the -p number {} and number {}; leave one of them",
                before + 1,
                at + 1
            ));
        }
    }
    Ok(())
}

fn template_names(runbook: &Runbook) -> Vec<String> {
    leaves(runbook).flat_map(|action| action.templates()).map(|(name, _)| name.value.clone()).collect()
}

/// Every action of the runbook's own steps, those of its undo lists too.
fn leaves(runbook: &Runbook) -> impl Iterator<Item = &dyn Action> {
    let steps = runbook.own_steps().into_iter().flat_map(|step| match &step.undo {
        Undo::List(entries) => std::iter::once(step).chain(entries),
        Undo::Auto | Undo::None => std::iter::once(step).chain(&[]),
    });
    steps.flat_map(|step| std::iter::once(&step.body).chain(&step.besides)).filter_map(|body| match body {
        Body::Action(action) => Some(&**action),
        _ => None,
    })
}

/// The largest file that is sent: it travels on the standard input of one request.
const LARGEST: usize = 4 << 20;

/// A file that is sent as it is: by its path from the runbook's folder on. What is not there is reported by `validate`.
fn beside(runbook: &Path, name: &Sp<String>, diags: &Diagnostics) -> Option<(PathBuf, Arc<[u8]>)> {
    let inside = Path::new(&name.value).components().all(|part| matches!(part, Component::Normal(_)));
    let file = runbook.parent()?.join(&name.value);
    if !inside || !file.is_file() {
        return None;
    }
    let why = match std::fs::read(&file) {
        Ok(content) if content.len() <= LARGEST => return Some((file, content.into())),
        Ok(_) => format!("{} is larger than 4 MiB", file.display()),
        Err(error) => format!("cannot read {}: {error}", file.display()),
    };
    diags.push(Diagnostic::error("unreadable", name.span, why));
    diags.settle(name.span);
    None
}

/// A template by its name: in the folder `templates` that is nearest to the runbook.
fn template(runbook: &Path, name: &str) -> Option<PathBuf> {
    let name = Path::new(name);
    if name.components().any(|part| !matches!(part, Component::Normal(_))) {
        return None;
    }
    let start = std::path::absolute(runbook).ok()?;
    let found =
        start.ancestors().skip(1).map(|folder| folder.join("templates").join(name)).find(|file| file.is_file())?;
    Some(as_written(found))
}

/// A path as the user would write it, when it lies below the working folder.
fn as_written(path: PathBuf) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).map(Path::to_owned).unwrap_or(path)
}
