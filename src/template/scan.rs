//! Finds the `{{ }}` of a text and checks their balance, in order to say what is wrong in plain words, all of it, before
//! Handlebars is asked (which stops at the first mistake and names grammar rules).

use std::ops::Range;

use super::ast::BlockKind;
use super::problem::Problem;
use crate::base::nearest::nearest;

/// Deeper nesting than this is refused: both parsers are recursive.
const MAX_DEPTH: usize = 32;

/// One `{{ }}`.
#[derive(Clone, Debug)]
pub(super) struct Tag {
    pub kind: TagKind,
    /// With its braces.
    pub range: Range<usize>,
    /// What is between them, less sigils, block names and `~`.
    pub inner: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TagKind {
    Insert,
    Open(BlockKind),
    /// `{{else}}`, with something in `inner` when it is `{{else if …}}`.
    Else,
    Close(BlockKind),
    Comment,
}

/// The tags of a text, in order.
pub(super) fn scan(source: &str, problems: &mut Vec<Problem>) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some(found) = source[at..].find("{{") {
        let start = at + found;
        let backslashes = source[at..start].bytes().rev().take_while(|b| *b == b'\\').count();
        if backslashes == 1 {
            // `\{{` is text. Like Handlebars, the third brace of `\{{{` belongs to it.
            at = start + 2 + usize::from(source[start + 2..].starts_with('{'));
            continue;
        }
        let Some(tag_end) = end_of(source, start) else {
            let line_end = source[start..].find('\n').map_or(source.len(), |n| start + n);
            problems.push(
                Problem::error("template-syntax", start..line_end, "`{{` is not closed")
                    .help("close it with `}}`; for two braces as text write `\\{{`"),
            );
            break;
        };
        if let Some(tag) = classify(source, start..tag_end, problems) {
            tags.push(tag);
        }
        at = tag_end;
    }
    balance(source, &tags, problems);
    tags
}

fn end_of(source: &str, start: usize) -> Option<usize> {
    let rest = &source[start..];
    let close = |from: usize, mark: &str| rest[from..].find(mark).map(|n| start + from + n + mark.len());
    if rest.starts_with("{{!--") || rest.starts_with("{{~!--") {
        return close(5, "--}}").or_else(|| close(5, "--~}}"));
    }
    if rest.starts_with("{{!") {
        return close(3, "}}");
    }
    // `}}` inside of a text literal does not close.
    let mut quote = None;
    let braces = rest.bytes().take_while(|b| *b == b'{').count();
    let mut chars = rest.char_indices().skip(braces);
    while let Some((i, c)) = chars.next() {
        match quote {
            Some(_) if c == '\\' => {
                chars.next();
            }
            Some(q) if c == q => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if rest[i..].starts_with("}}") => {
                let third = rest[i..].starts_with("}}}") && rest.starts_with("{{{");
                return Some(start + i + 2 + usize::from(third));
            }
            None if rest[i..].starts_with("{{") => return close(2, "}}").filter(|end| *end <= start + i),
            _ => {}
        }
    }
    // An open quote swallowed the end: the tokenizer says so.
    close(2, "}}")
}

fn classify(source: &str, range: Range<usize>, problems: &mut Vec<Problem>) -> Option<Tag> {
    let mut inner = range.start + 2..range.end.saturating_sub(2).max(range.start + 2);
    let body = |inner: &Range<usize>| &source[inner.clone()];
    if body(&inner).starts_with('~') {
        inner.start += 1;
    }
    if body(&inner).ends_with('~') {
        inner.end -= 1;
    }
    let tag = |kind, inner| Some(Tag { kind, range: range.clone(), inner });
    let trimmed = body(&inner).trim();
    let mut fail = |message: &str, help: String| {
        problems.push(Problem::error("template-syntax", range.clone(), message).help(help));
        None
    };
    let written = &source[range.clone()];
    match trimmed.chars().next() {
        None => fail("`{{ }}` is empty", "name a value, or write `\\{{` for braces as text".to_owned()),
        Some('!') => tag(TagKind::Comment, inner.start..inner.start),
        Some('{' | '&') => {
            let name = trimmed.trim_matches(['{', '}', '&', ' ', '~']);
            fail(
                "values are always escaped for their place",
                format!("write `{{{{{name}}}}}`, or `{{{{raw {name}}}}}` with care"),
            )
        }
        Some('.') if !trimmed.starts_with("..") && !trimmed.starts_with("./") => {
            fail("this is a Go template", format!("for braces as text write `\\{written}`"))
        }
        Some('>') => fail("partials are not supported", "write the text here, or in a template of its own".to_owned()),
        Some('*') => fail("decorators are not supported", "leave it out".to_owned()),
        Some('#') => {
            let hash = inner.start + body(&inner).find('#').unwrap_or(0) + 1;
            let (name, rest) = word(source, hash..inner.end);
            let Some((_, kind)) = BlockKind::ALL.into_iter().find(|(n, _)| *n == name) else {
                let near = nearest(name, BlockKind::ALL.map(|(n, _)| n));
                let help = near.map_or("there are `#if`, `#unless`, `#each` and `#with`".to_owned(), |n| {
                    format!("did you mean `#{n}`?")
                });
                // Its closing tag is no second mistake: keep the balance with a kind that fits anything.
                problems.push(
                    Problem::error("unknown-block", range.clone(), format!("there is no block `#{name}`")).help(help),
                );
                return None;
            };
            tag(TagKind::Open(kind), rest)
        }
        Some('/') => {
            let name = trimmed[1..].trim();
            let kind = BlockKind::ALL.into_iter().find(|(n, _)| *n == name)?.1;
            tag(TagKind::Close(kind), inner.end..inner.end)
        }
        Some('^') => {
            let caret = inner.start + body(&inner).find('^').unwrap_or(0) + 1;
            tag(TagKind::Else, caret..inner.end)
        }
        Some(_) => {
            let (first, rest) = word(source, inner.clone());
            if first == "else" { tag(TagKind::Else, rest) } else { tag(TagKind::Insert, inner) }
        }
    }
}

