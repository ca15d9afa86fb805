//! The log watch around an action: the end of each log is noted in the same request that starts the action, its lines
//! are followed from there while the action runs, and judged until they have settled.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::action::fleet::Spot;
use crate::action::{Logs, known};
use crate::base::clock::Timestamp;
use crate::event::{EventKind, Matched, Unit};
use crate::inventory::HostName;
use crate::journal::JournalError;
use crate::plan::{self, View};
use crate::runbook::{self, Step, Watch};
use crate::template::Value;
use crate::transport::{self, Cursor, Link, LogSource, Look, Started};
use crate::watch::matcher::{self, Matcher, Verdict};
use crate::watch::{Followed, Follower};

use super::cancel::Grade;
use super::fleet::Surface;
use super::halt::{Halt, Kind, Stop};
use super::run::Run;

/// How many lines of a log are shown when a watch fails.
const LAST_LINES: usize = 4;

/// Before a log whose link was lost is followed again.
const AGAIN: Duration = Duration::from_millis(500);

/// Lines that wait to be judged. The follower on the host waits when there are more: the file is the buffer.
const QUEUE: usize = 1024;

/// What ends the work of a host before its own end.
pub(super) type Cuts = HashMap<String, CancellationToken>;

/// Where logs stood, or why that is not known: by the path of the watch's step and the host.
pub(super) type Armed = HashMap<String, HashMap<String, Result<Cursor, String>>>;

/// A watch that goes on; nothing, when the step has none.
#[derive(Default)]
pub(super) struct Watching(Option<Active>);

struct Active {
    hosts: Vec<String>,
    matcher: Matcher,
    /// What each expectation is called in reports, and whether undo ends with it.
    entries: Vec<(String, bool)>,
    log: HashMap<String, String>,
    logs: HashMap<String, Logs>,
    lines: mpsc::Receiver<(String, Followed)>,
    /// Keeps `lines` open.
    _sender: mpsc::Sender<(String, Followed)>,
    /// The followers. Dropped, they end.
    _tasks: JoinSet<()>,
    /// How many matches of each expectation stand in the journal.
    written: Vec<usize>,
    last: HashMap<String, VecDeque<String>>,
    /// Why a log cannot be read now, where that was said.
    blind: HashMap<String, String>,
    no_return: Vec<String>,
}

/// A host's log.
struct Log {
    text: String,
    source: LogSource,
    /// The host that is asked.
    at: String,
    user: Option<String>,
}

impl Run {
    /// Makes a step's watch ready; `about` are the hosts of the step. Where an action will be `acting`, the end of the log
    /// is noted with it; elsewhere it was when the action began or the step of `since` did, or is now.
    pub(super) async fn watch(&mut self, step: &Step, about: &[String], acting: &[String]) -> Result<Watching, Halt> {
        let Some(watch) = &step.watch else { return Ok(Watching::default()) };
        let failed = |error: String| Halt::from(Stop::new(Kind::Failed, error));
        let hosts = self.watched(watch, about).map_err(failed)?;
        let spec = plan::watch_spec(watch, &hosts, &self.world).map_err(|error| failed(error.to_string()))?;
        let entries = watch.expect.iter().map(|entry| (name(entry), entry.no_return)).collect::<Vec<_>>();
        let (sender, lines) = mpsc::channel(QUEUE);
        let (mut logs, mut log, mut tasks) = (HashMap::new(), HashMap::new(), JoinSet::new());
        let matcher = Matcher::new(spec, hosts.iter().cloned(), self.moment());
        let mut armed = self.armed.remove(&step.path).unwrap_or_default();
        for host in &hosts {
            let at = self.log_of(step, watch, host).map_err(|error| failed(format!("{host}: {error}")))?;
            log.insert(host.clone(), at.text);
            let link = match self.links.get(&at.at) {
                Some(Ok(link)) => Arc::clone(link),
                other => {
                    let why = other.and_then(|link| link.as_ref().err()).map(ToString::to_string);
                    let why = why.unwrap_or_else(|| "the host was not connected to".to_owned());
                    let _ = sender.send((host.clone(), Followed::Blind { why })).await;
                    continue;
                }
            };
            let (noted, told) = oneshot::channel();
            // in the same request where the same host is asked
            if acting.contains(host) && at.at == *host {
                logs.insert(host.clone(), Logs { sources: vec![at.source], noted: Some(noted) });
            } else {
                let cursor = match self.taken(step, host).or_else(|| armed.remove(host)) {
                    Some(cursor) => cursor,
                    None => self.stood(step, host, &*link, at.user.as_deref(), at.source).await?,
                };
                match cursor {
                    Ok(cursor) => drop(noted.send(Started { cursors: vec![cursor] })),
                    Err(why) => {
                        let why = format!("it is not known where it began: {why}");
                        let _ = sender.send((host.clone(), Followed::Gap { why })).await;
                        continue;
                    }
                }
            }
            tasks.spawn(follow(host.clone(), link, at.user, told, sender.clone()));
        }
        let active = Active {
            hosts,
            matcher,
            written: vec![0; entries.len()],
            entries,
            log,
            logs,
            lines,
            _sender: sender,
            _tasks: tasks,
            last: HashMap::new(),
            blind: HashMap::new(),
            no_return: Vec::new(),
        };
        Ok(Watching(Some(active)))
    }

