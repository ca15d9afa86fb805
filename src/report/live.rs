//! A terminal: what happened scrolls up and stays, what runs now is in the last lines and is rewritten in place.
//!
//! ```text
//! ▸ Stop the survivors                                    recover/stop
//!   nobody may write while the peers are changed
//!   ✓ consul-1   changed     1.2 s   systemctl stop consul
//!   ✗ consul-2   failed      0.9 s   systemctl stop consul
//!       exit 1
//!       stderr: Failed to stop consul.service
//!   ⋯ consul-3               3 s     systemctl stop consul
//! ```
//!
//! The live part is never higher than the terminal less two lines, so that moving up over it cannot miss.

use std::fmt::Write as _;
use std::io::Write;

use super::Reporter;
use super::escape::{escape, escape_lines};
use super::paint::{BOLD, DIM, Look, Mark, between, cut, outcome_words, pad, time_of_day, took};
use super::summary::Evidence;
use super::words::{Words, words};
use crate::base::clock::Timestamp;
use crate::base::ids::UnitKey;
use crate::event::{Event, EventKind, Outcome, Phase, RunState, Stream};
use crate::journal::Head;

/// The last lines of output that a failure shows.
const TAIL: usize = 12;
const OUTCOME: usize = 11;
const TIME: usize = 11;

/// The live display.
pub struct Live<W> {
    out: W,
    look: Look,
    evidence: Evidence,
    /// How many lines of the live part are on the screen.
    drawn: usize,
    /// The step whose heading was written last.
    heading: Option<String>,
    now: Timestamp,
    /// Events up to this one are history of a run that is resumed: counted, not shown.
    quiet_until: u64,
}

impl<W: Write + Send> Live<W> {
    /// Writes to a terminal.
    pub fn new(out: W, look: Look) -> Self {
        let evidence = Evidence::default();
        Self { out, look, evidence, drawn: 0, heading: None, now: Timestamp::default(), quiet_until: 0 }
    }

    /// Shows nothing of the events up to this one, which happened before this process took the run over.
    #[must_use]
    pub fn quiet_until(mut self, seq: u64) -> Self {
        self.quiet_until = seq;
        self
    }

    /// Writes lines that stay, above the live part.
    fn write(&mut self, lines: &[String], state: &RunState) {
        let mut text = self.clear();
        for line in lines {
            let _ = writeln!(text, "{line}");
        }
        self.draw(&mut text, state);
    }

    fn clear(&mut self) -> String {
        let up = std::mem::take(&mut self.drawn);
        if up == 0 { String::new() } else { format!("\x1b[{up}A\r\x1b[J") }
    }

    fn draw(&mut self, text: &mut String, state: &RunState) {
        let room = self.look.height.saturating_sub(2);
        let running = if state.closed().is_some() { Vec::new() } else { self.running(state) };
        let shown = if running.len() > room { room.saturating_sub(1) } else { running.len() };
        for line in &running[..shown] {
            let _ = writeln!(text, "{line}");
        }
        self.drawn = shown;
        if shown < running.len() && room > 0 {
            let _ = writeln!(text, "{}", self.look.paint(DIM, &format!("  ⋯ and {} more", running.len() - shown)));
            self.drawn += 1;
        }
        // A terminal that is gone does not stop a run.
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }

    fn running(&self, state: &RunState) -> Vec<String> {
        let width = state.open_units().map(|unit| unit.start.unit.host().chars().count()).max().unwrap_or(0);
        let line = |unit: &crate::event::UnitState| {
            let host = pad(&cut(&escape(unit.start.unit.host()), 32), host_width(width));
            let time = pad(&between(unit.started, self.now.max(unit.started)), TIME);
            let text = format!("  ⋯ {host}  {:OUTCOME$}  {time}  {}", "", escape(unit.start.summary.as_str()));
            self.look.paint(DIM, &cut(&text, self.look.width.saturating_sub(1)))
        };
        let units: Vec<String> = state.open_units().map(line).collect();
        if units.is_empty() { self.waiting(state).into_iter().collect() } else { units }
    }

