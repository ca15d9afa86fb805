//! The log watch around an action: the end of each log is noted in the same request that starts the action, its lines
//! are followed from there while the action runs, and judged until they have settled.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::action::guard::Amount;
use crate::action::{Logs, known};
use crate::base::clock::Timestamp;
use crate::event::EventKind;
use crate::journal::JournalError;
use crate::plan::View;
use crate::runbook::{self, Step, Watch};
use crate::template::EvalError;
use crate::transport::{Cursor, Link, LogSource};
use crate::watch::matcher::{self, Matcher, Verdict};
use crate::watch::{Followed, Follower};

use super::cancel::Grade;
use super::fleet::Surface;
use super::halt::{Halt, Kind, Stop};
use super::run::Run;

/// How many lines of a log are shown when a watch fails.
const LAST_LINES: usize = 4;

/// Lines that wait to be judged. The follower on the host waits when there are more: the file is the buffer.
const QUEUE: usize = 1024;

/// What ends the work of a host before its own end.
pub(super) type Cuts = HashMap<String, CancellationToken>;

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
    lines: mpsc::Receiver<(String, Message)>,
    /// The followers. Dropped, they end.
    _tasks: JoinSet<()>,
    /// How many matches of each expectation stand in the journal.
    written: Vec<usize>,
    last: HashMap<String, VecDeque<String>>,
    no_return: Vec<String>,
}

enum Message {
    Noted(Cursor),
    Followed(Followed),
    Ended(String),
}

impl Run {
    /// Makes a step's watch ready. Nothing is asked of a host.
    pub(super) fn watch(&self, step: &Step, hosts: &[String]) -> Result<Watching, Halt> {
        let Some(watch) = &step.watch else { return Ok(Watching::default()) };
        let failed = |error: String| Halt::from(Stop::new(Kind::Failed, error));
        let spec = self.spec(watch, hosts).map_err(|error| failed(error.to_string()))?;
        let entries = watch.expect.iter().map(|entry| (name(entry), entry.no_return)).collect::<Vec<_>>();
        let surface = Surface { run: self, step };
        let (sender, lines) = mpsc::channel(QUEUE);
        let (mut logs, mut log, mut tasks) = (HashMap::new(), HashMap::new(), JoinSet::new());
        for host in hosts {
            let view = View::new(&self.world, Some(host), None);
            let text = watch.log.render(&view).and_then(known).map_err(|error| failed(format!("{host}: {error}")))?;
            let source = source(&text).map_err(|why| failed(format!("{host}: {why}")))?;
            let user = surface.surroundings(host).map_err(|error| failed(format!("{host}: {error}")))?.user;
            let (noted, told) = oneshot::channel();
            logs.insert(host.clone(), Logs { sources: vec![source], noted: Some(noted) });
            log.insert(host.clone(), text);
            if let Some(Ok(link)) = self.links.get(host) {
                tasks.spawn(follow(host.clone(), Arc::clone(link), user, told, sender.clone()));
            }
        }
        let written = vec![0; entries.len()];
        let matcher = Matcher::new(spec, hosts.iter().cloned(), self.moment());
        let last = HashMap::new();
        Ok(Watching(Some(Active {
            hosts: hosts.to_vec(),
            matcher,
            entries,
            log,
            logs,
            lines,
            _tasks: tasks,
            written,
            last,
            no_return: Vec::new(),
        })))
    }

