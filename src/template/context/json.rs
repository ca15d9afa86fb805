//! JSON: a value at the place of a value is encoded, inside of a string escaped.

use std::ops::Range;

use super::Escape;
use super::machine::Machine;
use crate::template::problem::Problem;

/// Where a JSON text is.
#[derive(Clone, Debug, Default)]
pub(super) struct Json {
    mode: Mode,
    /// A value would be glued to what stands before it.
    glued: bool,
    /// A value has just been inserted here.
    inserted: Option<Range<usize>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Outside,
    String,
    Backslash,
}

impl Machine for Json {
    fn text(&mut self, text: &str, _at: usize, problems: &mut Vec<Problem>) {
        for c in text.chars() {
            if let Some(range) = self.inserted.take()
                && !(c.is_whitespace() || ",]}:".contains(c))
            {
                problems.push(glued(range));
            }
            self.mode = match (self.mode, c) {
                (Mode::Outside, '"') | (Mode::Backslash, _) => Mode::String,
                (Mode::String, '"') => Mode::Outside,
                (Mode::String, '\\') => Mode::Backslash,
                (mode, _) => mode,
            };
            self.glued = self.mode == Mode::Outside && !(c.is_whitespace() || "[{,:".contains(c));
        }
    }

    fn insert(&mut self, range: &Range<usize>, _helper: Option<&'static str>) -> Result<Escape, Box<Problem>> {
        match self.mode {
            Mode::String => Ok(Escape::JsonString),
            Mode::Outside if self.glued || self.inserted.is_some() => Err(Box::new(glued(range.clone()))),
            Mode::Outside => {
                self.glued = true;
                self.inserted = Some(range.clone());
                Ok(Escape::JsonValue)
            }
            Mode::Backslash => Err(Box::new(
                Problem::error("unsafe-place", range.clone(), "a value right behind a backslash")
                    .help("write `\\\\` for a backslash"),
            )),
        }
    }

    fn join(&mut self, other: &Self) -> bool {
        self.glued |= other.glued;
        self.inserted = self.inserted.take().or_else(|| other.inserted.clone());
        self.mode == other.mode
    }

    fn place(&self) -> &'static str {
        match self.mode {
            Mode::Outside => "outside of strings",
            Mode::String => "inside a string",
            Mode::Backslash => "behind a backslash",
        }
    }
}

fn glued(range: Range<usize>) -> Problem {
    Problem::error("unsafe-place", range, "a value that is glued to other text, outside of a string")
        .help("put both inside one string: `\"a{{x}}b\"`; a value alone needs no quotes")
}
