//! Why a run does not go on, as a value.

use crate::event::{StepOutcome, Verdict};
use crate::journal::JournalError;

/// Why a step ended the run.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    /// What it means for the step.
    pub(super) kind: Kind,
    /// In one sentence: what was seen.
    pub(super) reason: String,
    /// What to type or do next.
    pub(super) next: Vec<String>,
    /// The hosts on which it went wrong; empty: it is not about single hosts.
    pub(super) hosts: Vec<String>,
    /// The codes with which commands ended, where it is about commands.
    pub(super) exits: Vec<Option<i32>>,
    /// How often it was tried when a process before this one saw it fail, by the journal; 0: it failed just now.
    pub(super) tried: u32,
}

/// What a stop means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A guard or a gate said no.
    Refused,
    /// Something did not work.
    Failed,
    /// A host could not be reached.
    Unreachable,
    /// It is not known what happened.
    Unknown,
    /// A person ended it.
    Cancelled,
}

/// A stop, or the journal's failure, which stops everything.
#[derive(Debug)]
pub(super) enum Halt {
    Stop(Stop),
    Journal(JournalError),
}

impl From<JournalError> for Halt {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl Stop {
    pub(super) fn new(kind: Kind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into(), next: Vec::new(), hosts: Vec::new(), exits: Vec::new(), tried: 0 }
    }

    pub(super) fn next(mut self, next: impl Into<String>) -> Self {
        self.next.push(next.into());
        self
    }

    /// It went wrong on these hosts.
    pub(super) fn on(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.hosts.extend(hosts.into_iter().map(Into::into));
        self
    }

    /// The verdict of the run.
    ///
    /// | kind | nothing changed yet | something changed | past a point of no return |
    /// |---|---|---|---|
    /// | refused | refused | failed | needs attention |
    /// | failed | refused | failed | needs attention |
    /// | unreachable | unreachable | failed | needs attention |
    /// | unknown | needs attention | needs attention | needs attention |
    /// | cancelled | cancelled | cancelled | needs attention |
    pub(super) fn verdict(&self, changed: bool, no_return: bool) -> Verdict {
        match (self.kind, changed, no_return) {
            (Kind::Unknown, ..) | (_, _, true) => Verdict::NeedsAttention,
            (Kind::Cancelled, ..) => Verdict::Cancelled,
            (Kind::Refused | Kind::Failed, false, _) => Verdict::Refused,
            (Kind::Unreachable, false, _) => Verdict::Unreachable,
            (Kind::Refused | Kind::Failed | Kind::Unreachable, true, _) => Verdict::Failed,
        }
    }

    /// The outcome of the step.
    pub(super) fn outcome(&self, redactor: &crate::base::secret::Redactor) -> StepOutcome {
        let reason = redactor.redact(self.reason.clone());
        match self.kind {
            Kind::Refused => StepOutcome::Refused { reason },
            Kind::Failed | Kind::Unreachable => StepOutcome::Failed { reason },
            Kind::Unknown => StepOutcome::Unknown { reason },
            Kind::Cancelled => StepOutcome::Cancelled { reason },
        }
    }
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_verdicts() {
        use Kind::{Cancelled, Failed, Refused, Unknown, Unreachable};
        let rows = [
            (Refused, [Verdict::Refused, Verdict::Failed]),
            (Failed, [Verdict::Refused, Verdict::Failed]),
            (Unreachable, [Verdict::Unreachable, Verdict::Failed]),
            (Unknown, [Verdict::NeedsAttention, Verdict::NeedsAttention]),
            (Cancelled, [Verdict::Cancelled, Verdict::Cancelled]),
        ];
        for (kind, [before, after]) in rows {
            let stop = Stop::new(kind, "");
            assert_eq!(stop.verdict(false, false), before, "{kind:?} before");
            assert_eq!(stop.verdict(true, false), after, "{kind:?} after");
            assert_eq!(stop.verdict(true, true), Verdict::NeedsAttention, "{kind:?} past no return");
        }
    }
}
