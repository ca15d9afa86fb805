//! What a syntax error means: the library's finding, with the place as a span and help for the usual causes.

use std::ops::Range;

use serde_yaml::budget::BudgetBreach;
use serde_yaml::{Error, Location};

use super::limits::{MAX_ALIASES, MAX_DEPTH, MAX_NODES};
use crate::base::diag::Diagnostic;
use crate::base::span::{SourceId, Span};

/// Signs that cannot begin a plain text.
const SIGNS: [char; 8] = ['!', '&', '*', '[', '@', '%', '`', '{'];

/// What is better said before the library sees the text.
pub(super) fn before(source: SourceId, text: &str) -> Option<Diagnostic> {
    let empty = text.lines().all(|line| {
        let line = line.trim().trim_start_matches('\u{feff}');
        line.is_empty() || line.starts_with('#') || line == "---"
    });
    empty.then(|| Diagnostic::error("empty-text", Span::new(source, 0..0), "there is nothing in this text"))
}

/// A value that begins with `&` is an anchor to YAML, and a value that is only that is nothing.
pub(super) fn lost_anchor(source: SourceId, text: &str, at: Span) -> Option<Diagnostic> {
    let line = text[..at.start as usize].rfind('\n').map_or(0, |n| n + 1);
    let before = text[line..at.start as usize].trim_end();
    let word = before.rfind([' ', '[', ',']).map_or(before, |n| &before[n + 1..]);
    if !word.starts_with('&') {
        return None;
    }
    let end = line + before.len();
    Some(quote(Span::new(source, end - word.len()..end), '&', word))
}

/// The library's place as a span.
pub(super) fn span_of(source: SourceId, text: &str, location: Location) -> Option<Span> {
    let range = if let (Some(start), Some(len)) = (location.span().byte_offset(), location.span().byte_len()) {
        let start = usize::try_from(start).ok()?;
        start..start.saturating_add(usize::try_from(len).ok()?)
    } else {
        let start = offset(text, location.line(), location.column())?;
        start..start
    };
    let start = text.floor_char_boundary(range.start);
    let end = text.ceil_char_boundary(range.end.min(text.len())).max(start);
    Some(Span::new(source, start..end))
}

/// The byte of a one-based line and column.
fn offset(text: &str, line: u64, column: u64) -> Option<usize> {
    let nth = usize::try_from(line).ok()?.checked_sub(1)?;
    let skip = usize::try_from(column).ok()?.checked_sub(1)?;
    let start: usize = text.split_inclusive('\n').take(nth).map(str::len).sum();
    let line = text[start..].split('\n').next().unwrap_or_default();
    Some(start + line.char_indices().nth(skip).map_or(line.len(), |(n, _)| n))
}

/// The diagnostic for an error of the library, and what may be covered to go on.
pub(super) fn diagnose(source: SourceId, text: &str, error: &Error) -> (Diagnostic, Option<Range<usize>>) {
    let finding = finding(source, text, error);
    let cover = cover(text, &finding);
    (finding, cover)
}

/// The part of the text that can be taken for a word, so that what follows is understood.
fn cover(text: &str, finding: &Diagnostic) -> Option<Range<usize>> {
    let at = finding.span?;
    match finding.code {
        "unquoted-template" | "yaml-sign" => (at.start < at.end).then(|| at.range()),
        "yaml-syntax" => {
            let line = Line::around(text, at.start as usize);
            let value = line.value();
            let start = line.value_at();
            // a value that contains `: `, goes on behind its quotes, or has an escape that is none
            let whole = ["mapping values", "trailing content", "unknown escape"];
            let fits =
                whole.iter().any(|cause| finding.message.contains(cause)) && !value.starts_with(['{', '[', '|', '>']);
            (fits && start <= at.start as usize && !value.is_empty()).then(|| start..start + value.len())
        }
        _ => None,
    }
}

