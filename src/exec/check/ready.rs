//! Whether hosts have what the steps need: asked before the first step, once a host and user, all at the same time.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use indexmap::{IndexMap, IndexSet};

use crate::action::check::Missing;
use crate::action::fleet::Spot;
use crate::event::{EventKind, Forecast};
use crate::plan::{self, Needed};
use crate::runbook::Step;
use crate::transport::{Ask, Link, LogSource};

use super::super::halt::Halt;
use super::super::run::Run;

const SCRIPT: &str = include_str!("ready.sh");

/// A host's clock may be so far from this machine's before somebody is told.
const SKEW: u64 = 30;

/// Which step lacks what, by its path and the host on which it is carried out.
pub(super) type Lacks = HashMap<(String, String), IndexMap<Needed, String>>;

/// What one host says of everything that is needed there as one user.
struct Asked {
    host: String,
    /// What was asked for, and by which steps.
    needs: IndexMap<Needed, Vec<String>>,
    /// Lines in the order of the needs, or why there are none.
    said: Result<Vec<String>, String>,
    /// How far the host's clock is ahead, in seconds.
    ahead: Option<i64>,
}

impl Run {
    /// Asks all hosts that answer.
    pub(in super::super) async fn look_around(&mut self) -> Result<(), Halt> {
        if self.check.is_none() {
            return Ok(());
        }
        let mut wanted: IndexMap<(String, Option<String>), IndexMap<Needed, Vec<String>>> = IndexMap::new();
        for need in plan::needs(&self.plan) {
            let steps = wanted.entry((need.on, need.user)).or_default().entry(need.what).or_default();
            if !steps.contains(&need.step) {
                steps.push(need.step);
            }
        }
        let links = &self.links;
        let clock = &self.clock;
        let asked = join_all(wanted.into_iter().filter_map(|((host, user), needs)| {
            let link = links.get(&host)?.as_ref().ok()?;
            Some(async move {
                let began = clock.now();
                let said = ask(&**link, user, &needs).await;
                let (now, took) = (clock.now(), clock.now().since(began));
                let (said, time) = said.map_or_else(|why| (Err(why), None), |(time, said)| (Ok(said), time));
                let ahead = time.and_then(|time| ahead(time, now.seconds(), took));
                Asked { host, needs, said, ahead }
            })
        }));
        let asked = self.unless_stopped(asked).await?;
        let mut lacks = Lacks::new();
        let mut notes: IndexSet<String> = IndexSet::new();
        for Asked { host, needs, said, ahead } in asked {
            if let Some(ahead) = ahead {
                let way = if ahead > 0 { "ahead of" } else { "behind" };
                notes.insert(format!("{host}: its clock is {} s {way} this machine's", ahead.abs()));
            }
            for (n, (need, steps)) in needs.into_iter().enumerate() {
                let line = match &said {
                    Ok(lines) => lines.get(n).map_or("ok", String::as_str),
                    Err(why) => why,
                };
                match (line, line.strip_prefix('?')) {
                    ("ok", _) => {}
                    (_, Some(perhaps)) => drop(notes.insert(format!("{host}: {perhaps}"))),
                    (lack, None) => {
                        for step in steps {
                            lacks.entry((step, host.clone())).or_default().insert(need.clone(), lack.to_owned());
                        }
                    }
                }
            }
        }
        let note = |text: String| EventKind::Noted { step: None, by: None, text: self.redactor().redact(text) };
        let notes: Vec<EventKind> = notes.into_iter().map(note).collect();
        if !notes.is_empty() {
            self.log.record(notes).await?;
        }
        if let Some(known) = &mut self.check {
            known.lacks = lacks;
        }
        Ok(())
    }

    /// What a step lacks on a host. It may be there by then where a step before it may bring it.
    pub(super) fn lacking(&self, step: &Step, on: &str) -> Option<Forecast> {
        let known = self.check.as_ref()?;
        let lacks = known.lacks.get(&(step.path.clone(), on.to_owned()))?;
        let changes = || known.changes.get(on).into_iter().flatten().enumerate();
        let provided = |need: &Needed| {
            changes().filter(|(_, change)| !change.blocked && change.makes.may_provide(missing(need))).last()
        };
        let (open, blocked): (Vec<_>, Vec<_>) =
            lacks.iter().map(|(need, why)| (provided(need), why.as_str())).partition(|(by, _)| by.is_some());
        let reason = |all: &[(_, &str)]| {
            // two needs may be lacking in the same words
            let words: IndexSet<&str> = all.iter().map(|(_, why)| *why).collect();
            self.redactor().redact(words.into_iter().collect::<Vec<_>>().join("; "))
        };
        let last = open.iter().filter_map(|(by, _)| *by).max_by_key(|(n, _)| *n);
        Some(match last {
            Some((_, change)) if blocked.is_empty() => {
                Forecast::UnknownUntil { step: change.step.clone(), reason: reason(&open) }
            }
            _ => Forecast::Blocked { reason: reason(&blocked) },
        })
    }