    /// Where a host's log stood when the action began there, if that is over.
    fn taken(&self, step: &Step, host: &str) -> Option<Result<Cursor, String>> {
        let unit = Unit { attempt: 1, ..self.unit(step, host) };
        let cursor =
            self.log.with_state(|state| state.last_attempt(&unit)?.cursors.first().map(|(_, at)| at.clone()))?;
        Some(serde_json::from_value(cursor.as_value().clone()).map_err(|error| error.to_string()))
    }

    /// Where a log stood when its watch began: before this process, or now, which is written down.
    async fn stood(
        &self,
        step: &Step,
        host: &str,
        link: &dyn Link,
        user: Option<&str>,
        source: LogSource,
    ) -> Result<Result<Cursor, String>, JournalError> {
        let before = self.memory.as_ref().and_then(|memory| memory.state.noted_log(&step.path, &self.passes, host));
        if let Some(before) = before {
            return Ok(serde_json::from_value(before.as_value().clone()).map_err(|error| error.to_string()));
        }
        let cursor = stands(link.look(), user, source).await;
        if let Ok(cursor) = &cursor {
            let cursor = self.redactor().redact_json(serde_json::to_value(cursor).unwrap_or_default());
            let (step, pass) = (step.path.clone(), self.passes.clone());
            self.log.record(vec![EventKind::LogNoted { step, pass, host: host.to_owned(), cursor }]).await?;
        }
        Ok(cursor)
    }

    /// Notes where logs stand for the watches whose `since` is this step, which begins now.
    pub(super) async fn arm(&mut self, began: &Step) -> Result<(), Halt> {
        if self.check.is_some() {
            return Ok(());
        }
        let (plan, part) = (Arc::clone(&self.plan), self.world.part_book());
        let book = part.as_deref().unwrap_or(&plan.runbook);
        let since = |step: &&Step| {
            let since = step.watch.as_ref().and_then(|watch| watch.since.as_ref());
            since.is_some_and(|since| since.value == began.id.value)
        };
        for step in book.own_steps().into_iter().filter(since) {
            let Some(watch) = &step.watch else { continue };
            let failed = |why: String| {
                let why = format!("the logs of `{}` are noted when `{}` begins: {why}", step.path, began.path);
                Halt::from(Stop::new(Kind::Failed, why))
            };
            let about = step.hosts.as_ref().map(|selector| self.world.resolve(selector)).transpose().map_err(failed)?;
            let hosts = self.watched(watch, &about.unwrap_or_default()).map_err(failed)?;
            let mut asked = Vec::new();
            for host in hosts {
                let at = self.log_of(step, watch, &host).map_err(|error| failed(format!("{host}: {error}")))?;
                if let Some(Ok(link)) = self.links.get(&at.at) {
                    let (run, link): (&Self, _) = (self, Arc::clone(link));
                    asked.push(async move {
                        let cursor = run.stood(step, &host, &*link, at.user.as_deref(), at.source).await?;
                        Ok::<_, JournalError>((host, cursor))
                    });
                }
            }
            let cursors = futures_util::future::join_all(asked).await.into_iter().collect::<Result<_, _>>()?;
            self.armed.insert(step.path.clone(), cursors);
        }
        Ok(())
    }

