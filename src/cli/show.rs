//! Showing diagnostics, errors and results: the only way to standard output but for a run's reporter.

use std::io::{ErrorKind, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::base::diag::{Diagnostic, Severity};
use crate::base::exit::Exit;
use crate::base::span::Sources;
use crate::report::{diagnostics, escape_lines, inert};

use super::args::{Common, Output};

/// Prints a line to standard output.
macro_rules! outln {
    () => { $crate::cli::show::print("\n") };
    ($($words:tt)*) => { $crate::cli::show::print(&(format!($($words)*) + "\n")) };
}

/// Prints to standard output.
macro_rules! out {
    ($($words:tt)*) => { $crate::cli::show::print(&format!($($words)*)) };
}

/// Prints a line to standard error, for a person: one that is gone misses nothing.
macro_rules! errln {
    ($($words:tt)*) => { $crate::cli::show::tell(&(format!($($words)*) + "\n")) };
}

/// Prints to standard error. What it does not take is lost: the journal has what counts.
pub fn tell(text: &str) {
    let mut out = anstream::stderr();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Whether standard output took nothing more.
static LOST: AtomicBool = AtomicBool::new(false);

/// Prints to standard output. A reader that went away wanted no more; any other failure is said once, and the command
/// does not end well.
pub fn print(text: &str) {
    if LOST.load(Ordering::Relaxed) {
        return;
    }
    let mut out = anstream::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(failed) if failed.kind() != ErrorKind::BrokenPipe => {
            LOST.store(true, Ordering::Relaxed);
            error(format!("cannot write to standard output: {failed}"));
        }
        _ => {}
    }
}

/// Whether something that was printed did not arrive.
pub fn lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// An error with what caused it.
pub fn failure(failed: &dyn std::error::Error) {
    let causes = std::iter::successors(Some(failed), |error| error.source());
    error(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "));
}

/// Columns of a diagnostic when the terminal does not say.
const WIDTH: usize = 100;

/// Shows findings; the exit code says whether there was an error among them.
pub fn findings(sources: &Sources, findings: &[Diagnostic], common: &Common) -> Exit {
    match common.output {
        Output::Json => {
            json(&serde_json::json!({ "diagnostics": diagnostics::json(sources, findings) }));
        }
        Output::Text if findings.is_empty() => {}
        Output::Text => {
            let color = anstream::stderr().current_choice() != anstream::ColorChoice::Never;
            tell(&diagnostics::render(sources, findings, WIDTH, color));
        }
    }
    if findings.iter().any(|finding| finding.severity == Severity::Error) { Exit::Text } else { Exit::Ok }
}

/// One error that has no place in a text.
pub fn error(message: impl std::fmt::Display) {
    errln!("error: {}", escape_lines(&message.to_string()).join("\n"));
}

/// A document for programs; nothing in it steers a terminal.
pub fn json(document: &serde_json::Value) {
    outln!("{}", inert(&format!("{document:#}")));
}

/// The same for a command whose own output follows: programs get a document only when there is an error.
pub fn findings_of_a_plan(sources: &Sources, all: &[Diagnostic], common: &Common) -> Exit {
    let wrong = all.iter().any(|finding| finding.severity == Severity::Error);
    if common.output == Output::Json && !wrong { Exit::Ok } else { findings(sources, all, common) }
}
