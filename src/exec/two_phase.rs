//! The first phase of two-phase work: staged everywhere, or taken back everywhere.

use futures_util::future::join_all;

use crate::action::{ActionError, Printed};
use crate::runbook::Step;

use super::act::{Part, stop_of};
use super::halt::{Halt, Stop};
use super::run::Run;

/// How the first phase ended.
pub(super) enum Staged {
    /// Everything is ready for the second.
    Ready,
    /// Nothing was changed anywhere.
    Failed(Stop),
}

impl Run {
    pub(super) async fn stage(&self, step: &Step, parts: &[Part<'_>]) -> Result<Staged, Halt> {
        // what has begun was staged by the process before
        let parts: Vec<&Part<'_>> = parts.iter().filter(|part| !part.begun && part.ready.two_phase()).collect();
        if parts.is_empty() {
            return Ok(Staged::Ready);
        }
        let staged = join_all(parts.iter().map(|part| part.ready.stage(&part.hands))).await;
        if staged.iter().all(Result::is_ok) {
            return Ok(Staged::Ready);
        }
        // a copy that cannot be taken back is removed by the host's runner when it ends
        let good = parts.iter().zip(&staged).filter(|(_, staged)| staged.is_ok());
        join_all(good.map(|(part, _)| part.ready.unstage(&part.hands))).await;
        let mut stop: Option<Stop> = None;
        for (part, staged) in parts.into_iter().zip(staged) {
            let done = match staged {
                Ok(()) => Err(ActionError::Cancelled {
                    reason: "taken back: another host could not be made ready".to_owned(),
                    printed: Printed::default(),
                }),
                Err(error) => {
                    let this = stop_of(part.spot, &error, &step.path);
                    stop = Some(match stop.take() {
                        None => this,
                        Some(mut first) => {
                            first.hosts.extend(this.hosts);
                            Stop { reason: format!("{}; {}", first.reason, this.reason), ..first }
                        }
                    });
                    Err(error)
                }
            };
            self.write_end(step, part, &done, 0).await?;
        }
        let stop = stop.unwrap_or_else(|| Stop::new(super::halt::Kind::Failed, "staging failed"));
        Ok(Staged::Failed(Stop { reason: format!("{} (no host was changed by this step)", stop.reason), ..stop }))
    }
}
