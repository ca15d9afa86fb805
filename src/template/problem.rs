//! What is wrong with a text or an expression, found without evaluating it. Places are bytes in the value; the caller
//! maps them to the file.

use std::ops::Range;

use crate::base::diag::{Diagnostic, Severity};
use crate::base::span::Span;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Kebab-case, stable.
    pub code: &'static str,
    /// Error, or a warning (`raw`).
    pub severity: Severity,
    /// Bytes in the value.
    pub range: Range<usize>,
    /// One phrase.
    pub message: String,
    /// What stands under the caret; may be empty.
    pub label: String,
    /// Further places.
    pub others: Vec<(Range<usize>, String)>,
    /// What to write instead.
    pub help: Option<String>,
}

impl Problem {
    /// An error.
    #[must_use]
    pub fn error(code: &'static str, range: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            range,
            message: message.into(),
            label: String::new(),
            others: Vec::new(),
            help: None,
        }
    }

    /// A warning.
    #[must_use]
    pub fn warning(code: &'static str, range: Range<usize>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, range, message) }
    }

    /// What stands under the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// A second place.
    #[must_use]
    pub fn and(mut self, range: Range<usize>, label: impl Into<String>) -> Self {
        self.others.push((range, label.into()));
        self
    }

    /// What to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What to write instead, when there is something to say.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// Whether the text cannot be used.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The finding with places in the file; `locate` maps bytes of the value to it.
    #[must_use]
    pub fn locate(&self, locate: impl Fn(Range<usize>) -> Span) -> Diagnostic {
        let mut diagnostic = Diagnostic::error(self.code, locate(self.range.clone()), &self.message)
            .label(&self.label)
            .maybe_help(self.help.as_deref());
        diagnostic.severity = self.severity;
        for (range, label) in &self.others {
            diagnostic = diagnostic.and(locate(range.clone()), label);
        }
        diagnostic
    }
}
