//! What a run that goes on does not do: what its files say now. It is told, so that nobody waits for an edit to count.

use std::path::Path;

use super::args::{Common, Output, Subject};
use super::load;
use crate::base::diag::Diagnostics;
use crate::base::secret::{Redacted, Redactor};
use crate::base::span::Sources;
use crate::event::{Opened, Origin};
use crate::inventory::Inventory;
use crate::plan::{self, Now, Plan};
use crate::report::escape;
use crate::text;

/// Where the files of a subject are.
pub fn origin(subject: &Subject, redactor: &Redactor) -> Origin {
    let whole = |path: &Path| {
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        redactor.redact(whole.to_string_lossy())
    };
    let inventory = subject.inventory.iter().map(|path| whole(path)).collect();
    let params = subject.param.iter().map(|(name, value)| redactor.redact(format!("{name}={value}"))).collect();
    Origin { runbook: whole(&load::find(&subject.runbook, ".yaml")), inventory, params }
}

/// Says what the files say now, where that is something else than what the run goes on with. For people.
pub fn tell(plan: &Plan, header: &Opened, redactor: &Redactor, common: &Common) {
    let (Output::Text, Some(origin)) = (common.output, &header.origin) else { return };
    let runbook = origin.runbook.as_str();
    let inventory: Vec<&str> = origin.inventory.iter().map(Redacted::as_str).collect();
    let missing = inventory.iter().find(|file| !Path::new(file).exists());
    let text = text::read(Path::new(runbook));
    let (None, Ok(text)) = (missing, text) else {
        let missing = escape(missing.unwrap_or(&runbook));
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
        outln!("  {}", escape(&one.what));
        for line in one.lines {
            outln!("    {}", escape(redactor.redact(line).as_str()));
        }
    }
    let subject = escape(&[&[runbook], &inventory[..]].concat().join(" -i "));
    outln!("What they say now is done by a run of its own: refloat run {subject} …\n");
}
