//! Runbooks whose text is wrong: there is no dry run to compare with, so which ones they are is kept beside the journal.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::super::args::{Common, Output};
use super::super::{env, show};
use super::args::CheckArgs;
use crate::base::clock::{Clock as _, SystemClock};
use crate::base::secret::Redactor;
use crate::journal::Journal;
use crate::report::escape;

/// The file in the state folder: a list of paths.
const FILE: &str = "wrong-texts.json";

/// What is told of one of them.
const REASON: &str =
    "no dry run could be made: the runbook, a param or the inventory is wrong; `refloat check` names it";

/// What is told when the text of a runbook has become wrong, or right again. It is remembered.
pub(super) fn turned(args: &CheckArgs, common: &Common, runbook: &Path, wrong: bool) -> Option<Value> {
    if !args.compares() {
        return None;
    }
    let state = env::state(common).ok()?;
    let path = std::path::absolute(runbook).unwrap_or_else(|_| runbook.to_owned());
    let mut known = read(&state);
    let was = known.contains(&path);
    if was == wrong {
        return None;
    }
    if wrong {
        known.insert(path)
    } else {
        known.remove(&path)
    };
    if let Err(why) = write(&state, &known) {
        show::error(format!("--since-last: {why}"));
    }
    if args.since_last && common.output == Output::Text {
        let word = if wrong { "became blocked" } else { "recovered" };
        outln!("{}\n  {word}: {REASON}", escape(&runbook.display().to_string()));
    }
    let place = json!([{ "step": "", "host": null, "reason": REASON }]);
    let (blocked, recovered) = if wrong { (place, json!([])) } else { (json!([]), place) };
    Some(json!({
        "runbook": runbook,
        "run": null,
        "at": SystemClock::default().now().rfc3339(),
        "since": null,
        "ready": !wrong,
        "symptom": null,
        "blocked": blocked,
        "recovered": recovered,
        "symptom_was": null,
    }))
}

fn read(state: &Path) -> BTreeSet<PathBuf> {
    let text = fs::read_to_string(state.join(FILE)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn write(state: &Path, known: &BTreeSet<PathBuf>) -> Result<(), String> {
    // which makes the folder, and refuses one that is open to others
    Journal::open(state, Arc::new(SystemClock::default()), Redactor::default()).map_err(|error| error.to_string())?;
    let told = |error: std::io::Error| format!("cannot write {}: {error}", state.join(FILE).display());
    let mut file = tempfile::NamedTempFile::new_in(state).map_err(told)?;
    file.write_all(json!(known).to_string().as_bytes()).map_err(told)?;
    file.persist(state.join(FILE)).map_err(|error| told(error.error))?;
    Ok(())
}