    /// What goes on where no unit does: hosts are being connected to, or a step waits.
    fn waiting(&self, state: &RunState) -> Option<String> {
        let open = state.steps().filter(|step| step.stage.is_open() && step.action != "steps").last();
        let (began, what) = match open {
            Some(step) if state.questions().iter().any(|asked| asked.step == step.step && asked.answer.is_none()) => {
                return None;
            }
            Some(step) => (step.opened, step.action.as_str()),
            None if state.steps().next().is_none() => (state.opened(), "connecting"),
            None => return None,
        };
        let what = match what {
            "wait" | "watch" => "waiting",
            "run" | "file" | "move" | "service" | "download" => "seeing what came of it",
            "gather" | "require" | "symptom" | "pick" => "asking",
            other => other,
        };
        let time = pad(&between(began, self.now.max(began)), TIME);
        Some(self.look.paint(DIM, &format!("  ⋯ {time}  {}", escape(what))))
    }

    fn heading(&mut self, step: &str, phase: Phase, state: &RunState) -> Vec<String> {
        let name = match phase {
            Phase::Apply => step.to_owned(),
            Phase::Undo => format!("{step} (undo)"),
        };
        if self.heading.as_ref() == Some(&name) {
            return Vec::new();
        }
        let again = state.step(step, phase);
        let title = again.map_or_else(String::new, |step| escape(step.title.as_str()));
        let mark = self.look.paint(Mark::Start.style(), &Mark::Start.symbol().to_string());
        let (title, path) = (cut(&title, self.look.width.saturating_sub(4)), escape(&name));
        let gap = self.look.width.saturating_sub(4 + title.chars().count() + path.chars().count());
        let path = if gap >= 2 { format!("{:gap$}{}", "", self.look.paint(DIM, &path)) } else { String::new() };
        self.heading = Some(name);
        vec![format!("{mark} {}{path}", self.look.paint(BOLD, &title))]
    }

    fn lines(&mut self, event: &Event, state: &RunState) -> Vec<String> {
        match &event.kind {
            EventKind::RunOpened(opened) => {
                let title = escape(opened.title.as_str());
                let who = format!("{}@{}", opened.operator, opened.controller);
                let about = format!(
                    "{} · {} · plan {} · {} · run {}",
                    escape(&opened.runbook),
                    escape(&opened.risk),
                    opened.plan.short(),
                    escape(&who),
                    opened.run
                );
                vec![self.look.paint(BOLD, &title), self.look.paint(DIM, &about), String::new()]
            }
            EventKind::StepOpened { step, phase, why, .. } => {
                self.heading = None;
                let mut lines = self.heading(step, *phase, state);
                let why = why.as_ref().map_or_else(Vec::new, |why| escape_lines(why.as_str()));
                lines.extend(why.iter().map(|why| self.look.paint(DIM, &format!("  {why}"))));
                lines
            }
            EventKind::UnitEnded { key, outcome, millis, .. } => self.ended(key, outcome, *millis, state),
            EventKind::StepClosed { step, phase, outcome } => {
                if outcome.is_good() && outcome.reason().is_none() {
                    return Vec::new();
                }
                let mut lines = self.heading(step, *phase, state);
                lines.extend(words(&event.kind, state).iter().flat_map(|words| self.said(words)));
                lines
            }
            EventKind::GuardJudged { step, .. }
            | EventKind::Asked { step, .. }
            | EventKind::Answered { step, .. }
            | EventKind::LogMatched { step, .. }
            | EventKind::HostLeft { step, .. }
            | EventKind::DutyOpened { step, .. }
            | EventKind::DutyClosed { step, .. } => {
                let mut lines = self.heading(step, phase_of(step, state), state);
                lines.extend(words(&event.kind, state).iter().flat_map(|words| self.said(words)));
                lines
            }
            EventKind::UnitForeseen { unit, .. } => {
                let mut lines = self.heading(&unit.step, unit.phase, state);
                lines.extend(words(&event.kind, state).iter().flat_map(|words| self.said(words)));
                lines
            }
            EventKind::HostUnreachable { .. }
            | EventKind::RunResumed(_)
            | EventKind::UnitMarked { .. }
            | EventKind::TargetPicked { .. }
            | EventKind::Noted { .. } => words(&event.kind, state).iter().flat_map(|words| self.said(words)).collect(),
            // Shown by the live part, with the unit's end, or by the summary.
            EventKind::HostReached { .. }
            | EventKind::UnitsStarted { .. }
            | EventKind::CursorTaken { .. }
            | EventKind::LogNoted { .. }
            | EventKind::UnitOutput { .. }
            | EventKind::RunClosed(_) => Vec::new(),
        }
    }

