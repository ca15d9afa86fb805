//! `run`: a command. It has its effect each time, so it is claimed on the host before it starts.

use serde::Deserialize;

use crate::action::words::{clip, exit_words};
use crate::base::BoxFuture;
use crate::base::diag::Diagnostics;
use crate::template::{AnyText, EvalError, Plain, Shell, Text, Value};
use crate::text::{self, Node, Tree};
use crate::transport::{Done, Hands, Look, Work};

use super::check::Verdict;
use super::{Action, ActionError, Applied, Cx, Effect, Logs, Ready};

/// A command: shell text, or a program and its arguments.
#[derive(Debug)]
pub struct Run {
    what: What,
    stdin: Option<Text<Plain>>,
    ok_codes: Vec<i32>,
    idempotent: bool,
}

#[derive(Debug)]
enum What {
    Shell(Text<Shell>),
    Argv(Vec<Text<Plain>>),
}

#[derive(Deserialize)]
struct Fields {
    command: Option<Text<Shell>>,
    argv: Option<Vec<Text<Plain>>>,
    script: Option<Tree>,
    args: Option<Tree>,
    stdin: Option<Text<Plain>>,
    shell: Option<Tree>,
    ok_codes: Option<Vec<i32>>,
    #[serde(default)]
    idempotent: bool,
    ends_connection: Option<Tree>,
}

/// Text, an argument list, or a map with either.
pub(super) fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Box<dyn Action>> {
    let bare = |what| Run { what, stdin: None, ok_codes: vec![0], idempotent: false };
    let run = match &tree.value {
        Node::List(_) => bare(What::Argv(argv(text::decode(tree, diags)?, diags))),
        Node::Map(_) => {
            let fields: Fields = text::decode(tree, diags)?;
            for (key, value) in [
                ("script", &fields.script),
                ("args", &fields.args),
                ("shell", &fields.shell),
                ("ends_connection", &fields.ends_connection),
            ] {
                if let Some(value) = value {
                    diags.push(super::not_yet(value.span, &format!("`{key}` of `run`")));
                }
            }
            let what = match (fields.command, fields.argv) {
                (Some(command), None) => What::Shell(command),
                (None, Some(list)) => What::Argv(argv(list, diags)),
                _ => {
                    if !diags.has_errors_within(tree.span) {
                        diags.push(
                            crate::base::diag::Diagnostic::error("no-command", tree.span, "one command is wanted here")
                                .help("write either `command: text` or `argv: [program, argument, …]`"),
                        );
                    }
                    return None;
                }
            };
            let ok_codes = fields.ok_codes.unwrap_or_else(|| vec![0]);
            Run { what, stdin: fields.stdin, ok_codes, idempotent: fields.idempotent }
        }
        _ => bare(What::Shell(text::decode(tree, diags)?)),
    };
    Some(Box::new(run))
}

fn argv(list: Vec<Text<Plain>>, diags: &Diagnostics) -> Vec<Text<Plain>> {
    super::check_argv(&list, diags);
    list
}

impl Action for Run {
    fn key(&self) -> &'static str {
        "run"
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
            What::Argv(list) => list.iter().for_each(|text| visit(text)),
        }
        self.stdin.iter().for_each(|text| visit(text));
    }

    fn argv(&self) -> &[Text<Plain>] {
        match &self.what {
            What::Shell(_) => &[],
            What::Argv(list) => list,
        }
    }

    fn prepare(&self, cx: &Cx<'_>) -> Result<Box<dyn Ready>, EvalError> {
        let mut work = cx.login.work(cx.timeout);
        match &self.what {
            What::Shell(text) => work.script = cx.render(text)?,
            What::Argv(list) => {
                work.argv = Some(list.iter().map(|text| cx.render(text)).collect::<Result<_, _>>()?);
            }
        }
        if let Some(stdin) = &self.stdin {
            work.stdin = cx.render_hidden(stdin)?.into_bytes();
        }
        Ok(Box::new(Command { work, ok_codes: self.ok_codes.clone() }))
    }
}

/// A rendered command.
#[derive(Debug)]
struct Command {
    work: Work,
    ok_codes: Vec<i32>,
}

impl Command {
    fn text(&self) -> String {
        match &self.work.argv {
            Some(argv) => argv.iter().map(|a| shlex::try_quote(a).unwrap_or_default()).collect::<Vec<_>>().join(" "),
            None => self.work.script.clone(),
        }
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
            let done = hands.run(&Work { cursors: logs.sources, ..self.work.clone() }, logs.noted).await?;
            super::stopped(&done, &self.work)?;
            if self.ok_codes.contains(&done.exit) {
                return Ok(applied(done));
            }
            let said = String::from_utf8_lossy(&done.stderr);
            let reason = match said.trim() {
                "" => format!("exit {}", exit_words(done.exit)),
                text => format!("exit {}: {}", exit_words(done.exit), clip(text)),
            };
            Err(ActionError::Failed { reason, stdout: done.stdout, stderr: done.stderr })
        })
    }
}

fn applied(done: Done) -> Applied {
    let stdout = String::from_utf8_lossy(&done.stdout).into_owned();
    let value = Value::str(stdout.strip_suffix('\n').unwrap_or(&stdout));
    Applied {
        changed: true,
        seen: format!("exit {}", done.exit),
        result: Value::map([
            ("exit".to_owned(), Value::Int(done.exit.into())),
            ("stdout".to_owned(), Value::str(stdout)),
            ("stderr".to_owned(), Value::str(String::from_utf8_lossy(&done.stderr))),
            ("value".to_owned(), value),
        ]),
        stdout: done.stdout,
        stderr: done.stderr,
        artifact: None,
    }
}
