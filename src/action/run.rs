//! `run`: a command, a program, or a script that lies beside the runbook. It has its effect each time, so it is claimed on the host before it starts.

mod told;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::action::script_file::ScriptFile;
use crate::action::words::{clip, exit_words, invalid, shell_name};
use crate::base::BoxFuture;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::template::{AnyText, EvalError, Plain, Shell, Text, Value};
use crate::text::{self, Node, Sp, Tree, schema};
use crate::transport::{Done, Hands, LinkError, Look, Work};

use super::check::Verdict;
use super::registry::{Decode, Entry};
use super::{Action, ActionError, Applied, Cx, Effect, Logs, Ready, Told};

/// A command: shell text, or a program and its arguments.
#[derive(Debug)]
pub struct Run {
    what: What,
    shell: Option<Text<Plain>>,
    stdin: Option<Text<Plain>>,
    ok_codes: Vec<i32>,
    idempotent: bool,
    ends_connection: bool,
}

#[derive(Debug)]
enum What {
    Shell(Text<Shell>),
    Argv(Vec<Text<Plain>>),
    /// A file beside the runbook, and its arguments.
    Script(Sp<String>, Vec<Text<Plain>>),
}

/// A command in its long form.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "command", deny_unknown_fields)]
struct Fields {
    /// A shell text.
    command: Option<Text<Shell>>,
    /// A program and its arguments; no shell reads them.
    argv: Option<Vec<Text<Plain>>>,
    /// A shell script beside the runbook.
    script: Option<Sp<String>>,
    /// The arguments of `script`.
    args: Option<Vec<Text<Plain>>>,
    /// What it reads; a safe way for secrets.
    stdin: Option<Text<Plain>>,
    /// Another shell, such as `bash`.
    shell: Option<Text<Plain>>,
    /// The exit codes that are fine; 0 by default.
    #[schemars(with = "Option<Vec<i32>>")]
    ok_codes: Option<Sp<Vec<Sp<i32>>>>,
    /// Whether doing it twice is as doing it once.
    #[serde(default)]
    idempotent: bool,
    /// Whether it may end its own connection, or the place in which it runs. A connection that is lost is made again for
    /// any step, and the end that the host has written down counts. With this, a step that was begun is taken for done
    /// when its end could not be written down any more, since the place was restarted under it; `done_when` decides more.
    #[serde(default)]
    ends_connection: bool,
}

pub(super) const ENTRY: Entry = Entry {
    key: "run",
    about: "A command, a program with its arguments, or a script that lies beside the runbook.",
    effect: "its effect each time, unless `idempotent: true`",
    example: "id: reload\nhosts: web\nrun: web reload {{host.name}}\nundo: none\nwhy: a reload changes nothing by itself\n",
    schema: |g| {
        json_schema!({ "anyOf": [
        { "type": "string" },
        { "type": "array", "items": { "type": "string" }, "minItems": 1 },
        long(g),
    ] })
    },
    decode: Decode::Action(decode),
};

fn long(generator: &mut SchemaGenerator) -> Schema {
    let mut long = schema::fields::<Fields>(generator);
    schema::exactly_one(&mut long, ["command", "argv", "script"], Vec::new());
    long
}

/// Text, an argument list, or a map with either, or with the name of a script.
fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Box<dyn Action>> {
    let bare =
        |what| Run { what, shell: None, stdin: None, ok_codes: vec![0], idempotent: false, ends_connection: false };
    let run = match &tree.value {
        Node::List(_) => bare(What::Argv(super::command::argv(text::decode(tree, diags)?, tree.span, diags))),
        Node::Map(_) => fields(tree, diags)?,
        _ => bare(What::Shell(super::command::shell_text(tree, diags)?)),
    };
    Some(Box::new(run))
}

fn fields(tree: &Tree, diags: &Diagnostics) -> Option<Run> {
    let Fields { command, argv: words, script, args, stdin, shell, ok_codes, idempotent, ends_connection } =
        text::decode(tree, diags)?;
    if script.is_none()
        && let Some(span) = text::key_span(tree, "args")
    {
        diags.push(
            Diagnostic::error("not-together", span, "`args` belongs to `script`")
                .help("write the arguments of a program into its `argv`"),
        );
    }
    let what = match (command, words, script) {
        (Some(command), None, None) => {
            super::command::some(command.source(), command.source().span, diags);
            What::Shell(command)
        }
        (None, Some(list), None) => {
            super::command::shell_beside_argv(tree, diags);
            What::Argv(super::command::argv(list, tree.span, diags))
        }
        (None, None, Some(name)) => What::Script(name, args.unwrap_or_default()),
        _ => {
            let forms = "`command: text`, `argv: [program, argument, …]`, `script: a file beside the runbook`";
            super::command::no_command(tree, forms, diags);
            return None;
        }
    };
    if let Some(stdin) = &stdin {
        super::command::read_as_program(&what.words(), stdin, diags);
    }
    super::command::posix(shell.as_ref(), diags);
    super::command::check_codes(ok_codes.as_ref(), diags);
    let ok_codes = ok_codes.map_or_else(|| vec![0], |codes| codes.value.into_iter().map(|code| code.value).collect());
    Some(Run { what, shell, stdin, ok_codes, idempotent, ends_connection })
}

