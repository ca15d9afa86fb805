//! A step that may change hosts: rendered for all of them, written down, then carried out on all at once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use indexmap::IndexMap;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;

use crate::action::fleet::Spot;
use crate::action::{Action, ActionError, Applied, Cx, Effect, Holes, Logs, Printed, Ready};
use crate::base::BoxFuture;
use crate::base::digest::Digest;
use crate::base::permit::Permit;
use crate::event::{EventKind, Outcome, Stream, UnitStart};
use crate::journal::JournalError;
use crate::plan::View;
use crate::runbook::{Kind as Type, Step};
use crate::template::{EvalError, Value};
use crate::transport::{Hands, Link, LinkError};

use super::cancel::Grade;
use super::fleet::Surface;
use super::guards::{NOT_SHOWN, against, failures};
use super::halt::{Halt, Kind, Stop};
use super::run::Run;
use super::step::Ended;
use super::turns::Turns;
use super::two_phase::Staged;
use super::watching::Cuts;

/// How much of an output stands in the journal itself; the whole lies beside it.
const TAIL: usize = 400;

/// What is killed has so long to end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// A host's part of a step, rendered and permitted.
pub(super) struct Part<'a> {
    pub(super) spot: &'a Spot,
    pub(super) ready: Box<dyn Ready>,
    pub(super) hands: Hands<'a>,
    /// Whether its host has claimed it already: a process before this one had sent it.
    pub(super) begun: bool,
}

/// What became of a part.
pub(super) type Done = Result<Applied, ActionError>;

impl Run {
    pub(super) async fn act(&mut self, action: &dyn Action, step: &Step, hosts: Vec<String>) -> Result<Ended, Halt> {
        let spots = self.spots(step, &hosts)?;
        let Turns { fresh, asked, changed, failed } = self.turns(step, spots, action.effect()).await?;
        // whether it is done already is asked where nothing was begun
        let begun = |host: &String| !fresh.iter().any(|spot| spot.about == *host);
        let (begun, new): (Vec<String>, Vec<String>) = hosts.into_iter().partition(begun);
        let (done, new) = self.already_done(step, new).await?;
        for host in &done {
            self.world.outcome(&step.id.value, host, "ok");
        }
        let fresh: Vec<Spot> = fresh.into_iter().filter(|spot| !done.contains(&spot.about)).collect();
        let hosts = [begun, new].concat();
        let claimed = self.before_it_acts(action, step, &fresh, &asked).await?;
        let begun = [vec![false; fresh.len()], claimed].concat();
        let spots = [fresh, asked].concat();
        let ended = if changed { Ended::Changed } else { Ended::Ok };
        if spots.is_empty() && (step.watch.is_none() || failed.is_some() || hosts.is_empty()) {
            // what was carried out before, by this process or another one, is asked about all the same
            return match failed {
                Some(stop) => Err(stop.into()),
                None => self.follow_up(step, done, hosts).await.map(|()| ended),
            };
        }
        let ready = self.prepare(action, step, &spots)?;
        identical(spots.iter().zip(ready.iter().map(|ready| &**ready)))?;
        self.stage_anew(step, &spots, &ready, &begun).await?;
        let elsewhere = spots.iter().any(Spot::is_elsewhere);
        let acting: Vec<String> =
            if elsewhere { Vec::new() } else { spots.iter().map(|spot| spot.about.clone()).collect() };
        let mut watching = self.watch(step, &hosts, &acting).await?;
        let boots = self.boots(action, step, &spots);
        let permits = self.start(step, &spots, &ready).await?;
        let links: Vec<_> = spots.iter().filter_map(|spot| self.links.get(&spot.on)?.as_ref().ok().cloned()).collect();
        let parts = parts(&spots, ready, permits, &links, begun, boots);
        if let Staged::Failed(stop) = self.stage(step, &parts).await? {
            return Err(stop.into());
        }
        // until it is known what became of it
        let before = self.changed;
        self.changed |= action.effect() != Effect::Reads;
        let logs: Vec<Logs> = spots.iter().map(|spot| watching.logs(&spot.about)).collect();
        let run: &Self = self;
        // what only waits for a state has nothing to wait for when the log says that it will not come
        let waits = action.effect() == Effect::Idempotent;
        let cuts: Cuts = hosts.iter().filter(|_| waits).map(|host| (host.clone(), CancellationToken::new())).collect();
        let work = join_all(parts.iter().zip(logs).map(|(part, logs)| {
            let cut = cuts.get(&part.spot.about).cloned().unwrap_or_default();
            async move {
                let (logs, noting) = run.noting(part, logs);
                let work = async move { futures_util::join!(part.ready.apply(&part.hands, logs), noting).0 };
                run.carry(step, part, Box::pin(work), cut).await
            }
        }));
        // lines are followed from the moment that a host has noted the end of its log
        let worked: Vec<Result<Done, JournalError>> = watching.beside(run, step, work, &cuts).await?;
        self.changed = before || (self.changed && worked.iter().any(may_have_changed));
        let mut failed = failed;
        let mut outcomes: IndexMap<&str, &'static str> = IndexMap::new();
        for (spot, done) in spots.iter().zip(worked) {
            let host = spot.about.as_str();
            match done? {
                Ok(applied) => {
                    // of several hosts that did it for one, the first one's outputs count
                    if !outcomes.contains_key(host) {
                        self.keep(step, host, &applied)?;
                    }
                    let outcome = outcomes.entry(host).or_insert("ok");
                    if applied.changed && *outcome == "ok" {
                        *outcome = "changed";
                    }
                }
                Err(error) => {
                    let mut stop = stop_of(spot, &error, &step.path);
                    if stop.kind == Kind::Unknown && self.turns_out_done(step, spot).await? {
                        outcomes.insert(host, "changed");
                        continue;
                    }
                    if stop.kind == Kind::Unknown {
                        stop.next = self.ways_on(step, spot, action.effect());
                    }
                    outcomes.insert(host, "failed");
                    if let Some(why) = watching.never(host) {
                        stop.reason = format!("{host}: {why}");
                    }
                    failed = Some(match failed.take() {
                        None => stop,
                        Some(first) => worse(first, stop),
                    });
                }
            }
        }
        let changed = outcomes.values().any(|outcome| *outcome == "changed");
        for (host, outcome) in outcomes {
            self.world.outcome(&step.id.value, host, outcome);
        }
        if let Some(stop) = failed {
            let started = hosts.into_iter().filter(|host| !stop.hosts.contains(host)).collect();
            watching.end(self, step, started).await?;
            return Err(stop.into());
        }
        watching.until_settled(self, step).await?;
        self.follow_up(step, done, hosts).await?;
        Ok(if changed { Ended::Changed } else { ended })
    }

