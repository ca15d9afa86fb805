//! `expect:` how the run of a drill must end. What is not met is listed all at once, with what was seen.

use std::time::Duration;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::not_yet;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::nearest::nearest;
use crate::event::{Phase, RunState, Stage, StepOutcome, Verdict};
use crate::inventory::Inventory;
use crate::runbook::Runbook;
use crate::text::{self, Dur, Sp, Tree};

use super::content::Content;

/// How a run must end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "outcome")]
pub enum Wanted {
    /// Every step is done.
    #[default]
    Ok,
    /// A step failed after the first change.
    Failed,
    /// Something said no before the first change.
    Refused,
    /// It needs attention: an outcome is unknown, a point of no return is passed, an undo failed.
    Unknown,
}

impl Wanted {
    /// The word that authors write.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }

    /// How a run ended, in the author's words; `None` for ends that no drill can want.
    #[must_use]
    pub fn of(verdict: Verdict) -> Option<Self> {
        match verdict {
            Verdict::Recovered => Some(Self::Ok),
            Verdict::Failed => Some(Self::Failed),
            Verdict::Refused | Verdict::Unreachable => Some(Self::Refused),
            Verdict::NeedsAttention => Some(Self::Unknown),
            Verdict::Ready | Verdict::NotReady | Verdict::Detached | Verdict::Cancelled | Verdict::Bug => None,
        }
    }
}

/// What is expected of a run. Lists hold what must be among what was seen; an empty one means that nothing was seen.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    outcome: Wanted,
    step: Option<Sp<String>>,
    message: Option<String>,
    /// How long the recovery may take.
    pub within: Option<Duration>,
    changed: Option<Vec<Sp<String>>>,
    skipped: Option<Vec<Sp<String>>>,
    undone: Option<Vec<Sp<String>>>,
    unchanged: Vec<Sp<String>>,
    duties: Option<Vec<Sp<String>>>,
    files: IndexMap<Sp<String>, IndexMap<String, Content>>,
}

/// How a run must end.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "expect", deny_unknown_fields)]
pub(super) struct Fields {
    /// How it ends.
    #[serde(default)]
    outcome: Wanted,
    /// The step that decided.
    step: Option<Sp<String>>,
    /// A part of what is said.
    message: Option<String>,
    /// How long it may take.
    within: Option<Dur>,
    /// Steps that changed something.
    changed: Option<Vec<Sp<String>>>,
    /// Steps that were skipped.
    skipped: Option<Vec<Sp<String>>>,
    /// Steps that were undone.
    undone: Option<Vec<Sp<String>>>,
    /// Hosts on which nothing was changed.
    #[serde(default)]
    unchanged: Vec<Sp<String>>,
    /// What is still owed.
    duties: Option<Vec<Sp<String>>>,
    /// What files hold then, by host.
    #[serde(default)]
    files: IndexMap<Sp<String>, IndexMap<String, Tree>>,
    /// Not in drills.
    #[serde(rename = "commands")]
    _commands: Option<Tree>,
    /// Only in check.
    #[serde(rename = "absent")]
    _absent: Option<Tree>,
    /// Only in check.
    #[serde(rename = "unknown")]
    _unknown: Option<Tree>,
    /// Only in check.
    #[serde(rename = "would_change")]
    _would_change: Option<Tree>,
}