fn finding(source: SourceId, text: &str, error: &Error) -> Diagnostic {
    let error = innermost(error);
    let at = error.location().and_then(|l| span_of(source, text, l));
    let at = at.unwrap_or_else(|| Span::new(source, text.len()..text.len()));
    let line = Line::around(text, at.start as usize);
    match error {
        Error::Budget { breach, .. } => budget(at, breach),
        Error::AliasReplayLimitExceeded { .. } | Error::AliasExpansionLimitExceeded { .. } => {
            Diagnostic::error("text-too-large", at, format!("aliases repeat more than {MAX_NODES} values"))
        }
        Error::UnsupportedTag { tag, .. } => {
            let start = text[..at.start as usize].rfind('!').map_or(at.start as usize, |n| bang(text, n));
            quote(Span::new(source, start..start + word_len(&text[start..])), '!', tag)
        }
        Error::NullIntoString { .. } => Diagnostic::error("yaml-syntax", at, "a key cannot be null").help("quote it"),
        Error::Unexpected { .. } if line.is_template(at) => template(source, text, at),
        Error::Unexpected { .. } => Diagnostic::error("yaml-syntax", at, "a key must be a text"),
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            Diagnostic::error("yaml-syntax", at, "an alias cannot stand inside its own anchor")
        }
        Error::UnknownAnchor { .. } => {
            let start = at.start as usize;
            let word = &text[start..start + word_len(&text[start..])];
            quote(Span::new(source, start..start + word.len()), '*', word)
        }
        other => scanner(source, text, at, &message(other)),
    }
}

fn innermost(mut error: &Error) -> &Error {
    while let Error::AliasError { error: inner, .. } | Error::WithSnippet { error: inner, .. } = error {
        error = inner;
    }
    error
}

/// The library's words without the position that it appends.
fn message(error: &Error) -> String {
    let text = error.to_string();
    let text = text.rfind(" at line ").map_or(text.as_str(), |n| &text[..n]);
    text.lines().next().unwrap_or_default().to_owned()
}

fn budget(at: Span, breach: &BudgetBreach) -> Diagnostic {
    match breach {
        BudgetBreach::Documents { .. } => Diagnostic::error("yaml-syntax", at, "a second document begins here")
            .help("one document a file; remove the line `---`"),
        BudgetBreach::Depth { .. } => too_deep(at),
        BudgetBreach::Aliases { .. } | BudgetBreach::Anchors { .. } => {
            Diagnostic::error("text-too-large", at, format!("more than {MAX_ALIASES} aliases"))
        }
        _ => Diagnostic::error("text-too-large", at, format!("more than {MAX_NODES} values")),
    }
}

fn too_deep(at: Span) -> Diagnostic {
    Diagnostic::error("text-too-large", at, format!("maps and lists are nested more than {MAX_DEPTH} deep"))
}

/// Errors of the scanner, which come as words with a place.
fn scanner(source: SourceId, text: &str, at: Span, message: &str) -> Diagnostic {
    let line = Line::around(text, at.start as usize);
    let value = line.value();
    if message.contains("recursion limit") {
        return too_deep(at);
    }
    if message.contains("tabs") || (message.contains("tab") && line.text.trim_start_matches(' ').starts_with('\t')) {
        return Diagnostic::error("yaml-tab", at, "a tab stands where YAML wants spaces").help("indent with spaces");
    }
    if value.starts_with("{{") && !message.contains("quote") {
        return template(source, text, Span::new(source, line.value_at()..line.value_at()));
    }
    let first = value.chars().next().unwrap_or(' ');
    let finding = Diagnostic::error("yaml-syntax", at, message);
    if matches!(first, '@' | '%' | '`' | '!' | '&' | '*') {
        let start = line.value_at();
        return quote(Span::new(source, start..start + value.len()), first, value);
    }
    if message.starts_with("unexpected character") && text[at.start as usize..].starts_with(['@', '%', '`']) {
        let rest = &line.text[at.start as usize - line.start..];
        let end = rest.find([',', '}', ']']).unwrap_or(rest.len());
        let word = rest[..end].trim_end();
        let at = Span::new(source, at.start as usize..at.start as usize + word.len());
        return quote(at, word.chars().next().unwrap_or(' '), word);
    }
    if message.contains("unknown escape") {
        return finding
            .help("in double quotes a backslash begins an escape; in single quotes it is a backslash: '\\d+'");
    }
    if message.contains("unclosed quote") {
        return finding
            .help("the quote that begins here is never closed; a quote inside single quotes is written twice");
    }
    if message.contains("trailing content") {
        return finding.help("quote the whole value, not only its beginning");
    }
    if message.contains("unclosed bracket") || message.contains("',' or") {
        return finding.help("inside [ ] and { } quote a text that contains a comma, a bracket or `: `");
    }
    if first == '[' {
        return finding
            .help(format!("a value that begins with `[` is a list: quote it to make it a text: {}", quoted(value)));
    }
    if message.contains("mapping values are not allowed") {
        return finding.help(if value.contains(": ") || value.ends_with(':') {
            format!("a value that contains `: ` must be quoted: {}", quoted(value))
        } else {
            "this line is indented more than its neighbours".to_owned()
        });
    }
    if message.contains("block sequence entries") {
        return finding.help("put the list on lines of its own, below the key");
    }
    if message.contains("simple key expected") {
        return finding.help("write `key: value`, or indent the line to continue the value above");
    }
    if message.contains("did not find expected") {
        return finding.help("the indentation of this line fits none of the lines above");
    }
    if message.contains("comment intercepting") {
        return finding.help("` #` begins a comment: quote the value, or write it with `|`");
    }
    finding
}