    /// A watch that is a step of its own.
    pub(super) async fn watch_alone(&mut self, step: &Step, hosts: &[String]) -> Result<(), Halt> {
        let watching = self.watch(step, hosts, &[]).await?;
        watching.until_settled(self, step).await
    }

    fn watched(&self, watch: &Watch, about: &[String]) -> Result<Vec<String>, String> {
        watch.hosts.as_ref().map_or_else(|| Ok(about.to_vec()), |selector| self.world.resolve(selector))
    }

    fn log_of(&self, step: &Step, watch: &Watch, host: &str) -> Result<Log, String> {
        let (text, source) = plan::log_of(watch, host, &self.world).map_err(|error| error.to_string())?;
        if matches!(source, LogSource::Container(_)) {
            return Ok(Log { text, source, at: HostName::CONTROLLER.to_owned(), user: None });
        }
        let user = Surface { run: self, step }.surroundings(&Spot::at(host)).map_err(|error| error.to_string())?.user;
        Ok(Log { text, source, at: host.to_owned(), user })
    }

    /// Whether a process before this one has written this line down.
    fn matched_before(&self, step: &Step, entry: &str, found: &matcher::Match) -> bool {
        let Some(memory) = &self.memory else { return false };
        let (entry, line) = (self.redactor().redact(entry), self.redactor().redact(found.line.clone()));
        let same = |before: &Matched| {
            before.step == step.path
                && before.host == found.host
                && before.offset == found.offset
                && before.entry == entry
                && before.line == line
        };
        memory.state.matched().iter().any(same)
    }

    /// The named groups of a step's watch, from the lines that were written down before.
    pub(super) fn recall_groups(&mut self, step: &Step) {
        let (Some(watch), Some(memory)) = (&step.watch, self.memory.clone()) else { return };
        for matched in memory.state.matched().iter().filter(|matched| matched.step == step.path) {
            let view = View::new(&self.world, Some(&matched.host), None);
            let of = watch.expect.iter().find(|entry| name(entry) == matched.entry.as_str());
            let Some(runbook::Pattern::Matches(text)) = of.map(|entry| &entry.pattern) else { continue };
            let Some(regex) = text.render(&view).and_then(known).ok().and_then(|text| regex::Regex::new(&text).ok())
            else {
                continue;
            };
            let Some(found) = regex.captures(matched.line.as_str()) else { continue };
            for group in regex.capture_names().flatten() {
                let Some(value) = found.name(group) else { continue };
                self.world.output(&step.id.value, &matched.host, group, Value::str(value.as_str()));
            }
        }
    }

