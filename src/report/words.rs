//! Each event in words: what the plain reporter, the timeline and the live display all say.

use super::escape::{escape, escape_lines};
use super::paint::{Mark, outcome_words, took};
use crate::base::ids::UnitKey;
use crate::event::{Answer, EventKind, Forecast, GuardVerdict, Phase, RunState, Unit, UnitState, Verdict};

/// An event in words, escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) mark: Mark,
    /// The step, or empty.
    pub(super) step: String,
    /// The host, or empty.
    pub(super) host: String,
    pub(super) text: String,
    /// What was seen, line by line.
    pub(super) more: Vec<String>,
}

impl Words {
    fn new(mark: Mark, step: &str, host: &str, text: impl Into<String>) -> Self {
        Self { mark, step: escape(step), host: escape(host), text: text.into(), more: Vec::new() }
    }

    fn with(mut self, more: &str) -> Self {
        self.more.extend(escape_lines(more));
        self
    }

    /// In one line, without the mark.
    pub(super) fn line(&self) -> String {
        let parts = [&self.step, &self.host, &self.text];
        let mut line = parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("  ");
        for more in self.more.iter().filter(|more| !more.trim().is_empty()) {
            line.push_str(" | ");
            line.push_str(more.trim_end());
        }
        line
    }
}

/// Where a unit belongs, as people write it: `recover/stop[2] (undo)`.
pub(super) fn unit_step(unit: &Unit) -> String {
    let item = unit.item.map_or_else(String::new, |item| format!("[{item}]"));
    let entry = unit.entry.map_or_else(String::new, |entry| format!("[{entry}]"));
    format!("{}{item}{}{entry}", unit.step, phase_words(unit.phase))
}

fn phase_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Apply => "",
        Phase::Undo => " (undo)",
    }
}

fn list(hosts: &[String]) -> String {
    if hosts.is_empty() { "no hosts".to_owned() } else { escape(&hosts.join(", ")) }
}

/// One or more events in words: a start of several units is one line for each.
pub(super) fn words(kind: &EventKind, state: &RunState) -> Vec<Words> {
    if let EventKind::UnitsStarted { units } = kind {
        let line = |start: &crate::event::UnitStart| {
            let text = format!("starts: {}", escape(start.summary.as_str()));
            Words::new(Mark::Start, &unit_step(&start.unit), start.unit.host(), text)
        };
        return units.iter().map(line).collect();
    }
    vec![one(kind, state)]
}

