//! The end of a dry run: whether a run could start now, or everything that stands in its way.

use crate::event::{Closed, Verdict};

use super::super::run::Run;

impl Run {
    pub(in super::super) fn checked(&self) -> Closed {
        let (reasons, step) = self.log.with_state(|state| {
            let obstacles = state.obstacles();
            let step = obstacles.first().map(|obstacle| obstacle.step.to_owned());
            let words = obstacles.iter().map(|obstacle| {
                let host = obstacle.host.map_or_else(String::new, |host| format!("{host}: "));
                format!("{}: {host}{}", obstacle.step, obstacle.reason)
            });
            (words.collect::<Vec<_>>(), step)
        });
        let done = self.done();
        if reasons.is_empty() {
            let reason = self.redactor().redact("nothing stands in the way of a run");
            return Closed { verdict: Verdict::Ready, reason, ..done };
        }
        Closed { verdict: Verdict::NotReady, reason: self.redactor().redact(reasons.join("\n")), step, ..done }
    }
}
