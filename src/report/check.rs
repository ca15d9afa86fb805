//! A dry run for people: step by step while it goes on, hosts of which the same is foreseen in one line, then the two
//! answers.

use std::collections::HashSet;
use std::io::Write;

use indexmap::IndexMap;

use super::Reporter;
use super::escape::{escape, escape_lines};
use super::paint::{BOLD, DIM, Look, Mark, between, cut};
use super::words::{forecast_words, unit_step};
use crate::base::secret::Redacted;
use crate::event::{Closed, Event, EventKind, Forecast, Foreseen, RunState, Symptom, Verdict};
use crate::journal::Head;

/// So many lines of a command are shown.
const LINES: usize = 8;

/// What is shown beside the verdicts.
#[derive(Clone, Debug, Default)]
pub struct Detail {
    /// The differences of files.
    pub diff: bool,
    /// What was read and asked, commands as a whole.
    pub explain: bool,
    /// The params that the runbook's `rehearse` gave.
    pub rehearsed: Vec<String>,
}

/// Shows nothing.
pub struct Silent;

impl Reporter for Silent {
    fn event(&mut self, _event: &Event, _state: &RunState) {}
}

/// Writes a dry run.
pub struct Checks<W> {
    out: W,
    look: Look,
    detail: Detail,
    /// Forecasts that are shown already.
    shown: usize,
    /// Texts that were shown as what is sent.
    sent: HashSet<String>,
}

impl<W: Write + Send> Checks<W> {
    /// Writes to `out`.
    pub fn new(out: W, look: Look, detail: Detail) -> Self {
        Self { out, look, detail, shown: 0, sent: HashSet::new() }
    }

    fn line(&mut self, text: &str) {
        // a reader that went away wanted no more
        let _ = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
    }

    fn opened(&mut self, state: &RunState) {
        let header = state.header();
        let title = [header.runbook.as_str(), header.title.as_str()].map(escape).join(" · ");
        let title = title.trim_end_matches(" · ");
        self.line(&self.look.paint(BOLD, title));
        if !self.detail.rehearsed.is_empty() {
            let names = escape(&self.detail.rehearsed.join(", "));
            self.line(&format!(
                "  rehearsed: nobody gave {names}, so these are the values of the runbook's `rehearse`"
            ));
        }
    }

    /// What was foreseen since the last time, by step.
    fn foreseen(&mut self, state: &RunState) {
        let new = &state.forecasts()[self.shown..];
        self.shown = state.forecasts().len();
        let mut groups: IndexMap<[String; 4], (Mark, Vec<&Foreseen>)> = IndexMap::new();
        for foreseen in new {
            let (word, note) = forecast_words(&foreseen.forecast, foreseen.perhaps.as_deref());
            // of hosts to which something else is sent each has its own
            let sends = foreseen.sends.as_ref().filter(|_| self.detail.explain).map_or("", Redacted::as_str);
            let key = [unit_step(&foreseen.unit), word, self.note(&foreseen.forecast, &note), sends.to_owned()];
            let mark = Mark::of_forecast(&foreseen.forecast);
            groups.entry(key).or_insert_with(|| (mark, Vec::new())).1.push(foreseen);
        }
        for ([step, word, note, sends], (mark, all)) in groups {
            let on = places(&all);
            let on = if on.is_empty() { on } else { format!(" ({})", escape(&on)) };
            let title = format!("{} {}", mark.symbol(), escape(&step));
            let text = format!("  {}{}  {word}", self.look.paint(mark.style(), &title), self.look.paint(DIM, &on));
            self.line(&text);
            for line in escape_lines(&note) {
                self.line(&format!("      {}", self.coloured(&all[0].forecast, &line)));
            }
            if !sends.is_empty() {
                let sends = self.once(&sends);
                self.line(&format!("      sends: {}", escape_lines(&sends).join("\n        ")));
            }
        }
    }

    /// A request whose long text stands there once.
    fn once(&mut self, sends: &str) -> String {
        let (text, with) = sends.split_once("\n  … with ").unwrap_or((sends, ""));
        if text.lines().count() < LINES || self.sent.insert(text.to_owned()) {
            return sends.to_owned();
        }
        format!("the same text as above\n  … with {with}")
    }

    /// The part of a note that is wanted.
    fn note(&self, forecast: &Forecast, note: &str) -> String {
        let first = || note.lines().next().unwrap_or_default();
        let short = |text: &str| cut(text, self.look.width.saturating_sub(8));
        match forecast {
            _ if self.detail.explain => note.to_owned(),
            Forecast::Known { .. } => String::new(),
            Forecast::WouldChange { .. } | Forecast::UnknownUntil { .. } if self.detail.diff => note.to_owned(),
            Forecast::WouldChange { .. } | Forecast::UnknownUntil { .. } => first().to_owned(),
            Forecast::WouldRun { .. } if note.lines().count() > LINES => {
                let lines: Vec<String> = note.lines().take(LINES).map(short).collect();
                format!("{}\n… and {} lines more", lines.join("\n"), note.lines().count() - LINES)
            }
            Forecast::WouldRun { .. } => note.lines().map(short).collect::<Vec<_>>().join("\n"),
            _ => note.to_owned(),
        }
    }

