//! What an author writes of a guard, decoded.

use serde::Deserialize;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::inventory::Selector;
use crate::template::{Expr, Plain, RefBase, Text};
use crate::text::{self, Amount as Quantity, Node, OneOrMany, Sp, Tree};

use crate::action::probe::{PROBE_KEYS, Probe};

/// A statement that must hold.
#[derive(Debug)]
pub struct Guard {
    /// Where it stands.
    pub span: Span,
    /// What it says.
    pub kind: GuardKind,
    /// The author's words for when it does not hold.
    pub message: Option<Text<Plain>>,
    /// Whether a part could not be understood: then it may have a `result` although no probe is seen.
    pub broken: bool,
    /// Further statements that stand beside it: a mistake that was reported, and they are checked too.
    pub also: Vec<GuardKind>,
}

/// The kinds of guard.
#[derive(Debug)]
pub enum GuardKind {
    /// Expressions are true.
    That(Vec<Expr>),
    /// A probe on this host.
    Here(Probe, Vec<Expr>),
    /// On every host (for which `when`).
    Every(Members, Vec<Expr>),
    /// On so many hosts.
    Count(Members, Amount),
    /// All equal.
    Agree(Members, Expr),
    /// All different.
    Differ(Members, Expr),
    /// Nobody gets an answer on any of these ports.
    Down(Ports),
    /// All answer.
    Up(Ports),
    /// The hosts are a majority.
    Quorum(Selector, Selector),
    /// They are none.
    NoQuorum(Selector, Selector),
}

/// Hosts, and what each is asked.
#[derive(Debug)]
pub struct Members {
    /// The hosts.
    pub hosts: Selector,
    /// What each is asked; without it the expressions speak of what is known already.
    pub probe: Option<Probe>,
    /// What must be true of each.
    pub that: Vec<Expr>,
}

/// Ports of hosts, and who looks at them.
#[derive(Debug)]
pub struct Ports {
    /// The hosts.
    pub hosts: Selector,
    /// Their ports.
    pub ports: Vec<u16>,
    /// The vantages.
    pub from: Selector,
}

/// An amount of hosts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// Just so many.
    Exactly(Quantity),
    /// So many or more.
    AtLeast(Quantity),
    /// So many or fewer.
    AtMost(Quantity),
}

impl Amount {
    /// Whether `n` of `all` satisfy it.
    #[must_use]
    pub fn holds(&self, n: usize, all: usize) -> bool {
        match self {
            Self::Exactly(q) => n == q.of(all),
            Self::AtLeast(q) => n >= q.of_rounded_up(all),
            Self::AtMost(q) => n <= q.of(all),
        }
    }

    /// The amount that is written among the keys `exactly`, `at_least`, `at_most`, if just one is.
    pub fn decode(
        exactly: Option<Sp<Quantity>>,
        at_least: Option<Sp<Quantity>>,
        at_most: Option<Sp<Quantity>>,
        diags: &Diagnostics,
    ) -> Option<Self> {
        let exactly = exactly.map(|q| (q.span, Self::Exactly(q.value)));
        let at_least = at_least.map(|q| (q.span, Self::AtLeast(q.value)));
        let at_most = at_most.map(|q| (q.span, Self::AtMost(q.value)));
        let mut all: Vec<(Span, Self)> = [exactly, at_least, at_most].into_iter().flatten().collect();
        all.sort_by_key(|(span, _)| *span);
        if let [(first, _), (second, _), ..] = all.as_slice() {
            diags.push(
                Diagnostic::error("two-amounts", *second, "write one of `exactly`, `at_least`, `at_most`")
                    .label("the second amount")
                    .and(*first, "the first amount"),
            );
        }
        all.first().map(|(_, amount)| *amount)
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(q) => write!(f, "exactly {q}"),
            Self::AtLeast(q) => write!(f, "at least {q}"),
            Self::AtMost(q) => write!(f, "at most {q}"),
        }
    }
}

const KINDS: &[&str] = &["every", "count", "agree", "differ", "down", "up", "quorum", "no_quorum"];

#[derive(Deserialize)]
struct Fields {
    message: Option<Text<Plain>>,
    that: Option<OneOrMany<Expr>>,
    every: Option<Tree>,
    count: Option<Tree>,
    agree: Option<Tree>,
    differ: Option<Tree>,
    down: Option<Tree>,
    up: Option<Tree>,
    quorum: Option<Tree>,
    no_quorum: Option<Tree>,
}

#[derive(Deserialize)]
struct MemberFields {
    hosts: Tree,
    that: Option<OneOrMany<Expr>>,
    when: Option<OneOrMany<Expr>>,
    exactly: Option<Sp<Quantity>>,
    at_least: Option<Sp<Quantity>>,
    at_most: Option<Sp<Quantity>>,
}