    /// Monotonic time, in the form that the matcher counts in.
    fn moment(&self) -> Timestamp {
        Timestamp(i64::try_from(self.clock.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    fn spec(&self, watch: &Watch, hosts: &[String]) -> Result<matcher::Spec, EvalError> {
        // patterns are the same for all hosts, so they are rendered in the eyes of the first
        let view = View::new(&self.world, hosts.first().map(String::as_str), None);
        let entry = |entry: &runbook::Entry| -> Result<matcher::Entry, EvalError> {
            let pattern = match &entry.pattern {
                runbook::Pattern::Line(text) => matcher::Pattern::Line(known(text.render(&view)?)?),
                runbook::Pattern::Matches(text) => {
                    let text = known(text.render(&view)?)?;
                    let regex = regex::Regex::new(&text).map_err(|error| crate::action::invalid(error.to_string()))?;
                    matcher::Pattern::Matches(regex)
                }
            };
            let revoked_by = match &entry.revoked_by {
                Some(text) => Some(matcher::Pattern::Line(known(text.render(&view)?)?)),
                None => None,
            };
            let amount = match entry.amount {
                None => matcher::Amount::Every,
                Some(Amount::Exactly(n)) => matcher::Amount::Exactly(n.of(hosts.len())),
                Some(Amount::AtLeast(n)) => matcher::Amount::AtLeast(n.of_rounded_up(hosts.len())),
                Some(Amount::AtMost(n)) => matcher::Amount::AtMost(n.of(hosts.len())),
            };
            Ok(matcher::Entry { pattern, amount, revoked_by, no_return: entry.no_return })
        };
        Ok(matcher::Spec {
            expect: watch.expect.iter().map(entry).collect::<Result<_, _>>()?,
            never: watch.never.iter().map(entry).collect::<Result<_, _>>()?,
            settle: watch.settle,
        })
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

    /// Judges until everything has held for `settle`, or the time is over. Gives the named groups: host, name, value.
    pub(super) async fn until_settled(
        mut self,
        run: &mut Run,
        step: &Step,
    ) -> Result<Vec<(String, String, String)>, Halt> {
        let (Some(active), Some(watch)) = (&mut self.0, &step.watch) else { return Ok(Vec::new()) };
        let deadline = tokio::time::Instant::now() + watch.within;
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
            Verdict::Passed => Ok(active.groups()),
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

    async fn take(&mut self, run: &Run, step: &Step, host: &str, message: Message) -> Result<(), JournalError> {
        match message {
            Message::Noted(cursor) => {
                let key = run.unit(step, host).key();
                let json = serde_json::to_value(&cursor).unwrap_or_default();
                let taken = EventKind::CursorTaken {
                    key,
                    log: run.redactor().redact(self.log.get(host).cloned().unwrap_or_default()),
                    cursor: run.redactor().redact_json(json),
                };
                // an action can end before its note arrives here; then the cursor has no place any more
                if run.log.with_state(|state| state.unit(&key).is_some_and(|unit| unit.end.is_none())) {
                    run.log.record(vec![taken]).await?;
                }
            }
            Message::Followed(Followed::Line { text, offset }) => {
                let last = self.last.entry(host.to_owned()).or_default();
                last.push_back(text.clone());
                if last.len() > LAST_LINES {
                    last.pop_front();
                }
                if self.matcher.feed(host, &text, offset, run.moment()) {
                    self.write(run, step).await?;
                }
            }
            Message::Followed(Followed::Gap { why }) => {
                self.matcher.gap(host);
                self.note(run, step, format!("{host}: lines of the log may be missing: {why}")).await?;
            }
            Message::Ended(why) => {
                self.matcher.gap(host);
                self.note(run, step, format!("{host}: the log can no longer be followed: {why}")).await?;
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

    fn groups(&self) -> Vec<(String, String, String)> {
        self.matcher
            .matches()
            .flat_map(|(_, found)| {
                found.groups.iter().map(|(name, value)| (found.host.clone(), name.clone(), value.clone()))
            })
            .collect()
    }
}

/// Follows one log, from the place that the host has noted, until nobody listens.
async fn follow(
    host: String,
    link: Arc<dyn Link>,
    user: Option<String>,
    told: oneshot::Receiver<crate::transport::Started>,
    lines: mpsc::Sender<(String, Message)>,
) {
    // a dropped sender: the action was never started
    let Ok(started) = told.await else { return };
    let Some(cursor) = started.cursors.into_iter().next() else { return };
    if lines.send((host.clone(), Message::Noted(cursor.clone()))).await.is_err() {
        return;
    }
    let mut follower = match Follower::start(&*link, user.as_deref(), &cursor).await {
        Ok(follower) => follower,
        Err(error) => {
            let _ = lines.send((host, Message::Ended(error.to_string()))).await;
            return;
        }
    };
    loop {
        let message = match follower.next().await {
            Ok(followed) => Message::Followed(followed),
            Err(error) => {
                let _ = lines.send((host, Message::Ended(error.to_string()))).await;
                return;
            }
        };
        if lines.send((host.clone(), message)).await.is_err() {
            return;
        }
    }
}

fn name(entry: &runbook::Entry) -> String {
    match &entry.pattern {
        runbook::Pattern::Line(text) => text.source().value.clone(),
        runbook::Pattern::Matches(text) => format!("/{}/", text.source().value),
    }
}

/// The name of one unit: journalctl would take a pattern for many.
fn is_unit(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.@:\\".contains(&b);
    !name.is_empty() && !name.starts_with('-') && name.bytes().all(plain)
}

/// `journal:UNIT`, or a path.
fn source(text: &str) -> Result<LogSource, String> {
    match text.split_once(':') {
        Some(("journal", unit)) if is_unit(unit) => Ok(LogSource::Journal(unit.to_owned())),
        _ if text.starts_with('/') => Ok(LogSource::File(text.to_owned())),
        _ => Err(format!("`{text}` is no log: a path or `journal:UNIT` is")),
    }
}
