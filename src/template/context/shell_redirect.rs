//! Redirections, here-documents and comments of shell texts.

use super::interpreter::HOLE;
use super::shell::{Item, Lexer};
use super::shell_words::{Command, Delimiter};
use crate::template::context::Escape;

/// A here-document whose text is still to come.
pub(super) struct Heredoc {
    pub delimiter: String,
    pub strip_tabs: bool,
    pub quoted: bool,
}

impl Lexer {
    pub(super) fn comment(&mut self) {
        while let Some(item) = self.peek(0) {
            match item {
                Item::Char('\n') => return,
                Item::Char(_) => {}
                Item::Hole(hole) => self.hole(hole, Escape::ShellComment),
            }
            self.at += 1;
        }
    }

    pub(super) fn redirection(&mut self, command: &mut Command) {
        let at = self.place();
        let here = self.next_is(0, '<') && self.next_is(1, '<');
        if (self.next_is(0, '<') || self.next_is(0, '>')) && self.next_is(1, '(') {
            self.doubt(at, "`<( )` and `>( )` are not of POSIX sh; write a pipe or a file");
        }
        self.end_word(command, Delimiter::Odd);
        if here && self.next_is(2, '<') {
            self.doubt(at, "`<<<` is not of POSIX sh; write `printf '%s\\n' {{x}} |`");
            self.at += 3;
            command.redirect();
        } else if here {
            self.at += 2;
            let strip_tabs = self.next_is(0, '-');
            self.at += usize::from(strip_tabs);
            command.expect_heredoc(strip_tabs);
        } else {
            self.at += 1;
            // `>>`, `>&`, `>|`, `<>`, `<&` are one operator.
            if matches!(self.peek(0), Some(Item::Char('>' | '&' | '|'))) {
                self.at += 1;
            }
            command.redirect();
        }
    }

    /// The texts of here-documents, up to the line of each delimiter.
    pub(super) fn here_documents(&mut self, found: &mut Vec<usize>) {
        for heredoc in std::mem::take(&mut self.heredocs) {
            let help = if heredoc.quoted {
                "a line of the value could end it; give it by `stdin:`, or write `printf '%s\\n' {{x}}`"
            } else {
                "the shell would expand it; give it by `stdin:`, or write `printf '%s\\n' {{x}}`"
            };
            let mut continued = false;
            loop {
                let mut line = String::new();
                let from = self.place();
                let mut ended = false;
                while let Some(item) = self.peek(0) {
                    self.at += 1;
                    match item {
                        Item::Char('\n') => {
                            ended = true;
                            break;
                        }
                        Item::Char(c) => line.push(c),
                        Item::Hole(hole) => {
                            line.push(HOLE);
                            found.push(hole);
                            self.refuse(hole, "a value inside of a here-document", help);
                        }
                    }
                }
                let stripped = if heredoc.strip_tabs { line.trim_start_matches('\t') } else { &line };
                if stripped == heredoc.delimiter {
                    if continued {
                        self.doubt(from, "the line before the end of the here-document ends in a backslash");
                    }
                    break;
                }
                if !ended {
                    break;
                }
                continued = !heredoc.quoted && line.ends_with('\\');
            }
        }
    }
}
