//! The person at the gates: `--confirm`, `--yes`, or a terminal.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use rustix::termios::{QueueSelector, tcflush, tcgetattr};
use tokio::sync::{mpsc, watch};

use super::env;
use crate::base::BoxFuture;
use crate::exec::{Canceller, Expects, Grade, Operator, Question, Reply};

/// How long the question may take to appear on the screen before it is asked all the same.
const SHOWN_WITHIN: Duration = Duration::from_secs(2);

/// Answers from the command line first, then from the terminal.
pub struct AtTheTerminal {
    /// What `--confirm` gave for this plan, in order.
    pub given: Mutex<VecDeque<String>>,
    /// Whether `--yes` answers.
    pub yes: bool,
    /// Whether the default of an `ask` answers when there is no terminal.
    pub defaults: bool,
    /// The start of the plan's digest, for the help.
    pub plan: String,
    /// How many questions the reporter has shown.
    pub shown: watch::Receiver<usize>,
    /// How many were asked.
    pub asked: Mutex<usize>,
    /// What is typed.
    pub typed: Typed,
    /// For a terminal that goes away at a question.
    pub canceller: Canceller,
}

impl AtTheTerminal {
    /// Waits until the reporter has shown this question, so that the prompt stands below it.
    async fn until_shown(&self) {
        let number = {
            let mut asked = lock(&self.asked);
            *asked += 1;
            *asked
        };
        let mut shown = self.shown.clone();
        let _ = tokio::time::timeout(SHOWN_WITHIN, shown.wait_for(|n| *n >= number)).await;
    }

    /// The answer that needs no terminal.
    fn unattended(&self, question: &Question) -> Option<Reply> {
        let by = |how: &str| format!("{} ({how})", env::operator());
        if let Some(text) = lock(&self.given).pop_front() {
            return Some(Reply::Typed { text, by: by("--confirm") });
        }
        let terminal = std::io::stdin().is_terminal();
        match &question.expects {
            Expects::Consent(text) if self.yes => Some(Reply::Typed { text: text.clone(), by: by("--yes") }),
            Expects::Answer { default: Some(text), .. } if self.yes || (self.defaults && !terminal) => {
                Some(Reply::Typed { text: text.clone(), by: by("the default") })
            }
            _ if terminal => None,
            expects => {
                let value = match expects {
                    Expects::Answer { .. } => "VALUE".to_owned(),
                    Expects::Consent(_) | Expects::Deed => expects.words().replace('\'', r"'\''"),
                };
                let why = format!("there is no terminal to ask at; give --confirm '{value}@{}'", self.plan);
                Some(Reply::Nobody(why))
            }
        }
    }
}

impl Operator for AtTheTerminal {
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Reply> {
        Box::pin(async move {
            self.until_shown().await;
            if let Some(reply) = self.unattended(question) {
                return reply;
            }
            self.typed.forget().await;
            loop {
                prompt(&question.expects);
                let Some(mut text) = self.typed.line().await else {
                    if self.typed.is_gone() {
                        // nobody has said no: the person is away, as with SIGHUP
                        let _ = self.canceller.at_least(Grade::Leave);
                        return std::future::pending().await;
                    }
                    return Reply::Nobody("the terminal was closed".to_owned());
                };
                if let Expects::Answer { default, .. } = &question.expects {
                    if let (true, Some(default)) = (text.is_empty(), default) {
                        text.clone_from(default);
                    }
                    // a slip is no refusal where any value will do
                    if let Err(why) = question.expects.accepts(&text) {
                        let _ = writeln!(anstream::stderr(), "{}", crate::report::escape(&why));
                        continue;
                    }
                }
                return Reply::Typed { text, by: env::operator() };
            }
        })
    }
}

fn prompt(expects: &Expects) {
    let words = crate::report::escape(&expects.words());
    let mut err = anstream::stderr();
    let _ = match expects {
        Expects::Consent(_) => write!(err, "Type {words} to go on, anything else to stop: "),
        Expects::Deed => write!(err, "Type {words} when it is, anything else to stop: "),
        Expects::Answer { .. } => write!(err, "Type {words}: "),
    };
    let _ = err.flush();
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lines that are typed. One thread reads them all, from the first question on: a question that was withdrawn
/// leaves none behind that would take the answer to the next.
pub struct Typed {
    terminal: Option<File>,
    lines: tokio::sync::Mutex<Option<mpsc::UnboundedReceiver<String>>>,
}

impl Typed {
    /// What is typed at this program's own terminal.
    pub fn here() -> Self {
        Self::at(std::io::stdin().as_fd().try_clone_to_owned().ok().map(File::from))
    }

    fn at(terminal: Option<File>) -> Self {
        Self { terminal, lines: tokio::sync::Mutex::new(None) }
    }

    /// What was typed before a question is no answer to it. A terminal that cannot do that still asks.
    async fn forget(&self) {
        if let Some(terminal) = &self.terminal {
            let _ = tcflush(terminal, QueueSelector::IFlush);
        }
        if let Some(lines) = &mut *self.lines.lock().await {
            while lines.try_recv().is_ok() {}
        }
    }

    /// Whether the terminal is gone, and not only at the end of its input.
    fn is_gone(&self) -> bool {
        self.terminal.as_ref().is_some_and(|terminal| tcgetattr(terminal).is_err_and(|errno| errno == Errno::IO))
    }

    /// The next line; `None`: there will be none.
    async fn line(&self) -> Option<String> {
        let mut lines = self.lines.lock().await;
        let lines = match &mut *lines {
            Some(lines) => lines,
            unread => unread.insert(read_from(self.terminal.as_ref()?.try_clone().ok()?)),
        };
        lines.recv().await
    }
}

/// Reads lines until the end. The thread is left behind when nobody waits for it: it holds nothing.
fn read_from(input: File) -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in BufReader::new(input).lines() {
            let Ok(line) = line else { break };
            if sender.send(line.trim_end_matches('\r').to_owned()).is_err() {
                break;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::os::unix::fs::OpenOptionsExt as _;

    use futures_util::FutureExt as _;
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::*;

    #[tokio::test]
    async fn what_was_typed_before_the_question_does_not_answer_it() {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&keys).expect("ours");
        unlockpt(&keys).expect("open");
        let name = ptsname(&keys, Vec::new()).expect("a name").into_string().expect("a path");
        let screen = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).expect("a flag"))
            .open(name)
            .expect("the other end");
        let mut keys = File::from(keys);
        let typed = Typed::at(Some(screen));
        keys.write_all(b"ahead\n").expect("typed");
        typed.forget().await;
        keys.write_all(b"after\n").expect("typed");
        assert_eq!(typed.line().await.as_deref(), Some("after"));
        // a question that is withdrawn takes no line with it
        assert!(typed.line().now_or_never().is_none());
        keys.write_all(b"next\n").expect("typed");
        assert_eq!(typed.line().await.as_deref(), Some("next"));
    }
}
