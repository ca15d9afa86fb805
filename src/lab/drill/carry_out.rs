//! Carrying a drill out, inside the network of its lab: setup, faults, the runbook, verify.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;

use crate::base::BoxFuture;
use crate::base::clock::Clock;
use crate::event::{Closed, Event, RunState, Verdict};
use crate::exec::{Cancel, Canceller, Dry, Expects, Grade, Hook, Idle, Operator, Question, Reply, Setup, execute};
use crate::journal::{JournalError, RunLog};
use crate::lab::{Fault, Lab};
use crate::plan::{Plan, RunFacts};
use crate::transport::Transport;

use super::expect::Seen;
use super::fault::When;
use super::file::{Case, Drill};
use super::hook::{Breaker, Todo, apply};
use super::outcome::{Outcome, findings, step_times};
use super::prepare::{self, Part, Ready};

/// What is going on, for a person who watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Steps are executed.
    Steps(Part),
    /// Something is broken.
    Broken {
        /// What.
        words: String,
    },
    /// A phase is over.
    Done {
        /// Its name.
        name: String,
        /// What was done, in a few words.
        what: String,
        /// How long it took.
        took: Duration,
    },
}

/// What the executor needs for one part.
pub struct Begin {
    /// Its journal.
    pub log: RunLog,
    /// What `run.*` is.
    pub facts: RunFacts,
    /// How hosts are reached.
    pub transport: Arc<dyn Transport>,
    /// Shows the run; ends with its last event.
    pub shown: Option<tokio::task::JoinHandle<()>>,
    /// What is held while it goes on.
    pub held: Option<crate::exec::RunbookLock>,
}

/// Whoever carries a drill out: where runs are written down and shown.
pub trait Desk: Send + Sync {
    /// Begins the run of a part.
    fn begin<'a>(&'a self, part: Part, plan: &'a Arc<Plan>) -> BoxFuture<'a, Result<Begin, String>>;
    /// Something begins or is over.
    fn phase(&self, phase: &Phase);
}

/// Carries out a case in its lab, whose network this process is in.
pub async fn carry_out(
    desk: Arc<dyn Desk>,
    (drill, case): (&Drill, &Case),
    ready: Ready,
    lab: &Lab,
    clock: Arc<dyn Clock>,
    (canceller, cancel): (Arc<Canceller>, Cancel),
) -> Outcome {
    let answers = prepare::answers(case, &ready.recover.runbook);
    let mut drill = Going { desk, lab, clock, canceller, cancel, outcome: Outcome::new(drill, case) };
    let ended = drill.all(case, ready, answers).await;
    let mut outcome = drill.outcome;
    if let Err(why) = ended {
        outcome.unmet.push(why);
    }
    outcome.interrupted = drill.cancel.grade() >= Grade::StopHosts;
    outcome.as_expected = outcome.unmet.is_empty() && !outcome.interrupted;
    outcome
}

struct Going<'a> {
    desk: Arc<dyn Desk>,
    lab: &'a Lab,
    clock: Arc<dyn Clock>,
    canceller: Arc<Canceller>,
    cancel: Cancel,
    outcome: Outcome,
}

/// A part that was executed.
struct Ran {
    closed: Closed,
    state: RunState,
    events: Vec<Event>,
    took: Duration,
}

