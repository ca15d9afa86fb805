//! `directory`: a folder is there, with this owner and mode, or is absent. One level is made or taken away, never a tree:
//! a folder that is not empty is refused, so that nothing is ever lost by it.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::words::{absolute, clip, invalid, owners};
use crate::base::BoxFuture;
use crate::base::diag::Diagnostics;
use crate::base::ids::UnitKey;
use crate::template::{AnyText, EvalError, Plain, Text, Value};
use crate::text::{self, Mode, Tree};
use crate::transport::{Hands, Look, Work};

use super::check::{Makes, Verdict};
use super::registry::{Decode, Entry};
use super::told::owned;
use super::{Action, ActionError, Applied, Cx, Effect, Logs, Ready, Script, Told, owner, written};

/// A folder and what it should be.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "directory", deny_unknown_fields)]
pub struct Directory {
    /// Where it is: an absolute path.
    path: Text<Plain>,
    /// Whether it is to be there.
    #[serde(default)]
    state: State,
    /// Its owner there.
    owner: Option<Text<Plain>>,
    /// Its group there.
    group: Option<Text<Plain>>,
    /// Its permission bits, in quotes: `"0640"`.
    mode: Option<Mode>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "directory-state")]
enum State {
    #[default]
    Present,
    Absent,
}

pub(super) const ENTRY: Entry = Entry {
    key: "directory",
    about: "A folder is there, or none is.",
    effect: "idempotent",
    example: "id: releases\nhosts: web\nsudo: true\ndirectory: { path: /srv/web/releases, owner: web, mode: \"0755\" }\n",
    schema: |g| g.subschema_for::<Directory>(),
    decode: Decode::Action(decode),
};

fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Box<dyn Action>> {
    let action = text::decode::<Directory>(tree, diags)?;
    absolute([&action.path], diags);
    owners(action.owner.iter().chain(&action.group), diags);
    Some(Box::new(action))
}

impl Action for Directory {
    fn key(&self) -> &'static str {
        "directory"
    }

    fn undoes_itself(&self) -> bool {
        true
    }

    fn effect(&self) -> Effect {
        Effect::Idempotent
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        visit(&self.path);
        self.owner.iter().for_each(|text| visit(text));
        self.group.iter().for_each(|text| visit(text));
    }

    fn told(&self) -> Told {
        let path = written(&self.path);
        let owned = owned(
            self.owner.as_ref().map(|text| text as &dyn AnyText),
            self.group.as_ref().map(|text| text as &dyn AnyText),
            self.mode.map(|mode| mode.to_string()),
        );
        match self.state {
            State::Present => Told::new(format!("makes the folder {path}, where it is not there{owned}")),
            State::Absent => Told::new(format!("removes the folder {path} with all that is in it")),
        }
    }

    fn prepare(&self, cx: &Cx<'_>) -> Result<Box<dyn Ready>, EvalError> {
        let path = cx.path(&self.path)?;
        // with a slash at its end the name of a link would be what it leads to
        let path = match path.trim_end_matches('/') {
            "" => return Err(invalid("the root folder is always there".to_owned())),
            path => path.to_owned(),
        };
        let optional = |text: &Option<Text<Plain>>| text.as_ref().map(|text| cx.render(text)).transpose();
        Ok(Box::new(Folder {
            path,
            absent: self.state == State::Absent,
            owner: optional(&self.owner)?.unwrap_or_default(),
            group: optional(&self.group)?.unwrap_or_default(),
            mode: self.mode.map(|mode| mode.to_string()).unwrap_or_default(),
            work: cx.login.work(cx.timeout),
        }))
    }
}

/// A rendered folder.
#[derive(Debug)]
struct Folder {
    path: String,
    absent: bool,
    owner: String,
    group: String,
    mode: String,
    work: Work,
}

/// `look` prints what would be done; `go` does it. Where others can write, somebody else could put another folder in the
/// place of this one between two looks: there only what nobody else can move is touched. `chmod` leaves the group bit of
/// a folder as it is, unless the mode has five digits.
const SCRIPT: &str = r#"
path=$2 state=$3 owner=$4 group=$5 mode=$6
dir=$(dirname -- "$path")
say() {
  [ "$1" = change ] || [ -w "$dir" ] || { echo "$dir cannot be written by $(id -un)" >&2; exit 8; }
  echo "$1"
  [ "$do" = go ] || exit 0
  [ ! -d "$path" ] || was=$(stat -c '%u %g %a' -- "$path")
  [ -e "$refloat_kept" ] || echo "$1 ${was-}" >"$refloat_kept"
}
do=$1
[ ! -L "$path" ] || { echo "$path is a symbolic link; name the folder itself" >&2; exit 3; }
[ -d "$path" ] || [ ! -e "$path" ] || { echo "$path exists and is no folder" >&2; exit 4; }
if [ "$state" = absent ]; then
  [ -d "$path" ] || { echo same; exit 0; }
  some=$(ls -A -- "$path")
  [ -z "$some" ] || { echo "$path is not empty ($(printf '%s\n' "$some" | head -n 1)); move it aside, nothing is deleted with what it holds" >&2; exit 5; }
  say remove
  rmdir -- "$path"
  exit 0
