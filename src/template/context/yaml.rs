//! YAML: a value at the place of a value becomes a quoted scalar of one line (or a flow list or map), inside of quotes it
//! is escaped, in a line of a block scalar it must be one line. Glued to unquoted text nothing is safe.

use std::ops::Range;

use super::Escape;
use super::machine::Machine;
use crate::template::problem::Problem;

/// Where a YAML text is.
#[derive(Clone, Debug)]
pub(super) struct Yaml {
    mode: Mode,
    /// Column of the next character.
    column: i64,
    /// How many `[` and `{` are open.
    flow: u32,
    /// Column of the innermost key or dash: what a block scalar must be indented beyond.
    parent: i64,
    /// Column where the scalar began that may turn out to be a key.
    token: i64,
    /// The text before the next character is a blank or nothing.
    blank: bool,
    /// The scalar so far is an anchor or a tag.
    property: bool,
    /// How many dashes the line begins with.
    dashes: i64,
    inserted: Option<Range<usize>>,
    /// A value has just been inserted inside of '…'.
    quoted: Option<Range<usize>>,
    /// How many lines of '…' have ended.
    lines: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// A value may begin here.
    Gap,
    /// A line begins, and a scalar of the line before may go on: only a key may begin.
    AfterScalar,
    /// Inside of a scalar without quotes.
    Bare,
    /// In a further line of one: nothing in it is a key, or a value of its own.
    Rest,
    /// A `:` behind a key: one, if a blank follows.
    Colon,
    /// A `-` where a value may begin: a list's, if a blank follows.
    Dash,
    /// A value has ended on this line.
    Ended,
    Double,
    DoubleBackslash,
    Single,
    Comment,
    /// Behind `|` or `>`, up to the end of the line.
    Header,
    /// In a block scalar, before the first character of a line.
    BlockIndent,
    /// In a line of a block scalar.
    Block,
}

impl Default for Yaml {
    fn default() -> Self {
        Self {
            mode: Mode::Gap,
            column: 0,
            flow: 0,
            parent: -1,
            token: 0,
            blank: true,
            property: false,
            dashes: 0,
            inserted: None,
            quoted: None,
            lines: 0,
        }
    }
}

impl Yaml {
    fn step(&mut self, c: char) {
        self.mode = match (self.mode, c) {
            (Mode::Header | Mode::Block, '\n') | (Mode::BlockIndent, '\n' | ' ') => Mode::BlockIndent,
            (Mode::BlockIndent, _) if self.column > self.parent => Mode::Block,
            (Mode::BlockIndent, _) => self.outside(Mode::Gap, c),
            (Mode::Double, '\\') => Mode::DoubleBackslash,
            (Mode::Double, '"') | (Mode::Single, '\'') => Mode::Ended,
            // A doubled quote: the scalar goes on.
            (Mode::Ended, '\'') if !self.blank => Mode::Single,
            (Mode::DoubleBackslash, _) => Mode::Double,
            (mode @ (Mode::Double | Mode::Single | Mode::Header | Mode::Block), _) => mode,
            (Mode::Comment, '\n') => Mode::Gap,
            (Mode::Comment, _) => Mode::Comment,
            (mode, c) => self.outside(mode, c),
        };
        self.blank = c.is_whitespace();
        self.property &= !matches!(c, ' ' | '\t');
        self.dashes = match c {
            '\n' => 0,
            '-' if self.column == self.dashes => self.dashes + 1,
            _ => self.dashes,
        };
        self.column = if c == '\n' { 0 } else { self.column + 1 };
    }

    /// Where no quote is open.
    fn outside(&mut self, mode: Mode, c: char) -> Mode {
        let may_begin = matches!(mode, Mode::Gap | Mode::AfterScalar);
        match (mode, c) {
            (Mode::Colon, ' ' | '\t' | '\n') => {
                self.parent = self.token;
                Mode::Gap
            }
            (Mode::Dash, ' ' | '\t' | '\n') => {
                self.parent = self.column - 1;
                Mode::Gap
            }
            // An anchor or tag alone on its line, or the begin of a document: what it is about is still to come.
            (Mode::Bare, '\n') if self.property => Mode::Gap,
            (Mode::Bare | Mode::Rest, '\n') if self.dashes == 3 && self.column == 3 => {
                self.parent = -1;
                Mode::Gap
            }
            (Mode::Bare | Mode::Rest | Mode::Ended, '\n') if self.flow == 0 => Mode::AfterScalar,
            (_, '\n' | '\t' | ' ') => mode,
            (_, '#') if self.blank => Mode::Comment,
            // Deeper than its key: the scalar of the line before goes on.
            (Mode::Rest, _) => Mode::Rest,
            (Mode::AfterScalar, _) if self.flow == 0 && self.column > self.parent => Mode::Rest,
            (_, '[' | '{') if may_begin => {
                self.flow += 1;
                Mode::Gap
            }
            (_, ']' | '}') if self.flow > 0 => {
                self.flow -= 1;
                Mode::Ended
            }
            (_, ',') | (Mode::Ended, ':') if self.flow > 0 => Mode::Gap,
            (Mode::Bare | Mode::Ended, ':') => Mode::Colon,
            (_, '-') if may_begin && self.flow == 0 => {
                self.token = self.column;
                Mode::Dash
            }
            (_, '|' | '>') if mode == Mode::Gap && self.flow == 0 => Mode::Header,
            (_, '"') if may_begin => self.begin(Mode::Double),
            (_, '\'') if may_begin => self.begin(Mode::Single),
            _ if may_begin => {
                self.property = matches!(c, '&' | '!');
                self.begin(Mode::Bare)
            }
            _ => Mode::Bare,
        }
    }

