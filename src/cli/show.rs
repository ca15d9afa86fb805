//! Showing diagnostics and errors.

use crate::base::diag::{Diagnostic, Severity};
use crate::base::exit::Exit;
use crate::base::span::Sources;
use crate::report::{diagnostics, escape_lines, inert};

use super::args::{Common, Output};

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
            anstream::eprint!("{}", diagnostics::render(sources, findings, WIDTH, color));
        }
    }
    if findings.iter().any(|finding| finding.severity == Severity::Error) { Exit::Text } else { Exit::Ok }
}

/// One error that has no place in a text.
pub fn error(message: impl std::fmt::Display) {
    anstream::eprintln!("error: {}", escape_lines(&message.to_string()).join("\n"));
}

/// A document for programs; nothing in it steers a terminal.
pub fn json(document: &serde_json::Value) {
    anstream::println!("{}", inert(&format!("{document:#}")));
}

/// The same for a command whose own output follows: programs get a document only when there is an error.
pub fn findings_of_a_plan(sources: &Sources, all: &[Diagnostic], common: &Common) -> Exit {
    let wrong = all.iter().any(|finding| finding.severity == Severity::Error);
    if common.output == Output::Json && !wrong { Exit::Ok } else { findings(sources, all, common) }
}
