//! `pick`: targets that are subsets of others, chosen when the step runs.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::guard::Amount;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::inventory::Selector;
use crate::template::{AnyText, Expr};
use crate::text::{self, Amount as Quantity, Node, OneOrMany, Sp, Tree};

/// One entry of a `pick`.
#[derive(Debug)]
pub struct Pick {
    /// The target's name.
    pub name: Sp<String>,
    /// Of whom.
    pub from: Selector,
    /// Only those that answered at the run's start (`true`), or only those that did not.
    pub reachable: Option<bool>,
    /// Only those of whom this is true.
    pub r#where: Vec<Expr>,
    /// Only the one that ranks first.
    pub ranking: Option<Ranking>,
    /// How many must remain.
    pub amount: Amount,
}

/// How candidates are compared: several expressions in turn.
#[derive(Debug)]
pub enum Ranking {
    /// The largest wins.
    Highest(Vec<Expr>),
    /// The smallest wins.
    Lowest(Vec<Expr>),
}

impl Ranking {
    /// The expressions.
    #[must_use]
    pub fn expressions(&self) -> &[Expr] {
        match self {
            Self::Highest(list) | Self::Lowest(list) => list,
        }
    }
}

/// Hosts that are chosen now.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "pick-one", deny_unknown_fields)]
pub(super) struct Fields {
    /// A frozen target or an earlier pick.
    #[schemars(with = "crate::inventory::Selector")]
    from: Tree,
    /// Only those that do, or do not, answer.
    reachable: Option<bool>,
    /// Only those for which this is true.
    r#where: Option<OneOrMany<Expr>>,
    /// The one with the highest value; of a list each decides where the ones before are equal.
    highest: Option<OneOrMany<Expr>>,
    /// The one with the lowest value.
    lowest: Option<OneOrMany<Expr>>,
    /// On exactly so many hosts.
    exactly: Option<Sp<Quantity>>,
    /// On at least so many hosts, or such a share.
    at_least: Option<Sp<Quantity>>,
    /// On at most so many hosts, or such a share.
    at_most: Option<Sp<Quantity>>,
}

impl Pick {
    pub(super) fn decode_all(tree: &Tree, diags: &Diagnostics) -> Option<Vec<Self>> {
        let entries: IndexMap<Sp<String>, Tree> = text::decode(tree, diags)?;
        Some(entries.into_iter().filter_map(|(name, tree)| Self::decode(name, &tree, diags)).collect())
    }

    /// The names that a `pick` gives, understood or not.
    pub(super) fn names(tree: &Tree) -> Vec<String> {
        match &tree.value {
            Node::Map(entries) => entries.iter().map(|(name, _)| name.value.clone()).collect(),
            _ => Vec::new(),
        }
    }

    fn decode(name: Sp<String>, tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        if !text::is_snake(&name.value) {
            diags.push(text::not_snake(&name));
        }
        if !matches!(tree.value, Node::Map(_)) {
            diags.push(
                Diagnostic::error("wrong-type", tree.span, format!("a pick is a map, found {}", tree.value.kind()))
                    .help("write for example `{ from: servers, reachable: true }`"),
            );
            return None;
        }
        let fields: Fields = text::decode(tree, diags)?;
        let ranking = match (fields.highest, fields.lowest) {
            (Some(list), None) => Some(Ranking::Highest(list.0)),
            (None, Some(list)) => Some(Ranking::Lowest(list.0)),
            (None, None) => None,
            (Some(mut list), Some(more)) => {
                let at = text::key_span(tree, "lowest").unwrap_or(tree.span);
                diags.push(Diagnostic::error("two-rankings", at, "write one of `highest`, `lowest`"));
                list.0.extend(more);
                Some(Ranking::Highest(list.0))
            }
        };
        let written = Amount::decode(fields.exactly, fields.at_least, fields.at_most, diags);
        let usual =
            if ranking.is_some() { Amount::Exactly(Quantity::Number(1)) } else { Amount::AtLeast(Quantity::Number(1)) };
        let amount = written.unwrap_or(usual);
        let one = matches!(
            amount,
            Amount::Exactly(Quantity::Number(1)) | Amount::AtLeast(Quantity::Number(0 | 1)) | Amount::AtMost(_)
        );
        if ranking.is_some() && !one {
            let at = ["exactly", "at_least"].iter().find_map(|key| text::key_span(tree, key)).unwrap_or(tree.span);
            let message = "`highest` and `lowest` choose one host";
            diags.push(Diagnostic::error("wrong-value", at, message).help("leave the amount out, or the ranking"));
        }
        Some(Self {
            name,
            from: Selector::decode_anyway(&fields.from, diags),
            reachable: fields.reachable,
            r#where: fields.r#where.map(|many| many.0).unwrap_or_default(),
            ranking,
            amount,
        })
    }

    /// Every expression, for the reference check.
    pub fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        self.r#where.iter().for_each(|e| visit(e));
        if let Some(ranking) = &self.ranking {
            ranking.expressions().iter().for_each(|e| visit(e));
        }
    }
}
