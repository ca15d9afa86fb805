//! `link`: a symbolic link leads there. It is replaced in one rename, so that whoever opens it finds the old or the new and
//! never nothing. Only links are replaced: a file or folder in its place is refused.

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

/// Where it lies and where it leads.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "link", deny_unknown_fields)]
pub struct Link {
    /// The link.
    path: Text<Plain>,
    /// Where it leads.
    to: Text<Plain>,
    /// Whether to write through a symbolic link and into a folder that others can write.
    #[serde(default)]
    follow: bool,
}

pub(super) const ENTRY: Entry = Entry {
    key: "link",
    about: "A symbolic link leads there; it is replaced in one rename.",
    effect: "idempotent",
    example: "id: switch\nhosts: web\nlink: { path: /srv/web/current, to: /srv/web/releases/2 }\n",
    schema: |g| g.subschema_for::<Link>(),
    decode: Decode::Action(decode),
};

fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Box<dyn Action>> {
    let action = text::decode::<Link>(tree, diags)?;
    absolute([&action.path], diags);
    if action.to.is_literal() && action.to.source().value == action.path.source().value {
        let message = format!("`{}` would lead to itself", action.to.source().value);
        diags.push(Diagnostic::error("wrong-value", action.to.source().span, message));
    }
    Some(Box::new(action))
}

impl Action for Link {
    fn key(&self) -> &'static str {
        "link"
    }

    fn undoes_itself(&self) -> bool {
        true
    }

    fn effect(&self) -> Effect {
        Effect::Idempotent
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["before", "changed"]
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        visit(&self.path);
        visit(&self.to);
    }

    fn told(&self) -> Told {
        Told::new(format!("lets the link {} lead to {}", written(&self.path), written(&self.to)))
    }

    fn prepare(&self, cx: &Cx<'_>) -> Result<Box<dyn Ready>, EvalError> {
        let path = cx.path(&self.path)?;
        let to = cx.render(&self.to)?;
        if to.is_empty() || to.contains('\0') {
            return Err(invalid(format!("`{to}` is nowhere that a link can lead")));
        }
        if path == to {
            return Err(invalid(format!("`{path}` would lead to itself")));
        }
        if path.ends_with('/') {
            return Err(invalid(format!("`{path}` ends with a slash, so it would be what the link leads to")));
        }
        Ok(Box::new(Symlink { path, to, follow: self.follow, work: cx.login.work(cx.timeout) }))
    }
}

/// A rendered link.
#[derive(Debug)]
struct Symlink {
    path: String,
    to: String,
    follow: bool,
    work: Work,
}

/// `look` prints what would be done; `go` does it. The first line is the verb; then comes where it led before, and an `x`
/// that keeps its line ends.
const SCRIPT: &str = r#"
path=$2 to=$3 staged=$5
dir=$(dirname -- "$path")
[ -d "$dir" ] || { echo "$dir is not a folder" >&2; exit 3; }
if [ "$4" != follow ]; then
  [ ! -L "$dir" ] || { echo "$dir is a symbolic link; write follow: true to write through it" >&2; exit 4; }
  case $(stat -c %a -- "$dir") in
  *[2367]) echo "others can write in $dir; write follow: true to trust it all the same" >&2; exit 5;;
  esac
fi
before= verb=create
if [ -L "$path" ]; then
  verb=replace
  before=$(readlink -n -- "$path"; echo x)
  [ "$before" != "${to}x" ] || verb=same
elif [ -e "$path" ]; then
  echo "$path exists and is no link" >&2; exit 6
fi
[ "$verb" = same ] || [ -w "$dir" ] || { echo "$dir cannot be written by $(id -un)" >&2; exit 7; }
if [ "$1" = go ] && [ "$verb" != same ]; then
  [ -e "$refloat_kept" ] || printf '%s' "$before" >"$refloat_kept"
  trap 'rm -f -- "$staged"' EXIT
  rm -f -- "$staged"
  ln -s -- "$to" "$staged"
  mv -fT -- "$staged" "$path"
  sync -- "$dir" 2>/dev/null || sync
fi
printf '%s\n%s' "$verb" "$before"
"#;

