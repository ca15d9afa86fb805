//! `note`: a text for the timeline.

use crate::action::words::clip;
use crate::base::diag::Diagnostics;
use crate::base::secret::MASK;
use crate::template::{AnyText, EvalError, Plain, Scope, Text};
use crate::text::{self, Tree};

use super::Told;
use super::aside::{Aside, Said};
use super::registry::{Decode, Entry};

/// The text.
#[derive(Debug)]
pub struct Note(Text<Plain>);

pub(super) const ENTRY: Entry = Entry {
    key: "note",
    about: "Puts a text into the timeline.",
    effect: "nothing is touched",
    example: "id: said\nnote: The old release is still there.\n",
    schema: |g| g.subschema_for::<Text<Plain>>(),
    decode: Decode::Aside(decode),
};

fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Box<dyn Aside>> {
    text::decode(tree, diags).map(|text| Box::new(Note(text)) as Box<dyn Aside>)
}

impl Aside for Note {
    fn key(&self) -> &'static str {
        "note"
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        visit(&self.0);
    }

    fn told(&self) -> Told {
        Told::with("puts this into the timeline", self.0.source())
    }

    fn render(&self, scope: &dyn Scope) -> Result<Said, EvalError> {
        // before a run there may be holes in it: they are shown
        let rendered = self.0.render(scope)?;
        let summary = if rendered.secret { MASK.to_owned() } else { clip(&rendered.text) };
        Ok(Said { summary, note: Some(rendered.text), ..Said::default() })
    }
}
