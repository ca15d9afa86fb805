//! Inventories from files and folders, and the small ones that tests and labs hold.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::build::{Builder, Part};
use super::file::{File, SimpleHost};
use super::model::Inventory;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::{SourceId, Sources};
use crate::text::{self, Sp};

impl Inventory {
    /// Loads files, or all `*.yaml` of folders in the order of their names, as one inventory. What could be read is
    /// returned even when `diags` has errors; `None` when nothing could.
    pub fn load<P: AsRef<Path>>(paths: &[P], sources: &mut Sources, diags: &Diagnostics) -> Option<Self> {
        let files = paths.iter().flat_map(|path| files(path.as_ref(), diags)).collect::<Vec<_>>();
        let mut parts = Vec::new();
        for path in files {
            let Some(content) = read(&path, diags) else { continue };
            let source = sources.add(path.display().to_string(), content);
            // absolute, since a plan is kept and may be carried on from elsewhere
            let whole = std::path::absolute(&path).unwrap_or(path);
            parts.push((source, whole.parent().unwrap_or(Path::new("")).to_path_buf()));
        }
        Self::from_sources(&parts, sources, diags)
    }

    /// The files that paths stand for.
    pub fn files<P: AsRef<Path>>(paths: &[P]) -> Vec<PathBuf> {
        let known = Diagnostics::new();
        paths.iter().flat_map(|path| files(path.as_ref(), &known)).collect()
    }

    /// An inventory from texts that are loaded already; each with the folder that its relative paths begin at.
    pub fn from_sources(parts: &[(SourceId, PathBuf)], sources: &Sources, diags: &Diagnostics) -> Option<Self> {
        let mut builder = Builder::new(diags);
        let mut first = None;
        for (source, folder) in parts {
            let Some(tree) = text::parse(*source, &sources.get(*source).text, diags) else { continue };
            let Some(file) = text::decode::<File>(&tree, diags) else { continue };
            first = first.or(Some(tree.span));
            builder.add(Part { file, folder: folder.clone() });
        }
        Some(builder.finish(first?))
    }

    /// The inventory of a test or a lab.
    pub fn simple(name: &str, hosts: &IndexMap<Sp<String>, SimpleHost>, diags: &Diagnostics) -> Self {
        let mut builder = Builder::new(diags);
        builder.add_simple(hosts);
        builder.finish_named(name)
    }
}

/// The files that a path stands for.
fn files(path: &Path, diags: &Diagnostics) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_path_buf()];
    }
    let entries = match path.read_dir() {
        Ok(entries) => entries,
        Err(error) => {
            diags.push(unreadable(path, &error));
            return Vec::new();
        }
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "yaml") && path.is_file())
        .collect();
    files.sort();
    if files.is_empty() {
        let message = format!("there is no *.yaml in the folder {}", path.display());
        diags.push(Diagnostic::placeless("inventory-unreadable", message));
    }
    files
}

fn read(path: &Path, diags: &Diagnostics) -> Option<String> {
    text::read(path).map_err(|error| diags.push(unreadable(path, &error))).ok()
}

fn unreadable(path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::placeless("inventory-unreadable", format!("the inventory {} cannot be read: {error}", path.display()))
}
