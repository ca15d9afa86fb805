//! `process:` the processes of a name, from `/proc`, so that nothing need be installed. The name is that of the
//! program file, or of the script, without folder.

use crate::action::words::list;
use crate::template::{Plain, Scope, Text, Value};
use crate::transport::Look;

use super::model::Probe;
use super::{Found, ProbeError};
use crate::action::Login;

/// Without a fork for each process: a busy machine has thousands. The kernel cuts the name at 15 characters, so a longer
/// one is asked of the first argument as well. Zombies do not count: they hold nothing. A process that vanishes while we
/// look is no process.
const SCRIPT: &str = r#"
short=$(printf %.15s "$1")
for d in /proc/[0-9]*; do
  { read -r c <"$d/comm"; } 2>/dev/null || continue
  [ "$c" = "$short" ] || continue
  if [ "$short" != "$1" ]; then
    a=$(tr '\0' '\n' 2>/dev/null <"$d/cmdline" | head -n 1) || continue
    [ "${a##*/}" = "$1" ] || continue
  fi
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
    let (name, text) = super::about(name, super::fits::name, SCRIPT, probe, look, login, scope).await?;
    let pids: Vec<Value> = text.lines().filter_map(|line| line.trim().parse().ok().map(Value::Int)).collect();
    let count = pids.len();
    Ok(Found {
        success: count > 0,
        seen: format!("{count} {} of {name}", if count == 1 { "process" } else { "processes" }),
        result: Value::map([
            ("count".to_owned(), Value::Int(i128::try_from(count).unwrap_or(i128::MAX))),
            ("pids".to_owned(), list(pids)),
        ]),
    })
}
