//! `service`: a service is started, stopped, restarted or reloaded, and enabled or disabled. The state that is read back
//! until it has held for a second is believed, not the exit code of the manager's tool.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::words::{clip, invalid};
use crate::base::BoxFuture;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::ids::UnitKey;
use crate::template::{AnyText, EvalError, Plain, Text, Value};
use crate::text::{self, Sp, Tree};
use crate::transport::{Done, Hands, Look, Work};

use super::check::{Makes, Verdict};
use super::registry::{Decode, Entry};
use super::service_state::Wanted;
use super::{Action, ActionError, Applied, Cx, Effect, Logs, Ready, Script, Told, service_state, written};

/// A service and what it should be.
#[derive(Debug)]
pub struct Service {
    name: Text<Plain>,
    state: Option<Wanted>,
    enabled: Option<bool>,
}

/// A service and what it is to be.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "service", deny_unknown_fields)]
struct Fields {
    /// The name that the service manager knows.
    name: Text<Plain>,
    /// What it is to be now.
    state: Option<Sp<Wanted>>,
    /// Whether it starts with the machine.
    enabled: Option<bool>,
}

pub(super) const ENTRY: Entry = Entry {
    key: "service",
    about: "A service runs or does not, now and after the next start of the machine.",
    effect: "idempotent; restarted and reloaded have their effect each time",
    example: "id: web\nhosts: web\nsudo: true\nservice: { name: web, state: started, enabled: true }\n",
    schema: |g| g.subschema_for::<Fields>(),
    decode: Decode::Action(decode),
};

fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Box<dyn Action>> {
    let Fields { name, state, enabled } = text::decode(tree, diags)?;
    if state.is_none() && enabled.is_none() {
        if !diags.has_errors_within(tree.span) {
            diags.push(
                Diagnostic::error("no-state", tree.span, "nothing is wanted of this service")
                    .help("add `state: started|stopped|restarted|reloaded` or `enabled: true|false`"),
            );
        }
        return None;
    }
    Some(Box::new(Service { name, state: state.map(|s| s.value), enabled }))
}

impl Action for Service {
    fn key(&self) -> &'static str {
        "service"
    }

    fn undoes_itself(&self) -> bool {
        true
    }

    fn effect(&self) -> Effect {
        match self.state {
            Some(Wanted::Restarted | Wanted::Reloaded) => Effect::Once,
            Some(Wanted::Started | Wanted::Stopped) | None => Effect::Idempotent,
        }
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        visit(&self.name);
    }

    fn told(&self) -> Told {
        let name = written(&self.name);
        let now = self.state.map(|state| match state {
            Wanted::Started => format!("starts the service {name}, if it does not run"),
            Wanted::Stopped => format!("stops the service {name}, if it runs"),
            Wanted::Restarted => format!("restarts the service {name}"),
            Wanted::Reloaded => format!("lets the service {name} read its configuration again"),
        });
        let then = self
            .enabled
            .map(|on| format!("from then on it {} with the machine", if on { "starts" } else { "does not start" }));
        let now = now.unwrap_or_else(|| format!("changes when the service {name} starts"));
        Told::new(then.map_or(now.clone(), |then| format!("{now}; {then}")))
    }

    fn prepare(&self, cx: &Cx<'_>) -> Result<Box<dyn Ready>, EvalError> {
        let name = cx.render(&self.name)?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.@:\\".contains(&b);
        if name.is_empty() || name.starts_with('-') || !name.bytes().all(plain) {
            return Err(invalid(format!("`{name}` cannot be the name of a service")));
        }
        Ok(Box::new(Change {
            name,
            state: self.state,
            enabled: self.enabled,
            manager: cx.login.service_manager.clone().unwrap_or_default(),
            work: cx.login.work(cx.timeout),
        }))
    }
}

/// A rendered change of a service.
#[derive(Debug)]
struct Change {
    name: String,
    state: Option<Wanted>,
    enabled: Option<bool>,
    manager: String,
    work: Work,
}

