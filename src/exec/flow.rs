//! How a step goes over its items, its batches and its hosts, and what a host that fails does to the others.
//!
//! Items one after the other; for each of them the batches one after the other; of a group all its steps for a batch,
//! of any other step the batch in waves of at most `parallel` hosts. A host that fails where that is tolerated leaves
//! the later steps of the group around it, the others go on: what is done already is found in the journal and not done
//! again, so going on is the same as asking for the rest once more.

use crate::event::EventKind;
use crate::plan::Items;
use crate::runbook::{Body, Step};

use super::cancel::Grade;
use super::halt::{Halt, Kind, Stop};
use super::operator::{Expects, Question};
use super::run::Run;
use super::step::Ended;
use super::tally::Tally;
use super::wanted::Wanted;

impl Run {
    /// A step, over its items and batches.
    pub(super) async fn go(
        &mut self,
        step: &Step,
        hosts: Vec<String>,
        lists: Option<Vec<Items>>,
    ) -> Result<Ended, (String, Halt)> {
        let Some(lists) = lists else { return self.roll(step, hosts).await };
        if lists.is_empty() {
            return Ok(Ended::Skipped("there are no items".to_owned()));
        }
        let (plan, part) = (std::sync::Arc::clone(&self.plan), self.world.part_book());
        let book = part.as_deref().unwrap_or(&plan.runbook);
        let within = |other: &&Step| is_within(&other.path, &step.path);
        let ids: Vec<&str> = book.own_steps().into_iter().filter(within).map(|other| other.id.value.as_str()).collect();
        let (mut ended, mut failed): (Option<Ended>, _) = (None, None);
        self.listed.insert(step.path.clone(), lists.clone());
        for items in lists {
            let index = items.index;
            let meant = match step.hosts {
                Some(_) => hosts.iter().filter(|host| items.of.contains_key(*host)).cloned().collect(),
                None => Vec::new(),
            };
            self.world.each(Some(items));
            self.passes.push(index);
            let result = self.roll(step, meant).await;
            self.passes.pop();
            self.world.each(None);
            for id in &ids {
                self.world.end_item(id, index);
            }
            match result {
                Ok(now) => ended = Some(now.after(ended)),
                Err(halt) => {
                    failed = Some(halt);
                    break;
                }
            }
        }
        for id in &ids {
            self.world.end_items(id);
        }
        failed.map_or(Ok(ended.unwrap_or(Ended::Ok)), Err)
    }

    /// The items that were done at a place of the list around a step.
    pub(super) fn items_at(&self, step: &Step, item: Option<u32>) -> Option<Items> {
        let around = self.listed.iter().filter(|(path, _)| is_within(&step.path, path));
        let (_, lists) = around.max_by_key(|(path, _)| path.len())?;
        lists.get(usize::try_from(item?).ok()?).cloned()
    }

    /// A step over its batches, for one item or without.
    async fn roll(&mut self, step: &Step, hosts: Vec<String>) -> Result<Ended, (String, Halt)> {
        let here = |halt: Halt| (step.path.clone(), halt);
        let mut hosts = hosts;
        let before = self.left_out.clone();
        let mut tally = Tally::new(step.flow.tolerate, hosts.len());
        if matches!(step.body, Body::Group(_)) {
            self.leave_again(step, &mut hosts, &mut tally);
            match self.wanted(step, hosts.clone()).await {
                // who cannot be reached, where that is no failure, and for whom it is not wanted: nothing of it
                Ok(Wanted::Yes(meant)) => {
                    self.left_out.extend(hosts.into_iter().filter(|host| !meant.contains(host)));
                    hosts = meant;
                }
                Ok(Wanted::No(why)) => return Ok(Ended::Skipped(why)),
                // who cannot be reached has failed before the first batch
                Err(Halt::Stop(stop)) if self.bears(step, &mut tally, &stop).await.map_err(here)? => {
                    hosts.retain(|host| !stop.hosts.contains(host));
                    self.left_out.extend(stop.hosts);
                    let meant = self.meant(step, hosts.clone()).map_err(here)?;
                    self.left_out.extend(hosts.into_iter().filter(|host| !meant.contains(host)));
                    hosts = meant;
                }
                Err(halt) => return Err(here(halt)),
            }
        }
        let result = self.roll_on(step, hosts, tally).await;
        if matches!(step.body, Body::Group(_)) {
            self.leave_out(before);
        }
        result
    }

    async fn roll_on(&mut self, step: &Step, hosts: Vec<String>, mut tally: Tally) -> Result<Ended, (String, Halt)> {
        let here = |halt: Halt| (step.path.clone(), halt);
        let sizes = step.flow.rolling.as_ref().map(|rolling| rolling.sizes(hosts.len()));
        // without hosts there is one pass all the same, for what is about none
        let sizes = sizes.filter(|sizes| !sizes.is_empty()).unwrap_or_else(|| vec![hosts.len()]);
        let mut rest = hosts.as_slice();
        let mut ended: Option<Ended> = None;
        for (n, size) in sizes.iter().enumerate() {
            if n > 0 {
                self.between(step, n, sizes.len(), rest).await.map_err(here)?;
            }
            let (batch, later) = rest.split_at(*size);
            rest = later;
            if step.flow.rolling.is_some() {
                self.passes.push(u32::try_from(n).unwrap_or(u32::MAX));
            }
            let now = match &step.body {
                Body::Group(members) => self.group(step, members, batch, &hosts, &mut tally).await,
                Body::Use(uses) => self.part(step, uses, batch.to_vec()).await,
                _ => self.waves(step, batch, &mut tally).await.map_err(here),
            };
            if step.flow.rolling.is_some() {
                self.passes.pop();
            }
            let now = now?;
            ended = Some(now.after(ended));
        }
        Ok(ended.unwrap_or(Ended::Ok))
    }