#[derive(Deserialize)]
struct PortFields {
    hosts: Tree,
    ports: OneOrMany<Sp<u16>>,
    from: Option<Tree>,
}

#[derive(Deserialize)]
struct QuorumFields {
    hosts: Tree,
    of: Tree,
}

impl GuardKind {
    /// Every selector, with the hosts that it asks first.
    #[must_use]
    pub fn selectors(&self) -> Vec<&Selector> {
        match self {
            Self::That(_) => Vec::new(),
            Self::Here(probe, _) => probe.from.iter().collect(),
            Self::Every(members, _) | Self::Count(members, _) | Self::Agree(members, _) | Self::Differ(members, _) => {
                let from = members.probe.as_ref().and_then(|probe| probe.from.as_ref());
                std::iter::once(&members.hosts).chain(from).collect()
            }
            Self::Down(ports) | Self::Up(ports) => vec![&ports.hosts, &ports.from],
            Self::Quorum(hosts, of) | Self::NoQuorum(hosts, of) => vec![hosts, of],
        }
    }
}

impl Guard {
    /// One guard or a list of them.
    pub fn decode_all(tree: &Tree, diags: &Diagnostics) -> Vec<Self> {
        match &tree.value {
            Node::List(items) => items.iter().filter_map(|item| Self::decode(item, diags)).collect(),
            _ => Self::decode(tree, diags).into_iter().collect(),
        }
    }

    /// One guard.
    pub fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        if !matches!(tree.value, Node::Map(_)) {
            diags.push(
                Diagnostic::error("wrong-type", tree.span, format!("a guard is a map, found {}", tree.value.kind()))
                    .help("write for example `{ that: eq params.x 1, message: … }`"),
            );
            return None;
        }
        let (_, own) = text::split(tree, PROBE_KEYS);
        let named: Vec<_> = KINDS.iter().filter_map(|key| text::key_span(tree, key).map(|span| (*key, span))).collect();
        if let [(first, one), (second, two), ..] = named.as_slice() {
            diags.push(
                Diagnostic::error("two-guards", *two, format!("`{second}` beside `{first}`: one entry is one guard"))
                    .and(*one, "the first guard")
                    .help("make them two entries of a list"),
            );
        }
        let fields: Fields = text::decode_beside(&own, PROBE_KEYS, diags)?;
        let that: Vec<Expr> = fields.that.map(|many| many.0).unwrap_or_default();
        // all forms are looked at, though only one can stay
        let mut kinds: Vec<GuardKind> = Vec::new();
        if Probe::is_one(tree) {
            kinds.extend(Probe::decode(tree, diags).map(|probe| GuardKind::Here(probe, that.clone())));
        }
        if let Some(tree) = &fields.every {
            kinds.extend(members(tree, diags).map(|(members, _, when)| GuardKind::Every(members, when)));
        }
        if let Some(tree) = &fields.count {
            kinds.extend(members(tree, diags).map(|(members, amount, _)| {
                GuardKind::Count(members, amount.unwrap_or_else(|| no_amount(tree, diags)))
            }));
        }
        if let Some(tree) = &fields.agree {
            kinds.extend(valued(tree, diags).map(|(members, value)| GuardKind::Agree(members, value)));
        }
        if let Some(tree) = &fields.differ {
            kinds.extend(valued(tree, diags).map(|(members, value)| GuardKind::Differ(members, value)));
        }
        if let Some(tree) = &fields.down {
            kinds.extend(ports(tree, diags).map(GuardKind::Down));
        }
        if let Some(tree) = &fields.up {
            kinds.extend(ports(tree, diags).map(GuardKind::Up));
        }
        if let Some(tree) = &fields.quorum {
            kinds.extend(quorum(tree, diags).map(|(hosts, of)| GuardKind::Quorum(hosts, of)));
        }
        if let Some(tree) = &fields.no_quorum {
            kinds.extend(quorum(tree, diags).map(|(hosts, of)| GuardKind::NoQuorum(hosts, of)));
        }
        let broken = diags.has_errors_within(tree.span);
        if kinds.is_empty() && named.is_empty() && that.is_empty() && !broken {
            diags.push(
                Diagnostic::error("no-guard", tree.span, "nothing is stated here")
                    .help(format!("write `that`, a probe, or one of {}", KINDS.join(", "))),
            );
        }
        let mut kinds = kinds.into_iter();
        let kind = kinds.next().unwrap_or(GuardKind::That(that));
        let also = kinds.collect();
        Some(Self { span: tree.span, kind, message: fields.message, broken, also })
    }

    /// All statements: one, or it was reported.
    pub fn kinds(&self) -> impl Iterator<Item = &GuardKind> {
        std::iter::once(&self.kind).chain(&self.also)
    }

    /// Whether the guard speaks of "this host", so that its step needs `hosts`.
    #[must_use]
    pub fn needs_host(&self) -> bool {
        matches!(&self.kind, GuardKind::Here(..))
    }

    /// Whether it is asked for each host of its step: a probe, or expressions that read what differs from host to host.
    #[must_use]
    pub fn is_of_each_host(&self) -> bool {
        let of_a_host = |expression: &Expr| {
            let names = expression.references().iter().filter(|r| r.base == RefBase::Root).map(|r| r.path.first());
            names.flatten().any(|name| matches!(name.as_str(), "vars" | "host" | "outputs" | "outcomes"))
        };
        match &self.kind {
            GuardKind::Here(..) => true,
            GuardKind::That(that) => that.iter().any(of_a_host),
            _ => false,
        }
    }

    /// The probe, if it has one: then it is live.
    #[must_use]
    pub fn probe(&self) -> Option<&Probe> {
        match &self.kind {
            GuardKind::Here(probe, _) => Some(probe),
            GuardKind::Every(members, _)
            | GuardKind::Count(members, _)
            | GuardKind::Agree(members, _)
            | GuardKind::Differ(members, _) => members.probe.as_ref(),
            GuardKind::That(_)
            | GuardKind::Down(_)
            | GuardKind::Up(_)
            | GuardKind::Quorum(..)
            | GuardKind::NoQuorum(..) => None,
        }
    }
}

