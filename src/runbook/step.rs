//! One step of a text: its common fields, and exactly one thing that it does.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::guard::Guard;
use crate::action::probe::{Parse, Probe};
use crate::action::registry::{self, Leaf};
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::inventory::Selector;
use crate::template::{Expr, Plain, Text};
use crate::text::{self, Dur, Node, OneOrMany, Sp, Tree};

use super::broken::Broken;
use super::flow::{self, Flow};
use super::model::{Body, Judge, OnFailure, Reach, Step};
use super::{Gate, Pick, Surroundings, Use, Wait, Watch};

/// The things a step can do that are no actions of the registry.
const OWN: &[&str] = &["gather", "pick", "require", "symptom", "wait", "confirm", "ask", "manual", "use", "steps"];

/// Fields of a step that LANGUAGE has and this version does not carry out.
const FIELDS_NOT_YET: &[&str] = &["parallel_steps"];

/// One thing that is done.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "step", deny_unknown_fields)]
pub(super) struct Fields {
    /// Its name, kebab-case; from the title when not given.
    id: Option<Sp<String>>,
    /// One line for people: a question or a plain statement.
    title: Option<String>,
    /// Why it is there: can I skip this?
    why: Option<String>,
    /// Whom it is about; required where a host is touched.
    #[schemars(with = "Option<Selector>")]
    hosts: Option<Tree>,
    /// Conditions without which it is skipped.
    when: Option<OneOrMany<Expr>>,
    /// Guards: they hold before, and nothing is done; they must hold after.
    #[schemars(with = "Option<crate::action::schema::Guards>")]
    done_when: Option<Tree>,
    /// `symptom` and `require` steps that are asked again immediately before.
    still: Option<OneOrMany<Sp<String>>>,
    /// As which user.
    #[schemars(with = "Option<super::schema::SudoForm>")]
    sudo: Option<Tree>,
    /// Variables of the environment; the safe way into a second interpreter.
    #[serde(default)]
    env: IndexMap<Sp<String>, Text<Plain>>,
    /// The working folder.
    cwd: Option<Text<Plain>>,
    /// How long the action may take; 5m by default.
    timeout: Option<Sp<Dur>>,
    /// How long the command of `run` may print nothing before it is ended as at its timeout.
    idle_timeout: Option<Dur>,
    /// How the output of `run` becomes a value.
    #[schemars(with = "Option<crate::action::schema::ParseForm>")]
    parse: Option<Tree>,
    /// Named values of its `result`.
    #[serde(default)]
    outputs: IndexMap<String, Expr>,
    /// Logs that must say something around the action.
    #[schemars(with = "Option<super::watch::Fields>")]
    watch: Option<Tree>,
    /// Guards that must hold after it.
    #[schemars(with = "Option<crate::action::schema::Guards>")]
    verify: Option<Tree>,
    /// How it is undone.
    #[schemars(with = "Option<super::schema::UndoForm>")]
    undo: Option<Tree>,
    /// What its failure does.
    on_failure: Option<Sp<OnFailure>>,
    /// What an unreachable host means.
    #[serde(default)]
    reach: Reach,
    /// Whether its output is neither shown nor kept.
    #[serde(default)]
    sensitive: bool,
}

/// What a step inherits from its group.
#[derive(Clone, Debug, Default)]
pub(super) struct Outer {
    pub hosts: Option<Selector>,
    pub run_on: Option<Selector>,
    /// Where a group around it goes over items.
    pub each: Option<Span>,
    /// Where a group around it has a `tolerate`.
    pub tolerate: Option<Span>,
    pub surroundings: Surroundings,
    pub reach: Reach,
    pub path: String,
}

/// Decodes a list of steps. Names of what cannot be understood go to `broken`.
pub(super) fn decode_all(trees: &[Tree], outer: &Outer, diags: &Diagnostics, broken: &mut Broken) -> Vec<Step> {
    let mut decoder = Decoder { diags, broken };
    decoder.steps(trees, outer)
}

pub(super) struct Decoder<'a> {
    pub(super) diags: &'a Diagnostics,
    broken: &'a mut Broken,
}

