//! One run from its first event to its last.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexSet;

use crate::action::fleet::Spot;
use crate::base::clock::Clock;
use crate::base::ids::{RunId, UnitKey};
use crate::base::secret::Redactor;
use crate::event::{Closed, EventKind, Phase, Unit, UnitState, Verdict};
use crate::inventory::HostName;
use crate::journal::{JournalError, RunLog};
use crate::plan::{self, Items, Plan, RunFacts, World};
use crate::runbook::Step;
use crate::transport::{Claims, Ticket, Transport};

use super::cancel::{Cancel, Grade};
use super::check::Foresight;
use super::connect::{self, Links};
use super::group::Ring;
use super::halt::{Halt, Kind, Stop};
use super::hook::Hook;
use super::memory::{Again, Memory};
use super::operator::Operator;
use super::watching::Armed;

/// What a run needs.
pub struct Setup {
    /// What is to be done.
    pub plan: Arc<Plan>,
    /// Its journal, already begun.
    pub log: RunLog,
    /// How hosts are reached.
    pub transport: Arc<dyn Transport>,
    /// Who is asked at the gates.
    pub operator: Arc<dyn Operator>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Whether it is to be ended.
    pub cancel: Cancel,
    /// What `run.*` is.
    pub facts: RunFacts,
    /// Who is told of the boundaries of steps.
    pub hook: Arc<dyn Hook>,
    /// How a run goes on that another process began; none: it begins.
    pub again: Option<Again>,
    /// The run from which hosts are taken over.
    pub takeover: Option<RunId>,
    /// What is wanted of a dry run.
    pub dry: Dry,
}

/// What is wanted of a dry run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dry {
    /// The outage is there now, and where it is not a run is refused.
    pub now: bool,
    /// What a run would send is written down as well.
    pub explain: bool,
}

/// The state of a run that goes on. Owned by one task; the futures of one step's hosts borrow it.
pub(super) struct Run {
    pub(super) plan: Arc<Plan>,
    pub(super) world: World,
    pub(super) links: Links,
    pub(super) log: RunLog,
    pub(super) operator: Arc<dyn Operator>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) cancel: Cancel,
    pub(super) hook: Arc<dyn Hook>,
    /// Whether anything may have been changed.
    pub(super) changed: bool,
    /// The first failure over which the run went on.
    pub(super) went_on: Option<(String, Stop)>,
    /// Hosts past a point of no return.
    pub(super) no_return: IndexSet<String>,
    /// Where logs stood when the step of a watch's `since` began, by the watch's path.
    pub(super) armed: Armed,
    /// What is done with the steps.
    pub(super) phase: Phase,
    /// The attempt of each unit (by its first one), where it is not the first.
    pub(super) attempts: HashMap<Unit, u32>,
    /// Which entry of an `undo` list goes on.
    pub(super) entry: Option<u32>,
    /// The only host that steps are about, when a duty is carried out.
    pub(super) only: Option<String>,
    /// Hosts for which the `when` of a group around the steps does not hold.
    pub(super) left_out: IndexSet<String>,
    /// The items of each `for_each` so far, by the path of its step.
    pub(super) listed: HashMap<String, Vec<Items>>,
    /// The groups around the steps in which hosts stand for themselves, from the outside in.
    pub(super) rings: Vec<Ring>,
    /// Hosts that were silent since the last confirmation: not proved dead.
    pub(super) silent: IndexSet<String>,
    /// The run as a process before this one left it.
    pub(super) memory: Option<Arc<Memory>>,
    /// The steps before the one at which the run began.
    pub(super) left_out_before: IndexSet<String>,
    /// Whether the step that is walked was done before, so that it is only brought back.
    pub(super) recalling: bool,
    /// The items and batches that are done now, of the loops around the steps, from the outside in.
    pub(super) passes: Vec<u32>,
    /// Attempts that failed before this process and after which another one is made.
    pub(super) tried_again: HashSet<UnitKey>,
    /// Units (by their first attempt) that are carried out again although they ended well: their step did not.
    pub(super) in_vain: HashSet<Unit>,
    /// What a dry run has foreseen; none: it is no dry run.
    pub(super) check: Option<Foresight>,
    /// With what hosts are locked.
    pub(super) ticket: Ticket,
    /// Whether they are.
    pub(super) held: bool,
}

/// Executes a plan to its end and returns what was written down as its last event. An error is the journal's: nothing
/// was begun after it.
pub async fn execute(setup: Setup) -> Result<Closed, Broken> {
    let plan = Arc::clone(&setup.plan);
    let hosts = plan::touched(&plan.runbook, &plan.inventory, &plan.targets);
    let world = World::new(Arc::clone(&plan), setup.facts.clone());
    let mut run = Run::connect(setup, world, &hosts).await.map_err(|error| Broken { error, changed: false })?;
    let cancel = run.cancel.clone();
    let ended = tokio::select! {
        // first: who leaves stops nothing on the hosts any more
        biased;
        () = cancel.reached(Grade::Leave) => None,
        ended = run.everything(&plan) => Some(ended),
    };
    let left = ended.is_none();
    let ended = ended.unwrap_or_else(|| Ok(run.left()));
    if left {
        // without a last word to the hosts, of which some may be silent
        run.links.clear();
    }
    let open = run.log.with_state(|state| state.units().any(UnitState::is_unresolved));
    let claims = match &ended {
        // whoever goes on asks the hosts what became of it
        _ if open || ended.is_err() => Claims::Keep,
        // or puts back by hand what is kept there
        Ok(closed) if matches!(closed.verdict, Verdict::NeedsAttention | Verdict::Detached) => Claims::Free,
        Ok(closed) if closed.verdict == Verdict::Cancelled && run.changed => Claims::Free,
        _ => Claims::Remove,
    };
    // before the last event: what every host has done is written down, and nobody tidies after a run that is closed
    let ended = match run.leave(claims).await {
        Ok(()) => ended,
        Err(error) => Err(error),
    };
    let result = match ended {
        Ok(closed) => run.log.record(vec![EventKind::RunClosed(Box::new(closed.clone()))]).await.map(|_| closed),
        Err(error) => Err(error),
    };
    result.map_err(|error| Broken { error, changed: run.changed })
}

