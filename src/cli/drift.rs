//! What a run that goes on does not do: what its files say now. It is told, so that nobody waits for an edit to count.

use std::path::Path;
use std::sync::Arc;

use super::args::{Common, Output, Subject};
use super::load;
use crate::base::diag::Diagnostics;
use crate::base::secret::{Redacted, Redactor};
use crate::base::span::Sources;
use crate::event::{Opened, Origin};
use crate::inventory::Inventory;
use crate::plan::{self, Drift, Now, Plan};
use crate::report::escape;
use crate::text;

/// Where the files of a subject are.
pub fn origin(subject: &Subject, plan: &Arc<Plan>) -> Origin {
    let redactor = Redactor::default();
    plan.teach(&redactor);
    let whole = |path: &Path| {
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        redactor.redact(whole.to_string_lossy())
    };
    let inventory = subject.inventory.iter().map(|path| whole(path)).collect();
    let params = subject.param.iter().map(|(name, value)| redactor.redact(format!("{name}={value}"))).collect();
    Origin { runbook: whole(&load::find(&subject.runbook, ".yaml")), inventory, params }
}

/// The first file of an origin that is not here, or that nobody here can read.
pub fn missing(origin: &Origin) -> Option<&str> {
    let all = std::iter::once(&origin.runbook).chain(&origin.inventory).map(Redacted::as_str);
    // opening what is no file may wait for somebody
    let is_here = |file: &Path| file.metadata().is_ok_and(|meta| meta.is_file() || meta.is_dir());
    let can_be_read = |file: &Path| is_here(file) && std::fs::File::open(file).is_ok();
    all.into_iter().find(|file| !can_be_read(Path::new(file)))
}

/// A difference for people: what it is about, and its lines below.
pub fn shown(drift: &Drift) -> String {
    let lines = drift.lines.iter().map(|line| format!("    {}\n", escape(line)));
    std::iter::once(format!("  {}\n", escape(&drift.what))).chain(lines).collect()
}

/// Says what the files say now, where that is something else than what the run goes on with. For people.
pub fn tell(plan: &Plan, header: &Opened, redactor: &Redactor, common: &Common) {
    let (Output::Text, Some(origin)) = (common.output, &header.origin) else { return };
    let runbook = origin.runbook.as_str();
    let inventory: Vec<&str> = origin.inventory.iter().map(Redacted::as_str).collect();
    let (None, Ok(text)) = (missing(origin), text::read(Path::new(runbook))) else {
        let missing = escape(missing(origin).unwrap_or(runbook));
        outln!(
            "{missing} cannot be read here, so whether it was edited since is not known; the run goes on as it was planned."
        );
        return;
    };
    let (mut sources, diags) = (Sources::default(), Diagnostics::new());
    let known = Inventory::load(&inventory, &mut sources, &diags);
    let loaded = load::runbook(Path::new(runbook), known.as_ref(), &mut sources, &diags);
    let now = Now {
        text: &text,
        runbook: loaded.as_ref().map(|loaded| (&loaded.runbook, &loaded.templates)),
        inventory: known.as_ref(),
    };
    let drift = plan::drift(plan, now, &sources);
    if drift.is_empty() {
        return;
    }
    outln!("Edited since this run began, which goes on as it was planned then:");
    for one in drift {
        let lines = one.lines.into_iter().map(|line| redactor.redact(line).to_string()).collect();
        out!("{}", shown(&Drift { lines, ..one }));
    }
    let subject = escape(&[&[runbook], &inventory[..]].concat().join(" -i "));
    outln!("What they say now is done by a run of its own: refloat run {subject} …\n");
}
