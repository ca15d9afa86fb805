//! Where a part of a scalar's value stands in the source, so that a diagnostic about a template points into it.

use std::ops::Range;

use crate::base::span::Span;

/// Where the bytes `range` of `value` stand in the source. `span` is the scalar's own; it is returned as it is where the
/// part cannot be told (folded texts, values that come from elsewhere).
#[must_use]
pub fn place(source_text: &str, span: Span, value: &str, range: Range<usize>) -> Span {
    let (Some(raw), Some(part)) = (source_text.get(span.range()), value.get(range.clone())) else { return span };
    let begin = span.start as usize;
    let found = if raw == value {
        Some(range)
    } else {
        quoted(raw, value, &range).or_else(|| block(source_text, begin, raw, value, &range)).or_else(|| once(raw, part))
    };
    found.map_or(span, |found| Span::new(span.source, begin + found.start..begin + found.end))
}

/// Single or double quotes on one line.
fn quoted(raw: &str, value: &str, range: &Range<usize>) -> Option<Range<usize>> {
    let quote = raw.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inner = raw.strip_prefix(quote)?.strip_suffix(quote)?;
    // the place in the source of each byte of the value that begins a character
    let mut places = Vec::with_capacity(value.len() + 1);
    let mut shown = 0;
    let mut rest = inner;
    while !rest.is_empty() {
        let (piece, meaning) = if quote == '"' { escaped(rest)? } else { doubled(rest)? };
        if !value[shown..].starts_with(meaning) {
            return None;
        }
        places.push((shown, 1 + inner.len() - rest.len()));
        shown += meaning.len_utf8();
        rest = &rest[piece..];
    }
    places.push((shown, 1 + inner.len()));
    let find = |at: usize| places.binary_search_by_key(&at, |(value, _)| *value).ok().map(|n| places[n].1);
    (shown == value.len()).then_some(())?;
    Some(find(range.start)?..find(range.end)?)
}

/// The next character of a single-quoted text and the bytes that write it.
fn doubled(rest: &str) -> Option<(usize, char)> {
    let c = rest.chars().next()?;
    match c {
        '\n' | '\r' => None,
        '\'' => rest.starts_with("''").then_some((2, '\'')),
        c => Some((c.len_utf8(), c)),
    }
}

/// The next character of a double-quoted text and the bytes that write it.
fn escaped(rest: &str) -> Option<(usize, char)> {
    let mut chars = rest.chars();
    let c = chars.next()?;
    if c != '\\' {
        return (!matches!(c, '\n' | '\r')).then_some((c.len_utf8(), c));
    }
    let hex = |digits: usize| {
        let code = u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?;
        Some((2 + digits, char::from_u32(code)?))
    };
    match chars.next()? {
        'n' => Some((2, '\n')),
        't' => Some((2, '\t')),
        'r' => Some((2, '\r')),
        '0' => Some((2, '\0')),
        'e' => Some((2, '\u{1b}')),
        c @ ('"' | '\\' | '/' | ' ') => Some((2, c)),
        'x' => hex(2),
        'u' => hex(4),
        'U' => hex(8),
        _ => None,
    }
}

/// A literal block (`|`): the same lines, each behind the indent of the first.
fn block(source: &str, begin: usize, raw: &str, value: &str, range: &Range<usize>) -> Option<Range<usize>> {
    let line_start = source[..begin].rfind('\n').map_or(0, |n| n + 1);
    let indent = begin - line_start;
    // empty lines before the first text belong to the value but not to the span
    let skipped = if raw.starts_with('\n') { 0 } else { value.len() - value.trim_start_matches('\n').len() };
    let mut places = Vec::new();
    let (mut at_value, mut at_raw) = (skipped, 0);
    let mut raw_lines = raw.split('\n');
    for (n, line) in value[skipped..].split('\n').enumerate() {
        let Some(raw_line) = raw_lines.next() else {
            // what is left of the value is the line end that the span leaves out
            if line.is_empty() {
                break;
            }
            return None;
        };
        let cut = if n == 0 { 0 } else { raw_line.bytes().take(indent).take_while(|b| *b == b' ').count() };
        if raw_line[cut..].trim_end_matches('\r') != line {
            return None;
        }
        places.push((at_value, at_raw + cut, line.len()));
        at_value += line.len() + 1;
        at_raw += raw_line.len() + 1;
    }
    let find = |at: usize| {
        let (value, raw, len) = places.iter().rev().find(|(value, ..)| *value <= at)?;
        Some(raw + (at - value).min(*len))
    };
    let (start, end) = (find(range.start)?, find(range.end)?);
    // a part that ends with its line does not reach into the next one's indent
    let end = if value[range.clone()].ends_with('\n') { end.max(start) } else { end };
    (end <= raw.len()).then_some(start..end)
}

