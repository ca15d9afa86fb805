//! A link whose far end is the runner, whatever carries the channels.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;

use super::LinkError;
use super::bulk::{self, Streaming};
use super::channel::{self, Opener};
use super::frame::{Ended, Frame};
use super::link::{Bulk, Claims, Facts, Link, Record};
use super::lock::{self, Locked, Ticket};
use super::log;
use super::look::{Answer, Ask, Dialed, Look};
use super::pool::{self, Pool};
use super::quote::{self, Setting};
use super::session::{self, Order, Session, Terms};
use super::work::{Done, Started, Work};
use crate::base::BoxFuture;
use crate::base::ids::UnitKey;
use crate::base::permit::Permit;

/// Channels for bulk output at the same time.
const BULKS: usize = 3;

/// How late a request may reach the host and still start something.
const LATENESS: Duration = Duration::from_mins(1);

/// A connection with runners at its far end.
pub(super) struct RunnerLink {
    name: String,
    facts: Facts,
    since: Instant,
    opener: Arc<dyn Opener>,
    pool: Pool,
    path: Option<String>,
    /// Where the claims and the lock of the login user are.
    root: String,
    /// The token with which this run has locked the host.
    token: OnceLock<String>,
    shell: String,
    patience: Duration,
    bulks: Arc<Semaphore>,
    /// The users that may have had claimed work: the login user, and all others that this link has worked as.
    workers: Mutex<BTreeSet<Option<String>>>,
    finished: AtomicBool,
}

impl RunnerLink {
    /// A link from its first runner.
    pub(super) fn new(
        name: String,
        opener: Arc<dyn Opener>,
        first: Session,
        terms: Terms,
        shell: String,
        patience: Duration,
    ) -> Self {
        let facts = first.hello.facts.clone();
        let (path, root) = (terms.path.clone(), first.hello.spool.clone());
        let pool = Pool::new(terms, shell.clone(), patience);
        pool.first(first);
        Self {
            name,
            facts,
            since: Instant::now(),
            opener,
            pool,
            path,
            root,
            token: OnceLock::new(),
            shell,
            patience,
            bulks: Arc::new(Semaphore::new(BULKS)),
            workers: Mutex::new(BTreeSet::from([None])),
            finished: AtomicBool::new(false),
        }
    }

    /// No sudo where the login is that user already.
    fn user(&self, user: Option<&str>) -> Option<String> {
        user.filter(|user| *user != self.facts.login && !(self.facts.uid == 0 && *user == "root")).map(str::to_owned)
    }

    fn open_for_requests(&self) -> Result<(), LinkError> {
        if self.finished.load(Ordering::SeqCst) { Err(LinkError::lost("the link is finished")) } else { Ok(()) }
    }

    async fn do_ask(&self, ask: &Ask) -> Result<Answer, LinkError> {
        self.open_for_requests()?;
        let text = setting(ask).text()?;
        let stdin = quote::stdin(&ask.stdin)?;
        let user = self.user(ask.user.as_deref());
        let mut lease = self.pool.lease(&*self.opener, &user).await?;
        let answer = lease.session.ask(&text, &stdin, ask.timeout).await?;
        self.pool.put(&user, lease);
        Ok(answer)
    }

