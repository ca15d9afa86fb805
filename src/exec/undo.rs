//! `on_failure: undo`: what it is written on is put back, newest first; what cannot be put back is told, with what a
//! person can do.
//!
//! Undoing is work like any other: its units are written down before a host hears of them, in the phase `undo`. On a host
//! where a step could not be put back nothing older is put back either: it rests on what is newer.

use futures_util::future::join_all;
use indexmap::{IndexMap, IndexSet};
use tokio_util::sync::CancellationToken;

use crate::action::fleet::Spot;
use crate::action::{Action, Effect, Ready};
use crate::base::digest::Digest;
use crate::base::ids::UnitKey;
use crate::event::{EventKind, Phase, RunState, StepOutcome, UnitStart};
use crate::journal::JournalError;
use crate::runbook::{Body, Step, Undo};
use crate::transport::Hands;

use super::act::Part;
use super::halt::{Halt, Kind, Stop};
use super::run::Run;
use super::unwind::{Back, named, past, undone, unwind};

/// Hosts on which something is left, and why.
type Left = IndexMap<String, String>;

impl Run {
    /// Puts back what these steps did, on all hosts or only on some, and says how the run stands then.
    pub(super) async fn undo(
        &mut self,
        steps: &[&Step],
        only: Option<&[String]>,
        mut stop: Stop,
    ) -> Result<Stop, JournalError> {
        if stop.kind == Kind::Cancelled {
            self.left_to_a_person(steps, only, &mut stop);
            return Ok(stop);
        }
        let state = self.log.state();
        if state.open_units().any(|unit| unit.start.unit.phase == Phase::Apply) {
            // it may run at this moment
            return Ok(stop);
        }
        let gone = past(&state, steps);
        if !gone.is_empty() {
            self.no_way_back(&state, steps, &gone, &mut stop);
            return Ok(stop);
        }
        let backs = unwind(&state, steps, only);
        // what a process before this one has put back is told as well
        let before = if self.memory.is_some() { undone(&state, steps, only) } else { Vec::new() };
        if backs.is_empty() && before.is_empty() {
            return Ok(stop);
        }
        self.phase = Phase::Undo;
        let around = self.world.items().cloned();
        let mut left = Left::new();
        let mut by_hand = Vec::new();
        for back in &backs {
            let part = self.world.enter_part_of(&back.step.path);
            self.world.each(self.items_at(back.step, back.item));
            let undone = self.undo_step(back, &mut left).await;
            self.world.each(around.clone());
            self.world.enter(&part);
            self.entry = None;
            if let Err(error) = undone {
                self.phase = Phase::Apply;
                return Err(error);
            }
            for spot in back.spots.keys().filter(|spot| left.contains_key(&spot.about)) {
                by_hand.extend(self.by_hand(&state, back.step, spot));
            }
        }
        self.phase = Phase::Apply;
        if left.is_empty() {
            let none = |back: &&Back<'_>| matches!(back.step.undo, Undo::None);
            let (kept, backs): (Vec<&Back<'_>>, Vec<_>) = before.iter().chain(&backs).partition(none);
            if stop.kind == Kind::Unknown && kept.is_empty() {
                // whatever it was, it is as it was before
                stop.kind = Kind::Failed;
            }
            let mut told = Vec::new();
            if !backs.is_empty() {
                let (steps, hosts) = named(&backs);
                let whole = if kept.is_empty() { ": it is as it was before" } else { "" };
                told.push(format!("{steps} put back on {hosts}{whole}"));
            }
            if !kept.is_empty() {
                let (steps, hosts) = named(&kept);
                told.push(format!("what {steps} did on {hosts} stands: `undo: none` says so"));
            }
            return Ok(told.into_iter().fold(stop, Stop::next));
        }
        let why: Vec<String> = left.iter().map(|(host, why)| format!("{host}: {why}")).collect();
        stop.kind = Kind::Unknown;
        stop.reason = format!("{}; and not everything could be put back: {}", stop.reason, why.join("; "));
        stop.next.push("by hand, in this order:".to_owned());
        stop.next.extend(by_hand);
        Ok(stop)
    }

    /// One step, on the hosts where nothing newer is left.
    async fn undo_step(&mut self, back: &Back<'_>, left: &mut Left) -> Result<(), JournalError> {
        let step = back.step;
        for spot in back.spots.keys() {
            if let Some(why) = self.failed_to_undo(step, spot) {
                left.entry(spot.about.clone()).or_insert(why);
            }
        }
        let spots: Vec<(Spot, Vec<UnitKey>)> = back
            .spots
            .iter()
            .filter(|(spot, _)| !left.contains_key(&spot.about))
            .map(|(spot, keys)| (spot.clone(), keys.clone()))
            .collect();
        if spots.is_empty() {
            return Ok(());
        }
        let names = abouts(spots.iter().map(|(spot, _)| spot));
        let opened = EventKind::StepOpened {
            step: step.path.clone(),
            phase: Phase::Undo,
            title: self.redactor().redact(step.heading()),
            why: None,
            action: step.body.key().to_owned(),
            hosts: names.clone(),
            items: None,
            pass: back.item.into_iter().collect(),
            list: None,
        };
        self.log.record(vec![opened]).await?;
        let before = left.len();
        let outcome = match (&step.undo, &step.body) {
            (Undo::None, _) => StepOutcome::Skipped {
                reason: self.redactor().redact(format!("undo: none. {}", step.why.as_deref().unwrap_or_default())),
            },
            (Undo::List(entries), _) => {
                self.undo_list(step, entries, spots, left).await?;
                StepOutcome::Changed
            }
            (Undo::Auto, Body::Action(action)) => {
                self.put_back(&**action, step, &spots, left).await?;
                StepOutcome::Changed
            }
            (Undo::Auto, _) => StepOutcome::Ok,
        };
        let outcome = if left.len() == before {
            outcome
        } else {
            let why: Vec<String> = left.iter().skip(before).map(|(host, why)| format!("{host}: {why}")).collect();
            StepOutcome::Failed { reason: self.redactor().redact(why.join("; ")) }
        };
        let closed = EventKind::StepClosed { step: step.path.clone(), phase: Phase::Undo, outcome };
        self.log.record(vec![closed]).await.map(|_| ())
    }

    /// By what the action knows.
    async fn put_back(
        &mut self,
        action: &dyn Action,
        step: &Step,
        spots: &[(Spot, Vec<UnitKey>)],
        left: &mut Left,
    ) -> Result<(), JournalError> {
        let (mut ready, mut starts) = (Vec::new(), Vec::new());
        for (spot, keys) in spots {
            if self.is_put_back(step, spot, keys) {
                continue;
            }
            match self.ready_to_undo(action, step, spot, keys) {
                Ok((one, what)) => {
                    self.turn(step, spot, Effect::Reads);
                    let body = Digest::of_parts(["undo", &one.body()]);
                    starts.push(UnitStart::new(self.unit_at(step, spot), body, self.redactor().redact(what)));
                    ready.push((spot, keys, one));
                }
                Err(why) => drop(left.insert(spot.about.clone(), why)),
            }
        }
        let permits = match self.hold_hosts().await {
            Ok(()) => self.permits(step, starts).await,
            Err(halt) => Err(halt),
        };
        let permits = match permits {
            Ok(permits) => permits,
            Err(Halt::Journal(error)) => return Err(error),
            Err(Halt::Stop(stop)) => {
                left.extend(ready.iter().map(|(spot, ..)| (spot.about.clone(), stop.reason.clone())));
                return Ok(());
            }
        };
        let links: Vec<_> =
            ready.iter().filter_map(|(spot, ..)| self.links.get(&spot.on)?.as_ref().ok().cloned()).collect();
        let parts: Vec<(&[UnitKey], Part<'_>)> = ready
            .into_iter()
            .zip(permits.into_iter().zip(&links))
            .map(|((spot, keys, ready), (permit, link))| {
                (&keys[..], Part { spot, ready, hands: Hands::new(&**link, permit), begun: false })
            })
            .collect();
        let run: &Self = self;
        let work = parts
            .iter()
            .map(|(keys, part)| run.carry(step, part, part.ready.undo(&part.hands, keys), CancellationToken::new()));
        let ended = join_all(work).await;
        for ((_, part), done) in parts.iter().zip(ended) {
            if let Err(error) = done? {
                left.insert(part.spot.about.clone(), format!("{}: {error}", step.path));
            }
        }
        Ok(())
    }

    /// What undoes a host's part, and in one line what that means; or why it cannot be undone.
    fn ready_to_undo(
        &self,
        action: &dyn Action,
        step: &Step,
        spot: &Spot,
        keys: &[UnitKey],
    ) -> Result<(Box<dyn Ready>, String), String> {
        let of = |why: String| format!("{}: {why}", step.path);
        if let Some(Err(error)) = self.links.get(&spot.on) {
            return Err(of(error.to_string()));
        }
        let prepared = self.prepare(action, step, std::slice::from_ref(spot));
        let ready = match prepared.map(|mut all| all.pop()) {
            Ok(Some(ready)) => ready,
            Ok(None) => return Err(of("nothing was prepared".to_owned())),
            Err(Halt::Stop(stop)) => return Err(of(stop.reason)),
            Err(Halt::Journal(error)) => return Err(of(error.to_string())),
        };
        let now = Digest::of(ready.body());
        let same = |state: &RunState| keys.iter().filter_map(|key| state.unit(key)).all(|unit| unit.start.body == now);
        if !self.log.with_state(same) {
            return Err(of("it would be another text now than the one that was carried out".to_owned()));
        }
        match ready.undoes() {
            Some(what) => Ok((ready, what)),
            None => Err(of(format!("`{}` cannot be undone by itself", action.key()))),
        }
    }

    /// By what the author wrote.
    async fn undo_list(
        &mut self,
        step: &Step,
        entries: &[Step],
        mut spots: Vec<(Spot, Vec<UnitKey>)>,
        left: &mut Left,
    ) -> Result<(), JournalError> {
        for (n, entry) in (0..).zip(entries) {
            self.entry = (entries.len() > 1).then_some(n);
            spots.retain(|(spot, _)| !left.contains_key(&spot.about));
            if spots.is_empty() {
                break;
            }
            let hosts = abouts(spots.iter().map(|(spot, _)| spot));
            let open = spots.iter().filter(|(spot, keys)| !self.is_put_back(entry, spot, keys));
            let open: Vec<Spot> = open.map(|(spot, _)| spot.clone()).collect();
            let done = match &entry.body {
                Body::Action(_) if open.is_empty() => Ok(()),
                Body::Action(action) => self.undo_action(&**action, entry, &open).await,
                Body::Wait(wait) => self.wait(wait, entry, &hosts).await,
                _ => Ok(()),
            };
            match done {
                Ok(()) => {}
                Err(Halt::Journal(error)) => return Err(error),
                Err(Halt::Stop(stop)) => {
                    let on = if stop.hosts.is_empty() { hosts.clone() } else { stop.hosts.clone() };
                    left.extend(on.into_iter().map(|host| (host, format!("{}: {}", step.path, stop.reason))));
                }
            }
        }
        Ok(())
    }

    async fn undo_action(&mut self, action: &dyn Action, entry: &Step, spots: &[Spot]) -> Result<(), Halt> {
        for spot in spots {
            self.turn(entry, spot, Effect::Reads);
        }
        self.carry_out(action, entry, spots).await
    }
}

/// The hosts that spots are about, each once.
fn abouts<'a>(spots: impl IntoIterator<Item = &'a Spot>) -> Vec<String> {
    let hosts: IndexSet<&String> = spots.into_iter().map(|spot| &spot.about).collect();
    hosts.into_iter().cloned().collect()
}