fn template(source: SourceId, text: &str, at: Span) -> Diagnostic {
    let mut start = at.start as usize;
    while start > 0 && text.as_bytes()[start - 1] == b'{' {
        start -= 1;
    }
    let rest = text[start..].split('\n').next().unwrap_or_default().trim_end();
    // inside a flow map or list the value ends before the comma or bracket that follows the last braces
    let end = if Line::around(text, start).value_at() == start {
        rest.len()
    } else {
        rest.find("}}").map_or(rest.len(), |n| n + 2)
    };
    let value = &rest[..end];
    Diagnostic::error("unquoted-template", Span::new(source, start..start + value.len()), "`{{` begins a map in YAML")
        .label("meant as a text")
        .help(format!("quote the value: {}", quoted(value)))
}

fn quote(at: Span, sign: char, value: &str) -> Diagnostic {
    let meaning = match sign {
        '!' => "begins a tag, and tags are not used here",
        '&' => "begins an anchor",
        '*' => "begins an alias, and there is no such anchor",
        _ => "cannot begin a value",
    };
    let help = if value.len() > 1 { format!("quote it: {}", quoted(value)) } else { "quote it".to_owned() };
    Diagnostic::error("yaml-sign", at, format!("`{sign}` {meaning}")).label("meant as a text").help(help)
}

/// The value as one would write it in quotes.
fn quoted(value: &str) -> String {
    if value.contains(['"', '\\']) { format!("'{}'", value.replace('\'', "''")) } else { format!("\"{value}\"") }
}

/// The first of the exclamation marks of a tag such as `!!x`.
fn bang(text: &str, at: usize) -> usize {
    at - text[..at].bytes().rev().take_while(|b| *b == b'!').count()
}

fn word_len(text: &str) -> usize {
    text.find(|c: char| c.is_whitespace() || c == ',').unwrap_or(text.len())
}

/// The line around a place.
struct Line<'a> {
    start: usize,
    text: &'a str,
}

impl<'a> Line<'a> {
    fn around(text: &'a str, at: usize) -> Self {
        let start = text[..at].rfind('\n').map_or(0, |n| n + 1);
        let line = text[start..].split('\n').next().unwrap_or_default();
        Self { start, text: line }
    }

    /// Where the value of the line begins: behind dashes and the first `key: `.
    fn value_at(&self) -> usize {
        let mut at = self.text.len() - self.text.trim_start().len();
        while self.text[at..].starts_with("- ") {
            at += 2;
            at += self.text[at..].len() - self.text[at..].trim_start().len();
        }
        let rest = &self.text[at..];
        if !rest.starts_with(SIGNS)
            && !rest.starts_with(['"', '\''])
            && let Some(colon) = rest.find(": ")
        {
            at += colon + 2;
            at += self.text[at..].len() - self.text[at..].trim_start().len();
        }
        self.start + at
    }

    fn value(&self) -> &'a str {
        self.text[self.value_at() - self.start..].trim_end()
    }

    /// Whether two braces stand at a place.
    fn is_template(&self, at: Span) -> bool {
        let at = at.start as usize - self.start;
        self.text.get(..=at).is_some_and(|t| t.ends_with("{{"))
            || self.text.get(at..).is_some_and(|t| t.starts_with("{{"))
    }
}
