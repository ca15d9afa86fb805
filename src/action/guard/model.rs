//! What an author can say in a guard.

use crate::base::span::Span;
use crate::inventory::Selector;
use crate::template::{Expr, Plain, RefBase, Text};
use crate::text::Amount as Quantity;

use crate::action::check::Observes;
use crate::action::probe::Probe;

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

    /// What it rests on.
    #[must_use]
    pub fn observes(&self) -> Observes {
        match &self.kind {
            GuardKind::Down(_) | GuardKind::Up(_) => Observes::Running,
            _ => self.probe().map_or(Observes::Nothing, |probe| probe.kind.observes()),
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
