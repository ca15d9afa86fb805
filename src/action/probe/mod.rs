//! Probes: the one vocabulary of read-only questions, used by `gather`, guards, `wait`, `done_when` and `verify`
//! (LANGUAGE section 5). A probe is one kind of question with common options; each kind is one file.

mod command;
mod disk;
mod fits;
mod http;
mod model;
mod parse;
mod path;
mod port;
mod process;
mod read;
mod service;
mod tls;
mod told;

pub use http::post;
pub(in crate::action) use http::{Sending, Unanswered, check_headers, send};
pub(in crate::action) use model::{CommandFields, Fields, KINDS, RequestFields};
pub use model::{Kind, PROBE_KEYS, Probe};
pub use parse::Parse;
pub(in crate::action) use parse::WORDS as PARSE_WORDS;

use crate::action::words::{clip, known, visible};
use crate::template::{EvalError, Plain, Scope, Text, Value};
use crate::transport::{LinkError, Look};

use super::Login;

/// What a probe gave.
#[derive(Clone, Debug)]
pub struct Found {
    /// The fields of `result`.
    pub result: Value,
    /// Whether the probe succeeded by its own rule (exit 0, 2xx, exists, …), `optional` or not.
    pub success: bool,
    /// What was seen, for people.
    pub seen: String,
}

/// Why a probe gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It could not be asked: refused, timed out, no such file.
    #[error("{0}")]
    NotAsked(String),
    /// Its own text could not be rendered.
    #[error(transparent)]
    Text(#[from] EvalError),
    /// The answer could not be understood.
    #[error("{0}")]
    Unparsable(String),
    /// There is no link to the host.
    #[error("{0}")]
    NoLink(String),
    /// The link to the host failed.
    #[error(transparent)]
    Link(#[from] LinkError),
}

impl ProbeError {
    /// The step before which it cannot be asked.
    #[must_use]
    pub fn waits_for(&self) -> Option<&std::sync::Arc<str>> {
        match self {
            Self::Text(error) => error.waits_for(),
            _ => None,
        }
    }

    /// Whether the host could not even be spoken to.
    #[must_use]
    pub fn is_of_the_link(&self) -> bool {
        matches!(self, Self::NoLink(_) | Self::Link(_))
    }
}

impl Probe {
    /// Asks on `link`, as `login`. With `optional`, what cannot be asked gives null fields instead of an error; a link
    /// that failed is none of the host's answers and stays an error.
    pub async fn ask(&self, look: &dyn Look, login: &Login, scope: &dyn Scope) -> Result<Found, ProbeError> {
        let found = match &self.kind {
            Kind::Command(command) => command::ask(command, self, look, login, scope).await,
            Kind::Read(path) => read::ask(path, self, look, login, scope).await,
            Kind::Path(path) => path::ask(path, self, look, login, scope).await,
            Kind::Http(request) => http::ask(request, self, look, login, scope).await,
            Kind::Port(address) => port::ask(address, self, look, scope).await,
            Kind::Service(name) => service::ask(name, self, look, login, scope).await,
            Kind::Process(name) => process::ask(name, self, look, login, scope).await,
            Kind::Disk(path) => disk::ask(path, self, look, login, scope).await,
        };
        match found {
            Err(error @ (ProbeError::NotAsked(_) | ProbeError::Unparsable(_))) if self.optional => {
                Ok(Found { result: self.kind.nulls(), success: false, seen: format!("nothing ({error})") })
            }
            other => other,
        }
    }

    /// Whether what was found counts as an answer.
    #[must_use]
    pub fn accepts(&self, found: &Found) -> bool {
        found.success || self.optional
    }

    /// The value that `gather` keeps: `value:` if written, else the kind's own main field. Where an optional probe got
    /// no good answer, an expression that has no value of it is null: it was written for good answers.
    pub fn value(&self, found: &Found, scope: &dyn Scope) -> Result<Value, EvalError> {
        match &self.value {
            Some(expression) => match expression.eval(scope) {
                Err(_) if self.optional && !found.success => Ok(Value::Null),
                value => value,
            },
            None => Ok(self.kind.main_field().map_or_else(
                || found.result.clone(),
                |field| match &found.result {
                    Value::Map(fields) => fields.get(field).cloned().unwrap_or(Value::Null),
                    _ => Value::Null,
                },
            )),
        }
    }
}

/// `matches:` the text must match, or the probe could not be asked for what the author meant.
fn check_match(probe: &Probe, text: &str, scope: &dyn Scope) -> Result<(), ProbeError> {
    let Some(pattern) = &probe.matches else { return Ok(()) };
    let pattern = pattern.render(scope).and_then(known)?;
    let regex = regex::Regex::new(&pattern).map_err(|error| ProbeError::Unparsable(error.to_string()))?;
    if regex.is_match(text) {
        return Ok(());
    }
    Err(ProbeError::NotAsked(format!("`{}` does not match /{pattern}/", clip(text))))
}

/// Why a script about a path failed, in the host's own words.
fn refusal(answer: &crate::transport::Answer, path: &str) -> String {
    if answer.timed_out {
        return format!("{path}: no answer in time");
    }
    let said = String::from_utf8_lossy(&answer.stderr);
    match said.trim() {
        "" => format!("{path}: exit {}", answer.exit),
        text => clip(text),
    }
}

/// Asks one of our own scripts about a path or a name; gives that and what the script printed.
async fn about(
    text: &Text<Plain>,
    fits: fn(String) -> Result<String, EvalError>,
    script: &str,
    probe: &Probe,
    look: &dyn Look,
    login: &Login,
    scope: &dyn Scope,
) -> Result<(String, String), ProbeError> {
    let word = text.render(scope).and_then(visible).and_then(fits)?;
    let answer = login.script(look, probe.timeout, script, &[&word]).await?;
    if answer.exit != 0 {
        return Err(ProbeError::NotAsked(refusal(&answer, &word)));
    }
    Ok((word, String::from_utf8_lossy(&answer.stdout).into_owned()))
}