    async fn do_claim(
        &self,
        key: String,
        work: &Work,
        started: Option<oneshot::Sender<Started>>,
    ) -> Result<Done, LinkError> {
        self.open_for_requests()?;
        let user = self.user(work.user.as_deref());
        let token = self.fence(user.as_deref()).await?;
        let (stdin, lines) = (quote::stdin(&work.stdin)?, self.lines(work, token)?);
        let mut lease = self.pool.lease(&*self.opener, &user).await?;
        let spool = format!("{}/{}", lease.session.hello.spool, self.run());
        let script = kept(&spool, &work.kept) + &work.script;
        let setting = Setting {
            script: &script,
            argv: work.argv.as_deref(),
            env: &work.env,
            cwd: work.cwd.as_deref(),
            shell: work.shell.as_deref(),
        };
        let text = match setting.text() {
            Ok(text) => text,
            Err(error) => {
                self.pool.put(&user, lease);
                return Err(error);
            }
        };
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).insert(user.clone());
        let deadline = self.facts.uptime + self.since.elapsed() + LATENESS;
        let order = Order {
            key: &key,
            boot: work.boot.as_deref(),
            deadline: u64::try_from(deadline.as_millis() / 10).unwrap_or(0),
            timeout: work.timeout,
            grace: work.grace,
            idle: work.idle,
            text,
            stdin,
            lines,
            sources: &work.cursors,
        };
        let ran = lease.session.run(order, started).await;
        self.pool.put(&user, lease);
        let (ended, output) = ran?;
        let (stdout, stderr) = match output {
            Some(both) => both,
            None => self.fetch(user.as_ref(), &format!("{spool}/{key}"), &ended, work.cap).await?,
        };
        let Ended { exit, timed_out, idle, cancelled, background, millis, cut, out, err, .. } = ended;
        let mut omitted = [out, err];
        for (omitted, kept) in omitted.iter_mut().zip([&stdout, &stderr]) {
            *omitted = omitted.saturating_sub(kept.len() as u64);
        }
        if cut && omitted == [0, 0] {
            // on a full disk nobody counts; its errors are seldom the long ones
            omitted[0] = 1;
        }
        let truncated = omitted != [0, 0];
        Ok(Done { exit, stdout, stderr, timed_out, idle, cancelled, truncated, omitted, background, millis })
    }

    /// What the runner of this user is to find in the host's lock, if this run has one.
    async fn fence(&self, user: Option<&str>) -> Result<Option<&str>, LinkError> {
        let Some(token) = self.token.get() else { return Ok(None) };
        if matches!(user, None | Some("root")) {
            return Ok(Some(token));
        }
        // no other user looks into that folder, so the login user is asked
        let ask = Ask { script: lock::check(&self.root, token), ..Ask::default() };
        if self.do_ask(&ask).await?.exit != 0 {
            return Err(LinkError::NotStarted { reason: session::explain("taken") });
        }
        Ok(None)
    }

    /// Scratch, the lock and log sources as the runner reads them.
    fn lines(&self, work: &Work, token: Option<&str>) -> Result<Vec<String>, LinkError> {
        let scratch = work.scratch.iter().map(|path| {
            if path.starts_with('/') && !path.contains(['\n', '\0']) {
                Ok(format!("W {path}"))
            } else {
                Err(LinkError::NotStarted { reason: format!("{path:?} is not an absolute path") })
            }
        });
        let fence = token.map(|token| Ok(format!("T {token} {}", lock::file(&self.root))));
        scratch.chain(fence).chain(work.cursors.iter().map(log::line)).collect()
    }

    async fn do_lock(&self, ticket: &Ticket) -> Result<Locked, LinkError> {
        self.open_for_requests()?;
        let mut lease = self.pool.lease(&*self.opener, &None).await?;
        let locked = lease.session.lock(ticket).await;
        self.pool.put(&None, lease);
        let locked = locked?;
        if !matches!(locked, Locked::Held(_)) {
            self.holds(&ticket.token);
        }
        Ok(locked)
    }

    async fn do_fence(&self, key: &UnitKey, user: Option<&str>) -> Result<Record, LinkError> {
        self.open_for_requests()?;
        let user = self.user(user);
        let mut lease = self.pool.extra(&*self.opener, &user).await?;
        let record = lease.session.fence(&key.to_string()).await;
        self.pool.put(&user, lease);
        record
    }

    fn run(&self) -> &str {
        self.pool.run()
    }

    /// Output that was too much for the end frame, over a channel of its own.
    async fn fetch(
        &self,
        user: Option<&String>,
        file: &str,
        ended: &Ended,
        cap: u64,
    ) -> Result<(Vec<u8>, Vec<u8>), LinkError> {
        let mut streams = Vec::new();
        for (name, size) in [("o", ended.out), ("e", ended.err)] {
            if size == 0 && !ended.cut {
                streams.push(Vec::new());
                continue;
            }
            let (head, tail) = (cap - cap / 2, cap / 2);
            let script = format!(
                "f={}.{name}; if [ -e \"$f.h\" ]; then head -c {head} <\"$f.h\"; tail -c {tail} <\"$f\"
                elif [ {size} -le {cap} ]; then head -c {size} <\"$f\"
                else head -c {head} <\"$f\"; head -c {size} <\"$f\" | tail -c {tail}; fi",
                quote::word(file)
            );
            let ask = Ask { script, user: user.cloned(), ..Ask::default() };
            let (end, bytes) = match self.whole(&ask).await {
                // A server that allows no further channel: beside nothing else, then.
                Err(LinkError::Channel { .. }) => self.do_ask(&ask).await.map(|mut end| {
                    let bytes = std::mem::take(&mut end.stdout);
                    (end, bytes)
                }),
                fetched => fetched,
            }
            .map_err(|e| LinkError::lost(format!("the work ended with {}, its output: {e}", ended.exit)))?;
            if end.exit != 0 {
                return Err(LinkError::lost(format!(
                    "the work ended with {}, its output could not be fetched: {}",
                    ended.exit,
                    String::from_utf8_lossy(&end.stderr).trim()
                )));
            }
            streams.push(bytes);
        }
        let err = streams.pop().unwrap_or_default();
        Ok((streams.pop().unwrap_or_default(), err))
    }

    /// All output of a bulk channel.
    async fn whole(&self, ask: &Ask) -> Result<(Answer, Vec<u8>), LinkError> {
        let mut bulk = self.do_bulk(ask).await?;
        let mut bytes = Vec::new();
        loop {
            let more = bulk.next().await?;
            if more.is_empty() {
                return Ok((bulk.end().await?, bytes));
            }
            bytes.extend_from_slice(&more);
        }
    }

    async fn do_bulk(&self, ask: &Ask) -> Result<Box<dyn Bulk>, LinkError> {
        self.open_for_requests()?;
        let text = bulk::text(&setting(ask).text()?);
        let user = self.user(ask.user.as_deref());
        let permit = Arc::clone(&self.bulks).acquire_owned().await;
        let permit = permit.map_err(|_| LinkError::lost("the link is finished"))?;
        let command = channel::command(text.len(), user.as_deref(), &self.shell)?;
        let channel = self.opener.open(command).await?;
        let started = Streaming::start(channel, permit, &text, self.path.as_deref(), &ask.stdin, self.patience).await;
        Ok(Box::new(started.map_err(|stderr| pool::refused(user.as_deref(), stderr))?))
    }

    async fn do_cancel(&self, key: &UnitKey, grace: Duration) -> Result<(), LinkError> {
        self.open_for_requests()?;
        let users = self.workers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let words = format!("{key} {}", grace.as_secs().max(1));
        for user in users {
            let mut lease = self.pool.extra(&*self.opener, &user).await?;
            match lease.session.plain("cancel", &words, grace + Duration::from_secs(30)).await? {
                Frame::Cancelled { left: false } => self.pool.put(&user, lease),
                Frame::Cancelled { left: true } => {
                    let reason = "some of its processes are still there after SIGKILL".to_owned();
                    return Err(LinkError::Unknown { reason, begun: true, restarted: false });
                }
                Frame::Refused { reason } => return Err(LinkError::NotStarted { reason }),
                _ => return Err(LinkError::lost("the host answered something else than what was asked")),
            }
        }
        Ok(())
    }

    /// A runner's last request; whether it was heard.
    async fn last(&self, session: Result<Session, LinkError>, op: &str, token: &str) -> bool {
        let done = match session {
            Ok(mut session) => session.plain(op, token, Duration::ZERO).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = &done {
            tracing::debug!(host = self.name, op, %error, "at the end of the link");
        }
        done.is_ok()
    }

    async fn do_finish(&self, claims: Claims) -> bool {
        self.finished.store(true, Ordering::SeqCst);
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut sessions = self.pool.drain();
        let (op, users) = match claims {
            Claims::Keep => ("forget", Vec::new()),
            // the lock is the login user's
            Claims::Free => ("forget", self.token.get().map(|_| None).into_iter().collect()),
            Claims::Remove => ("reap", workers.into_iter().collect()),
        };
        let mut heard = true;
        for user in users {
            let open = sessions.iter().position(|(of, _)| *of == user);
            let ready = match open {
                Some(n) => Ok(sessions.swap_remove(n).1),
                None => self.pool.extra(&*self.opener, &user).await.map(|lease| lease.session),
            };
            let token = self.token.get().filter(|_| user.is_none());
            heard &= self.last(ready, op, token.map_or("", String::as_str)).await;
        }
        for (_, session) in sessions {
            self.last(Ok(session), "forget", "").await;
        }
        self.opener.close().await;
        heard
    }
}

