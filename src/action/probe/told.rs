//! What a probe asks, for a reader who has never seen the tool: as it is written.

use crate::action::written;
use crate::template::AnyText;

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
