//! A run afterwards: the text of `refloat report RUN`, and the same as one JSON document.

use std::fmt::Write as _;

use super::escape::{escape, escape_lines};
use super::paint::{between, pad, time_of_day, took};
use super::rows::{Row, Rows};
use super::summary::{Evidence, after_a_cut, duty_words, standing, way_on};
use super::words::{end_words, forecast_words, unit_step, words};
use crate::event::{Event, EventKind, Mode, RunState};
use crate::journal::{Head, RunStatus};

/// A run, read back.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Its events, in order.
    pub events: &'a [Event],
    /// The fold over them.
    pub state: &'a RunState,
    /// Whether somebody executes it.
    pub status: RunStatus,
    /// The end of its chain.
    pub head: Option<Head>,
}

/// The text of a run that nobody executes any more.
#[must_use]
pub fn timeline(events: &[Event], state: &RunState) -> String {
    let status = state.closed().map_or(RunStatus::CutOff, |(_, closed)| RunStatus::Closed(closed.verdict));
    Report { events, state, status, head: None }.text()
}

impl Report<'_> {
    /// As text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        let header = self.state.header();
        let mut line = |text: &str| {
            let _ = writeln!(out, "{}", text.trim_end());
        };
        line(&format!("run {}  {}  {}", header.run, escape(&header.runbook), escape(header.title.as_str())));
        for (name, value) in self.facts() {
            line(&format!("  {name:<9} {value}"));
        }
        line("");
        for verdict in self.verdict() {
            line(&verdict);
        }
        for (title, rows) in self.sections() {
            line("");
            line(title);
            if rows.is_empty() {
                line("  nothing");
            }
            for row in table(&rows) {
                line(&row);
            }
        }
        let evidence = self.evidence();
        if !evidence.is_empty() {
            line("");
            line("evidence");
            for text in evidence {
                line(&format!("  {text}"));
            }
        }
        line("");
        line("timeline");
        for (event, words) in self.timeline() {
            line(&format!("  {} {} {}", time_of_day(event.at), words.0, words.1));
        }
        if let Some(head) = self.head {
            line("");
            line(&format!("journal {} after {} events", head.digest, head.seq));
        }
        out
    }

    /// As one JSON document.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let closed = self.state.closed();
        let duties: Vec<_> = self
            .state
            .duties()
            .iter()
            .map(|duty| {
                let end = duty.end.as_ref().map(|end| serde_json::json!({"by": end.by, "reason": end.reason.as_str()}));
                serde_json::json!({
                    "step": duty.step, "host": duty.host, "state": duty.state(), "reason": duty.reason.as_str(),
                    "end": end,
                })
            })
            .collect();
        let rows = Rows::of(self.state);
        serde_json::json!({
            "run": self.state.header().run,
            "runbook": self.state.header().runbook,
            "status": match self.status {
                RunStatus::Alive => "alive",
                RunStatus::CutOff => "cut_off",
                RunStatus::Closed(_) => "closed",
            },
            "verdict": closed.map(|(_, closed)| closed.verdict),
            "exit": closed.map(|(_, closed)| closed.verdict.exit().code()),
            "reason": closed.map(|(_, closed)| closed.reason.as_str()),
            "outputs": closed.map(|(_, closed)| closed.outputs.as_value()),
            "opened": self.state.opened().rfc3339(),
            "last": self.state.last_at().rfc3339(),
            "head": self.head.map(|head| serde_json::json!({"seq": head.seq, "digest": head.digest})),
            "stands": standing(self.state),
            "done": rows.done,
            "may_have_run": rows.may_have_run,
            "failed": rows.failed,
            "skipped": rows.skipped,
            "undone": rows.undone,
            "not_started": rows.not_started,
            "duties": duties,
            "events": self.events,
        })
    }

    /// What is known of the run as a whole, name and value.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let (header, state) = (self.state.header(), self.state);
        let mode = match header.mode {
            Mode::Run => "",
            Mode::Check => ", dry run",
        };
        let mut facts = vec![
            ("risk", format!("{}{mode}", escape(&header.risk))),
            ("plan", header.plan.to_string()),
            (
                "by",
                format!(
                    "{}, refloat {}",
                    escape(&format!("{}@{}", header.operator, header.controller)),
                    escape(&header.version)
                ),
            ),
        ];
        if let Some(reason) = &header.reason {
            facts.push(("reason", escape(reason.as_str())));
        }
        if let Some(from) = &header.from {
            facts.push(("begun at", escape(from)));
        }
        facts.push(("began", state.opened().rfc3339()));
        facts.push(("took", format!("{}, {} events", between(state.opened(), state.last_at()), state.last_seq())));
        for (at, resumed) in state.sessions() {
            let who = format!("{} by {}@{}", resumed.verb, resumed.operator, resumed.controller);
            facts.push(("then", format!("{} {}", time_of_day(*at), escape(&who))));
        }
        facts
    }

    /// How it ended, in sentences.
    pub(super) fn verdict(&self) -> Vec<String> {
        let closed = self.state.closed();
        let run = self.state.header().mode == Mode::Run;
        let mut lines = Vec::new();
        match (self.status, closed) {
            (RunStatus::Alive, None) => lines.push("running: a process executes it now".to_owned()),
            (RunStatus::CutOff | RunStatus::Closed(_), None) => {
                lines.push("cut off: the process that executed it ended without a word".to_owned());
                lines.extend(standing(self.state).iter().map(|line| format!("  stands: {line}")));
                lines.extend(after_a_cut(self.state).iter().map(|next| format!("  next: {next}")));
            }
            (_, Some((_, closed))) => {
                let step = closed.step.as_ref().map_or_else(String::new, |step| format!(" at {}", escape(step)));
                let ended = end_words(self.state, closed.verdict);
                lines.push(format!("{ended}{step} (exit {})", closed.verdict.exit().code()));
                lines.extend(escape_lines(closed.reason.as_str()).iter().map(|reason| format!("  {reason}")));
                if !closed.verdict.is_good() {
                    lines.extend(standing(self.state).iter().map(|line| format!("  stands: {line}")));
                }
                lines.extend(closed.next.iter().map(|next| format!("  next: {}", escape(next.as_str()))));
                lines.extend(
                    way_on(&self.state.header().run, Some(closed))
                        .filter(|_| run)
                        .map(|next| format!("  next: {next}")),
                );
            }
        }
        lines.extend(duty_words(self.state).map(|next| format!("  next: {next}")));
        lines
    }

    /// The lists that say what became of each part. Of a run that did not end well, the three that decide what to do next
    /// are there even when they are empty.
    pub(super) fn sections(&self) -> Vec<(&'static str, Vec<Row>)> {
        let rows = Rows::of(self.state);
        let well = self.state.closed().is_some_and(|(_, closed)| closed.verdict.is_good());
        let check = self.state.header().mode == Mode::Check;
        let mut sections = Vec::new();
        if check {
            sections.push(("foreseen", self.foreseen()));
        }
        let always = !well && !check;
        let mut push = |title, rows: Vec<Row>, always| {
            if always || !rows.is_empty() {
                sections.push((title, rows));
            }
        };
        push("done", rows.done, always);
        let open = if self.status == RunStatus::Alive { "running" } else { "may have run" };
        push(open, rows.may_have_run, always);
        push("failed", rows.failed, false);
        push("skipped", rows.skipped, false);
        push("undone", rows.undone, false);
        if !well {
            push("not started", rows.not_started, always);
        }
        push("duties", rows.duties, false);
        sections
    }

    fn foreseen(&self) -> Vec<Row> {
        let rows = self.state.forecasts().iter().map(|foreseen| {
            let unit = &foreseen.unit;
            let (outcome, note) = forecast_words(&foreseen.forecast, foreseen.perhaps.as_deref());
            let (step, host) = (unit_step(unit), unit.about.clone().unwrap_or_default());
            Row { step, host, outcome, millis: None, note }
        });
        rows.collect()
    }

    pub(super) fn evidence(&self) -> Vec<String> {
        let mut evidence = Evidence::default();
        self.events.iter().for_each(|event| evidence.event(event));
        evidence.lines()
    }

    /// Each event in a line: its symbol and its words.
    pub(super) fn timeline(&self) -> impl Iterator<Item = (&Event, (char, String))> {
        let told = self.events.iter().filter(|event| !matches!(event.kind, EventKind::UnitOutput { omitted: 0, .. }));
        told.flat_map(|event| {
            let lines = words(&event.kind, self.state).into_iter();
            lines.map(move |words| (event, (words.mark.symbol(), words.line())))
        })
    }
}

/// Rows in aligned columns.
fn table(rows: &[Row]) -> Vec<String> {
    let cells: Vec<[String; 4]> = rows
        .iter()
        .map(|row| {
            let time = row.millis.map_or_else(String::new, took);
            [escape(&row.step), escape(&row.host), escape(&row.outcome.replace('_', " ")), time]
        })
        .collect();
    let width = |n: usize| cells.iter().map(|cell| cell[n].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    let lines = |(cell, row): (&[String; 4], &Row)| {
        let mut line = String::new();
        for (text, width) in cell.iter().zip(widths).filter(|(_, width)| *width > 0) {
            let _ = write!(line, "  {}", pad(text, width));
        }
        // A note of several lines, such as a diff, stands below its row.
        let mut note = escape_lines(&row.note);
        if let [only] = &mut note[..] {
            let _ = write!(line, "  {}", std::mem::take(only));
            note.clear();
        }
        std::iter::once(line).chain(note.into_iter().map(|note| format!("      {note}"))).collect::<Vec<_>>()
    };
    cells.iter().zip(rows).flat_map(lines).collect()
}
