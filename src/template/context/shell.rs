//! Shell texts (POSIX sh, also as bash, dash and busybox read it): in a word a value is quoted, inside of quotes escaped.
//! Where shells differ, or evaluate what they read once more, a value is refused.

use std::ops::Range;

use super::interpreter::{self, Word};
use super::outermost;
use super::shell_words::{Command, Delimiter, Piece};
use crate::template::ast::{Ex, Node};
use crate::template::context::Escape;
use crate::template::problem::Problem;

/// Deeper nesting than this is not followed.
const MAX_DEPTH: usize = 32;

/// A character of the text, or a value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Item {
    Char(char),
    Hole(usize),
}

/// A value that is inserted.
struct Hole {
    range: Range<usize>,
    helper: Option<&'static str>,
    escape: Option<Escape>,
}

/// Chooses the escape of every insertion of a shell text.
pub(super) fn settle(nodes: &mut [Node], problems: &mut Vec<Problem>) {
    let mut items = Vec::new();
    let mut places = Vec::new();
    let mut holes = Vec::new();
    let mut blocks = false;
    for node in nodes.iter() {
        match node {
            Node::Text { text, at } => {
                items.extend(text.chars().map(Item::Char));
                places.extend(text.char_indices().map(|(i, _)| at + i));
            }
            Node::Insert { ex, range, .. } => {
                items.push(Item::Hole(holes.len()));
                places.push(range.start);
                holes.push(Hole { range: range.clone(), helper: helper_of(ex), escape: None });
            }
            Node::Block(block) => {
                blocks = true;
                problems.push(
                    Problem::error("block-in-shell", block.range.clone(), "blocks are not used in shell texts")
                        .help("write `{{cond test a b}}`, a step with `when`, or `script` with a file"),
                );
            }
        }
    }
    if blocks {
        return;
    }
    let mut lexer =
        Lexer { items, places, at: 0, depth: 0, holes, problems: Vec::new(), heredocs: Vec::new(), doubt: None };
    lexer.commands(Until::End);
    problems.append(&mut lexer.problems);
    let mut settled = lexer.holes.into_iter();
    for node in nodes {
        if let Node::Insert { escape, .. } = node
            && let Some(Hole { escape: Some(chosen), .. }) = settled.next()
            && *escape != Escape::RawShell
        {
            *escape = chosen;
        }
    }
}

fn helper_of(ex: &Ex) -> Option<&'static str> {
    outermost(ex)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    End,
    /// The `)` of `$(`.
    Paren,
}

struct Heredoc {
    delimiter: String,
    strip_tabs: bool,
    quoted: bool,
}

struct Lexer {
    items: Vec<Item>,
    /// Where each item stands in the source.
    places: Vec<usize>,
    at: usize,
    depth: usize,
    holes: Vec<Hole>,
    problems: Vec<Problem>,
    /// Here-documents whose text begins with the next line.
    heredocs: Vec<Heredoc>,
    /// Something that shells read in different ways: behind it, no place is sure.
    doubt: Option<(Range<usize>, &'static str)>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<Item> {
        self.items.get(self.at + ahead).copied()
    }

    fn next_is(&self, ahead: usize, c: char) -> bool {
        self.peek(ahead) == Some(Item::Char(c))
    }

    fn place(&self) -> usize {
        self.places.get(self.at).copied().unwrap_or_else(|| self.places.last().map_or(0, |p| p + 1))
    }

    fn doubt(&mut self, from: usize, instead: &'static str) {
        let end = self.place().max(from + 1);
        self.doubt.get_or_insert((from..end, instead));
    }

    fn unclosed(&mut self, from: usize, what: &str) {
        let range = from..from + 1;
        self.problems.push(Problem::error("shell-syntax", range, format!("{what} is not closed")));
    }

