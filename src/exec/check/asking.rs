//! Steps that only ask: guards, probes, picks. They are carried out as in a run, and where a step before them would change
//! what they ask about, their answer is unknown until that step.

use std::time::Duration;

use futures_util::future::join_all;
use indexmap::IndexMap;

use crate::action::check::Observes;
use crate::action::clip;
use crate::action::fleet::Spot;
use crate::action::guard::{Guard, Judgement, Seen, Verdict};
use crate::action::probe::Probe;
use crate::event::Forecast;
use crate::runbook::{Judge, Step};
use crate::template::Value;

use super::super::fleet::Surface;
use super::super::guards::NOT_SHOWN;
use super::super::halt::Halt;
use super::super::run::Run;

/// For what guards are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// `require`, `symptom`.
    Judge(Judge),
    /// `wait`, so long at most: a single round.
    Wait(Duration),
    /// `verify`, where nothing would be done.
    Afterwards,
}

impl Run {
    /// Guards of a step, each judged now.
    pub(super) async fn check_guards(
        &mut self,
        guards: &[Guard],
        step: &Step,
        hosts: &[String],
        asked: Asked,
    ) -> Result<(), Halt> {
        let mut found: Vec<(Option<String>, Forecast)> = Vec::new();
        for guard in guards {
            let selectors = guard.kinds().flat_map(|kind| kind.selectors());
            let later = selectors.into_iter().find_map(|selector| self.world.waits_for(selector));
            if let Some(step) = later {
                let reason = self.redactor().redact(format!("{}: its hosts are picked then", guard.words()));
                found.push((None, Forecast::UnknownUntil { step, reason }));
                continue;
            }
            let judgements = self.judge(std::slice::from_ref(guard), step, hosts).await?;
            self.write_judgements(&step.path, &judgements).await?;
            self.note_silent(&judgements);
            for judgement in &judgements {
                found.extend(self.judged(judgement, asked));
            }
        }
        let symptom = asked == Asked::Judge(Judge::Symptom);
        let absent = found.iter().position(|(_, forecast)| matches!(forecast, Forecast::Absent { .. }));
        if let (true, Some(absent)) = (symptom, absent) {
            // one that says no is enough
            found = vec![found.swap_remove(absent)];
        }
        if found.is_empty() && asked != Asked::Afterwards {
            found.push((None, Forecast::Holds));
        }
        for (host, forecast) in found {
            self.foresee(step, host.map(Spot::at).as_ref(), forecast).await?;
        }
        Ok(())
    }

    /// What speaks against a guard, or may do so when it is asked in a run.
    fn judged(&self, judgement: &Judgement, asked: Asked) -> Vec<(Option<String>, Forecast)> {
        let redact = |text: String| self.redactor().redact(text);
        let all: Vec<&str> = judgement.seen.iter().filter_map(|seen| seen.host.as_deref()).collect();
        if judgement.verdict == Verdict::Holds {
            let until = self.decided_by(all, judgement.observes);
            let reason = || redact(format!("holds now: {}", judgement.guard));
            return until.map(|step| (None, Forecast::UnknownUntil { step, reason: reason() })).into_iter().collect();
        }
        let against = judgement.seen.iter().filter(|seen| seen.verdict != Verdict::Holds);
        let one = |seen: &Seen| {
            let hosts = seen.host.as_deref().map_or_else(|| all.clone(), |host| vec![host]);
            let until = seen.until.as_ref().map(ToString::to_string);
            let changed = || self.decided_by(hosts, judgement.observes);
            let why = words(judgement, seen);
            let forecast = match (until.clone().or_else(changed), asked) {
                (Some(step), _) if until.is_some() => Forecast::UnknownUntil { step, reason: redact(why) },
                (Some(step), _) => Forecast::UnknownUntil { step, reason: redact(format!("fails now: {why}")) },
                (None, Asked::Judge(Judge::Symptom)) if seen.verdict == Verdict::Fails => {
                    Forecast::Absent { reason: redact(why) }
                }
                (None, _) if seen.unheard => Forecast::Blocked { reason: redact(why) },
                (None, Asked::Wait(within)) => {
                    let within = crate::action::seconds(within);
                    let words = "not so now, and nothing before it would change that";
                    Forecast::Blocked { reason: redact(format!("{words} (it is waited for {within}): {why}")) }
                }
                (None, Asked::Afterwards) => {
                    Forecast::Blocked { reason: redact(format!("nothing is to be done, and yet: {why}")) }
                }
                (None, Asked::Judge(_)) => Forecast::Blocked { reason: redact(why) },
            };
            (seen.host.clone(), forecast)
        };
        against.map(one).collect()
    }

