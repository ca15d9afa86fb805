//! `set`: values are computed once and become outputs of the step, so that what several steps need is written, and
//! worked out, in one place.

use indexmap::IndexMap;
use schemars::json_schema;

use crate::action::words::clip;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::template::{AnyText, Data, EvalError, Scope};
use crate::text::{self, Sp, Tree};

use super::Told;
use super::aside::{Aside, Said};
use super::registry::{Decode, Entry};

/// Names and what they are to be.
#[derive(Debug)]
pub struct Set(IndexMap<String, Data>);

pub(super) const ENTRY: Entry = Entry {
    key: "set",
    about: "Computes values once; later steps read them as outputs.",
    effect: "nothing is touched",
    example: "id: names\nset:\n  release: \"/srv/web/releases/{{run.id}}\"\n",
    schema: |_| json_schema!({ "type": "object", "minProperties": 1 }),
    decode: Decode::Aside(decode),
};

fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Box<dyn Aside>> {
    let entries: IndexMap<Sp<String>, Tree> = text::decode(tree, diags)?;
    if entries.is_empty() {
        if !diags.has_errors_within(tree.span) {
            diags.push(
                Diagnostic::error("nothing-set", tree.span, "no value is set here")
                    .help("write `name: value`; later steps read it as `outputs.<step>.<name>`"),
            );
        }
        return None;
    }
    for name in entries.keys().filter(|name| !text::is_snake(&name.value)) {
        diags.push(text::not_snake(name));
    }
    let values = entries.into_iter().map(|(name, tree)| (name.value, Data::from_tree(&tree)));
    Some(Box::new(Set(values.collect())))
}

impl Aside for Set {
    fn key(&self) -> &'static str {
        "set"
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        self.0.values().for_each(|data| data.texts(visit));
    }

    fn outputs(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    fn told(&self) -> Told {
        let names: Vec<String> = self.0.keys().map(|name| format!("`{name}`")).collect();
        Told::new(format!("works out {}, for later steps", names.join(", ")))
    }

    fn render(&self, scope: &dyn Scope) -> Result<Said, EvalError> {
        let mut outputs = IndexMap::new();
        for (name, data) in &self.0 {
            outputs.insert(name.clone(), data.known(scope)?);
        }
        let words = outputs.iter().map(|(name, value)| match value.as_str() {
            Some(text) => format!("{name} = {text}"),
            None => format!("{name} = {}", value.to_json()),
        });
        let summary = clip(&words.collect::<Vec<_>>().join(", "));
        Ok(Said { summary, outputs, ..Said::default() })
    }
}
