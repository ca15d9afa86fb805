//! Showing a run while this process executes it.

use std::sync::Arc;

use tokio::sync::watch;

use crate::base::clock::Clock;
use crate::event::{EventKind, RunState};
use crate::journal::{Follower, RunLog};
use crate::report::Reporter;

/// How often a live display moves.
const TICK: std::time::Duration = std::time::Duration::from_millis(100);

/// Shows a run while it goes on. A reporter that fails or lags never stops a run.
/// `known` is where the run is already when it was taken over: what happened before is not told again.
pub async fn tell(
    log: RunLog,
    known: Option<RunState>,
    clock: Arc<dyn Clock>,
    mut reporter: Box<dyn Reporter>,
    shown: watch::Sender<usize>,
) {
    let events = log.subscribe(known.as_ref().map_or(1, |state| state.last_seq() + 1));
    let state = follow(events, known, &*clock, &mut *reporter, &shown, true).await;
    if let Some(state) = &state {
        reporter.finish(state, Some(log.head()));
    }
}

/// Shows what comes, until nothing more can come or, `to_the_end`, until the run has ended. The state after it.
pub async fn follow(
    mut events: Follower,
    known: Option<RunState>,
    clock: &dyn Clock,
    reporter: &mut dyn Reporter,
    shown: &watch::Sender<usize>,
    to_the_end: bool,
) -> Option<RunState> {
    let mut state = known;
    let mut questions = 0;
    let mut tick = tokio::time::interval(TICK);
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            _ = tick.tick() => {
                if let Some(state) = &state {
                    reporter.tick(clock.now(), state);
                }
                continue;
            }
        };
        let Ok(Some(event)) = event else { break };
        let known = match &mut state {
            Some(state) => state.apply(&event).is_ok(),
            None => RunState::open(&event).map(|opened| state = Some(opened)).is_ok(),
        };
        let Some(now) = state.as_ref().filter(|_| known) else { break };
        reporter.event(&event, now);
        match &event.kind {
            EventKind::Asked { .. } => {
                questions += 1;
                shown.send_replace(questions);
            }
            EventKind::RunClosed(_) if to_the_end => break,
            _ => {}
        }
    }
    state
}
