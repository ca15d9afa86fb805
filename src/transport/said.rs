//! What ssh itself says, apart from what comes from the host: `ssh -E` into a pipe of ours, which needs no file that
//! could be left behind. Why a stream could not be opened stands only here, without a word on which stream it was.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, PipeReader};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::unix::pipe::Receiver;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::LinkError;

/// Reasons that are kept. Who asks for older ones is told that they are not known.
const KEPT: usize = 1024;

/// The log of one ssh.
pub(super) struct Log {
    pipe: Receiver,
    said: Mutex<Said>,
    news: Notify,
}

#[derive(Default)]
struct Said {
    text: String,
    /// The line that is not complete yet.
    rest: Vec<u8>,
    /// Why streams could not be opened, oldest first.
    reasons: VecDeque<String>,
    /// How many reasons there were.
    count: usize,
}

impl Log {
    /// Reads the pipe line by line until its last writer is gone.
    pub(super) fn listen(reader: PipeReader) -> Result<Arc<Self>, LinkError> {
        let pipe = Receiver::from_owned_fd(reader.into()).map_err(|e| LinkError::local("reading ssh's log", e))?;
        let log = Arc::new(Self { pipe, said: Mutex::default(), news: Notify::new() });
        let listener = Arc::clone(&log);
        tokio::spawn(async move {
            while listener.pipe.readable().await.is_ok() {
                if listener.take_in(|bytes| listener.pipe.try_read(bytes)).is_err() {
                    break;
                }
                listener.news.notify_one();
            }
        });
        Ok(log)
    }

    /// Takes in all that can be read now. An error: there will be nothing more.
    fn take_in(&self, mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<()> {
        let mut said = self.said();
        let mut bytes = [0; 4096];
        loop {
            match read(&mut bytes) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => said.take_in(bytes.get(..n).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that ssh has said.
    pub(super) fn text(&self) -> String {
        self.said().text.clone()
    }

    /// All that ssh has said, when it has ended: the reader of the pipe may be a moment behind.
    pub(super) async fn last_words(&self) -> String {
        while timeout(Duration::from_millis(50), self.news.notified()).await.is_ok() {}
        self.text()
    }

    /// How many reasons there were until now.
    pub(super) fn reasons(&self) -> usize {
        self.said().count
    }

    /// The reasons since there were `count`, with all that ssh has written until now: what it wrote before it answered
    /// us is in the pipe. `None`: too many to know.
    pub(super) fn reasons_since(&self, count: usize) -> Option<Vec<String>> {
        // past tokio, which would only read after it was told that there is something
        let _ = self.take_in(|bytes| Ok(rustix::io::read(&self.pipe, bytes)?));
        let said = self.said();
        let new = said.count - count;
        let known = said.reasons.len().checked_sub(new)?;
        Some(said.reasons.iter().skip(known).cloned().collect())
    }
}

impl Said {
    fn take_in(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            self.line(String::from_utf8_lossy(&line).trim_end());
        }
        self.rest.truncate(4096);
    }

    fn line(&mut self, line: &str) {
        tracing::debug!(line, "ssh");
        if let Some((_, reason)) = line.split_once(": open failed: ") {
            self.count += 1;
            self.reasons.push_back(reason.to_owned());
            if self.reasons.len() > KEPT {
                self.reasons.pop_front();
            }
        }
        if self.text.len() < 16 << 10 {
            let _ = writeln!(self.text, "{line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[tokio::test]
    async fn what_was_written_is_known_at_once() {
        let (reader, mut ssh) = std::io::pipe().expect("a pipe");
        let log = Log::listen(reader).expect("a log");
        let before = log.reasons();
        ssh.write_all(b"Warning: no\r\nchannel 2: open failed: connect failed: Connection ").expect("written");
        assert_eq!(log.reasons_since(before), Some(Vec::new()));
        ssh.write_all(b"refused\r\nchannel 3: open failed: unknown\r\n").expect("written");
        let refused = "connect failed: Connection refused".to_owned();
        assert_eq!(log.reasons_since(before), Some(vec![refused, "unknown".to_owned()]));
        assert_eq!(log.reasons_since(1), Some(vec!["unknown".to_owned()]));
        assert_eq!(log.reasons_since(2), Some(Vec::new()));
        for _ in 0..KEPT {
            ssh.write_all(b"channel 3: open failed: many\n").expect("written");
        }
        assert_eq!(log.reasons_since(1), None);
        assert_eq!(log.reasons_since(3).map(|all| all.len()), Some(KEPT - 1));
        drop(ssh);
        assert!(log.last_words().await.starts_with("Warning: no\nchannel 2: open failed: connect failed"));
    }
}
