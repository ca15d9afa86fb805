//! A runbook for people who have never seen the tool: what it is for, whom it touches, what it asks, what can be undone,
//! and each step in words with its commands and guards. Pure.

mod body;
mod steps;

use serde::Serialize;

use crate::runbook::{Body, Gate, Kind, OnFailure, Param, Risk, Runbook, Step, Wants, as_typed};

use super::blast::{Blast, asks_for_undo, blast, can_be_undone, may_change};
use super::cast::Cast;
use super::part::default_hosts;

pub use self::steps::{Line, PortraitStep};

/// A runbook in words. All texts are as the author wrote them: whoever shows them escapes them.
#[derive(Clone, Debug, Serialize)]
pub struct Portrait {
    /// Its name.
    pub runbook: String,
    /// What it is for, in one line.
    pub title: Option<String>,
    /// And in more.
    pub description: Option<String>,
    /// Whose it is.
    pub owner: Option<String>,
    /// `read-only`, `reversible` or `destructive`.
    pub risk: &'static str,
    /// What that means.
    pub risk_words: &'static str,
    /// At most one run holds each of these.
    pub locks: Vec<String>,
    /// The names that it has for hosts.
    pub hosts: Vec<Named>,
    /// How far it reaches.
    pub reach: Blast,
    /// The same in sentences.
    pub reach_words: Vec<String>,
    /// The values that it is given.
    pub values: Vec<Named>,
    /// What people are asked on the way, by step.
    pub people: Vec<Named>,
    /// What can be undone, in sentences.
    pub undo: Vec<String>,
    /// Its steps, in order.
    pub steps: Vec<PortraitStep>,
    /// What it gives in the end.
    pub outputs: Vec<Named>,
}

/// Something with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// The name.
    pub name: String,
    /// What it is.
    pub words: String,
}

impl Named {
    fn new(name: &str, words: impl Into<String>) -> Self {
        Self { name: name.to_owned(), words: words.into() }
    }
}

/// The portrait of a runbook, with hosts by name where they are known.
pub fn portrait<'a>(book: &'a Runbook, cast: &mut dyn Cast<'a>) -> Portrait {
    let reach = blast(&book.steps, cast);
    let hosts = book.targets.iter().map(|(name, target)| {
        let words = target.selector.words();
        Named::new(name, known(cast, name).map_or_else(|| words.clone(), |hosts| format!("{words}: {hosts}")))
    });
    let people = book.all_steps().into_iter().filter_map(|step| match &step.body {
        Body::Gate(gate) => Some(Named::new(&step.path, wanted(gate))),
        _ => None,
    });
    Portrait {
        runbook: book.name.value.clone(),
        title: book.title.clone(),
        description: book.description.clone(),
        owner: book.owner.clone(),
        risk: book.risk.value.word(),
        risk_words: risk(book.risk.value),
        locks: book.lock.iter().map(|lock| lock.source().value.clone()).collect(),
        hosts: hosts.collect(),
        reach_words: reach.words(),
        reach,
        values: book.params.values().map(|param| Named::new(&param.name.value, value(param, cast))).collect(),
        people: people.collect(),
        undo: undo(book),
        steps: steps::all(book, cast),
        outputs: book.outputs.iter().map(|(name, output)| Named::new(name, output.words())).collect(),
    }
}

/// The hosts of a target, when they are known.
fn known(cast: &dyn Cast<'_>, name: &str) -> Option<String> {
    let selector = crate::inventory::Selector::named(name, crate::base::span::Span::NOWHERE);
    cast.hosts(&selector).map(|hosts| if hosts.is_empty() { "no host".to_owned() } else { hosts.join(", ") })
}

fn risk(risk: Risk) -> &'static str {
    match risk {
        Risk::ReadOnly => "it only looks",
        Risk::Reversible => "what it changes can be changed back",
        Risk::Destructive => {
            "what it changes cannot all be changed back; it never runs unless a person agrees to this very plan"
        }
    }
}