    /// A line of its own under the heading, and what was seen under that.
    fn said(&self, words: &Words) -> Vec<String> {
        let symbol = self.look.paint(words.mark.style(), &words.mark.symbol().to_string());
        let host = if words.host.is_empty() { String::new() } else { format!("{}  ", words.host) };
        let mut lines = vec![format!("  {symbol} {host}{}", words.text)];
        let quiet = matches!(words.mark, Mark::Good | Mark::Fact | Mark::Skip);
        for more in words.more.iter().filter(|more| !more.is_empty()) {
            lines.push(format!("      {}", if quiet { self.look.paint(DIM, more) } else { more.clone() }));
        }
        lines
    }

    fn ended(&mut self, key: &UnitKey, outcome: &Outcome, millis: u64, state: &RunState) -> Vec<String> {
        let Some(unit) = state.unit(key) else { return Vec::new() };
        let of = &unit.start.unit;
        let mut lines = self.heading(&of.step, of.phase, state);
        let hosts = state.step(&of.step, of.phase).map_or(&[][..], |step| &step.hosts[..]);
        let width = hosts.iter().map(|host| host.chars().count()).max().unwrap_or(0);
        let mark = Mark::of_outcome(outcome);
        let symbol = self.look.paint(mark.style(), &mark.symbol().to_string());
        let host = pad(&cut(&escape(of.host()), 32), host_width(width));
        let word = self.look.paint(mark.style(), &pad(&outcome_words(outcome), OUTCOME));
        let item = of.item.map_or_else(String::new, |item| format!("[{item}] "));
        let room = self.look.width.saturating_sub(8 + host.chars().count() + OUTCOME + TIME);
        let what = cut(&format!("{item}{}", escape(unit.start.summary.as_str())), room);
        lines.push(format!("  {symbol} {host}  {word}  {}  {}", pad(&took(millis), TIME), self.look.paint(DIM, &what)));
        let reason = outcome.reason().map_or_else(Vec::new, |reason| escape_lines(reason.as_str()));
        for (n, reason) in reason.iter().enumerate() {
            // When it was seen matters only where somebody will look for it in other logs.
            let time = unit.end.as_ref().filter(|_| n == 0 && !outcome.is_good());
            let time = time.map_or_else(String::new, |end| format!("  (at {})", time_of_day(end.at)));
            lines.push(format!("      {reason}{}", self.look.paint(DIM, &time)));
        }
        if !outcome.is_good() {
            for output in &unit.output {
                let name = match output.stream {
                    Stream::Stdout => "stdout",
                    Stream::Stderr => "stderr",
                };
                let tail = escape_lines(output.tail.as_str());
                let tail = &tail[tail.len().saturating_sub(TAIL)..];
                lines.extend(
                    tail.iter().map(|line| format!("      {}{line}", self.look.paint(DIM, &format!("{name}: ")))),
                );
            }
        }
        lines
    }
}

/// The phase in which a step is now: its undo, once that began.
fn phase_of(step: &str, state: &RunState) -> Phase {
    if state.step(step, Phase::Undo).is_some() { Phase::Undo } else { Phase::Apply }
}

/// The column of hosts: wide enough, within reason.
fn host_width(longest: usize) -> usize {
    longest.clamp(8, 32)
}

impl<W: Write + Send> Reporter for Live<W> {
    fn event(&mut self, event: &Event, state: &RunState) {
        self.evidence.event(event);
        self.now = self.now.max(event.at);
        if event.seq <= self.quiet_until {
            return;
        }
        let lines = self.lines(event, state);
        self.write(&lines, state);
    }

    fn tick(&mut self, now: Timestamp, state: &RunState) {
        self.now = now;
        let mut text = self.clear();
        self.draw(&mut text, state);
    }

    fn finish(&mut self, state: &RunState, head: Option<Head>) {
        let text = self.clear();
        let summary = self.evidence.summary(state, head, self.look);
        let _ = write!(self.out, "{text}\n{summary}").and_then(|()| self.out.flush());
    }
}