#[expect(clippy::too_many_lines, reason = "one arm an event, each a line or two: a table")]
fn one(kind: &EventKind, state: &RunState) -> Words {
    match kind {
        EventKind::RunOpened(opened) => {
            let who = format!("{}@{}", opened.operator, opened.controller);
            let text = format!("run {} of {} by {}", opened.run, escape(&opened.runbook), escape(&who));
            Words::new(Mark::Start, "", "", text).with(opened.reason.as_ref().map_or("", |reason| reason.as_str()))
        }
        EventKind::RunResumed(resumed) => {
            let who = format!("{}@{}", resumed.operator, resumed.controller);
            let text = format!("{} by {}", escape(&resumed.verb), escape(&who));
            Words::new(Mark::Start, "", "", text).with(resumed.reason.as_ref().map_or("", |reason| reason.as_str()))
        }
        EventKind::HostReached { host, facts } => {
            let text = facts.get("login").map_or_else(|| "reached".to_owned(), |login| format!("reached as {login}"));
            Words::new(Mark::Fact, "", host, escape(&text))
        }
        EventKind::HostUnreachable { host, reason } => {
            Words::new(Mark::Bad, "", host, "unreachable").with(reason.as_str())
        }
        EventKind::StepOpened { step, phase, title, why, hosts, .. } => {
            let on = if hosts.is_empty() { String::new() } else { format!(" ({})", list(hosts)) };
            let own = step.rsplit('/').next().unwrap_or(step);
            // a title that only repeats the step's name says nothing
            let title = if title.as_str() == own { String::new() } else { escape(title.as_str()) };
            let text = format!("{title}{on}").trim().to_owned();
            let step = format!("{step}{}", phase_words(*phase));
            Words::new(Mark::Start, &step, "", text).with(why.as_ref().map_or("", |why| why.as_str()))
        }
        EventKind::UnitsStarted { units } => Words::new(Mark::Start, "", "", format!("{} units start", units.len())),
        EventKind::CursorTaken { key, log, .. } => {
            of_unit(Mark::Fact, key, state, format!("watches {}", escape(log.as_str())))
        }
        EventKind::LogNoted { step, host, .. } => Words::new(Mark::Fact, step, host, "notes where its log stands"),
        EventKind::UnitOutput { key, stream, blob, omitted, .. } => {
            let stream = match stream {
                crate::event::Stream::Stdout => "stdout",
                crate::event::Stream::Stderr => "stderr",
            };
            let cut = if *omitted == 0 { String::new() } else { format!(", {omitted} bytes left out") };
            of_unit(Mark::Fact, key, state, format!("{stream}: {} bytes{cut}", blob.len))
        }
        EventKind::UnitEnded { key, outcome, millis, .. } => {
            let text = format!("{} ({})", outcome_words(outcome), took(*millis));
            let reason = outcome.reason().map_or("", |reason| reason.as_str());
            of_unit(Mark::of_outcome(outcome), key, state, text).with(reason)
        }
        EventKind::UnitMarked { key, outcome, by } => {
            let text = format!("{}, decided by {}", outcome_words(outcome), escape(by));
            let reason = outcome.reason().map_or("", |reason| reason.as_str());
            of_unit(Mark::of_outcome(outcome), key, state, text).with(reason)
        }
        EventKind::UnitForeseen { unit, forecast, perhaps, sends: _ } => {
            let (text, more) = forecast_words(forecast, perhaps.as_deref());
            Words::new(Mark::of_forecast(forecast), &unit_step(unit), unit.about.as_deref().unwrap_or(""), text)
                .with(&more)
        }
        EventKind::GuardJudged { step, guard, host, verdict, seen, message, .. } => {
            let guard = escape(guard.as_str());
            let text = match verdict {
                GuardVerdict::Holds => format!("holds: {guard}"),
                GuardVerdict::Fails => format!("does not hold: {guard}"),
                GuardVerdict::Unknown => format!("cannot be decided: {guard}"),
            };
            let words = Words::new(Mark::of_guard(*verdict), step, host.as_deref().unwrap_or(""), text);
            let seen = if seen.as_str().is_empty() { String::new() } else { format!("seen: {seen}") };
            let message = match verdict {
                GuardVerdict::Holds => "",
                GuardVerdict::Fails | GuardVerdict::Unknown => message.as_ref().map_or("", |message| message.as_str()),
            };
            words.with(message).with(&seen)
        }
        EventKind::TargetPicked { name, hosts, why, reads: _ } => {
            Words::new(Mark::Fact, "", "", format!("{} = {}", escape(name), list(hosts))).with(why.as_str())
        }
        EventKind::Asked { step, message, expects } => {
            let mut lines = escape_lines(message.as_str()).into_iter();
            let mut words = Words::new(Mark::Ask, step, "", lines.next().unwrap_or_default());
            words.more.extend(lines);
            words.with(&format!("goes on with: {expects}"))
        }
        EventKind::Answered { step, by, answer, text } => {
            let (mark, said) = match answer {
                Answer::Accepted => (Mark::Good, "accepted"),
                Answer::Refused => (Mark::Bad, "refused"),
                Answer::Expired => (Mark::Bad, "no answer in time"),
            };
            Words::new(mark, step, "", format!("{said} by {}", escape(by))).with(text.as_str())
        }
        EventKind::LogMatched { step, host, log, entry, line, no_return, .. } => {
            let mark = if *no_return { Mark::Doubt } else { Mark::Good };
            let past = if *no_return { ", no way back from here" } else { "" };
            let text = format!("{} said \"{}\"{past}", escape(log.as_str()), escape(entry.as_str()));
            Words::new(mark, step, host, text).with(line.as_str())
        }
        EventKind::Noted { step, by, text } => {
            let by = by.as_ref().map_or_else(String::new, |by| format!(" by {}", escape(by)));
            Words::new(Mark::Fact, step.as_deref().unwrap_or(""), "", format!("note{by}")).with(text.as_str())
        }
        EventKind::StepClosed { step, phase, outcome } => {
            let step = format!("{step}{}", phase_words(*phase));
            let reason = outcome.reason().map_or("", |reason| reason.as_str());
            Words::new(Mark::of_step(outcome), &step, "", outcome.name()).with(reason)
        }
        EventKind::HostLeft { step, host, reason, .. } => {
            Words::new(Mark::Bad, step, host, "failed and is left behind, the others go on").with(reason.as_str())
        }
        EventKind::DutyOpened { step, host, reason } => {
            Words::new(Mark::Doubt, step, host, "is a duty now").with(reason.as_str())
        }
        EventKind::DutyClosed { step, host, by, reason, done } => {
            let (mark, word) = if *done { (Mark::Good, "done") } else { (Mark::Skip, "closed") };
            Words::new(mark, step, host, format!("duty {word} by {}", escape(by))).with(reason.as_str())
        }
        EventKind::RunClosed(closed) => {
            let mark = verdict_mark(closed.verdict);
            let step = closed.step.as_deref().unwrap_or("");
            Words::new(mark, step, "", format!("run ended: {}", end_words(state, closed.verdict)))
                .with(closed.reason.as_str())
        }
    }
}

