//! Shell texts (POSIX sh, also as bash, dash and busybox read it): in a word a value is quoted, inside of quotes escaped.
//! Where shells differ, or evaluate what they read once more, a value is refused.

use std::ops::Range;

use super::interpreter::{self, Word};
use super::outermost;
use super::shell_redirect::Heredoc;
use super::shell_words::{Command, Delimiter, Piece};
use crate::template::ast::Node;
use crate::template::context::Escape;
use crate::template::problem::Problem;

/// Deeper nesting than this is not followed.
const MAX_DEPTH: usize = 32;

/// A character of the text, or a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Item {
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
                holes.push(Hole { range: range.clone(), helper: outermost(ex), escape: None });
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
    let mut lexer = Lexer { items, places, holes, ..Lexer::default() };
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

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    End,
    /// The `)` of `$(`.
    Paren,
}

#[derive(Default)]
pub(super) struct Lexer {
    pub(super) items: Vec<Item>,
    /// Where each item stands in the source.
    pub(super) places: Vec<usize>,
    pub(super) at: usize,
    pub(super) depth: usize,
    holes: Vec<Hole>,
    problems: Vec<Problem>,
    /// Here-documents whose text begins with the next line.
    pub(super) heredocs: Vec<Heredoc>,
    /// Something that shells read in different ways: behind it, no place is sure.
    doubt: Option<(Range<usize>, &'static str)>,
    /// What can be read, and is better written in another way.
    pub(super) habits: Vec<Problem>,
}

impl Lexer {
    pub(super) fn peek(&self, ahead: usize) -> Option<Item> {
        self.items.get(self.at + ahead).copied()
    }

    pub(super) fn next_is(&self, ahead: usize, c: char) -> bool {
        self.peek(ahead) == Some(Item::Char(c))
    }

    pub(super) fn place(&self) -> usize {
        self.places.get(self.at).copied().unwrap_or_else(|| self.places.last().map_or(0, |p| p + 1))
    }

    pub(super) fn doubt(&mut self, from: usize, instead: &'static str) {
        let end = self.place().max(from + 1);
        self.doubt.get_or_insert((from..end, instead));
    }

    pub(super) fn unclosed(&mut self, from: usize, what: &str) {
        let range = from..from + 1;
        self.problems.push(Problem::error("shell-syntax", range, format!("{what} is not closed")));
    }

    /// A value stands here: it gets its escape, or is refused.
    pub(super) fn hole(&mut self, hole: usize, escape: Escape) {
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

    pub(super) fn refuse(&mut self, hole: usize, message: &str, help: &str) {
        if self.holes[hole].helper != Some("raw") {
            self.problems.push(Problem::error("unsafe-place", self.holes[hole].range.clone(), message).help(help));
        }
    }

    // ---- commands

    /// Reads commands; gives back the values that stand in them.
    pub(super) fn commands(&mut self, until: Until) -> Vec<usize> {
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
                        self.redirection(&mut command);
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

    pub(super) fn end_word(&mut self, command: &mut Command, delimiter: Delimiter) {
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
        if pipes {
            self.pipe(command);
        }
        command.reset(pipes);
    }

    /// Values inside of what another interpreter will parse.
    fn interpreters(&mut self, command: &Command) {
        let words: Vec<Word> = command.words();
        self.sudo(&words);
        for (hole, finding) in interpreter::check(&words, command.piped()) {
            let range = self.holes[hole].range.clone();
            if self.holes[hole].helper != Some("raw") {
                self.problems.push(finding.problem(range));
            }
        }
    }
}
