//! The person at the gates: `--confirm`, `--yes`, or a terminal.

use std::collections::VecDeque;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::os::fd::AsFd;
use std::sync::Mutex;
use std::time::Duration;

use rustix::termios::{QueueSelector, tcflush};
use tokio::sync::{oneshot, watch};

use super::env;
use crate::base::BoxFuture;
use crate::exec::{Operator, Question, Reply};

/// How long the question may take to appear on the screen before it is asked all the same.
const SHOWN_WITHIN: Duration = Duration::from_secs(2);

/// Answers from the command line first, then from the terminal.
pub struct AtTheTerminal {
    /// What `--confirm` gave for this plan, in order.
    pub given: Mutex<VecDeque<String>>,
    /// Whether `--yes` answers.
    pub yes: bool,
    /// The start of the plan's digest, for the help.
    pub plan: String,
    /// How many questions the reporter has shown.
    pub shown: watch::Receiver<usize>,
    /// How many were asked.
    pub asked: Mutex<usize>,
}

impl AtTheTerminal {
    /// Waits until the reporter has shown this question, so that the prompt stands below it.
    async fn until_shown(&self) {
        let number = {
            let mut asked = self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *asked += 1;
            *asked
        };
        let mut shown = self.shown.clone();
        let _ = tokio::time::timeout(SHOWN_WITHIN, shown.wait_for(|n| *n >= number)).await;
    }
}

impl Operator for AtTheTerminal {
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Reply> {
        Box::pin(async move {
            self.until_shown().await;
            let given = self.given.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop_front();
            if let Some(text) = given {
                return Reply::Typed { text, by: format!("{} (--confirm)", env::operator()) };
            }
            if self.yes {
                return Reply::Typed { text: question.expects.clone(), by: format!("{} (--yes)", env::operator()) };
            }
            if !std::io::stdin().is_terminal() {
                return Reply::Nobody(format!(
                    "there is no terminal to ask at; give --confirm '{}@{}'",
                    question.expects.replace('\'', r"'\''"),
                    self.plan
                ));
            }
            let line = read_line(&question.expects);
            let line = match question.deadline {
                Some(deadline) => match tokio::time::timeout(deadline, line).await {
                    Ok(line) => line,
                    Err(_) => return Reply::Expired,
                },
                None => line.await,
            };
            match line {
                Some(text) => Reply::Typed { text, by: env::operator() },
                None => Reply::Nobody("the terminal was closed".to_owned()),
            }
        })
    }
}

/// What was typed before a question is no answer to it. A terminal that cannot do that still asks.
fn discard_typed(terminal: &impl AsFd) {
    let _ = tcflush(terminal, QueueSelector::IFlush);
}

/// One line from the terminal. The reading thread is left behind when nobody waits for it: it holds nothing.
async fn read_line(expects: &str) -> Option<String> {
    discard_typed(&std::io::stdin());
    let mut err = anstream::stderr();
    let expects = crate::report::escape(expects);
    let _ = write!(err, "Type {expects} to go on, anything else to stop: ");
    let _ = err.flush();
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        let _ = sender.send(matches!(read, Ok(n) if n > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned()));
    });
    receiver.await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::*;

    #[test]
    fn what_was_typed_before_the_question_does_not_answer_it() {
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
        keys.write_all(b"ahead\n").expect("typed");
        discard_typed(&screen);
        keys.write_all(b"after\n").expect("typed");
        let mut line = String::new();
        std::io::BufReader::new(screen).read_line(&mut line).expect("a line");
        assert_eq!(line, "after\n");
    }
}
