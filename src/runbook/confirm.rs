//! `confirm`: a person agrees, by typing a text.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::base::diag::Diagnostics;
use crate::template::{AnyText, Plain, Text};
use crate::text::{self, Dur, Sp, Tree};

/// A gate that a person opens.
#[derive(Debug)]
pub struct Confirm {
    /// What the person reads.
    pub message: Text<Plain>,
    /// What must be typed; without it, `yes`.
    pub r#type: Option<Text<Plain>>,
    /// How long the person may take.
    pub deadline: Option<std::time::Duration>,
}

/// A person agrees.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "confirm", deny_unknown_fields)]
pub(super) struct Fields {
    /// What they agree to.
    message: Text<Plain>,
    /// What they must type.
    r#type: Option<Text<Plain>>,
    /// Who may answer.
    approvers: Option<Tree>,
    /// How long they have; then it is refused.
    deadline: Option<Sp<Dur>>,
}

impl Confirm {
    pub(super) fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        let fields: Fields = text::decode(tree, diags)?;
        if let Some(approvers) = fields.approvers {
            diags.push(crate::action::not_yet(approvers.span, "`approvers`"));
        }
        Some(Self { message: fields.message, r#type: fields.r#type, deadline: fields.deadline.map(|d| d.value.0) })
    }

    /// Every text, for the reference check.
    pub fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        visit(&self.message);
        self.r#type.iter().for_each(|text| visit(text));
    }
}
