//! The grammar of selectors.

use crate::base::diag::Diagnostic;
use crate::base::span::Span;
use crate::inventory::model::is_name;
use crate::inventory::range::Range;
use crate::text::Sp;

/// One text: terms from left to right.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Union {
    pub(super) text: Sp<String>,
    pub(super) terms: Vec<(Operator, Term)>,
}

/// How a term changes what stands left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// And these.
    Or,
    /// But not these.
    Not,
    /// Of them only these.
    And,
}

/// A set of hosts.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Term {
    /// A target, group or host; `controller`; `all`.
    Name(Sp<String>),
    /// Hosts whose names fit.
    Glob(Sp<String>),
    /// `base[from]` or `base[from:to]`: positions of what `base` means; else, if it can be one, a range of host names.
    Bracket { base: Sp<String>, from: i64, to: Option<i64>, range: Option<Box<Range>>, span: Span },
    /// Surely a range of host names.
    Range { range: Box<Range>, span: Span },
}

impl Union {
    pub(super) fn named(name: &str, span: Span) -> Self {
        let text = Sp::new(name.to_owned(), span);
        Self { terms: vec![(Operator::Or, Term::Name(text.clone()))], text }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn single_name(&self) -> Option<&str> {
        match self.terms.as_slice() {
            [(_, Term::Name(name))] => Some(name),
            _ => None,
        }
    }

    pub(super) fn is_one(&self) -> bool {
        match self.terms.as_slice() {
            [(_, Term::Name(name))] => name.value == "controller",
            [(_, Term::Bracket { to: None, .. })] => true,
            _ => false,
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = Sp<String>> + '_ {
        self.terms.iter().filter_map(|(_, term)| match term {
            Term::Name(name) | Term::Bracket { base: name, .. } => Some(name.clone()),
            Term::Glob(_) | Term::Range { .. } => None,
        })
    }

    pub(super) fn parse(text: &Sp<String>) -> Result<Self, Diagnostic> {
        let whole = text.value.as_str();
        let bad = |message: &str, help: &str| Err(Diagnostic::error("bad-selector", text.span, message).help(help));
        if whole.contains("{{") {
            return bad("a selector is not a template", "a param of type host or hosts is a target: write its name");
        }
        if whole.trim().is_empty() {
            return bad("a selector names at least one host or group", "`all` is every host of the inventory");
        }
        if whole.contains(',') || whole.contains(char::is_whitespace) {
            return bad("hosts are joined by `:`", "write `a:b`, or a list");
        }
        let mut terms = Vec::new();
        for (start, part) in split(whole) {
            let (operator, name) = match part.chars().next() {
                Some('!') => (Operator::Not, &part[1..]),
                Some('&') => (Operator::And, &part[1..]),
                _ => (Operator::Or, part),
            };
            if name.is_empty() {
                return bad("a name is missing in this selector", "`a:b`, `a:!b` and `a:&b` have a name on both sides");
            }
            if terms.is_empty() && operator != Operator::Or {
                return bad(
                    "a selector begins with a name",
                    "write `a:!b` or `a:&b` as one text; `all:!b` is every host but b",
                );
            }
            let at = part_span(text, start + part.len() - name.len(), name.len());
            terms.push((operator, Term::parse(Sp::new(name.to_owned(), at))?));
        }
        Ok(Self { text: text.clone(), terms })
    }
}

impl Term {
    fn parse(text: Sp<String>) -> Result<Self, Diagnostic> {
        let bad = |message: String| Err(Diagnostic::error("bad-selector", text.span, message));
        let name = text.value.as_str();
        if name.contains(['*', '?']) {
            return match globset::Glob::new(name) {
                Ok(_) => Ok(Self::Glob(text)),
                Err(error) => bad(format!("`{name}` is not a pattern: {}", error.kind())),
            };
        }
        let Some((base, rest)) = name.split_once('[') else {
            return if is_name(name) {
                Ok(Self::Name(text))
            } else {
                Err(Diagnostic::error("bad-selector", text.span, format!("`{name}` cannot be a name"))
                    .help("letters, digits, `-`, `_` and `.`; `a:!b` is a without b"))
            };
        };
        let range = Range::parse(name);
        let position = rest.strip_suffix(']').and_then(|inside| {
            let (from, to) = inside.split_once(':').map_or((inside, None), |(from, to)| (from, Some(to)));
            Some((from.parse::<i64>().ok()?, to.map(str::parse::<i64>).transpose().ok()?))
        });
        // a name does not end with a joint, and a position has no leading zero
        let only_range = base.is_empty()
            || base.ends_with(['-', '_', '.'])
            || rest.starts_with('0') && rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        let span = text.span;
        match (position, range) {
            (Some((from, to)), range) if !only_range && is_name(base) => {
                let base_span = if (span.end - span.start) as usize == name.len() {
                    Span { end: span.end - u32::try_from(name.len() - base.len()).unwrap_or(0), ..span }
                } else {
                    span
                };
                let base = Sp::new(base.to_owned(), base_span);
                Ok(Self::Bracket { base, from, to, range: range.ok().flatten().map(Box::new), span })
            }
            (_, Ok(Some(range))) => Ok(Self::Range { range: Box::new(range), span }),
            (_, Ok(None)) => bad(format!("`{name}` is neither a position nor a range")),
            (_, Err(error)) => bad(format!("`{name}` is neither a position such as web[0] nor a range: {error}")),
        }
    }
}

/// The parts between colons outside of brackets, with where each begins.
fn split(text: &str) -> Vec<(usize, &str)> {
    let (mut parts, mut start, mut inside) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            ':' if !inside => {
                parts.push((start, &text[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push((start, &text[start..]));
    parts
}

/// Where a part stands: exactly, when the text is written plainly or in quotes without escapes.
fn part_span(text: &Sp<String>, start: usize, len: usize) -> Span {
    let written = (text.span.end - text.span.start) as usize;
    let quotes = match written.checked_sub(text.value.len()) {
        Some(0) => 0,
        Some(2) => 1,
        _ => return text.span,
    };
    let begin = text.span.start as usize + quotes + start;
    Span::new(text.span.source, begin..begin + len)
}
