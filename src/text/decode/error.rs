//! Why a node could not be decoded.

use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

use super::state::{NodeId, State, hint, listed};
use crate::base::diag::Diagnostic;
use crate::base::span::Span;
use crate::text::tree::{Node, Tree};

/// What is wrong, and where it was noticed. The innermost node that saw it is the one that counts.
#[derive(Debug)]
pub(super) struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    what: What,
    help: Option<String>,
    others: Vec<(Span, String)>,
    place: Option<(NodeId, Span)>,
    /// A consequence of something that was taken out.
    silent: bool,
}

#[derive(Debug)]
enum What {
    Missing(&'static str),
    Length(String),
    Type(String),
    Choice(String),
    Range(String),
    Custom(String),
}

/// What follows from an error.
pub(super) struct Parts {
    /// The node that cannot be decoded as it is.
    pub(super) node: NodeId,
    /// The required key that it misses.
    pub(super) missing: Option<&'static str>,
    /// What to report; `None` for a consequence.
    pub(super) finding: Option<Diagnostic>,
}

impl Error {
    fn new(what: What) -> Self {
        Self(Box::new(Inner { what, help: None, others: Vec::new(), place: None, silent: false }))
    }

    /// "expected a text, found a list", with help where the cure is known.
    pub(super) fn mismatch(expected: &str, found: &Tree) -> Self {
        let mut error = Self::new(What::Type(format!("expected {expected}, found {}", kind(&found.value))));
        error.0.help = cure(expected, &found.value);
        error
    }

    pub(super) fn out_of_range(expected: &str, found: i128) -> Self {
        Self::new(What::Range(format!("expected {expected}, found {found}")))
    }

    /// None of the choices.
    pub(super) fn choice(wrong: &str, known: &[&str]) -> Self {
        let mut error = Self::new(What::Choice(format!("unknown value `{wrong}`: expected one of {}", listed(known))));
        error.0.help = hint(wrong, known).filter(|h| h.starts_with("did"));
        error
    }

    /// Not exactly one of the choices.
    pub(super) fn one_of(message: String) -> Self {
        Self::new(What::Choice(message))
    }

    pub(super) fn length(message: String) -> Self {
        Self::new(What::Length(message))
    }

    pub(super) fn and(mut self, span: Span, label: &str) -> Self {
        self.0.others.push((span, label.to_owned()));
        self
    }

    pub(super) fn consequence(mut self) -> Self {
        self.0.silent = true;
        self
    }

    /// Says where, unless a node further in has said so.
    pub(super) fn at(mut self, tree: &Tree, state: &State<'_>) -> Self {
        if self.0.place.is_none() {
            self.0.silent |= match &self.0.what {
                What::Missing(key) => state.is_hurt(tree, Some(key)),
                What::Length(_) | What::Custom(_) => state.is_hurt(tree, None),
                _ => false,
            };
            self.0.place = Some((NodeId::of(tree), self.spot(tree)));
        }
        self
    }

    /// Says where: at a key; then its entry is taken out.
    pub(super) fn at_key(mut self, span: Span, value: &Tree) -> Self {
        if self.0.place.is_none() {
            self.0.place = Some((NodeId::of(value), span));
        }
        self
    }

    /// What misses a key is shown by its first key, not as a whole.
    fn spot(&self, tree: &Tree) -> Span {
        match (&self.0.what, &tree.value) {
            (What::Missing(_), Node::Map(entries)) => {
                entries.first().filter(|(key, _)| tree.span.contains(key.span)).map_or(tree.span, |(key, _)| key.span)
            }
            _ => tree.span,
        }
    }