    pub(super) async fn check_gather(
        &mut self,
        probes: &IndexMap<String, Probe>,
        step: &Step,
        hosts: &[String],
    ) -> Result<(), Halt> {
        let spots = self.spots(step, hosts)?;
        let run: &Self = self;
        let found = join_all(spots.iter().map(|spot| {
            join_all(probes.iter().map(async move |(name, probe)| {
                let hosts = [spot.about.as_str(), spot.on.as_str()];
                // an answer of now is none
                let until = run.decided_by(hosts, probe.kind.observes());
                let value = match &until {
                    Some(_) => None,
                    None => Some(Surface { run, step }.value(probe, spot).await),
                };
                (name.as_str(), until, value)
            }))
        }));
        let found = self.unless_stopped(found).await?;
        let mut kept: Option<&str> = None;
        for (spot, found) in spots.iter().zip(found) {
            let (host, id) = (spot.about.as_str(), &step.id.value);
            // of several hosts that were asked about one, the first one's values count
            let counts = kept.replace(host) != Some(host);
            let (mut read, mut against) = (Vec::new(), Vec::new());
            if counts {
                self.world.foresee(id, host);
            }
            for (name, until, value) in found {
                match (until, value) {
                    (None, Some(Ok(value))) => {
                        let told = || clip(&value.to_json().to_string());
                        read.push(format!("{name} = {}", if step.sensitive { NOT_SHOWN.to_owned() } else { told() }));
                        if counts {
                            self.found(step, host, name, value);
                        }
                    }
                    (None, Some(Err(error))) => {
                        let told = match &error {
                            error if error.is_of_the_link() => error.to_string(),
                            _ if step.sensitive => format!("{name}: {NOT_SHOWN}"),
                            error => format!("{name}: {error}"),
                        };
                        let reason = self.redactor().redact(told);
                        against.push(match error.waits_for() {
                            Some(step) => Forecast::UnknownUntil { step: step.to_string(), reason },
                            None => Forecast::Blocked { reason },
                        });
                    }
                    (until, _) => {
                        let until = until.unwrap_or_else(|| id.clone());
                        if counts {
                            self.world.output(id, host, name, Value::unknown(until.as_str()));
                        }
                        let reason = self.redactor().redact(format!("{name} is read then"));
                        against.push(Forecast::UnknownUntil { step: until, reason });
                    }
                }
            }
            if against.is_empty() && counts {
                self.world.outcome(id, host, "ok");
            }
            if !read.is_empty() {
                let what = self.redactor().redact(read.join("\n"));
                self.foresee(step, Some(spot), Forecast::Known { what }).await?;
            }
            for forecast in against {
                self.foresee(step, Some(spot), forecast).await?;
            }
        }
        Ok(())
    }

    /// Hosts of a step on which something is observed that an earlier step would change.
    pub(super) fn gate_decided_by(&self, guards: &[Guard], hosts: &[String]) -> Option<String> {
        let observes = guards.iter().map(Guard::observes).max().unwrap_or(Observes::Nothing);
        self.decided_by(hosts.iter().map(String::as_str), observes)
    }
}

fn words(judgement: &Judgement, seen: &Seen) -> String {
    match &judgement.message {
        // it is one reason, whatever was to be asked
        _ if seen.unheard => seen.what.clone(),
        Some(message) => format!("{} ({})", message.trim(), seen.what),
        // it says itself which expression is not true
        None if seen.what.starts_with("not so: ") => seen.what.clone(),
        None => format!("{}: {}", judgement.guard, seen.what),
    }
}
