//! From a text to a [`Runbook`], with all mistakes in one go.

use std::collections::HashSet;

use indexmap::IndexMap;
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

#[derive(Deserialize)]
struct Fields {
    runbook: Sp<String>,
    title: Option<String>,
    description: Option<String>,
    #[serde(rename = "owner")]
    _owner: Option<String>,
    risk: Sp<Risk>,
    lock: Option<OneOrMany<Text<Plain>>>,
    #[serde(default)]
    params: IndexMap<Sp<String>, Tree>,
    #[serde(default)]
    vars: IndexMap<Sp<String>, Tree>,
    #[serde(default)]
    targets: IndexMap<Sp<String>, Tree>,
    defaults: Option<Defaults>,
    rehearse: Option<Rehearse>,
    steps: Vec<Tree>,
    on_failure: Option<Sp<OnFailure>>,
    #[serde(default)]
    outputs: IndexMap<String, Expr>,
}

#[derive(Deserialize)]
struct Defaults {
    sudo: Option<Tree>,
    #[serde(default)]
    env: IndexMap<Sp<String>, Text<Plain>>,
    cwd: Option<Text<Plain>>,
    timeout: Option<Sp<Dur>>,
}

/// What `check` uses at night; its names are checked now.
#[derive(Deserialize)]
struct Rehearse {
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
        risk: fields.risk,
        lock: fields.lock.map(|many| many.0).unwrap_or_default(),
        params,
        vars,
        targets,
        steps,
        on_failure: fields.on_failure.map(|f| f.value).unwrap_or_default(),
        outputs: fields.outputs,
        broken,
    })
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
        let (title, description, risk) = (None, None, Sp::new(Risk::Reversible, Span::NOWHERE));
        Self { name, title, description, risk, lock: Vec::new(), outputs: IndexMap::new(), steps, broken, ..self }
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