/// Prints the state before and after. `settled WORD` asks until the service has been so for a second in a row, or until
/// the time is over; the last state is printed either way. runit loses a start that comes in the pause after an exit,
/// so the wish is repeated while the state is between the two.
const SCRIPT: &str = r#"
name=$1 m=$(manager "$2") wanted=$3 enabled=$4 patience=$5
s=$(state "$name"); before=$s
case $s in absent*) echo "service $name is not known to $m" >&2; exit 3;; esac
# to be put back when it is undone
[ -z "$refloat_kept" ] || [ -e "$refloat_kept" ] || echo "$s" >"$refloat_kept"
nap() { sleep 0.2 2>/dev/null || sleep 1; }
# each wish is harmless when it is fulfilled already
wish() {
  case $m.$1 in
  systemd.running) systemctl start -- "$name" || :;;
  systemd.stopped) systemctl stop -- "$name" || :;;
  systemd.restart) systemctl restart -- "$name" || :;;
  systemd.reload) systemctl reload -- "$name" || :;;
  runit.running) sv -w 7 start "$(folder "$name")" >/dev/null || :;;
  runit.stopped) sv -w 30 stop "$(folder "$name")" >/dev/null || :;;
  runit.restart) sv -w 30 restart "$(folder "$name")" >/dev/null || :;;
  runit.reload) sv hup "$(folder "$name")" >/dev/null || :;;
  esac
}
enable() {
  case $m.$1 in
  systemd.yes) systemctl enable --quiet -- "$name";;
  systemd.no) systemctl disable --quiet -- "$name";;
  runit.yes) rm -f -- "$(folder "$name")/down";;
  runit.no) : >"$(folder "$name")/down";;
  esac
}
# held WORD: so many looks in a row without another state or another pid
held() {
  k=0 pid= start=$(cut -d. -f1 /proc/uptime)
  while :; do
    s=$(state "$name")
    case $s in
    "$1 "*) if [ "${s##* }" = "$pid" ]; then k=$((k+1)); else k=1 pid=${s##* }; fi; [ "$k" -le 5 ] || return 0;;
    *) k=0 pid=; case $s in changing*) [ "$1" != running ] || wish "$1" 2>/dev/null;; esac;;
    esac
    [ $(($(cut -d. -f1 /proc/uptime) - start)) -lt "$patience" ] || return 1
    nap
  done
}
# a service that must stay down is disabled before it is stopped, one that must stay up is enabled before it is started
[ "$enabled" = - ] || case $s in *" $enabled "*) ;; *) enable "$enabled";; esac
case $wanted in
started) word=running; case $s in running*) ;; *) wish running;; esac;;
stopped) word=stopped; case $s in stopped*) ;; *) wish stopped;; esac;;
restarted) word=running; wish restart;;
as-before) word=; wish running;; # it was between the two: wished for, and not for long
reloaded) word=running; case $s in running*) wish reload;; *) echo "service $name is not running" >&2; exit 4;; esac;;
-) word=;;
esac
rc=0
[ -z "$word" ] || held "$word" || rc=5
echo "$before"; state "$name"
[ "$rc" = 0 ] || { echo "service $name has not been $wanted for a second within ${patience}s; it is: $s" >&2; exit "$rc"; }
"#;

impl Change {
    fn script(&self) -> Script {
        let script = format!("{}\n{SCRIPT}", service_state::FUNCTIONS);
        let enabled = self.enabled.map_or("-", |enabled| if enabled { "yes" } else { "no" });
        let wanted = self.state.map_or("-", Wanted::word);
        // a little less than the step's time, so that the reason is told by us and not by the axe
        let patience = self.work.timeout.as_secs().saturating_sub(3).clamp(1, 120).to_string();
        Script::new(script, &[&self.name, &self.manager, wanted, enabled, &patience])
    }

    /// What is wanted.
    fn words(&self) -> String {
        let enabled = self.enabled.map(|enabled| if enabled { "enabled" } else { "disabled" });
        self.state.map(Wanted::word).into_iter().chain(enabled).collect::<Vec<_>>().join(", ")
    }

