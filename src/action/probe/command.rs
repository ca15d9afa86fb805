//! `command:` what a program says. It runs in the host's runner, without claim or spool; that it only reads is the
//! author's promise.

use crate::action::words::{clip, known, seconds, shell_name, visible};
use crate::template::{Scope, Value};
use crate::transport::{Answer, Ask, Look};

use super::model::{Command, Probe};
use super::{Found, Parse, ProbeError};
use crate::action::Login;

pub(super) async fn ask(
    command: &Command,
    probe: &Probe,
    look: &dyn Look,
    login: &Login,
    scope: &dyn Scope,
) -> Result<Found, ProbeError> {
    let mut ask = Ask { timeout: probe.timeout, ..login.ask() };
    let (stdin, shell) = match command {
        Command::Shell { text, stdin, shell } => {
            ask.script = text.render(scope).and_then(visible)?;
            (stdin, shell.as_ref())
        }
        Command::Argv { argv, stdin } => {
            ask.argv = Some(argv.iter().map(|a| a.render(scope).and_then(visible)).collect::<Result<_, _>>()?);
            (stdin, None)
        }
    };
    if let Some(stdin) = stdin {
        ask.stdin = stdin.render(scope).and_then(known)?.into_bytes();
    }
    if let Some(shell) = shell {
        ask.shell = Some(shell.render(scope).and_then(visible).and_then(shell_name)?);
    }
    let answer = look.ask(&ask).await?;
    if answer.timed_out {
        return Err(ProbeError::NotAsked(format!("no answer within {}", seconds(probe.timeout))));
    }
    let stdout = String::from_utf8_lossy(&answer.stdout).into_owned();
    let success = answer.exit == 0;
    // what a failing command says is not what it was asked for
    let value = if success {
        super::check_match(probe, &stdout, scope)?;
        probe.parse.as_ref().unwrap_or(&Parse::Text).apply(&stdout).map_err(ProbeError::Unparsable)?
    } else {
        match probe.parse.as_ref().unwrap_or(&Parse::Text).apply(&stdout) {
            Ok(value) => value,
            Err(_) => Value::Null,
        }
    };
    Ok(Found { success, seen: seen(&answer), result: result(&answer, value) })
}

fn result(answer: &Answer, value: Value) -> Value {
    Value::map([
        ("exit".to_owned(), Value::Int(answer.exit.into())),
        ("stdout".to_owned(), Value::str(String::from_utf8_lossy(&answer.stdout))),
        ("stderr".to_owned(), Value::str(String::from_utf8_lossy(&answer.stderr))),
        ("value".to_owned(), value),
    ])
}

fn seen(answer: &Answer) -> String {
    let said = if answer.exit == 0 { &answer.stdout } else { &answer.stderr };
    let said = String::from_utf8_lossy(said);
    match said.trim() {
        "" => format!("exit {}", answer.exit),
        text => format!("exit {}: {}", answer.exit, clip(text)),
    }
}
