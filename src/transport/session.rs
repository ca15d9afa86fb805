//! One runner: the controller's end of its frames. A session serves one request at a time; after an error it is not to
//! be used again, since nobody knows where in the stream it stands.

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::channel::{self, Channel};
use super::frame::{self, Ended, Frame, Kept, Reader};
use super::lock::{Locked, Ticket};
use super::look::Answer;
use super::work::Started;
use super::{Connect, Facts, LinkError, Record, log};
use crate::base::{crash, ids};

/// The host side's text.
static RUNNER: LazyLock<&str> = LazyLock::new(|| include_str!("assets/runner.sh").trim_end());

/// The command line that starts a runner, to whom [`Session::greet`] then speaks.
pub(super) fn command(user: Option<&str>, shell: &str) -> Result<String, LinkError> {
    channel::command(RUNNER.len(), user, shell)
}

/// What the controller keeps of an `ask`'s output, for each stream, in bytes.
pub(super) const ASK_CAP: usize = 16 << 20;

/// How long a host may be silent after a request's own time is up, before the link is given up.
const SLACK: Duration = Duration::from_secs(30);

/// What a runner says in its greeting.
#[derive(Clone, Debug)]
pub(super) struct Hello {
    pub facts: Facts,
    /// Where claims are, whether or not that exists.
    pub spool: String,
}

/// How the runner is to be.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub run: String,
    pub shell: Option<String>,
    pub path: Option<String>,
}

impl Terms {
    /// The terms of a run on a host; steps use the runner's own shell if no other is wanted.
    pub(super) fn new(run: &ids::RunId, connect: &Connect, shell: &str) -> Self {
        let shell = connect.shell.clone().or_else(|| Some(shell.to_owned()));
        Self { run: run.to_string(), shell, path: connect.path.clone() }
    }
}

/// A request for claimed work, rendered.
pub(super) struct Order<'a> {
    pub key: &'a str,
    /// Which boot of the host it is for; none: the runner's.
    pub boot: Option<&'a str>,
    pub deadline: u64,
    pub timeout: Duration,
    pub grace: Duration,
    pub idle: Option<Duration>,
    pub text: String,
    pub stdin: String,
    /// `W PATH`, `F PATH`, `J UNIT`.
    pub lines: Vec<String>,
    pub sources: &'a [log::LogSource],
}

/// A living runner.
pub(super) struct Session {
    input: Box<dyn AsyncWrite + Send + Unpin>,
    output: Reader,
    errors: Reader,
    nonce: String,
    number: u64,
    /// The last request was answered to its end, so the next one may follow.
    pub(super) in_step: bool,
    pub(super) hello: Hello,
    _guard: Box<dyn Send + Sync>,
}

/// Why there was no greeting.
pub(super) struct NoGreeting {
    /// What came on standard error.
    pub stderr: String,
    /// Nothing came within the time.
    pub silent: bool,
}

impl Session {
    /// Sends the runner and waits for its greeting. What the login shell says before is discarded.
    pub(super) async fn greet(channel: Channel, terms: &Terms, patience: Duration) -> Result<Self, NoGreeting> {
        let Channel { mut input, output, errors, guard } = channel;
        let nonce = ids::nonce();
        let (mut output, mut errors) = (Reader::new(output), Reader::new(errors));
        let head = format!(
            "{}refloat1 {nonce} {} {}\n{}\n",
            *RUNNER,
            terms.run,
            terms.shell.as_deref().unwrap_or(""),
            terms.path.as_deref().unwrap_or("")
        );
        let greeting = async {
            crash::point("before a runner");
            // A login that ends at once closes its input; what it said is what matters.
            let _ = input.write_all(head.as_bytes()).await;
            let _ = input.flush().await;
            crash::point("after a runner");
            loop {
                let line = output.line().await.ok()?;
                if let Some(hello) = greeting(&line, &nonce) {
                    return Some(hello);
                }
            }
        };
        let drained = async { while errors.rest().len() < 64 << 10 && errors.fill().await.unwrap_or(false) {} };
        let hello = tokio::select! {
            hello = timeout(patience, greeting) => hello,
            () = async { drained.await; std::future::pending::<()>().await } => unreachable!("pending"),
        };
        match hello {
            Ok(Some(hello)) => {
                Ok(Self { input, output, errors, nonce, number: 0, in_step: true, hello, _guard: guard })
            }
            hello => {
                let more = async { while errors.rest().len() < 64 << 10 && errors.fill().await.unwrap_or(false) {} };
                let _ = timeout(Duration::from_millis(500), more).await;
                let stderr = String::from_utf8_lossy(errors.rest()).trim().to_owned();
                Err(NoGreeting { stderr, silent: hello.is_err() })
            }
        }
    }