    /// The hosts are locked and the guards asked again; which of the spots to ask have begun.
    async fn before_it_acts(
        &mut self,
        action: &dyn Action,
        step: &Step,
        fresh: &[Spot],
        asked: &[Spot],
    ) -> Result<Vec<bool>, Halt> {
        let acts = !fresh.is_empty() || !asked.is_empty();
        if acts && action.effect() != Effect::Reads {
            self.hold_hosts().await?;
            self.heed_the_hosts(step, fresh).await?;
        }
        // a guard says nothing against what has begun on its host: it may see its effect
        let claimed = self.claimed(step, asked).await;
        if !fresh.is_empty() || claimed.contains(&false) {
            self.ask_again(step).await?;
        }
        Ok(claimed)
    }

    /// What must be so after the action: `done_when` where it was carried out, `verify` everywhere.
    pub(super) async fn follow_up(&self, step: &Step, done: Vec<String>, hosts: Vec<String>) -> Result<(), Halt> {
        if !step.done_when.is_empty() && (step.hosts.is_none() || !hosts.is_empty()) {
            self.becomes_done(step, &hosts).await?;
        }
        self.verify(step, &[done, hosts].concat()).await
    }

    /// An action and nothing around it.
    pub(super) async fn carry_out(&mut self, action: &dyn Action, step: &Step, spots: &[Spot]) -> Result<(), Halt> {
        if action.effect() != Effect::Reads {
            self.hold_hosts().await?;
        }
        let ready = self.prepare(action, step, spots)?;
        let known = |spot| self.log.with_state(|state| state.unit(&self.unit_at(step, spot).key()).is_some());
        let begun = if spots.iter().any(known) { self.claimed(step, spots).await } else { vec![false; spots.len()] };
        self.stage_anew(step, spots, &ready, &begun).await?;
        let boots = self.boots(action, step, spots);
        let permits = self.start(step, spots, &ready).await?;
        let links: Vec<_> = spots.iter().filter_map(|spot| self.links.get(&spot.on)?.as_ref().ok().cloned()).collect();
        let parts = parts(spots, ready, permits, &links, begun, boots);
        if let Staged::Failed(stop) = self.stage(step, &parts).await? {
            return Err(stop.into());
        }
        let ended = join_all(parts.iter().map(|part| {
            let work = part.ready.apply(&part.hands, Logs::default());
            self.carry(step, part, work, CancellationToken::new())
        }))
        .await;
        let mut failed: Option<Stop> = None;
        for (spot, done) in spots.iter().zip(ended) {
            if let Err(error) = done? {
                let stop = stop_of(spot, &error, &step.path);
                failed = Some(failed.map_or_else(|| stop.clone(), |first| worse(first, stop.clone())));
            }
        }
        failed.map_or(Ok(()), |stop| Err(stop.into()))
    }