    fn coloured(&self, forecast: &Forecast, line: &str) -> String {
        let style = match (forecast, line.chars().next()) {
            (Forecast::WouldChange { .. } | Forecast::UnknownUntil { .. }, Some('+')) => Mark::Good.style(),
            (Forecast::WouldChange { .. } | Forecast::UnknownUntil { .. }, Some('-')) => Mark::Bad.style(),
            _ => return line.to_owned(),
        };
        self.look.paint(style, line)
    }

    fn answers(&mut self, state: &RunState, closed: &Closed) {
        let (mark, word) = match closed.verdict {
            Verdict::Ready => (Mark::Good, "yes"),
            // with --now: what a run lacks is the outage
            Verdict::Refused if state.obstacles().is_empty() => (Mark::Good, "yes"),
            Verdict::NotReady | Verdict::Refused => (Mark::Bad, "no"),
            _ => (Mark::Doubt, "not known: the check did not come to its end"),
        };
        self.line(&format!("  ready: {}", self.look.paint(mark.style(), word)));
        for obstacle in state.obstacles() {
            let host = obstacle.host.map_or_else(String::new, |host| format!(", {}", escape(host)));
            let place = format!("{}{host}", escape(obstacle.step));
            for (n, reason) in escape_lines(obstacle.reason.as_str()).into_iter().enumerate() {
                let place = if n == 0 { format!("{place}: ") } else { "  ".to_owned() };
                self.line(&format!("      {place}{reason}"));
            }
        }
        if !matches!(closed.verdict, Verdict::Ready | Verdict::NotReady | Verdict::Refused) {
            for reason in escape_lines(closed.reason.as_str()) {
                self.line(&format!("      {reason}"));
            }
        }
        if let Some(symptom) = state.symptom() {
            let (mark, word) = match symptom {
                Symptom::Present => (Mark::Doubt, "present"),
                Symptom::Absent => (Mark::Good, "absent, there is nothing to recover"),
                Symptom::Unknown => (Mark::Doubt, "cannot be told now"),
            };
            self.line(&format!("  symptom: {}", self.look.paint(mark.style(), word)));
        }
        if closed.verdict == Verdict::Refused {
            self.line("  A run now would be refused: the outage is not there.");
        }
    }
}

impl<W: Write + Send> Reporter for Checks<W> {
    fn event(&mut self, event: &Event, state: &RunState) {
        match &event.kind {
            EventKind::RunOpened(_) => self.opened(state),
            EventKind::HostUnreachable { host, reason } => {
                let text = format!("{} {}: {}", Mark::Bad.symbol(), escape(host), escape(reason.as_str()));
                self.line(&format!("  {}", self.look.paint(Mark::Bad.style(), &text)));
            }
            EventKind::Noted { step: None, by: None, text } => {
                let text = format!("{} {}", Mark::Doubt.symbol(), escape(text.as_str()));
                self.line(&format!("  {}", self.look.paint(Mark::Doubt.style(), &text)));
            }
            EventKind::StepClosed { .. } => self.foreseen(state),
            EventKind::RunClosed(closed) => {
                self.foreseen(state);
                self.answers(state, closed);
            }
            _ => {}
        }
    }

    fn finish(&mut self, state: &RunState, _head: Option<Head>) {
        let took = state.closed().map_or_else(String::new, |(at, _)| format!(" · {}", between(state.opened(), at)));
        let header = state.header();
        let text =
            format!("  plan {} · nothing was changed{took} · refloat report {}", header.plan.short(), header.run);
        self.line(&self.look.paint(DIM, &text));
    }
}

/// Whom forecasts are about, and where it would be carried out when that is elsewhere.
fn places(all: &[&Foreseen]) -> String {
    let mut hosts: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for unit in all.iter().map(|foreseen| &foreseen.unit) {
        let Some(about) = unit.about.as_deref() else { continue };
        let elsewhere = unit.on.as_deref().filter(|on| *on != about);
        hosts.entry(about).or_default().extend(elsewhere);
    }
    let words = hosts.into_iter().map(|(about, on)| match on.as_slice() {
        [] => about.to_owned(),
        on => format!("{about} on {}", on.join(" and ")),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// A dry run for programs.
#[must_use]
pub fn check_json(state: &RunState) -> serde_json::Value {
    let header = state.header();
    let closed = state.closed().map(|(_, closed)| closed);
    let reasons = state
        .obstacles()
        .into_iter()
        .map(|obstacle| serde_json::json!({ "step": obstacle.step, "host": obstacle.host, "reason": obstacle.reason }));
    let foreseen = state.forecasts().iter().map(|foreseen| {
        let unit = &foreseen.unit;
        serde_json::json!({
            "step": unit.step,
            "item": unit.item,
            "host": unit.about,
            "on": unit.on,
            "if_wanted": foreseen.perhaps,
            "foreseen": foreseen.forecast,
            "sends": foreseen.sends,
        })
    });
    serde_json::json!({
        "run": header.run,
        "runbook": header.runbook,
        "plan": header.plan.to_string(),
        "verdict": closed.map(|closed| closed.verdict),
        "ready": closed.map(|_| state.obstacles().is_empty()),
        "reasons": reasons.collect::<Vec<_>>(),
        "symptom": state.symptom(),
        "millis": closed.map(|_| millis(state)),
        "foreseen": foreseen.collect::<Vec<_>>(),
    })
}

/// How long it took.
fn millis(state: &RunState) -> u64 {
    let took = state.closed().map(|(at, _)| at.since(state.opened()));
    u64::try_from(took.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}
