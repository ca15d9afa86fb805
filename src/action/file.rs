//! `file`: a file has this content, owner and mode, or is absent. Two phases over all hosts of the step: everywhere a
//! checksummed copy is staged beside the destination, then everywhere it is renamed into place. So a full disk on the
//! last host leaves every host as it was, and no reader ever sees half a file. What it holds is [`Content`].

use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::content::{Content, Forms, State, Validate};
use crate::action::words::{absolute, clip, invalid, owners};
use crate::base::BoxFuture;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::diff::diff;
use crate::base::digest::Digest;
use crate::base::ids::UnitKey;
use crate::template::{AnyText, Compiled, Context, EvalError, Plain, Text, Value};
use crate::text::{self, Mode, Sp, Tree, schema};
use crate::transport::{Hands, Look, Work};

use super::check::{Makes, Verdict};
use super::registry::{Decode, Entry};
use super::told::{also, owned};
use super::{Action, ActionError, Applied, Cx, Effect, Holes, Logs, Ready, Script, Told, owner, written};

/// A file and what it should be.
#[derive(Debug)]
pub struct File {
    path: Text<Plain>,
    content: Content,
    owner: Option<Text<Plain>>,
    group: Option<Text<Plain>>,
    mode: Option<Mode>,
    backup: bool,
    validate: Option<Validate>,
    identical: bool,
    follow: bool,
}

/// A file with this content is there, or none is.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "file", deny_unknown_fields)]
struct Fields {
    /// Where it is: an absolute path.
    path: Text<Plain>,
    /// A file in the folder `templates`, rendered for each host.
    template: Option<Sp<String>>,
    /// The content, written here.
    content: Option<Sp<String>>,
    /// A value that is written as JSON.
    json: Option<Tree>,
    /// A value that is written as YAML.
    yaml: Option<Tree>,
    /// A file beside the runbook that is sent as it is.
    upload: Option<Sp<String>>,
    /// `absent`: there is to be no such file.
    state: Option<Sp<State>>,
    /// Its owner there.
    owner: Option<Text<Plain>>,
    /// Its group there.
    group: Option<Text<Plain>>,
    /// Its permission bits, in quotes: `"0640"`.
    mode: Option<Mode>,
    /// Whether what was there is kept beside it.
    #[serde(default)]
    backup: bool,
    /// What the content must be before it goes anywhere.
    validate: Option<Validate>,
    /// Whether all hosts of the step must get the same bytes, or none gets any.
    #[serde(default)]
    identical: bool,
    /// Whether to write through a symbolic link and into a folder that others can write.
    #[serde(default)]
    follow: bool,
}

pub(super) const ENTRY: Entry = Entry {
    key: "file",
    about: "A file with this content is there, or none is; on all hosts at once or on none.",
    effect: "idempotent",
    example: "id: config\nhosts: web\nsudo: true\nfile: { path: /etc/web.conf, content: \"listen {{host.address}}\\n\", mode: \"0644\" }\n",
    schema: |g| {
        let mut schema = schema::fields::<Fields>(g);
        let forms = ["template", "content", "json", "yaml", "upload", "state"];
        schema::exactly_one(&mut schema, forms, Vec::new());
        schema
    },
    decode: Decode::Action(decode),
};

fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Box<dyn Action>> {
    let fields: Fields = text::decode(tree, diags)?;
    absolute([&fields.path], diags);
    owners(fields.owner.iter().chain(&fields.group), diags);
    let Sp { value: path, span } = fields.path.source();
    if path.ends_with('/') {
        let message = format!("`{path}` is a folder by its slash, and this is a file");
        diags.push(Diagnostic::error("wrong-value", *span, message));
    }
    let Fields { template, content, json, yaml, upload, state, .. } = fields;
    let forms = Forms { template, content, json, yaml, upload, state };
    let content = forms.only(context(fields.validate, &fields.path.source().value), tree.span, diags)?;
    Some(Box::new(File {
        path: fields.path,
        content,
        owner: fields.owner,
        group: fields.group,
        mode: fields.mode,
        backup: fields.backup,
        validate: fields.validate,
        identical: fields.identical,
        follow: fields.follow,
    }))
}

