//! What a step can do to or learn of a host: actions (leaves that may change it), probes and guards (which only look).
//!
//! An action is one file here and one line below: a plain struct of what the author writes, and for each host
//! a [`Ready`] body in which every text has been rendered. What touches no host is an [`aside`] instead. Only [`Ready::apply`] and [`Ready::stage`] are handed
//! [`Hands`]; everything else sees [`Look`](crate::transport::Look) at most.

pub mod aside;
mod back;
pub mod check;
mod command;
mod content;
mod ended;
mod ending;
pub mod fleet;
pub mod guard;
mod login;
mod owner;
pub mod probe;
mod programs;
pub mod registry;
pub mod schema;
mod script_file;
mod service_state;
mod told;
mod words;

/// Each action is a file here and a line there.
macro_rules! actions {
    ($($name:ident,)*) => {
        $(mod $name;)*

        /// What each says of itself.
        const ACTIONS: &[registry::Entry] = &[$($name::ENTRY,)*];
    };
}

actions! {
    directory,
    download,
    file,
    http,
    link,
    r#move,
    note,
    pause,
    reboot,
    run,
    service,
    set,
}

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use back::{beside, put_back, stopped, succeed};
pub use ended::{ActionError, Applied, Printed};
pub use login::{Login, Script};
pub use told::{Told, written};
pub use words::{absolute, clip, invalid, known, seconds, visible};

use crate::base::BoxFuture;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::digest::Digest;
use crate::base::ids::UnitKey;
use crate::base::span::Span;
use crate::template::{AnyText, Compiled, Context, EvalError, InContext, Plain, Rendered, Scope, Text};
use crate::text::Sp;
use crate::transport::{Answer, Hands, LogSource, Look, Started, Work};

/// What doing it again would mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing changes, ever.
    Reads,
    /// The second time changes nothing.
    Idempotent,
    /// It has its effect each time.
    Once,
}

/// What an action is prepared with, for one host.
pub struct Cx<'a> {
    /// The names that its texts can use.
    pub scope: &'a dyn Scope,
    /// Who does it and in which surroundings.
    pub login: &'a Login,
    /// How long it may take.
    pub timeout: Duration,
    /// How long a command may print nothing.
    pub idle_timeout: Option<Duration>,
    /// The run's id, for names on the host.
    pub run: &'a str,
    /// Reads a template file by the name that the author wrote.
    pub template: &'a (dyn Fn(&str) -> Option<Arc<str>> + Send + Sync),
    /// Reads a file beside the runbook, likewise.
    pub files: &'a (dyn Fn(&str) -> Option<Arc<[u8]>> + Send + Sync),
    /// Where values may be missing that are not known yet: always [`Holes::No`] for what is carried out.
    pub holes: Holes,
}

/// Where marked holes may stand for values that are not known yet, so that the rest can be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holes {
    /// Nowhere.
    #[default]
    No,
    /// In what a file or a standard input holds.
    Contents,
    /// Everywhere.
    Anywhere,
}

impl Cx<'_> {
    /// A text that becomes visible on the host: nothing in it may be unknown or secret.
    pub fn render<C: InContext>(&self, text: &Text<C>) -> Result<String, EvalError> {
        let rendered = text.render(self.scope)?;
        visible(if self.holes == Holes::Anywhere { rendered.shown() } else { rendered })
    }

    /// A text that goes to a standard input or into a file: it may hold secrets.
    pub fn render_hidden<C: InContext>(&self, text: &Text<C>) -> Result<String, EvalError> {
        known(self.held(text.render(self.scope)?))
    }

    /// What a file or a standard input holds.
    fn held(&self, rendered: Rendered) -> Rendered {
        if self.holes >= Holes::Contents { rendered.shown() } else { rendered }
    }

    /// An absolute path.
    pub fn path(&self, text: &Text<Plain>) -> Result<String, EvalError> {
        let path = self.render(text)?;
        words::whole_path(path, text.source())
    }
}

/// A leaf that may change a host.
pub trait Action: Debug + Send + Sync {
    /// The key under which an author writes it.
    fn key(&self) -> &'static str;
    /// What doing it again would mean.
    fn effect(&self) -> Effect;
    /// Every text and expression, for the reference check.
    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText));
    /// The words of its command line, if it has one: everybody on the host can read them.
    fn argv(&self) -> &[Text<Plain>] {
        &[]
    }
    /// The programs that it starts on the host, as far as its text says so plainly.
    fn programs(&self) -> Vec<String> {
        Vec::new()
    }
    /// Whether it knows how to put back what it did: see [`Ready::undo`].
    fn undoes_itself(&self) -> bool {
        false
    }
    /// The names of the outputs that a step with this action has by itself.
    fn outputs(&self) -> &'static [&'static str] {
        &["changed"]
    }
    /// A template that is written in place and has a context of its own.
    fn inline(&self) -> Option<(&Sp<String>, &Compiled)> {
        None
    }
    /// The template files that it renders, by the names that the author wrote, with their contexts.
    fn templates(&self) -> Vec<(&Sp<String>, Context)> {
        Vec::new()
    }
    /// The files beside the runbook that it sends as they are, by the names that the author wrote.
    fn files(&self) -> Vec<&Sp<String>> {
        Vec::new()
    }
    /// Says what is wrong with such a file.
    fn inspect(&self, _name: &Sp<String>, _content: &[u8], _diags: &Diagnostics) {}
    /// What it does, as it is written, for a reader who has never seen the tool.
    fn told(&self) -> Told;
    /// Renders everything for one host. Nothing is asked of the host.
    fn prepare(&self, cx: &Cx<'_>) -> Result<Box<dyn Ready>, EvalError>;
}