    /// Between two batches: the pause, and the person who looks at what the first ones came to.
    async fn between(&mut self, step: &Step, done: usize, all: usize, rest: &[String]) -> Result<(), Halt> {
        let looks = self.recalling || self.check.is_some();
        let Some(rolling) = step.flow.rolling.as_ref().filter(|_| !looks) else { return Ok(()) };
        let next = rolling.sizes(rest.len()).first().copied().unwrap_or_default();
        if self.begun_before(step, &rest[..next.min(rest.len())], u32::try_from(done).unwrap_or(u32::MAX)) {
            return Ok(());
        }
        if rolling.confirm_after == Some(done) {
            let message = format!("{done} of {all} batches done. Go on with {}?", rest.join(", "));
            let expects = Expects::Consent("yes".to_owned());
            let question = Question { step: step.path.clone(), message, expects };
            self.put(&question, step).await?;
        }
        tokio::select! {
            () = tokio::time::sleep(rolling.pause) => Ok(()),
            () = self.cancel.reached(Grade::NoNewWork) => {
                Err(Stop::new(Kind::Cancelled, "ended by a person between two batches").into())
            }
        }
    }

    /// A step that is no group, for the hosts of a batch.
    async fn waves(&mut self, step: &Step, batch: &[String], tally: &mut Tally) -> Result<Ended, Halt> {
        let most = step.flow.parallel.unwrap_or(usize::MAX).max(1);
        // without hosts there is one wave all the same
        let waves: Vec<&[String]> = if batch.is_empty() { vec![batch] } else { batch.chunks(most).collect() };
        let mut ended: Option<Ended> = None;
        for wave in waves {
            let now = self.wave(step, wave.to_vec(), tally).await?;
            ended = Some(now.after(ended));
        }
        Ok(ended.unwrap_or(Ended::Ok))
    }

    async fn wave(&mut self, step: &Step, mut hosts: Vec<String>, tally: &mut Tally) -> Result<Ended, Halt> {
        if !matches!(step.body, Body::Group(_)) {
            self.leave_again(step, &mut hosts, tally);
        }
        let mut attempt = 1;
        loop {
            match self.body(step, hosts.clone()).await {
                // where it went well it is done, and not tried again
                Err(Halt::Stop(stop)) if self.tries_again(step, attempt.max(stop.tried), &stop).await? => {
                    attempt = attempt.max(stop.tried) + 1;
                    self.forgive(step, &stop)?;
                }
                Err(Halt::Stop(stop)) if self.bears(step, tally, &stop).await? => {
                    hosts.retain(|host| !stop.hosts.contains(host));
                    if hosts.is_empty() {
                        return Ok(Ended::Ok);
                    }
                    attempt = 1;
                }
                other => return other,
            }
        }
    }

    /// Who left the step in this pass before this process leaves it again.
    fn leave_again(&mut self, step: &Step, hosts: &mut Vec<String>, tally: &mut Tally) {
        for stop in self.left_before(step) {
            if self.borne(step, tally, &stop) {
                self.leaves(step, &stop);
            }
            hosts.retain(|host| !stop.hosts.contains(host));
        }
    }

    /// Whether a step that failed is tried again; then the pause is over.
    async fn tries_again(&mut self, step: &Step, attempt: u32, stop: &Stop) -> Result<bool, Halt> {
        let Some(retry) = &step.flow.retry else { return Ok(false) };
        let code = |exit: &Option<i32>| exit.is_some_and(|exit| retry.exit_codes.contains(&exit));
        let meant = retry.exit_codes.is_empty() || (!stop.exits.is_empty() && stop.exits.iter().all(code));
        if attempt >= retry.attempts || !meant || !matches!(stop.kind, Kind::Failed | Kind::Unreachable) {
            return Ok(false);
        }
        let pause = retry.pause(attempt, crate::base::ids::random());
        let words = crate::action::seconds(pause);
        let text = format!("attempt {attempt} of {} failed, the next in {words}: {}", retry.attempts, stop.reason);
        let text = self.redactor().redact(text);
        self.log.record(vec![EventKind::Noted { step: Some(step.path.clone()), by: None, text }]).await?;
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(true),
            () = self.cancel.reached(Grade::NoNewWork) => {
                Err(Stop::new(Kind::Cancelled, "ended by a person between two attempts").into())
            }
        }
    }
}

/// Whether a step is this one, or one of the group that this one is.
pub(super) fn is_within(step: &str, around: &str) -> bool {
    step.strip_prefix(around).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