    /// Monotonic time, in the form that the matcher counts in.
    fn moment(&self) -> Timestamp {
        Timestamp(i64::try_from(self.clock.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}

impl Watching {
    /// The logs that the action on a host must note the ends of.
    pub(super) fn logs(&mut self, host: &str) -> Logs {
        self.0.as_mut().and_then(|active| active.logs.remove(host)).unwrap_or_default()
    }

    /// Does `work` and judges lines beside it.
    pub(super) async fn beside<T>(
        &mut self,
        run: &Run,
        step: &Step,
        work: impl Future<Output = T>,
        cuts: &Cuts,
    ) -> Result<T, JournalError> {
        let Some(active) = &mut self.0 else { return Ok(work.await) };
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                Some((host, message)) = active.lines.recv() => {
                    active.take(run, step, &host, message).await?;
                    for (_, found) in active.matcher.never() {
                        cuts.get(&found.host).inspect(|cut| cut.cancel());
                    }
                }
            }
        }
    }

    /// What a host has said that it must never say.
    pub(super) fn never(&self, host: &str) -> Option<String> {
        let found = self.0.as_ref()?.matcher.never().find(|(_, found)| found.host == host);
        found.map(|(_, found)| format!("its log says what it must never say: {:?}", found.line.trim()))
    }

    /// Judges until everything has held for `settle`, or the time is over. Named groups become outputs of the step.
    pub(super) async fn until_settled(mut self, run: &mut Run, step: &Step) -> Result<(), Halt> {
        let (Some(active), Some(watch)) = (&mut self.0, &step.watch) else { return Ok(()) };
        let deadline = tokio::time::Instant::now() + watch.within;
        if matches!(active.matcher.verdict(run.moment()), Verdict::Pending { .. }) {
            let what = active.matcher.open().unwrap_or_else(|| {
                format!(
                    "the log says what it must, and must not take it back for {}",
                    crate::action::seconds(watch.settle)
                )
            });
            active.note(run, step, format!("waits at most {}: {what}", crate::action::seconds(watch.within))).await?;
        }
        let verdict = loop {
            let now = run.moment();
            let wake = match active.matcher.verdict(now) {
                Verdict::Pending { until: Some(until) } => deadline.min(tokio::time::Instant::now() + until.since(now)),
                Verdict::Pending { until: None } => deadline,
                decided => break decided,
            };
            tokio::select! {
                Some((host, message)) = active.lines.recv() => active.take(run, step, &host, message).await?,
                () = tokio::time::sleep_until(wake) => {
                    if tokio::time::Instant::now() >= deadline {
                        break active.matcher.at_deadline(run.moment());
                    }
                }
                () = run.cancel.reached(Grade::NoNewWork) => {
                    run.no_return.extend(active.no_return.drain(..));
                    return Err(Stop::new(Kind::Cancelled, "ended by a person while lines were waited for").into());
                }
            }
        };
        let within = crate::action::seconds(watch.within);
        let decided = match verdict {
            Verdict::Passed => {
                for (_, found) in active.matcher.matches().filter(|(_, found)| !found.revoked) {
                    for (name, value) in &found.groups {
                        run.world.output(&step.id.value, &found.host, name, Value::str(value.clone()));
                    }
                }
                Ok(())
            }
            Verdict::Failed { why } => {
                let all = active.hosts.clone();
                active.no_way_back(run, step, &all, deadline).await?;
                active.show_last(run, step).await?;
                Err(Stop::new(Kind::Failed, format!("the log did not say it within {within}: {why}")).into())
            }
            Verdict::Unknown { why } => {
                active.show_last(run, step).await?;
                Err(Stop::new(Kind::Unknown, format!("it cannot be told what the log said: {why}")).into())
            }
            Verdict::Pending { .. } => {
                Err(Stop::new(Kind::Failed, format!("nothing was decided within {within}")).into())
            }
        };
        run.no_return.extend(active.no_return.drain(..));
        decided
    }

    /// Lets the watch go: the action has failed, so no expectation is waited for. On the hosts where it has not failed
    /// it goes on, and must not be undone before it is known whether they are past a point of no return.
    pub(super) async fn end(mut self, run: &mut Run, step: &Step, started: Vec<String>) -> Result<(), JournalError> {
        let (Some(active), Some(watch)) = (&mut self.0, &step.watch) else { return Ok(()) };
        while let Ok((host, message)) = active.lines.try_recv() {
            active.take(run, step, &host, message).await?;
        }
        let deadline = tokio::time::Instant::now() + watch.within;
        active.no_way_back(run, step, &started, deadline).await?;
        run.no_return.extend(active.no_return.drain(..));
        active.show_last(run, step).await
    }
}

impl Active {
    /// Reads on, until every host of these is past a point of no return, or has said what it must never say, or the time
    /// is over. At once, where the watch has no such point.
    async fn no_way_back(
        &mut self,
        run: &Run,
        step: &Step,
        hosts: &[String],
        deadline: tokio::time::Instant,
    ) -> Result<(), JournalError> {
        while self.entries.iter().any(|(_, no_return)| *no_return) {
            let decided = |host: &String| {
                self.no_return.contains(host) || self.matcher.never().any(|(_, found)| found.host == *host)
            };
            if hosts.iter().all(decided) {
                break;
            }
            tokio::select! {
                Some((host, message)) = self.lines.recv() => self.take(run, step, &host, message).await?,
                () = tokio::time::sleep_until(deadline) => break,
                () = run.cancel.reached(Grade::NoNewWork) => break,
            }
        }
        Ok(())
    }

