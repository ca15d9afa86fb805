//! Building a plan.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::base::diag::Diagnostics;
use crate::base::span::{Sources, Span};
use crate::inventory::{HostName, Inventory};
use crate::runbook::{Runbook, SecretFrom, Templates};
use crate::text::{Sp, Tree};

use super::{Plan, Stored, elsewhere, hosts, params};

/// Where secrets come from that nobody gives. `Ok(None)`: it is not asked now, since nothing may be started. The error
/// says why there is none.
pub type Secrets<'a> = dyn Fn(&SecretFrom) -> Result<Option<String>, String> + 'a;

/// What a person gave for this run.
pub struct Given<'a> {
    /// `-p name=value`, each name once; of a plan that is restored only its secrets, those of hosts as `HOST/NAME`.
    pub params: &'a [(String, String)],
    /// What a text says under `params:`, and where a param that it lacks would be missed: a drill's.
    pub written: Option<(&'a IndexMap<Sp<String>, Tree>, Span)>,
    /// Reads a variable of the environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a file or asks a program for a secret.
    pub secrets: &'a Secrets<'a>,
}

/// Resolves params and targets and fixes everything. `None` when a mistake was recorded.
pub fn build(
    runbook: Runbook,
    inventory: Inventory,
    templates: &Templates,
    given: &Given<'_>,
    sources: &mut Sources,
    diags: &Diagnostics,
) -> Option<Plan> {
    let placed = params::place(given, sources);
    let resolved = params::resolve(&runbook, &inventory, &placed, given, diags);
    let parts = elsewhere::of_parts(&runbook, given, diags);
    let vars: IndexMap<_, _> = runbook.books().flat_map(|book| elsewhere::of_vars(book, false, given, diags)).collect();
    let found = hosts::found(&runbook, &inventory, &resolved.targets);
    let touched: Vec<HostName> = found.touched.iter().cloned().collect();
    runbook.books().for_each(|book| params::check_vars(book, &inventory, &touched, diags));
    if diags.has_errors() {
        return None;
    }
    let texts: IndexMap<String, Arc<str>> =
        templates.texts.iter().map(|(name, source)| (name.clone(), Arc::clone(&sources.get(*source).text))).collect();
    let text = Arc::clone(&sources.get(runbook.name.span.source).text);
    let stored = Stored::new(
        &runbook,
        &text,
        (&inventory, &found),
        (&resolved, &parts, &vars),
        (&texts, &templates.files),
        sources,
    );
    let (digest, stored) = (stored.name(), stored.bytes());
    Some(Plan {
        runbook,
        inventory,
        params: resolved.params,
        parts,
        vars,
        targets: resolved.targets,
        templates: texts,
        files: templates.files.clone(),
        stored,
        digest,
    })
}