impl Action for Run {
    fn key(&self) -> &'static str {
        "run"
    }

    fn programs(&self) -> Vec<String> {
        let text = if let What::Shell(text) = &self.what { super::programs::of(text.source()) } else { vec![] };
        let argv = if let What::Argv(words) = &self.what { super::programs::first(words) } else { vec![] };
        [super::programs::first(self.shell.as_slice()), text, argv].concat()
    }

    fn effect(&self) -> Effect {
        if self.idempotent { Effect::Idempotent } else { Effect::Once }
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["stdout", "stderr", "exit", "value", "changed"]
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        match &self.what {
            What::Shell(text) => visit(text),
            What::Argv(list) | What::Script(_, list) => list.iter().for_each(|text| visit(text)),
        }
        self.shell.iter().for_each(|text| visit(text));
        self.stdin.iter().for_each(|text| visit(text));
    }

    fn argv(&self) -> &[Text<Plain>] {
        match &self.what {
            What::Shell(_) => &[],
            What::Argv(list) | What::Script(_, list) => list,
        }
    }

    fn files(&self) -> Vec<&Sp<String>> {
        match &self.what {
            What::Script(name, _) => vec![name],
            What::Shell(_) | What::Argv(_) => Vec::new(),
        }
    }

    fn inspect(&self, name: &Sp<String>, content: &[u8], diags: &Diagnostics) {
        if let Err(unfit) = ScriptFile::of(content) {
            diags.push(
                Diagnostic::error("script", name.span, format!("`{}` {}", name.value, unfit.why)).help(unfit.help),
            );
        }
    }

    fn told(&self) -> Told {
        self.in_words()
    }

    fn prepare(&self, cx: &Cx<'_>) -> Result<Box<dyn Ready>, EvalError> {
        let mut work = Work { idle: cx.idle_timeout, ..cx.login.work(cx.timeout) };
        let words = |list: &[Text<Plain>]| list.iter().map(|text| cx.render(text)).collect::<Result<Vec<_>, _>>();
        let mut name = None;
        match &self.what {
            What::Shell(text) => work.script = cx.render(text)?,
            What::Argv(list) => work.argv = Some(words(list)?),
            What::Script(file, args) => {
                let content = cx.file(file)?;
                let script =
                    ScriptFile::of(&content).map_err(|unfit| invalid(format!("`{}` {}", file.value, unfit.why)))?;
                work.shell = script.shell.or(work.shell);
                work.script = script.text;
                work.argv = Some(words(args)?);
                name = Some(file.value.clone());
            }
        }
        if let Some(shell) = &self.shell {
            work.shell = Some(shell_name(cx.render(shell)?)?);
        }
        if let Some(stdin) = &self.stdin {
            work.stdin = cx.render_hidden(stdin)?.into_bytes();
        }
        let (ok_codes, ends_connection) = (self.ok_codes.clone(), self.ends_connection);
        Ok(Box::new(Command { work, name, ok_codes, ends_connection }))
    }
}

/// A rendered command.
#[derive(Debug)]
struct Command {
    work: Work,
    /// The name of the script, if it is one.
    name: Option<String>,
    ok_codes: Vec<i32>,
    ends_connection: bool,
}

impl Command {
    fn text(&self) -> String {
        let args = self.work.argv.iter().flatten();
        if self.name.is_none() && self.work.argv.is_none() {
            return self.work.script.clone();
        }
        let words = self.name.iter().chain(args).map(|word| shlex::try_quote(word).unwrap_or_default());
        words.collect::<Vec<_>>().join(" ")
    }
}

impl Ready for Command {
    fn summary(&self) -> String {
        clip(&self.text())
    }

    fn body(&self) -> String {
        super::body(&self.work, &[])
    }

    fn check<'a>(&'a self, _look: &'a dyn Look) -> BoxFuture<'a, Result<Verdict, ActionError>> {
        Box::pin(async { Ok(Verdict::WouldRun(self.text())) })
    }

    fn apply<'a>(&'a self, hands: &'a Hands<'a>, logs: Logs) -> BoxFuture<'a, Result<Applied, ActionError>> {
        Box::pin(async move {
            let work = Work { cursors: logs.sources, ..self.work.clone() };
            let done = if self.ends_connection {
                match super::ending::run(hands, &work, logs.noted).await {
                    (Err(LinkError::Unknown { .. }), true) => return Ok(gone()),
                    (done, _) => done?,
                }
            } else {
                hands.run(&work, logs.noted).await?
            };
            let done = super::stopped(done, &self.work)?;
            if self.ok_codes.contains(&done.exit) {
                return Ok(applied(done));
            }
            let said = String::from_utf8_lossy(&done.stderr);
            let reason = match said.trim() {
                "" => format!("exit {}", exit_words(done.exit)),
                text => format!("exit {}: {}", exit_words(done.exit), clip(text)),
            };
            Err(ActionError::Failed { reason, exit: Some(done.exit), printed: done.into() })
        })
    }
}

/// It was begun, and the place in which it ran is another one now.
fn gone() -> Applied {
    let nothing = ["exit", "stdout", "stderr", "value"].map(|name| (name.to_owned(), Value::Null));
    Applied::new(true, Value::map(nothing))
}

fn applied(done: Done) -> Applied {
    let stdout = String::from_utf8_lossy(&done.stdout).into_owned();
    let value = Value::str(stdout.strip_suffix('\n').unwrap_or(&stdout));
    let result = Value::map([
        ("exit".to_owned(), Value::Int(done.exit.into())),
        ("stdout".to_owned(), Value::str(stdout)),
        ("stderr".to_owned(), Value::str(String::from_utf8_lossy(&done.stderr))),
        ("value".to_owned(), value),
    ]);
    Applied { printed: done.into(), ..Applied::new(true, result) }
}
