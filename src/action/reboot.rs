//! `reboot`: the host restarts. The restart is asked for once, by something that outlives its own step, so that the step's
//! end is written down before the host goes; then another boot is waited for. Whether it has come is read off the host,
//! so a run that was cut off in the middle finds it by asking under the same key.
//!
//! Limit: a host that forgets its claims when it restarts (a home that does not survive it) cannot tell a resumed run that
//! it was asked before.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::words::seconds;
use crate::base::BoxFuture;
use crate::base::diag::Diagnostics;
use crate::template::{AnyText, EvalError, Value};
use crate::text::{self, Dur, Tree};
use crate::transport::{Ask, Hands, LinkError, Look, Work};

use super::check::Verdict;
use super::registry::{Decode, Entry};
use super::{Action, ActionError, Applied, Cx, Effect, Logs, Ready, Script, Told, succeed};

/// A restart.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "reboot", deny_unknown_fields)]
pub struct Reboot {
    /// How long the next boot may take to be there and to be reached; 5m by default.
    within: Option<Dur>,
}

pub(super) const ENTRY: Entry = Entry {
    key: "reboot",
    about: "The host restarts, and is there again.",
    effect: "its effect each time; never asked for twice in one run",
    example: "id: restart\nhosts: web\nsudo: true\nreboot: { within: 10m }\nundo: none\nwhy: the new kernel is in use from the next boot on\n",
    schema: |g| g.subschema_for::<Reboot>(),
    decode: Decode::Action(decode),
};

/// What is waited for when nothing is written.
const WITHIN: Duration = Duration::from_mins(5);

/// Between two looks at a host that still runs or does not answer.
const AGAIN: Duration = Duration::from_secs(1);

fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Box<dyn Action>> {
    text::decode::<Reboot>(tree, diags).map(|action| Box::new(action) as Box<dyn Action>)
}

impl Action for Reboot {
    fn key(&self) -> &'static str {
        "reboot"
    }

    fn effect(&self) -> Effect {
        Effect::Once
    }

    fn texts<'a>(&'a self, _visit: &mut dyn FnMut(&'a dyn AnyText)) {}

    fn told(&self) -> Told {
        let within = self.within.map_or(WITHIN, |Dur(within)| within);
        Told::new(format!("restarts the machine, which must be back within {}", seconds(within)))
    }

    fn prepare(&self, cx: &Cx<'_>) -> Result<Box<dyn Ready>, EvalError> {
        let within = self.within.map_or(WITHIN, |Dur(within)| within);
        Ok(Box::new(Restart { within, work: cx.login.work(cx.timeout) }))
    }
}

/// A restart of one host.
#[derive(Debug)]
struct Restart {
    within: Duration,
    work: Work,
}

/// Prints the boot on which it began. The pause lets the end of this step be written down; the host may go at any moment
/// after it.
const SCRIPT: &str = r#"
before=$1
[ "$(id -u)" = 0 ] || { echo 'only root can restart a host; add `sudo: true`' >&2; exit 3; }
if [ -d /run/systemd/system ] && command -v systemctl >/dev/null; then set -- systemctl reboot
elif command -v reboot >/dev/null; then set -- reboot
elif command -v shutdown >/dev/null; then set -- shutdown -r now
else echo 'there is no systemctl, reboot or shutdown' >&2; exit 4; fi
setsid /bin/sh -c 'sleep 2; exec "$@"' refloat "$@" </dev/null >/dev/null 2>&1 &
echo "$before"
"#;

/// Which boot this is, as the runner has found it when it was started; a link that was made again has a new runner.
async fn boot(look: &dyn Look) -> Result<String, LinkError> {
    let ask = Ask { timeout: Duration::from_secs(10), ..Ask::script("printf %s \"$_boot\"") };
    let answer = look.ask(&ask).await?;
    Ok(String::from_utf8_lossy(&answer.stdout).into_owned())
}

impl Restart {
    /// Waits for a boot that is another one than this. An error is what the last look came to.
    async fn another(&self, look: &dyn Look, before: &str) -> Result<(), ActionError> {
        let mut last = Ok(());
        let waited = tokio::time::timeout(self.within, async {
            loop {
                last = match boot(look).await {
                    Ok(now) if !now.is_empty() && now != before => return,
                    Ok(_) => Ok(()),
                    Err(error) => Err(error),
                };
                tokio::time::sleep(AGAIN).await;
            }
        });
        if waited.await.is_ok() {
            return Ok(());
        }
        let within = seconds(self.within);
        Err(match last {
            Ok(()) => ActionError::failed(format!("it was asked to restart, and has not within {within}")),
            Err(error) => {
                let reason = format!("it was asked to restart, and is not back within {within}: {error}");
                ActionError::Link(LinkError::Lost { reason })
            }
        })
    }
}

impl Ready for Restart {
    fn summary(&self) -> String {
        format!("restart, and be back within {}", seconds(self.within))
    }

    fn body(&self) -> String {
        super::body(&self.work, &["reboot".to_owned(), seconds(self.within)])
    }

    fn sends(&self) -> Vec<String> {
        vec![SCRIPT.to_owned()]
    }

    fn check<'a>(&'a self, _look: &'a dyn Look) -> BoxFuture<'a, Result<Verdict, ActionError>> {
        Box::pin(async { Ok(Verdict::WouldRun(self.summary())) })
    }

    fn apply<'a>(&'a self, hands: &'a Hands<'a>, logs: Logs) -> BoxFuture<'a, Result<Applied, ActionError>> {
        Box::pin(async move {
            let now = boot(hands.look()).await.map_err(|error| LinkError::NotStarted { reason: error.to_string() })?;
            let work = Work { cursors: logs.sources, ..Script::new(SCRIPT, &[&now]).work(&self.work) };
            // under the same key a second time, it answers with the boot of the first
            match hands.run(&work, logs.noted).await {
                Ok(done) => {
                    let done = succeed(done, &work)?;
                    self.another(hands.look(), String::from_utf8_lossy(&done.stdout).trim()).await?;
                }
                // the host has gone since: that is what it is for
                Err(LinkError::Unknown { restarted: true, .. }) => {}
                Err(LinkError::Unknown { begun: true, .. }) => self.another(hands.look(), &now).await?,
                Err(error) => return Err(error.into()),
            }
            Ok(Applied::new(true, Value::map(Vec::<(String, Value)>::new())))
        })
    }
}