    /// The hosts on which `done_when` holds already, and the others.
    pub(super) async fn already_done(
        &self,
        step: &Step,
        hosts: Vec<String>,
    ) -> Result<(Vec<String>, Vec<String>), Halt> {
        if step.done_when.is_empty() {
            return Ok((Vec::new(), hosts));
        }
        let asked = join_all(hosts.iter().map(|host| self.is_done(step, host))).await;
        let (mut done, mut open) = (Vec::new(), Vec::new());
        for (host, judgements) in hosts.into_iter().zip(asked) {
            match judgements? {
                Some(judgements) => {
                    self.write_judgements(&step.path, &judgements).await?;
                    done.push(host);
                }
                None => open.push(host),
            }
        }
        Ok((done, open))
    }

    pub(super) fn prepare(
        &self,
        action: &dyn Action,
        step: &Step,
        spots: &[Spot],
    ) -> Result<Vec<Box<dyn Ready>>, Halt> {
        let failed =
            |spot: &Spot, error| Stop::new(Kind::Failed, format!("{spot}: {error}")).on([spot.about.as_str()]).into();
        let one = |spot| self.prepare_at(action, step, spot, Holes::No).map_err(|error| failed(spot, error));
        spots.iter().map(one).collect()
    }

    pub(super) fn prepare_at(
        &self,
        action: &dyn Action,
        step: &Step,
        spot: &Spot,
        holes: Holes,
    ) -> Result<Box<dyn Ready>, EvalError> {
        let login = Surface { run: self, step }.surroundings(spot)?;
        action.prepare(&Cx {
            scope: &View::new(&self.world, Some(&spot.about), None),
            login: &login,
            timeout: step.surroundings.timeout(),
            idle_timeout: step.surroundings.idle_timeout,
            run: self.log.run().as_str(),
            template: &|name: &str| self.world.template(name),
            files: &|name: &str| self.world.file(name),
            holes,
        })
    }

    async fn start(&self, step: &Step, spots: &[Spot], ready: &[Box<dyn Ready>]) -> Result<Vec<Permit>, Halt> {
        let starts = spots.iter().zip(ready).map(|(spot, ready)| {
            let summary = self.redactor().redact(ready.summary());
            self.with_reads(step, UnitStart::new(self.unit_at(step, spot), Digest::of(ready.body()), summary))
        });
        self.permits(step, starts.collect()).await
    }

    /// Writes starts down, and takes up those that a process before this one has written down.
    pub(super) async fn permits(&self, step: &Step, starts: Vec<UnitStart>) -> Result<Vec<Permit>, Halt> {
        let before: Vec<Option<Digest>> = self.log.with_state(|state| {
            starts.iter().map(|start| state.unit(&start.key).map(|unit| unit.start.body)).collect()
        });
        for (start, before) in starts.iter().zip(&before) {
            if before.is_some_and(|before| before != start.body) {
                let secrets =
                    self.plan.runbook.params.iter().filter(|(_, param)| param.limits.kind.value == Type::Secret);
                let secrets: Vec<&str> = secrets.map(|(name, _)| name.as_str()).collect();
                let fetched = match secrets.as_slice() {
                    [] => String::new(),
                    names => format!(
                        "; the runbook is the same, so a secret has another value than then ({})",
                        names.join(", ")
                    ),
                };
                let why = format!("{}: it was begun with another text than it has now{fetched}", start.unit.host());
                let next = format!("look on {} whether `{}` had its effect", start.unit.host(), step.path);
                return Err(Stop::new(Kind::Unknown, why).next(next).on([start.unit.host()]).into());
            }
        }
        let new = starts.iter().zip(&before).filter(|(_, before)| before.is_none()).map(|(start, _)| start.clone());
        let mut new = self.log.start(new.collect()).await?.into_iter().peekable();
        let mut permits = Vec::new();
        for start in &starts {
            let permit = match new.next_if(|permit: &Permit| *permit.key() == start.key) {
                Some(permit) => permit,
                None => self.log.reclaim(&start.key)?,
            };
            permits.push(permit);
        }
        Ok(permits)
    }