/// An action for one host, every text rendered.
pub trait Ready: Debug + Send + Sync {
    /// One line for plans, journals and screens. Holds no secret.
    fn summary(&self) -> String;
    /// Everything that decides what will happen: its digest is kept with the unit's start, so that a resumed run can
    /// prove that it does the same.
    fn body(&self) -> String;
    /// The content that `identical: true` compares over all hosts of the step; `None`: not asked for.
    fn identical(&self) -> Option<Digest> {
        None
    }
    /// Whether the state that it makes is there already.
    fn check<'a>(&'a self, look: &'a dyn Look) -> BoxFuture<'a, Result<check::Verdict, ActionError>>;
    /// Refloat's own texts that would be sent, in order; none: the body says all of it.
    fn sends(&self) -> Vec<String> {
        Vec::new()
    }
    /// What it makes on its host, for what a dry run says of later steps.
    fn makes(&self) -> check::Makes {
        check::Makes::default()
    }
    /// Whether it works in two phases: everywhere staged, then everywhere applied.
    fn two_phase(&self) -> bool {
        false
    }
    /// The first phase. Must leave the host as it was when the second never comes.
    fn stage<'a>(&'a self, _hands: &'a Hands<'a>) -> BoxFuture<'a, Result<(), ActionError>> {
        Box::pin(async { Ok(()) })
    }
    /// Takes the first phase back.
    fn unstage<'a>(&'a self, _hands: &'a Hands<'a>) -> BoxFuture<'a, Result<(), ActionError>> {
        Box::pin(async { Ok(()) })
    }
    /// What undoing it means, in one line; `None`: it cannot be undone by itself.
    fn undoes(&self) -> Option<String> {
        None
    }
    /// Puts back what `apply` did in these units, by what each kept on the host before it changed anything: the oldest
    /// record counts, none means that nothing was changed. A second time changes nothing. Somebody else's change since
    /// is not overwritten: that is a failure.
    fn undo<'a>(
        &'a self,
        _hands: &'a Hands<'a>,
        _applied: &'a [UnitKey],
    ) -> BoxFuture<'a, Result<Applied, ActionError>> {
        Box::pin(async { Err(ActionError::failed("it cannot be undone by itself")) })
    }
    /// The same for a person at the host, as far as it is known without asking it. `outputs` is what the unit came to,
    /// `kept` the path of what it kept.
    fn undo_by_hand(&self, _outputs: &serde_json::Value, _kept: &str) -> Option<String> {
        None
    }
    /// Does it. `logs` are the logs whose ends are noted in the same request, before anything happens.
    fn apply<'a>(&'a self, hands: &'a Hands<'a>, logs: Logs) -> BoxFuture<'a, Result<Applied, ActionError>>;
}

/// The logs to note the ends of, and where to send them.
#[derive(Debug, Default)]
pub struct Logs {
    /// The logs.
    pub sources: Vec<LogSource>,
    /// Told once, when the host has claimed the step and noted the ends.
    pub noted: Option<tokio::sync::oneshot::Sender<Started>>,
}

/// The diagnostic for what LANGUAGE has and this version does not execute yet. Refused rather than ignored: a step
/// that means more than what happens is worse than none.
#[must_use]
pub fn not_yet(span: Span, what: &str) -> Diagnostic {
    Diagnostic::error("not-yet", span, format!("{what} is not carried out by this version"))
        .help("it is part of the language and will come; until then write the step without it")
}

/// The canonical text of some work, for its digest. Secrets enter by their digests.
fn body(work: &Work, more: &[String]) -> String {
    use secrecy::ExposeSecret as _;
    let env: Vec<_> = work.env.iter().map(|(name, value)| (name, Digest::of(value.expose_secret()))).collect();
    serde_json::json!({
        "script": work.script,
        "argv": work.argv,
        "more": more,
        "stdin": Digest::of(&work.stdin),
        "user": work.user,
        "env": env,
        "cwd": work.cwd,
        "shell": work.shell,
    })
    .to_string()
}

/// The answer's text, for callers that only want to know whether it went well.
#[must_use]
pub fn said(answer: &Answer) -> String {
    clip(&String::from_utf8_lossy(if answer.exit == 0 { &answer.stdout } else { &answer.stderr }))
}
