//! What a person sees of a drill beside its run, and the document for programs.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::time::Duration;

use crate::event::Verdict;
use crate::lab::Lab;
use crate::lab::drill::{Case, Drill, Outcome, Times};
use crate::report::escape;

use super::super::args::{Common, Output};
use super::{name, title};

/// A drill begins.
pub fn begins(quiet: bool, drill: &Drill, case: &Case, (number, of): (usize, usize)) {
    if quiet {
        return;
    }
    let count = if of > 1 { format!("  ({number} of {of})") } else { String::new() };
    let gap = if number > 1 { "\n" } else { "" };
    outln!("{gap}{}{count}", escape(&title(drill, case)));
    if let Some(title) = &case.title {
        outln!("{}", escape(title));
    }
}

/// What is being done now, on a line that goes away again.
pub fn progress(quiet: bool, what: &str) {
    if !quiet && std::io::stdout().is_terminal() {
        out!("\r\x1b[K  {}", escape(what));
        let _ = anstream::stdout().flush();
    }
}

/// The line goes away.
pub fn progress_ends(quiet: bool) {
    if !quiet && std::io::stdout().is_terminal() {
        out!("\r\x1b[K");
        let _ = anstream::stdout().flush();
    }
}

/// Something is being broken.
pub fn broken(quiet: bool, words: &str) {
    if !quiet {
        progress_ends(quiet);
        outln!("  break: {}", escape(words));
    }
}

/// A phase is over.
pub fn phase(quiet: bool, name: &str, what: &str, took: Duration) {
    if !quiet {
        outln!("  {name:<8} {:>6.1} s  {}", took.as_secs_f64(), escape(what));
    }
}

/// How to enter a lab that was left up.
pub fn kept(common: &Common, dir: &Path, lab: &Lab) {
    let host = lab.hosts().first().map(|host| host.name.as_str()).unwrap_or_default();
    let text = format!(
        "The lab is still up:\n  refloat lab --dir {dir} ssh {host}\n  refloat lab --dir {dir} run -- COMMAND\n  \
         refloat lab --dir {dir} down",
        dir = dir.display()
    );
    match common.output {
        Output::Text => outln!("{text}"),
        Output::Json => errln!("{text}"),
    }
}

/// How a drill ended.
pub fn ended(common: &Common, outcome: &Outcome, times: Option<&Times>) {
    let line = format!("{}: {}", name(&outcome.drill, &outcome.variant), sentence(outcome, times));
    let mut lines = vec![escape(&line)];
    lines.extend(outcome.unmet.iter().map(|why| format!("  - {}", escape(why))));
    if let (false, Some(run)) = (outcome.as_expected, &outcome.run) {
        lines.push(format!("  its timeline: refloat report {run}"));
    }
    let text = lines.join("\n");
    match common.output {
        Output::Text => outln!("{text}"),
        Output::Json => errln!("{text}"),
    }
}

fn sentence(outcome: &Outcome, times: Option<&Times>) -> String {
    if outcome.interrupted {
        return "ended by a person; its lab is gone".to_owned();
    }
    let took = outcome.recovery_seconds.map(|seconds| format!(" in {seconds:.1} s")).unwrap_or_default();
    if !outcome.as_expected {
        return format!("NOT AS EXPECTED{took}");
    }
    let verdict = outcome.verdict.as_deref().unwrap_or_default();
    let verdict =
        if verdict == Verdict::Recovered.words() { verdict.to_owned() } else { format!("{verdict}, as expected,") };
    let history = match times {
        Some(Times { p50: Some(p50), p95: Some(p95), as_expected, .. }) if *as_expected > 1 => {
            format!("; p50 {p50:.1} s, p95 {p95:.1} s of {as_expected}")
        }
        _ => String::new(),
    };
    format!("{verdict}{took}{history}")
}

/// The document for programs: that of the drill itself, when there was to be one only.
pub fn document(outcomes: &[Outcome], wanted: usize) -> serde_json::Value {
    let value = |outcome: &Outcome| serde_json::to_value(outcome).unwrap_or_default();
    if let ([one], 1) = (outcomes, wanted) {
        return value(one);
    }
    let slowest = outcomes.iter().filter_map(|outcome| outcome.recovery_seconds).reduce(f64::max);
    serde_json::json!({
        "as_expected": outcomes.len() == wanted && outcomes.iter().all(|outcome| outcome.as_expected),
        "recovered": outcomes.len() == wanted && outcomes.iter().all(|outcome| outcome.recovered),
        "recovery_seconds": slowest,
        "drills": outcomes.iter().map(value).collect::<Vec<_>>(),
    })
}
