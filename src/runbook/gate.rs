//! Gates: a person agrees (`confirm`), answers (`ask`), or does something by hand (`manual`), before the run goes on.

use std::time::Duration;

use serde::Deserialize;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::template::{AnyText, Plain, Text, Value};
use crate::text::{self, Dur, Sp, Tree};

use super::params::{Kind, Limits};

/// A gate that a person opens.
#[derive(Debug)]
pub struct Gate {
    /// What the person reads.
    pub message: Text<Plain>,
    /// What opens it.
    pub wants: Wants,
    /// How long the person may take; then the gate is refused.
    pub deadline: Option<Duration>,
}

/// What opens a gate.
#[derive(Debug)]
pub enum Wants {
    /// `confirm`: this text is typed; without one, `yes`.
    Consent(Option<Text<Plain>>),
    /// `ask`: any value that fits. It becomes the output `answer`.
    Answer {
        /// What it may be.
        limits: Box<Limits>,
        /// What counts when there is nobody, or nothing is typed.
        default: Option<Value>,
    },
    /// `manual`: it was done; the step's `done_when` may see that by itself.
    Deed,
}

/// The output of an `ask` step.
pub const ANSWER: &str = "answer";

#[derive(Deserialize)]
struct ConfirmFields {
    message: Text<Plain>,
    r#type: Option<Text<Plain>>,
    approvers: Option<Tree>,
    deadline: Option<Sp<Dur>>,
}

#[derive(Deserialize)]
struct AskFields {
    message: Text<Plain>,
    values: Option<Sp<Vec<Tree>>>,
    r#type: Option<Sp<Kind>>,
    default: Option<Tree>,
    approvers: Option<Tree>,
    deadline: Option<Sp<Dur>>,
}

#[derive(Deserialize)]
struct ManualFields {
    instructions: Text<Plain>,
    approvers: Option<Tree>,
    deadline: Option<Sp<Dur>>,
}

impl Gate {
    /// The keys under which an author writes one.
    pub(super) const KEYS: &[&str] = &["confirm", "ask", "manual"];

    /// The key of this one.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self.wants {
            Wants::Consent(_) => "confirm",
            Wants::Answer { .. } => "ask",
            Wants::Deed => "manual",
        }
    }

    /// Decodes the gate of a key.
    pub(super) fn decode(key: &str, tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        let (message, wants, deadline, approvers) = match key {
            "ask" => {
                let fields: AskFields = text::decode(tree, diags)?;
                let wants = answer(fields.values.as_ref(), fields.r#type, fields.default.as_ref(), tree, diags);
                (fields.message, wants, fields.deadline, fields.approvers)
            }
            "manual" => {
                let fields: ManualFields = text::decode(tree, diags)?;
                (fields.instructions, Wants::Deed, fields.deadline, fields.approvers)
            }
            _ => {
                let fields: ConfirmFields = text::decode(tree, diags)?;
                (fields.message, Wants::Consent(fields.r#type), fields.deadline, fields.approvers)
            }
        };
        if let Some(approvers) = approvers {
            diags.push(crate::action::not_yet(approvers.span, "`approvers`"));
        }
        Some(Self { message, wants, deadline: deadline.map(|deadline| deadline.value.0) })
    }

    /// Every text, for the reference check.
    pub fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        visit(&self.message);
        if let Wants::Consent(Some(text)) = &self.wants {
            visit(text);
        }
    }
}

fn answer(
    values: Option<&Sp<Vec<Tree>>>,
    kind: Option<Sp<Kind>>,
    default: Option<&Tree>,
    tree: &Tree,
    diags: &Diagnostics,
) -> Wants {
    let kind = kind.unwrap_or_else(|| Sp::new(Kind::String, text::head(tree)));
    let help = match kind.value {
        Kind::Host | Kind::Hosts => Some("hosts are a param, or chosen by `pick`"),
        Kind::Secret => Some("an answer stands in the journal; take a secret as a param, by `env` or `from`"),
        Kind::Log => Some("a log belongs to a host: it is a var"),
        _ => None,
    };
    if let Some(help) = help {
        let message = format!("nobody is asked for a value of type {}", kind.value.word());
        diags.push(Diagnostic::error("ask-type", kind.span, message).help(help));
    }
    let mut limits = Limits { kind, values: None, min: None, max: None, pattern: None, optional: false };
    if let Some(values) = values {
        if values.value.is_empty() && !diags.has_errors_within(values.span) {
            let empty = Diagnostic::error("ask-values", values.span, "there is no value to choose from");
            diags.push(empty.help("leave `values` out to let any value count"));
        }
        let typed: Vec<_> = values.value.iter().map(|tree| limits.typed_or_say(tree, diags)).collect();
        limits.values = typed.into_iter().collect();
    }
    let default = default.and_then(|tree| limits.typed_or_say(tree, diags));
    Wants::Answer { limits: Box::new(limits), default }
}
