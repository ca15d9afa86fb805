//! Guards and probes: what they read, whom they ask, and what of a `result` they use.

use crate::action::guard::{Guard, GuardKind, Members};
use crate::action::probe::Probe;
use crate::template::Expr;

use super::Check;
use super::names::{Answer, Place};

impl Check<'_> {
    pub(super) fn probe(&self, probe: &Probe, place: &Place) {
        probe.texts(&mut |text| self.texts.check(text, &self.known, place));
        probe.argv().for_each(|word| self.texts.check_word(word, &self.known));
        if let Some(value) = &probe.value {
            self.texts.check(value, &self.known, &place.after(probe));
        }
        if let (Some(selectors), Some(from)) = (&self.selectors, &probe.from) {
            selectors.check(from);
        }
    }

    pub(super) fn guards(&self, guards: &[Guard], place: &Place) {
        for guard in guards {
            guard.message.iter().for_each(|text| self.texts.check(text, &self.known, place));
            let broken = if guard.broken { &place.with_result(Answer::Any) } else { place };
            guard.kinds().for_each(|kind| self.guard(kind, place, broken));
        }
    }

    /// One statement. `broken`: the place as seen by one whose probe may not have been understood.
    fn guard(&self, kind: &GuardKind, place: &Place, broken: &Place) {
        if let Some(selectors) = &self.selectors {
            kind.selectors().into_iter().for_each(|selector| selectors.check(selector));
        }
        match kind {
            GuardKind::That(that) => {
                for e in that {
                    self.texts.truth(e, &self.known, broken);
                }
            }
            GuardKind::Here(probe, that) => {
                self.probe(probe, place);
                let after = place.after(probe);
                for e in that {
                    self.texts.truth(e, &self.known, &after);
                }
            }
            GuardKind::Every(members, when) => {
                for e in when {
                    self.texts.truth(e, &self.known, &Place::host());
                }
                self.members(members, None);
            }
            GuardKind::Count(members, _) => self.members(members, None),
            GuardKind::Agree(members, value) | GuardKind::Differ(members, value) => {
                self.members(members, Some(value));
            }
            GuardKind::Down(_) | GuardKind::Up(_) | GuardKind::Quorum(..) | GuardKind::NoQuorum(..) => {}
        }
    }

    fn members(&self, members: &Members, value: Option<&Expr>) {
        let place = match &members.probe {
            Some(probe) => {
                self.probe(probe, &Place::host());
                Place::host().after(probe)
            }
            None => Place::host(),
        };
        members.that.iter().for_each(|e| self.texts.truth(e, &self.known, &place));
        if let Some(value) = value {
            self.texts.check(value, &self.known, &place);
        }
    }
}