    /// Runs a text that only looks.
    pub(super) async fn ask(&mut self, text: &str, stdin: &str, limit: Duration) -> Result<Answer, LinkError> {
        let token = ids::nonce();
        self.number += 1;
        let header = format!("ask {} {token} {} {} {}", self.number, centis(limit), section(text), section(stdin));
        self.send(&header, &[text, stdin]).await?;
        let begin = format!("{} B {}\n", self.nonce, self.number);
        let end = format!("\n{} {token} E {}", self.nonce, self.number);
        let (mut out, mut err) = (Kept::new(ASK_CAP), Kept::new(ASK_CAP));
        let both = async {
            tokio::try_join!(
                async {
                    let line = self.output.line().await?;
                    if line != begin.trim_end().as_bytes() {
                        frame::parse(&line, &self.nonce, self.number)?;
                        return Err(LinkError::lost("the host answered something else than what was asked"));
                    }
                    self.output.until(end.as_bytes(), &mut out).await?;
                    self.output.line().await
                },
                async {
                    self.errors.until(begin.as_bytes(), &mut Kept::new(0)).await?;
                    self.errors.until(end.as_bytes(), &mut err).await?;
                    self.errors.line().await
                }
            )
        };
        let (line, _) = timeout(limit.saturating_add(SLACK), both).await.map_err(|_| silent())??;
        let words = String::from_utf8_lossy(&line).into_owned();
        let mut words = words.split_ascii_whitespace();
        let exit = words.next().and_then(|w| w.parse().ok());
        let exit = exit.ok_or_else(|| LinkError::lost("the host answered something that is no frame"))?;
        let timed_out = words.next() == Some("timeout");
        let truncated = out.truncated || err.truncated;
        self.in_step = true;
        Ok(Answer { exit, stdout: out.bytes(), stderr: err.bytes(), timed_out, truncated })
    }

    /// Starts claimed work or attaches to it. The second part of the answer is the output, if it came with the end.
    pub(super) async fn run(
        &mut self,
        order: Order<'_>,
        started: Option<oneshot::Sender<Started>>,
    ) -> Result<(Ended, Option<(Vec<u8>, Vec<u8>)>), LinkError> {
        self.number += 1;
        let lines = order.lines.iter().fold(String::new(), |all, line| all + line + "\n");
        let header = format!(
            "run {} {} {} {} {} {} {} {} {} {} {}",
            self.number,
            order.key,
            order.boot.unwrap_or(&self.hello.facts.boot_id),
            order.deadline,
            centis(order.timeout),
            order.grace.as_secs().max(1),
            u8::from(started.is_some()),
            section(&order.text),
            section(&order.stdin),
            order.lines.len(),
            order.idle.map_or(0, centis)
        );
        self.send_lines(&header, &[&order.text, &order.stdin], &lines).await?;
        let limit = order.timeout.saturating_add(order.grace).saturating_add(SLACK);
        let mut started = started;
        loop {
            match timeout(limit, self.frame()).await.map_err(|_| silent())?? {
                Frame::Started { len } => {
                    let text = self.output.exact(len).await?;
                    let cursors = log::parse(order.sources, &String::from_utf8_lossy(&text))
                        .ok_or_else(|| LinkError::lost("the host answered something that is no cursor"))?;
                    if let Some(started) = started.take() {
                        let _ = started.send(Started { cursors });
                    }
                }
                Frame::Ended(ended) if ended.inline => {
                    let len = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
                    let out = self.output.exact(len(ended.out)).await?;
                    let err = self.output.exact(len(ended.err)).await?;
                    self.in_step = true;
                    return Ok((ended, Some((out, err))));
                }
                Frame::Ended(ended) => {
                    self.in_step = true;
                    return Ok((ended, None));
                }
                // A refusal is an answer like any other, unless the runner could not read the request: then it ends.
                Frame::Refused { reason } => {
                    self.in_step = reason != "body";
                    return Err(refusal(&reason, order.boot.is_some()));
                }
                Frame::Unknown { state, alive } => {
                    self.in_step = true;
                    return Err(LinkError::Unknown {
                        reason: unknown(&state, alive),
                        begun: true,
                        restarted: state == "B",
                    });
                }
                _ => return Err(LinkError::lost("the host answered something else than what was asked")),
            }
        }
    }

