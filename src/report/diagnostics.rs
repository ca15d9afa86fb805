//! Diagnostics for people (a snippet with carets) and for programs (JSON).
//!
//! Texts come from files that anyone may have written: control characters of them are never printed.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode, ThemeCharacters, ThemeStyles};
use serde_json::{Value, json};

use crate::base::diag::{Diagnostic, Severity};
use crate::base::span::{SourceId, Sources, Span};

use self::text::{Text, Texts, harmless, label};

/// All findings as text, one after another, and a line that counts them. `width` is that of the terminal.
#[must_use]
pub fn render(sources: &Sources, diagnostics: &[Diagnostic], width: usize, color: bool) -> String {
    let styles = if color { ThemeStyles::ansi() } else { ThemeStyles::none() };
    let theme = GraphicalTheme { characters: ThemeCharacters::unicode(), styles };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(width.max(40))
        .with_links(false)
        .with_context_lines(1)
        .tab_width(4)
        .with_break_words(false)
        .without_cause_chain();
    let mut text = String::new();
    let texts = Texts::new(sources);
    for diagnostic in diagnostics {
        let shown = Shown::new(&texts, diagnostic);
        if handler.render_report(&mut text, &shown).is_err() {
            // the snippet could not be drawn: what is wrong is said all the same
            let _ = writeln!(text, "{shown}");
        }
        for other in &shown.elsewhere {
            if handler.render_report(&mut text, other).is_err() {
                let _ = writeln!(text, "{other}");
            }
        }
        text.push('\n');
    }
    if !diagnostics.is_empty() {
        text.push_str(&summary(sources, diagnostics));
        text.push('\n');
    }
    text.lines().map(str::trim_end).fold(String::with_capacity(text.len()), |all, line| all + line + "\n")
}

/// "3 errors, 1 warning in quorum-loss.yaml".
#[must_use]
pub fn summary(sources: &Sources, diagnostics: &[Diagnostic]) -> String {
    let of = |severity| diagnostics.iter().filter(|d| d.severity == severity).count();
    let counts = [(of(Severity::Error), "error"), (of(Severity::Warning), "warning")];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}{}", if *n == 1 { "" } else { "s" }))
        .collect();
    let files: BTreeSet<SourceId> = diagnostics.iter().filter_map(|d| d.span).map(|span| span.source).collect();
    let files: Vec<String> = files.into_iter().map(|id| harmless(&sources.get(id).name)).collect();
    let place = match files.as_slice() {
        [] => String::new(),
        [one] => format!(" in {one}"),
        [one, two] => format!(" in {one} and {two}"),
        many => format!(" in {} files", many.len()),
    };
    counts.join(", ") + &place
}

/// All findings as one document: `{ errors, warnings, diagnostics: [ { code, severity, message, … } ] }`. Lines and
/// columns are one-based, columns in characters.
#[must_use]
pub fn json(sources: &Sources, diagnostics: &[Diagnostic]) -> Value {
    let of = |severity| diagnostics.iter().filter(|d| d.severity == severity).count();
    let items: Vec<Value> = diagnostics
        .iter()
        .map(|d| {
            let others: Vec<Value> = d
                .others
                .iter()
                .map(|(span, label)| json!({ "label": label, "place": place(sources, *span) }))
                .collect();
            json!({
                "code": d.code,
                "severity": d.severity.word(),
                "message": d.message,
                "label": d.label,
                "place": d.span.map(|span| place(sources, span)),
                "others": others,
                "help": d.help,
            })
        })
        .collect();
    json!({ "errors": of(Severity::Error), "warnings": of(Severity::Warning), "diagnostics": items })
}

fn place(sources: &Sources, span: Span) -> Value {
    let (line, column) = sources.position(span);
    let (end_line, end_column) = sources.position(Span { start: span.end, ..span });
    json!({
        "file": &*sources.get(span.source).name, "line": line, "column": column,
        "end_line": end_line, "end_column": end_column, "start": span.start, "end": span.end,
    })
}

/// One finding in the form that miette draws.
struct Shown<'a> {
    diagnostic: &'a Diagnostic,
    source: Option<Text>,
    labels: Vec<LabeledSpan>,
    /// Places in other texts, each with a snippet of its own.
    elsewhere: Vec<Elsewhere>,
}

impl<'a> Shown<'a> {
    fn new(texts: &Texts, diagnostic: &'a Diagnostic) -> Self {
        let Some(span) = diagnostic.span else {
            let elsewhere = diagnostic.others.iter().map(|(at, label)| Elsewhere::new(texts, *at, label)).collect();
            return Self { diagnostic, source: None, labels: Vec::new(), elsewhere };
        };
        let text = &texts.sources.get(span.source).text;
        let mut labels = vec![label(text, span, &diagnostic.label, true)];
        let mut elsewhere = Vec::new();
        for (at, word) in &diagnostic.others {
            if at.source == span.source {
                labels.push(label(text, *at, word, false));
            } else {
                elsewhere.push(Elsewhere::new(texts, *at, word));
            }
        }
        let source = Some(texts.named(span.source, &labels));
        Self { diagnostic, source, labels, elsewhere }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", harmless(&self.diagnostic.message), self.diagnostic.code)
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        self.diagnostic.help.as_ref().map(|help| Box::new(harmless(help)) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty()).then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = _>>)
    }
}

/// A second place in another text.
#[derive(Debug)]
struct Elsewhere {
    word: String,
    source: Text,
    label: LabeledSpan,
}

impl Elsewhere {
    fn new(texts: &Texts, at: Span, word: &str) -> Self {
        let text = &texts.sources.get(at.source).text;
        let label = label(text, at, "", true);
        Self { word: harmless(word), source: texts.named(at.source, std::slice::from_ref(&label)), label }
    }
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word)
    }
}

impl std::error::Error for Elsewhere {}

impl miette::Diagnostic for Elsewhere {
    fn severity(&self) -> Option<miette::Severity> {
        Some(miette::Severity::Advice)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(self.label.clone())))
    }
}

mod text;

#[cfg(test)]
mod tests;
