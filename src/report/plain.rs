//! One line an event, with the time: for pipes, logs and continuous integration.

use std::io::Write;

use super::Reporter;
use super::paint::{Look, time_of_day};
use super::summary::Evidence;
use super::words::words;
use crate::event::{Event, EventKind, RunState};
use crate::journal::Head;

/// Writes plain lines. A pipe that nobody reads any more does not stop a run.
pub struct Plain<W> {
    out: W,
    evidence: Evidence,
}

impl<W: Write + Send> Plain<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, evidence: Evidence::default() }
    }
}

impl<W: Write + Send> Reporter for Plain<W> {
    fn event(&mut self, event: &Event, state: &RunState) {
        self.evidence.event(event);
        for line in lines(event, state) {
            let _ = writeln!(self.out, "{line}");
        }
        let _ = self.out.flush();
    }

    fn finish(&mut self, state: &RunState, head: Option<Head>) {
        let summary = self.evidence.summary(state, head, Look { width: usize::MAX, ..Look::PLAIN });
        let _ = write!(self.out, "\n{summary}").and_then(|()| self.out.flush());
    }
}

/// The lines of an event: one, but for the units that start together one each.
pub(super) fn lines(event: &Event, state: &RunState) -> Vec<String> {
    if let EventKind::UnitOutput { omitted: 0, .. } = event.kind {
        // The output itself is beside the journal; that there is some is no news.
        return Vec::new();
    }
    let time = time_of_day(event.at);
    words(&event.kind, state).iter().map(|words| format!("{time} {} {}", words.mark.symbol(), words.line())).collect()
}
