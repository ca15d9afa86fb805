//! Judging guards: every guard is evaluated, over all its hosts at once, and says what was seen and where.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::action::fleet::{Fleet, Spot};
use crate::action::probe::{Found, Probe, ProbeError};
use crate::action::words::clip;
use crate::template::{Expr, Value};

use super::model::{Amount, Guard, GuardKind, Members};
use super::ports;
use super::seen::{Judgement, Seen, Verdict};

/// Judges all guards of a list. All are evaluated, so that all failures are shown at once.
pub async fn judge_all(guards: &[Guard], fleet: &dyn Fleet, spot: Option<&Spot>) -> Vec<Judgement> {
    join_all(guards.iter().map(|guard| judge(guard, fleet, spot))).await
}

/// Judges one guard in the eyes of the host of `spot`.
pub async fn judge(guard: &Guard, fleet: &dyn Fleet, spot: Option<&Spot>) -> Judgement {
    let mut silent = Vec::new();
    let host = spot.map(|spot| spot.about.as_str());
    let outcome = match &guard.kind {
        GuardKind::That(that) => Ok(plain(that, fleet, host, None)),
        GuardKind::Here(probe, that) => Ok(match spot {
            Some(spot) => here(probe, that, fleet, spot).await,
            None => failure(None, "this guard speaks of a host, and the step has none"),
        }),
        GuardKind::Every(members, when) => every(members, when, fleet).await,
        GuardKind::Count(members, amount) => count(members, *amount, fleet).await,
        GuardKind::Agree(members, value) => compare(members, value, true, fleet).await,
        GuardKind::Differ(members, value) => compare(members, value, false, fleet).await,
        GuardKind::Down(spec) => ports::down(spec, fleet).await.map(|(seen, quiet)| {
            silent = quiet;
            seen
        }),
        GuardKind::Up(spec) => ports::up(spec, fleet).await,
        GuardKind::Quorum(hosts, of) => majority(hosts, of, true, fleet),
        GuardKind::NoQuorum(hosts, of) => majority(hosts, of, false, fleet),
    };
    let (verdict, seen) = match outcome {
        Ok(seen) => (worst(&seen), seen),
        Err(why) => (Verdict::Unknown, failure(None, &why)),
    };
    let message = guard.message.as_ref().and_then(|text| {
        let scope = fleet.scope(host, None);
        text.render(&*scope).map(|rendered| rendered.text).ok()
    });
    Judgement { guard: guard.words(), verdict, seen, message, silent, observes: guard.observes() }
}

/// What was seen, or why nothing could be.
pub(super) type Outcome = Result<Vec<Seen>, String>;

fn worst(seen: &[Seen]) -> Verdict {
    seen.iter().map(|s| s.verdict).max().unwrap_or(Verdict::Holds)
}

fn failure(host: Option<&str>, what: &str) -> Vec<Seen> {
    vec![Seen::new(host, what, Verdict::Unknown)]
}

/// "No hosts" holds for what is said of every one of them.
pub(super) fn no_hosts() -> Vec<Seen> {
    vec![Seen::new(None, "no hosts", Verdict::Holds)]
}