/// What values are quoted for: what the file must be, or what its name says that it is.
fn context(validate: Option<Validate>, name: &str) -> Context {
    validate.map_or_else(|| Context::of_file(name), Validate::context)
}

impl File {
    /// A name that is only known now must not say that the file is of a kind for which nothing was quoted.
    fn agrees(&self, path: &str) -> Result<(), EvalError> {
        let Content::Inline(_, text) = &self.content else { return Ok(()) };
        let meant = context(self.validate, path);
        if text.insertions().is_empty() || meant == text.context() {
            return Ok(());
        }
        Err(invalid(format!("`{path}` is {meant:?}, and its values were not quoted for that: say `validate:`")))
    }

    fn render(&self, cx: &Cx<'_>) -> Result<Option<(Vec<u8>, bool)>, EvalError> {
        let content = self.content.render(|name| context(self.validate, name), cx)?;
        // with holes in it, it is for showing
        if let (Some(validate), Some((bytes, _)), Holes::No) = (self.validate, &content, cx.holes) {
            validate.check(bytes)?;
        }
        Ok(content)
    }
}

impl Action for File {
    fn key(&self) -> &'static str {
        "file"
    }

    fn undoes_itself(&self) -> bool {
        true
    }

    fn effect(&self) -> Effect {
        Effect::Idempotent
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        visit(&self.path);
        self.content.texts(visit);
        self.owner.iter().for_each(|text| visit(text));
        self.group.iter().for_each(|text| visit(text));
    }

    fn inline(&self) -> Option<(&Sp<String>, &Compiled)> {
        match &self.content {
            Content::Inline(source, compiled) => Some((source, compiled)),
            _ => None,
        }
    }

    fn templates(&self) -> Vec<(&Sp<String>, Context)> {
        match &self.content {
            Content::Template(name) => vec![(name, context(self.validate, &name.value))],
            _ => Vec::new(),
        }
    }

    fn files(&self) -> Vec<&Sp<String>> {
        match &self.content {
            Content::Upload(name) => vec![name],
            _ => Vec::new(),
        }
    }

    fn told(&self) -> Told {
        let path = written(&self.path);
        let whose = owned(
            self.owner.as_ref().map(|text| text as &dyn AnyText),
            self.group.as_ref().map(|text| text as &dyn AnyText),
            self.mode.map(|mode| mode.to_string()),
        );
        let more = also([
            self.validate.map(|kind| format!("only if it is valid {}", kind.word())),
            self.identical.then(|| "only if all hosts get the same".to_owned()),
            self.backup.then(|| "what was there is kept beside it".to_owned()),
        ]);
        let (made, text) = self.content.told();
        match &self.content {
            Content::Absent => Told::new(format!("removes the file {path}{more}")),
            _ => Told { what: format!("writes the file {path} {made}{whose}{more}"), text },
        }
    }

    fn prepare(&self, cx: &Cx<'_>) -> Result<Box<dyn Ready>, EvalError> {
        let path = cx.path(&self.path)?;
        self.agrees(&path)?;
        let (content, secret) = self.render(cx)?.unzip();
        Ok(Box::new(Target {
            secret: secret.unwrap_or_default(),
            digest: content.as_ref().map(Digest::of),
            content,
            owner: self.owner.as_ref().map(|text| cx.render(text)).transpose()?.unwrap_or_default(),
            group: self.group.as_ref().map(|text| cx.render(text)).transpose()?.unwrap_or_default(),
            mode: self.mode.map(|mode| mode.to_string()).unwrap_or_default(),
            backup: if self.backup { format!("{path}.before-{}", cx.run) } else { String::new() },
            follow: if self.follow { "follow" } else { "" },
            identical: self.identical,
            work: cx.login.work(cx.timeout),
            path,
        }))
    }
}

/// A rendered file.
#[derive(Debug)]
struct Target {
    path: String,
    /// `None`: absent.
    content: Option<Vec<u8>>,
    /// A secret stands in the content.
    secret: bool,
    digest: Option<Digest>,
    owner: String,
    group: String,
    mode: String,
    /// Where the old file goes; empty: nowhere.
    backup: String,
    follow: &'static str,
    identical: bool,
    work: Work,
}

