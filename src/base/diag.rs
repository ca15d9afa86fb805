//! Diagnostics: what is wrong with a text, as values that are collected, never thrown one by one.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexSet;

use super::codes;
use super::span::{SourceId, Span};

/// Whether a text can be used in spite of the finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
/// mutably. Places are looked up in sorted sets: a text with thousands of mistakes is told about in good time.
#[derive(Debug, Default)]
pub struct Diagnostics {
    all: RefCell<IndexSet<Diagnostic>>,
    /// Places of errors.
    errors: RefCell<BTreeSet<Span>>,
    settled: RefCell<Settled>,
    /// Warnings that the author allowed, with where.
    allowed: RefCell<Vec<(&'static str, Span)>>,
}

/// Places of which everything is said: the end of each by its start. None of them lies in another, so both grow together.
#[derive(Clone, Debug, Default)]
struct Settled(BTreeMap<(SourceId, u32), u32>);

impl Settled {
    fn contains(&self, place: Span) -> bool {
        let before = self.0.range((place.source, 0)..=(place.source, place.start)).next_back();
        before.is_some_and(|(_, end)| place.end <= *end)
    }

    fn add(&mut self, place: Span) {
        if self.contains(place) {
            return;
        }
        let from = (place.source, place.start);
        while let Some((inner, end)) = self.0.range(from..).next().map(|(start, end)| (*start, *end)) {
            if inner.0 != place.source || end > place.end {
                break;
            }
            self.0.remove(&inner);
        }
        self.0.insert(from, place.end);
    }
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
        if diagnostic.severity == Severity::Error {
            self.errors.borrow_mut().extend(diagnostic.span);
        }
        self.all.borrow_mut().insert(diagnostic);
    }

    /// From now on nothing more is said of this place.
    pub fn settle(&self, place: Span) {
        self.settled.borrow_mut().add(place);
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
        place.is_nowhere() || self.settled.borrow().contains(place)
    }

    /// Whether any error was recorded.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.all.borrow().iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether an error was recorded inside `span`: then a missing part of it is a consequence, not a second mistake.
    #[must_use]
    pub fn has_errors_within(&self, span: Span) -> bool {
        let (first, last) = (Span { end: span.start, ..span }, Span { start: span.end, ..span });
        // those that begin inside of it: the first of them that ends there too decides
        self.errors.borrow().range(first..=last).any(|error| span.contains(*error))
    }

    /// All findings, in the order of the texts.
    #[must_use]
    pub fn into_sorted(self) -> Vec<Diagnostic> {
        let mut all: Vec<Diagnostic> = self.all.into_inner().into_iter().collect();
        all.sort_by_key(|d| (d.span.is_none(), d.span.unwrap_or_default(), d.code));
        all
    }

    /// A copy of the findings so far, in the order of the texts.
    #[must_use]
    pub fn sorted(&self) -> Vec<Diagnostic> {
        Self { all: self.all.clone(), ..Self::default() }.into_sorted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u32, end: u32) -> Span {
        Span { source: SourceId(1), start, end }
    }

    /// What the sorted sets answer is what a look at every place would.
    #[test]
    fn places_are_found_as_by_looking_at_all_of_them() {
        let places: Vec<Span> = (0..7).flat_map(|a| (a..7).map(move |b| span(a, b))).collect();
        let other = Span { source: SourceId(0), ..span(0, 9) };
        for (n, one) in places.iter().enumerate() {
            for two in &places {
                let three = places[(n * 7 + 3) % places.len()];
                let (errors, settled) = (Diagnostics::new(), Diagnostics::new());
                for place in [*one, *two, three, other] {
                    errors.push(Diagnostic::error("wrong-type", place, "x"));
                    settled.settle(place);
                }
                for asked in &places {
                    let inside = [one, two, &three].iter().any(|place| asked.contains(**place));
                    assert_eq!(errors.has_errors_within(*asked), inside, "{asked:?} of {one:?} {two:?} {three:?}");
                    let around = [one, two, &three].iter().any(|place| place.contains(*asked));
                    assert_eq!(settled.is_settled(*asked), around, "{asked:?} in {one:?} {two:?} {three:?}");
                }
            }
        }
    }

    #[test]
    fn a_finding_is_recorded_once_and_a_warning_is_no_error() {
        let diags = Diagnostics::new();
        diags.push(Diagnostic::warning("hidden-exit-code", span(1, 2), "x"));
        diags.push(Diagnostic::warning("hidden-exit-code", span(1, 2), "x"));
        assert_eq!(diags.sorted().len(), 1);
        assert!(!diags.has_errors() && !diags.has_errors_within(span(0, 9)));
        diags.push(Diagnostic::placeless("wrong-type", "x"));
        assert!(diags.has_errors() && !diags.has_errors_within(span(0, 9)));
    }
}
