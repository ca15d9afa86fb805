//! One step of a text: its common fields, and exactly one thing that it does.

use indexmap::IndexMap;
use serde::Deserialize;

use crate::action::guard::Guard;
use crate::action::probe::{Parse, Probe};
use crate::action::registry;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::nearest::nearest;
use crate::inventory::Selector;
use crate::template::{Expr, Plain, Text};
use crate::text::{self, Dur, Node, OneOrMany, Sp, Tree};

use super::model::{Body, Judge, OnFailure, Reach, Step};
use super::{Confirm, Pick, Surroundings, Wait, Watch};

/// The things a step can do that are no actions of the registry.
const OWN: &[&str] = &["gather", "pick", "require", "symptom", "wait", "confirm", "note", "steps"];

/// What LANGUAGE has besides.
const NOT_YET: &[&str] = &["set", "directory", "link", "http", "reboot", "ask", "manual", "pause", "use"];

/// Fields of a step that LANGUAGE has and this version does not carry out.
const FIELDS_NOT_YET: &[&str] =
    &["run_on", "for_each", "rolling", "parallel", "tolerate", "idle_timeout", "retry", "always", "parallel_steps"];

#[derive(Deserialize)]
struct Fields {
    id: Option<Sp<String>>,
    title: Option<String>,
    why: Option<String>,
    hosts: Option<Tree>,
    when: Option<OneOrMany<Expr>>,
    done_when: Option<Tree>,
    still: Option<OneOrMany<Sp<String>>>,
    sudo: Option<Tree>,
    #[serde(default)]
    env: IndexMap<Sp<String>, Text<Plain>>,
    cwd: Option<Text<Plain>>,
    timeout: Option<Sp<Dur>>,
    parse: Option<Tree>,
    #[serde(default)]
    outputs: IndexMap<String, Expr>,
    watch: Option<Tree>,
    verify: Option<Tree>,
    undo: Option<Tree>,
    on_failure: Option<Sp<OnFailure>>,
    #[serde(default)]
    reach: Reach,
    #[serde(default)]
    sensitive: bool,
}

/// What a step inherits from its group.
#[derive(Clone, Debug, Default)]
pub(super) struct Outer {
    pub hosts: Option<Selector>,
    pub surroundings: Surroundings,
    pub reach: Reach,
    pub path: String,
}

/// Decodes a list of steps.
pub(super) fn decode_all(trees: &[Tree], outer: &Outer, diags: &Diagnostics) -> Vec<Step> {
    trees.iter().enumerate().filter_map(|(n, tree)| decode(n, tree, outer, diags)).collect()
}

fn decode(n: usize, tree: &Tree, outer: &Outer, diags: &Diagnostics) -> Option<Step> {
    if !matches!(tree.value, Node::Map(_)) {
        diags.push(
            Diagnostic::error("type", tree.span, format!("a step is a map, found {}", tree.value.kind()))
                .help("write for example `- id: see` and below it what the step does"),
        );
        return None;
    }
    let does = what_it_does(tree, diags);
    let vocabulary: Vec<&str> = registry::keys().chain(OWN.iter().copied()).collect();
    for key in FIELDS_NOT_YET {
        if let Some(span) = text::key_span(tree, key) {
            diags.push(crate::action::not_yet(span, &format!("`{key}`")));
        }
    }
    let known: Vec<&str> = vocabulary.iter().chain(NOT_YET).chain(FIELDS_NOT_YET).copied().collect();
    let (_, rest) = text::split(tree, &known);
    let fields: Option<Fields> = text::decode_beside(&rest, &vocabulary, diags);
    let id = fields.as_ref().and_then(|f| f.id.clone()).unwrap_or_else(|| {
        let title = fields.as_ref().and_then(|f| f.title.as_deref()).unwrap_or_default();
        let slug = text::slug(title);
        Sp::new(if slug.is_empty() { format!("step-{}", n + 1) } else { slug }, tree.span)
    });
    let path = if outer.path.is_empty() { id.value.clone() } else { format!("{}/{}", outer.path, id.value) };
    let mut inner = Outer { path: path.clone(), ..outer.clone() };
    let mut surroundings = outer.surroundings.clone();
    if let Some(f) = &fields {
        let own = Surroundings::from_fields(f.sudo.as_ref(), f.env.clone(), f.cwd.clone(), f.timeout.clone(), diags);
        surroundings = own.within(&outer.surroundings);
        if let Some(hosts) = &f.hosts {
            inner.hosts = Selector::decode(hosts, diags);
        }
        if f.reach != Reach::Required {
            inner.reach = f.reach;
        }
    }
    inner.surroundings = surroundings.clone();
    let body = does.and_then(|(key, value)| decode_body(&key, value, &inner, diags));
    let fields = fields?;
    if let Some(undo) = &fields.undo {
        check_undo(undo, diags);
    }
    let guards = |tree: &Option<Tree>| tree.as_ref().map(|t| Guard::decode_all(t, diags)).unwrap_or_default();
    Some(Step {
        span: tree.span,
        path,
        title: fields.title,
        why: fields.why,
        hosts: inner.hosts,
        when: fields.when.map(|many| many.0).unwrap_or_default(),
        done_when: guards(&fields.done_when),
        still: fields.still.map(|many| many.0).unwrap_or_default(),
        surroundings,
        parse: fields.parse.as_ref().and_then(|tree| Parse::decode(tree, diags)),
        outputs: fields.outputs,
        watch: fields.watch.as_ref().and_then(|tree| Watch::decode(tree, diags)),
        verify: guards(&fields.verify),
        on_failure: fields.on_failure,
        reach: inner.reach,
        sensitive: fields.sensitive,
        body: body?,
        id,
    })
}