/// Expressions in the eyes of a host, each that is not true being one thing seen.
fn plain(that: &[Expr], fleet: &dyn Fleet, host: Option<&str>, found: Option<&Found>) -> Vec<Seen> {
    let scope = fleet.scope(host, found.map(|found| found.result.clone()));
    let mut seen: Vec<Seen> = that
        .iter()
        .filter_map(|expression| {
            let mut until = None;
            let (what, verdict) = match expression.eval(&*scope) {
                Ok(Value::Bool(true)) => return None,
                Ok(Value::Bool(false)) => (format!("not so: {}", expression.source().value), Verdict::Fails),
                Ok(Value::Unknown(step)) => {
                    until = Some(Arc::clone(&step));
                    (format!("{}: unknown until {step}", expression.source().value), Verdict::Unknown)
                }
                Ok(other) => {
                    (format!("{} is {}, not true or false", expression.source().value, other.kind()), Verdict::Unknown)
                }
                // a probe that found nothing has nothing to compare, and that is what was seen
                Err(_) if found.is_some_and(|found| !found.success) => (String::new(), Verdict::Fails),
                Err(error) => (format!("{}: {error}", expression.source().value), Verdict::Unknown),
            };
            let what = match found {
                Some(found) if what.is_empty() => found.seen.clone(),
                Some(found) => format!("{what}; {}", found.seen),
                None => what,
            };
            Some(Seen::new(host, what, verdict).until(until))
        })
        .collect();
    if seen.is_empty() {
        let what = found.map_or_else(|| "true".to_owned(), |found| found.seen.clone());
        seen.push(Seen::new(host, what, Verdict::Holds));
    }
    seen
}

/// Asks a probe where `spot` is, or from where it says.
pub async fn ask(probe: &Probe, fleet: &dyn Fleet, spot: &Spot) -> Result<Found, ProbeError> {
    let on = match &probe.from {
        None => spot.on.clone(),
        Some(selector) => match fleet.resolve(selector).map_err(ProbeError::NotAsked)?.as_slice() {
            [one] => one.clone(),
            many => {
                return Err(ProbeError::NotAsked(format!("`from` must be one host, and it is {}", many.len())));
            }
        },
    };
    let spot = Spot { about: spot.about.clone(), on };
    let link = fleet.link(&spot.on).map_err(ProbeError::NoLink)?;
    let login = fleet.login(&spot).map_err(ProbeError::NotAsked)?;
    let scope = fleet.scope(Some(&spot.about), None);
    probe.ask(link.look(), &login, &*scope).await
}

/// A probe that cannot be asked fails its guard; of a host that nobody can speak to nothing is known.
fn of_no_answer(error: &ProbeError) -> Verdict {
    if error.is_of_the_link() { Verdict::Unknown } else { Verdict::Fails }
}

async fn here(probe: &Probe, that: &[Expr], fleet: &dyn Fleet, spot: &Spot) -> Vec<Seen> {
    let host = spot.about.as_str();
    let place = |what: String| if spot.is_elsewhere() { format!("{what} (from {})", spot.on) } else { what };
    let seen = |what, verdict| vec![Seen::new(Some(host), place(what), verdict)];
    match ask(probe, fleet, spot).await {
        Err(error) => {
            let until = error.waits_for().cloned();
            let verdict = if until.is_some() { Verdict::Unknown } else { of_no_answer(&error) };
            let unheard = error.is_of_the_link();
            let said = seen(error.to_string(), verdict).into_iter();
            said.map(|seen| Seen { unheard, ..seen.until(until.clone()) }).collect()
        }
        Ok(found) if that.is_empty() => {
            let verdict = if probe.accepts(&found) { Verdict::Holds } else { Verdict::Fails };
            seen(found.seen, verdict)
        }
        Ok(found) => plain(that, fleet, Some(host), Some(&Found { seen: place(found.seen.clone()), ..found })),
    }
}

async fn member(members: &Members, fleet: &dyn Fleet, host: &str) -> Vec<Seen> {
    match &members.probe {
        Some(probe) => here(probe, &members.that, fleet, &Spot::at(host)).await,
        None => plain(&members.that, fleet, Some(host), None),
    }
}

async fn every(members: &Members, when: &[Expr], fleet: &dyn Fleet) -> Outcome {
    let hosts = fleet.resolve(&members.hosts)?;
    let mut meant = Vec::new();
    for host in &hosts {
        match worst(&plain(when, fleet, Some(host), None)) {
            Verdict::Holds => meant.push(host),
            Verdict::Fails => {}
            // whether it is meant is not known, so whether all are so is not known
            Verdict::Unknown => return Ok(plain(when, fleet, Some(host), None)),
        }
    }
    if meant.is_empty() {
        return Ok(no_hosts());
    }
    let seen = join_all(meant.into_iter().map(|host| member(members, fleet, host))).await;
    Ok(seen.into_iter().flatten().collect())
}