    fn begin(&mut self, mode: Mode) -> Mode {
        self.token = self.column;
        mode
    }
}

impl Machine for Yaml {
    fn text(&mut self, text: &str, _at: usize, problems: &mut Vec<Problem>) {
        for c in text.chars() {
            if let Some(range) = self.inserted.take() {
                let as_key = c == ':';
                let ends = c.is_whitespace() || as_key || self.flow > 0 && ",]}".contains(c);
                if !ends {
                    problems.push(glued(range));
                }
            }
            if let Some(range) = self.quoted.take()
                && self.mode == Mode::Single
                && c == '\n'
            {
                problems.push(
                    Problem::error("unsafe-place", range, "a value at the end of a line of '…'")
                        .help("put it inside \"…\""),
                );
            }
            self.lines = if self.mode == Mode::Single { self.lines + u32::from(c == '\n') } else { 0 };
            self.step(c);
        }
    }

    fn insert(&mut self, range: &Range<usize>, _helper: Option<&'static str>) -> Result<Escape, Box<Problem>> {
        let refuse = |message: &str, help: &str| {
            Err(Box::new(Problem::error("unsafe-place", range.clone(), message).help(help)))
        };
        let blank = std::mem::replace(&mut self.blank, false);
        let mode = match self.mode {
            // Where the block scalar has ended a value may begin.
            Mode::BlockIndent if self.column <= self.parent => Mode::Gap,
            mode => mode,
        };
        match mode {
            Mode::Gap => {
                self.token = self.column;
                self.mode = Mode::Ended;
                self.inserted = Some(range.clone());
                Ok(Escape::JsonValue)
            }
            Mode::Double => Ok(Escape::YamlDouble),
            // Blanks at the edges of a line inside of quotes do not count, and '…' has no escapes to keep them.
            Mode::Single if self.lines > 0 => refuse("a value in a further line of '…'", "put it inside \"…\""),
            Mode::Single => {
                self.quoted = Some(range.clone());
                Ok(Escape::YamlSingle)
            }
            Mode::BlockIndent => {
                self.mode = Mode::Block;
                Ok(Escape::YamlBlock { line_start: true })
            }
            Mode::Block => Ok(Escape::YamlBlock { line_start: false }),
            Mode::AfterScalar => refuse(
                "a value at the beginning of a line, behind a complete value",
                "put it behind its key: `key: {{x}}`; as a key put it inside \"…\"",
            ),
            Mode::Comment => refuse("a value in a comment", "leave it out, or make it a key of its own"),
            Mode::Header => refuse("a value behind `|` or `>`", "put it on a line of its own"),
            Mode::DoubleBackslash => refuse("a value right behind a backslash", "write `\\\\` for a backslash"),
            Mode::Ended if blank => refuse("two values in one place", "put a comma between them, or both inside \"…\""),
            Mode::Bare | Mode::Rest | Mode::Ended | Mode::Colon | Mode::Dash => Err(Box::new(glued(range.clone()))),
        }
    }

    fn join(&mut self, other: &Self) -> bool {
        self.blank &= other.blank;
        self.inserted = self.inserted.take().or_else(|| other.inserted.clone());
        self.quoted = self.quoted.take().or_else(|| other.quoted.clone());
        self.lines = self.lines.max(other.lines);
        self.column = self.column.min(other.column);
        self.property &= other.property;
        self.dashes = self.dashes.max(other.dashes);
        let value = |mode| matches!(mode, Mode::Bare | Mode::Ended);
        let inside = |mode| value(mode) || mode == Mode::Rest;
        let line = |mode| matches!(mode, Mode::Gap | Mode::AfterScalar);
        self.mode = match (self.mode, other.mode) {
            (a, b) if a == b => a,
            (a, b) if value(a) && value(b) => Mode::Bare,
            (a, b) if inside(a) && inside(b) => Mode::Rest,
            (a, b) if line(a) && line(b) => Mode::AfterScalar,
            _ => return false,
        };
        // The stricter: less text counts as a block scalar's, and more as the rest of a scalar of the line before.
        self.parent = match self.mode {
            Mode::Header | Mode::BlockIndent | Mode::Block => self.parent.max(other.parent),
            _ => self.parent.min(other.parent),
        };
        self.flow == other.flow
    }

    fn place(&self) -> &'static str {
        match self.mode {
            Mode::Double | Mode::DoubleBackslash => "inside \"…\"",
            Mode::Single => "inside '…'",
            Mode::Header | Mode::BlockIndent | Mode::Block => "inside a block scalar",
            Mode::Comment => "in a comment",
            Mode::Gap | Mode::AfterScalar if self.flow > 0 => "inside [ ] or { }",
            Mode::Gap | Mode::AfterScalar => "where a key or value begins",
            _ => "inside or behind a value",
        }
    }
}

fn glued(range: Range<usize>) -> Problem {
    Problem::error("unsafe-place", range, "a value that is glued to text without quotes")
        .help("put both inside \"…\": `\"a{{x}}b\"`; a value alone needs no quotes")
}
