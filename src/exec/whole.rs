//! What is asked around a group or a part as a whole: `done_when` and `still` right before its first step, `done_when` and
//! `verify` after its last one.

use crate::action::guard::Verdict;
use crate::runbook::Step;

use super::halt::Halt;
use super::run::Run;

/// What is asked before, answered.
#[derive(Debug)]
pub(super) enum Before {
    /// It is to be done: not for the hosts where it is done already, but for the others.
    Todo { done: Vec<String>, open: Vec<String> },
    /// It is done already, and nothing of it runs.
    Done,
}

impl Run {
    /// Right before the first step of a group or part.
    pub(super) async fn before_all(&mut self, step: &Step, hosts: &[String]) -> Result<Before, Halt> {
        let (done, open) = if step.hosts.is_some() {
            let (done, open) = self.already_done(step, hosts.to_vec()).await?;
            if open.is_empty() && !done.is_empty() {
                self.verify(step, &done).await?;
                return Ok(Before::Done);
            }
            (done, open)
        } else {
            if !step.done_when.is_empty() {
                let judgements = self.judge(&step.done_when, step, &[]).await?;
                if judgements.iter().all(|judgement| judgement.verdict == Verdict::Holds) {
                    self.write_judgements(&step.path, &judgements).await?;
                    self.verify(step, &[]).await?;
                    return Ok(Before::Done);
                }
            }
            (Vec::new(), Vec::new())
        };
        self.ask_again(step).await?;
        self.left_out.extend(done.iter().cloned());
        Ok(Before::Todo { done, open })
    }

    /// After its last step, on the hosts that went through it.
    pub(super) async fn after_all(&mut self, step: &Step, done: &[String], open: &[String]) -> Result<(), Halt> {
        if self.check.is_some() {
            return Ok(());
        }
        let stayed = open.iter().filter(|host| !self.left_out.contains(*host)).cloned().collect::<Vec<_>>();
        if step.hosts.is_some() && stayed.is_empty() && done.is_empty() {
            return Ok(());
        }
        self.follow_up(step, done.to_vec(), stayed).await
    }
}