    /// Does the work of a part and writes down what came of it. It is ended on the host when a person wants that, or when
    /// `cut` is.
    pub(super) async fn carry(
        &self,
        step: &Step,
        part: &Part<'_>,
        work: BoxFuture<'_, Done>,
        cut: CancellationToken,
    ) -> Result<Done, JournalError> {
        let began = self.clock.elapsed();
        tokio::pin!(work);
        let mut cancelled = false;
        let done = tokio::select! {
            done = &mut work => done,
            wanted = async {
                tokio::select! {
                    () = self.cancel.reached(Grade::StopHosts) => true,
                    () = cut.cancelled() => false,
                }
            } => {
                cancelled = wanted;
                if let Some(Ok(link)) = self.links.get(&part.spot.on) {
                    // an error here shows in the work's own end
                    let _ = link.cancel(part.hands.key(), GRACE).await;
                }
                work.await
            }
        };
        let millis = self.millis_since(began);
        let done = match kept_quiet(step, done) {
            Err(error) if cut.is_cancelled() && !cancelled && !matches!(error, ActionError::Link(_)) => {
                Err(ActionError::failed("ended, since its log says what it must never say"))
            }
            Err(error) if cancelled && !matches!(error, ActionError::Link(_)) => {
                let reason = match &error {
                    ActionError::Cancelled { .. } => "stopped by a person".to_owned(),
                    error => format!("stopped by a person ({error})"),
                };
                Err(ActionError::Cancelled { reason, printed: error.printed() })
            }
            other => other,
        };
        self.write_end(step, part, &done, millis).await?;
        Ok(done)
    }

    pub(super) async fn write_end(
        &self,
        step: &Step,
        part: &Part<'_>,
        done: &Done,
        millis: u64,
    ) -> Result<(), JournalError> {
        let reason = |text: String| self.redactor().redact(text);
        let nothing = Printed::default();
        let (outcome, outputs, printed) = match done {
            Ok(applied) => {
                let outcome = if applied.changed { Outcome::Changed } else { Outcome::Ok };
                let mut outputs = applied.result.to_json();
                let text = String::from_utf8_lossy(&applied.printed.stdout);
                // a process that takes the run over has nothing to parse
                if let (Some(Ok(value)), Some(fields)) =
                    (step.parse.as_ref().map(|parse| parse.apply(&text)), outputs.as_object_mut())
                {
                    fields.insert("value".to_owned(), value.to_json());
                }
                (outcome, outputs, &applied.printed)
            }
            Err(ActionError::Failed { reason: why, printed, exit }) => {
                let outcome = Outcome::Failed { reason: reason(why.clone()) };
                let outputs = exit.map_or_else(|| serde_json::json!({}), |exit| serde_json::json!({ "exit": exit }));
                (outcome, outputs, printed)
            }
            Err(ActionError::Cancelled { reason: why, printed }) => {
                (Outcome::Cancelled { reason: reason(why.clone()) }, serde_json::json!({}), printed)
            }
            Err(ActionError::TimedOut { after, reason: why, printed }) => {
                let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                (Outcome::TimedOut { after_ms, reason: reason(why.clone()) }, serde_json::json!({}), printed)
            }
            Err(ActionError::Link(error)) => {
                let text = reason(error.to_string());
                let outcome = match error {
                    LinkError::Unreachable { .. } => Outcome::Unreachable { reason: text },
                    error if error.not_started() => Outcome::Failed { reason: text },
                    _ => Outcome::Unknown { reason: text },
                };
                (outcome, serde_json::json!({}), &nothing)
            }
        };
        let key = *part.hands.key();
        let streams = [(Stream::Stdout, &printed.stdout), (Stream::Stderr, &printed.stderr)];
        for ((stream, bytes), left_out) in streams.into_iter().zip(printed.omitted) {
            if bytes.is_empty() || step.sensitive {
                continue;
            }
            let (blob, omitted) = self.log.blob(bytes.clone()).await?;
            let omitted = omitted + left_out;
            // masked before it is cut, or half a secret could stand at the cut
            let masked = self.redactor().redact_bytes(bytes);
            let tail = String::from_utf8_lossy(&masked[masked.len().saturating_sub(TAIL)..]).into_owned();
            let output = EventKind::UnitOutput { key, stream, blob, omitted, tail: self.redactor().redact(tail) };
            self.log.record(vec![output]).await?;
        }
        if printed.background {
            let text = format!("{}: something that it started in the background still runs", part.hands.host());
            let text = self.redactor().redact(text);
            self.log.record(vec![EventKind::Noted { step: Some(step.path.clone()), by: None, text }]).await?;
        }
        if let Ok(Applied { artifact: Some((name, bytes)), .. }) = done {
            // hosts and items have their own, whatever the author called it
            let name = format!("{}.{}.{name}", part.spot.about, &key.to_string()[..8]);
            let blob = self.log.artifact(name, bytes.clone()).await?;
            let tail = self.redactor().redact(format!("{} bytes kept as {}", blob.len, blob.file));
            let kept = EventKind::UnitOutput { key, stream: Stream::Stdout, blob, omitted: 0, tail };
            self.log.record(vec![kept]).await?;
        }
        let outputs = if step.sensitive { serde_json::json!({}) } else { outputs };
        self.log.end(key, outcome, self.redactor().redact_json(outputs), millis).await.map(|_| ())
    }

