//! `process:` the processes of a name, from `/proc`, so that nothing need be installed. The name is that of the
//! program file or of its first argument, without folder.

use crate::action::words::{list, visible};
use crate::template::{Plain, Scope, Text, Value};
use crate::transport::Look;

use super::model::Probe;
use super::{Found, ProbeError};
use crate::action::Login;

/// The kernel cuts `comm` at 15 characters, so the first argument is looked at as well. Zombies do not count: they
/// hold nothing. A process that vanishes while we look is no process.
const SCRIPT: &str = r#"
for d in /proc/[0-9]*; do
  { read -r c <"$d/comm"; } 2>/dev/null || continue
  a=$(tr '\0' '\n' 2>/dev/null <"$d/cmdline" | head -n 1) || a=
  [ "$c" = "$1" ] || [ "${a##*/}" = "$1" ] || continue
  { read -r s <"$d/stat"; } 2>/dev/null || continue
  s=${s##*) }
  case $s in Z*|X*) continue;; esac
  echo "${d#/proc/}"
done
"#;

pub(super) async fn ask(
    name: &Text<Plain>,
    probe: &Probe,
    look: &dyn Look,
    login: &Login,
    scope: &dyn Scope,
) -> Result<Found, ProbeError> {
    let name = name.render(scope).and_then(visible)?;
    let answer = login.script(look, probe.timeout, SCRIPT, &[&name]).await?;
    if answer.exit != 0 {
        return Err(ProbeError::NotAsked(super::refusal(&answer, "/proc")));
    }
    let pids: Vec<Value> = String::from_utf8_lossy(&answer.stdout)
        .lines()
        .filter_map(|line| line.trim().parse().ok().map(Value::Int))
        .collect();
    let count = pids.len();
    Ok(Found {
        success: count > 0,
        missing: false,
        seen: format!("{count} {} of {name}", if count == 1 { "process" } else { "processes" }),
        result: Value::map([
            ("count".to_owned(), Value::Int(i128::try_from(count).unwrap_or(i128::MAX))),
            ("pids".to_owned(), list(pids)),
        ]),
    })
}
