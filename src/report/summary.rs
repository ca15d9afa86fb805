//! The end of a run in a few lines: what happened, what proves it, what is left to do.

use std::fmt::Write as _;

use indexmap::{IndexMap, IndexSet};

use super::escape::{escape, escape_lines};
use super::paint::{BOLD, DIM, Look, Mark, between, cut};
use super::words::{end_words, unit_step, verdict_mark};
use crate::base::ids::RunId;
use crate::event::{Closed, Event, EventKind, GuardVerdict, Mode, RunState, Verdict};
use crate::journal::Head;

/// At most so many lines of evidence are shown; the report has them all.
const SHOWN: usize = 8;

/// What was seen that proves something: log lines, and the last word of each guard.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    logs: Vec<(String, String)>,
    guards: IndexMap<(String, String, Option<String>), (GuardVerdict, String)>,
}

impl Evidence {
    pub(super) fn event(&mut self, event: &Event) {
        if let EventKind::LogMatched { host, line, .. } = &event.kind {
            self.logs.push((escape(host), escape(line.as_str())));
        } else if let EventKind::GuardJudged { step, guard, host, verdict, seen, .. } = &event.kind {
            let key = (step.clone(), guard.as_str().to_owned(), host.clone());
            // Moved to the end: the last ones asked prove most.
            self.guards.shift_remove(&key);
            self.guards.insert(key, (*verdict, seen.as_str().to_owned()));
        }
    }

    /// The lines of evidence, the last ones first to be kept.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.logs.iter().map(|(host, line)| format!("{host}: {line}")).collect();
        for ((_, guard, host), (verdict, seen)) in &self.guards {
            if *verdict == GuardVerdict::Holds {
                let host = host.as_ref().map_or_else(String::new, |host| format!("{}: ", escape(host)));
                let seen = if seen.is_empty() { String::new() } else { format!(" (seen: {})", escape(seen)) };
                lines.push(format!("{host}{}{seen}", escape(guard)));
            }
        }
        lines
    }

    pub(super) fn summary(&self, state: &RunState, head: Option<Head>, look: Look) -> String {
        let mut out = String::new();
        let mut line = |text: String| {
            let _ = writeln!(out, "{text}");
        };
        let wide = |text: &str| cut(text, look.width.saturating_sub(14));
        let label = |name: &str| look.paint(DIM, &format!("  {name:<10}"));
        let run = &state.header().run;
        if let Some((at, closed)) = state.closed() {
            let mark = verdict_mark(closed.verdict);
            let title = format!("{} {}", mark.symbol(), end_words(state, closed.verdict));
            let after = format!("{} {}", preposition(mark), between(state.opened(), at));
            let step = closed.step.as_ref().map_or_else(String::new, |step| format!(", at {}", escape(step)));
            line(format!("{} {after}{step}", look.paint(mark.style(), &title)));
            for reason in escape_lines(closed.reason.as_str()) {
                line(format!("  {reason}"));
            }
        } else {
            let title = format!("{} no end is recorded", Mark::Doubt.symbol());
            line(look.paint(Mark::Doubt.style(), &title));
        }
        let doubtful = |unit: &&crate::event::UnitState| unit.is_unresolved() && !state.is_undone(&unit.start.unit);
        for unit in state.units().filter(doubtful) {
            let what = format!("{} on {}", unit.start.unit.step, unit.start.unit.host());
            let text = format!("{} may have run, its outcome is not known", escape(&what));
            line(format!("{}{}", label("unknown"), look.paint(Mark::Doubt.style(), &text)));
        }
        if state.closed().is_none_or(|(_, closed)| !closed.verdict.is_good()) {
            for (n, text) in standing(state).into_iter().enumerate() {
                line(format!("{}{}", label(if n == 0 { "stands" } else { "" }), wide(&text)));
            }
        }
        let evidence = self.lines();
        let hidden = evidence.len().saturating_sub(SHOWN);
        for (n, text) in evidence.iter().skip(hidden).enumerate() {
            line(format!("{}{}", label(if n == 0 { "evidence" } else { "" }), wide(text)));
        }
        if hidden > 0 {
            line(format!("{}and {hidden} more, in the report", label("")));
        }
        if let Some((_, closed)) = state.closed() {
            if let Some(outputs) = closed.outputs.as_value().as_object() {
                for (n, (name, value)) in outputs.iter().enumerate() {
                    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    let text = format!("{} = {}", escape(name), escape(&value));
                    line(format!("{}{}", label(if n == 0 { "outputs" } else { "" }), wide(&text)));
                }
            }
            for (n, next) in closed.next.iter().enumerate() {
                let text = look.paint(BOLD, &escape(next.as_str()));
                line(format!("{}{text}", label(if n == 0 { "next" } else { "" })));
            }
        }
        for (n, duty) in state.open_duties().enumerate() {
            let text = escape(&format!("{} on {}: {}", duty.step, duty.host, duty.reason));
            let name = if n == 0 { "duties" } else { "" };
            line(format!("{}{}", label(name), look.paint(Mark::Doubt.style(), &text)));
        }
        if let Some(next) = duty_words(state) {
            line(format!("{}{}", label(""), look.paint(BOLD, &next)));
        }
        if let Some(head) = head {
            line(format!("{}{} after {} events", label("journal"), head.digest, head.seq));
        }
        line(format!("{}refloat report {run}", label("report")));
        out
    }
}