async fn count(members: &Members, amount: Amount, fleet: &dyn Fleet) -> Outcome {
    let hosts = fleet.resolve(&members.hosts)?;
    let each = join_all(hosts.iter().map(|host| member(members, fleet, host))).await;
    let holding = each.iter().filter(|seen| worst(seen) == Verdict::Holds).count();
    let unknown = each.iter().filter(|seen| worst(seen) == Verdict::Unknown).count();
    let possible = (holding..=holding + unknown).map(|n| amount.holds(n, hosts.len()));
    let verdict = match (possible.clone().all(|holds| holds), possible.clone().any(|holds| holds)) {
        (true, _) => Verdict::Holds,
        (false, false) => Verdict::Fails,
        (false, true) => Verdict::Unknown,
    };
    let until = each.iter().flatten().filter(|_| verdict == Verdict::Unknown).find_map(|seen| seen.until.clone());
    let mut seen =
        vec![Seen::new(None, format!("{holding} of {} hosts, wanted {amount}", hosts.len()), verdict).until(until)];
    // the members explain the number; the verdict is the number's
    seen.extend(each.into_iter().flatten().map(|s| Seen { verdict: Verdict::Holds, until: None, ..s }));
    Ok(seen)
}

async fn compare(members: &Members, value: &Expr, equal: bool, fleet: &dyn Fleet) -> Outcome {
    let hosts = fleet.resolve(&members.hosts)?;
    if hosts.is_empty() {
        return Ok(no_hosts());
    }
    let values = join_all(hosts.iter().map(|host| async move {
        let result = match &members.probe {
            None => None,
            Some(probe) => match ask(probe, fleet, &Spot::at(host.as_str())).await {
                Ok(found) if probe.accepts(&found) => Some(found.result),
                Ok(found) => return Err((found.seen, Verdict::Fails)),
                Err(error) => return Err((error.to_string(), of_no_answer(&error))),
            },
        };
        value.eval(&*fleet.scope(Some(host), result)).map_err(|error| (error.to_string(), Verdict::Fails))
    }))
    .await;
    let known = |value: &&Value| !matches!(value, Value::Unknown(_));
    let good: Vec<&Value> = values.iter().filter_map(|v| v.as_ref().ok()).filter(known).collect();
    let seen = hosts
        .iter()
        .zip(&values)
        .map(|(host, value)| {
            let mut until = None;
            let (what, verdict) = match value {
                Err(why) => why.clone(),
                Ok(Value::Unknown(step)) => {
                    until = Some(Arc::clone(step));
                    (format!("unknown until {step}"), Verdict::Unknown)
                }
                Ok(value) => {
                    let same = good.iter().filter(|other| ***other == *value).count();
                    let right = if equal { same == good.len() } else { same == 1 };
                    let verdict = if right { Verdict::Holds } else { Verdict::Fails };
                    (clip(&value.to_json().to_string()), verdict)
                }
            };
            let unheard = matches!(value, Err((_, Verdict::Unknown)));
            Seen { unheard, ..Seen::new(Some(host), what, verdict).until(until) }
        })
        .collect();
    Ok(seen)
}

fn majority(
    hosts: &crate::inventory::Selector,
    of: &crate::inventory::Selector,
    wanted: bool,
    fleet: &dyn Fleet,
) -> Outcome {
    let (some, all) = (fleet.resolve(hosts)?, fleet.resolve(of)?);
    let inside = some.iter().filter(|host| all.contains(host)).count();
    let needed = all.len() / 2 + 1;
    let is = inside >= needed;
    let what = format!("{inside} of {} hosts, a majority is {needed}", all.len());
    let verdict = if is == wanted { Verdict::Holds } else { Verdict::Fails };
    Ok(vec![Seen::new(None, what, verdict)])
}