/// The journal could not be written any more.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Broken {
    /// Why.
    #[source]
    pub error: JournalError,
    /// Whether anything may have been changed on a host before.
    pub changed: bool,
}

impl Run {
    /// Connects to the hosts and begins where `world` is.
    pub(super) async fn connect(setup: Setup, world: World, hosts: &[HostName]) -> Result<Self, JournalError> {
        let Setup { plan, log, transport, operator, clock, cancel, facts: _, hook, again, takeover, dry } = setup;
        let ticket = log.with_state(|state| super::hold::ticket(state, takeover.as_ref()));
        let memory = again.map(|again| Arc::new(Memory { state: log.state(), again }));
        let links = connect::connect(hosts, &plan.inventory, &*transport, &log, &cancel).await?;
        let check = Foresight::of(log.with_state(|state| state.header().mode), dry);
        let from = log.with_state(|state| state.header().from.clone());
        let left_out_before = from.map_or_else(IndexSet::new, |from| plan::from(&plan, &from).unwrap_or_default());
        let no_return = memory.iter().flat_map(|memory| memory.state.no_return()).map(|(_, host)| host.clone());
        let no_return: IndexSet<String> = no_return.collect();
        Ok(Self {
            changed: memory.as_ref().is_some_and(|memory| super::former::changed_before(&plan, &memory.state)),
            plan,
            world,
            links,
            log,
            operator,
            clock,
            cancel,
            hook,
            went_on: None,
            no_return,
            armed: Armed::new(),
            phase: Phase::Apply,
            attempts: HashMap::new(),
            entry: None,
            only: None,
            left_out: IndexSet::new(),
            listed: HashMap::new(),
            rings: Vec::new(),
            silent: IndexSet::new(),
            memory,
            left_out_before,
            recalling: false,
            passes: Vec::new(),
            tried_again: HashSet::new(),
            in_vain: HashSet::new(),
            check,
            ticket,
            held: false,
        })
    }

    /// The unit of a step on a host.
    pub(super) fn unit(&self, step: &Step, host: &str) -> Unit {
        self.unit_at(step, &Spot::at(host))
    }

    /// The unit of a step at a spot, for the item that is done now.
    pub(super) fn unit_at(&self, step: &Step, spot: &Spot) -> Unit {
        let first = Unit {
            run: self.log.run().clone(),
            step: step.path.clone(),
            item: self.world.index(),
            about: Some(spot.about.clone()),
            on: Some(spot.on.clone()),
            phase: self.phase,
            attempt: 1,
            entry: self.entry,
        };
        Unit { attempt: self.attempts.get(&first).copied().unwrap_or(1), ..first }
    }

    /// Where a step is done for these hosts: on each of them, or on every host of `run_on`.
    pub(super) fn spots(&self, step: &Step, hosts: &[String]) -> Result<Vec<Spot>, Stop> {
        let Some(run_on) = &step.flow.run_on else {
            return Ok(hosts.iter().map(|host| Spot::at(host.as_str())).collect());
        };
        let runners = self.world.resolve(run_on).map_err(|why| Stop::new(Kind::Failed, why))?;
        if runners.is_empty() && !hosts.is_empty() {
            return Err(Stop::new(Kind::Failed, format!("`run_on: {}` is no host", run_on.text())));
        }
        let at = |about: &String| {
            let spot = |on: &String| Spot { about: about.clone(), on: on.clone() };
            runners.iter().map(spot).collect::<Vec<_>>()
        };
        Ok(hosts.iter().flat_map(at).collect())
    }

    /// Milliseconds since a moment of the run's clock.
    pub(super) fn millis_since(&self, began: Duration) -> u64 {
        u64::try_from(self.clock.elapsed().saturating_sub(began).as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn redactor(&self) -> &Redactor {
        self.log.redactor()
    }

    /// Everything, from the first step on. An error is the journal's.
    async fn everything(&mut self, plan: &Arc<Plan>) -> Result<Closed, JournalError> {
        if let Some((path, stop)) = self.out_of_sight() {
            return Ok(self.stopped(&path, &stop));
        }
        if let Err(halt) = self.look_around().await {
            return match halt {
                Halt::Stop(stop) => Ok(self.stopped("", &stop)),
                Halt::Journal(error) => Err(error),
            };
        }
        let mut result = self.steps(&plan.runbook.steps).await;
        if let (Ok(()), Some((path, stop))) = (&result, self.went_on.take()) {
            let reason = format!("everything was gone through, and this failed on the way: {}", stop.reason);
            result = Err((path, Stop { reason, ..stop }.into()));
        }
        if let Err((path, Halt::Stop(stop))) = result {
            let halt = self.whole(&plan.runbook, &path, stop).await.map_or_else(Halt::Journal, Halt::Stop);
            result = Err((path, halt));
        }
        match result {
            Ok(()) if self.check.is_some() => Ok(self.checked()),
            Ok(()) => Ok(self.done()),
            Err((path, Halt::Stop(stop))) => Ok(self.stopped(&path, &stop)),
            Err((_, Halt::Journal(error))) => Err(error),
        }
    }
}