/// Whatever the form: where the text of the part stands once, that is it.
fn once(raw: &str, part: &str) -> Option<Range<usize>> {
    let mut places = raw.match_indices(part);
    let (start, _) = places.next().filter(|_| !part.is_empty())?;
    places.next().is_none().then_some(start..start + part.len())
}

#[cfg(test)]
mod tests {
    use crate::base::diag::Diagnostics;
    use crate::base::span::SourceId;
    use crate::text::{Node, parse};

    /// What stands in the source where `part` (its nth time) stands in the value of `a`.
    #[track_caller]
    fn placed(source: &str, part: &str, nth: usize) -> String {
        let diags = Diagnostics::new();
        let tree = parse(SourceId(0), source, &diags).unwrap_or_else(|| panic!("{:?}", diags.sorted()));
        let node = tree.get("a").unwrap();
        let Node::Str(value) = &node.value else { panic!("{node:?}") };
        let start = value.match_indices(part).nth(nth).unwrap().0;
        let span = super::place(source, node.span, value, start..start + part.len());
        source[span.range()].to_owned()
    }

    #[test]
    fn plain_and_quoted() {
        assert_eq!(placed("a: ü {x} y\n", "{x}", 0), "{x}");
        assert_eq!(placed("a: \"ü {x} {x}\"\n", "{x}", 1), "{x}");
        assert_eq!(placed("a: 'it''s {x}'\n", "{x}", 0), "{x}");
        assert_eq!(placed("a: 'it''s {x}'\n", "t's", 0), "t''s");
        assert_eq!(placed("a: \"\\\"é\\\" \\u00fc{x}\\n\"\n", "{x}", 0), "{x}");
        assert_eq!(placed("a: \"\\u00fc.{x}\"\n", "ü.", 0), "\\u00fc.");
    }

    #[test]
    fn literal_blocks_by_line() {
        let source = "a: |\n    é {x}\n\n      {x} y\n    {x}\nb: 1\n";
        for n in 0..3 {
            assert_eq!(placed(source, "{x}", n), "{x}", "{n}");
        }
        assert_eq!(placed(source, "{x} y", 0), "{x} y");
        assert_eq!(placed("a: |-\n  x\n  {y}", "{y}", 0), "{y}");
        assert_eq!(placed("a: |\n\n  x\n  {y}\n", "{y}", 0), "{y}");
        assert_eq!(placed("a: |\r\n  x\r\n  {y}\r\n", "{y}", 0), "{y}");
        assert_eq!(placed("a: |+\n  {y}\n\n\nb: 1\n", "{y}", 0), "{y}");
    }

    #[test]
    fn the_second_of_two_is_not_the_first() {
        let source = "a: |\n  {x}\n  {x}\n";
        let diags = Diagnostics::new();
        let tree = parse(SourceId(0), source, &diags).unwrap();
        let node = tree.get("a").unwrap();
        assert_eq!(super::place(source, node.span, "{x}\n{x}\n", 4..7).start, 13);
        assert_eq!(super::place(source, node.span, "{x}\n{x}\n", 0..3).start, 7);
    }

    #[test]
    fn folded_texts_by_their_words_or_as_a_whole() {
        assert_eq!(placed("a: >\n  x\n  {y}\n", "{y}", 0), "{y}");
        assert_eq!(placed("a: >\n  {y}\n  {y}\n", "{y}", 1), "{y}\n  {y}");
        assert_eq!(placed("a: \"x\n  {y} {y}\"\n", "{y}", 1), "\"x\n  {y} {y}\"");
    }

    #[test]
    fn what_is_not_there_is_the_whole() {
        let span = crate::base::span::Span::new(SourceId(0), 3..6);
        assert_eq!(super::place("a: abc", span, "xyz", 0..1), span);
        assert_eq!(super::place("a: abc", span, "abc", 2..9), span);
        assert_eq!(super::place("", span, "abc", 0..1), span);
    }
}
