//! What people and programs see of a run. Every reporter is a consumer of events; replay feeds the same ones. Nothing
//! here decides anything, and a reporter that fails or lags never stops a run.
//!
//! - [`Live`]: a terminal, with a line for each unit that runs. [`Plain`]: one line an event, for pipes and logs.
//!   [`JsonLines`]: one event a line, for programs. [`for_stdout`] chooses.
//! - [`Report`]: a run afterwards, as text, markdown or one JSON document.
//!
//! Invariant: text from outside (hosts, runbooks, people) reaches a terminal or a document only through [`escape`] or
//! the escapes of the document's own language.
//!
//! Limits: columns are counted in characters; wide ones (CJK) shift what follows them.

mod check;
mod check_files;
pub mod diagnostics;
mod escape;
mod json;
mod live;
mod markdown;
mod paint;
mod plain;
mod rows;
mod summary;
mod timeline;
mod why;
mod words;

use std::io::IsTerminal as _;

pub use check::{Checks, Detail, Silent, check_json};
pub use check_files::{CheckedBook, junit, prometheus};
pub use escape::{escape, escape_lines};
pub use json::{JsonLines, inert};
pub use live::Live;
pub use markdown::in_markdown;
pub use paint::Look;
pub use plain::Plain;
pub use rows::{Row, Rows};
pub use summary::way_on;
pub use timeline::{Report, timeline};
pub use why::{Because, NoUnit, why};
pub use words::end_words;

use crate::base::clock::Timestamp;
use crate::event::{Event, RunState};
use crate::journal::Head;

/// Shows a run while it happens, or again afterwards.
pub trait Reporter: Send {
    /// An event was committed; `state` is the fold up to and including it.
    fn event(&mut self, event: &Event, state: &RunState);

    /// Time passes: a live display shows it.
    fn tick(&mut self, _now: Timestamp, _state: &RunState) {}

    /// Nothing more will come. `head` is the end of the journal's chain, for people to keep.
    fn finish(&mut self, _state: &RunState, _head: Option<Head>) {}
}

/// The reporter that fits standard output: JSON lines when asked for, a live display on a terminal, else plain lines.
/// `steerable`: the terminal can move its cursor. Colours follow `NO_COLOR`, `CLICOLOR_FORCE` and the terminal.
#[must_use]
pub fn for_stdout(json: bool, steerable: bool) -> Box<dyn Reporter> {
    let out = std::io::stdout();
    if json {
        Box::new(JsonLines::new(out))
    } else if out.is_terminal() && steerable {
        Box::new(Live::new(out, Look::of_stdout()))
    } else {
        Box::new(Plain::new(out))
    }
}

#[cfg(test)]
mod tests;