    /// The state before and after.
    fn states(&self, done: &Done) -> Result<(service_state::State, service_state::State), ActionError> {
        let text = String::from_utf8_lossy(&done.stdout);
        let mut states = text.lines().filter_map(service_state::parse);
        match (states.next(), states.next()) {
            (Some(before), Some(after)) => Ok((before, after)),
            _ => Err(ActionError::failed(format!("cannot read the state of {}: {}", self.name, clip(&text)))),
        }
    }

    /// Whether a state is what is wanted; restarts and reloads never are.
    fn is(&self, state: &service_state::State) -> bool {
        let runs = match self.state {
            None => true,
            Some(Wanted::Started) => state.run == service_state::Run::Running,
            Some(Wanted::Stopped) => state.run == service_state::Run::Stopped,
            Some(Wanted::Restarted | Wanted::Reloaded) => false,
        };
        runs && self.enabled.is_none_or(|enabled| state.enabled == Some(enabled))
    }
}

impl Ready for Change {
    fn summary(&self) -> String {
        format!("{} {}", self.name, self.words())
    }

    fn sends(&self) -> Vec<String> {
        vec![self.script().text]
    }

    fn makes(&self) -> Makes {
        Makes::service(&self.name)
    }

    fn body(&self) -> String {
        super::body(&self.work, &self.script().args)
    }

    fn check<'a>(&'a self, look: &'a dyn Look) -> BoxFuture<'a, Result<Verdict, ActionError>> {
        Box::pin(async move {
            let script = format!("{}\nm=$(manager \"$2\")\nstate \"$1\"\n", service_state::FUNCTIONS);
            let script = Script::new(script, &[&self.name, &self.manager]);
            let answer = look.ask(&script.ask(&self.work)).await?;
            let line = String::from_utf8_lossy(&answer.stdout).into_owned();
            Ok(match service_state::parse(&line) {
                Some(state) if state.run == service_state::Run::Absent => {
                    Verdict::Blocked(format!("{}: {state}", self.name))
                }
                Some(state) if self.is(&state) => Verdict::Holds(format!("{} is {state}", self.name)),
                Some(state) => Verdict::WouldChange(format!("{}, now {state}", self.summary())),
                None => Verdict::Blocked(clip(&String::from_utf8_lossy(&answer.stderr))),
            })
        })
    }

    fn apply<'a>(&'a self, hands: &'a Hands<'a>, logs: Logs) -> BoxFuture<'a, Result<Applied, ActionError>> {
        Box::pin(async move {
            let work = Work { cursors: logs.sources, kept: vec![*hands.key()], ..self.script().work(&self.work) };
            let done = super::succeed(hands.run(&work, logs.noted).await?, &work)?;
            let (before, after) = self.states(&done)?;
            let changed = !self.is(&before);
            let result = Value::map([
                ("state".to_owned(), Value::str(after.word())),
                ("before".to_owned(), Value::str(before.word())),
            ]);
            Ok(Applied { printed: done.into(), ..Applied::new(changed, result) })
        })
    }

    fn undoes(&self) -> Option<String> {
        Some(format!("{} as it was before it was {}", self.name, self.words()))
    }

    fn undo<'a>(&'a self, hands: &'a Hands<'a>, applied: &'a [UnitKey]) -> BoxFuture<'a, Result<Applied, ActionError>> {
        Box::pin(async move {
            let Script { text, args } = self.script();
            let text = text.replacen(SCRIPT, &format!("{}{SCRIPT}", service_state::UNDO), 1);
            let work = Work { kept: applied.to_vec(), ..Script { text, args }.work(&self.work) };
            let done = super::succeed(hands.run(&work, None).await?, &work)?;
            let (before, after) = self.states(&done)?;
            let changed = (before.run, before.enabled) != (after.run, after.enabled);
            let result = Value::map([("state".to_owned(), Value::str(after.word()))]);
            Ok(Applied { printed: done.into(), ..Applied::new(changed, result) })
        })
    }

    fn undo_by_hand(&self, outputs: &serde_json::Value, _kept: &str) -> Option<String> {
        Some(match outputs["before"].as_str() {
            Some("running") => format!("start the service {}, it ran before", self.name),
            Some("stopped") => format!("stop the service {}, it did not run before", self.name),
            Some(_) | None => format!("bring the service {} back to what it was", self.name),
        })
    }
}