/// A param: what it may be, where it comes from, what it is for.
fn value(param: &Param, cast: &dyn Cast<'_>) -> String {
    let limits = &param.limits;
    let kind = match (limits.kind.value, &limits.values) {
        (Kind::Host, None) => "a host".to_owned(),
        (Kind::Hosts, None) => "hosts".to_owned(),
        (Kind::Secret, None) => "a secret".to_owned(),
        _ => limits.in_words(),
    };
    let of = param.of.as_ref().map(|of| format!(" of {}", of.words())).unwrap_or_default();
    let bound = |word: &str, bound: Option<f64>| bound.map(|n| format!(", {word} {n}")).unwrap_or_default();
    let default = match (&param.default, default_hosts(param).filter(|_| limits.kind.is_target())) {
        (_, Some(hosts)) => format!("{}, unless others are given", cast.whom(&hosts)),
        (Some(tree), None) => {
            let value = crate::template::Value::from_tree(tree);
            format!("`{}`, unless another is given", as_typed(&value))
        }
        (None, None) if limits.optional => "need not be given".to_owned(),
        (None, None) => "must be given".to_owned(),
    };
    let env = param.env.as_ref().map(|env| format!(", also by the variable {env}")).unwrap_or_default();
    let from = param.from.as_ref().map_or("", |_| ", else taken from where the runbook says");
    let about = param.description.as_ref().map(|about| format!(". {}", about.trim())).unwrap_or_default();
    let example = param.example.as_ref().map(|example| format!(". For example `{example}`")).unwrap_or_default();
    let (min, max) = (bound("at least", limits.min), bound("at most", limits.max));
    format!("{kind}{of}{min}{max}; {default}{env}{from}{about}{example}")
}

/// What a person does at a gate, in a few words.
fn wanted(gate: &Gate) -> String {
    let what = match &gate.wants {
        Wants::Consent(None) => "agrees, by typing `yes`".to_owned(),
        Wants::Consent(Some(text)) => format!("agrees, by typing `{}`", text.source().value),
        Wants::Answer { limits, default } => {
            let default = default.as_ref().map(|value| format!(", by default `{}`", as_typed(value)));
            format!("answers with {}{}", limits.in_words(), default.unwrap_or_default())
        }
        Wants::Deed => "does something by hand, and types `done`".to_owned(),
    };
    let deadline = gate.deadline.map(|deadline| format!(", within {}", crate::action::seconds(deadline)));
    format!("a person {what}{}", deadline.unwrap_or_default())
}

/// What is undone, when, and what is not.
fn undo(book: &Runbook) -> Vec<String> {
    let acting: Vec<&Step> = book.all_steps().into_iter().filter(|step| may_change(step)).collect();
    if acting.is_empty() {
        return vec!["There is nothing to undo.".to_owned()];
    }
    let groups = book.all_steps().into_iter().filter_map(|step| {
        let on_failure = step.on_failure.as_ref()?.value;
        asks_for_undo(on_failure).then_some((Some(step.path.as_str()), on_failure))
    });
    let whole = asks_for_undo(book.on_failure).then_some((None, book.on_failure));
    let mut covered: Vec<&str> = Vec::new();
    let mut words = Vec::new();
    for (scope, on_failure) in groups.chain(whole) {
        let within = |step: &&&Step| match scope {
            Some(scope) => {
                step.path == scope || step.path.strip_prefix(scope).is_some_and(|rest| rest.starts_with('/'))
            }
            None => true,
        };
        let undone: Vec<&str> = acting
            .iter()
            .filter(within)
            .filter(|step| can_be_undone(step) && !covered.contains(&step.path.as_str()))
            .map(|step| step.path.as_str())
            .collect();
        if undone.is_empty() {
            continue;
        }
        let when = match scope {
            Some(scope) => format!("When {scope} fails"),
            None => "When the run fails".to_owned(),
        };
        let how = if on_failure == OnFailure::Ask { "a person is asked whether to undo" } else { "this is undone" };
        words.push(format!("{when}, {how}, newest first: {}.", undone.join(", ")));
        covered.extend(undone);
    }
    let list = |wanted: &dyn Fn(&Step) -> bool| {
        let found: Vec<&str> = acting
            .iter()
            .filter(|step| !covered.contains(&step.path.as_str()) && wanted(step))
            .map(|step| step.path.as_str())
            .collect();
        (!found.is_empty()).then(|| found.join(", "))
    };
    words.extend(list(&can_be_undone).map(|steps| format!("Left as it is when a later step fails: {steps}.")));
    words.extend(list(&|step| !can_be_undone(step)).map(|steps| format!("Cannot be undone: {steps}.")));
    words
}
