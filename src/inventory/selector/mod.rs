//! Selectors: sets of hosts by name.
//!
//! `web`, `a:b`, `a:!b`, `a:&b`, `web-*`, `consul-[1:3]`, `web[0]`, `web[1:3]`, `web[-1]`, `controller`, `all`; a list is
//! the union of its texts. What stands in brackets behind a name that means something is a position in it (`lost[0]`);
//! behind anything else it is a range of host names (`consul-[1:3]`). Resolving is pure: all names come from [`Names`].

mod parse;
mod resolve;
mod told;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

pub use resolve::{Name, Names};

use self::parse::Union;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::text::{OneOrMany, Sp};

/// A parsed selector.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    span: Span,
    unions: Vec<Union>,
    /// Whether a part could not be understood.
    broken: bool,
}

impl Selector {
    /// Parses one text.
    pub fn parse(text: &Sp<String>, diags: &Diagnostics) -> Option<Self> {
        Self::parse_list(std::slice::from_ref(text), diags)
    }

    /// Parses several texts, their union.
    pub fn parse_list(texts: &[Sp<String>], diags: &Diagnostics) -> Option<Self> {
        let span = Span { end: texts.last()?.span.end.max(texts.first()?.span.end), ..texts.first()?.span };
        Some(Self::parse_anyway(texts, span, diags)).filter(|selector| !selector.broken)
    }

    /// Parses what can be understood; the rest is reported, and the selector is broken.
    pub(super) fn parse_anyway(texts: &[Sp<String>], span: Span, diags: &Diagnostics) -> Self {
        let mut unions = Vec::new();
        for text in texts {
            match Union::parse(text) {
                Ok(union) => unions.push(union),
                Err(diagnostic) => diags.push(diagnostic),
            }
        }
        Self { broken: unions.len() != texts.len() || unions.is_empty(), span, unions }
    }

    /// The same, with a part that could not be understood.
    #[must_use]
    pub(super) fn but_broken(self) -> Self {
        Self { broken: true, ..self }
    }

    /// Whether a part could not be understood: that was reported, and whom it names is not known.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// A selector of one name.
    #[must_use]
    pub fn named(name: &str, span: Span) -> Self {
        Self { span, unions: vec![Union::named(name, span)], broken: false }
    }

    /// Where it stands.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.span
    }

    /// As it is written.
    #[must_use]
    pub fn text(&self) -> String {
        self.unions.iter().map(Union::text).collect::<Vec<_>>().join(":")
    }

    /// The one name that it consists of, if it is that.
    #[must_use]
    pub fn single_name(&self) -> Option<&str> {
        match self.unions.as_slice() {
            [union] => union.single_name(),
            _ => None,
        }
    }

    /// Whether it can never be more than one host: one position, or the controller.
    #[must_use]
    pub fn is_one(&self) -> bool {
        matches!(self.unions.as_slice(), [union] if union.is_one())
    }

    /// The names that it uses, with their places: not the ranges and globs, and of `a[0]` the `a`. A name with brackets
    /// may still be the beginning of a range of hosts, so whether a name is known is asked by [`Selector::check`].
    #[must_use]
    pub fn names(&self) -> Vec<Sp<String>> {
        self.unions.iter().flat_map(Union::names).collect()
    }
}

/// One text or a list of texts. Spans are kept; what is wrong is reported by the decoder.
impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Sp { value: OneOrMany(unions), span } = Sp::<OneOrMany<Union>>::deserialize(deserializer)?;
        if unions.is_empty() {
            return Err(D::Error::custom("a selector names at least one host or group"));
        }
        Ok(Self { span, unions, broken: false })
    }
}

impl<'de> Deserialize<'de> for Union {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Sp::<String>::deserialize(deserializer)?;
        Self::parse(&text).map_err(|Diagnostic { message, help, .. }| {
            D::Error::custom(match help {
                Some(help) => format!("{message}: {help}"),
                None => message,
            })
        })
    }
}

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;
