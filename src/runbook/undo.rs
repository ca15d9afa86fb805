//! What takes a step back: `undo` of a text.

use indexmap::IndexMap;

use crate::action::Effect;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::nearest::nearest;
use crate::text::{Node, Sp, Tree};

use super::flow::Flow;
use super::model::{Body, Step, Undo};
use super::step::{Decoder, Outer};

/// `undo: auto` on what cannot be undone by itself.
pub(super) fn alone(step: &Step, undo: Option<&Tree>, diags: &Diagnostics) {
    let auto = undo.filter(|undo| matches!(&undo.value, Node::Str(word) if word == "auto"));
    if let (Some(auto), Body::Action(action)) = (auto, &step.body)
        && !action.undoes_itself()
        && action.effect() != Effect::Reads
    {
        let message = format!("`{}` cannot be undone by itself", action.key());
        let help = "write a list of actions here, or `none` and say `why`";
        diags.push(Diagnostic::error("no-undo", auto.span, message).help(help));
    }
}

impl Decoder<'_> {
    pub(super) fn undo(&mut self, tree: &Tree, id: &Sp<String>, inner: &Outer) -> Undo {
        match &tree.value {
            Node::Str(word) if word == "auto" => Undo::Auto,
            Node::Str(word) if word == "none" => Undo::None,
            Node::List(actions) => {
                Undo::List(actions.iter().filter_map(|action| self.undo_step(action, id, inner)).collect())
            }
            Node::Str(word) => {
                let near = nearest(word, ["auto", "none"]).map(|near| format!("did you mean `{near}`?"));
                let message = format!("`undo` is auto, none or a list of actions, found `{word}`");
                self.diags.push(Diagnostic::error("unknown-value", tree.span, message).maybe_help(near));
                Undo::Auto
            }
            other => {
                let message = format!("`undo` is auto, none or a list of actions, found {}", other.kind());
                self.diags.push(
                    Diagnostic::error("wrong-type", tree.span, message)
                        .help("write a list: one `- ` line for each action"),
                );
                Undo::Auto
            }
        }
    }

    /// One entry of an `undo` list, in the surroundings of the step.
    fn undo_step(&mut self, tree: &Tree, id: &Sp<String>, inner: &Outer) -> Option<Step> {
        let mut bodies = self.bodies(tree, "", inner).into_iter();
        let body = bodies.next()?;
        if !matches!(body, Body::Action(_) | Body::Wait(_)) {
            let message = format!("`{}` undoes nothing", body.key());
            self.diags.push(
                Diagnostic::error("wrong-undo", tree.span, message).help("an `undo` list holds actions and `wait`"),
            );
        }
        Some(Step {
            span: tree.span,
            id: id.clone(),
            path: inner.path.clone(),
            title: None,
            why: None,
            hosts: inner.hosts.clone(),
            flow: Flow { run_on: inner.run_on.clone(), ..Flow::default() },
            when: Vec::new(),
            done_when: Vec::new(),
            still: Vec::new(),
            surroundings: inner.surroundings.clone(),
            parse: None,
            outputs: IndexMap::new(),
            watch: None,
            verify: Vec::new(),
            besides: bodies.collect(),
            undo: Undo::None,
            on_failure: None,
            reach: inner.reach,
            sensitive: false,
            body,
        })
    }
}
