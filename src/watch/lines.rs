//! The stream of a follower taken apart: lines that the host has confirmed, and what it says between them. Pure.

use std::collections::VecDeque;
use std::io::BufRead as _;
use std::time::Duration;

use crate::transport::{Cursor, LogSource, log::Place};

use super::container;

/// Longer lines are cut, in bytes.
pub const LONGEST_LINE: usize = 64 << 10;

/// So much is kept of what the host has not confirmed yet, in bytes; it confirms a file every MiB. Beyond it (a packed
/// file, or the journal in a flood) nothing is taken back.
const UNCONFIRMED: usize = 4 << 20;

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
    /// Everything that the log had at this moment has been given.
    Seen {
        /// By the host's own clock, since its boot.
        uptime: Duration,
    },
    /// Nothing can be read for now; when it can, nothing will be missing.
    Blind {
        /// Why.
        why: String,
    },
}

/// Takes the stream apart; pure.
pub(super) struct Lines {
    /// With the blank behind it.
    mark: Vec<u8>,
    /// Where `partial` begins.
    pub(super) cursor: Cursor,
    /// The line of the stream that has not ended yet.
    raw: Vec<u8>,
    /// Whole lines of the stream that the host has not confirmed.
    data: Vec<u8>,
    /// The confirmed beginning of a line.
    partial: Vec<u8>,
    /// Bytes of it that were beyond [`LONGEST_LINE`].
    cut: u64,
    pub(super) ready: VecDeque<Followed>,
    /// The follower has said that it comes to its end.
    pub(super) ended: bool,
    /// Where lines count from, until one came that does.
    from: Option<jiff::Timestamp>,
}

impl Lines {
    pub(super) fn new(mark: &str, cursor: Cursor) -> Self {
        let mark = format!("{mark} ").into_bytes();
        let (raw, data, partial) = Default::default();
        let from = match &cursor.at {
            Place::Container(timestamp) => timestamp.parse().ok(),
            _ => None,
        };
        Self { mark, cursor, raw, data, partial, cut: 0, ready: VecDeque::new(), ended: false, from }
    }

    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        // reading from memory does not fail
        while bytes.read_until(b'\n', &mut self.raw).unwrap_or(0) > 0 {
            if self.raw.last() != Some(&b'\n') {
                break;
            }
            let line = std::mem::take(&mut self.raw);
            if let Some(own) = line.strip_prefix(&self.mark[..]) {
                // the newline in front of a mark is not the log's
                self.data.pop();
                self.own(String::from_utf8_lossy(own).trim_end());
                continue;
            }
            if self.data.len() > UNCONFIRMED {
                self.confirm();
            }
            self.data.extend_from_slice(&line);
        }
    }

    fn confirm(&mut self) {
        let data = std::mem::take(&mut self.data);
        let mut rest = &data[..];
        while !rest.is_empty() {
            let mut piece = Vec::new();
            let _ = rest.read_until(b'\n', &mut piece);
            let ended = piece.pop_if(|last| *last == b'\n').is_some();
            let room = LONGEST_LINE.saturating_sub(self.partial.len()).min(piece.len());
            self.partial.extend_from_slice(&piece[..room]);
            self.cut += (piece.len() - room) as u64;
            if ended {
                self.line(1);
            }
        }
    }

    /// The line is whole; so long was its end.
    fn line(&mut self, end: u64) {
        let line = std::mem::take(&mut self.partial);
        let length = line.len() as u64 + std::mem::take(&mut self.cut) + end;
        let (text, offset) = match &mut self.cursor {
            Cursor { at: Place::File { size, .. }, .. } => {
                let offset = *size;
                *size += length;
                (String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(&line)).into_owned(), Some(offset))
            }
            Cursor { source: LogSource::Journal(_), at } if !line.is_empty() => match entry(&line) {
                Some((place, text)) => {
                    *at = Place::Journal(place);
                    (text, None)
                }
                None => {
                    return self.ready.push_back(Followed::Gap { why: "the journal gave what is no entry".to_owned() });
                }
            },
            Cursor { source: LogSource::Container(_), at } if !line.is_empty() => {
                match container::line(&line, &mut self.from) {
                    Ok(Some((place, text))) => {
                        *at = Place::Container(place);
                        (text, None)
                    }
                    Ok(None) => return,
                    Err(why) => return self.ready.push_back(Followed::Blind { why }),
                }
            }
            _ => return,
        };
        for text in text.lines().filter(|text| !text.is_empty()) {
            self.ready.push_back(Followed::Line { text: text.to_owned(), offset });
        }
    }

    /// What was begun goes no further.
    fn flush(&mut self) {
        self.confirm();
        if !self.partial.is_empty() {
            self.line(0);
        }
    }

    fn own(&mut self, text: &str) {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let numbers: Vec<&str> = rest.split(' ').collect();
        match (word, numbers.as_slice()) {
            ("ok", [_, fingerprint, uptime]) => {
                self.confirm();
                if let Place::File { fingerprint: known, .. } = &mut self.cursor.at {
                    (*fingerprint).clone_into(known);
                }
                let uptime = Duration::from_millis(uptime.parse().unwrap_or(0));
                self.ready.push_back(Followed::Seen { uptime });
            }
            ("void", _) => self.data.clear(),
            ("at" | "copy", [inode, offset]) => {
                let (inode, offset): (u64, u64) = (inode.parse().unwrap_or(0), offset.parse().unwrap_or(0));
                let fingerprint = if word == "at" {
                    self.flush();
                    String::new()
                } else if let Place::File { fingerprint, .. } = &self.cursor.at {
                    fingerprint.clone()
                } else {
                    String::new()
                };
                // a copy goes on in the middle of the line that was begun
                let size =
                    if word == "at" { offset } else { offset.saturating_sub(self.partial.len() as u64 + self.cut) };
                self.cursor.at = Place::File { inode, size, fingerprint };
            }
            ("gap", _) => {
                self.flush();
                self.ready.push_back(Followed::Gap { why: rest.to_owned() });
            }
            ("oldest", [timestamp]) => {
                if let Some(why) = container::gone(timestamp, self.from) {
                    self.ready.push_back(Followed::Gap { why });
                }
            }
            ("end", _) => self.ended = true,
            ("blind", _) => self.ready.push_back(Followed::Blind { why: rest.to_owned() }),
            _ => self.ready.push_back(Followed::Gap { why: format!("the follower said {text:?}") }),
        }
    }
}