    /// The outputs of a step on a host: what its action has by itself, and what `outputs` names.
    fn keep(&mut self, step: &Step, host: &str, applied: &Applied) -> Result<(), Halt> {
        let mut result = applied.result.clone();
        if let Value::Map(fields) = &mut result {
            let fields = std::sync::Arc::make_mut(fields);
            fields.insert("changed".to_owned(), Value::Bool(applied.changed));
            if let Some(parse) = &step.parse {
                if applied.printed.omitted[0] > 0 {
                    let why = format!(
                        "{host}: its output cannot be parsed, since {} bytes in the middle of it are left out; print less",
                        applied.printed.omitted[0]
                    );
                    return Err(Stop::new(Kind::Failed, why).on([host]).into());
                }
                let text = String::from_utf8_lossy(&applied.printed.stdout);
                let told = |why: String| if step.sensitive { NOT_SHOWN.to_owned() } else { why };
                let value = parse
                    .apply(&text)
                    .map_err(|why| Stop::new(Kind::Failed, format!("{host}: {}", told(why))).on([host]))?;
                fields.insert("value".to_owned(), value);
            }
            for (name, value) in fields.iter() {
                self.found(step, host, name, value.clone());
            }
        }
        self.named_outputs(step, host, &result)
    }

    /// The outputs that the author named, worked out from what the action gave.
    pub(super) fn named_outputs(&mut self, step: &Step, host: &str, result: &Value) -> Result<(), Halt> {
        let mut named = Vec::new();
        for (name, expression) in &step.outputs {
            let view = View::new(&self.world, Some(host), Some(result.clone()));
            let value = expression
                .eval(&view)
                .map_err(|error| Stop::new(Kind::Failed, format!("{host}: output `{name}`: {error}")).on([host]))?;
            named.push((name.clone(), value));
        }
        for (name, value) in named {
            self.found(step, host, &name, value);
        }
        Ok(())
    }

    /// What a step found on a host is an output; of a sensitive one a secret, which is masked wherever it comes up.
    pub(super) fn found(&mut self, step: &Step, host: &str, name: &str, value: Value) {
        let value = if step.sensitive { value.concealed() } else { value };
        value.secrets(&mut |secret| {
            let text = secret.expose_secret().trim();
            if text.len() >= SHORTEST {
                self.redactor().learn(&SecretString::from(text.to_owned()));
            }
        });
        self.world.output(&step.id.value, host, name, value);
    }

    pub(super) async fn verify(&self, step: &Step, hosts: &[String]) -> Result<(), Halt> {
        if step.verify.is_empty() {
            return Ok(());
        }
        let judgements = self.judge(&step.verify, step, hosts).await?;
        self.write_judgements(&step.path, &judgements).await?;
        match failures(&judgements, self.clock.now()) {
            None => Ok(()),
            Some(why) => Err(Stop::new(Kind::Failed, format!("carried out, and not so afterwards: {why}"))
                .on(against(&judgements))
                .into()),
        }
    }
}