/// What to do about a run that was cut off.
pub(super) fn after_a_cut(state: &RunState) -> Vec<String> {
    let Some(way_on) = way_on(&state.header().run, None).filter(|_| state.header().mode == Mode::Run) else {
        return vec!["nothing was changed: look again".to_owned()];
    };
    let mut next = vec![format!("{way_on}   (what is done stays so, what may have run is asked for on its host)")];
    if state.standing().next().is_some() {
        next.push("or put back by hand what stands, the newest first".to_owned());
    }
    next
}

/// How a run goes on that was cut off, or has ended with something to do. None: it cannot, or its end says it.
#[must_use]
pub fn way_on(run: &RunId, closed: Option<&Closed>) -> Option<String> {
    let resume = format!("refloat resume {run}");
    if closed.is_some_and(|closed| closed.next.iter().any(|next| next.as_str().contains(&resume))) {
        return None;
    }
    match closed.map(|closed| closed.verdict) {
        Some(Verdict::Recovered | Verdict::Ready | Verdict::NotReady | Verdict::Refused | Verdict::Bug) => None,
        Some(Verdict::Failed | Verdict::NeedsAttention) => {
            Some(format!("go on: {resume}   (--retry-failed begins anew what failed)"))
        }
        Some(Verdict::Unreachable | Verdict::Detached | Verdict::Cancelled) | None => Some(format!("go on: {resume}")),
    }
}

/// What was changed and neither put back nor undone since, in order: one line for the hosts of a step.
pub(super) fn standing(state: &RunState) -> Vec<String> {
    let mut lines: IndexMap<(String, &str), Vec<String>> = IndexMap::new();
    for unit in state.standing() {
        let of = (unit_step(&unit.start.unit), unit.start.summary.as_str());
        lines.entry(of).or_default().push(unit.start.unit.host().to_owned());
    }
    let line = |((step, what), hosts): ((String, &str), Vec<String>)| {
        format!("{} on {} ({})", escape(what), escape(&hosts.join(", ")), escape(&step))
    };
    lines.into_iter().map(line).collect()
}

/// What to type about the duties that are open.
pub(super) fn duty_words(state: &RunState) -> Option<String> {
    let hosts: IndexSet<&str> = state.open_duties().map(|duty| duty.host.as_str()).collect();
    let run = &state.header().run;
    match hosts.len() {
        0 => None,
        1 => Some(format!("when {} is back: refloat duty {run}", escape(hosts[0]))),
        _ => Some(format!("when one of these hosts is back: refloat duty {run}")),
    }
}

fn preposition(mark: Mark) -> &'static str {
    match mark {
        Mark::Good => "in",
        Mark::Bad | Mark::Doubt | Mark::Skip | Mark::Ask | Mark::Start | Mark::Fact => "after",
    }
}
