//! From a text to a [`Runbook`], with all mistakes in one go.

use std::collections::HashSet;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::{SourceId, Sources, Span};
use crate::inventory::Selector;
use crate::template::{Expr, Plain, Text};
use crate::text::{self, Dur, Node, OneOrMany, Sp, Tree};

use super::broken::Broken;
use super::model::{OnFailure, Risk, Runbook, Target};
use super::step::{self, Outer};
use super::{Param, Surroundings, Var};

/// What a team does when a cluster is aground.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "runbook", deny_unknown_fields)]
pub(super) struct Fields {
    /// Its name, `area/name`.
    runbook: Sp<String>,
    /// One line for people.
    title: Option<String>,
    /// More lines for people.
    description: Option<String>,
    /// Whose it is.
    owner: Option<String>,
    /// What it may do.
    risk: Sp<Risk>,
    /// At most one run holds each of these.
    lock: Option<OneOrMany<Text<Plain>>>,
    /// Values for the whole run, the same on every host.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, super::schema::ParamForm>")]
    params: IndexMap<Sp<String>, Tree>,
    /// What the runbook expects of each host; the inventory overrides.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, super::schema::VarForm>")]
    vars: IndexMap<Sp<String>, Tree>,
    /// Named host sets, frozen in the plan.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, Selector>")]
    targets: IndexMap<Sp<String>, Tree>,
    /// For every step; a step or group overrides.
    defaults: Option<Defaults>,
    /// Values that `check` uses when nobody gives any.
    rehearse: Option<Rehearse>,
    /// What is done, in order.
    #[schemars(with = "Vec<super::schema::StepForm>")]
    steps: Vec<Tree>,
    /// What a failure does to the whole run.
    on_failure: Option<Sp<OnFailure>>,
    /// What callers and reports get.
    #[serde(default)]
    outputs: IndexMap<String, Expr>,
}

/// Surroundings of every step.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "defaults", deny_unknown_fields)]
struct Defaults {
    /// As which user.
    #[schemars(with = "Option<super::schema::SudoForm>")]
    sudo: Option<Tree>,
    /// Variables of the environment; the safe way into a second interpreter.
    #[serde(default)]
    env: IndexMap<Sp<String>, Text<Plain>>,
    /// The working folder.
    cwd: Option<Text<Plain>>,
    /// How long an action may take; 5m by default.
    timeout: Option<Sp<Dur>>,
}

/// What `check` uses when nobody gives anything.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "rehearse", deny_unknown_fields)]
struct Rehearse {
    /// Params.
    #[serde(default)]
    params: IndexMap<Sp<String>, Tree>,
}

/// Reads a runbook. `None`: nothing can be made of it; with `Some` there may be recorded mistakes as well.
pub fn parse(source: SourceId, sources: &Sources, diags: &Diagnostics) -> Option<Runbook> {
    part(source, "", sources, diags)
}