fi
[ -d "$dir" ] || { echo "$dir is not a folder; make it by a step of its own" >&2; exit 6; }
case $(modeof "$dir") in
[1357]??[2367]) [ ! -d "$path" ] || [ -O "$path" ] || { echo "$path belongs to somebody else, and others can write in $dir" >&2; exit 7; };;
*[2367]) echo "others can write in $dir, and so can put something else in its place" >&2; exit 7;;
esac
u=; [ -z "$owner" ] || u=$(uid "$owner")
g=; [ -z "$group" ] || g=$(gid "$group")
if [ ! -d "$path" ]; then
  say create
  (umask 077; mkdir -- "$path")
  mode=${mode:-0755}
  trap 'rc=$?; [ "$rc" = 0 ] || rmdir -- "$path"; exit "$rc"' EXIT
elif owned "$path"; then echo same; exit 0
else say change; fi
[ -z "$u" ] || [ "$(stat -c %u -- "$path")" = "$u" ] || chown -h "$u" -- "$path"
[ -z "$g" ] || [ "$(stat -c %g -- "$path")" = "$g" ] || chgrp -h "$g" -- "$path"
[ -z "$mode" ] || chmod "0$mode" -- "$path"
"#;

/// What was kept is what was done, and owner, group and mode before. A folder that holds something by now stays.
const UNDO: &str = r#"
path=$2
[ -e "$refloat_kept" ] || { echo same; exit 0; }
read -r verb u g m <"$refloat_kept"
[ ! -L "$path" ] || { echo "$path was changed by somebody since" >&2; exit 8; }
if [ "$verb" = create ]; then
  [ -d "$path" ] || { echo same; exit 0; }
  rmdir -- "$path"; echo changed; exit 0
fi
made=
[ -d "$path" ] || { (umask 077; mkdir -- "$path"); made=1; }
if [ "$(stat -c '%u %g %a' -- "$path")" = "$u $g $m" ]; then [ -n "$made" ] && echo changed || echo same; exit 0; fi
chown -h "$u:$g" -- "$path"
chmod "0$m" -- "$path"
echo changed
"#;

impl Folder {
    fn script(&self, mode: &str) -> Script {
        let state = if self.absent { "absent" } else { "present" };
        Script::new(
            format!("{}{SCRIPT}", owner::FUNCTIONS),
            &[mode, &self.path, state, &self.owner, &self.group, &self.mode],
        )
    }

    fn words(&self) -> String {
        if self.absent {
            return format!("no {}", self.path);
        }
        let wanted = [("mode", &self.mode), ("owner", &self.owner), ("group", &self.group)];
        let wanted = wanted.iter().filter(|(_, value)| !value.is_empty());
        let wanted: Vec<String> = wanted.map(|(name, value)| format!("{name} {value}")).collect();
        if wanted.is_empty() { self.path.clone() } else { format!("{} ({})", self.path, wanted.join(", ")) }
    }
}

impl Ready for Folder {
    fn summary(&self) -> String {
        self.words()
    }

    fn sends(&self) -> Vec<String> {
        vec![self.script("go").text]
    }

    fn makes(&self) -> Makes {
        Makes::paths(&self.path, [&*self.path])
    }

    fn body(&self) -> String {
        super::body(&self.work, &self.script("go").args)
    }

    fn check<'a>(&'a self, look: &'a dyn Look) -> BoxFuture<'a, Result<Verdict, ActionError>> {
        Box::pin(async move {
            let answer = look.ask(&self.script("look").ask(&self.work)).await?;
            Ok(match (answer.exit, String::from_utf8_lossy(&answer.stdout).trim()) {
                (0, "same") => Verdict::Holds(self.words()),
                (0, verb) => Verdict::WouldChange(format!("{verb} {}", self.path)),
                _ => Verdict::Blocked(clip(&String::from_utf8_lossy(&answer.stderr))),
            })
        })
    }

    fn apply<'a>(&'a self, hands: &'a Hands<'a>, logs: Logs) -> BoxFuture<'a, Result<Applied, ActionError>> {
        Box::pin(async move {
            let work = Work { cursors: logs.sources, kept: vec![*hands.key()], ..self.script("go").work(&self.work) };
            let done = super::succeed(hands.run(&work, logs.noted).await?, &work)?;
            let changed = !done.stdout.starts_with(b"same");
            let result = Value::map([("path".to_owned(), Value::str(&*self.path))]);
            Ok(Applied::new(changed, result))
        })
    }
    fn undoes(&self) -> Option<String> {
        Some(format!("{} as it was before", self.path))
    }

    fn undo<'a>(&'a self, hands: &'a Hands<'a>, applied: &'a [UnitKey]) -> BoxFuture<'a, Result<Applied, ActionError>> {
        Box::pin(async move {
            let script = Script { text: UNDO.to_owned(), ..self.script("go") };
            super::put_back(hands, applied, script, &self.work).await
        })
    }

    fn undo_by_hand(&self, _outputs: &serde_json::Value, kept: &str) -> Option<String> {
        Some(format!("{kept} says what was done with {}, and its owner, group and mode before", self.path))
    }
}
