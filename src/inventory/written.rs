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
            Node::List(items) if items.is_empty() => {
                diags.push(
                    Diagnostic::error("bad-selector", tree.span, "an empty list names nobody")
                        .help("`all` is every host of the inventory, `controller` is this machine"),
                );
                return None;
            }
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
        if matches!(&tree.value, Node::List(items) if items.len() != texts.len()) {
            Self::parse_list(&texts, diags);
            return None;
        }
        Self::parse_list(&texts, diags)
    }

    /// Decodes a text or a list of texts; what cannot be understood is reported and names nobody.
    #[must_use]
    pub fn decode_anyway(tree: &Tree, diags: &Diagnostics) -> Self {
        Self::decode(tree, diags).unwrap_or_else(|| Self::broken(tree.span))
    }

    /// The selector that means this machine.
    ///
    /// # Panics
    /// Never: the name of the controller is a selector.
    #[must_use]
    pub fn controller(span: Span) -> Self {
        Self::parse(&Sp::new(HostName::CONTROLLER.to_owned(), span), &Diagnostics::new())
            .expect("the name of the controller is a selector")
    }
}

fn wrong(span: Span, found: &str) -> Diagnostic {
    Diagnostic::error("wrong-type", span, format!("a selector is a text or a list of texts, found {found}"))
        .help("write for example `web`, `web:!web-3` or `[web, db]`")
}
