//! What a probe asks, for a reader who has never seen the tool: as it is written.

use crate::action::{clip, written};
use crate::base::secret::MASK;
use crate::template::{AnyText, EvalError, Rendered, Scope};

use super::model::{Command, Kind, Probe};

impl Probe {
    /// What is asked: "the file `/etc/web.conf`".
    #[must_use]
    pub fn asked(&self) -> String {
        let of = |what: &str, text: &dyn AnyText| format!("{what} {}", written(text));
        let what = match &self.kind {
            Kind::Command(Command::Shell { text, .. }) => of("the command", text),
            Kind::Command(Command::Argv { argv, .. }) => {
                let words: Vec<&str> = argv.iter().map(|word| word.source().value.as_str()).collect();
                format!("the program `{}`", words.join(" "))
            }
            Kind::Read(text) => of("the file", text),
            Kind::Path(text) => of("the path", text),
            Kind::Http(request) => of("the answer of", &request.url),
            Kind::Port(text) => of("the port", text),
            Kind::Service(text) => of("the service", text),
            Kind::Process(text) => of("the processes", text),
            Kind::Disk(text) => of("the room at", text),
        };
        match &self.from {
            Some(from) => format!("{what}, asked from {}", from.words()),
            None => what,
        }
    }

    /// What is asked in the eyes of a host, without secrets; `None`: it cannot be told.
    #[must_use]
    pub fn request(&self, scope: &dyn Scope) -> Option<String> {
        let said = |what: &str, rendered: Result<Rendered, EvalError>| {
            let rendered = rendered.ok()?;
            let text = if rendered.secret { MASK.to_owned() } else { clip(&rendered.text) };
            Some(format!("{what} {text}"))
        };
        let what = match &self.kind {
            Kind::Command(Command::Shell { text, .. }) => said("command", text.render(scope)),
            Kind::Command(Command::Argv { argv, .. }) => {
                let words: Option<Vec<String>> = argv.iter().map(|word| said("", word.render(scope))).collect();
                words.map(|words| format!("program{}", words.concat()))
            }
            Kind::Read(text) => said("file", text.render(scope)),
            Kind::Path(text) => said("path", text.render(scope)),
            Kind::Http(request) => said("GET", request.url.render(scope)),
            Kind::Port(text) => said("port", text.render(scope)),
            Kind::Service(text) => said("service", text.render(scope)),
            Kind::Process(text) => said("process", text.render(scope)),
            Kind::Disk(text) => said("room at", text.render(scope)),
        };
        let from = self.from.as_ref().map(|from| format!(", asked from {}", from.text())).unwrap_or_default();
        what.map(|what| format!("{what}{from}"))
    }

    /// When it succeeds, behind what is asked: "exists".
    #[must_use]
    pub fn success(&self) -> String {
        let word = match &self.kind {
            Kind::Command(_) => "ends well",
            Kind::Read(_) => "can be read",
            Kind::Path(_) | Kind::Disk(_) => "is there",
            Kind::Http(_) => "is a good one",
            Kind::Port(_) => "answers",
            Kind::Service(_) => "runs",
            Kind::Process(_) => "run",
        };
        match &self.matches {
            Some(pattern) => format!("{word} and says {}", written(pattern)),
            None => word.to_owned(),
        }
    }
}
