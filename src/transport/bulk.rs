//! Output beside the frames: a channel of its own, whose stream is the command's. It ends when it is dropped: the
//! command then sees the end of the channel and is killed.

use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::LinkError;
use super::channel::Channel;
use super::frame::{Kept, Reader};
use super::link::Bulk;
use super::look::Answer;
use crate::base::{BoxFuture, crash, ids};

const PRELUDE: &str = include_str!("assets/bulk.sh");

/// The most of standard error that is kept, in bytes.
const ERRORS_CAP: usize = 256 << 10;

/// The text that a bulk channel runs.
pub(super) fn text(script: &str) -> String {
    format!("{PRELUDE}rf_text() {{ set -e; eval {}; }}\nrf_bulk", super::quote::word(script))
}

/// A running command with a channel of its own.
pub(super) struct Streaming {
    output: Reader,
    errors: Reader,
    kept: Kept,
    nonce: String,
    /// Open as long as the command is wanted; with input, closed behind it.
    input: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    errors_open: bool,
    _guard: Box<dyn Send + Sync>,
    _permit: OwnedSemaphorePermit,
}

impl Streaming {
    /// Sends the text and waits until it runs. The error's text is what came on standard error.
    pub(super) async fn start(
        channel: Channel,
        permit: OwnedSemaphorePermit,
        text: &str,
        path: Option<&str>,
        stdin: &[u8],
        patience: Duration,
    ) -> Result<Self, String> {
        let Channel { mut input, output, errors, guard } = channel;
        let (mut output, mut errors) = (Reader::new(output), Reader::new(errors));
        let nonce = ids::nonce();
        let begin = async {
            crash::point("before a bulk request");
            let head = format!("{text}{nonce}\n{}\n{}\n", path.unwrap_or(""), u8::from(!stdin.is_empty()));
            let _ = input.write_all(head.as_bytes()).await;
            let _ = input.flush().await;
            crash::point("after a bulk request");
            loop {
                match output.line().await {
                    // a login may have printed half a line before
                    Ok(line) if line.ends_with(nonce.as_bytes()) => break,
                    Ok(_) => {}
                    Err(_) => return false,
                }
            }
            // what the login said on standard error is not the command's either
            errors.until(format!("{nonce}\n").as_bytes(), &mut Kept::new(0)).await.is_ok()
        };
        if timeout(patience, begin).await != Ok(true) {
            let more = async { while errors.rest().len() < 64 << 10 && errors.fill().await.unwrap_or(false) {} };
            let _ = timeout(Duration::from_millis(500), more).await;
            return Err(String::from_utf8_lossy(errors.rest()).trim().to_owned());
        }
        let input = if stdin.is_empty() {
            Some(input)
        } else {
            let stdin = stdin.to_vec();
            // The command may write before it has read everything.
            tokio::spawn(async move {
                let _ = input.write_all(&stdin).await;
                let _ = input.shutdown().await;
            });
            None
        };
        let kept = Kept::new(ERRORS_CAP);
        Ok(Self { output, errors, kept, nonce, input, errors_open: true, _guard: guard, _permit: permit })
    }

    /// More of standard output into the reader; `false` at its end. Standard error is kept meanwhile. Cancel-safe.
    async fn fill(&mut self) -> Result<bool, LinkError> {
        loop {
            tokio::select! {
                more = self.output.fill() => return more,
                more = self.errors.fill(), if self.errors_open => {
                    self.errors_open = more.unwrap_or(false);
                    self.kept.push(&self.errors.take());
                }
            }
        }
    }

    async fn finish(mut self) -> Result<Answer, LinkError> {
        self.output.take();
        while self.fill().await? {
            self.output.take();
        }
        while self.errors_open {
            self.errors_open = self.errors.fill().await.unwrap_or(false);
            self.kept.push(&self.errors.take());
        }
        drop(self.input.take());
        let truncated = self.kept.truncated;
        let mut stderr = self.kept.bytes();
        let mark = format!("\n{} ", self.nonce).into_bytes();
        let at = stderr.windows(mark.len()).rposition(|w| w == mark);
        let exit = at.and_then(|at| std::str::from_utf8(&stderr[at + mark.len()..]).ok()?.trim().parse().ok());
        let (Some(at), Some(exit)) = (at, exit) else {
            return Err(LinkError::lost("the connection ended"));
        };
        stderr.truncate(at);
        Ok(Answer { exit, stdout: Vec::new(), stderr, timed_out: false, truncated })
    }
}

impl Bulk for Streaming {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<u8>, LinkError>> {
        Box::pin(async move {
            while self.output.rest().is_empty() {
                if !self.fill().await? {
                    break;
                }
            }
            Ok(self.output.take())
        })
    }

    fn end(self: Box<Self>) -> BoxFuture<'static, Result<Answer, LinkError>> {
        Box::pin((*self).finish())
    }
}
