//! YAML to tree: the only place that calls the YAML library.
//!
//! One document of at most [`MAX_BYTES`](super::MAX_BYTES). Booleans are `true` and `false` only, numbers with a leading zero or underscores
//! are texts, tags are refused, duplicate keys are kept, and what an alias repeats has the place of its definition.

use std::cell::RefCell;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;
use serde_yaml::options::DuplicateKeyPolicy;

use super::limits::{MAX_ALIASES, MAX_BYTES, MAX_DEPTH, MAX_NODES};
use super::syntax;
use super::tree::{Node, Sp, Tree};
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::{SourceId, Span};

/// Bytes of stack for one parse.
const STACK: usize = 16 * 1024 * 1024;

/// Parses one YAML document. `None` when there is no tree: then `diags` says why.
///
/// A value that is no YAML (`{{` without quotes, a leading `@`) is covered by a word of the same length and parsed again,
/// so that it does not hide the mistakes behind it; of a covered place nothing more is said.
pub fn parse(source: SourceId, text: &str, diags: &Diagnostics) -> Option<Tree> {
    if text.len() > MAX_BYTES {
        let at = Span::new(source, text.floor_char_boundary(MAX_BYTES)..text.floor_char_boundary(MAX_BYTES));
        diags.push(Diagnostic::error("text-too-large", at, "the text is larger than 1 MiB").label("the limit is here"));
        return None;
    }
    if let Some(found) = syntax::before(source, text) {
        diags.push(found);
        return None;
    }
    super::allow::allowances(source, text, diags);
    let outcome = with_room(|| {
        let (mut tried, mut covered) = (text.to_owned(), Vec::new());
        loop {
            match serde_yaml::from_str_with_options::<Spanned<Raw>>(&tried, options()) {
                Ok(raw) => {
                    let placer = Placer { source, text: &tried, found: RefCell::default() };
                    let tree = placer.tree(raw);
                    let found = placer.found.into_inner();
                    return (Some(tree), covered, found);
                }
                Err(error) => {
                    let (finding, cover) = syntax::diagnose(source, &tried, &error);
                    let cover = cover.filter(|_| covered.len() < MAX_COVERED);
                    let Some(range) = cover.filter(|range| tried[range.clone()].bytes().any(|b| b != b'x')) else {
                        return (None, covered, vec![finding]);
                    };
                    tried.replace_range(range.clone(), &"x".repeat(range.len()));
                    covered.push((finding, Span::new(source, range)));
                }
            }
        }
    });
    report(outcome, diags)
}

/// Mistakes of syntax that are covered in one text.
const MAX_COVERED: usize = 20;

/// A tree, if there is one; what was covered to get it, each with its finding; and further findings.
type Outcome = (Option<Tree>, Vec<(Diagnostic, Span)>, Vec<Diagnostic>);

fn report((tree, covered, found): Outcome, diags: &Diagnostics) -> Option<Tree> {
    for (finding, place) in covered {
        diags.push(finding);
        diags.settle(place);
    }
    for finding in found {
        diags.push(finding);
    }
    tree
}

/// Runs a parse on a stack of its own: the library's frames are large, and 64 levels of them do not fit into the small
/// stack of a worker thread in a debug build.
fn with_room<T: Send>(parse: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let room = std::thread::Builder::new().name("parse".to_owned()).stack_size(STACK);
        let thread = room.spawn_scoped(scope, parse).expect("the machine can start a thread");
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn options() -> serde_yaml::Options {
    serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_aliases: MAX_ALIASES,
            max_anchors: MAX_ALIASES,
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH + 1,
            max_nodes: MAX_NODES,
            max_events: 3 * MAX_NODES,
            max_documents: 1,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_yaml::alias_limits! { max_total_replayed_events: MAX_NODES },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: serde_yaml::options::NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    }
}

/// The library's view of a node.
enum Raw {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(String),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<Key>, Spanned<Self>)>),
}

