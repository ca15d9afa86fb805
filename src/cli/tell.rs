//! Showing a run while this process executes it.

use std::sync::Arc;

use tokio::sync::watch;

use crate::base::clock::Clock;
use crate::event::{EventKind, RunState};
use crate::journal::RunLog;
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
    let mut events = log.subscribe(known.as_ref().map_or(1, |state| state.last_seq() + 1));
    let mut state = known;
    let mut questions = 0;
    // our own clone must not keep the run alive: the follower ends when the last log is gone
    let head = {
        let log = log;
        move || log.head()
    };
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
            EventKind::RunClosed(_) => break,
            _ => {}
        }
    }
    if let Some(state) = &state {
        let head = head();
        reporter.finish(state, Some(head));
    }
}
