//! Reading what a command names: runbooks with their templates, the inventory.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::action::Action;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Sources;
use crate::inventory::Inventory;
use crate::runbook::{self, Body, Runbook, Templates};
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
    let path = find(path);
    let text = read(&path, diags)?;
    let source = sources.add(path.display().to_string(), text);
    let runbook = runbook::parse(source, sources, diags)?;
    let mut templates = Templates::new();
    let mut files = vec![path.clone()];
    for name in template_names(&runbook) {
        if let Some(file) = template(&path, &name)
            && let Some(text) = read(&file, diags)
        {
            templates.texts.insert(name, sources.add(file.display().to_string(), text));
            files.push(file);
        }
    }
    for name in leaves(&runbook).flat_map(|action| action.files()) {
        if let Some((file, content)) = beside(&path, name, diags) {
            templates.files.insert(name.value.clone(), content);
            files.push(file);
        }
    }
    runbook::validate(&runbook, sources, &templates, inventory, diags);
    Some(Loaded { runbook, templates, files })
}

/// Reads the inventory; several files are one.
pub fn inventory(paths: &[PathBuf], sources: &mut Sources, diags: &Diagnostics) -> Option<Inventory> {
    if paths.is_empty() { None } else { Inventory::load(paths, sources, diags) }
}

/// A runbook by its file, or by its name in the folder `runbooks`.
fn find(path: &Path) -> PathBuf {
    if path.exists() {
        return path.to_owned();
    }
    let mut named = Path::new("runbooks").join(path).into_os_string();
    named.push(".yaml");
    let named = PathBuf::from(named);
    if named.exists() { named } else { path.to_owned() }
}

fn read(path: &Path, diags: &Diagnostics) -> Option<String> {
    let problem = |message: String| diags.push(Diagnostic::placeless("unreadable", message));
    match std::fs::metadata(path) {
        Ok(meta) if meta.len() > text::MAX_BYTES as u64 => {
            problem(format!("{} is larger than 1 MiB", path.display()));
            return None;
        }
        Ok(_) => {}
        Err(error) => {
            problem(format!("cannot read {}: {error}", path.display()));
            return None;
        }
    }
    match std::fs::read(path).map(String::from_utf8) {
        Ok(Ok(text)) => Some(text),
        Ok(Err(error)) => {
            problem(format!("{} is not UTF-8 text, from byte {} on", path.display(), error.utf8_error().valid_up_to()));
            None
        }
        Err(error) => {
            problem(format!("cannot read {}: {error}", path.display()));
            None
        }
    }
}

fn template_names(runbook: &Runbook) -> Vec<String> {
    leaves(runbook).flat_map(|action| action.templates()).map(|(name, _)| name.value.clone()).collect()
}

fn leaves(runbook: &Runbook) -> impl Iterator<Item = &dyn Action> {
    runbook.all_steps().into_iter().flat_map(|step| std::iter::once(&step.body).chain(&step.besides)).filter_map(
        |body| match body {
            Body::Action(action) => Some(&**action),
            _ => None,
        },
    )
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
    // shown as the user would write it, when it lies below the working folder
    let here = std::env::current_dir().ok()?;
    Some(found.strip_prefix(&here).map(Path::to_owned).unwrap_or(found))
}

/// What a destructive run reads may be written by its user and by root only: whoever can write it decides what is done.
pub fn trusted(files: &[PathBuf]) -> Result<(), String> {
    let me = rustix::process::getuid().as_raw();
    for file in files {
        let Ok(meta) = std::fs::metadata(file) else { continue };
        if meta.uid() != me && meta.uid() != 0 {
            return Err(format!(
                "{} belongs to another user (uid {}); a destructive run does not use it",
                file.display(),
                meta.uid()
            ));
        }
        if meta.mode() & 0o002 != 0 {
            return Err(format!(
                "{} can be written by everybody; a destructive run does not use it. Type: chmod o-w {}",
                file.display(),
                file.display()
            ));
        }
    }
    Ok(())
}
