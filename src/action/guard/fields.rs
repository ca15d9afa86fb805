//! The keys of guards, as they are decoded and as editors are told of them.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::template::{Expr, Plain, Text};
use crate::text::{Amount as Quantity, OneOrMany, Sp, Tree};

/// A statement that must hold.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "guard", deny_unknown_fields)]
pub(in crate::action) struct Fields {
    /// What is said when it does not hold.
    pub(super) message: Option<Text<Plain>>,
    /// Expressions that must be true; `result` is the answer.
    pub(super) that: Option<OneOrMany<Expr>>,
    /// It holds on every host.
    #[schemars(with = "Option<crate::action::schema::Every>")]
    pub(super) every: Option<Tree>,
    /// It holds on so many hosts.
    #[schemars(with = "Option<crate::action::schema::Count>")]
    pub(super) count: Option<Tree>,
    /// All hosts give the same value.
    #[schemars(with = "Option<crate::action::schema::Values>")]
    pub(super) agree: Option<Tree>,
    /// All hosts give different values.
    #[schemars(with = "Option<crate::action::schema::Values>")]
    pub(super) differ: Option<Tree>,
    /// Nobody gets an answer on any of these ports.
    #[schemars(with = "Option<PortFields>")]
    pub(super) down: Option<Tree>,
    /// All answer on these ports.
    #[schemars(with = "Option<PortFields>")]
    pub(super) up: Option<Tree>,
    /// These hosts are a majority.
    #[schemars(with = "Option<QuorumFields>")]
    pub(super) quorum: Option<Tree>,
    /// These hosts are no majority.
    #[schemars(with = "Option<QuorumFields>")]
    pub(super) no_quorum: Option<Tree>,
}

/// On every host.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "every", deny_unknown_fields)]
pub(in crate::action) struct EveryFields {
    /// The hosts.
    #[schemars(with = "crate::inventory::Selector")]
    pub(super) hosts: Tree,
    /// Expressions that must be true; `result` is the answer.
    pub(super) that: Option<OneOrMany<Expr>>,
    /// Only the hosts for which this is true.
    pub(super) when: Option<OneOrMany<Expr>>,
}

/// On so many hosts.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "count", deny_unknown_fields)]
pub(in crate::action) struct CountFields {
    /// The hosts.
    #[schemars(with = "crate::inventory::Selector")]
    pub(super) hosts: Tree,
    /// Expressions that must be true; `result` is the answer.
    pub(super) that: Option<OneOrMany<Expr>>,
    /// On exactly so many hosts.
    pub(super) exactly: Option<Sp<Quantity>>,
    /// On at least so many hosts, or such a share.
    pub(super) at_least: Option<Sp<Quantity>>,
    /// On at most so many hosts, or such a share.
    pub(super) at_most: Option<Sp<Quantity>>,
}

/// A value of each host.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "compared", deny_unknown_fields)]
pub(in crate::action) struct ValueFields {
    /// The hosts.
    #[schemars(with = "crate::inventory::Selector")]
    pub(super) hosts: Tree,
    /// The value that is compared; `result` is the answer of a probe.
    pub(super) value: Expr,
}

/// Ports of hosts.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ports", deny_unknown_fields)]
pub(in crate::action) struct PortFields {
    /// The hosts.
    #[schemars(with = "crate::inventory::Selector")]
    pub(super) hosts: Tree,
    /// TCP ports.
    pub(super) ports: OneOrMany<Sp<u16>>,
    /// Who tries; the controller by default.
    #[schemars(with = "Option<crate::inventory::Selector>")]
    pub(super) from: Option<Tree>,
}

/// A part of a whole.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "quorum", deny_unknown_fields)]
pub(in crate::action) struct QuorumFields {
    /// The hosts.
    #[schemars(with = "crate::inventory::Selector")]
    pub(super) hosts: Tree,
    /// The whole.
    #[schemars(with = "crate::inventory::Selector")]
    pub(super) of: Tree,
}
