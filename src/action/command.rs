//! What is wrong with a command, said in the same way for the action `run` and for the probe `command`.

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::template::{Plain, Shell, Text, check_stdin};
use crate::text::{self, Sp, Tree};

/// Checks the words of an argument vector: an expression in a word that another interpreter would parse.
pub fn argv(words: Vec<Text<Plain>>, span: Span, diags: &Diagnostics) -> Vec<Text<Plain>> {
    some(words.first().map_or("", |word| word.source()), span, diags);
    for (n, problem) in crate::template::check_words(&words.iter().collect::<Vec<_>>()) {
        diags.push(problem.locate(|_| words[n].source().span));
    }
    words
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

/// The words of a shell text that is one plain command; of other ones it is not known who reads what it is given.
pub fn plain_words(text: &Text<Shell>) -> Vec<String> {
    if text.source().contains(['|', ';', '&', '<', '(', '`']) {
        return Vec::new();
    }
    shlex::split(text.source()).unwrap_or_default()
}

/// Says which values are in what an interpreter reads as its program.
pub fn read_as_program(words: &[String], stdin: &Text<Plain>, diags: &Diagnostics) {
    let span = stdin.source().span;
    for problem in check_stdin(words, stdin) {
        diags.push(problem.locate(|_| span));
    }
}

/// Says that a command is none, by its text or first word.
pub fn some(text: &str, span: Span, diags: &Diagnostics) {
    if text.trim().is_empty() && !diags.has_errors_within(span) {
        diags.push(Diagnostic::error("no-command", span, "there is no command here"));
    }
}

/// A shell text.
pub fn shell_text(tree: &Tree, diags: &Diagnostics) -> Option<Text<Shell>> {
    let text: Text<Shell> = text::decode(tree, diags)?;
    some(text.source(), tree.span, diags);
    Some(text)
}

/// Says that a shell is none that commands can be given to: `sh -e` is what every other one understands.
pub fn posix(shell: Option<&Text<Plain>>, diags: &Diagnostics) {
    const OTHERS: [&str; 10] = ["fish", "csh", "tcsh", "python", "python3", "perl", "ruby", "node", "pwsh", "nu"];
    let Some(Sp { value, span }) = shell.map(Text::source) else { return };
    if OTHERS.contains(&value.rsplit('/').next().unwrap_or_default()) {
        let message = format!("`{value}` is no POSIX shell");
        let help = "give it the text by `stdin:`, or keep it in a file beside the runbook and call that";
        diags.push(Diagnostic::error("wrong-value", *span, message).help(help));
    }
}

/// Says which exit codes there are not.
pub fn check_codes(codes: Option<&Sp<Vec<Sp<i32>>>>, diags: &Diagnostics) {
    let Some(codes) = codes else { return };
    if codes.is_empty() {
        let message = "no code is good, so the step can only fail";
        diags
            .push(Diagnostic::error("wrong-value", codes.span, message).help("write for example `ok_codes: [ 0, 1 ]`"));
    }
    for code in codes.iter().filter(|code| !(0..=255).contains(&code.value)) {
        let message = format!("no command ends with {}: codes are 0 to 255", code.value);
        diags.push(Diagnostic::error("wrong-value", code.span, message));
    }
}