    /// The node to take out, and what to report.
    pub(super) fn into_parts(self, root: &Tree) -> Parts {
        let Inner { what, help, others, place, silent } = *self.0;
        let (node, span) = place.unwrap_or((NodeId::of(root), root.span));
        let missing = if let What::Missing(key) = what { Some(key) } else { None };
        let finding = match what {
            What::Missing(key) => {
                Diagnostic::error("missing-key", span, format!("missing key `{key}`")).label(format!("needs `{key}`"))
            }
            What::Length(message) | What::Type(message) => Diagnostic::error("wrong-type", span, message),
            What::Choice(message) => Diagnostic::error("unknown-value", span, message),
            What::Range(message) => Diagnostic::error("out-of-range", span, message),
            What::Custom(message) => Diagnostic::error("invalid-value", span, message),
        };
        let mut finding = finding.maybe_help(help);
        finding.others = others;
        Parts { node, missing, finding: (!silent).then_some(finding) }
    }
}

/// For messages.
pub(super) fn kind(node: &Node) -> &'static str {
    match node {
        Node::Null => "nothing",
        node => node.kind(),
    }
}

fn cure(expected: &str, found: &Node) -> Option<String> {
    let text = expected.starts_with("a text") || expected.contains("in quotes");
    match (expected, found) {
        (_, Node::Int(n)) if text => Some(format!("quote it: \"{n}\"")),
        (_, Node::Float(_)) if text => Some("quote it, so that it stays as it is written".to_owned()),
        (_, Node::Bool(b)) if text => Some(format!("quote it: \"{b}\"")),
        ("a text", Node::Null) => Some("write \"\" for an empty text".to_owned()),
        ("a list", Node::Null) => Some("write [] for an empty list".to_owned()),
        ("a map", Node::Null) => Some("write {} for an empty map".to_owned()),
        ("a list", Node::Str(_)) => Some("write one `- ` line for each item, or [ ] around them".to_owned()),
        ("a boolean", Node::Str(s)) => match s.to_ascii_lowercase().as_str() {
            "yes" | "y" | "on" | "true" => Some("write true, without quotes".to_owned()),
            "no" | "n" | "off" | "false" => Some("write false, without quotes".to_owned()),
            _ => Some("write true or false".to_owned()),
        },
        ("a map", Node::List(_)) => Some("write `key: value`, without `- ` or brackets".to_owned()),
        ("a map", Node::Str(_)) => Some("write `key: value` lines below it".to_owned()),
        ("a whole number" | "a number", Node::Str(s)) if s.parse::<f64>().is_ok() => {
            Some("write it without quotes".to_owned())
        }
        _ => None,
    }
}

fn found(unexpected: &Unexpected<'_>) -> &'static str {
    match unexpected {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
        Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::Bytes(_) => "a text",
        Unexpected::Unit | Unexpected::Option => "nothing",
        Unexpected::Seq | Unexpected::TupleVariant => "a list",
        Unexpected::Map | Unexpected::StructVariant => "a map",
        _ => "something else",
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.what {
            What::Missing(key) => write!(f, "missing key `{key}`"),
            What::Length(m) | What::Type(m) | What::Choice(m) | What::Range(m) | What::Custom(m) => f.write_str(m),
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(What::Custom(message.to_string()))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let mut error = Self::new(What::Type(format!("expected {expected}, found {}", found(&unexpected))));
        if matches!(unexpected, Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_))
            && expected.to_string().contains("in quotes")
        {
            error.0.help = Some("quote it".to_owned());
        }
        error
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let shown = match unexpected {
            Unexpected::Str(text) => format!("`{text}`"),
            Unexpected::Unsigned(n) => n.to_string(),
            Unexpected::Signed(n) => n.to_string(),
            Unexpected::Float(n) => n.to_string(),
            other => found(&other).to_owned(),
        };
        Self::new(What::Range(format!("expected {expected}, found {shown}")))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::length(format!("expected {expected}, found {length} items"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::choice(variant, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let mut error = Self::new(What::Choice(format!("unknown key `{field}`")));
        error.0.help = hint(field, expected);
        error
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(What::Missing(field))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::custom(format_args!("`{field}` is written twice"))
    }
}
