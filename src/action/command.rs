//! What is wrong with a command, said in the same way for the action `run` and for the probe `command`.

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::template::{Plain, Text};
use crate::text::{self, Tree};

/// Checks the words of an argument vector: an expression in a word that another interpreter would parse.
pub fn check_argv(words: &[Text<Plain>], diags: &Diagnostics) {
    for (n, problem) in crate::template::check_words(&words.iter().collect::<Vec<_>>()) {
        diags.push(problem.locate(|_| words[n].source().span));
    }
}

/// Says that a `shell` beside an `argv` has nothing to do.
pub fn shell_beside_argv(tree: &Tree, diags: &Diagnostics) {
    if let Some(span) = text::key_span(tree, "shell") {
        diags.push(
            Diagnostic::error("not-together", span, "`shell` belongs to a text or a script")
                .help("no shell reads an `argv`"),
        );
    }
}

/// Says that a map holds no command, or more than one.
pub fn no_command(tree: &Tree, forms: &str, diags: &Diagnostics) {
    if !diags.has_errors_within(tree.span) {
        diags.push(
            Diagnostic::error("no-command", tree.span, "one command is wanted here")
                .help(format!("write one of {forms}")),
        );
    }
}
