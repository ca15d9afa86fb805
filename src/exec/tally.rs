//! How many of a step's hosts may fail, and which did. Pure.

use indexmap::IndexMap;

use crate::text::Amount;

/// The hosts that failed where so many may.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    allowed: usize,
    failed: IndexMap<String, String>,
}

impl Tally {
    /// Nobody has failed yet, and of `all` hosts so many may.
    pub(super) fn new(tolerate: Option<Amount>, all: usize) -> Self {
        Self { allowed: tolerate.map_or(0, |amount| amount.of(all)), failed: IndexMap::new() }
    }

    /// These hosts fail. A host fails once.
    pub(super) fn fail(&mut self, hosts: &[String], why: &str) {
        for host in hosts {
            self.failed.entry(host.clone()).or_insert_with(|| why.to_owned());
        }
    }

    /// Whether no more would have failed than may, if these had as well.
    pub(super) fn bears(&self, hosts: &[String]) -> bool {
        let new: indexmap::IndexSet<&String> = hosts.iter().filter(|host| !self.failed.contains_key(*host)).collect();
        self.failed.len() + new.len() <= self.allowed
    }

    /// Whether more have failed than may.
    pub(super) fn is_exceeded(&self) -> bool {
        self.failed.len() > self.allowed
    }

    /// In words: "2 hosts failed and 1 may: web-3: exit 1; web-5: exit 1".
    pub(super) fn words(&self) -> String {
        let (failed, allowed) = (self.failed.len(), self.allowed);
        let hosts = if failed == 1 { "host" } else { "hosts" };
        let mut why: Vec<&str> = self.failed.values().map(String::as_str).collect();
        why.dedup();
        format!("{failed} {hosts} failed and {allowed} may: {}", why.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount() -> impl Strategy<Value = Amount> {
        prop_oneof![(1..12u32).prop_map(Amount::Number), (1..=100u8).prop_map(Amount::Percent)]
    }

    proptest! {
        /// Against counting the different hosts of everything that has failed so far.
        #[test]
        fn so_many_may_fail(amount in amount(), all in 0..20usize, failures in prop::collection::vec(prop::collection::vec(0..20u8, 0..4), 0..8)) {
            let mut tally = Tally::new(Some(amount), all);
            let allowed = match amount {
                Amount::Number(n) => n as usize,
                Amount::Percent(share) => (1..=all).filter(|n| n * 100 <= all * usize::from(share)).count(),
            };
            let mut seen = std::collections::BTreeSet::new();
            for failure in failures {
                let hosts: Vec<String> = failure.iter().map(ToString::to_string).collect();
                seen.extend(failure);
                prop_assert_eq!(tally.bears(&hosts), seen.len() <= allowed);
                tally.fail(&hosts, "why");
                prop_assert_eq!(tally.is_exceeded(), seen.len() > allowed);
            }
        }
    }

    #[test]
    fn without_a_word_none_may_fail() {
        let mut tally = Tally::new(None, 12);
        assert!(tally.bears(&[]) && !tally.bears(&["a".to_owned()]));
        tally.fail(&["a".to_owned()], "a: exit 1");
        assert_eq!(tally.words(), "1 host failed and 0 may: a: exit 1");
    }
}
