//! What an author writes of a guard, decoded.

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::inventory::Selector;
use crate::template::Expr;
use crate::text::{self, Amount as Quantity, Node, OneOrMany, Sp, Tree};

use crate::action::probe::{PROBE_KEYS, Probe};

use super::fields::{CountFields, EveryFields, Fields, PortFields, QuorumFields, ValueFields};
use super::model::{Amount, Guard, GuardKind, Members, Ports};

pub(in crate::action) const KINDS: &[&str] =
    &["every", "count", "agree", "differ", "down", "up", "quorum", "no_quorum"];

impl Amount {
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

impl Guard {
    /// One guard or a list of them.
    pub fn decode_all(tree: &Tree, diags: &Diagnostics) -> Vec<Self> {
        match &tree.value {
            Node::List(items) if items.is_empty() => {
                let message = "no guard stands here, and what asks nothing always holds";
                diags.push(Diagnostic::error("nothing-here", tree.span, message));
                Vec::new()
            }
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
        one_guard(tree, &named, diags);
        let fields: Fields = text::decode_beside(&own, PROBE_KEYS, diags)?;
        let that: Vec<Expr> = fields.that.map(|many| many.0).unwrap_or_default();
        // all forms are looked at, though only one can stay
        let mut kinds: Vec<GuardKind> = Vec::new();
        strays(tree, PROBE_KEYS, diags);
        if Probe::is_one(tree) {
            kinds.extend(Probe::decode(tree, diags).map(|probe| GuardKind::Here(probe, that.clone())));
        }
        if let Some(tree) = &fields.every {
            kinds.extend(every(tree, diags));
        }
        if let Some(tree) = &fields.count {
            kinds.extend(count(tree, diags));
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

fn every(tree: &Tree, diags: &Diagnostics) -> Option<GuardKind> {
    let (_, own) = text::split(tree, PROBE_KEYS);
    let fields: EveryFields = text::decode_beside(&own, PROBE_KEYS, diags)?;
    let when = fields.when.map(|many| many.0).unwrap_or_default();
    Some(GuardKind::Every(members(tree, &fields.hosts, fields.that, diags), when))
}

fn count(tree: &Tree, diags: &Diagnostics) -> Option<GuardKind> {
    let (_, own) = text::split(tree, PROBE_KEYS);
    let fields: CountFields = text::decode_beside(&own, PROBE_KEYS, diags)?;
    let amount = Amount::decode(fields.exactly, fields.at_least, fields.at_most, diags);
    let members = members(tree, &fields.hosts, fields.that, diags);
    Some(GuardKind::Count(members, amount.unwrap_or_else(|| no_amount(tree, diags))))
}

fn members(tree: &Tree, hosts: &Tree, that: Option<OneOrMany<Expr>>, diags: &Diagnostics) -> Members {
    strays(tree, PROBE_KEYS, diags);
    let hosts = Selector::decode_anyway(hosts, diags);
    let probe = if Probe::is_one(tree) { Probe::decode(tree, diags) } else { None };
    let that: Vec<Expr> = that.map(|many| many.0).unwrap_or_default();
    if that.is_empty() && probe.is_none() && !diags.has_errors_within(tree.span) {
        diags.push(
            Diagnostic::error("no-guard", tree.span, "nothing is stated of these hosts").help("add a probe or `that`"),
        );
    }
    Members { hosts, probe, that }
}

/// A map is one statement: what stands beside it would never be asked.
fn one_guard(tree: &Tree, named: &[(&str, Span)], diags: &Diagnostics) {
    let Some(&(first, one)) = named.first() else { return };
    let beside = named.get(1).copied().or_else(|| {
        let mut keys = PROBE_KEYS.iter().copied().chain(["that"]);
        keys.find_map(|key| text::key_span(tree, key).map(|span| (key, span)))
    });
    if let Some((second, two)) = beside {
        diags.push(
            Diagnostic::error("two-guards", two, format!("`{second}` beside `{first}`: one entry is one guard"))
                .and(one, "the first guard")
                .help("make them two entries of a list"),
        );
    }
}

/// Options of a probe where nothing is asked, and a `value` that nobody looks at.
fn strays(tree: &Tree, probe_keys: &[&str], diags: &Diagnostics) {
    let probed = Probe::is_one(tree);
    for key in probe_keys {
        let Some(span) = text::key_span(tree, key) else { continue };
        // beside another guard it was reported
        if diags.has_errors_within(span) {
            continue;
        }
        if !probed {
            let words = format!("`{key}` is an option of a probe, and nothing is asked here");
            diags.push(Diagnostic::error("no-probe", span, words).help("add a probe, or take it out"));
        } else if *key == "value" {
            diags.push(
                Diagnostic::error("no-effect", span, "a guard looks at the whole `result`, not at a `value`")
                    .help("write it in `that`; only `agree` and `differ` compare a `value`"),
            );
        }
    }
}

/// `agree` and `differ` compare a `value`, which is the guard's: a probe there keeps none of its own.
fn valued(tree: &Tree, diags: &Diagnostics) -> Option<(Members, Expr)> {
    let probe_keys: Vec<&str> = PROBE_KEYS.iter().copied().filter(|key| *key != "value").collect();
    let (of_probe, own) = text::split(tree, &probe_keys);
    let fields: ValueFields = text::decode_beside(&own, &probe_keys, diags)?;
    strays(&of_probe, &probe_keys, diags);
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
    let ports: Vec<u16> = fields.ports.into_iter().map(|port| port.value).collect();
    if ports.is_empty() && !diags.has_errors_within(tree.span) {
        let at = text::key_span(tree, "ports").unwrap_or(tree.span);
        diags.push(Diagnostic::error("no-ports", at, "`ports` names no port").help("for example `ports: [ 8300 ]`"));
    }
    Some(Ports { hosts: Selector::decode_anyway(&fields.hosts, diags), ports, from })
}

fn quorum(tree: &Tree, diags: &Diagnostics) -> Option<(Selector, Selector)> {
    let fields: QuorumFields = text::decode(tree, diags)?;
    Some((Selector::decode_anyway(&fields.hosts, diags), Selector::decode_anyway(&fields.of, diags)))
}