    /// A value stands here: it gets its escape, or is refused.
    fn hole(&mut self, hole: usize, escape: Escape) {
        if self.holes[hole].helper == Some("raw") {
            return;
        }
        let range = self.holes[hole].range.clone();
        if let Some((place, instead)) = self.doubt.clone() {
            self.problems.push(
                Problem::error("unsafe-place", range, "shells do not agree on where this value stands")
                    .and(place, "because of this")
                    .help(instead),
            );
            return;
        }
        if self.holes[hole].helper == Some("words") && !matches!(escape, Escape::ShellWords) {
            self.problems.push(
                Problem::error("words-glued", range, "`words` gives several words, and this place is inside of one")
                    .help("put blanks round it, or write `join`"),
            );
            return;
        }
        self.holes[hole].escape = Some(escape);
    }

    fn refuse(&mut self, hole: usize, message: &str, help: &str) {
        if self.holes[hole].helper != Some("raw") {
            self.problems.push(Problem::error("unsafe-place", self.holes[hole].range.clone(), message).help(help));
        }
    }

    // ---- commands

    /// Reads commands; gives back the values that stand in them.
    fn commands(&mut self, until: Until) -> Vec<usize> {
        let start = self.place();
        let mut found = Vec::new();
        let mut command = Command::default();
        let mut parens = 0_usize;
        if self.depth >= MAX_DEPTH {
            self.doubt(start, "nest less deeply");
            self.at = self.items.len();
        }
        self.depth += 1;
        let mut closed = until == Until::End;
        while let Some(item) = self.peek(0) {
            let at = self.place();
            match item {
                Item::Hole(hole) => {
                    self.at += 1;
                    found.push(hole);
                    command.push(Piece::Hole(hole), at);
                }
                Item::Char(c) => match c {
                    ' ' | '\t' => self.end_word(&mut command, Delimiter::Blank),
                    '\n' => {
                        self.end_command(&mut command, Delimiter::End);
                        self.at += 1;
                        self.here_documents(&mut found);
                        continue;
                    }
                    '#' if !command.in_word() => {
                        self.comment();
                        continue;
                    }
                    ';' | '&' => self.end_command(&mut command, if c == ';' { Delimiter::End } else { Delimiter::Odd }),
                    '|' => self.end_pipe(&mut command),
                    '(' if !command.in_word() && command.at_beginning() && self.next_is(1, '(') => {
                        self.doubt(
                            at,
                            "write `[ … ]` or `$(( … ))` for arithmetic, `( (` for a subshell in a subshell",
                        );
                        self.end_command(&mut command, Delimiter::Odd);
                        parens += 1;
                    }
                    '(' => {
                        self.end_command(&mut command, Delimiter::Odd);
                        parens += 1;
                    }
                    ')' if parens == 0 && until == Until::Paren => {
                        self.end_command(&mut command, Delimiter::Odd);
                        closed = true;
                        self.at += 1;
                        break;
                    }
                    ')' => {
                        self.end_command(&mut command, Delimiter::Odd);
                        parens = parens.saturating_sub(1);
                    }
                    '<' | '>' => {
                        self.redirection(&mut command, &mut found);
                        continue;
                    }
                    _ => {
                        self.piece(c, &mut command, &mut found);
                        continue;
                    }
                },
            }
            if matches!(item, Item::Char(_)) {
                self.at += 1;
            }
            self.watch_words(&command, until, at);
        }
        self.end_command(&mut command, Delimiter::End);
        self.depth -= 1;
        if !closed {
            self.unclosed(start.saturating_sub(1), "`$(`");
        }
        if until == Until::Paren && !self.heredocs.is_empty() {
            self.doubt(start, "end the line of `<<` before `)`");
            self.heredocs.clear();
        }
        found
    }

    /// Words after which shells, or our reading, may lose their way.
    fn watch_words(&mut self, command: &Command, until: Until, at: usize) {
        match command.last_word() {
            Some("case") if until == Until::Paren => self.doubt(at, "move `case` out of `$( )`"),
            Some("=~") => self.doubt(at, "`=~` is not of POSIX sh; write `case`, or `grep -E`"),
            _ => {}
        }
    }

