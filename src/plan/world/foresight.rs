//! What a dry run does not know yet.

use super::World;
use crate::inventory::Selector;
use crate::template::Value;

impl World {
    /// A step would act on a host (`""`: on none): what it finds and what becomes of it are unknown until then.
    pub fn foresee(&mut self, step: &str, host: &str) {
        self.forget(step, host);
        let results = self.results.entry(self.qualified(step)).or_default();
        results.outcomes.insert(host.to_owned(), Value::unknown(step));
    }

    /// Whom a dry run would pick is not known.
    pub fn leave_open(&mut self, name: &str) {
        self.left_open.insert(self.qualified(name));
    }

    /// The step that picks whom a selector means, where that is not known yet.
    #[must_use]
    pub fn waits_for(&self, selector: &Selector) -> Option<String> {
        selector.names().into_iter().find_map(|name| self.target(&name.value)?.err())
    }

    /// Whether it is not known whom a target means, which is picked.
    pub(in crate::plan) fn is_open(&self, target: &str) -> bool {
        self.offline || self.left_open.contains(&self.qualified(target))
    }
}
