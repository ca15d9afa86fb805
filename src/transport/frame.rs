//! The frames between the controller and the runner, and the reader that takes them apart.
//!
//! Requests, on the runner's standard input. A header line, sections of an announced length (each ends in a newline,
//! which is not part of it), a trailer `. Q`. An incomplete or torn request is never started.
//! - `ask Q TOKEN TIMEOUT LEN LENI`: text, standard input (in the form of `printf %b`)
//! - `run Q KEY BOOT DEADLINE TIMEOUT GRACE TELL LEN LENI LINES IDLE`: the same, then lines `W PATH` (scratch), `T TOKEN
//!   PATH` (the lock that must be ours), `F PATH` or `J UNIT` (logs whose cursors are wanted); TELL asks for an `S` frame
//! - `lock Q TOKEN OVER LEN`: the owner; OVER is the run whose lock may be taken over, or `-`
//! - `cancel Q KEY GRACE`, `fence Q KEY`, `state Q KEY`, `forget Q [TOKEN]`, `reap Q [TOKEN]`: the lock of TOKEN is freed
//!
//! Frames, on its standard output, each one write of at most 4,000 bytes that begins with the nonce `N`:
//! - `N K …` the greeting · `N S Q LEN` + cursors · `N R Q REASON` refused, nothing has run · `N U Q L|B
//!   ALIVE` it may have run
//! - `N X Q RC T0 T1 OUT ERR FLAGS INLINE` the end; with INLINE 1 the OUT + ERR bytes follow
//! - `N F Q STATE` · `N C Q LEFT` cancelled · `N D Q` done
//! - `N L Q taken|over|held RUN NUMBER RESTARTED LEN` + owner: the lock; NUMBER is what still runs, or since when
//! - an `ask`: `N B Q`, the raw bytes, a newline, `N TOKEN E Q RC FLAGS`; on standard error likewise
//!
//! Times are hundredths of a second of the host's uptime. A line that is none of these is a lost link, never a guess.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::LinkError;
use super::lock::{Holder, Locked};

/// One line from the runner, after the nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Started { len: usize },
    Refused { reason: String },
    Unknown { state: String, alive: bool },
    Ended(Ended),
    State { state: String },
    Cancelled { left: bool },
    Done,
    Begin,
    Lock { locked: Locked, len: usize },
}

/// The end of claimed work.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are the frame's flags, each on its own")]
pub(super) struct Ended {
    pub exit: i32,
    pub millis: u64,
    pub out: u64,
    pub err: u64,
    pub timed_out: bool,
    pub idle: bool,
    pub cancelled: bool,
    pub background: bool,
    pub cut: bool,
    pub inline: bool,
}

/// Takes a line apart. It must bear the nonce and the number of the request that was asked.
pub(super) fn parse(line: &[u8], nonce: &str, number: u64) -> Result<Frame, LinkError> {
    read(line, nonce, number).ok_or_else(|| {
        let shown: String = String::from_utf8_lossy(line).chars().take(80).collect();
        LinkError::lost(format!("the host answered something that is no frame: {shown:?}"))
    })
}

fn read(line: &[u8], nonce: &str, number: u64) -> Option<Frame> {
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    if words.next()? != nonce {
        return None;
    }
    let kind = words.next()?;
    if words.next()?.parse::<u64>().ok()? != number {
        return None;
    }
    let frame = match kind {
        "S" => Frame::Started { len: words.next()?.parse().ok()? },
        "R" => Frame::Refused { reason: words.next()?.to_owned() },
        "U" => Frame::Unknown { state: words.next()?.to_owned(), alive: words.next()? == "1" },
        "F" => Frame::State { state: words.next()?.to_owned() },
        "C" => Frame::Cancelled { left: words.next()? != "0" },
        "D" => Frame::Done,
        "L" => {
            let (what, run) = (words.next()?, words.next()?.to_owned());
            let number: u64 = words.next()?.parse().ok()?;
            let restarted = words.next()? != "0";
            let len = words.next()?.parse().ok()?;
            let locked = match what {
                "taken" => Locked::Taken,
                "over" => Locked::Over { run, running: number },
                "held" => {
                    let since = (!restarted).then(|| Duration::from_millis(number.saturating_mul(10)));
                    Locked::Held(Holder { run, owner: String::new(), since })
                }
                _ => return None,
            };
            Frame::Lock { locked, len }
        }
        "B" => Frame::Begin,
        "X" => {
            let exit = words.next()?.parse().ok()?;
            let from: u64 = words.next()?.parse().ok()?;
            let to: u64 = words.next()?.parse().ok()?;
            let (out, err) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            let flags: Vec<&str> = words.next()?.split(',').collect();
            let has = |flag: &str| flags.contains(&flag);
            Frame::Ended(Ended {
                exit,
                millis: to.saturating_sub(from) * 10,
                out,
                err,
                timed_out: has("timeout"),
                idle: has("idle"),
                cancelled: has("cancelled"),
                background: has("background"),
                cut: has("cut"),
                inline: words.next()? == "1",
            })
        }
        _ => return None,
    };
    words.next().is_none().then_some(frame)
}

