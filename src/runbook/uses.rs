//! `use`: another runbook is a part of this one. It has names of its own; it gets params and `hosts`, and gives outputs.
//!
//! [`link`] puts the used runbooks into the tree, so that all that comes after sees one tree of steps, whose paths go on
//! through the step that uses: `restore/see`.

use std::sync::Arc;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::{SourceId, Sources, Span};
use crate::inventory::Selector;
use crate::template::Data;
use crate::text::{self, Sp, Tree};

use super::model::{Body, Runbook, Step};
use super::parse;

/// Another runbook as a part of this one.
#[derive(Debug)]
pub struct Use {
    /// The runbook's name.
    pub runbook: Sp<String>,
    /// What its params get.
    pub params: IndexMap<String, Argument>,
    /// Where the step says itself whom it is about: these become the part's target `hosts`.
    pub hosts: Option<Span>,
    /// The runbook, its steps' paths beginning with this step's. `None`: it could not be understood, which was reported.
    pub book: Option<Arc<Runbook>>,
}

/// What a param of a part gets.
#[derive(Debug)]
pub struct Argument {
    /// Where its name stands.
    pub name: Span,
    /// The value, in the names of whoever uses the part.
    pub data: Data,
    /// What is written.
    pub tree: Tree,
    /// For a param of type host or hosts: these.
    pub hosts: Option<Selector>,
}

/// The target of a part that `hosts` of the step becomes.
pub const HOSTS: &str = "hosts";

/// Another runbook as a part of this one.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "use", deny_unknown_fields)]
pub(super) struct Fields {
    /// Its name.
    runbook: Sp<String>,
    /// What its params get.
    #[serde(default)]
    params: IndexMap<Sp<String>, Tree>,
}

impl Use {
    pub(super) fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        let fields: Fields = text::decode(tree, diags)?;
        let argument = |(name, tree): (Sp<String>, Tree)| {
            (name.value, Argument { name: name.span, data: Data::from_tree(&tree), tree, hosts: None })
        };
        let params = fields.params.into_iter().map(argument).collect();
        Some(Self { runbook: fields.runbook, params, hosts: None, book: None })
    }

    /// The steps of the part.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        self.book.as_ref().map_or(&[], |book| &book.steps)
    }
}

/// Gives the text of a runbook by its name, and says what is wrong when there is none.
pub type Find<'a> = dyn FnMut(&Sp<String>, &mut Sources, &Diagnostics) -> Option<SourceId> + 'a;

/// Puts the runbooks that this one uses into it, and those that they use.
pub fn link(book: &mut Runbook, find: &mut Find<'_>, sources: &mut Sources, diags: &Diagnostics) {
    let mut chain = vec![book.name.value.clone()];
    let mut linker = Linker { find, sources, diags };
    linker.steps(&mut book.steps, &mut chain);
}

/// A runbook that is used twice is read twice, since its steps have two paths; the sink drops what is said twice.
struct Linker<'a, 'f> {
    find: &'a mut Find<'f>,
    sources: &'a mut Sources,
    diags: &'a Diagnostics,
}

impl Linker<'_, '_> {
    fn steps(&mut self, steps: &mut [Step], chain: &mut Vec<String>) {
        for step in steps {
            self.steps(&mut step.flow.always, chain);
            match &mut step.body {
                Body::Group(members) => self.steps(members, chain),
                Body::Use(uses) => {
                    uses.book = self.book(&uses.runbook, &step.path, chain).map(Arc::new);
                    let Some(book) = &uses.book else { continue };
                    for (name, argument) in &mut uses.params {
                        if book.params.get(name).is_some_and(|param| param.limits.kind.is_target()) {
                            argument.hosts = Some(Selector::decode_anyway(&argument.tree, self.diags));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn book(&mut self, name: &Sp<String>, path: &str, chain: &mut Vec<String>) -> Option<Runbook> {
        if name.span.is_nowhere() {
            return None;
        }
        if chain.contains(&name.value) {
            let whole: Vec<&str> = chain.iter().chain([&name.value]).map(String::as_str).collect();
            let message = format!("a runbook cannot be a part of itself: {}", whole.join(" → "));
            self.diags
                .push(Diagnostic::error("use-circle", name.span, message).help("put what both need into a third"));
            return None;
        }
        let source = (self.find)(name, self.sources, self.diags)?;
        let mut book = parse::part(source, path, self.sources, self.diags)?;
        if book.name.value != name.value && !book.name.span.is_nowhere() {
            let message = format!("the runbook is called `{}`", book.name.value);
            self.diags.push(Diagnostic::error("name", name.span, message).and(book.name.span, "there"));
        }
        chain.push(name.value.clone());
        self.steps(&mut book.steps, chain);
        chain.pop();
        Some(book)
    }
}
