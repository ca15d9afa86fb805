//! Asking guards: each judgement is written down, and what fails is put into words.

use crate::action::fleet::Spot;
use crate::action::guard::{self, Guard, Judgement, Verdict};
use crate::base::clock::Timestamp;
use crate::event::{EventKind, GuardVerdict};
use crate::journal::JournalError;
use crate::runbook::{Body, Step};

use super::cancel::Grade;
use super::fleet::Surface;
use super::halt::{Halt, Kind, Stop};
use super::run::Run;

/// Instead of what was seen in a step that is sensitive.
pub(super) const NOT_SHOWN: &str = "(sensitive: not shown)";

impl Run {
    /// Judges guards in the surroundings of `step`: those that speak of "this host" for each of `hosts`, the others
    /// once. A person who stops what runs ends this too; what is sensitive is judged and not told.
    pub(super) async fn judge(&self, guards: &[Guard], step: &Step, hosts: &[String]) -> Result<Vec<Judgement>, Stop> {
        let surface = Surface { run: self, step };
        let spots = self.spots(step, hosts)?;
        let asked = guards.iter().flat_map(|guard| {
            let at = |host: &String| Some(Spot::at(host.as_str()));
            let spots: Vec<Option<Spot>> = if guard.needs_host() {
                spots.iter().cloned().map(Some).collect()
            } else if !hosts.is_empty() && guard.is_of_each_host() {
                hosts.iter().map(at).collect()
            } else {
                vec![hosts.first().filter(|_| hosts.len() == 1).and_then(at)]
            };
            spots.into_iter().map(move |spot| (guard, spot))
        });
        let surface = &surface;
        let asked = asked.map(|(guard, spot)| async move {
            let mut judged = guard::judge(guard, surface, spot.as_ref()).await;
            for seen in judged.seen.iter_mut().filter(|_| !step.sensitive) {
                self.with_evidence(guard, seen, spot.as_ref().map(|spot| spot.about.as_str()));
            }
            judged
        });
        let asked = futures_util::future::join_all(asked);
        let mut judgements = self.unless_stopped(asked).await?;
        if step.sensitive {
            judgements.iter_mut().flat_map(|judgement| &mut judgement.seen).for_each(|seen| {
                NOT_SHOWN.clone_into(&mut seen.what);
            });
        }
        Ok(judgements)
    }

    /// What only reads is let go when a person stops what runs: there is no effect to wait for.
    pub(super) async fn unless_stopped<T>(&self, reads: impl Future<Output = T>) -> Result<T, Stop> {
        tokio::select! {
            biased;
            () = self.cancel.reached(Grade::StopHosts) => Err(Stop::new(Kind::Cancelled, "stopped by a person")),
            read = reads => Ok(read),
        }
    }

    /// Writes judgements down, one event for each thing seen that speaks against, or one for all when none does.
    pub(super) async fn write_judgements(&self, step: &str, judgements: &[Judgement]) -> Result<(), JournalError> {
        let redact = |text: &str| self.log.redactor().redact(text);
        let mut events = Vec::new();
        for judgement in judgements {
            // once for the judgement, though what was seen may be many events
            let mut silent = judgement.silent.clone();
            for seen in decisive(judgement) {
                events.push(EventKind::GuardJudged {
                    step: step.to_owned(),
                    guard: redact(&judgement.guard),
                    host: seen.host.clone(),
                    verdict: match seen.verdict {
                        Verdict::Holds => GuardVerdict::Holds,
                        Verdict::Fails => GuardVerdict::Fails,
                        Verdict::Unknown => GuardVerdict::Unknown,
                    },
                    seen: redact(&seen.what),
                    message: judgement.message.as_deref().filter(|_| seen.verdict != Verdict::Holds).map(redact),
                    silent: std::mem::take(&mut silent),
                    reads: self.log.redactor().redact_json(seen.reads.clone()),
                    asked: seen.asked.as_deref().map(redact),
                });
            }
        }
        if events.is_empty() {
            return Ok(());
        }
        self.log.record(events).await.map(|_| ())
    }

