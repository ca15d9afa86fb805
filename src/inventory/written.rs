//! Selectors where a runbook has them as a part of its tree: a text, or a list of texts (their union).

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::text::{Node, Sp, Tree};

use super::{HostName, Selector};

impl Selector {
    /// Decodes a text or a list of texts.
    pub fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        Some(Self::decode_anyway(tree, diags)).filter(|selector| !selector.is_broken())
    }

    /// Decodes a text or a list of texts; what cannot be understood is reported, and the selector is broken.
    #[must_use]
    pub fn decode_anyway(tree: &Tree, diags: &Diagnostics) -> Self {
        let parse = |texts: &[Sp<String>]| Self::parse_anyway(texts, tree.span, diags);
        match &tree.value {
            Node::Str(text) => parse(&[Sp::new(text.clone(), tree.span)]),
            Node::List(items) if items.is_empty() => {
                diags.push(
                    Diagnostic::error("bad-selector", tree.span, "an empty list names nobody")
                        .help("`all` is every host of the inventory, `controller` is this machine"),
                );
                parse(&[])
            }
            Node::List(items) => {
                let mut texts = Vec::new();
                for item in items {
                    match &item.value {
                        Node::Str(text) => texts.push(Sp::new(text.clone(), item.span)),
                        other => diags.push(wrong(item.span, other.kind())),
                    }
                }
                let parsed = parse(&texts);
                if texts.len() == items.len() { parsed } else { parsed.but_broken() }
            }
            other => {
                diags.push(wrong(tree.span, other.kind()));
                parse(&[])
            }
        }
    }

    /// In place of one that is written under another key: whom it names is not known.
    #[must_use]
    pub fn broken(span: Span) -> Self {
        Self::parse_anyway(&[], span, &Diagnostics::new())
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