/// The first word of a range, and what follows it.
pub(super) fn word(source: &str, range: Range<usize>) -> (&str, Range<usize>) {
    let text = &source[range.clone()];
    let start = text.len() - text.trim_start().len();
    let length = text[start..].find(|c: char| c.is_whitespace() || c == '(').unwrap_or(text.len() - start);
    (&text[start..start + length], range.start + start + length..range.end)
}

fn balance(source: &str, tags: &[Tag], problems: &mut Vec<Problem>) {
    // When a block's name is unknown its closing tag was dropped with it; nothing here can be said for sure.
    if problems.iter().any(|p| p.code == "unknown-block") {
        return;
    }
    let mut open: Vec<&Tag> = Vec::new();
    for tag in tags {
        match tag.kind {
            TagKind::Open(_) => {
                open.push(tag);
                if open.len() == MAX_DEPTH + 1 {
                    problems.push(Problem::error("template-syntax", tag.range.clone(), "blocks are nested too deeply"));
                }
            }
            TagKind::Else if open.is_empty() => problems.push(
                Problem::error("template-syntax", tag.range.clone(), "`{{else}}` without a block")
                    .help("open one before it: `{{#if …}}`"),
            ),
            TagKind::Close(kind) => match open.pop() {
                None => problems.push(
                    Problem::error("template-syntax", tag.range.clone(), format!("no `#{}` is open here", kind.name()))
                        .help("remove it, or open the block before"),
                ),
                Some(opened) if opened.kind != TagKind::Open(kind) => problems.push(
                    Problem::error("template-syntax", tag.range.clone(), "another block is open here")
                        .and(opened.range.clone(), "opened here")
                        .help(format!("close it first: `{}`", closing(opened))),
                ),
                Some(_) => {}
            },
            _ => {}
        }
    }
    for tag in open {
        let shown = &source[tag.range.clone()];
        problems.push(
            Problem::error("template-syntax", tag.range.clone(), format!("`{shown}` is not closed"))
                .help(format!("close it with `{}`", closing(tag))),
        );
    }
}

fn closing(tag: &Tag) -> String {
    if let TagKind::Open(kind) = tag.kind { format!("{{{{/{}}}}}", kind.name()) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(source: &str) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        scan(source, &mut problems);
        problems.into_iter().map(|p| (p.message, p.help.unwrap_or_default())).collect()
    }

    #[test]
    fn common_mistakes_are_said_in_plain_words() {
        for (source, message, help) in [
            ("{{ }}", "`{{ }}` is empty", "\\{{"),
            ("a {{x", "`{{` is not closed", "}}"),
            ("{{x {{y}}", "`{{` is not closed", "}}"),
            ("{{#if x}}a", "`{{#if x}}` is not closed", "{{/if}}"),
            ("a{{/if}}", "no `#if` is open here", ""),
            ("{{#if x}}{{/each}}", "another block is open here", "{{/if}}"),
            ("{{else}}", "`{{else}}` without a block", "#if"),
            ("{{.Names}}", "this is a Go template", "`\\{{.Names}}`"),
            ("{{{x}}}", "values are always escaped for their place", "`{{x}}`"),
            ("{{> part}}", "partials are not supported", ""),
            ("{{#eech x}}{{/eech}}", "there is no block `#eech`", "`#each`"),
        ] {
            let found = problems(source);
            assert_eq!(found.len(), 1, "{source}: {found:?}");
            assert_eq!(found[0].0, message, "{source}");
            assert!(found[0].1.contains(help), "{source}: {}", found[0].1);
        }
        assert_eq!(problems("{{ }} {{.X}} {{#if a}}").len(), 3, "all of them, not just the first");
    }

    #[test]
    fn braces_in_texts_comments_and_escapes_are_no_tags() {
        let mut problems = Vec::new();
        let tags = scan(r#"\{{x}} {{!-- }} {{ --}} {{concat "}}" a}} {{~ b ~}}"#, &mut problems);
        assert_eq!(tags.len(), 3, "{tags:?}");
        assert!(problems.is_empty(), "{problems:?}");
    }
}