/// Reports that `count` has no amount, and gives one to go on with.
fn no_amount(tree: &Tree, diags: &Diagnostics) -> Amount {
    // one that could not be understood was reported
    if ["exactly", "at_least", "at_most"].iter().all(|key| text::key_span(tree, key).is_none()) {
        diags.push(
            Diagnostic::error("no-amount", tree.span, "`count` without an amount")
                .help("add one of `exactly: n`, `at_least: n`, `at_most: n`"),
        );
    }
    Amount::AtLeast(Quantity::Number(1))
}

type Decoded = (Members, Option<Amount>, Vec<Expr>);

fn members(tree: &Tree, diags: &Diagnostics) -> Option<Decoded> {
    let (_, own) = text::split(tree, PROBE_KEYS);
    let fields: MemberFields = text::decode_beside(&own, PROBE_KEYS, diags)?;
    let hosts = Selector::decode_anyway(&fields.hosts, diags);
    let probe = if Probe::is_one(tree) { Probe::decode(tree, diags) } else { None };
    let amount = Amount::decode(fields.exactly, fields.at_least, fields.at_most, diags);
    let that: Vec<Expr> = fields.that.map(|many| many.0).unwrap_or_default();
    if that.is_empty() && probe.is_none() && !diags.has_errors_within(tree.span) {
        diags.push(
            Diagnostic::error("no-guard", tree.span, "nothing is stated of these hosts").help("add a probe or `that`"),
        );
    }
    Some((Members { hosts, probe, that }, amount, fields.when.map(|many| many.0).unwrap_or_default()))
}

/// `agree` and `differ` compare a `value`, which is the guard's: a probe there keeps none of its own.
fn valued(tree: &Tree, diags: &Diagnostics) -> Option<(Members, Expr)> {
    #[derive(Deserialize)]
    struct ValueFields {
        hosts: Tree,
        value: Expr,
    }
    let probe_keys: Vec<&str> = PROBE_KEYS.iter().copied().filter(|key| *key != "value").collect();
    let (of_probe, own) = text::split(tree, &probe_keys);
    let fields: ValueFields = text::decode_beside(&own, &probe_keys, diags)?;
    let hosts = Selector::decode_anyway(&fields.hosts, diags);
    let probe = if Probe::is_one(tree) { Probe::decode(&of_probe, diags) } else { None };
    Some((Members { hosts, probe, that: Vec::new() }, fields.value))
}

fn ports(tree: &Tree, diags: &Diagnostics) -> Option<Ports> {
    let fields: PortFields = text::decode(tree, diags)?;
    let from = match &fields.from {
        Some(from) => Selector::decode_anyway(from, diags),
        None => Selector::controller(tree.span),
    };
    let ports = fields.ports.into_iter().map(|port| port.value).collect();
    Some(Ports { hosts: Selector::decode_anyway(&fields.hosts, diags), ports, from })
}

fn quorum(tree: &Tree, diags: &Diagnostics) -> Option<(Selector, Selector)> {
    let fields: QuorumFields = text::decode(tree, diags)?;
    Some((Selector::decode_anyway(&fields.hosts, diags), Selector::decode_anyway(&fields.of, diags)))
}
