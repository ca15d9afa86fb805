//! The texts that snippets are cut from: without control characters, and only the lines around a label are looked at.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::base::span::{Source, SourceId, Sources, Span};

/// The texts that findings speak of. Each is made harmless once, not once for each finding.
pub(super) struct Texts<'a> {
    pub(super) sources: &'a Sources,
    clean: RefCell<HashMap<SourceId, Arc<Clean>>>,
}

/// A harmless text, which has a line behind its last one.
#[derive(Debug)]
struct Clean {
    name: String,
    text: String,
    source: Source,
}

impl<'a> Texts<'a> {
    pub(super) fn new(sources: &'a Sources) -> Self {
        Self { sources, clean: RefCell::default() }
    }

    /// The text that these labels are in.
    pub(super) fn named(&self, id: SourceId, labels: &[LabeledSpan]) -> Text {
        let make = || {
            let source = self.sources.get(id).clone();
            Arc::new(Clean { name: harmless(&source.name), text: harmless(&source.text) + "\n", source })
        };
        let clean = Arc::clone(self.clean.borrow_mut().entry(id).or_insert_with(make));
        // a place behind the last line needs a line to stand in
        let len = clean.source.text.len();
        let len = len + usize::from(labels.iter().any(|label| label.offset() == len));
        Text { clean, len }
    }
}

/// A text whose columns are counted in characters; miette's own are bytes.
#[derive(Debug)]
pub(super) struct Text {
    clean: Arc<Clean>,
    len: usize,
}

impl Text {
    /// The lines of a span, with more before and after them: miette reads all that it is given, for each label.
    fn around(&self, span: &SourceSpan, before: usize, after: usize) -> (usize, &str) {
        let source = &self.clean.source;
        let first = source.line(span.offset()).saturating_sub(before + 1);
        let last = source.line(span.offset() + span.len()) + after + 2;
        let start = source.line_start(first);
        let end = source.line_start(last);
        let end = if end == source.text.len() { self.len } else { end };
        (first, &self.clean.text[start..end])
    }
}

impl SourceCode for Text {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (first, lines) = self.around(span, before, after);
        let offset = self.clean.source.line_start(first);
        let inner = lines.read_span(&(span.offset() - offset, span.len()).into(), before, after)?;
        let start = inner.span().offset();
        let line = lines[..start].rfind('\n').map_or(0, |n| n + 1);
        let column = lines[line..start].chars().count();
        let (data, count) = (inner.data(), inner.line_count());
        let span = SourceSpan::from((offset + start, inner.span().len()));
        let name = self.clean.name.clone();
        Ok(Box::new(MietteSpanContents::new_named(name, data, span, first + inner.line(), column, count)))
    }
}

/// A label over the first line of a span; a place without length gets one character where there is one.
pub(super) fn label(text: &str, span: Span, word: &str, primary: bool) -> LabeledSpan {
    let start = text.floor_char_boundary((span.start as usize).min(text.len()));
    let end = text.ceil_char_boundary((span.end as usize).min(text.len())).max(start);
    let line = text[start..end].split(['\n', '\r']).next().unwrap_or_default();
    let mut len = line.len();
    if len == 0 {
        len = text[start..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
    }
    let word = Some(harmless(word)).filter(|word| !word.is_empty());
    let at = (start, len);
    if primary { LabeledSpan::new_primary_with_span(word, at) } else { LabeledSpan::new_with_span(word, at) }
}

/// Without control characters and directions; each is replaced by one of the same number of bytes, so that places stay.
pub(super) fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            '\r' => ' ',
            c if c.is_control() => {
                if c.len_utf8() == 1 {
                    '?'
                } else {
                    '¤'
                }
            }
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' => {
                '\u{fffd}'
            }
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is asked, the answer is that of a look at the whole text, and it costs no more than some lines.
    #[test]
    fn a_few_lines_are_as_good_as_the_whole_text() {
        let whole: String = (0..500).map(|n| format!("line {n} \u{1b}\r\n")).collect();
        let mut sources = Sources::default();
        let id = sources.add("a.yaml", whole.as_str());
        let texts = Texts::new(&sources);
        let text = texts.named(id, &[]);
        let clean = harmless(&whole);
        let mut read = 0;
        for start in (0..whole.len()).step_by(7) {
            for (len, lines) in [(0, 0), (3, 1), (20, 2)] {
                let span = SourceSpan::from((start, len.min(whole.len() - start)));
                let (mine, theirs) = (text.read_span(&span, lines, lines), clean.read_span(&span, lines, lines));
                let (Ok(mine), Ok(theirs)) = (mine, theirs) else { panic!("{span:?} cannot be read") };
                assert_eq!(mine.data(), theirs.data(), "{span:?}");
                assert_eq!((mine.span(), mine.line()), (theirs.span(), theirs.line()), "{span:?}");
                read = read.max(text.around(&span, lines, lines).1.lines().count());
            }
        }
        assert!(read <= 10, "{read} lines are read for one label");
        assert!(Arc::ptr_eq(&text.clean, &texts.named(id, &[]).clean), "a text is made harmless once");
    }
}
