//! `rolling`: batches over the hosts of a step.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::text::{self, Amount, Dur, Node, Sp, Tree};

use super::flow::at_least_one;

/// Batches.
#[derive(Clone, Debug, PartialEq)]
pub struct Rolling {
    /// Their sizes; the last one repeats.
    pub batches: Vec<Amount>,
    /// The pause between two of them.
    pub pause: Duration,
    /// After so many of them a person is asked whether it goes on.
    pub confirm_after: Option<usize>,
}

/// Batches of hosts.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "rolling", deny_unknown_fields)]
pub(super) struct RollingFields {
    /// Their sizes; the last one repeats.
    #[schemars(with = "crate::text::OneOrMany<Amount>")]
    batches: Tree,
    /// The pause between two.
    pause: Option<Dur>,
    /// After so many a person is asked.
    confirm_after: Option<Sp<u32>>,
}

impl Rolling {
    /// The sizes of the batches of `all` hosts: those that are written, in their order, the last one again and again. A
    /// share is of all hosts, rounded down, and a batch has at least one.
    #[must_use]
    pub fn sizes(&self, all: usize) -> Vec<usize> {
        let mut sizes = Vec::new();
        let mut left = all;
        let mut written = self.batches.iter();
        let mut size = all.max(1);
        while left > 0 {
            size = written.next().map_or(size, |next| next.of(all).max(1));
            sizes.push(size.min(left));
            left -= size.min(left);
        }
        sizes
    }

    pub(super) fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        let plain = |batches| Self { batches, pause: Duration::ZERO, confirm_after: None };
        if !matches!(tree.value, Node::Map(_)) {
            return sizes(tree, diags).map(plain);
        }
        let fields: RollingFields = text::decode(tree, diags)?;
        Some(Self {
            batches: sizes(&fields.batches, diags)?,
            pause: fields.pause.map_or(Duration::ZERO, |pause| pause.0),
            confirm_after: fields.confirm_after.and_then(|n| at_least_one(&n, "batches", diags)),
        })
    }
}

/// One size, or a list of them.
fn sizes(tree: &Tree, diags: &Diagnostics) -> Option<Vec<Amount>> {
    let sizes: text::OneOrMany<Sp<Amount>> = text::decode(tree, diags)?;
    if sizes.0.is_empty() {
        diags.push(
            Diagnostic::error("wrong-value", tree.span, "there is no size of a batch here")
                .help("write for example `rolling: [1, 5, \"25%\"]`; the last size repeats"),
        );
        return None;
    }
    for size in sizes.0.iter().filter(|size| matches!(size.value, Amount::Number(0) | Amount::Percent(0))) {
        diags
            .push(Diagnostic::error("wrong-value", size.span, "a batch has at least one host").help("write 1 or more"));
    }
    Some(sizes.0.into_iter().map(|size| size.value).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rolling(batches: &[Amount]) -> Rolling {
        Rolling { batches: batches.to_vec(), pause: Duration::ZERO, confirm_after: None }
    }

    fn amount() -> impl Strategy<Value = Amount> {
        prop_oneof![(1..12u32).prop_map(Amount::Number), (1..=100u8).prop_map(Amount::Percent)]
    }

    /// One host after the other, as a person with a list would: the batch is full, the next size counts.
    fn by_hand(written: &[Amount], all: usize) -> Vec<usize> {
        let mut sizes: Vec<usize> = Vec::new();
        let room = |batch: usize| match written.get(batch).or(written.last()) {
            None => all,
            Some(Amount::Number(n)) => *n as usize,
            Some(Amount::Percent(share)) => (1..=all).filter(|n| n * 100 <= all * usize::from(*share)).count().max(1),
        };
        for _ in 0..all {
            match sizes.last().copied() {
                Some(last) if last < room(sizes.len() - 1) => *sizes.last_mut().expect("there") += 1,
                _ => sizes.push(1),
            }
        }
        sizes
    }

    proptest! {
        #[test]
        fn batches_are_as_by_hand(written in prop::collection::vec(amount(), 0..5), all in 0..60usize) {
            let sizes = rolling(&written).sizes(all);
            prop_assert_eq!(sizes.iter().sum::<usize>(), all);
            prop_assert_eq!(sizes, by_hand(&written, all));
        }
    }

    #[test]
    fn batches_as_the_language_says() {
        let sizes = |written: &[Amount], all| rolling(written).sizes(all);
        let written = [Amount::Number(1), Amount::Number(5), Amount::Percent(25)];
        assert_eq!(sizes(&written, 12), [1, 5, 3, 3]);
        assert_eq!(sizes(&written, 40), [1, 5, 10, 10, 10, 4]);
        assert_eq!(sizes(&[Amount::Percent(10)], 5), [1, 1, 1, 1, 1]);
    }
}