impl Expect {
    pub(super) fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        let fields: Fields = text::decode(tree, diags)?;
        for key in ["absent", "unknown", "would_change"] {
            if let Some(span) = text::key_span(tree, key) {
                diags.push(
                    Diagnostic::error("only-in-check", span, format!("`{key}` is what `check` says, and a drill runs"))
                        .help("a drill expects `outcome`, `step`, `changed`, `skipped`, `undone`, `duties`"),
                );
            }
        }
        if let Some(span) = text::key_span(tree, "commands") {
            diags.push(not_yet(span, "`commands`").help("ask with `verify:` steps: they run in the lab"));
        }
        let mut files = IndexMap::new();
        for (host, entries) in fields.files {
            let content = |(path, tree): (String, Tree)| Some((path, Content::decode(&tree, diags)?));
            files.insert(host, entries.into_iter().filter_map(content).collect());
        }
        Some(Self {
            outcome: fields.outcome,
            step: fields.step,
            message: fields.message,
            within: fields.within.map(|d| d.0),
            changed: fields.changed,
            skipped: fields.skipped,
            undone: fields.undone,
            unchanged: fields.unchanged,
            duties: fields.duties,
            files,
        })
    }

    /// Looks whether every step and host that is named exists.
    pub(super) fn check(&self, runbook: &Runbook, inventory: &Inventory, diags: &Diagnostics) {
        let lists = [&self.changed, &self.skipped, &self.undone];
        for step in self.step.iter().chain(lists.into_iter().flatten().flatten()) {
            super::prepare::step(step, runbook, diags);
        }
        for host in self.unchanged.iter().chain(self.files.keys()) {
            super::prepare::host(host, inventory, diags);
        }
        for duty in self.duties.iter().flatten() {
            match duty.value.split_once('/') {
                Some((host, step)) => {
                    super::prepare::host(&Sp::new(host.to_owned(), duty.span), inventory, diags);
                    super::prepare::step(&Sp::new(step.to_owned(), duty.span), runbook, diags);
                }
                None => diags.push(
                    Diagnostic::error("wrong-value", duty.span, format!("`{}` is not a duty", duty.value))
                        .help("a duty is written HOST/STEP, such as `web-1/fence`"),
                ),
            }
        }
    }

    /// What is not as expected; empty when everything is. `read` gives the content of a file on a host.
    pub fn unmet(&self, seen: &Seen<'_>, read: &mut dyn FnMut(&str, &str) -> Option<String>) -> Vec<String> {
        let mut unmet = Vec::new();
        let place = seen.step.map(|step| format!(" at {step}")).unwrap_or_default();
        if Wanted::of(seen.verdict) != Some(self.outcome) {
            let ended = Wanted::of(seen.verdict).map_or(seen.verdict.words(), Wanted::word);
            unmet.push(format!(
                "outcome {} was expected, and it was {ended}{place}: {}",
                self.outcome.word(),
                seen.reason
            ));
        }
        if let Some(step) = &self.step
            && !seen.step.is_some_and(|path| is(path, step))
        {
            let at = seen.step.unwrap_or("no step");
            unmet.push(format!("it was expected to end at `{}`, and it ended at {at}: {}", step.value, seen.reason));
        }
        if let Some(message) = &self.message
            && !seen.reason.contains(message.as_str())
        {
            unmet.push(format!("`{message}` was expected as the reason, and it was: {}", seen.reason));
        }
        if let Some(within) = self.within
            && seen.took > within
        {
            let (took, within) = (seen.took.as_secs_f64(), within.as_secs_f64());
            unmet.push(format!("recovery was expected within {within:.1} s, and it took {took:.1} s"));
        }
        let done = |wanted: fn(&StepOutcome) -> bool, phase| seen.steps(phase, wanted);
        let changed = done(|outcome| matches!(outcome, StepOutcome::Changed), Phase::Apply);
        let skipped = done(|outcome| matches!(outcome, StepOutcome::Skipped { .. }), Phase::Apply);
        let undone = done(|outcome| matches!(outcome, StepOutcome::Changed | StepOutcome::Ok), Phase::Undo);
        for (what, wanted, had) in
            [("changed", &self.changed, changed), ("skipped", &self.skipped, skipped), ("undone", &self.undone, undone)]
        {
            let had: Vec<&str> = had.iter().map(String::as_str).collect();
            unmet.extend(wanted.as_ref().and_then(|wanted| among(what, wanted, &had, is)));
        }
        let open = seen.state.duties().iter().filter(|duty| duty.end.is_none());
        let open: Vec<String> = open.map(|duty| format!("{}/{}", duty.host, id(&duty.step))).collect();
        let open: Vec<&str> = open.iter().map(String::as_str).collect();
        let same = |had: &str, wanted: &Sp<String>| had == wanted.value;
        unmet.extend(self.duties.as_ref().and_then(|duties| among("duties", duties, &open, same)));
        for host in &self.unchanged {
            let touched = seen.touched(&host.value);
            if !touched.is_empty() {
                unmet.push(format!("{} was expected to be unchanged by {}", host.value, touched.join(", ")));
            }
        }
        for (host, files) in &self.files {
            for (path, content) in files {
                unmet.extend(content.unmet(read(&host.value, path)).map(|why| format!("{} {path}: {why}", host.value)));
            }
        }
        unmet
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// In one word.
    pub verdict: Verdict,
    /// In one sentence.
    pub reason: &'a str,
    /// At which step, when it did not end well.
    pub step: Option<&'a str>,
    /// How long it took.
    pub took: Duration,
    /// Everything else.
    pub state: &'a RunState,
}

impl Seen<'_> {
    /// The paths of the steps that ended so.
    fn steps(&self, phase: Phase, wanted: fn(&StepOutcome) -> bool) -> Vec<String> {
        let ended = |stage: &Stage| matches!(stage, Stage::Closed { outcome, .. } if wanted(outcome));
        self.state.steps().filter(|s| s.phase == phase && ended(&s.stage)).map(|s| s.step.clone()).collect()
    }

    /// The steps that may have changed something on a host.
    fn touched(&self, host: &str) -> Vec<String> {
        let effect = |unit: &&crate::event::UnitState| {
            unit.start.unit.on.as_deref() == Some(host)
                && unit.end.as_ref().is_none_or(|end| end.outcome.may_have_had_an_effect())
        };
        self.state.units().filter(effect).map(|unit| unit.start.unit.step.clone()).collect()
    }
}

/// The last part of a step's path.
pub(super) fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether an author means this step: by its id, or by its whole path.
fn is(path: &str, wanted: &Sp<String>) -> bool {
    path == wanted.value || id(path) == wanted.value
}

fn among(what: &str, wanted: &[Sp<String>], had: &[&str], same: impl Fn(&str, &Sp<String>) -> bool) -> Option<String> {
    let words = |list: &[&str]| if list.is_empty() { "none".to_owned() } else { list.join(", ") };
    let missing: Vec<&str> =
        wanted.iter().filter(|w| !had.iter().any(|had| same(had, w))).map(|w| w.value.as_str()).collect();
    let wrong = if wanted.is_empty() { !had.is_empty() } else { !missing.is_empty() };
    let expected = if wanted.is_empty() { "none" } else { &words(&missing) };
    wrong.then(|| format!("{what}: {expected} was expected, and it was: {}", words(had)))
}

/// The nearest of some names, as help.
pub(super) fn near<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(wrong, known).map(|near| format!("did you mean `{near}`?"))
}