    /// Takes the lock of the host, or says who has it.
    pub(super) async fn lock(&mut self, ticket: &Ticket) -> Result<Locked, LinkError> {
        self.number += 1;
        let owner = ticket.owner.replace(|c: char| c.is_control(), " ");
        let over = ticket.over.as_deref().unwrap_or("-");
        let header = format!("lock {} {} {over} {}", self.number, ticket.token, section(&owner));
        self.send(&header, &[&owner]).await?;
        match timeout(SLACK, self.frame()).await.map_err(|_| silent())?? {
            Frame::Lock { mut locked, len } => {
                let owner = self.output.exact(len).await?;
                if let Locked::Held(holder) = &mut locked {
                    holder.owner = String::from_utf8_lossy(&owner).into_owned();
                }
                self.in_step = true;
                Ok(locked)
            }
            Frame::Refused { reason } => {
                self.in_step = reason != "body";
                Err(refusal(&reason, false))
            }
            _ => Err(LinkError::lost("the host answered something else than what was asked")),
        }
    }

    /// Sees to it that a key that has not begun never will, and says what became of one that has.
    pub(super) async fn fence(&mut self, key: &str) -> Result<Record, LinkError> {
        match self.plain("fence", key, Duration::ZERO).await? {
            Frame::State { state } if state == "X" => {}
            Frame::State { state } if state == "N" => return Ok(Record::Never),
            Frame::State { state } if state == "R" => return Ok(Record::Running),
            Frame::State { .. } => return Ok(Record::Lost),
            Frame::Refused { reason } => return Err(refusal(&reason, false)),
            _ => return Err(LinkError::lost("the host answered something else than what was asked")),
        }
        let Frame::Ended(ended) = self.plain("state", key, Duration::ZERO).await? else {
            return Err(LinkError::lost("the host answered something else than what was asked"));
        };
        if ended.inline {
            self.output.exact(usize::try_from(ended.out + ended.err).unwrap_or(usize::MAX)).await?;
        }
        Ok(Record::Ended { exit: ended.exit })
    }

    /// A request without sections.
    pub(super) async fn plain(&mut self, op: &str, words: &str, limit: Duration) -> Result<Frame, LinkError> {
        self.number += 1;
        self.send(format!("{op} {} {words}", self.number).trim_end(), &[]).await?;
        let frame = timeout(limit.saturating_add(SLACK), self.frame()).await.map_err(|_| silent())??;
        self.in_step = true;
        Ok(frame)
    }

    /// The next frame. Standard error is read meanwhile, so that nothing there can hold up the host.
    async fn frame(&mut self) -> Result<Frame, LinkError> {
        let drain = async {
            while self.errors.fill().await.unwrap_or(false) {
                self.errors.take();
            }
            std::future::pending::<()>().await;
        };
        let line = tokio::select! {
            line = self.output.line() => line?,
            () = drain => unreachable!("pending"),
        };
        frame::parse(&line, &self.nonce, self.number)
    }

    async fn send(&mut self, header: &str, sections: &[&str]) -> Result<(), LinkError> {
        self.send_lines(header, sections, "").await
    }