/// How a run ended, in words: a good end is a recovery only when there was something to recover from, and it was done.
#[must_use]
pub fn end_words(state: &RunState, verdict: Verdict) -> &'static str {
    let header = state.header();
    let applied = |unit: &&UnitState| unit.start.unit.phase == Phase::Apply;
    match verdict {
        Verdict::Recovered => good_end(
            header.risk == "destructive" || header.outline.iter().any(|step| step.action == "symptom"),
            header.risk != "read-only" && state.units().any(|unit| applied(&unit)),
            state.units().filter(applied).any(UnitState::may_have_had_an_effect),
        ),
        other => other.words(),
    }
}

/// The words for a good end: of a runbook that `recovers`, that `acts`, and of a run that `changed` something.
fn good_end(recovers: bool, acts: bool, changed: bool) -> &'static str {
    match (recovers, acts, changed) {
        (true, _, true) => Verdict::Recovered.words(),
        (_, true, false) => "nothing needed to be done",
        (false, _, true) | (_, false, false) => "done",
    }
}

pub(super) fn verdict_mark(verdict: Verdict) -> Mark {
    match verdict {
        Verdict::Recovered | Verdict::Ready => Mark::Good,
        Verdict::Failed | Verdict::Refused | Verdict::Unreachable | Verdict::NotReady | Verdict::Bug => Mark::Bad,
        Verdict::NeedsAttention | Verdict::Detached | Verdict::Cancelled => Mark::Doubt,
    }
}

/// What is foreseen, and the diff, command or reason.
pub(super) fn forecast_words(forecast: &Forecast, perhaps: Option<&str>) -> (String, String) {
    let (word, more) = match forecast {
        Forecast::Holds => ("holds already".to_owned(), String::new()),
        Forecast::Known { what } => ("known".to_owned(), what.to_string()),
        Forecast::WouldChange { diff } => ("would change".to_owned(), diff.to_string()),
        Forecast::WouldRun { command } => ("would run".to_owned(), command.to_string()),
        Forecast::WouldAsk { message, expects } => {
            ("would ask".to_owned(), format!("{}\ngoes on with: {expects}", message.as_str().trim_end()))
        }
        Forecast::Absent { reason } => ("absent: nothing to recover".to_owned(), reason.to_string()),
        Forecast::Blocked { reason } => ("blocked".to_owned(), reason.to_string()),
        Forecast::Skipped { reason } => ("skipped".to_owned(), reason.to_string()),
        Forecast::UnknownUntil { step, reason } => (format!("unknown until {}", escape(step)), reason.to_string()),
    };
    let word = perhaps
        .map_or_else(|| word.clone(), |step| format!("{word}, if it is wanted (unknown until {})", escape(step)));
    (word, more)
}

fn of_unit(mark: Mark, key: &UnitKey, state: &RunState, text: impl Into<String>) -> Words {
    // The state was folded up to this event, so it knows the unit; a caller with another state still gets a line.
    state.unit(key).map_or_else(
        || Words::new(mark, &key.0.short(), "", ""),
        |unit| Words::new(mark, &unit_step(&unit.start.unit), unit.start.unit.host(), text),
    )
}

#[cfg(test)]
mod tests {
    use super::good_end;

    #[test]
    fn the_table_of_good_ends() {
        for (recovers, acts, changed, wanted) in [
            (true, true, true, "recovered"),
            (true, true, false, "nothing needed to be done"),
            (true, false, false, "done"),
            (false, true, true, "done"),
            (false, true, false, "nothing needed to be done"),
            (false, false, false, "done"),
        ] {
            assert_eq!(good_end(recovers, acts, changed), wanted, "{recovers} {acts} {changed}");
        }
    }
}
