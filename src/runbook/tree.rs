//! The steps of a runbook as one tree: its own, those of groups, those of the runbooks that it uses.

use std::sync::Arc;

use super::{Body, Runbook, Step, Use};

impl Runbook {
    /// All steps, groups before their members and those of parts with them, in the order in which they run.
    #[must_use]
    pub fn all_steps(&self) -> Vec<&Step> {
        self.walk(true)
    }

    /// The steps of this runbook itself: not those of the runbooks that it uses, which have names of their own.
    #[must_use]
    pub fn own_steps(&self) -> Vec<&Step> {
        self.walk(false)
    }

    fn walk(&self, parts: bool) -> Vec<&Step> {
        fn walk<'a>(steps: &'a [Step], parts: bool, all: &mut Vec<&'a Step>) {
            for step in steps {
                all.push(step);
                match &step.body {
                    Body::Group(members) => walk(members, parts, all),
                    Body::Use(uses) if parts => walk(uses.steps(), parts, all),
                    _ => {}
                }
                walk(&step.flow.always, parts, all);
            }
        }
        let mut all = Vec::new();
        walk(&self.steps, parts, &mut all);
        all
    }

    /// The own step of an id.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.own_steps().into_iter().find(|step| step.id.value == id)
    }

    /// The parts: what uses them, the path of the step first, the outer before the inner.
    pub fn parts(&self) -> impl Iterator<Item = (&Step, &Use, &Arc<Self>)> {
        self.all_steps().into_iter().filter_map(|step| match &step.body {
            Body::Use(uses) => Some((step, uses, uses.book.as_ref()?)),
            _ => None,
        })
    }

    /// This runbook and its parts.
    pub fn books(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.parts().map(|(_, _, book)| &**book))
    }

    /// Whether a var of this name is a secret, here or in a part. `None`: nobody declares it.
    #[must_use]
    pub fn var_is_secret(&self, name: &str) -> Option<bool> {
        self.books()
            .filter_map(|book| book.vars.get(name))
            .map(|var| var.limits.kind.value == super::Kind::Secret)
            .max()
    }
}