/// What all three scripts know. A symbolic link or a folder that others can write would let somebody else decide what
/// is written where.
const COMMON: &str = r#"
path=$1 staged=$2 digest=$3 owner=$4 group=$5 mode=$6 follow=$7 backup=$8
dir=$(dirname -- "$path")
[ -d "$dir" ] || { echo "$dir is not a folder" >&2; exit 3; }
if [ "$follow" != follow ]; then
  [ ! -L "$path" ] || { echo "$path is a symbolic link; write follow: true to write through it" >&2; exit 4; }
  case $(stat -c %a -- "$dir") in
  *[2367]) echo "others can write in $dir; write follow: true to trust it all the same" >&2; exit 5;;
  esac
fi
[ ! -d "$path" ] || { echo "$path is a folder" >&2; exit 6; }
sum() { s=$(sha256sum <"$1"); echo "${s%% *}"; }
same() {
  [ -f "$path" ] && [ "$(sum "$path")" = "$digest" ] && owned "$path"
}
"#;

/// Owner and mode of the file that is replaced are kept where none are written.
const STAGE: &str = r#"
umask 077
trap 'rc=$?; [ "$rc" = 0 ] || rm -f -- "$staged"; exit "$rc"' EXIT
rm -f -- "$staged"
cat >"$staged"
[ "$(sum "$staged")" = "$digest" ] || { echo "the staged copy is not what was sent: the disk may be full" >&2; exit 7; }
if [ -f "$path" ]; then
  [ -n "$owner" ] || owner=$(stat -c %u -- "$path")
  [ -n "$group" ] || group=$(stat -c %g -- "$path")
  [ -n "$mode" ] || mode=$(stat -c %a -- "$path")
fi
if [ -n "$owner" ]; then u=$(uid "$owner"); [ "$(stat -c %u -- "$staged")" = "$u" ] || chown "$u" -- "$staged"; fi
if [ -n "$group" ]; then g=$(gid "$group"); [ "$(stat -c %g -- "$staged")" = "$g" ] || chgrp "$g" -- "$staged"; fi
chmod "${mode:-0644}" -- "$staged"
sync -- "$staged" 2>/dev/null || sync
"#;

/// What is there before anything is changed, in a folder that is there as a whole or not at all: with the file, or empty
/// when there was none.
const KEEP: &str = r#"
keep() {
  [ ! -d "$refloat_kept" ] || return 0
  rm -rf -- "$refloat_kept.new"
  (umask 077; mkdir -- "$refloat_kept.new")
  [ ! -f "$path" ] || cp -p -- "$path" "$refloat_kept.new/was"
  mv -- "$refloat_kept.new" "$refloat_kept"
}
"#;

const COMMIT: &str = r#"
if same; then rm -f -- "$staged"; echo same; exit 0; fi
[ "$(sum "$staged")" = "$digest" ] || { echo "the staged copy is gone or is not what was staged" >&2; exit 7; }
keep
if [ -n "$backup" ] && [ -f "$path" ]; then cp -p -- "$path" "$backup"; fi
mv -f -- "$staged" "$path"
sync -- "$dir" 2>/dev/null || sync
echo changed
"#;

const REMOVE: &str = r#"
if [ ! -e "$path" ] && [ ! -L "$path" ]; then echo same; exit 0; fi
keep
if [ -n "$backup" ] && [ -f "$path" ]; then cp -p -- "$path" "$backup"; fi
rm -f -- "$path"
echo changed
"#;

/// What was kept comes back as it was, with one rename. A file that is neither what was written nor what was there before
/// is somebody else's.
const UNDO: &str = r#"
was=$refloat_kept/was
[ -d "$refloat_kept" ] || { echo same; exit 0; }
if [ -f "$was" ]; then
  if [ -f "$path" ] && [ "$(sum "$path")" = "$(sum "$was")" ] && [ "$(stat -c %u:%g:%a -- "$path")" = "$(stat -c %u:%g:%a -- "$was")" ]; then
    echo same; exit 0
  fi
elif [ ! -e "$path" ]; then echo same; exit 0; fi
if [ -e "$path" ] && [ "$(sum "$path")" != "$digest" ] && ! { [ -f "$was" ] && [ "$(sum "$path")" = "$(sum "$was")" ]; }; then
  echo "$path was changed by somebody since" >&2; exit 8