/// The same of a runbook that is a part of another: the paths of its steps begin with `path`.
pub(super) fn part(source: SourceId, path: &str, sources: &Sources, diags: &Diagnostics) -> Option<Runbook> {
    let tree = text::parse(source, &sources.get(source).text, diags)?;
    if let Some(other) = other_kind(&tree) {
        diags.push(other);
        return None;
    }
    let fields: Fields = text::decode(&tree, diags)?;
    if !fields.runbook.span.is_nowhere() && !fields.runbook.value.split('/').all(text::is_kebab) {
        diags.push(
            Diagnostic::error("name", fields.runbook.span, format!("`{}` is no runbook name", fields.runbook.value))
                .help("names are kebab-case with slashes, such as `consul/quorum-loss`"),
        );
    }
    let mut broken = Broken::default();
    for section in ["params", "vars", "targets"] {
        let strange = tree.get(section).is_some_and(|tree| !matches!(tree.value, Node::Map(_) | Node::Null));
        if strange || text::is_slip(&tree, section, &["runbook", "title", "risk", "lock", "steps"]) {
            broken.sections.insert(section);
        }
    }
    let params = named(fields.params, diags, &mut broken.params, Param::decode);
    let vars = named(fields.vars, diags, &mut broken.vars, Var::decode);
    let targets = named(fields.targets, diags, &mut broken.targets, |name, tree, diags| {
        Some(Target { name, selector: Selector::decode_anyway(tree, diags) })
    });
    // of which type they are was not understood: they may be targets as well
    let unsure = params.iter().filter(|(_, param)| param.limits.kind.span.is_nowhere());
    broken.targets.extend(unsure.map(|(name, _)| name.clone()));
    broken.targets.extend(broken.params.iter().cloned());
    if let Some(rehearse) = &fields.rehearse {
        for (name, value) in &rehearse.params {
            match params.get(&name.value) {
                Some(param) if !param.limits.kind.is_target() => {
                    param.limits.typed_or_say(value, diags);
                }
                Some(_) => {
                    Selector::decode(value, diags);
                }
                None if broken.params.contains(&name.value) || broken.sections.contains("params") => {}
                None => {
                    let near = crate::base::nearest::nearest(&name.value, params.keys().map(String::as_str));
                    diags.push(
                        Diagnostic::error("unknown-param", name.span, format!("there is no param `{}`", name.value))
                            .maybe_help(near.map(|near| format!("did you mean `{near}`?"))),
                    );
                }
            }
        }
    }
    let defaults = fields.defaults.map(|d| Surroundings::from_fields(d.sudo.as_ref(), d.env, d.cwd, d.timeout, diags));
    let outer = Outer { surroundings: defaults.unwrap_or_default(), path: path.to_owned(), ..Outer::default() };
    let steps = step::decode_all(&fields.steps, &outer, diags, &mut broken);
    Some(Runbook {
        name: fields.runbook,
        title: fields.title,
        description: fields.description,
        owner: fields.owner,
        risk: fields.risk,
        lock: fields.lock.map(|many| many.0).unwrap_or_default(),
        params,
        vars,
        targets,
        rehearse: fields.rehearse.map(|rehearse| rehearse.params).unwrap_or_default(),
        steps,
        on_failure: fields.on_failure.map(|f| f.value).unwrap_or_default(),
        outputs: fields.outputs,
        broken,
    })
}

/// What is said of a text that says itself that it is of another kind. All of its keys would be wrong ones here.
fn other_kind(tree: &Tree) -> Option<Diagnostic> {
    if tree.get("runbook").is_some() && tree.get("test").is_none() && tree.get("drill").is_none() {
        return None;
    }
    let kinds = [
        ("test", "a test, which this version does not carry out", "a drill tries a runbook in a lab: `refloat drill`"),
        ("drill", "a drill", "it is carried out by `refloat drill`"),
        ("inventory", "an inventory", "it is given beside a runbook: `-i FILE`"),
    ];
    let (key, what, help) = kinds.into_iter().find(|(key, ..)| tree.get(key).is_some())?;
    let at = text::key_span(tree, key).unwrap_or(tree.span);
    Some(Diagnostic::error("not-a-runbook", at, format!("this is {what}")).help(help))
}

impl Runbook {
    /// The same runbook with other steps, which may change hosts, and without its locks and outputs: what a drill does
    /// before and after it.
    #[must_use]
    pub fn with_steps(self, name: Sp<String>, steps: &[Tree], diags: &Diagnostics) -> Self {
        let mut broken = Broken::default();
        let steps = step::decode_all(steps, &Outer::default(), diags, &mut broken);
        broken.steps.extend(self.broken.steps);
        broken.outputs.extend(self.broken.outputs);
        let broken = Broken { steps: broken.steps, outputs: broken.outputs, ..self.broken };
        // nobody wrote it: nothing is said of a drill's steps because of it
        let (title, description, owner, risk) = (None, None, None, Sp::new(Risk::Reversible, Span::NOWHERE));
        Self {
            name,
            title,
            description,
            owner,
            risk,
            lock: Vec::new(),
            outputs: IndexMap::new(),
            steps,
            broken,
            ..self
        }
    }
}

/// The entries of a map of named things, whose names are variables.
fn named<T>(
    entries: IndexMap<Sp<String>, Tree>,
    diags: &Diagnostics,
    broken: &mut HashSet<String>,
    decode: impl Fn(Sp<String>, &Tree, &Diagnostics) -> Option<T>,
) -> IndexMap<String, T> {
    entries
        .into_iter()
        .filter_map(|(name, tree)| {
            if !text::is_snake(&name.value) {
                diags.push(text::not_snake(&name));
            }
            let thing = decode(name.clone(), &tree, diags);
            if thing.is_none() {
                broken.insert(name.value.clone());
            }
            thing.map(|thing| (name.value, thing))
        })
        .collect()
}