impl Look for RunnerLink {
    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Answer, LinkError>> {
        Box::pin(self.do_ask(ask))
    }

    fn dial<'a>(&'a self, address: &'a str, timeout: Duration) -> BoxFuture<'a, Result<Dialed, LinkError>> {
        Box::pin(async move {
            self.open_for_requests()?;
            self.opener.dial(address, timeout).await
        })
    }
}

impl Link for RunnerLink {
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
        let key = permit.key();
        let key = if work.part.is_empty() { key.to_string() } else { format!("{key}-{}", work.part) };
        Box::pin(self.do_claim(key, work, started))
    }

    fn worked_as(&self, user: Option<&str>) {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).insert(self.user(user));
    }

    fn lock<'a>(&'a self, ticket: &'a Ticket) -> BoxFuture<'a, Result<Locked, LinkError>> {
        Box::pin(self.do_lock(ticket))
    }

    fn holds(&self, token: &str) {
        let _ = self.token.set(token.to_owned());
    }

    fn cancel<'a>(&'a self, key: &'a UnitKey, grace: Duration) -> BoxFuture<'a, Result<(), LinkError>> {
        Box::pin(self.do_cancel(key, grace))
    }

    fn fence<'a>(&'a self, key: &'a UnitKey, user: Option<&'a str>) -> BoxFuture<'a, Result<Record, LinkError>> {
        Box::pin(self.do_fence(key, user))
    }

    fn bulk<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Box<dyn Bulk>, LinkError>> {
        Box::pin(self.do_bulk(ask))
    }

    fn finish(&self, claims: Claims) -> BoxFuture<'_, bool> {
        Box::pin(self.do_finish(claims))
    }
}

fn setting(ask: &Ask) -> Setting<'_> {
    Setting {
        script: &ask.script,
        argv: ask.argv.as_deref(),
        env: &ask.env,
        cwd: ask.cwd.as_deref(),
        shell: ask.shell.as_deref(),
    }
}

/// The variable for what units keep, as shell text; empty when none does.
fn kept(spool: &str, units: &[UnitKey]) -> String {
    if units.is_empty() {
        return String::new();
    }
    let paths: Vec<String> = units.iter().map(|unit| quote::word(&format!("{spool}/{unit}.kept"))).collect();
    format!("for refloat_kept in {}; do [ ! -e \"$refloat_kept\" ] || break; done\n", paths.join(" "))
}