/// A key: any scalar but null, by its text.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, a boolean, a list or a map")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E: de::Error>(self, v: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(v))
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<Raw, E> {
        Ok(Raw::Int(v.into()))
    }

    fn visit_u64<E: de::Error>(self, v: u64) -> Result<Raw, E> {
        Ok(Raw::Int(v.into()))
    }

    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Raw, E> {
        Ok(Raw::Float(v))
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<Raw, E> {
        Ok(Raw::Str(v.to_owned()))
    }

    fn visit_string<E: de::Error>(self, v: String) -> Result<Raw, E> {
        Ok(Raw::Str(v))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

/// Turns the library's places into spans. A collection reaches from its first to its last byte.
struct Placer<'a> {
    source: SourceId,
    text: &'a str,
    found: RefCell<Vec<Diagnostic>>,
}

impl Placer<'_> {
    fn tree(&self, raw: Spanned<Raw>) -> Tree {
        let at = self.span(&raw);
        match raw.value {
            Raw::Null => {
                if at.start == at.end
                    && let Some(found) = syntax::lost_anchor(self.source, self.text, at)
                {
                    self.found.borrow_mut().push(found);
                }
                Tree::new(Node::Null, at)
            }
            Raw::Bool(v) => Tree::new(Node::Bool(v), at),
            Raw::Int(v) => Tree::new(Node::Int(v), at),
            Raw::Float(v) => Tree::new(self.exact(v, at), at),
            Raw::Str(v) => Tree::new(Node::Str(v), self.trimmed(at)),
            Raw::List(items) => {
                let items: Vec<Tree> = items.into_iter().map(|item| self.tree(item)).collect();
                let last = items.iter().map(|item| item.span);
                Tree { span: self.around(at, last, b'[', b']'), value: Node::List(items) }
            }
            Raw::Map(entries) => {
                let entries: Vec<_> = entries.into_iter().map(|(key, value)| self.entry(key, value)).collect();
                let last = entries.iter().flat_map(|(key, value)| [key.span, value.span]);
                Tree { span: self.around(at, last, b'{', b'}'), value: Node::Map(entries) }
            }
        }
    }

    fn entry(&self, key: Spanned<Key>, value: Spanned<Raw>) -> (Sp<String>, Tree) {
        let at = self.span(&key);
        let mut value = self.tree(value);
        if value.value == Node::Null && value.span.start == value.span.end && value.span.start >= at.end {
            // nothing stands right behind the colon; without a colon it stands right behind the key (see `decode`)
            let rest = self.text[at.end as usize..].trim_start_matches([' ', '\t']);
            let place = if rest.starts_with(':') { self.text.len() - rest.len() + 1 } else { at.end as usize };
            value.span = Span::new(self.source, place..place);
        }
        (Sp::new(key.value.0, at), value)
    }

    fn span<T>(&self, spanned: &Spanned<T>) -> Span {
        self.location(spanned.defined).unwrap_or_else(|| Span::new(self.source, 0..0))
    }

    fn location(&self, location: serde_yaml::Location) -> Option<Span> {
        syntax::span_of(self.source, self.text, location)
    }

    /// Without the line ends that follow a block scalar.
    fn trimmed(&self, at: Span) -> Span {
        let kept = self.text[at.range()].trim_end_matches(['\n', '\r', ' ']).len();
        Span::new(self.source, at.start as usize..at.start as usize + kept)
    }

    /// Whole numbers beyond 64 bits are exact as well.
    fn exact(&self, value: f64, at: Span) -> Node {
        self.text[at.range()].trim().parse::<i128>().map_or(Node::Float(value), Node::Int)
    }

    fn around(&self, start: Span, parts: impl Iterator<Item = Span>, open: u8, close: u8) -> Span {
        let begin = start.start as usize;
        // what an alias repeats stands elsewhere
        let inner = parts.filter(|part| part.start >= start.start).map(|part| part.end as usize).max();
        let flow = self.text.as_bytes().get(begin) == Some(&open);
        let end = inner.unwrap_or(begin + usize::from(flow)).max(begin);
        if !flow {
            return Span::new(self.source, begin..end);
        }
        Span::new(self.source, begin..self.closing(end, close))
    }

    /// The end of a flow collection whose last part ends at `from`.
    fn closing(&self, from: usize, close: u8) -> usize {
        let bytes = self.text.as_bytes();
        let mut at = from;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b if *b == close => return at + 1,
                b'#' => at += bytes[at..].iter().position(|b| *b == b'\n').unwrap_or(bytes.len() - at),
                b if b.is_ascii_whitespace() || matches!(b, b',' | b':') => at += 1,
                // an alias or an anchor: the parts we know do not reach the bracket
                _ => return from,
            }
        }
        from
    }
}

#[cfg(test)]
mod tests;