    async fn send_lines(&mut self, header: &str, sections: &[&str], lines: &str) -> Result<(), LinkError> {
        let mut text = String::with_capacity(header.len() + sections.iter().map(|s| s.len() + 1).sum::<usize>() + 32);
        text.push_str(header);
        text.push('\n');
        for part in sections.iter().filter(|part| !part.is_empty()) {
            text.push_str(part);
            text.push('\n');
        }
        text.push_str(lines);
        let _ = writeln!(text, ". {}", self.number);
        self.in_step = false;
        crash::point("before a request");
        let sent = async {
            self.input.write_all(text.as_bytes()).await?;
            self.input.flush().await
        };
        let sent = sent.await;
        crash::point("after a request");
        sent.map_err(|e| LinkError::lost(format!("writing to the host: {e}")))
    }
}

fn greeting(line: &[u8], nonce: &str) -> Option<Hello> {
    let line = String::from_utf8_lossy(line);
    // a login may have printed half a line before
    let (_, rest) = line.split_once(&format!("{nonce} K "))?;
    let words: Vec<&str> = rest.splitn(7, ' ').collect();
    let [boot, machine, uid, login, up, shell, spool] = words.as_slice() else { return None };
    let facts = Facts {
        boot_id: (*boot).to_owned(),
        machine_id: if *machine == "-" { String::new() } else { (*machine).to_owned() },
        uid: uid.parse().ok()?,
        login: (*login).to_owned(),
        uptime: Duration::from_millis(up.parse::<u64>().ok()? * 10),
        shell: (*shell).to_owned(),
    };
    Some(Hello { facts, spool: (*spool).to_owned() })
}

/// Hundredths of a second, at least one; at most some hundred years, which every shell can add up.
fn centis(time: Duration) -> u64 {
    u64::try_from(time.as_millis() / 10).unwrap_or(u64::MAX).clamp(1, 1_000_000_000_000)
}

/// The length of a section on the wire: with its newline, or nothing.
fn section(text: &str) -> usize {
    if text.is_empty() { 0 } else { text.len() + 1 }
}

fn silent() -> LinkError {
    LinkError::lost("the host has been silent for too long")
}

/// What a refusal means. `again`: the same was sent before, and may have been carried out then.
fn refusal(reason: &str, again: bool) -> LinkError {
    match reason {
        // by the clock of a link that was made before this machine slept: another link has another clock
        "expired" => LinkError::lost("the request arrived too late"),
        "rebooted" if again => {
            let reason = "the host was restarted, and has no record of this work".to_owned();
            LinkError::Unknown { reason, begun: false, restarted: true }
        }
        _ => LinkError::NotStarted { reason: explain(reason) },
    }
}

fn unknown(state: &str, alive: bool) -> String {
    let why = if state == "B" { "the host was restarted" } else { "what watched it there was killed" };
    let left = if alive { "; some of its processes still run" } else { "" };
    format!("this work was begun, and {why} before its end was written down{left}")
}

pub(super) fn explain(reason: &str) -> String {
    match reason {
        "nospool" => "the folder for claims (~/.refloat, or /var/tmp/.refloat-UID without a home) cannot be written on the host: its disk is full or read-only, or something else has that name".to_owned(),
        "spoolnotours" => "the folder for claims (~/.refloat, or /var/tmp/.refloat-UID without a home) is a link, or belongs to somebody else on the host: look who made it, and remove it".to_owned(),
        "rebooted" => "the host was restarted since the link was made".to_owned(),
        "fenced" => "this work was cancelled before it started".to_owned(),
        "taken" => "another run has taken the host over, so this one may change nothing there any more".to_owned(),
        "unlocked" => "the lock that this run had on the host is gone: another run took the host over and has ended, or somebody removed it; nothing is changed there without it, and refloat resume takes it again".to_owned(),
        "nosetsid" => "the host has no setsid program".to_owned(),
        "body" => "the request arrived incomplete".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runner_has_as_many_characters_as_bytes_in_every_locale() {
        assert!(RUNNER.is_ascii());
    }
}
