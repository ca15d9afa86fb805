//! What actions that put things in their place, and back again, have in common.

use crate::base::ids::UnitKey;
use crate::template::Value;
use crate::transport::{Hands, Work};

use super::{ActionError, Applied, Script, succeed};

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