impl Decoder<'_> {
    fn steps(&mut self, trees: &[Tree], outer: &Outer) -> Vec<Step> {
        trees.iter().enumerate().filter_map(|(n, tree)| self.step(n, tree, outer)).collect()
    }

    fn step(&mut self, n: usize, tree: &Tree, outer: &Outer) -> Option<Step> {
        let diags = self.diags;
        if !matches!(tree.value, Node::Map(_)) {
            diags.push(
                Diagnostic::error("wrong-type", tree.span, format!("a step is a map, found {}", tree.value.kind()))
                    .help("write for example `- id: see` and below it what the step does"),
            );
            return None;
        }
        for key in FIELDS_NOT_YET {
            if let Some(span) = text::key_span(tree, key) {
                diags.push(crate::action::not_yet(span, &format!("`{key}`")));
            }
        }
        let vocabulary: Vec<&str> = registry::keys().chain(OWN.iter().copied()).collect();
        let known: Vec<&str> = vocabulary.iter().chain(FIELDS_NOT_YET).chain(flow::KEYS).copied().collect();
        let (_, rest) = text::split(tree, &known);
        let fields: Fields = text::decode_beside(&rest, &known, diags)?;
        let id = fields.id.clone().unwrap_or_else(|| {
            let slug = text::slug(fields.title.as_deref().unwrap_or_default());
            Sp::new(if slug.is_empty() { format!("step-{}", n + 1) } else { slug }, text::head(tree))
        });
        let path = if outer.path.is_empty() { id.value.clone() } else { format!("{}/{}", outer.path, id.value) };
        let own = Surroundings {
            idle_timeout: fields.idle_timeout.map(|Dur(idle)| idle),
            ..Surroundings::from_fields(fields.sudo.as_ref(), fields.env, fields.cwd, fields.timeout, diags)
        };
        let mut inner = Outer { path: path.clone(), surroundings: own.within(&outer.surroundings), ..outer.clone() };
        if let Some(hosts) = &fields.hosts {
            inner.hosts = Some(Selector::decode_anyway(hosts, diags));
        } else if text::is_slip(tree, "hosts", &known) {
            inner.hosts = Some(Selector::broken(text::head(tree)));
        }
        if fields.reach != Reach::Required {
            inner.reach = fields.reach;
        }
        let mut flow = Flow::decode(tree, diags);
        inner.run_on = flow.run_on.take().or(inner.run_on);
        flow.run_on.clone_from(&inner.run_on);
        inner.each = text::key_span(tree, "for_each").or(outer.each);
        inner.tolerate = text::key_span(tree, "tolerate").or(outer.tolerate);
        if let Some(always) = tree.get("always") {
            flow.always = self.steps(&text::decode::<Vec<Tree>>(always, diags).unwrap_or_default(), &inner);
        }
        let mut bodies = self.bodies(tree, &id.value, &inner).into_iter();
        let body = bodies.next().or_else(|| alone(tree).then_some(Body::Watch));
        let besides: Vec<Body> = bodies.collect();
        if body.is_none() || !besides.is_empty() {
            self.broken.steps.insert(id.value.clone());
        }
        let mut body = body.unwrap_or_else(|| Body::Group(Vec::new()));
        if let Body::Use(uses) = &mut body {
            uses.hosts = text::key_span(tree, "hosts");
        }
        if let Some(outputs) = tree.get("outputs") {
            self.add_outputs(&id.value, Pick::names(outputs));
        }
        let undo = fields.undo.as_ref().map(|tree| self.undo(tree, &id, &inner)).unwrap_or_default();
        let guards = |tree: &Option<Tree>| tree.as_ref().map(|t| Guard::decode_all(t, diags)).unwrap_or_default();
        let step = Step {
            span: tree.span,
            path,
            title: fields.title,
            why: fields.why,
            hosts: inner.hosts,
            flow,
            when: fields.when.map(|many| many.0).unwrap_or_default(),
            done_when: guards(&fields.done_when),
            still: fields.still.map(|many| many.0).unwrap_or_default(),
            surroundings: inner.surroundings,
            parse: fields.parse.as_ref().and_then(|tree| Parse::decode(tree, diags)),
            outputs: fields.outputs,
            watch: fields.watch.as_ref().and_then(|tree| Watch::decode(tree, diags)),
            verify: guards(&fields.verify),
            besides,
            undo,
            on_failure: fields.on_failure,
            reach: inner.reach,
            sensitive: fields.sensitive,
            body,
            id,
        };
        super::undo::alone(&step, tree.get("undo"), diags);
        flow::check(&step, tree, outer, inner.tolerate, diags);
        Some(step)
    }

    fn add_outputs(&mut self, step: &str, names: Vec<String>) {
        self.broken.outputs.entry(step.to_owned()).or_default().extend(names);
    }

    /// Everything that the step does: one thing, or it was reported.
    pub(super) fn bodies(&mut self, tree: &Tree, id: &str, inner: &Outer) -> Vec<Body> {
        let Node::Map(entries) = &tree.value else { return Vec::new() };
        let found: Vec<_> = entries.iter().filter(|(key, _)| is_body(&key.value)).collect();
        match found.as_slice() {
            [] if alone(tree) => {}
            [] => self.nothing(tree, entries),
            [_] => {}
            [(first, _), more @ ..] => {
                for (other, _) in more.iter().filter(|(other, _)| other.value != first.value) {
                    let message =
                        format!("a step does one thing, and this one has `{}` and `{}`", first.value, other.value);
                    self.diags.push(
                        Diagnostic::error("two-actions", other.span, message)
                            .label("one too many")
                            .and(first.span, "the first")
                            .help("make them two steps"),
                    );
                }
            }
        }
        // all are looked at, though only one can stay
        found.into_iter().filter_map(|(key, value)| self.body(key, value, id, inner)).collect()
    }

    fn nothing(&self, tree: &Tree, entries: &[(Sp<String>, Tree)]) {
        let all: Vec<&str> = registry::keys().chain(OWN.iter().copied()).collect();
        // an unknown key is reported with its own suggestion, and it may be what the step does
        let unknown = |key: &Sp<String>| self.diags.has_errors_within(key.span);
        if !entries.iter().any(|(key, _)| unknown(key)) {
            self.diags.push(
                Diagnostic::error("no-action", text::head(tree), "this step does nothing")
                    .help(format!("add one of {}", all.join(", "))),
            );
        }
    }

    fn body(&mut self, key: &Sp<String>, tree: &Tree, id: &str, inner: &Outer) -> Option<Body> {
        let diags = self.diags;
        if tree.value.says_nothing() && matches!(key.value.as_str(), "gather" | "pick" | "steps") {
            diags.push(Diagnostic::error("nothing-here", tree.span, format!("nothing stands below `{}`", key.value)));
        }
        Some(match key.value.as_str() {
            "gather" => {
                let entries: IndexMap<Sp<String>, Tree> = text::decode(tree, diags)?;
                let mut probes = IndexMap::new();
                for (name, tree) in entries {
                    if !text::is_snake(&name.value) {
                        diags.push(text::not_snake(&name));
                    }
                    match Probe::decode_whole(&tree, diags) {
                        Some(probe) => {
                            probes.insert(name.value, probe);
                        }
                        None => self.add_outputs(id, vec![name.value]),
                    }
                }
                Body::Gather(probes)
            }
            "pick" => {
                let picks = Pick::decode_all(tree, diags).unwrap_or_default();
                let lost = |name: &String| !picks.iter().any(|pick| pick.name.value == *name);
                self.broken.targets.extend(Pick::names(tree).into_iter().filter(lost));
                Body::Pick(picks)
            }
            "require" => Body::Judge(Judge::Require, Guard::decode_all(tree, diags)),
            "symptom" => Body::Judge(Judge::Symptom, Guard::decode_all(tree, diags)),
            "wait" => Body::Wait(Wait::decode(tree, diags)?),
            gate if Gate::KEYS.contains(&gate) => Body::Gate(Gate::decode(gate, tree, diags)?),
            "use" => Body::Use(Use::decode(tree, diags)?),
            "steps" => {
                let trees: Vec<Tree> = text::decode(tree, diags)?;
                Body::Group(self.steps(&trees, inner))
            }
            leaf => match registry::decode(leaf, tree, diags)? {
                Leaf::Action(action) => Body::Action(action),
                Leaf::Aside(aside) => Body::Aside(aside),
            },
        })
    }
}

/// Whether a step's `watch` is all that it does.
fn alone(tree: &Tree) -> bool {
    let Node::Map(entries) = &tree.value else { return false };
    let has = |wanted: &dyn Fn(&str) -> bool| entries.iter().any(|(key, _)| wanted(&key.value));
    has(&|key| key == "watch") && !has(&is_body)
}

fn is_body(key: &str) -> bool {
    registry::keys().any(|known| known == key) || OWN.contains(&key)
}