fi
if [ ! -f "$was" ]; then rm -f -- "$path"; echo changed; exit 0; fi
umask 077
rm -f -- "$staged"
cp -p -- "$was" "$staged"
[ "$(stat -c %u:%g:%a -- "$staged")" = "$(stat -c %u:%g:%a -- "$was")" ] || { echo "owner and mode cannot be put back" >&2; rm -f -- "$staged"; exit 9; }
sync -- "$staged" 2>/dev/null || sync
mv -f -- "$staged" "$path"
sync -- "$dir" 2>/dev/null || sync
echo changed
"#;

/// Prints the verb, what is there, and what it holds when that is not too much to be shown.
const COMPARE: &str = r#"
room() {
  [ -w "$dir" ] || { echo "$dir cannot be written by $(id -un)" >&2; exit 10; }
  givable || exit 12
  free=$(df -Pk -- "$dir" 2>/dev/null | tail -n 1) || free=
  set -- $free
  case ${4-} in
  ''|*[!0-9]*) ;;
  *) [ "$4" -gt "$need" ] || { echo "no room in $dir: $4 KiB are free" >&2; exit 11; };;
  esac
}
need=$9
if [ -z "$digest" ]; then if [ -e "$path" ]; then room; echo remove; else echo same; fi
elif same; then echo same
elif [ -e "$path" ]; then
  room
  echo "replace $(stat -c 'mode %a, owner %U, group %G, %s bytes' -- "$path")"
  [ "$(stat -c %s -- "$path")" -gt 65536 ] || cat -- "$path" 2>/dev/null || :
else room; echo create; fi
"#;

/// The most bytes of a file whose difference is shown.
const SHOWN: usize = 65_536;

/// The exit code of [`COMMIT`] when there is no copy to put into place. It has changed nothing then.
const GONE: i32 = 7;

/// A copy goes with the connection over which it came. Where that was lost in between, another one is made, each time
/// under names of its own: what a host has done under a name it does not do again.
const AGAIN: [(&str, &str); 3] = [("stage-2", "commit-2"), ("stage-3", "commit-3"), ("stage-4", "commit-4")];

impl Target {
    async fn stage_as(&self, part: &'static str, hands: &Hands<'_>) -> Result<(), ActionError> {
        let staged = super::beside(&self.path, hands);
        let work = Work {
            stdin: self.content.clone().unwrap_or_default(),
            part,
            scratch: vec![staged.clone()],
            ..self.script(STAGE, &staged).work(&self.work)
        };
        super::succeed(hands.run(&work, None).await?, &work)?;
        Ok(())
    }

    fn script(&self, script: &str, staged: &str) -> Script {
        let digest = self.digest.map(|digest| digest.to_string()).unwrap_or_default();
        Script::new(
            format!("{}{COMMON}\n{script}", owner::FUNCTIONS),
            &[&self.path, staged, &digest, &self.owner, &self.group, &self.mode, self.follow, &self.backup],
        )
    }

    /// What would change in what the file holds, as far as it is for eyes.
    fn difference(&self, before: &[u8], seen: bool) -> String {
        let Some(content) = &self.content else { return String::new() };
        if self.secret {
            return "a secret stands in it: not shown".to_owned();
        }
        if content.len() > SHOWN || !seen {
            return "too large to be shown, or cannot be read".to_owned();
        }
        match (std::str::from_utf8(before), std::str::from_utf8(content)) {
            (Ok(before), Ok(content)) if !before.contains('\0') && !content.contains('\0') => diff(before, content),
            _ => "a binary file: not shown".to_owned(),
        }
    }

    fn words(&self) -> String {
        let Some(content) = &self.content else { return format!("no {}", self.path) };
        let mut words = format!("{} ({} bytes", self.path, content.len());
        for (name, value) in [("mode", &self.mode), ("owner", &self.owner), ("group", &self.group)] {
            if !value.is_empty() {
                words = words + ", " + name + " " + value;
            }
        }
        words + ")"
    }
}

impl Ready for Target {
    fn summary(&self) -> String {
        self.words()
    }

    fn sends(&self) -> Vec<String> {
        let all = if self.content.is_some() { &[STAGE, COMMIT][..] } else { &[REMOVE] };
        all.iter().map(|script| self.script(script, "").text).collect()
    }

    fn makes(&self) -> Makes {
        Makes::paths(&self.path, [&*self.path]).through_links(self.follow == "follow")
    }

