//! The command line: one file per verb.

pub mod lab;

use std::process::ExitCode;

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::from(crate::base::exit::Exit::Usage.code())
}
