//! Which programs a shell text starts for certain, as far as a glance can tell: the first word of each command of each
//! pipeline that stands by itself. Whatever is decided by something else (`if`, loops, behind `||` and `&&`), made of
//! values, or behind something that this does not understand, is left out: what is named must be there.

use crate::template::{Plain, Text};

/// A text of the shell, read from left to right.
struct Scan<'a> {
    rest: &'a str,
}

/// What ends a command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// `;`, a new line, `&`, the end.
    Command,
    /// `|`.
    Pipe,
    /// `&&`.
    And,
    /// `||`.
    Or,
    /// Something that is not understood: nothing is known of what comes.
    Strange,
}

/// Words that begin something whose commands may not be carried out, or that decide what others find.
const STRANGE: [&str; 18] = [
    "if", "while", "until", "for", "case", "function", "select", "{", "}", "then", "do", "done", "fi", "alias", ".",
    "source", "eval", "unset",
];

/// The first of some words, unless it is made of values.
pub(super) fn first(words: &[Text<Plain>]) -> Vec<String> {
    let first = words.first().map(|word| &word.source().value);
    first.filter(|word| !word.contains("{{")).cloned().into_iter().collect()
}

/// The programs that a text needs.
pub(super) fn of(text: &str) -> Vec<String> {
    let mut scan = Scan { rest: text };
    let (mut all, mut pipeline, mut sure) = (Vec::new(), Vec::new(), true);
    loop {
        let (word, end) = scan.command();
        match word {
            First::Program(name) if sure => pipeline.push(name),
            First::Program(_) | First::Nothing => {}
            First::Strange => return all,
        }
        match end {
            End::Pipe => continue,
            // whether it is there may be just what is asked
            End::Or => pipeline.clear(),
            End::And | End::Command | End::Strange => all.append(&mut pipeline),
        }
        match end {
            End::Strange => return all,
            End::Command if scan.rest.is_empty() => break,
            End::Command => sure = true,
            _ => sure = false,
        }
    }
    all.dedup();
    all
}

/// The first word of a command.
enum First {
    Program(String),
    /// There is none, or it is made of values.
    Nothing,
    Strange,
}

impl Scan<'_> {
    /// Reads a command up to what ends it.
    fn command(&mut self) -> (First, End) {
        let mut first = First::Nothing;
        let mut named = false;
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t']);
            if let Some(rest) = self.rest.strip_prefix("\\\n") {
                self.rest = rest;
                continue;
            }
            if self.rest.starts_with('#') {
                self.rest = self.rest.find('\n').map_or("", |at| &self.rest[at..]);
            }
            if self.rest.starts_with('(') {
                // a function is named there, or others run in a shell of their own
                return (First::Strange, End::Strange);
            }
            if let Some(end) = self.end() {
                return (first, end);
            }
            let Some(word) = self.word() else { return (first, End::Strange) };
            if named {
                continue;
            }
            let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./+".contains(c));
            if STRANGE.contains(&word) || word == "export" || word.starts_with("PATH=") {
                return (First::Strange, End::Strange);
            }
            if is_assignment(word) || word == "!" || word == "exec" || word == "time" {
                continue;
            }
            named = true;
            if plain && !word.starts_with('-') {
                first = First::Program(word.to_owned());
            }
        }
    }

    fn end(&mut self) -> Option<End> {
        let ends = [
            ("||", End::Or),
            ("&&", End::And),
            (";;", End::Strange),
            ("|", End::Pipe),
            (";", End::Command),
            ("&", End::Command),
            ("\n", End::Command),
            (")", End::Strange),
            ("<<", End::Strange),
        ];
        if self.rest.is_empty() {
            return Some(End::Command);
        }
        let (sign, end) = ends.into_iter().find(|(sign, _)| self.rest.starts_with(sign))?;
        self.rest = &self.rest[sign.len()..];
        Some(end)
    }

    /// A word with its quotes. None: there is something in it that is not understood.
    fn word(&mut self) -> Option<&str> {
        let text = self.rest;
        let mut chars = text.char_indices().peekable();
        let mut end = text.len();
        while let Some((at, c)) = chars.next() {
            let here = &text[at..];
            if here.starts_with("{{") {
                let close = here.find("}}")? + 2;
                while chars.next_if(|(next, _)| *next < at + close).is_some() {}
                continue;
            }
            match c {
                '`' => return None,
                '$' if here.starts_with("$(") => return None,
                '\\' => drop(chars.next()),
                '\'' => drop(chars.find(|(_, c)| *c == '\'')?),
                '"' => loop {
                    match chars.next()? {
                        (_, '"') => break,
                        (_, '\\') => drop(chars.next()),
                        (at, '$') if text[at..].starts_with("$(") => return None,
                        (_, '`') => return None,
                        _ => {}
                    }
                },
                // `2>&1` and `>file` belong to no word that counts
                '<' | '>' if here.starts_with("<<") => return None,
                '<' | '>' => {
                    chars.next_if(|(_, c)| matches!(c, '&' | '>' | '|'));
                }
                ' ' | '\t' | '\n' | ';' | '|' | '&' | '(' | ')' => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        self.rest = &text[end..];
        Some(&text[..end])
    }
}

fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map(|(name, _)| name).unwrap_or_default();
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_certain() {
        for (text, wanted) in [
            ("consul snapshot save -stale /var/tmp/{{run.id}}.snap", "consul"),
            ("echo \"set server web/{{host.name}} state drain\" | socat stdio /run/haproxy/admin.sock", "echo socat"),
            ("a; b\nc # d; e\nf", "a b c f"),
            ("a && b; c", "a c"),
            ("a || b; c", "c"),
            ("a | b || c", ""),
            ("X=1 LANG=C a b=2", "a"),
            ("PATH=/opt/bin:$PATH a", ""),
            ("a; export PATH=/x; b", "a"),
            ("for i in $(seq 100); do consul kv put x; done", ""),
            ("a; if true; then b; fi; c", "a"),
            ("a 2>&1 >/dev/null; b", "a b"),
            ("a <<E\nb\nE\n", "a"),
            ("a 'b; c' \"d | e\" \\; f; g", "a g"),
            ("{{params.x}} a; b", "b"),
            ("a $(b); c", "a"),
            ("x() { a; }; x", ""),
            ("a; (b; c); d", "a"),
            ("/usr/sbin/a --b & c", "/usr/sbin/a c"),
            ("> file; a", "a"),
            ("", ""),
            ("a 'b", "a"),
        ] {
            assert_eq!(of(text).join(" "), wanted, "{text}");
        }
    }
}
