//! A link that outlives its connection.
//!
//! When a connection is lost, the host is connected to again and the same request is sent under the same key: the host
//! starts what it never started and attaches to what it did, so the answer is exact. What cannot be had until the work's
//! own deadline is [`LinkError::Lost`], and says since when and what was tried. Requests that only look are asked again,
//! for a short while: who waits for a state asks again anyway.
//!
//! Deadlines are measured on a clock that stands still while this machine sleeps; the timeout of a step is the host's to
//! keep, by its own uptime. So a laptop that was closed is not a step that was too slow.

mod ends;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::link::{Bulk, Claims, Facts, Link, Notice, Record, Tell};
use super::lock::{Locked, Ticket};
use super::look::{Answer, Ask, Dialed, Look};
use super::outage::{Line, State};
use super::work::{Done, Started, Work};
use super::{HostAddr, LinkError, Transport};
use crate::base::BoxFuture;
use crate::base::ids::UnitKey;
use crate::base::permit::Permit;

/// When its own time is up, work gets so long to be reached again: a loss is noticed late.
const RETURN: Duration = Duration::from_mins(1);

/// For what only looks, from the beginning of the outage; later it waits a moment only.
const LOOK: Duration = Duration::from_secs(10);
const MOMENT: Duration = Duration::from_secs(1);

/// After a person has asked for the end of the work, and at the end of the run.
const HURRY: Duration = Duration::from_secs(5);

/// How long a cancellation may take on the host beside its grace, on a busy machine.
const ENDING: Duration = Duration::from_secs(20);

/// A transport whose links are healed.
pub struct Healing(Arc<dyn Transport>);

impl Healing {
    /// Heals the links of another transport.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self(transport)
    }
}

impl Transport for Healing {
    fn connect<'a>(&'a self, host: &'a HostAddr) -> BoxFuture<'a, Result<Arc<dyn Link>, LinkError>> {
        Box::pin(async move {
            let link = self.0.connect(host).await?;
            let facts = link.facts().clone();
            let line = Line::new(Arc::clone(&self.0), host.clone(), link);
            let (back, told, ended) = (AtomicBool::new(true), OnceLock::new(), AtomicBool::new(false));
            let (name, hurried, unlocked) = (host.name.clone(), watch::Sender::default(), Mutex::new(None));
            Ok(Arc::new(Healed { name, facts, line, hurried, back, told, unlocked, ended }) as Arc<dyn Link>)
        })
    }
}

struct Healed {
    name: String,
    facts: Facts,
    line: Arc<Line>,
    /// Keys whose work is to end: nobody waits long for their hosts.
    hurried: watch::Sender<BTreeSet<String>>,
    /// It was told that the link is back.
    back: AtomicBool,
    told: OnceLock<Tell>,
    /// The lock that it still has to take before it claims anything.
    unlocked: Mutex<Option<Ticket>>,
    ended: AtomicBool,
}

/// How long a request waits for the link.
#[derive(Clone, Copy)]
enum Until<'a> {
    /// Of the work under a key.
    Work(Instant, &'a UnitKey),
    Look,
    At(Instant),
}

impl Healed {
    fn tell(&self, notice: Notice) {
        if let Some(tell) = self.told.get() {
            tell(&self.name, notice);
        }
    }

    /// The link, when it stands or stands again in time.
    async fn link(&self, until: Until<'_>) -> Result<Arc<dyn Link>, LinkError> {
        let mut states = self.line.watch();
        let _waiter = match self.line.state() {
            State::Up(link) => return Ok(self.up(link)),
            State::Down(_) if self.ended.load(Ordering::SeqCst) => return Err(LinkError::lost("the link is finished")),
            State::Down(_) => self.line.wait(),
        };
        let end = async {
            let now = Instant::now();
            match until {
                Until::At(end) => tokio::time::sleep_until(end).await,
                Until::Look => {
                    let State::Down(outage) = self.line.state() else { return };
                    tokio::time::sleep_until((outage.since + LOOK).max(now + MOMENT)).await;
                }
                Until::Work(end, key) => {
                    let mut hurried = self.hurried.subscribe();
                    let hurried = async {
                        let _ = hurried.wait_for(|keys| keys.contains(&key.to_string())).await;
                        tokio::time::sleep(HURRY).await;
                    };
                    tokio::select! {
                        () = tokio::time::sleep_until(end) => {}
                        () = hurried => {}
                    }
                }
            }
        };
        let known = states.wait_for(|state| !matches!(state, State::Down(outage) if !outage.hopeless));
        let state = tokio::select! {
            known = known => known.map_or_else(|_| self.line.state(), |state| state.clone()),
            () = end => self.line.state(),
        };
        match state {
            State::Up(link) => Ok(self.up(link)),
            State::Down(outage) => Err(LinkError::lost(outage.to_string())),
        }
    }

    /// It stands, and the operator hears of it.
    fn up(&self, link: Arc<dyn Link>) -> Arc<dyn Link> {
        if !self.back.swap(true, Ordering::SeqCst) {
            self.tell(Notice::Back);
        }
        link
    }

