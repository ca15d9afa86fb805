//! Selectors: sets of hosts by name, `web:!web-3`, `consul-[1:3]`, `lost[0]`.

use super::model::{HostName, Inventory};
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::text::Sp;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// `target`, `group` or `host`: for messages.
    pub kind: &'static str,
    /// The hosts, in order.
    pub hosts: Vec<HostName>,
}

/// What names a selector may use. The inventory is one; the plan adds targets and picks.
pub trait Names {
    /// Everything that `name` stands for; more than one is an error of the author.
    fn look_up(&self, name: &str) -> Vec<Name>;
    /// All names, for globs over hosts and for "did you mean".
    fn known(&self) -> Vec<String>;
    /// Every host of the inventory, in its order.
    fn all_hosts(&self) -> Vec<HostName>;
}

/// A parsed selector.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    span: Span,
}

impl Selector {
    /// Parses one selector.
    pub fn parse(text: &Sp<String>, _diags: &Diagnostics) -> Option<Self> {
        Some(Self { span: text.span })
    }

    /// Parses several, their union.
    pub fn parse_list(texts: &[Sp<String>], _diags: &Diagnostics) -> Option<Self> {
        texts.first().map(|t| Self { span: t.span })
    }

    /// Where it stands.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.span
    }

    /// The names that it uses, with their places.
    #[must_use]
    pub fn names(&self) -> Vec<Sp<String>> {
        Vec::new()
    }

    /// The hosts.
    pub fn resolve(&self, _names: &dyn Names) -> Result<Vec<HostName>, Diagnostic> {
        Ok(Vec::new())
    }
}

impl Names for Inventory {
    fn look_up(&self, _name: &str) -> Vec<Name> {
        Vec::new()
    }

    fn known(&self) -> Vec<String> {
        Vec::new()
    }

    fn all_hosts(&self) -> Vec<HostName> {
        Vec::new()
    }
}
