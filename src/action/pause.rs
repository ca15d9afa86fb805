//! `pause`: time passes. A person who ends the run ends it at once. Where a condition can be asked, `wait` is better: it
//! goes on as soon as the condition holds, and fails when it never does.

use crate::action::words::seconds;
use crate::base::diag::Diagnostics;
use crate::template::{AnyText, EvalError, Scope, Val};
use crate::text::{self, Dur, Tree};

use super::aside::{Aside, Said};
use super::registry::{Decode, Entry};
use super::{Told, written};

/// How long.
#[derive(Debug)]
pub struct Pause(Val<Dur>);

pub(super) const ENTRY: Entry = Entry {
    key: "pause",
    about: "Lets time pass; where a condition can be asked, `wait` is better.",
    effect: "nothing is touched",
    example: "id: breathe\npause: 30s\n",
    schema: |g| g.subschema_for::<Val<Dur>>(),
    decode: Decode::Aside(decode),
};

fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Box<dyn Aside>> {
    text::decode(tree, diags).map(|duration| Box::new(Pause(duration)) as Box<dyn Aside>)
}

impl Aside for Pause {
    fn key(&self) -> &'static str {
        "pause"
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        visit(&self.0);
    }

    fn told(&self) -> Told {
        match self.0.literal() {
            Some(Dur(pause)) => Told::new(format!("lets {} pass", seconds(*pause))),
            None => Told::new(format!("lets {} pass", written(&self.0))),
        }
    }

    fn render(&self, scope: &dyn Scope) -> Result<Said, EvalError> {
        let Dur(pause) = self.0.get(scope)?;
        Ok(Said { summary: format!("for {}", seconds(pause)), pause, ..Said::default() })
    }
}