    fn lost(&self, link: &Arc<dyn Link>, why: String) {
        if self.line.lost(link, why.clone()) {
            self.back.store(false, Ordering::SeqCst);
            self.tell(Notice::Lost { why });
        }
    }

    async fn do_claim(
        &self,
        permit: &Permit,
        work: &Work,
        mut started: Option<oneshot::Sender<Started>>,
    ) -> Result<Done, LinkError> {
        let mut work = work.clone();
        let end = Instant::now() + work.timeout.saturating_add(work.grace).saturating_add(RETURN);
        let mut sent = false;
        if let Some(user) = &work.user {
            // whoever cancels it over another link has to look there
            self.line.worked_as(Some(user));
        }
        loop {
            let link = match self.link(Until::Work(end, permit.key())).await {
                Ok(link) => link,
                Err(LinkError::Lost { reason }) if !sent => return Err(LinkError::Unreachable { reason }),
                Err(error) => return Err(error),
            };
            if let Err(error) = self.lock_first(&link).await {
                match error {
                    LinkError::Lost { reason } if Instant::now() < end => {
                        self.lost(&link, reason);
                        continue;
                    }
                    error => return Err(error),
                }
            }
            sent = true;
            // what may have been started on one boot of the host is not started on the next
            work.boot.get_or_insert_with(|| link.facts().boot_id.clone());
            match once(&*link, permit, &work, &mut started).await {
                Err(LinkError::Lost { reason }) if Instant::now() < end => self.lost(&link, reason),
                answer => return answer,
            }
        }
    }

    /// What only looks, once more on the next link when this one was lost under it.
    async fn looks<'a, T>(
        &'a self,
        ask: impl Fn(Arc<dyn Link>) -> BoxFuture<'a, Result<T, LinkError>>,
    ) -> Result<T, LinkError> {
        let link = self.link(Until::Look).await?;
        match ask(Arc::clone(&link)).await {
            Err(LinkError::Lost { reason }) if !self.ended.load(Ordering::SeqCst) => self.lost(&link, reason),
            answer => return answer,
        }
        let link = self.link(Until::Look).await?;
        let answer = ask(Arc::clone(&link)).await;
        if let Err(LinkError::Lost { reason }) = &answer {
            self.lost(&link, reason.clone());
        }
        answer
    }
}

/// One request on one link. `started` is told once, by whichever link hears it first.
async fn once(
    link: &dyn Link,
    permit: &Permit,
    work: &Work,
    started: &mut Option<oneshot::Sender<Started>>,
) -> Result<Done, LinkError> {
    if started.is_none() {
        return link.claim(permit, work, None).await;
    }
    let (tell, told) = oneshot::channel();
    let forward = async {
        if let Ok(heard) = told.await
            && let Some(started) = started.take()
        {
            let _ = started.send(heard);
        }
    };
    tokio::join!(link.claim(permit, work, Some(tell)), forward).0
}

impl Look for Healed {
    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Answer, LinkError>> {
        Box::pin(self.looks(move |link| Box::pin(async move { link.ask(ask).await })))
    }

    fn dial<'a>(&'a self, address: &'a str, timeout: Duration) -> BoxFuture<'a, Result<Dialed, LinkError>> {
        Box::pin(self.looks(move |link| Box::pin(async move { link.dial(address, timeout).await })))
    }
}

impl Link for Healed {
    fn host(&self) -> &str {
        &self.name
    }

    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn look(&self) -> &dyn Look {
        self
    }

    fn claim<'a>(
        &'a self,
        permit: &'a Permit,
        work: &'a Work,
        started: Option<oneshot::Sender<Started>>,
    ) -> BoxFuture<'a, Result<Done, LinkError>> {
        Box::pin(self.do_claim(permit, work, started))
    }

    fn worked_as(&self, user: Option<&str>) {
        self.line.worked_as(user);
    }

    fn lock<'a>(&'a self, ticket: &'a Ticket) -> BoxFuture<'a, Result<Locked, LinkError>> {
        Box::pin(self.do_lock(ticket))
    }

    fn holds(&self, token: &str) {
        self.line.holds(token);
    }

    fn told(&self, tell: Tell) {
        let _ = self.told.set(tell);
    }

    fn cancel<'a>(&'a self, key: &'a UnitKey, grace: Duration) -> BoxFuture<'a, Result<(), LinkError>> {
        Box::pin(self.do_cancel(key, grace))
    }

    fn fence<'a>(&'a self, key: &'a UnitKey, user: Option<&'a str>) -> BoxFuture<'a, Result<Record, LinkError>> {
        Box::pin(self.looks(move |link| Box::pin(async move { link.fence(key, user).await })))
    }

    fn bulk<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Box<dyn Bulk>, LinkError>> {
        Box::pin(self.looks(move |link| Box::pin(async move { link.bulk(ask).await })))
    }

    fn finish(&self, claims: Claims) -> BoxFuture<'_, bool> {
        Box::pin(self.do_finish(claims))
    }
}

impl Drop for Healed {
    fn drop(&mut self) {
        self.line.end();
    }
}
