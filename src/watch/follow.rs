//! Brings the lines of a log from a cursor on, over a channel of its own.
//!
//! A file is followed through renames, copies that are emptied, and files that are not there yet. Lines that may have
//! been lost are never passed over in silence: they are a [`Followed::Gap`].

use std::collections::VecDeque;

use crate::base::ids;
use crate::transport::{Ask, Bulk, Cursor, Link, LinkError, LogSource, log::Place};

const FOLLOW: &str = include_str!("assets/follow.sh");

/// Longer lines are cut, in bytes.
pub const LONGEST_LINE: usize = 64 << 10;

/// What comes from a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// A line, without its newline. Empty lines are left out.
    Line {
        /// Its text; what is not UTF-8 is replaced.
        text: String,
        /// Where it begins, in bytes from the beginning of its file; the journal has none.
        offset: Option<u64>,
    },
    /// Lines may be missing here.
    Gap {
        /// Why.
        why: String,
    },
}

/// A log that is being followed. Dropped, it ends on the host.
pub struct Follower {
    bulk: Box<dyn Bulk>,
    lines: Lines,
}

impl Follower {
    /// Follows a log from a cursor on, as a user that may read it.
    pub async fn start(link: &dyn Link, user: Option<&str>, cursor: &Cursor) -> Result<Self, LinkError> {
        let mark = ids::nonce();
        let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        let (script, argv) = match (&cursor.source, &cursor.at) {
            (LogSource::File(path), Place::File { inode, size, fingerprint }) => {
                let (sum, len) = fingerprint.split_once(':').unwrap_or((fingerprint, "0"));
                (FOLLOW, words(&[path, &mark, &inode.to_string(), &size.to_string(), sum, len]))
            }
            (LogSource::File(path), _) => (FOLLOW, words(&[path, &mark, "0", "0", "0", "0"])),
            (LogSource::Journal(unit), Place::Journal(cursor)) if !cursor.is_empty() => (
                "exec journalctl -q -f --no-pager -o cat -n all -u \"$1\" --after-cursor \"$2\"",
                words(&[unit, cursor]),
            ),
            (LogSource::Journal(unit), _) => {
                ("exec journalctl -q -f --no-pager -o cat -n all -u \"$1\"", words(&[unit]))
            }
        };
        let script = script.to_owned();
        let ask = Ask { script, argv, user: user.map(str::to_owned), ..Ask::default() };
        Ok(Self { bulk: link.bulk(&ask).await?, lines: Lines::new(mark, cursor.clone()) })
    }

    /// The next line or gap. Cancel-safe. An error means that nothing more is coming; [`Follower::cursor`] is where to
    /// go on over another link.
    pub async fn next(&mut self) -> Result<Followed, LinkError> {
        loop {
            if let Some(next) = self.lines.ready.pop_front() {
                return Ok(next);
            }
            let bytes = self.bulk.next().await?;
            if bytes.is_empty() {
                return Err(LinkError::Lost { reason: "the follower on the host has ended".to_owned() });
            }
            self.lines.feed(&bytes);
        }
    }

    /// The place behind the last line that [`Follower::next`] gave. For the journal: where it began.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.lines.cursor()
    }
}

/// Takes the stream apart; pure.
struct Lines {
    mark: String,
    /// Where `partial` begins.
    cursor: Cursor,
    offset: u64,
    partial: Vec<u8>,
    /// Bytes of the current line that were beyond [`LONGEST_LINE`].
    cut: u64,
    ready: VecDeque<Followed>,
}

impl Lines {
    fn new(mark: String, cursor: Cursor) -> Self {
        let offset = if let Place::File { size, .. } = cursor.at { size } else { 0 };
        Self { mark, cursor, offset, partial: Vec::new(), cut: 0, ready: VecDeque::new() }
    }

    fn feed(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            let (text, ended) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            let room = LONGEST_LINE.saturating_sub(self.partial.len()).min(text.len());
            self.partial.extend_from_slice(&text[..room]);
            self.cut += (text.len() - room) as u64;
            if ended {
                self.line();
            }
        }
    }

    fn line(&mut self) {
        let line = std::mem::take(&mut self.partial);
        let cut = std::mem::take(&mut self.cut);
        if let Some(own) = line.strip_prefix(self.mark.as_bytes()) {
            self.own(String::from_utf8_lossy(own).trim());
            return;
        }
        let offset = self.offset;
        self.offset += line.len() as u64 + cut + 1;
        let text = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(&line)).into_owned();
        // An empty line may be ours, written in front of a mark, and says nothing anyway.
        if !text.is_empty() {
            let offset = matches!(self.cursor.source, LogSource::File(_)).then_some(offset);
            self.ready.push_back(Followed::Line { text, offset });
        }
    }

    fn own(&mut self, text: &str) {
        let words: Vec<&str> = text.splitn(2, ' ').collect();
        match words.as_slice() {
            ["gap", why] => self.ready.push_back(Followed::Gap { why: (*why).to_owned() }),
            ["at", place] => {
                let words: Vec<&str> = place.split(' ').collect();
                if let [inode, offset, fingerprint] = words.as_slice()
                    && let (Ok(inode), Ok(offset)) = (inode.parse(), offset.parse())
                {
                    self.cursor.at = Place::File { inode, size: offset, fingerprint: (*fingerprint).to_owned() };
                    self.offset = offset;
                    return;
                }
                self.ready.push_back(Followed::Gap { why: format!("the follower said {text:?}") });
            }
            _ => self.ready.push_back(Followed::Gap { why: format!("the follower said {text:?}") }),
        }
    }

    fn cursor(&self) -> Cursor {
        let mut cursor = self.cursor.clone();
        if let Place::File { size, .. } = &mut cursor.at {
            *size = self.offset;
        }
        cursor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Lines {
        let source = LogSource::File("/log".to_owned());
        Lines::new("MARK".to_owned(), Cursor { source, at: Place::Absent })
    }

    fn line(text: &str, offset: u64) -> Followed {
        Followed::Line { text: text.to_owned(), offset: Some(offset) }
    }

    #[test]
    fn lines_have_offsets_and_rotations_reset_them_however_the_bytes_are_cut() {
        let stream = b"\nMARK at 7 10 5:3\none\ntw\xffo\r\nhalf\nMARK gap lost\n\nMARK at 8 0 6:0\nthree\nrest";
        for size in 1..stream.len() {
            let mut lines = lines();
            stream.chunks(size).for_each(|bytes| lines.feed(bytes));
            let got: Vec<_> = lines.ready.drain(..).collect();
            let gap = Followed::Gap { why: "lost".to_owned() };
            assert_eq!(got, [line("one", 10), line("tw\u{fffd}o", 14), line("half", 20), gap, line("three", 0)]);
            let at = Place::File { inode: 8, size: 6, fingerprint: "6:0".to_owned() };
            assert_eq!(lines.cursor().at, at);
        }
    }

    #[test]
    fn a_long_line_is_cut_and_its_successor_is_where_it_is() {
        let mut lines = lines();
        lines.feed(&[&vec![b'x'; LONGEST_LINE + 5][..], b"\nnext\n"].concat());
        let got: Vec<_> = lines.ready.drain(..).collect();
        assert_eq!(got[1], line("next", LONGEST_LINE as u64 + 6));
        assert!(matches!(&got[0], Followed::Line { text, .. } if text.len() == LONGEST_LINE));
    }
}