    /// A `require` or `symptom` step.
    pub(super) async fn require(&mut self, guards: &[Guard], step: &Step, hosts: &[String]) -> Result<(), Halt> {
        let judgements = self.judge(guards, step, hosts).await?;
        self.write_judgements(&step.path, &judgements).await?;
        self.note_silent(&judgements);
        match failures(&judgements, self.clock.now()) {
            None => Ok(()),
            Some(why) => Err(Stop::new(Kind::Refused, why).on(against(&judgements)).into()),
        }
    }

    /// Hosts that were only silent are named in the next question to a person.
    pub(super) fn note_silent(&mut self, judgements: &[Judgement]) {
        self.silent.extend(judgements.iter().flat_map(|judgement| judgement.silent.iter().cloned()));
    }

    /// Asks the guards of `still` again, immediately before an action: all of them, so that all failures are shown. A
    /// step that `when` leaves out was not asked before either.
    pub(super) async fn ask_again(&mut self, step: &Step) -> Result<(), Halt> {
        let (plan, part) = (std::sync::Arc::clone(&self.plan), self.world.part_book());
        let book = part.as_deref().unwrap_or(&plan.runbook);
        if self.check.is_some() {
            // asked at their own place, and nothing was changed since
            return Ok(());
        }
        let mut failed = Vec::new();
        for id in &step.still {
            let Some(earlier) = book.step(&id.value) else { continue };
            let Body::Judge(_, guards) = &earlier.body else { continue };
            let hosts = match &earlier.hosts {
                Some(selector) => self.world.resolve(selector).map_err(|why| Stop::new(Kind::Refused, why))?,
                None => Vec::new(),
            };
            let meant = match &earlier.hosts {
                Some(_) => self.meant(earlier, hosts)?,
                None if self.when(earlier, None)? => hosts,
                None => continue,
            };
            if earlier.hosts.is_some() && meant.is_empty() {
                continue;
            }
            let judgements = self.judge(guards, earlier, &meant).await?;
            self.write_judgements(&step.path, &judgements).await?;
            self.note_silent(&judgements);
            if let Some(why) = failures(&judgements, self.clock.now()) {
                failed.push(format!("`{}` no longer holds: {why}", id.value));
            }
        }
        if failed.is_empty() { Ok(()) } else { Err(Stop::new(Kind::Refused, failed.join("; ")).into()) }
    }
}

/// What decided a judgement: all that speaks against it, else all that was seen.
fn decisive(judgement: &Judgement) -> Vec<&guard::Seen> {
    let against: Vec<_> = judgement.seen.iter().filter(|seen| seen.verdict != Verdict::Holds).collect();
    if against.is_empty() { judgement.seen.iter().collect() } else { against }
}

/// The hosts that speak against; empty when a failure is not about single hosts.
pub(super) fn against(judgements: &[Judgement]) -> Vec<String> {
    let failed = judgements.iter().filter(|judgement| judgement.verdict != Verdict::Holds).flat_map(decisive);
    failed.map(|seen| seen.host.clone()).collect::<Option<Vec<String>>>().unwrap_or_default()
}

/// Every failure, in one sentence each, with the time of day; `None`: all hold.
pub(super) fn failures(judgements: &[Judgement], at: Timestamp) -> Option<String> {
    let words: Vec<String> = judgements.iter().filter(|j| j.verdict != Verdict::Holds).map(sentence).collect();
    let at = at.rfc3339();
    let time = at.get(11..19).unwrap_or(&at);
    (!words.is_empty()).then(|| format!("{} [seen at {time} UTC]", words.join("; ")))
}

fn sentence(judgement: &Judgement) -> String {
    let seen: Vec<String> = decisive(judgement)
        .into_iter()
        .map(|seen| match &seen.host {
            Some(host) => format!("{host}: {}", seen.what),
            None => seen.what.clone(),
        })
        .collect();
    match &judgement.message {
        Some(message) => format!("{} ({})", message.trim(), seen.join("; ")),
        None => format!("{}: {}", judgement.guard, seen.join("; ")),
    }
}
