//! Quotes and expansions of shell texts: what stands inside of them, and the values in it.

use super::interpreter::HOLE;
use super::shell::{Item, Lexer, Until};
use crate::template::context::Escape;

/// The text of a piece, values as [`HOLE`], and the values.
type Piece = (String, Vec<usize>);

impl Lexer {
    /// `'…'`: nothing is special.
    pub(super) fn single(&mut self) -> Piece {
        let start = self.place();
        self.at += 1;
        let mut text = String::new();
        let mut found = Vec::new();
        while let Some(item) = self.peek(0) {
            self.at += 1;
            match item {
                Item::Char('\'') => return (text, found),
                Item::Char(c) => text.push(c),
                Item::Hole(hole) => {
                    text.push(HOLE);
                    found.push(hole);
                    self.hole(hole, Escape::ShellSingle);
                }
            }
        }
        self.unclosed(start, "`'`");
        (text, found)
    }

    /// `"…"`, its opening quote read already.
    pub(super) fn double(&mut self, start: usize) -> Piece {
        let mut text = String::new();
        let mut found = Vec::new();
        // Right behind `$name`: a value would become a part of the name.
        let mut behind_name = false;
        while let Some(item) = self.peek(0) {
            let was_behind_name = std::mem::take(&mut behind_name);
            match item {
                Item::Char('"') => {
                    self.at += 1;
                    return (text, found);
                }
                Item::Char('\\') => {
                    self.at += 1;
                    if let Some(Item::Hole(hole)) = self.peek(0) {
                        self.at += 1;
                        self.refuse(
                            hole,
                            "a value right behind a backslash",
                            "leave the backslash out: values are escaped",
                        );
                    } else if let Some(Item::Char(c)) = self.peek(0) {
                        self.at += 1;
                        text.push(c);
                    }
                }
                Item::Char(c @ ('$' | '`')) => {
                    let inside = if c == '$' { self.dollar(true) } else { self.backticks() };
                    behind_name = c == '$' && !inside.0.ends_with(['}', ')']);
                    text.push_str(&inside.0);
                    found.extend(inside.1);
                }
                Item::Char(c) => {
                    self.at += 1;
                    text.push(c);
                }
                Item::Hole(hole) => {
                    self.at += 1;
                    text.push(HOLE);
                    found.push(hole);
                    if was_behind_name {
                        self.refuse(hole, "a value right behind a variable", "write `${name}` with braces");
                    } else {
                        self.hole(hole, Escape::ShellDouble);
                    }
                }
            }
        }
        self.unclosed(start, "`\"`");
        (text, found)
    }

    /// What begins with `$`. Gives back its text, and the values inside.
    pub(super) fn dollar(&mut self, in_double: bool) -> Piece {
        let start = self.place();
        self.at += 1;
        match self.peek(0) {
            Some(Item::Hole(hole)) => {
                self.at += 1;
                self.refuse(hole, "a value right behind `$`", "leave the `$` out: the value is inserted as it is");
                ("$".to_owned(), vec![hole])
            }
            Some(Item::Char('(')) if self.next_is(1, '(') => self.arithmetic(start),
            Some(Item::Char('(')) => {
                self.at += 1;
                ("$()".to_owned(), self.commands(Until::Paren))
            }
            Some(Item::Char('{')) => self.parameter(in_double),
            Some(Item::Char('\'')) if !in_double => {
                self.doubt(start, "`$'…'` is not of POSIX sh; write '…' or printf");
                ("$".to_owned(), Vec::new())
            }
            Some(Item::Char('[')) => {
                self.doubt(start, "`$[…]` is not of POSIX sh; write `$(( … ))`");
                ("$".to_owned(), Vec::new())
            }
            Some(Item::Char(c)) if c.is_ascii_alphabetic() || c == '_' => {
                let mut name = "$".to_owned();
                while let Some(Item::Char(c)) = self.peek(0)
                    && (c.is_ascii_alphanumeric() || c == '_')
                {
                    name.push(c);
                    self.at += 1;
                }
                (name, Vec::new())
            }
            Some(Item::Char(c)) if c.is_ascii_digit() || "?$!#*@-".contains(c) => {
                self.at += 1;
                (format!("${c}"), Vec::new())
            }
            _ => ("$".to_owned(), Vec::new()),
        }
    }

    /// `${…}`: no values, since shells differ in what quotes mean inside.
    fn parameter(&mut self, in_double: bool) -> Piece {
        let start = self.place();
        self.at += 1;
        let mut found = Vec::new();
        while let Some(item) = self.peek(0) {
            let at = self.place();
            match item {
                Item::Char('}') => {
                    self.at += 1;
                    return ("${}".to_owned(), found);
                }
                Item::Char('\\') => self.at += 2,
                Item::Char('"') => {
                    self.at += 1;
                    found.extend(self.double(at).1);
                }
                Item::Char('\'') if in_double => {
                    self.doubt(at, "quotes inside of \"${…}\" mean different things to different shells; assign first");
                    self.at += 1;
                }
                Item::Char('\'') => found.extend(self.single().1),
                Item::Char('$') => found.extend(self.dollar(in_double).1),
                Item::Char('`') => found.extend(self.backticks().1),
                Item::Char(_) => self.at += 1,
                Item::Hole(hole) => {
                    self.at += 1;
                    found.push(hole);
                    self.refuse(hole, "a value inside of `${…}`", "assign it first: `x={{value}}`, then `${y:-$x}`");
                }
            }
        }
        self.unclosed(start, "`${`");
        ("${".to_owned(), found)
    }

    /// `$((…))`: no values, since what is computed is evaluated again by some shells.
    fn arithmetic(&mut self, start: usize) -> Piece {
        let mut depth = 0_usize;
        let mut found = Vec::new();
        while let Some(item) = self.peek(0) {
            self.at += 1;
            match item {
                Item::Char('(') => depth += 1,
                Item::Char(')') => {
                    depth -= 1;
                    if depth == 1 && !self.next_is(0, ')') {
                        self.doubt(start, "write `$( (` with a blank for a subshell in a command substitution");
                    }
                    if depth == 0 {
                        return ("$()".to_owned(), found);
                    }
                }
                Item::Char(c) if "'\"`#".contains(c) => {
                    self.doubt(start, "quotes inside of `$(( ))` mean different things to different shells");
                }
                Item::Char(_) => {}
                Item::Hole(hole) => {
                    found.push(hole);
                    self.refuse(
                        hole,
                        "a value inside of `$(( ))`",
                        "compute it in the expression: `{{add (int x) 1}}`",
                    );
                }
            }
        }
        self.unclosed(start, "`$((`");
        ("$((".to_owned(), found)
    }

    /// Backticks: no values, since what is inside is read twice.
    pub(super) fn backticks(&mut self) -> Piece {
        let start = self.place();
        self.at += 1;
        let mut found = Vec::new();
        while let Some(item) = self.peek(0) {
            self.at += 1;
            match item {
                Item::Char('`') => return ("$()".to_owned(), found),
                Item::Char('\\') => {
                    if let Some(Item::Char(_)) = self.peek(0) {
                        self.at += 1;
                    }
                }
                Item::Char(_) => {}
                Item::Hole(hole) => {
                    found.push(hole);
                    self.refuse(hole, "a value inside of backticks", "write `$( … )`");
                }
            }
        }
        self.unclosed(start, "a backtick");
        ("`".to_owned(), found)
    }
}