    async fn take(&mut self, run: &Run, step: &Step, host: &str, message: Followed) -> Result<(), JournalError> {
        match message {
            Followed::Line { text, offset } => {
                let last = self.last.entry(host.to_owned()).or_default();
                last.push_back(text.clone());
                if last.len() > LAST_LINES {
                    last.pop_front();
                }
                if self.matcher.feed(host, &text, offset, run.moment()) {
                    self.write(run, step).await?;
                }
            }
            Followed::Gap { why } => {
                self.matcher.gap(host);
                self.note(run, step, format!("{host}: lines of the log may be missing: {why}")).await?;
            }
            Followed::Seen { uptime } => {
                self.matcher.seen(host, uptime);
                if self.blind.remove(host).is_some() {
                    self.note(run, step, format!("{host}: the log is read again")).await?;
                }
            }
            Followed::Blind { why } => {
                self.matcher.blind(host, &why);
                if self.blind.insert(host.to_owned(), why.clone()).as_ref() != Some(&why) {
                    self.note(run, step, format!("{host}: the log cannot be read now: {why}")).await?;
                }
            }
        }
        Ok(())
    }

    /// Writes down the matches that are not there yet.
    async fn write(&mut self, run: &Run, step: &Step) -> Result<(), JournalError> {
        let mut events = Vec::new();
        for (n, (name, no_return)) in self.entries.iter().enumerate() {
            let found: Vec<&matcher::Match> =
                self.matcher.matches().filter(|(entry, _)| *entry == n).map(|(_, found)| found).collect();
            for found in found.iter().skip(self.written[n]) {
                if *no_return && !self.no_return.contains(&found.host) {
                    self.no_return.push(found.host.clone());
                }
                if run.matched_before(step, name, found) {
                    continue;
                }
                events.push(EventKind::LogMatched {
                    step: step.path.clone(),
                    host: found.host.clone(),
                    log: run.redactor().redact(self.log.get(&found.host).cloned().unwrap_or_default()),
                    entry: run.redactor().redact(name.clone()),
                    line: run.redactor().redact(found.line.clone()),
                    offset: found.offset,
                    no_return: *no_return,
                });
            }
            self.written[n] = found.len();
        }
        if events.is_empty() {
            return Ok(());
        }
        run.log.record(events).await.map(|_| ())
    }

    async fn note(&self, run: &Run, step: &Step, text: String) -> Result<(), JournalError> {
        let text = run.redactor().redact(text);
        run.log.record(vec![EventKind::Noted { step: Some(step.path.clone()), by: None, text }]).await.map(|_| ())
    }

    async fn show_last(&self, run: &Run, step: &Step) -> Result<(), JournalError> {
        let mut hosts: Vec<&String> = self.last.keys().collect();
        hosts.sort();
        for host in hosts {
            let lines: Vec<&str> = self.last[host].iter().map(|line| line.trim()).collect();
            self.note(run, step, format!("{host}: the last lines of the log:\n{}", lines.join("\n"))).await?;
        }
        Ok(())
    }
}

/// Where a log stands now.
async fn stands(look: &dyn Look, user: Option<&str>, source: LogSource) -> Result<Cursor, String> {
    let cursors = transport::log::cursors(look, user, &[source]).await.map_err(|error| error.to_string())?;
    cursors.into_iter().next().ok_or_else(|| "the host named none".to_owned())
}

/// Follows one log, from the place that the host has noted, until nobody listens. After a lost link it goes on where it
/// was, so nothing is missed.
async fn follow(
    host: String,
    link: Arc<dyn Link>,
    user: Option<String>,
    told: oneshot::Receiver<Started>,
    lines: mpsc::Sender<(String, Followed)>,
) {
    // a dropped sender: the action was never started
    let Ok(started) = told.await else { return };
    let Some(mut cursor) = started.cursors.into_iter().next() else { return };
    loop {
        let why = match Follower::start(&*link, user.as_deref(), &cursor).await {
            Ok(mut follower) => loop {
                match follower.next().await {
                    Ok(followed) => {
                        if lines.send((host.clone(), followed)).await.is_err() {
                            return;
                        }
                    }
                    Err(error) => {
                        cursor = follower.cursor();
                        break (!follower.has_ended()).then(|| error.to_string());
                    }
                }
            },
            Err(error) => Some(error.to_string()),
        };
        let Some(why) = why else { continue };
        if lines.send((host.clone(), Followed::Blind { why })).await.is_err() {
            return;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn name(entry: &runbook::Entry) -> String {
    match &entry.pattern {
        runbook::Pattern::Line(text) => text.source().value.clone(),
        runbook::Pattern::Matches(text) => format!("/{}/", text.source().value),
    }
}