/// Keeps the head and the tail of a stream.
pub(super) struct Kept {
    cap: usize,
    head: Vec<u8>,
    tail: std::collections::VecDeque<u8>,
    pub(super) truncated: bool,
}

impl Kept {
    /// Keeps at most `cap` bytes.
    pub(super) fn new(cap: usize) -> Self {
        Self { cap, head: Vec::new(), tail: std::collections::VecDeque::new(), truncated: false }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = (self.cap - self.cap / 2).saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
        self.tail.extend(&bytes[room..]);
        if let Some(over) = self.tail.len().checked_sub(self.cap / 2).filter(|over| *over > 0) {
            self.tail.drain(..over);
            self.truncated = true;
        }
    }

    pub(super) fn bytes(mut self) -> Vec<u8> {
        self.head.extend(self.tail);
        self.head
    }
}

/// A byte stream with a look ahead.
pub(super) struct Reader {
    inner: Box<dyn AsyncRead + Send + Unpin>,
    buffer: Vec<u8>,
}

impl Reader {
    pub(super) fn new(inner: Box<dyn AsyncRead + Send + Unpin>) -> Self {
        Self { inner, buffer: Vec::new() }
    }

    /// More bytes; `false` at the end of the stream. Cancel-safe.
    pub(super) async fn fill(&mut self) -> Result<bool, LinkError> {
        let read = self.inner.read_buf(&mut self.buffer).await;
        Ok(read.map_err(|e| LinkError::lost(format!("reading from the host: {e}")))? > 0)
    }

    /// What was read and not taken.
    pub(super) fn rest(&self) -> &[u8] {
        &self.buffer
    }

    /// Takes all that was read.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// The next line, without its newline. A line that does not end within 4,096 bytes is no frame.
    pub(super) async fn line(&mut self) -> Result<Vec<u8>, LinkError> {
        loop {
            if let Some(end) = self.buffer.iter().position(|b| *b == b'\n') {
                let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
                line.pop();
                return Ok(line);
            }
            if self.buffer.len() > 4096 {
                return Err(LinkError::lost("the host answered something that is no frame"));
            }
            self.more().await?;
        }
    }

    /// Exactly `len` bytes.
    pub(super) async fn exact(&mut self, len: usize) -> Result<Vec<u8>, LinkError> {
        while self.buffer.len() < len {
            self.more().await?;
        }
        Ok(self.buffer.drain(..len).collect())
    }

    /// All bytes up to the mark, which begins with a newline and is taken away.
    pub(super) async fn until(&mut self, mark: &[u8], kept: &mut Kept) -> Result<(), LinkError> {
        loop {
            let (at, found) = find(&self.buffer, mark);
            kept.push(&self.buffer[..at]);
            self.buffer.drain(..if found { at + mark.len() } else { at });
            if found {
                return Ok(());
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Result<(), LinkError> {
        if self.fill().await? { Ok(()) } else { Err(LinkError::lost("the connection ended")) }
    }
}

/// Where the mark is; when it is not there, the place from which it might still come.
fn find(text: &[u8], mark: &[u8]) -> (usize, bool) {
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|b| *b == mark[0]).map(|i| i + from) {
        let rest = &text[at..];
        if rest.starts_with(mark) {
            return (at, true);
        }
        if rest.len() < mark.len() && mark.starts_with(rest) {
            return (at, false);
        }
        from = at + 1;
    }
    (text.len(), false)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[test]
    fn a_frame_must_bear_the_nonce_and_the_number() {
        let ended = parse(b"n X 7 3 100 250 5 0 timeout,background 1", "n", 7).expect("a frame");
        let Frame::Ended(ended) = ended else { panic!("{ended:?}") };
        assert_eq!((ended.exit, ended.millis, ended.out, ended.err), (3, 1500, 5, 0));
        assert!(ended.timed_out && ended.background && ended.inline && !ended.cut);
        for line in [
            &b"m X 7 3 100 250 5 0 ok 1"[..],
            b"n X 8 3 100 250 5 0 ok 1",
            b"n X 7 3 100",
            b"n D 7 x",
            b"n Z 7",
            b"\xff",
        ] {
            assert!(matches!(parse(line, "n", 7), Err(LinkError::Lost { .. })), "{line:?}");
        }
    }

    #[tokio::test]
    async fn a_mark_is_found_however_the_bytes_are_cut() {
        let text = b"one\ntwo\nN\nN t E rest\nmore";
        for size in 1..text.len() {
            let (mut far, near) = tokio::io::duplex(size);
            tokio::spawn(async move { far.write_all(text).await });
            let mut reader = Reader::new(Box::new(near));
            let mut kept = Kept::new(100);
            reader.until(b"\nN t E ", &mut kept).await.expect("the mark");
            assert_eq!(kept.bytes(), b"one\ntwo\nN");
            assert_eq!(reader.line().await.expect("a line"), b"rest");
            assert!(matches!(reader.line().await, Err(LinkError::Lost { .. })));
        }
    }

    #[test]
    fn head_and_tail_are_kept() {
        let mut kept = Kept::new(6);
        kept.push(b"abc");
        kept.push(b"def");
        assert!(!kept.truncated);
        kept.push(b"gh");
        assert!(kept.truncated);
        assert_eq!(kept.bytes(), b"abcfgh");
    }
}