    /// A piece of a word that is not a plain value.
    fn piece(&mut self, c: char, command: &mut Command, found: &mut Vec<usize>) {
        let at = self.place();
        match c {
            '\'' => {
                let inside = self.single();
                command.push(Piece::Quoted(inside.0, inside.1.clone()), at);
                found.extend(inside.1);
            }
            '"' => {
                self.at += 1;
                let inside = self.double(at);
                command.push(Piece::Quoted(inside.0, inside.1.clone()), at);
                found.extend(inside.1);
            }
            '\\' => {
                self.at += 1;
                match self.peek(0) {
                    Some(Item::Char('\n')) => self.at += 1,
                    Some(Item::Char(escaped)) => {
                        self.at += 1;
                        command.push(Piece::Quoted(escaped.to_string(), Vec::new()), at);
                    }
                    Some(Item::Hole(hole)) => {
                        self.at += 1;
                        self.refuse(
                            hole,
                            "a value right behind a backslash",
                            "leave the backslash out: values are quoted",
                        );
                    }
                    None => {}
                }
            }
            '$' | '`' => {
                let inside = if c == '$' { self.dollar(false) } else { self.backticks() };
                command.push(Piece::Expansion(inside.0, inside.1.clone()), at);
                found.extend(inside.1);
            }
            c => {
                self.at += 1;
                command.push(Piece::Char(c), at);
            }
        }
    }

    fn end_word(&mut self, command: &mut Command, delimiter: Delimiter) {
        let Some(ended) = command.end_word(delimiter) else { return };
        if ended.subscript {
            for hole in &ended.plain_holes {
                self.refuse(
                    *hole,
                    "a value in a subscript, which bash evaluates",
                    "assign it to a variable of its own",
                );
            }
            return;
        }
        for hole in ended.plain_holes {
            let escape = if self.holes[hole].helper == Some("words") && ended.alone {
                Escape::ShellWords
            } else {
                Escape::ShellWord { bare: ended.bare }
            };
            self.hole(hole, escape);
        }
        if let Some((delimiter, strip_tabs, quoted)) = ended.heredoc {
            self.heredocs.push(Heredoc { delimiter, strip_tabs, quoted });
        }
    }

    fn end_command(&mut self, command: &mut Command, delimiter: Delimiter) {
        self.end_word(command, delimiter);
        self.interpreters(command);
        command.reset(false);
    }

    fn end_pipe(&mut self, command: &mut Command) {
        self.end_word(command, Delimiter::Odd);
        self.interpreters(command);
        // `||` and `|&` come as two: the second finds no words.
        let pipes = !self.next_is(1, '|') && (self.at == 0 || self.items[self.at - 1] != Item::Char('|'));
        command.reset(pipes);
    }

    /// Values inside of what another interpreter will parse.
    fn interpreters(&mut self, command: &Command) {
        let words: Vec<Word> = command.words();
        for (hole, finding) in interpreter::check(&words, command.piped()) {
            let range = self.holes[hole].range.clone();
            if self.holes[hole].helper != Some("raw") {
                self.problems.push(finding.problem(range));
            }
        }
    }

    // ---- quotes

    /// `'…'`: nothing is special.
    fn single(&mut self) -> (String, Vec<usize>) {
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
                    text.push(interpreter::HOLE);
                    found.push(hole);
                    self.hole(hole, Escape::ShellSingle);
                }
            }
        }
        self.unclosed(start, "`'`");
        (text, found)
    }

    /// `"…"`, its opening quote read already.
    fn double(&mut self, start: usize) -> (String, Vec<usize>) {
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
                    text.push(interpreter::HOLE);
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
    fn dollar(&mut self, in_double: bool) -> (String, Vec<usize>) {
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
    fn parameter(&mut self, in_double: bool) -> (String, Vec<usize>) {
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
    fn arithmetic(&mut self, start: usize) -> (String, Vec<usize>) {
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
    fn backticks(&mut self) -> (String, Vec<usize>) {
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

    fn comment(&mut self) {
        while let Some(item) = self.peek(0) {
            match item {
                Item::Char('\n') => return,
                Item::Char(_) => {}
                Item::Hole(hole) => self.hole(hole, Escape::ShellComment),
            }
            self.at += 1;
        }
    }

    // ---- redirections

    fn redirection(&mut self, command: &mut Command, found: &mut Vec<usize>) {
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
        let _ = found;
    }

    /// The texts of here-documents, up to the line of each delimiter.
    fn here_documents(&mut self, found: &mut Vec<usize>) {
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
                            line.push(interpreter::HOLE);
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