impl Going<'_> {
    /// The error is what kept the drill from going on.
    async fn all(&mut self, case: &Case, ready: Ready, answers: IndexMap<String, String>) -> Result<(), String> {
        let Ready { setup, recover, verify, faults } = ready;
        let copies: Vec<Fault> = faults.iter().flat_map(|(_, _, faults)| faults).filter_map(copy).collect();
        if !copies.is_empty() {
            apply(self.lab, copies).await?;
        }
        let ran = self.steps(Part::Setup, setup).await?;
        if let Some(ran) = ran {
            self.outcome.before = findings(&ran.events);
            well(Part::Setup, &ran.closed)?;
        }
        let (first, later): (Vec<_>, Vec<_>) = faults.into_iter().partition(|(when, ..)| *when == When::First);
        self.break_first(first).await?;
        let ran = self.recover(recover, later, answers).await?;
        let well_done = ran.closed.verdict == Verdict::Recovered;
        self.judge(case, &ran);
        let verified = self.steps(Part::Verify, verify).await?;
        if let Some(ran) = &verified {
            self.outcome.after = findings(&ran.events);
            well(Part::Verify, &ran.closed)?;
        }
        self.outcome.recovered = well_done;
        Ok(())
    }

    async fn break_first(&mut self, faults: Vec<(When, String, Vec<Fault>)>) -> Result<(), String> {
        if faults.is_empty() {
            return Ok(());
        }
        self.go_on()?;
        let began = self.clock.elapsed();
        let mut all = Vec::new();
        for (_, words, faults) in faults {
            self.desk.phase(&Phase::Broken { words: words.clone() });
            apply(self.lab, faults).await.map_err(|why| format!("break: {words}: {why}"))?;
            all.push(words);
        }
        self.done("break", &all.join(", "), began);
        Ok(())
    }

    async fn recover(
        &mut self,
        plan: Arc<Plan>,
        later: Vec<(When, String, Vec<Fault>)>,
        answers: IndexMap<String, String>,
    ) -> Result<Ran, String> {
        let breaker = Arc::new(Breaker {
            lab: self.lab.clone(),
            desk: Arc::clone(&self.desk),
            canceller: Arc::clone(&self.canceller),
            todo: Mutex::new(Todo { waiting: later, failed: Vec::new() }),
        });
        let operator = Arc::new(Answers(answers));
        let ran = self.execute(Part::Recover, plan, operator, Arc::clone(&breaker) as Arc<dyn Hook>).await?;
        let todo = breaker.todo.lock().unwrap_or_else(PoisonError::into_inner);
        let missed = todo.waiting.iter().map(|(when, words, _)| match when {
            When::Before(step) => format!("the run never came to `{}`, before which {words} was to happen", step.value),
            When::After(step) => format!("the run never ended `{}`, after which {words} was to happen", step.value),
            When::First => format!("{words} did not happen"),
        });
        self.outcome.unmet.extend(missed.chain(todo.failed.iter().cloned()));
        Ok(ran)
    }

    fn judge(&mut self, case: &Case, ran: &Ran) {
        let Closed { verdict, reason, step, outputs, .. } = &ran.closed;
        let outcome = &mut self.outcome;
        outcome.run = Some(ran.state.header().run.to_string());
        outcome.verdict = Some(verdict.words().to_owned());
        outcome.reason = Some(reason.as_str().to_owned());
        outcome.outputs = outputs.as_value().clone();
        outcome.recovery_seconds = Some(ran.took.as_secs_f64());
        outcome.steps = step_times(&ran.state);
        outcome.events.clone_from(&ran.events);
        let seen = Seen {
            verdict: *verdict,
            reason: reason.as_str(),
            step: step.as_deref(),
            took: ran.took,
            state: &ran.state,
        };
        let unmet =
            tokio::task::block_in_place(|| case.expect.unmet(&seen, &mut |host, path| self.lab.file(host, path)));
        self.outcome.unmet.extend(unmet);
    }

    /// Executes the steps of setup or verify, if there are any.
    async fn steps(&mut self, part: Part, plan: Arc<Plan>) -> Result<Option<Ran>, String> {
        if plan.runbook.steps.is_empty() {
            return Ok(None);
        }
        let nobody = Arc::new(Answers(IndexMap::new()));
        self.execute(part, plan, nobody, Arc::new(Idle)).await.map(Some)
    }

    async fn execute(
        &mut self,
        part: Part,
        plan: Arc<Plan>,
        operator: Arc<dyn Operator>,
        hook: Arc<dyn Hook>,
    ) -> Result<Ran, String> {
        self.go_on()?;
        self.desk.phase(&Phase::Steps(part));
        let began = self.clock.elapsed();
        let what: Vec<&str> = plan.runbook.steps.iter().map(|step| step.id.value.as_str()).collect();
        let what = what.join(", ");
        let Begin { log, facts, transport, shown, held } = self.desk.begin(part, &plan).await?;
        let mut events = log.subscribe(1);
        let setup = Setup {
            dry: Dry::default(),
            plan,
            log,
            transport,
            operator,
            clock: Arc::clone(&self.clock),
            cancel: self.cancel.clone(),
            facts,
            hook,
            again: None,
            takeover: None,
        };
        let closed = execute(setup).await.map_err(|broken| format!("{}: {}", part.word(), broken.error))?;
        let took = self.clock.elapsed().saturating_sub(began);
        drop(held);
        if let Some(shown) = shown {
            let _ = shown.await;
        }
        let all = read(&mut events).await.map_err(|error| error.to_string())?;
        let state = RunState::fold(&all).map_err(|error| error.to_string())?;
        self.done(part.word(), &what, began);
        Ok(Ran { closed, state, events: all, took })
    }

    /// A person may have ended it.
    fn go_on(&self) -> Result<(), String> {
        if self.cancel.grade() == Grade::Go { Ok(()) } else { Err("ended by a person".to_owned()) }
    }

    fn done(&mut self, name: &str, what: &str, began: Duration) {
        let took = self.clock.elapsed().saturating_sub(began);
        self.outcome.phases.push((name.to_owned(), took.as_secs_f64()));
        self.desk.phase(&Phase::Done { name: name.to_owned(), what: what.to_owned(), took });
    }
}

/// All events up to the end of the run.
async fn read(follower: &mut crate::journal::Follower) -> Result<Vec<Event>, JournalError> {
    let mut all = Vec::new();
    while let Some(event) = follower.next().await? {
        let last = matches!(event.kind, crate::event::EventKind::RunClosed(_));
        all.push(event);
        if last {
            break;
        }
    }
    Ok(all)
}

fn well(part: Part, closed: &Closed) -> Result<(), String> {
    if closed.verdict == Verdict::Recovered {
        return Ok(());
    }
    let step = closed.step.as_deref().map(|step| format!(": step `{step}`")).unwrap_or_default();
    Err(format!("{}{step}: {}", part.word(), closed.reason))
}

/// The copy that must be kept for a fault.
fn copy(fault: &Fault) -> Option<Fault> {
    match fault {
        Fault::StaleData { host } => Some(Fault::KeepData { host: host.clone() }),
        _ => None,
    }
}

/// What is typed at the gates of a lab, by the paths of their steps.
struct Answers(IndexMap<String, String>);

impl Operator for Answers {
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Reply> {
        let reply = match self.0.get(&question.step) {
            Some(text) => Reply::Typed { text: text.clone(), by: "the drill".to_owned() },
            None if let Expects::Answer { default: Some(text), .. } = &question.expects => {
                Reply::Typed { text: text.clone(), by: "the drill (the default)".to_owned() }
            }
            None => Reply::Nobody(format!(
                "the drill has no answer: `answers: {{ {}: … }}`",
                super::expect::id(&question.step)
            )),
        };
        Box::pin(std::future::ready(reply))
    }
}
