//! Habits in shell texts that work at a terminal and hide something in a runbook: `sudo` inside of a command, and a pipe
//! whose last command alone decides whether all went well. They are warnings, for texts without values as well.

use super::interpreter::Word;
use super::shell::{Item, Lexer, Until};
use super::shell_words::Command;
use crate::template::ast::Node;
use crate::template::lower::lower;
use crate::template::problem::Problem;

/// Programs that write what they are given: when one of them fails there is nothing to write to either.
const PLAIN: &[&str] = &["echo", "printf", "yes", "seq", "true", ":"];

/// What is better written in another way, in a shell text.
#[must_use]
pub fn habits(source: &str) -> Vec<Problem> {
    let mut lexer = Lexer::default();
    for node in lower(source).nodes {
        match node {
            Node::Text { text, at } => {
                lexer.places.extend(text.char_indices().map(|(i, _)| at + i));
                lexer.items.extend(text.chars().map(Item::Char));
            }
            // a word is a word, whatever stands in it
            Node::Insert { range, .. } => {
                lexer.places.push(range.start);
                lexer.items.push(Item::Char('x'));
            }
            Node::Block(_) => return Vec::new(),
        }
    }
    lexer.commands(Until::End);
    // the patterns of `case` have the same sign
    if source.contains("pipefail") || source.split_whitespace().any(|word| word == "case") {
        lexer.habits.retain(|habit| habit.code != "hidden-exit-code");
    }
    lexer.habits
}

impl Lexer {
    /// `sudo` as a command's name.
    pub(super) fn sudo(&mut self, words: &[Word]) {
        let Some(word) = words.iter().find(|word| !word.is_assignment()) else { return };
        if word.quoted || word.program() != "sudo" {
            return;
        }
        self.habits.push(
            Problem::warning("sudo-in-run", word.at..word.at + word.text.len(), "`sudo` inside of a command")
                .label("it may ask for a password that nobody types")
                .help(
                    "write `sudo: true` on the step, or `sudo: USER`, and leave `sudo` out here: it is asked for once, \
                     before anything begins",
                ),
        );
    }

    /// The `|` behind a command, where nothing else asks whether that command failed.
    pub(super) fn pipe(&mut self, command: &Command) {
        let words = command.words();
        let program = words.iter().find(|word| !word.is_assignment());
        let Some(program) = program.filter(|word| !PLAIN.contains(&word.text.as_str())) else { return };
        if self.depth > 1 || command.is_condition() {
            return;
        }
        let at = self.place();
        self.habits.push(
            Problem::warning("hidden-exit-code", at..at + 1, format!("whether `{}` fails is not seen", program.text))
                .label("only the last command's exit code counts")
                .help("write its output to a file first, or use `shell: bash` and begin with `set -o pipefail`"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(source: &str) -> Vec<(&'static str, usize)> {
        habits(source).into_iter().map(|habit| (habit.code, habit.range.start)).collect()
    }

    #[test]
    fn sudo_is_found_where_a_command_begins() {
        assert_eq!(codes("sudo reboot"), [("sudo-in-run", 0)]);
        assert_eq!(codes("é=1; X=1 sudo -u a b"), [("sudo-in-run", 10)]);
        assert_eq!(codes("if /usr/bin/sudo true; then echo; fi"), [("sudo-in-run", 3)]);
        assert_eq!(codes("a {{params.x}} && sudo b"), [("sudo-in-run", 18)]);
        assert_eq!(codes("x=$(sudo b)"), [("sudo-in-run", 4)]);
        for fine in ["echo sudo", "'sudo' x", "cat /etc/sudoers", "# sudo x", "visudo", "echo 'sudo x'"] {
            assert_eq!(codes(fine), [], "{fine}");
        }
    }

    #[test]
    fn a_pipe_behind_what_may_fail_is_found() {
        assert_eq!(codes("consul info | grep x"), [("hidden-exit-code", 12)]);
        assert_eq!(codes("echo x | tee a | sort"), [("hidden-exit-code", 15)]);
        for fine in [
            "echo x | socat stdio a",
            "printf %s x | sort",
            "a || b",
            "if a | grep -q x; then b; fi",
            "! a | grep x",
            "set -o pipefail; a | b",
            "echo 'a | b'",
            "x=$(a | b)",
            "case x in a|b) c ;; esac",
        ] {
            assert_eq!(codes(fine), [], "{fine}");
        }
    }
}