/// The cursor and the text of an entry of the journal. What is not UTF-8 comes as numbers; what is too long, as nothing.
fn entry(line: &[u8]) -> Option<(String, String)> {
    let entry: serde_json::Value = serde_json::from_slice(line).ok()?;
    let text = match entry.get("MESSAGE")? {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(bytes) => {
            let bytes: Vec<u8> = bytes.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok()).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => String::new(),
    };
    Some((entry.get("__CURSOR")?.as_str()?.to_owned(), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Lines {
        let source = LogSource::File("/log".to_owned());
        Lines::new("MARK", Cursor { source, at: Place::Absent })
    }

    fn line(text: &str, offset: u64) -> Followed {
        Followed::Line { text: text.to_owned(), offset: Some(offset) }
    }

    fn seen(ms: u64) -> Followed {
        Followed::Seen { uptime: Duration::from_millis(ms) }
    }

    fn all(lines: &mut Lines) -> Vec<Followed> {
        lines.ready.drain(..).collect()
    }

    #[test]
    fn lines_count_when_they_are_confirmed_however_the_bytes_are_cut() {
        let stream =
            b"\nMARK at 7 10\none\ntw\xffo\r\nha\nMARK ok 20 5:3 100\nlf\n\nMARK ok 23 5:3 110\nfalse\n\nMARK void\n\
            \nMARK gap lost\n\nMARK at 8 0\n\nthree\nrest\nMARK ok 11 6:1 120\n";
        for size in 1..stream.len() {
            let mut lines = lines();
            stream.chunks(size).for_each(|bytes| lines.feed(bytes));
            let gap = Followed::Gap { why: "lost".to_owned() };
            let expected = [
                line("one", 10),
                line("tw\u{fffd}o", 14),
                seen(100),
                line("half", 20),
                seen(110),
                gap,
                line("three", 1),
                seen(120),
            ];
            assert_eq!(all(&mut lines), expected);
            let at = Place::File { inode: 8, size: 7, fingerprint: "6:1".to_owned() };
            assert_eq!(lines.cursor.at, at);
        }
    }

    #[test]
    fn a_copy_goes_on_in_the_middle_of_a_line() {
        let mut lines = lines();
        lines.feed(
            b"\nMARK at 7 0\none\ntw\nMARK ok 6 5:6 1\nfalse\n\nMARK void\n\nMARK copy 9 6\no\n\nMARK ok 8 5:6 2\n",
        );
        assert_eq!(all(&mut lines), [line("one", 0), seen(1), line("two", 4), seen(2)]);
        assert_eq!(lines.cursor.at, Place::File { inode: 9, size: 8, fingerprint: "5:6".to_owned() });
    }

    #[test]
    fn a_long_line_is_cut_and_its_successor_is_where_it_is() {
        let mut lines = lines();
        lines.feed(b"\nMARK at 7 0\n");
        lines.feed(&[&vec![b'x'; LONGEST_LINE + 5][..], b"\nnext\n\nMARK ok 0 1:1 1\n"].concat());
        let got = all(&mut lines);
        assert_eq!(got[1], line("next", LONGEST_LINE as u64 + 6));
        assert!(matches!(&got[0], Followed::Line { text, .. } if text.len() == LONGEST_LINE));
    }

    #[test]
    fn entries_of_the_journal_leave_their_cursor() {
        let cursor = Cursor { source: LogSource::Journal("a.service".to_owned()), at: Place::Journal(String::new()) };
        let mut lines = Lines::new("MARK", cursor);
        lines.feed(b"{\"__CURSOR\":\"s=1\",\"MESSAGE\":\"one\"}\n{\"__CURSOR\":\"s=2\",\n");
        lines.feed(b"MARK ok 0 0:0 7\n\"MESSAGE\":[116,119,255]}\n\nMARK ok 0 0:0 8\n");
        let text = |text: &str| Followed::Line { text: text.to_owned(), offset: None };
        assert_eq!(all(&mut lines), [text("one"), seen(7), text("tw\u{fffd}"), seen(8)]);
        assert_eq!(lines.cursor.at, Place::Journal("s=2".to_owned()));
    }
}
