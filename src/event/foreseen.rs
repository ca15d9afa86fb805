//! What a dry run foresees, and the two answers that follow from it.

use serde::{Deserialize, Serialize};

use super::state::RunState;
use super::unit::Unit;
use crate::base::secret::Redacted;

/// What is foreseen for a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "forecast", rename_all = "snake_case")]
pub enum Forecast {
    /// It is so already.
    Holds,
    /// It was read or worked out, as a run would do it.
    Known { what: Redacted },
    /// It would change this.
    WouldChange { diff: Redacted },
    /// It would run this.
    WouldRun { command: Redacted },
    /// It would ask a person.
    WouldAsk { message: Redacted, expects: Redacted },
    /// The outage is not there: nothing to recover.
    Absent { reason: Redacted },
    /// It could not.
    Blocked { reason: Redacted },
    /// It would not be wanted.
    Skipped { reason: Redacted },
    /// It depends on what another step finds.
    UnknownUntil { step: String, reason: Redacted },
}

/// A forecast, and of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreseen {
    /// Of what.
    pub unit: Unit,
    /// What is foreseen.
    pub forecast: Forecast,
    /// Whether it is wanted at all is not known before this step has run.
    pub perhaps: Option<String>,
    /// What would be sent to the host, when that was asked for.
    pub sends: Option<Redacted>,
}

/// Whether the outage is there that a runbook is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Symptom {
    /// It is.
    Present,
    /// It is not: there is nothing to recover.
    Absent,
    /// It cannot be told now.
    Unknown,
}

impl Symptom {
    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Absent => "absent",
            Self::Unknown => "unknown",
        }
    }
}

/// Why a run could not be made now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle<'a> {
    /// The first step that it stops.
    pub step: &'a str,
    /// The host, if it is about one.
    pub host: Option<&'a str>,
    /// What was seen.
    pub reason: &'a Redacted,
}

/// What is otherwise than in an earlier dry run of the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What stands in the way now and did not.
    pub blocked: Vec<Place>,
    /// What stood in the way and does not any more.
    pub recovered: Vec<Place>,
    /// Whether the outage is there, then and now, where that is otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symptom: Option<(Option<Symptom>, Option<Symptom>)>,
}

impl Change {
    /// Whether nothing is otherwise.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A step that something stands in the way of, on a host, if it is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The step.
    pub step: String,
    /// The host.
    pub host: Option<String>,
    /// What was seen there.
    pub reason: Redacted,
}

impl Place {
    fn is_the_same(&self, other: &Self) -> bool {
        let reason = |place: &Self| without_numbers(place.reason.as_str());
        (&self.step, &self.host, reason(self)) == (&other.step, &other.host, reason(other))
    }
}

/// A text without what may be a measurement: numbers that stand alone, also with a unit behind them.
fn without_numbers(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        let word = word.trim_matches(|c: char| c.is_ascii_punctuation());
        if word.starts_with(|c: char| c.is_ascii_digit()) { "#" } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

impl RunState {
    /// What has changed since an earlier dry run; without one, since all was well. The same with other numbers, such as
    /// what is free on a disk, is no change.
    #[must_use]
    pub fn change_since(&self, before: Option<&Self>) -> Change {
        let places = |state: &Self| -> Vec<Place> {
            let all = state.obstacles().into_iter().map(|obstacle| Place {
                step: obstacle.step.to_owned(),
                host: obstacle.host.map(str::to_owned),
                reason: obstacle.reason.clone(),
            });
            all.collect()
        };
        let (then, now) = (before.map(places).unwrap_or_default(), places(self));
        let other = |these: &[Place], those: &[Place]| {
            let same = |one: &Place| those.iter().any(|other| other.is_the_same(one));
            these.iter().filter(|one| !same(one)).cloned().collect()
        };
        let (blocked, recovered) = (other(&now, &then), other(&then, &now));
        let was = before.map_or_else(|| self.symptom().map(|_| Symptom::Absent), Self::symptom);
        let symptom = (was != self.symptom()).then(|| (was, self.symptom()));
        Change { blocked, recovered, symptom }
    }

    /// What a dry run foresaw.
    #[must_use]
    pub fn forecasts(&self) -> &[Foreseen] {
        &self.forecasts
    }

    /// Whether the outage is there; `None`: the runbook has no `symptom`.
    #[must_use]
    pub fn symptom(&self) -> Option<Symptom> {
        let asks = |step: &str| self.header.outline.iter().any(|known| known.step == step && known.action == "symptom");
        let asked = self.forecasts.iter().filter(|foreseen| asks(&foreseen.unit.step));
        let each = asked.map(|foreseen| match foreseen.forecast {
            Forecast::Absent { .. } => Symptom::Absent,
            Forecast::Holds => Symptom::Present,
            _ => Symptom::Unknown,
        });
        each.fold(None, |all, one| match (all, one) {
            (Some(Symptom::Absent), _) | (_, Symptom::Absent) => Some(Symptom::Absent),
            (None | Some(Symptom::Present), now) => Some(now),
            (unknown, _) => unknown,
        })
    }

    /// Everything that would stop a run, each host and reason once.
    #[must_use]
    pub fn obstacles(&self) -> Vec<Obstacle<'_>> {
        let mut all: Vec<Obstacle<'_>> = Vec::new();
        for foreseen in &self.forecasts {
            let Forecast::Blocked { reason } = &foreseen.forecast else { continue };
            let host = foreseen.unit.about.as_deref();
            if !all.iter().any(|known| known.host == host && known.reason == reason) {
                all.push(Obstacle { step: &foreseen.unit.step, host, reason });
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::without_numbers;

    #[test]
    fn what_was_measured_makes_no_other_reason() {
        let same = |a: &str, b: &str| without_numbers(a) == without_numbers(b);
        assert!(same("no room in /srv: 12 KiB are free", "no room in /srv: 7 KiB are free"));
        assert!(same("(not so: lt result.value 5; exit 0: 17.5)", "(not so: lt result.value 5; exit 0: 9)"));
        assert!(!same("there is no flag1", "there is no flag2"));
        assert!(!same("sudo refused: a password is required", "no room in /srv: 7 KiB are free"));
    }
}
