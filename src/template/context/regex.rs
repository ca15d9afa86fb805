//! Regular expressions: a value is matched literally, also inside of `[…]`.

use std::ops::Range;

use super::Escape;
use super::machine::Machine;
use crate::template::problem::Problem;

/// Where a regular expression is.
#[derive(Clone, Debug, Default)]
pub(super) struct Regex {
    backslash: bool,
}

impl Machine for Regex {
    fn text(&mut self, text: &str, _at: usize, _problems: &mut Vec<Problem>) {
        for c in text.chars() {
            self.backslash = c == '\\' && !self.backslash;
        }
    }

    fn insert(&mut self, range: &Range<usize>, _helper: Option<&'static str>) -> Result<Escape, Box<Problem>> {
        if self.backslash {
            return Err(Box::new(
                Problem::error("unsafe-place", range.clone(), "a value right behind a backslash")
                    .help("write `\\\\\\\\` for a backslash that is meant as such"),
            ));
        }
        Ok(Escape::Regex)
    }

    fn join(&mut self, other: &Self) -> bool {
        self.backslash == other.backslash
    }

    fn place(&self) -> &'static str {
        if self.backslash { "behind a backslash" } else { "in the pattern" }
    }
}