/// What was kept is where the link led, and an `x`; or nothing, when there was none.
const UNDO: &str = r#"
path=$2 to=$3 staged=$5
[ -e "$refloat_kept" ] || { echo same; exit 0; }
was=$(cat -- "$refloat_kept")
now=
if [ -L "$path" ]; then now=$(readlink -n -- "$path"; echo x); elif [ -e "$path" ]; then now=other; fi
[ "$now" != "$was" ] || { echo same; exit 0; }
case $now in ''|"${to}x") ;; *) echo "$path was changed by somebody since" >&2; exit 8;; esac
if [ -z "$was" ]; then rm -f -- "$path"; echo changed; exit 0; fi
rm -f -- "$staged"
ln -s -- "${was%x}" "$staged"
mv -fT -- "$staged" "$path"
echo changed
"#;

/// What the script printed: the verb, and where the link led before.
fn parse(stdout: &[u8]) -> (String, Option<String>) {
    let text = String::from_utf8_lossy(stdout);
    let (verb, before) = text.split_once('\n').unwrap_or((&text, ""));
    (verb.to_owned(), before.strip_suffix('x').map(str::to_owned))
}

impl Symlink {
    fn script(&self, mode: &str, staged: &str) -> Script {
        let follow = if self.follow { "follow" } else { "" };
        Script::new(SCRIPT, &[mode, &self.path, &self.to, follow, staged])
    }
}

impl Ready for Symlink {
    fn summary(&self) -> String {
        format!("{} → {}", self.path, self.to)
    }

    fn sends(&self) -> Vec<String> {
        vec![self.script("go", "").text]
    }

    fn makes(&self) -> Makes {
        Makes::paths(&self.path, [&*self.path]).with_what_is_below().through_links(self.follow)
    }

    fn body(&self) -> String {
        super::body(&self.work, &self.script("go", "").args)
    }

    fn check<'a>(&'a self, look: &'a dyn Look) -> BoxFuture<'a, Result<Verdict, ActionError>> {
        Box::pin(async move {
            let answer = look.ask(&self.script("look", "").ask(&self.work)).await?;
            if answer.exit != 0 {
                return Ok(Verdict::Blocked(clip(&String::from_utf8_lossy(&answer.stderr))));
            }
            Ok(match parse(&answer.stdout) {
                (verb, _) if verb == "same" => Verdict::Holds(self.summary()),
                (_, Some(before)) => Verdict::WouldChange(format!("{}, now {before}", self.summary())),
                (_, None) => Verdict::WouldChange(format!("create {}", self.summary())),
            })
        })
    }

    fn apply<'a>(&'a self, hands: &'a Hands<'a>, logs: Logs) -> BoxFuture<'a, Result<Applied, ActionError>> {
        Box::pin(async move {
            let staged = super::beside(&self.path, hands);
            let script = self.script("go", &staged);
            let work = Work {
                cursors: logs.sources,
                kept: vec![*hands.key()],
                scratch: vec![staged],
                ..script.work(&self.work)
            };
            let done = super::succeed(hands.run(&work, logs.noted).await?, &work)?;
            let (verb, before) = parse(&done.stdout);
            let changed = verb != "same";
            let result = Value::map([("before".to_owned(), before.map_or(Value::Null, Value::str))]);
            Ok(Applied::new(changed, result))
        })
    }
    fn undoes(&self) -> Option<String> {
        Some(format!("{} as it was before", self.path))
    }

    fn undo<'a>(&'a self, hands: &'a Hands<'a>, applied: &'a [UnitKey]) -> BoxFuture<'a, Result<Applied, ActionError>> {
        Box::pin(async move {
            let staged = super::beside(&self.path, hands);
            let script = Script { text: UNDO.to_owned(), ..self.script("go", &staged) };
            let work = Work { scratch: vec![staged], ..self.work.clone() };
            super::put_back(hands, applied, script, &work).await
        })
    }

    fn undo_by_hand(&self, _outputs: &serde_json::Value, kept: &str) -> Option<String> {
        Some(format!("{kept} says where {} led, or is empty when it was not there", self.path))
    }
}