    fn body(&self) -> String {
        super::body(&self.work, &self.script(COMMIT, "").args)
    }

    fn identical(&self) -> Option<Digest> {
        self.identical.then_some(self.digest).flatten()
    }

    fn check<'a>(&'a self, look: &'a dyn Look) -> BoxFuture<'a, Result<Verdict, ActionError>> {
        Box::pin(async move {
            let mut script = self.script(COMPARE, "");
            script.args.push(self.content.as_ref().map_or(0, |content| content.len() / 1024 + 4).to_string());
            let answer = look.ask(&script.ask(&self.work)).await?;
            if answer.exit != 0 {
                return Ok(Verdict::Blocked(clip(&String::from_utf8_lossy(&answer.stderr))));
            }
            let end = answer.stdout.iter().position(|byte| *byte == b'\n').unwrap_or(answer.stdout.len());
            let (line, before) = answer.stdout.split_at(end);
            let line = String::from_utf8_lossy(line);
            Ok(match line.split_once(' ').unwrap_or((&line, "")) {
                ("same", _) => Verdict::Holds(self.words()),
                (verb, was) => {
                    let before = before.strip_prefix(b"\n").unwrap_or_default();
                    let seen = was.is_empty() || was.ends_with(&format!(" {} bytes", before.len()));
                    let was = if was.is_empty() { String::new() } else { format!(", now {was}") };
                    let difference = self.difference(before, seen);
                    Verdict::WouldChange(format!("{verb} {}{was}\n{difference}", self.words()))
                }
            })
        })
    }

    fn two_phase(&self) -> bool {
        self.content.is_some()
    }

    fn stage<'a>(&'a self, hands: &'a Hands<'a>) -> BoxFuture<'a, Result<(), ActionError>> {
        Box::pin(self.stage_as("stage", hands))
    }

    fn unstage<'a>(&'a self, hands: &'a Hands<'a>) -> BoxFuture<'a, Result<(), ActionError>> {
        Box::pin(async move {
            let script = Script::new("rm -f -- \"$1\"", &[&super::beside(&self.path, hands)]);
            let work = Work { part: "unstage", ..script.work(&self.work) };
            super::succeed(hands.run(&work, None).await?, &work)?;
            Ok(())
        })
    }

    fn apply<'a>(&'a self, hands: &'a Hands<'a>, logs: Logs) -> BoxFuture<'a, Result<Applied, ActionError>> {
        Box::pin(async move {
            let script = if self.content.is_some() { COMMIT } else { REMOVE };
            let script = self.script(&format!("{KEEP}{script}"), &super::beside(&self.path, hands));
            let mut work = Work { cursors: logs.sources, kept: vec![*hands.key()], ..script.work(&self.work) };
            let mut done = hands.run(&work, logs.noted).await?;
            for (stage, commit) in AGAIN {
                if done.exit != GONE || self.content.is_none() {
                    break;
                }
                self.stage_as(stage, hands).await?;
                work.part = commit;
                done = hands.run(&work, None).await?;
            }
            let done = super::succeed(done, &work)?;
            let changed = done.stdout.starts_with(b"changed");
            let result = Value::map([
                ("path".to_owned(), Value::str(&*self.path)),
                ("sha256".to_owned(), self.digest.map_or(Value::Null, |digest| Value::str(digest.to_string()))),
            ]);
            Ok(Applied::new(changed, result))
        })
    }

    fn undoes(&self) -> Option<String> {
        Some(format!("{} as it was before", self.path))
    }

    fn undo<'a>(&'a self, hands: &'a Hands<'a>, applied: &'a [UnitKey]) -> BoxFuture<'a, Result<Applied, ActionError>> {
        Box::pin(async move {
            let staged = super::beside(&self.path, hands);
            let work = Work { scratch: vec![staged.clone()], ..self.work.clone() };
            super::put_back(hands, applied, self.script(UNDO, &staged), &work).await
        })
    }

    fn undo_by_hand(&self, _outputs: &serde_json::Value, kept: &str) -> Option<String> {
        Some(match &self.content {
            Some(_) => format!("put {kept}/was back as {0}, or remove {0} when there is no such copy", self.path),
            None => format!("put {kept}/was back as {}", self.path),
        })
    }
}
