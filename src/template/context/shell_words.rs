//! The words of one shell command while it is read: whether a value may go without quotes, and what the words are for
//! the check of interpreters.

use super::escape::is_harmless;
use super::interpreter::{HOLE, Word};

/// A piece of a word.
pub(super) enum Piece {
    Char(char),
    /// A value outside of quotes.
    Hole(usize),
    /// What stood inside of quotes or behind a backslash, and the values in it.
    Quoted(String, Vec<usize>),
    /// `$x`, `$(…)`, and the values in it.
    Expansion(String, Vec<usize>),
}

/// What ends a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delimiter {
    /// A blank.
    Blank,
    /// The end of a line, of the text, or `;`.
    End,
    /// An operator that can make more of the word before it: `2>`, `f()`, `x)`.
    Odd,
}

/// Words that are followed by a command.
const RESERVED: [&str; 12] = ["if", "then", "else", "elif", "do", "while", "until", "!", "{", "time", "coproc", "in"];

#[derive(Default)]
struct Current {
    text: String,
    holes: Vec<usize>,
    /// The values outside of quotes.
    plain: Vec<usize>,
    /// Nothing but harmless characters and values so far.
    harmless: bool,
    quoted: bool,
    pieces: usize,
    at: usize,
}

/// A word that has ended.
pub(super) struct Ended {
    pub plain_holes: Vec<usize>,
    /// Its values may go without quotes where they are harmless.
    pub bare: bool,
    /// It is one value and nothing else.
    pub alone: bool,
    /// A value inside of `name[…`.
    pub subscript: bool,
    /// It is the delimiter of a here-document: its text, `<<-`, quoted.
    pub heredoc: Option<(String, bool, bool)>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Expect {
    #[default]
    Word,
    Target,
    Heredoc {
        strip_tabs: bool,
    },
}

/// One command while it is read.
#[derive(Default)]
pub(super) struct Command {
    words: Vec<Word>,
    current: Option<Current>,
    expect: Expect,
    /// Values of the commands whose output it reads.
    piped: Vec<usize>,
}

impl Command {
    pub(super) fn in_word(&self) -> bool {
        self.current.is_some()
    }

    /// Whether the next word is a command's name.
    pub(super) fn at_beginning(&self) -> bool {
        self.words.iter().all(|w| w.is_assignment() || !w.quoted && RESERVED.contains(&w.text.as_str()))
    }

    /// The last complete word, if nothing in it was quoted.
    pub(super) fn last_word(&self) -> Option<&str> {
        self.words.last().filter(|w| !w.quoted && self.current.is_none()).map(|w| w.text.as_str())
    }

    pub(super) fn push(&mut self, piece: Piece, at: usize) {
        let word = self.current.get_or_insert_with(|| Current { harmless: true, at, ..Current::default() });
        word.pieces += 1;
        match piece {
            Piece::Char(c) => {
                word.text.push(c);
                word.harmless &= is_harmless(c);
            }
            Piece::Hole(hole) => {
                word.text.push(HOLE);
                word.holes.push(hole);
                word.plain.push(hole);
            }
            Piece::Quoted(text, holes) => {
                word.text.push_str(&text);
                word.holes.extend(holes);
                word.quoted = true;
                word.harmless = false;
            }
            Piece::Expansion(text, holes) => {
                word.text.push_str(&text);
                word.holes.extend(holes);
                word.harmless = false;
            }
        }
    }

    pub(super) fn redirect(&mut self) {
        self.expect = Expect::Target;
    }

    pub(super) fn expect_heredoc(&mut self, strip_tabs: bool) {
        self.expect = Expect::Heredoc { strip_tabs };
    }

    pub(super) fn end_word(&mut self, delimiter: Delimiter) -> Option<Ended> {
        let word = self.current.take()?;
        let expect = std::mem::take(&mut self.expect);
        let beginning = self.at_beginning();
        let subscript = expect == Expect::Word && beginning && opens_subscript(&word.text);
        let ended = Ended {
            bare: word.harmless && delimiter != Delimiter::Odd && (expect == Expect::Target || !beginning),
            alone: word.pieces == 1,
            subscript,
            heredoc: None,
            plain_holes: word.plain,
        };
        let heredoc = match expect {
            Expect::Heredoc { strip_tabs } => Some((word.text.clone(), strip_tabs, word.quoted)),
            Expect::Target => None,
            Expect::Word => {
                self.words.push(Word { text: word.text, holes: word.holes, quoted: word.quoted, at: word.at });
                None
            }
        };
        Some(Ended { heredoc, ..ended })
    }

    /// Begins the next command; behind a pipe it reads what this one wrote.
    pub(super) fn reset(&mut self, pipe: bool) {
        let mut piped = std::mem::take(&mut self.piped);
        // of others the values are names: `pg_dump {{x}} | psql`
        let prints = self.words.iter().find(|word| !word.is_assignment());
        let prints = prints.is_some_and(|word| matches!(word.program(), "echo" | "printf" | "print"));
        if pipe && prints {
            piped.extend(self.words.iter().flat_map(|w| w.holes.iter().copied()));
        } else if !pipe {
            piped.clear();
        }
        *self = Self { piped, ..Self::default() };
    }

    pub(super) fn piped(&self) -> &[usize] {
        &self.piped
    }

    /// Whether its exit code is asked by what stands before it: `if`, `while`, `!`.
    pub(super) fn is_condition(&self) -> bool {
        let conditions = ["if", "elif", "while", "until", "!"];
        self.words.first().is_some_and(|w| !w.quoted && conditions.contains(&w.text.as_str()))
    }

    pub(super) fn words(&self) -> Vec<Word> {
        let mut words = self.words.clone();
        // Words that only introduce a command.
        let first = words.iter().position(|w| w.quoted || !RESERVED.contains(&w.text.as_str())).unwrap_or(words.len());
        words.drain(..first);
        words
    }
}

/// Whether a word is an assignment to an element, `a[{{x}}]=…`.
fn opens_subscript(text: &str) -> bool {
    text.split_once('[').is_some_and(|(name, rest)| {
        rest.contains(HOLE)
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && rest.find(HOLE) < rest.find(']').or(Some(rest.len()))
    })
}