/// Shorter texts would be masked in ordinary words.
const SHORTEST: usize = 4;

/// What a sensitive step said is not told where it failed, either.
fn kept_quiet(step: &Step, done: Done) -> Done {
    match done {
        Err(ActionError::Failed { exit, .. }) if step.sensitive => {
            let code = exit.map(|exit| format!("exit {exit} ")).unwrap_or_default();
            let printed = Printed::default();
            Err(ActionError::Failed { reason: format!("{code}{NOT_SHOWN}"), exit, printed })
        }
        Err(ActionError::TimedOut { after, .. }) if step.sensitive => {
            Err(ActionError::TimedOut { after, reason: NOT_SHOWN.to_owned(), printed: Printed::default() })
        }
        done => done,
    }
}

/// Whether a host may be another one than before an action that was carried out on it.
fn may_have_changed(ended: &Result<Done, JournalError>) -> bool {
    match ended {
        Ok(Ok(applied)) => applied.changed,
        Ok(Err(ActionError::Link(error))) => !error.not_started(),
        Ok(Err(_)) | Err(_) => true,
    }
}

/// The parts of hosts that have a connection; the others were left out before.
fn parts<'a>(
    spots: &'a [Spot],
    ready: Vec<Box<dyn Ready>>,
    permits: Vec<Permit>,
    links: &'a [Arc<dyn Link>],
    begun: Vec<bool>,
    boots: Vec<Option<String>>,
) -> Vec<Part<'a>> {
    let hands = permits.into_iter().zip(links).zip(boots);
    let hands = hands.map(|((permit, link), boot)| Hands::new(&**link, permit).of_boot(boot)).zip(begun);
    let all = spots.iter().zip(ready).zip(hands);
    all.map(|((spot, ready), (hands, begun))| Part { spot, ready, hands, begun }).collect()
}

/// `identical: true`: what would be written is compared before anything is.
pub(super) fn identical<'a>(ready: impl Iterator<Item = (&'a Spot, &'a dyn Ready)>) -> Result<(), Halt> {
    let digests: Vec<_> = ready.filter_map(|(spot, ready)| Some((spot, ready.identical()?))).collect();
    let Some(((first, wanted), rest)) = digests.split_first() else { return Ok(()) };
    match rest.iter().find(|(_, digest)| digest != wanted) {
        None => Ok(()),
        Some((other, digest)) => {
            let why = format!(
                "the content must be identical everywhere: {first} would get {}, {other} {}",
                wanted.short(),
                digest.short()
            );
            Err(Stop::new(Kind::Refused, why).into())
        }
    }
}

pub(super) fn stop_of(spot: &Spot, error: &ActionError, path: &str) -> Stop {
    let stop = match error {
        ActionError::Link(lost @ (LinkError::Lost { .. } | LinkError::Unknown { .. })) => {
            Stop::new(Kind::Unknown, format!("{spot}: {lost}"))
                .next(format!("look on {} whether `{path}` had its effect", spot.on))
        }
        ActionError::Link(other @ LinkError::Unreachable { .. }) => {
            Stop::new(Kind::Unreachable, format!("{spot}: {other}"))
        }
        ActionError::Cancelled { reason, .. } => Stop::new(Kind::Cancelled, format!("{spot}: {reason}")),
        other => Stop::new(Kind::Failed, format!("{spot}: {other}")),
    };
    let exit = match error {
        ActionError::Failed { exit, .. } => *exit,
        _ => None,
    };
    let stop = Stop { exits: vec![exit], ..stop };
    stop.on([spot.about.as_str()])
}

pub(super) fn worse(a: Stop, b: Stop) -> Stop {
    let rank = |stop: &Stop| match stop.kind {
        Kind::Unknown => 4,
        Kind::Failed => 3,
        Kind::Unreachable => 2,
        Kind::Refused => 1,
        Kind::Cancelled => 0,
    };
    let (mut first, second) = if rank(&a) >= rank(&b) { (a, b) } else { (b, a) };
    first.reason = format!("{}; {}", first.reason, second.reason);
    first.next.extend(second.next);
    first.hosts.extend(second.hosts);
    first.exits.extend(second.exits);
    first
}
