//! Diagnostics: what is wrong with a text, as values that are collected, never thrown one by one.

use std::cell::RefCell;

use super::codes;
use super::span::Span;

/// Whether a text can be used in spite of the finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can; the author should look.
    Warning,
}

impl Severity {
    /// The word for people and programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One finding. Messages and labels are lower-case fragments that name the thing; help says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Kebab-case, stable, unique: what a suppression or a search names.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// One phrase.
    pub message: String,
    /// The place with the caret. `None` for what has no place in a text.
    pub span: Option<Span>,
    /// What stands under the caret; may be empty.
    pub label: String,
    /// Further places.
    pub others: Vec<(Span, String)>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    #[must_use]
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            span: Some(span),
            label: String::new(),
            others: Vec::new(),
            help: None,
        }
    }

    /// A warning at a place.
    #[must_use]
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// An error that has no place in a text.
    #[must_use]
    pub fn placeless(code: &'static str, message: impl Into<String>) -> Self {
        Self { span: None, ..Self::error(code, Span::default(), message) }
    }

    /// What stands under the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// A second place.
    #[must_use]
    pub fn and(mut self, span: Span, label: impl Into<String>) -> Self {
        self.others.push((span, label.into()));
        self
    }

    /// What to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What to do, when there is something to say.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<impl Into<String>>) -> Self {
        self.help = help.map(Into::into).or(self.help);
        self
    }
}

/// The sink that parsing, decoding and checking write to. Shared by reference, so that no stage has to hand it around
/// mutably.
#[derive(Debug, Default)]
pub struct Diagnostics {
    all: RefCell<Vec<Diagnostic>>,
    /// Places of which everything is said.
    settled: RefCell<Vec<Span>>,
    /// Warnings that the author allowed, with where.
    allowed: RefCell<Vec<(&'static str, Span)>>,
}

impl Diagnostics {
    /// An empty sink.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records a finding, unless the very same is there already or it is the consequence of one: it speaks of a place
    /// that is in no text, or of which everything is said.
    ///
    /// A warning that is allowed at its place is not recorded.
    pub fn push(&self, diagnostic: Diagnostic) {
        debug_assert!(
            codes::find(diagnostic.code).is_some_and(|code| code.severity == diagnostic.severity),
            "the code `{}` is not in the table base::codes",
            diagnostic.code
        );
        if diagnostic.severity == Severity::Warning && self.allows(diagnostic.code, diagnostic.span) {
            return;
        }
        let places = diagnostic.span.into_iter().chain(diagnostic.others.iter().map(|(span, _)| *span));
        if places.into_iter().any(|place| self.is_settled(place)) {
            return;
        }
        let mut all = self.all.borrow_mut();
        if !all.contains(&diagnostic) {
            all.push(diagnostic);
        }
    }

    /// From now on nothing more is said of this place.
    pub fn settle(&self, place: Span) {
        self.settled.borrow_mut().push(place);
    }

    /// From now on a warning of this code is not recorded at this place.
    pub fn allow(&self, code: &'static str, place: Span) {
        self.allowed.borrow_mut().push((code, place));
    }

    fn allows(&self, code: &str, span: Option<Span>) -> bool {
        let allowed = self.allowed.borrow();
        span.is_some_and(|span| allowed.iter().any(|(name, place)| *name == code && place.contains(span)))
    }

    fn is_settled(&self, place: Span) -> bool {
        place.is_nowhere() || self.settled.borrow().iter().any(|settled| settled.contains(place))
    }

    /// Whether any error was recorded.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.all.borrow().iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether an error was recorded inside `span`: then a missing part of it is a consequence, not a second mistake.
    #[must_use]
    pub fn has_errors_within(&self, span: Span) -> bool {
        self.all.borrow().iter().any(|d| d.severity == Severity::Error && d.span.is_some_and(|s| span.contains(s)))
    }

    /// All findings, in the order of the texts.
    #[must_use]
    pub fn into_sorted(self) -> Vec<Diagnostic> {
        let mut all = self.all.into_inner();
        all.sort_by_key(|d| (d.span.is_none(), d.span.unwrap_or_default(), d.code));
        all
    }

    /// A copy of the findings so far, in the order of the texts.
    #[must_use]
    pub fn sorted(&self) -> Vec<Diagnostic> {
        Self { all: self.all.clone(), ..Self::default() }.into_sorted()
    }
}