    /// What is lacking on hosts on which a step only watches a log.
    pub(super) async fn check_elsewhere(&self, step: &Step, acting: &[String]) -> Result<(), Halt> {
        let lacks = self.check.iter().flat_map(|known| known.lacks.keys());
        let hosts = lacks.filter(|(path, on)| *path == step.path && !acting.contains(on)).map(|(_, on)| on.as_str());
        let hosts: std::collections::BTreeSet<&str> = hosts.collect();
        for host in hosts {
            if let Some(lacking) = self.lacking(step, host) {
                self.foresee(step, Some(&Spot::at(host)), lacking).await?;
            }
        }
        Ok(())
    }
}

/// What it means that a need is not met.
fn missing(need: &Needed) -> Missing<'_> {
    match need {
        Needed::Program(path) if path.contains('/') => Missing::Path(path),
        Needed::Program(name) => Missing::Program(name),
        Needed::Folder(path) | Needed::Log(LogSource::File(path)) => Missing::Path(path),
        // whom a host knows, and who may be whom
        Needed::User => Missing::Path("/etc"),
        Needed::Spool | Needed::Unlocked | Needed::Log(_) => Missing::Other,
    }
}

/// The host's time and a line for each need.
async fn ask(
    link: &dyn Link,
    user: Option<String>,
    needs: &IndexMap<Needed, Vec<String>>,
) -> Result<(Option<i64>, Vec<String>), String> {
    let words = needs.keys().flat_map(|need| {
        let (kind, value) = match need {
            Needed::User => ("user", "."),
            Needed::Spool => ("spool", "."),
            Needed::Unlocked => ("unlocked", "."),
            Needed::Folder(path) => ("folder", path.as_str()),
            Needed::Program(name) => ("program", name.as_str()),
            Needed::Log(LogSource::File(path)) => ("log", path.as_str()),
            Needed::Log(LogSource::Journal(unit)) => ("journal", unit.as_str()),
            // its engine is asked at the controller, when it is followed
            Needed::Log(LogSource::Container(_)) => ("container", "."),
        };
        [kind.to_owned(), value.to_owned()]
    });
    let ask = Ask { argv: Some(words.collect()), user, timeout: Duration::from_secs(20), ..Ask::script(SCRIPT) };
    let answer = link.look().ask(&ask).await.map_err(|error| error.to_string())?;
    if answer.timed_out {
        return Err("it did not say within 20 s what it has".to_owned());
    }
    let said = String::from_utf8_lossy(&answer.stdout).into_owned();
    let mut lines = said.lines().map(str::to_owned);
    Ok((lines.next().and_then(|time| time.parse().ok()), lines.collect()))
}

/// How far a clock is ahead that showed `theirs` at some time in the last `took`, when that is worth telling.
fn ahead(theirs: i64, ours: i64, took: Duration) -> Option<i64> {
    let slack = i64::try_from(took.as_secs()).unwrap_or(i64::MAX).saturating_add(1);
    let ahead = theirs.saturating_sub(ours);
    let certain = i64::try_from(ahead.unsigned_abs()).unwrap_or(i64::MAX).saturating_sub(slack);
    (certain > i64::try_from(SKEW).unwrap_or(i64::MAX)).then_some(ahead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_told_when_it_is_certainly_off() {
        let quick = Duration::from_millis(10);
        assert_eq!(ahead(1_000, 1_000, quick), None);
        assert_eq!(ahead(1_031, 1_000, quick), None);
        assert_eq!(ahead(1_032, 1_000, quick), Some(32));
        assert_eq!(ahead(900, 1_000, quick), Some(-100));
        assert_eq!(ahead(900, 1_000, Duration::from_secs(90)), None);
    }
}
