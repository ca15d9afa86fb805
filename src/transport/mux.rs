//! One request of the control socket's protocol that the `openssh` crate does not have: a stream to `host:port` as seen
//! from the far end (`ssh -W`), here without a process for each. See `PROTOCOL.mux` of OpenSSH.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, Interest, ReadBuf};
use tokio::net::UnixStream;

const HELLO: u32 = 1;
const VERSION: u32 = 4;
const NEW_STDIO_FORWARD: u32 = 0x1000_0008;
const DENIED: u32 = 0x8000_0002;
const FAILURE: u32 = 0x8000_0003;
const SESSION_OPENED: u32 = 0x8000_0006;

/// The largest answer that makes sense, in bytes.
const LARGEST: usize = 64 << 10;

/// What the master answered.
pub(super) enum Forwarded {
    /// The stream.
    Open(Forward),
    /// The far end could not open it; the reason stands in the master's log.
    Failed,
    /// The master did not want to.
    Denied(String),
}

/// A stream through the master.
pub(super) struct Forward {
    stream: UnixStream,
    /// Keeps the stream.
    _control: UnixStream,
}

impl AsyncRead for Forward {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Forward {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Asks the master behind `socket` for a stream.
pub(super) async fn forward(socket: &Path, host: &str, port: u16) -> io::Result<Forwarded> {
    let mut control = UnixStream::connect(socket).await?;
    control.write_all(&packet(&[&HELLO.to_be_bytes(), &VERSION.to_be_bytes()])).await?;
    let hello = receive(&mut control).await?;
    if word(&hello, 0) != Some(HELLO) || word(&hello, 1) != Some(VERSION) {
        return Err(io::Error::other("ssh's control socket speaks another protocol"));
    }
    let (near, far) = UnixStream::pair()?;
    let request = [
        &NEW_STDIO_FORWARD.to_be_bytes()[..],
        &1u32.to_be_bytes(),
        &text(""),
        &text(host),
        &u32::from(port).to_be_bytes(),
    ];
    control.write_all(&packet(&request)).await?;
    let far: OwnedFd = far.into_std()?.into();
    for _ in ["input", "output"] {
        control.async_io(Interest::WRITABLE, || pass(&control, &far)).await?;
    }
    drop(far);
    let answer = receive(&mut control).await?;
    match word(&answer, 0) {
        Some(SESSION_OPENED) => Ok(Forwarded::Open(Forward { stream: near, _control: control })),
        Some(FAILURE) => Ok(Forwarded::Failed),
        Some(DENIED) => {
            Ok(Forwarded::Denied(String::from_utf8_lossy(answer.get(12..).unwrap_or_default()).into_owned()))
        }
        _ => Err(io::Error::other("ssh's control socket answered something unknown")),
    }
}

/// One descriptor travels with one byte.
fn pass(control: &UnixStream, fd: &OwnedFd) -> io::Result<()> {
    let fds = [fd.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(io::Error::other("no space for a descriptor"));
    }
    sendmsg(control, &[IoSlice::new(&[0])], &mut ancillary, SendFlags::empty())?;
    Ok(())
}

async fn receive(control: &mut UnixStream) -> io::Result<Vec<u8>> {
    let len = usize::try_from(control.read_u32().await?).unwrap_or(usize::MAX);
    if len > LARGEST {
        return Err(io::Error::other("ssh's control socket answered too much"));
    }
    let mut bytes = vec![0; len];
    control.read_exact(&mut bytes).await?;
    Ok(bytes)
}

fn word(bytes: &[u8], n: usize) -> Option<u32> {
    bytes.get(n * 4..n * 4 + 4)?.try_into().ok().map(u32::from_be_bytes)
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes()
}

fn text(text: &str) -> Vec<u8> {
    [&length(text.as_bytes())[..], text.as_bytes()].concat()
}

fn packet(parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&length(&body)[..], &body].concat()
}
