//! Selectors where a runbook has them as a part of its tree: a text, or a list of texts (their union).

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::text::{Node, Sp, Tree};

use super::{HostName, Selector};

impl Selector {
    /// Decodes a text or a list of texts.
    pub fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        let texts: Vec<Sp<String>> = match &tree.value {
            Node::Str(text) => vec![Sp::new(text.clone(), tree.span)],
            Node::List(items) => items
                .iter()
                .filter_map(|item| match &item.value {
                    Node::Str(text) => Some(Sp::new(text.clone(), item.span)),
                    other => {
                        diags.push(wrong(item.span, other.kind()));
                        None
                    }
                })
                .collect(),
            other => {
                diags.push(wrong(tree.span, other.kind()));
                return None;
            }
        };
        Self::parse_list(&texts, diags)
    }

    /// The selector that means this machine.
    #[must_use]
    pub fn controller(span: Span) -> Self {
        Self::parse(&Sp::new(HostName::CONTROLLER.to_owned(), span), &Diagnostics::new())
            .expect("the name of the controller is a selector")
    }
}

fn wrong(span: Span, found: &str) -> Diagnostic {
    Diagnostic::error("type", span, format!("a selector is a text or a list of texts, found {found}"))
        .help("write for example `web`, `web:!web-3` or `[web, db]`")
}
