//! Places in the texts that people write. A span is a byte range of one source; lines and columns are made only when a
//! diagnostic is shown.

use std::ops::Range;
use std::sync::Arc;

/// Which text a span belongs to: its index in [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u32);

/// A byte range in one source. Always on character borders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The text.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The place of what is in no text: a required value that is missing, whose absence was reported already.
    pub const NOWHERE: Self = Self { source: SourceId(u32::MAX), start: 0, end: 0 };

    /// Whether it is [`Span::NOWHERE`].
    #[must_use]
    pub fn is_nowhere(self) -> bool {
        self == Self::NOWHERE
    }

    /// A span over `range` of `source`. Texts are at most 1 MiB (see `text::limits`), so `u32` is enough.
    #[must_use]
    pub fn new(source: SourceId, range: Range<usize>) -> Self {
        Self { source, start: clamp(range.start), end: clamp(range.end) }
    }

    /// The bytes, as a range to index the text with.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Whether `other` lies inside this span.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.source == other.source && self.start <= other.start && other.end <= self.end
    }
}

fn clamp(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// One text with the name to show for it.
#[derive(Clone, Debug)]
pub struct Source {
    /// As the user would type it: a relative path, `-p lost`, ….
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
    /// Where each line begins: a text is searched for its ends once, not for each finding.
    lines: Arc<[usize]>,
}

impl Source {
    fn new(name: Arc<str>, text: Arc<str>) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(starts).collect();
        Self { name, text, lines }
    }

    /// The line of a byte, from zero on.
    #[must_use]
    pub fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// The first byte of a line; behind the last line it is the end of the text.
    #[must_use]
    pub fn line_start(&self, line: usize) -> usize {
        self.lines.get(line).copied().unwrap_or(self.text.len())
    }
}

/// All texts of one command: runbooks, inventories, templates, parameters of the command line.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Adds a text and gives it its id. One that was read before, as a drill's runbook, keeps its id, so that what is
    /// wrong with it is wrong once.
    pub fn add(&mut self, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> SourceId {
        let (name, text) = (name.into(), text.into());
        let same = |source: &Source| source.name == name && source.text == text;
        let place = self.0.iter().position(same).unwrap_or(self.0.len());
        if place == self.0.len() {
            self.0.push(Source::new(name, text));
        }
        SourceId(clamp(place))
    }

    /// The text of an id that [`Sources::add`] gave.
    ///
    /// # Panics
    /// When the id is another collection's: a bug.
    #[must_use]
    pub fn get(&self, id: SourceId) -> &Source {
        &self.0[id.0 as usize]
    }

    /// The text under a span.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.get(span.source).text.get(span.range()).unwrap_or_default()
    }

    /// One-based line and column (in characters) of the start of a span.
    #[must_use]
    pub fn position(&self, span: Span) -> (usize, usize) {
        let source = self.get(span.source);
        let at = source.text.floor_char_boundary((span.start as usize).min(source.text.len()));
        let line = source.line(at);
        let column = source.text[source.line_start(line)..at].chars().count() + 1;
        (line + 1, column)
    }
}
