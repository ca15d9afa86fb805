//! `refloat validate`: every mistake, in one go. Starts no program and connects to nothing.

use std::path::{Path, PathBuf};

use super::args::{Common, Output, ValidateArgs};
use super::{load, show};
use crate::base::codes::CODES;
use crate::base::diag::{Diagnostic, Diagnostics, Severity};
use crate::base::exit::Exit;
use crate::base::span::Sources;

pub fn run(args: &ValidateArgs, common: &Common) -> Exit {
    if args.codes {
        return codes(common);
    }
    let (mut sources, diags) = (Sources::default(), Diagnostics::new());
    let inventory = load::inventory(&args.inventory, &mut sources, &diags);
    let default = [PathBuf::from("runbooks")];
    let named = if args.files.is_empty() { &default[..] } else { &args.files };
    let files = texts(named, &diags);
    for file in &files {
        if load::is_drill(file) {
            drill(file, &mut sources, &diags);
        } else if load::is_inventory(file) {
            load::inventory(std::slice::from_ref(file), &mut sources, &diags);
        } else {
            load::runbook(file, inventory.as_ref(), &mut sources, &diags);
        }
    }
    let findings = diags.into_sorted();
    let exit = show::findings(&sources, &findings, common);
    if exit == Exit::Ok && common.output == Output::Text {
        for file in &files {
            outln!("{}: valid", file.display());
        }
        if args.inventory.is_empty() && !files.iter().all(|file| load::is_drill(file) || load::is_inventory(file)) {
            outln!("Selectors were not checked: name an inventory with -i.");
        }
    }
    exit
}

/// Every kind of finding. What is allowed in place is named by these.
fn codes(common: &Common) -> Exit {
    match common.output {
        Output::Json => {
            let all = CODES.iter().map(|code| {
                serde_json::json!({ "code": code.name, "severity": code.severity.word(), "meaning": code.meaning })
            });
            show::json(&serde_json::json!({ "codes": all.collect::<Vec<_>>() }));
        }
        Output::Text => {
            for severity in [Severity::Error, Severity::Warning] {
                outln!("{}s", severity.word());
                for code in CODES.iter().filter(|code| code.severity == severity) {
                    outln!("  {:24} {}", code.name, code.meaning);
                }
            }
            outln!("\nA warning is allowed in place: `# refloat: allow(NAME) why`, on its line or the line before.");
        }
    }
    Exit::Ok
}

/// Every case of a drill, with the inventory that its lab would write.
fn drill(file: &Path, sources: &mut Sources, diags: &Diagnostics) {
    let Some(mut loaded) = load::drill(file, sources, diags) else { return };
    for case in loaded.drill.cases.clone() {
        loaded.prepare(&case, None, sources, diags);
    }
}

/// The runbooks and drills among what was named: files as they are, of folders every `*.yaml` that is no test.
fn texts(named: &[PathBuf], diags: &Diagnostics) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            let before = files.len();
            walk(path, &mut files);
            if files.len() == before {
                diags
                    .push(Diagnostic::placeless("no-runbook", format!("{} holds no runbook (*.yaml)", path.display())));
            }
        } else {
            files.push(path.clone());
        }
    }
    files
}

/// The drills among what was named: files as they are, of folders every `*.drill.yaml`.
pub fn drills(named: &[PathBuf], diags: &Diagnostics) -> Vec<PathBuf> {
    let mut files = texts(named, diags);
    files.retain(|file| named.contains(file) || load::is_drill(file));
    files
}

/// The runbooks among what was named: files as they are, of folders every `*.yaml` that says itself that it is one.
pub fn runbooks(named: &[PathBuf], diags: &Diagnostics) -> Vec<PathBuf> {
    let mut files = texts(named, diags);
    files.retain(|file| named.contains(file) || !(load::is_drill(file) || load::is_inventory(file)));
    files
}

/// Tests lie beside their runbook.
fn is_text(name: &str) -> bool {
    name.strip_suffix(".yaml").is_some_and(|stem| stem.strip_suffix(".test").is_none())
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            walk(&path, files);
        } else if is_text(&name) {
            files.push(path);
        }
    }
}