/// The one key that says what the step does. `undo` of a later version is decoded like a step's body, so its mistakes
/// are found now.
fn what_it_does<'a>(tree: &'a Tree, diags: &Diagnostics) -> Option<(String, &'a Tree)> {
    let Node::Map(entries) = &tree.value else { return None };
    let all: Vec<&str> = registry::keys().chain(OWN.iter().copied()).chain(NOT_YET.iter().copied()).collect();
    let mut found = entries.iter().filter(|(key, _)| all.contains(&key.value.as_str()));
    match (found.next(), found.next()) {
        (Some((key, _)), None) if NOT_YET.contains(&key.value.as_str()) => {
            diags.push(crate::action::not_yet(key.span, &format!("`{}`", key.value)));
            None
        }
        (Some((key, value)), None) => Some((key.value.clone(), value)),
        (Some((first, _)), Some((second, _))) => {
            let message = format!("a step does one thing, and this one has `{}` and `{}`", first.value, second.value);
            diags.push(
                Diagnostic::error("two-actions", second.span, message)
                    .label("the second")
                    .and(first.span, "the first")
                    .help("make them two steps"),
            );
            None
        }
        (None, _) if text::key_span(tree, "watch").is_some() => {
            let span = text::key_span(tree, "watch").unwrap_or(tree.span);
            diags.push(crate::action::not_yet(span, "`watch` as a step of its own"));
            None
        }
        (None, _) => {
            let slip = entries.iter().find_map(|(key, _)| {
                let near = nearest(&key.value, all.iter().copied())?;
                Some((key, near))
            });
            match slip {
                // the unknown key is reported with its own suggestion
                Some(_) => {}
                None => diags.push(Diagnostic::error("no-action", head(tree), "this step does nothing").help(format!(
                    "add one of {}",
                    registry::keys().chain(OWN.iter().copied()).collect::<Vec<_>>().join(", ")
                ))),
            }
            None
        }
    }
}

/// The first key of a map: a caret under a whole step would be a page long.
fn head(tree: &Tree) -> crate::base::span::Span {
    match &tree.value {
        Node::Map(entries) => entries.first().map_or(tree.span, |(key, _)| key.span),
        _ => tree.span,
    }
}

fn decode_body(key: &str, tree: &Tree, inner: &Outer, diags: &Diagnostics) -> Option<Body> {
    Some(match key {
        "gather" => {
            let entries: IndexMap<Sp<String>, Tree> = text::decode(tree, diags)?;
            let probes = entries.into_iter().filter_map(|(name, tree)| {
                if !text::is_snake(&name.value) {
                    diags.push(super::parse::not_snake(&name));
                }
                Probe::decode_whole(&tree, diags).map(|probe| (name.value, probe))
            });
            Body::Gather(probes.collect())
        }
        "pick" => Body::Pick(Pick::decode_all(tree, diags)?),
        "require" => Body::Judge(Judge::Require, Guard::decode_all(tree, diags)),
        "symptom" => Body::Judge(Judge::Symptom, Guard::decode_all(tree, diags)),
        "wait" => Body::Wait(Wait::decode(tree, diags)?),
        "confirm" => Body::Confirm(Confirm::decode(tree, diags)?),
        "note" => Body::Note(text::decode(tree, diags)?),
        "steps" => {
            let trees: Vec<Tree> = text::decode(tree, diags)?;
            Body::Group(decode_all(&trees, inner, diags))
        }
        action => Body::Action(registry::decode(action, tree, diags)?),
    })
}

/// `undo` acts in a later version; its form is checked now.
fn check_undo(tree: &Tree, diags: &Diagnostics) {
    match &tree.value {
        Node::Str(word) if word == "auto" || word == "none" => {}
        Node::List(actions) => {
            for action in actions {
                if let Some((key, value)) = what_it_does(action, diags) {
                    decode_body(&key, value, &Outer::default(), diags);
                }
            }
        }
        other => diags.push(Diagnostic::error(
            "type",
            tree.span,
            format!("`undo` is auto, none or a list of actions, found {}", other.kind()),
        )),
    }
}
