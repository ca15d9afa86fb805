//! What actions have in common that put things in their place by a script, and back again.

use std::time::Duration;

use crate::base::ids::UnitKey;
use crate::template::Value;
use crate::transport::{Done, Hands, Work};

use super::words::{clip, exit_words, seconds};
use super::{ActionError, Applied, Script};

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
    Ok(Applied {
        changed: !done.stdout.starts_with(b"same"),
        result: Value::map(Vec::<(String, Value)>::new()),
        stdout: Vec::new(),
        stderr: done.stderr,
        artifact: None,
        seen: String::new(),
    })
}

/// What one of our scripts did, or what it said when it failed.
pub(super) fn succeed(done: Done, work: &Work) -> Result<Done, ActionError> {
    stopped(&done, work)?;
    if done.exit == 0 {
        return Ok(done);
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let reason = match said.trim() {
        "" => format!("exit {}", exit_words(done.exit)),
        text => clip(text),
    };
    Err(ActionError::Failed { reason, exit: Some(done.exit), stdout: done.stdout, stderr: done.stderr })
}

/// Whether the host stopped it at its timeout.
pub(super) fn stopped(done: &Done, work: &Work) -> Result<(), ActionError> {
    if !done.timed_out {
        return Ok(());
    }
    let said = clip(String::from_utf8_lossy(&done.stderr).trim());
    Err(match work.idle.filter(|_| done.idle) {
        Some(idle) => {
            let silent = format!("it printed nothing for {}", seconds(idle));
            let reason = if said.is_empty() { silent } else { format!("{silent}: {said}") };
            ActionError::TimedOut { after: Duration::from_millis(done.millis), reason }
        }
        None => ActionError::TimedOut { after: work.timeout, reason: said },
    })
}
