//! The end of a dry run: whether a run could start now, or everything that stands in its way.

use crate::event::{Closed, Forecast, Verdict};

use super::super::run::Run;

impl Run {
    pub(in super::super) fn checked(&self) -> Closed {
        let done = self.done();
        let now = self.check.as_ref().is_some_and(|known| known.dry.now);
        let end = |verdict, reason: String, step| Closed {
            verdict,
            reason: self.redactor().redact(reason),
            step,
            ..done.clone()
        };
        self.log.with_state(|state| {
            let absent = state.forecasts().iter().find_map(|foreseen| match &foreseen.forecast {
                Forecast::Absent { reason } => Some((reason, foreseen.unit.step.clone())),
                _ => None,
            });
            if let (true, Some((why, step))) = (now, absent) {
                let reason = format!("the outage is not there, and a run would be refused: {why}");
                return end(Verdict::Refused, reason, Some(step));
            }
            let obstacles = state.obstacles();
            let Some(first) = obstacles.first() else {
                return end(Verdict::Ready, "nothing stands in the way of a run".to_owned(), None);
            };
            let words = obstacles.iter().map(|obstacle| {
                let host = obstacle.host.map_or_else(String::new, |host| format!("{host}: "));
                format!("{}: {host}{}", obstacle.step, obstacle.reason)
            });
            end(Verdict::NotReady, words.collect::<Vec<_>>().join("\n"), Some(first.step.to_owned()))
        })
    }
}
