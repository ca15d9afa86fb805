//! What actions have in common that put things in their place by a script, and back again.

use std::time::Duration;

use crate::base::ids::UnitKey;
use crate::template::Value;
use crate::transport::{Done, Hands, Work};

use super::words::{clip, exit_words, seconds};
use super::{ActionError, Applied, Printed, Script};

/// A path for what is made ready: in the destination's folder, so that one rename puts it there, and named by the unit.
pub(super) fn beside(path: &str, hands: &Hands<'_>) -> String {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{folder}/.refloat-{}", &hands.key().to_string()[..16])
}

/// Runs a script that puts something back, and prints `same` when there was nothing to do.
pub(super) async fn put_back(
    hands: &Hands<'_>,
    applied: &[UnitKey],
    script: Script,
    work: &Work,
) -> Result<Applied, ActionError> {
    let work = Work { kept: applied.to_vec(), ..script.work(work) };
    let done = succeed(hands.run(&work, None).await?, &work)?;
    let changed = !done.stdout.starts_with(b"same");
    let printed = Printed { stdout: Vec::new(), ..done.into() };
    Ok(Applied { printed, ..Applied::new(changed, Value::map(Vec::<(String, Value)>::new())) })
}

/// What one of our scripts did, or what it said when it failed.
pub(super) fn succeed(done: Done, work: &Work) -> Result<Done, ActionError> {
    let done = stopped(done, work)?;
    if done.exit == 0 {
        return Ok(done);
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let reason = match said.trim() {
        "" => format!("exit {}", exit_words(done.exit)),
        text => clip(text),
    };
    Err(ActionError::Failed { reason, exit: Some(done.exit), printed: done.into() })
}

/// Whether it ended by itself: the host stopped it at its timeout, or since somebody asked for it.
pub(super) fn stopped(done: Done, work: &Work) -> Result<Done, ActionError> {
    if done.cancelled {
        let reason = "stopped on the host before its end".to_owned();
        return Err(ActionError::Cancelled { reason, printed: done.into() });
    }
    if !done.timed_out {
        return Ok(done);
    }
    let said = clip(String::from_utf8_lossy(&done.stderr).trim());
    let idle = work.idle.filter(|_| done.idle);
    let after = Duration::from_millis(done.millis);
    let printed = done.into();
    Err(match idle {
        Some(idle) => {
            let silent = format!("it printed nothing for {}", seconds(idle));
            let reason = if said.is_empty() { silent } else { format!("{silent}: {said}") };
            ActionError::TimedOut { after, reason, printed }
        }
        None => ActionError::TimedOut { after: work.timeout, reason: said, printed },
    })
}
