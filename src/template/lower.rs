//! From Handlebars' tree to ours. Handlebars decides what is text and what is not, where blocks end and which white space
//! goes; the words of each tag are read again from the source, so that every path keeps its place.

use std::ops::Range;

use handlebars::Template;
use handlebars::template::{HelperTemplate, TemplateElement};

use super::ast::{Block, BlockKind, Node};
use super::context::Escape;
use super::parse::Parser;
use super::paths::{Frame, Meaning};
use super::problem::Problem;
use super::reference::Reference;
use super::scan::{Tag, TagKind, scan};
use super::token::{Token, TokenKind, tokenize};

/// A text as a tree, with what it reads and what is wrong with it.
pub(super) struct Lowered {
    pub nodes: Vec<Node>,
    pub problems: Vec<Problem>,
    pub references: Vec<Reference>,
}

/// Parses a text. With errors the tree is incomplete.
pub(super) fn lower(source: &str) -> Lowered {
    let mut problems = Vec::new();
    let tags = scan(source, &mut problems);
    let structure_is_sound = problems.is_empty();
    let mut parser = Parser::new(source);
    parser.problems = problems;
    let mut nodes = Vec::new();
    let template = if structure_is_sound { Template::compile(source) } else { Ok(Template::new()) };
    match template {
        Ok(template) if structure_is_sound => {
            let mut lowering = Lowering { parser, tags: &tags, next: 0, end: 0 };
            match lowering.template(&template) {
                Some(found) => nodes = found,
                // Handlebars and the scanner disagree on what a tag is.
                None if lowering.parser.problems.is_empty() => {
                    lowering.parser.problems.push(unreadable(source, &tags, None));
                }
                None => {}
            }
            parser = lowering.parser;
        }
        Ok(_) | Err(_) => {
            // The structure is broken, but each tag can still be read for its own mistakes.
            let before = parser.problems.len();
            for tag in tags.iter().filter(|t| matches!(t.kind, TagKind::Insert | TagKind::Open(_))) {
                check_alone(&mut parser, tag);
            }
            parser.references.clear();
            if let Err(error) = template
                && parser.problems.len() == before
            {
                parser.problems.push(unreadable(source, &tags, error.pos()));
            }
        }
    }
    Lowered { nodes, problems: parser.problems, references: parser.references }
}

/// Reads a tag outside of its blocks: only what is wrong with its words is of interest.
fn check_alone(parser: &mut Parser<'_>, tag: &Tag) {
    let mut problems = Vec::new();
    let tokens = tokenize(parser.source, tag.inner.clone(), &mut problems);
    parser.problems.append(&mut problems);
    let outside = |t: &Token| match &t.kind {
        TokenKind::Name(name) => name.starts_with("../") || name.starts_with('@') || name.starts_with("this"),
        TokenKind::Pipe => true,
        _ => false,
    };
    if !tokens.iter().any(outside) {
        let whole = if tokens.is_empty() { tag.range.clone() } else { tag.inner.clone() };
        parser.expression(&tokens, whole, true);
    }
}

/// Handlebars refused the text for a reason that we have no words for.
fn unreadable(source: &str, tags: &[Tag], position: Option<(usize, usize)>) -> Problem {
    let at = position.map_or(0, |(line, column)| offset(source, line, column));
    let range = tags.iter().find(|t| t.range.contains(&at) || t.range.start >= at).or(tags.last());
    Problem::error("template-syntax", range.map_or(at..at, |t| t.range.clone()), "this cannot be read as a template")
        .help("write `{{value}}` or `{{helper a b}}`; for two braces as text write `\\{{`")
}

fn offset(source: &str, line: usize, column: usize) -> usize {
    let start: usize = source.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    source[start..].char_indices().nth(column.saturating_sub(1)).map_or(source.len(), |(i, _)| start + i)
}

struct Lowering<'s, 't> {
    parser: Parser<'s>,
    tags: &'t [Tag],
    next: usize,
    /// Where the last tag ended.
    end: usize,
}

impl Lowering<'_, '_> {
    fn tag(&mut self, wanted: impl Fn(TagKind) -> bool) -> Option<Tag> {
        let tag = self.tags.get(self.next).filter(|t| wanted(t.kind))?.clone();
        self.next += 1;
        self.end = tag.range.end;
        Some(tag)
    }

    fn upcoming(&self, wanted: TagKind) -> Option<&Tag> {
        self.tags.get(self.next).filter(|t| t.kind == wanted)
    }

