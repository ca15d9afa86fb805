//! What a service manager says of a service, in one form for systemd and runit.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::words::clip;
use crate::transport::Look;

use super::Login;
use super::probe::ProbeError;

/// The states that can be wanted.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "service-state")]
pub enum Wanted {
    /// It runs.
    Started,
    /// It does not run.
    Stopped,
    /// It is stopped and started.
    Restarted,
    /// It reads its configuration again.
    Reloaded,
}

impl Wanted {
    /// The word that authors write.
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Stopped => "stopped",
            Self::Restarted => "restarted",
            Self::Reloaded => "reloaded",
        }
    }
}

/// Whether a service runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// It does.
    Running,
    /// It does not.
    Stopped,
    /// It is between the two: starting, stopping, or pausing before a restart.
    Changing,
    /// The manager does not know it.
    Absent,
}

/// The state of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether it runs.
    pub run: Run,
    /// Whether it starts with the machine; `None` where the manager cannot say.
    pub enabled: Option<bool>,
    /// Its main process.
    pub pid: Option<u32>,
}

impl State {
    /// Whether it runs and stays.
    #[must_use]
    pub fn running(&self) -> bool {
        self.run == Run::Running
    }

    /// The word that expressions compare with.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.run {
            Run::Running => "running",
            Run::Stopped | Run::Changing => "stopped",
            Run::Absent => "absent",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.run {
            Run::Changing => f.write_str("between started and stopped")?,
            Run::Absent => f.write_str("not known to the service manager")?,
            Run::Running | Run::Stopped => f.write_str(self.word())?,
        }
        match self.enabled {
            Some(true) => f.write_str(", enabled"),
            Some(false) => f.write_str(", disabled"),
            None => Ok(()),
        }
    }
}

/// In front of what changes a service: the wish is the state that was kept.
pub const UNDO: &str = r#"
if [ ! -e "$refloat_kept" ]; then m=$(manager "$2"); s=$(state "$1"); echo "$s"; echo "$s"; exit 0; fi
read -r was_run was_enabled _ <"$refloat_kept"
refloat_kept=
case $was_run in running) w=started;; stopped) w=stopped;; *) w=as-before;; esac
case $was_enabled in yes|no) ;; *) was_enabled=-;; esac
set -- "$1" "$2" "$w" "$was_enabled" "$5"
"#;

/// The functions that our service scripts share: `manager` finds out who manages services, `state NAME` prints
/// `running|stopped|changing|absent`, `yes|no|?` for enabled, and the pid or `-`.
///
/// runit: `sv status` prints `run: NAME: (pid N) Ns` or `down: NAME: Ns, want up`; a file `down` in the service's folder
/// means "not with the machine". In the pause before a restart runit says `down: …, want up` or `run` of a process that
/// is a second old; both are told apart by the caller, who asks until the answer has held.
pub const FUNCTIONS: &str = r#"
manager() {
  case ${1:-} in systemd|runit) echo "$1"; return;; esac
  if [ -d /run/systemd/system ]; then echo systemd
  elif command -v sv >/dev/null 2>&1; then echo runit
  else echo "neither systemd nor runit manages services here; set connect.service_manager in the inventory" >&2; exit 1; fi
}
folder() {
  for d in "${SVDIR:-/etc/service}" /service /var/service; do
    if [ -d "$d/$1" ]; then echo "$d/$1"; return 0; fi
  done
  return 1
}
state() {
  case $m in
  systemd)
    load=; active=; pid=0; unit=
    while IFS='=' read -r k v; do
      case $k in LoadState) load=$v;; ActiveState) active=$v;; MainPID) pid=$v;; UnitFileState) unit=$v;; esac
    done <<EOF
$(systemctl show -p LoadState -p ActiveState -p MainPID -p UnitFileState -- "$1")
EOF
    [ "$load" != not-found ] || { echo "absent ? -"; return; }
    case $active in active) s=running;; inactive|failed) s=stopped;; *) s=changing;; esac
    case $unit in enabled|enabled-runtime|static|indirect|generated|alias) e=yes;; disabled|masked|masked-runtime|linked) e=no;; *) e='?';; esac
    [ "$pid" != 0 ] || pid=-
    echo "$s $e $pid";;
  runit)
    d=$(folder "$1") || { echo "absent ? -"; return; }
    if [ -e "$d/down" ]; then e=no; else e=yes; fi
    t=$(sv status "$d" 2>&1) || :
    case $t in
    *'unable to open supervise'*|*'runsv not running'*) s=stopped p=-;;
    run:*'want down'*) s=changing p=-;;
    run:*) s=running; p=${t#*(pid }; p=${p%%)*};;
    down:*'want up'*) s=changing p=-;;
    down:*) s=stopped p=-;;
    finish:*) s=changing p=-;;
    *) printf '%s\n' "$t" >&2; return 1;;
    esac
    echo "$s $e $p";;
  esac
}
"#;

/// Asks for the state once.
pub async fn read(look: &dyn Look, login: &Login, name: &str, timeout: Duration) -> Result<State, ProbeError> {
    let script = format!("{FUNCTIONS}\nm=$(manager \"$2\")\nstate \"$1\"\n");
    let manager = login.service_manager.as_deref().unwrap_or_default();
    let answer = login.script(look, timeout, &script, &[name, manager]).await?;
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    if answer.exit != 0 {
        let said = String::from_utf8_lossy(&answer.stderr);
        return Err(ProbeError::NotAsked(format!("service {name}: {}", clip(&said))));
    }
    parse(&text).ok_or_else(|| ProbeError::Unparsable(format!("service {name}: {}", clip(&text))))
}

/// Reads the line that `state` prints.
#[must_use]
pub fn parse(line: &str) -> Option<State> {
    let mut words = line.split_whitespace();
    let run = match words.next()? {
        "running" => Run::Running,
        "stopped" => Run::Stopped,
        "changing" => Run::Changing,
        "absent" => Run::Absent,
        _ => return None,
    };
    let enabled = match words.next()? {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    Some(State { run, enabled, pid: words.next().and_then(|pid| pid.parse().ok()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_script() {
        let state = parse("running no 73\n").expect("a state");
        assert_eq!(state, State { run: Run::Running, enabled: Some(false), pid: Some(73) });
        assert_eq!(state.to_string(), "running, disabled");
        assert_eq!(parse("absent ? -").expect("a state").pid, None);
        assert_eq!(parse("walking yes 1"), None);
    }
}
