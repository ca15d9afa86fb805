//! `move`: a file or folder gets another place on the same host. An existing destination is refused, so that nothing is
//! ever written over; a source that is gone while the destination is there counts as done.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::words::{absolute, clip, invalid};
use crate::base::BoxFuture;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::ids::UnitKey;
use crate::template::{AnyText, EvalError, Plain, Text, Value};
use crate::text::{self, Tree};
use crate::transport::{Hands, Look, Work};

use super::check::{Makes, Verdict};
use super::registry::{Decode, Entry};
use super::{Action, ActionError, Applied, Cx, Effect, Logs, Ready, Script, Told, written};

/// Where from and where to.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "move", deny_unknown_fields)]
pub struct Move {
    /// What is moved.
    from: Text<Plain>,
    /// Where to, on the same host; nothing may be there.
    to: Text<Plain>,
    /// Whether to write through a symbolic link and into a folder that others can write.
    #[serde(default)]
    follow: bool,
}

pub(super) const ENTRY: Entry = Entry {
    key: "move",
    about: "Moves a file or folder on its host; nothing may be where it goes.",
    effect: "idempotent",
    example: "id: fence\nhosts: web\nmove: { from: /var/lib/web, to: /var/lib/web.fenced }\n",
    schema: |g| g.subschema_for::<Move>(),
    decode: Decode::Action(decode),
};

fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Box<dyn Action>> {
    let action = text::decode::<Move>(tree, diags)?;
    absolute([&action.from, &action.to], diags);
    if let Err(why) = apart(&action.from.source().value, &action.to.source().value) {
        diags.push(Diagnostic::error("wrong-value", action.to.source().span, why));
    }
    Some(Box::new(action))
}

/// Nothing moves onto or into itself.
fn apart(from: &str, to: &str) -> Result<(), String> {
    let inside =
        to.strip_prefix(from.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if inside { Err(format!("`{from}` cannot be moved to `{to}`, which is itself or inside of it")) } else { Ok(()) }
}

impl Action for Move {
    fn key(&self) -> &'static str {
        "move"
    }

    fn undoes_itself(&self) -> bool {
        true
    }

    fn effect(&self) -> Effect {
        Effect::Idempotent
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        visit(&self.from);
        visit(&self.to);
    }

    fn told(&self) -> Told {
        Told::new(format!("moves {} to {}, where nothing may be", written(&self.from), written(&self.to)))
    }

    fn prepare(&self, cx: &Cx<'_>) -> Result<Box<dyn Ready>, EvalError> {
        let (from, to) = (cx.path(&self.from)?, cx.path(&self.to)?);
        apart(&from, &to).map_err(invalid)?;
        Ok(Box::new(Rename { from, to, follow: self.follow, work: cx.login.work(cx.timeout) }))
    }
}

/// A rendered move.
#[derive(Debug)]
struct Rename {
    from: String,
    to: String,
    follow: bool,
    work: Work,
}

/// `look` prints what is there; `go` acts. `mv -T` is missing in old busybox, so a folder at the destination is
/// excluded beforehand and `-n` covers the moment between.
const SCRIPT: &str = r#"
from=$2 to=$3
there() { [ -e "$1" ] || [ -L "$1" ]; }
if there "$to"; then
  if there "$from"; then echo "$to exists already" >&2; exit 3; fi
  echo done; exit 0
fi
there "$from" || { echo "$from does not exist" >&2; exit 4; }
[ "$4" = follow ] || [ ! -L "$from" ] || { echo "$from is a symbolic link; write follow: true to move it" >&2; exit 5; }
d=$(dirname -- "$to")
[ -d "$d" ] || { echo "$d is not a folder" >&2; exit 6; }
for p in "$d" "$(dirname -- "$from")"; do
  [ -w "$p" ] || { echo "$p cannot be written by $(id -un)" >&2; exit 7; }
done
if [ "$1" = look ]; then echo would; exit 0; fi
: >"$refloat_kept"
mv -n -- "$from" "$to"
if there "$from"; then rm -f -- "$refloat_kept"; echo "$from is still there: somebody else made $to" >&2; exit 3; fi
echo moved
"#;

/// `$refloat_kept` says that it was begun.
const UNDO: &str = r#"
from=$2 to=$3
there() { [ -e "$1" ] || [ -L "$1" ]; }
if [ ! -e "$refloat_kept" ] || ! there "$to"; then
  if there "$from"; then echo same; exit 0; fi
  [ -e "$refloat_kept" ] || { echo same; exit 0; }
  echo "neither $from nor $to is there" >&2; exit 4
fi
if there "$from"; then echo "$from is there again, and $to as well: somebody made it since" >&2; exit 3; fi
mv -n -- "$to" "$from"
if there "$to"; then echo "$to is still there" >&2; exit 3; fi
echo moved
"#;

impl Rename {
    fn script(&self, mode: &str) -> Script {
        let follow = if self.follow { "follow" } else { "" };
        Script::new(SCRIPT, &[mode, &self.from, &self.to, follow])
    }
}

impl Ready for Rename {
    fn summary(&self) -> String {
        format!("{} → {}", self.from, self.to)
    }

    fn sends(&self) -> Vec<String> {
        vec![self.script("go").text]
    }

    fn makes(&self) -> Makes {
        Makes::paths(&self.from, [&*self.from, &*self.to]).with_what_is_below().through_links(self.follow)
    }

    fn body(&self) -> String {
        super::body(&self.work, &self.script("go").args)
    }

    fn check<'a>(&'a self, look: &'a dyn Look) -> BoxFuture<'a, Result<Verdict, ActionError>> {
        Box::pin(async move {
            let answer = look.ask(&self.script("look").ask(&self.work)).await?;
            Ok(match (answer.exit, String::from_utf8_lossy(&answer.stdout).trim()) {
                (0, "done") => Verdict::Holds(format!("{} is at {}", self.from, self.to)),
                (0, _) => Verdict::WouldChange(self.summary()),
                _ => Verdict::Blocked(clip(&String::from_utf8_lossy(&answer.stderr))),
            })
        })
    }

    fn apply<'a>(&'a self, hands: &'a Hands<'a>, logs: Logs) -> BoxFuture<'a, Result<Applied, ActionError>> {
        Box::pin(async move {
            let work = Work { cursors: logs.sources, kept: vec![*hands.key()], ..self.script("go").work(&self.work) };
            let done = super::succeed(hands.run(&work, logs.noted).await?, &work)?;
            let changed = done.stdout.starts_with(b"moved");
            Ok(Applied::new(changed, Value::map(Vec::<(String, Value)>::new())))
        })
    }

    fn undoes(&self) -> Option<String> {
        Some(format!("{} → {}", self.to, self.from))
    }

    fn undo<'a>(&'a self, hands: &'a Hands<'a>, applied: &'a [UnitKey]) -> BoxFuture<'a, Result<Applied, ActionError>> {
        Box::pin(async move {
            let script = Script { text: UNDO.to_owned(), ..self.script("go") };
            super::put_back(hands, applied, script, &self.work).await
        })
    }

    fn undo_by_hand(&self, _outputs: &serde_json::Value, _kept: &str) -> Option<String> {
        Some(format!("move {} back to {}", self.to, self.from))
    }
}