    fn template(&mut self, template: &Template) -> Option<Vec<Node>> {
        let mut nodes = Vec::new();
        for element in &template.elements {
            match element {
                TemplateElement::RawString(text) => {
                    let until = self.tags.get(self.next).map_or(self.parser.source.len(), |t| t.range.start);
                    let gap = self.parser.source.get(self.end..until).unwrap_or_default();
                    let at = self.end + gap.find(text.as_str()).unwrap_or(0);
                    match nodes.last_mut() {
                        Some(Node::Text { text: before, .. }) => before.push_str(text),
                        _ if text.is_empty() => {}
                        _ => nodes.push(Node::Text { text: text.clone(), at }),
                    }
                }
                TemplateElement::Comment(_) => {
                    self.tag(|k| k == TagKind::Comment)?;
                }
                TemplateElement::Expression(_) => {
                    let tag = self.tag(|k| k == TagKind::Insert)?;
                    if let Some(ex) = self.words(&tag, tag.inner.clone()) {
                        nodes.push(Node::Insert { ex, range: tag.range, escape: Escape::Plain });
                    }
                }
                TemplateElement::HelperBlock(helper) => {
                    let tag = self.tag(|k| matches!(k, TagKind::Open(_)))?;
                    let TagKind::Open(kind) = tag.kind else { return None };
                    let block = self.block(kind, &tag, tag.inner.clone(), helper)?;
                    self.tag(|k| k == TagKind::Close(kind))?;
                    nodes.extend(block);
                }
                _ => return None,
            }
        }
        Some(nodes)
    }

    /// A block less its closing tag, which the branches of a chain share. Nothing, when its argument is wrong.
    fn block(&mut self, kind: BlockKind, tag: &Tag, words: Range<usize>, helper: &HelperTemplate) -> Option<Vec<Node>> {
        let (words, params) = self.block_params(kind, words);
        let first = self.parser.references.len();
        let arg = self.words(tag, words);
        if matches!(kind, BlockKind::If | BlockKind::Unless)
            && let Some(arg) = &arg
        {
            for reference in &mut self.parser.references[first..] {
                reference.allows_null |= reference.range == arg.range;
            }
        }
        let framed = kind.opens_frame();
        if framed {
            let frame = match &arg {
                Some(arg) => self.parser.frame_of(kind, arg, params),
                None => Frame { meaning: Meaning::Element, each: kind == BlockKind::Each, params },
            };
            self.parser.frames.push(frame);
        }
        let body = self.branch(helper.template.as_ref());
        if framed {
            self.parser.frames.pop();
        }
        let body = body?;
        let inverse = match &helper.inverse {
            None => {
                // `{{else}}` with nothing behind it leaves no tree.
                let empty = self.upcoming(TagKind::Else).map(|t| t.range.clone());
                if empty.is_some() {
                    self.tag(|k| k == TagKind::Else)?;
                }
                empty.map(|range| (range, Vec::new()))
            }
            Some(inverse) => Some(self.inverse(inverse)?),
        };
        let node = |arg| Node::Block(Box::new(Block { kind, arg, range: tag.range.clone(), body, inverse }));
        Some(arg.map(node).into_iter().collect())
    }

    fn branch(&mut self, template: Option<&Template>) -> Option<Vec<Node>> {
        template.map_or(Some(Vec::new()), |t| self.template(t))
    }

    fn inverse(&mut self, inverse: &Template) -> Option<(Range<usize>, Vec<Node>)> {
        let tag = self.tag(|k| k == TagKind::Else)?;
        let (name, rest) = super::scan::word(self.parser.source, tag.inner.clone());
        if name.is_empty() {
            return Some((tag.range, self.template(inverse)?));
        }
        // `{{else if x}}`: a block of its own, without a closing tag of its own.
        let [TemplateElement::HelperBlock(helper)] = inverse.elements.as_slice() else { return None };
        let Some((_, kind)) = BlockKind::ALL.into_iter().find(|(n, _)| *n == name) else {
            self.parser.problems.push(
                Problem::error("unknown-block", tag.range, format!("there is no block `#{name}`"))
                    .help("write `{{else if …}}` or `{{else}}`"),
            );
            return None;
        };
        let block = self.block(kind, &tag, rest, helper)?;
        Some((tag.range, block))
    }

    fn words(&mut self, tag: &Tag, words: Range<usize>) -> Option<super::ast::Ex> {
        let mut problems = Vec::new();
        let tokens = tokenize(self.parser.source, words.clone(), &mut problems);
        let sound = problems.is_empty();
        self.parser.problems.append(&mut problems);
        if !sound {
            return None;
        }
        let whole = match (tokens.first(), tokens.last()) {
            (Some(first), Some(last)) => first.range.start..last.range.end,
            _ => tag.range.clone(),
        };
        self.parser.expression(&tokens, whole, false)
    }

    /// Takes `as |x i|` from the words of a block.
    fn block_params(&mut self, kind: BlockKind, words: Range<usize>) -> (Range<usize>, Vec<String>) {
        let source = self.parser.source;
        let Some(at) = source[words.clone()].rfind(" as ").map(|n| words.start + n) else { return (words, Vec::new()) };
        let tail = source[at + 4..words.end].trim();
        let Some(names) = tail.strip_prefix('|').and_then(|t| t.strip_suffix('|')) else { return (words, Vec::new()) };
        if !kind.opens_frame() {
            self.parser.problems.push(
                Problem::error("template-syntax", at + 1..words.end, format!("`#{}` takes no `as |…|`", kind.name()))
                    .help("only `#each` and `#with` name something"),
            );
        }
        (words.start..at, names.split_whitespace().map(str::to_owned).collect())
    }
}
