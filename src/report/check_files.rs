//! Dry runs in the formats of others: `JUnit` for continuous integration, Prometheus for alarms.

use std::fmt::Write as _;

use indexmap::IndexSet;

use crate::base::clock::Timestamp;
use crate::event::{Forecast, RunState, Symptom};

use super::inert;

/// A dry run, or why there is none.
pub struct CheckedBook<'a> {
    /// The runbook: its name, or its file when its text is wrong.
    pub name: &'a str,
    /// The dry run.
    pub state: Option<&'a RunState>,
}

impl CheckedBook<'_> {
    fn seconds(&self) -> f64 {
        let took = self.state.and_then(|state| Some(state.closed()?.0.since(state.opened())));
        took.unwrap_or_default().as_secs_f64()
    }

    fn ended(&self) -> Option<Timestamp> {
        self.state.and_then(RunState::closed).map(|(at, _)| at)
    }

    /// It came to its end, and nothing stands in the way.
    fn is_ready(&self) -> bool {
        self.ended().is_some() && self.state.is_some_and(|state| state.obstacles().is_empty())
    }
}

const NO_TEXT: &str = "it could not be begun: its text is wrong, or there is no journal";

/// One suite a runbook, one case a step and host.
#[must_use]
pub fn junit(books: &[CheckedBook<'_>]) -> String {
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"refloat check\">\n".to_owned();
    for book in books {
        let mut cases = String::new();
        let (mut tests, mut failures, mut skipped) = (0, 0, 0);
        let mut case = |step: &str, host: Option<&str>, inside: &str| {
            let on = host.map(|host| format!(" on {host}")).unwrap_or_default();
            let (class, name) = (xml(book.name), xml(&format!("{step}{on}")));
            let _ = writeln!(cases, "    <testcase classname=\"{class}\" name=\"{name}\">{inside}</testcase>");
            tests += 1;
            failures += usize::from(inside.starts_with("<failure") || inside.starts_with("<error"));
            skipped += usize::from(inside == "<skipped/>");
        };
        for foreseen in book.state.iter().flat_map(|state| state.forecasts()) {
            let inside = match &foreseen.forecast {
                Forecast::Blocked { reason } => {
                    let first = reason.as_str().lines().next().unwrap_or_default();
                    format!("<failure message=\"{}\">{}</failure>", xml(first), xml(reason.as_str()))
                }
                Forecast::Skipped { .. } => "<skipped/>".to_owned(),
                _ => String::new(),
            };
            case(&foreseen.unit.step, foreseen.unit.about.as_deref(), &inside);
        }
        match book.state {
            None => case("text", None, &format!("<error message=\"{NO_TEXT}\"/>")),
            Some(_) if book.ended().is_none() => case("end", None, "<error message=\"it did not come to its end\"/>"),
            Some(_) => {}
        }
        let head =
            format!("name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" skipped=\"{skipped}\"", xml(book.name));
        let _ = writeln!(out, "  <testsuite {head} time=\"{:.3}\">\n{cases}  </testsuite>", book.seconds());
    }
    out.push_str("</testsuites>\n");
    out
}

/// Text that can stand in XML 1.0, between quotes too.
fn xml(text: &str) -> String {
    let mut out = String::new();
    for c in inert(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The exposition format of Prometheus.
#[must_use]
pub fn prometheus(books: &[CheckedBook<'_>]) -> String {
    let mut out = String::new();
    let mut family = |name: &str, help: &str, lines: Vec<String>| {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
        for line in lines {
            let _ = writeln!(out, "{name}{line}");
        }
    };
    let each = |value: &dyn Fn(&CheckedBook<'_>) -> Option<String>| -> Vec<String> {
        let line = |book: &CheckedBook<'_>| Some(format!("{{runbook=\"{}\"}} {}", label(book.name), value(book)?));
        books.iter().filter_map(line).collect()
    };
    family(
        "refloat_check_ready",
        "Whether a run of the runbook could start now.",
        each(&|book| Some(u8::from(book.is_ready()).to_string())),
    );
    let obstacles = books.iter().flat_map(|book| {
        let one = |step: &str, host: &str, reason: &str| {
            let reason = reason.lines().next().unwrap_or_default();
            let (name, step, host, reason) = (label(book.name), label(step), label(host), label(reason));
            format!("{{runbook=\"{name}\",step=\"{step}\",host=\"{host}\",reason=\"{reason}\"}} 1")
        };
        let none = book.state.is_none().then(|| one("", "", NO_TEXT));
        let all = book.state.into_iter().flat_map(RunState::obstacles);
        none.into_iter()
            .chain(all.map(move |found| one(found.step, found.host.unwrap_or(""), found.reason.as_str())))
            .collect::<Vec<_>>()
    });
    // reasons that differ below their first line are one series
    let obstacles: IndexSet<String> = obstacles.collect();
    family("refloat_check_blocked", "What stands in the way of a run.", obstacles.into_iter().collect());
    let symptoms = books.iter().flat_map(|book| {
        let found = book.state.and_then(RunState::symptom);
        let line = |one: Symptom| {
            let is = u8::from(found == Some(one));
            format!("{{runbook=\"{}\",symptom=\"{}\"}} {is}", label(book.name), one.word())
        };
        let all = [Symptom::Present, Symptom::Absent, Symptom::Unknown].map(line);
        found.map(|_| all).into_iter().flatten()
    });
    family("refloat_check_symptom", "Whether the outage is there that the runbook is for.", symptoms.collect());
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of this era fit into 52 bits")]
    let time = |at: Timestamp| format!("{:.3}", at.0 as f64 / 1_000.0);
    family(
        "refloat_check_last_run_timestamp_seconds",
        "When the last check ended.",
        each(&|book| book.ended().map(time)),
    );
    family(
        "refloat_check_duration_seconds",
        "How long the last check took.",
        each(&|book| book.ended().map(|_| format!("{:.3}", book.seconds()))),
    );
    out
}

fn label(text: &str) -> String {
    inert(text).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
