//! From selectors to hosts.

use std::collections::HashSet;

use globset::Glob;

use super::Selector;
use super::parse::{Operator, Term, Union};
use crate::base::diag::Diagnostic;
use crate::base::nearest::nearest;
use crate::base::span::Span;
use crate::inventory::model::{HostName, Inventory};
use crate::inventory::range::Range;
use crate::text::Sp;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// `target`, `group` or `host`: for messages.
    pub kind: &'static str,
    /// The hosts, in order.
    pub hosts: Vec<HostName>,
}

/// What names a selector may use. The inventory knows groups and hosts; the plan adds targets and picks.
pub trait Names {
    /// Everything that `name` stands for; more than one is the author's error.
    fn look_up(&self, name: &str) -> Vec<Name>;
    /// All names, for "did you mean".
    fn known(&self) -> Vec<String>;
    /// Every host of the inventory, in its order: what globs, ranges and `all` choose from.
    fn all_hosts(&self) -> Vec<HostName>;
}

impl Names for Inventory {
    fn look_up(&self, name: &str) -> Vec<Name> {
        let group = self.group(name).map(|group| Name { kind: "group", hosts: group.hosts.clone() });
        let host = self.host(name).map(|host| Name { kind: "host", hosts: vec![host.name.clone()] });
        group.into_iter().chain(host).collect()
    }

    fn known(&self) -> Vec<String> {
        let groups = self.groups().map(|group| group.name.value.clone());
        groups.chain(self.hosts().map(|host| host.name.to_string())).collect()
    }

    fn all_hosts(&self) -> Vec<HostName> {
        self.hosts().map(|host| host.name.clone()).collect()
    }
}

impl Selector {
    /// The hosts, each once: in the order of the text, and within a group or glob in that of the inventory.
    pub fn resolve(&self, names: &dyn Names) -> Result<Vec<HostName>, Diagnostic> {
        let mut all = Ordered::default();
        for union in &self.unions {
            all.extend(resolve(union, names)?);
        }
        Ok(all.hosts)
    }

    /// Every host that it says something of, whether it is one of its hosts or is left out: by `a:!b` those of both, by
    /// `a[0]` all of `a`. Where they are all known, it means the same hosts.
    #[must_use]
    pub fn mentions(&self, names: &dyn Names) -> Vec<HostName> {
        let whole = |term: &Term| match term {
            Term::Bracket { base, .. } => meanings(base, names).ok().flatten().or_else(|| hosts(term, names).ok()),
            other => hosts(other, names).ok(),
        };
        let terms = self.unions.iter().flat_map(|union| &union.terms);
        terms.filter_map(|(_, term)| whole(term)).flatten().collect()
    }

    /// What is wrong with its names, without asking how many hosts they are now: for targets that are picked later.
    #[must_use]
    pub fn check(&self, names: &dyn Names) -> Vec<Diagnostic> {
        let terms = self.unions.iter().flat_map(|union| &union.terms);
        terms.filter_map(|(_, term)| check(term, names).err()).collect()
    }
}

/// Hosts in the order in which they were first seen.
#[derive(Default)]
struct Ordered {
    hosts: Vec<HostName>,
    seen: HashSet<HostName>,
}

impl Ordered {
    fn extend(&mut self, hosts: Vec<HostName>) {
        for host in hosts {
            if self.seen.insert(host.clone()) {
                self.hosts.push(host);
            }
        }
    }

    fn keep(&mut self, wanted: impl Fn(&HostName) -> bool) {
        self.hosts.retain(|host| wanted(host));
        self.seen = self.hosts.iter().cloned().collect();
    }
}

fn resolve(union: &Union, names: &dyn Names) -> Result<Vec<HostName>, Diagnostic> {
    let mut all = Ordered::default();
    for (operator, term) in &union.terms {
        let hosts = hosts(term, names)?;
        match operator {
            Operator::Or => all.extend(hosts),
            Operator::Not => {
                let out: HashSet<_> = hosts.into_iter().collect();
                all.keep(|host| !out.contains(host));
            }
            Operator::And => {
                let only: HashSet<_> = hosts.into_iter().collect();
                all.keep(|host| only.contains(host));
            }
        }
    }
    Ok(all.hosts)
}

fn hosts(term: &Term, names: &dyn Names) -> Result<Vec<HostName>, Diagnostic> {
    match term {
        Term::Name(name) => named(name, names),
        Term::Glob(pattern) => glob(pattern, names),
        Term::Range { range, span } => ranged(range, *span, names),
        Term::Bracket { base, from, to, range, span } => match (meanings(base, names)?, range) {
            (Some(hosts), _) => position(base, &hosts, *from, *to, *span),
            (None, Some(range)) if is_range(range, names) => ranged(range, *span, names),
            (None, _) => Err(unknown(base, names)),
        },
    }
}

fn check(term: &Term, names: &dyn Names) -> Result<(), Diagnostic> {
    match term {
        Term::Bracket { base, range, .. } => match (meanings(base, names)?, range) {
            (Some(_), _) => Ok(()),
            (None, Some(range)) if is_range(range, names) => Ok(()),
            (None, _) => Err(unknown(base, names)),
        },
        other => hosts(other, names).map(|_| ()),
    }
}

/// The hosts of a name; `None` when it means nothing.
fn meanings(name: &Sp<String>, names: &dyn Names) -> Result<Option<Vec<HostName>>, Diagnostic> {
    match name.value.as_str() {
        HostName::CONTROLLER => return Ok(Some(vec![HostName::controller()])),
        "all" => return Ok(Some(names.all_hosts())),
        _ => {}
    }
    let mut found = names.look_up(name);
    match found.as_slice() {
        [] => Ok(None),
        [_] => Ok(found.pop().map(|one| one.hosts)),
        [first, second, ..] => {
            let message = format!("`{}` is a {} and a {}", name.value, first.kind, second.kind);
            Err(Diagnostic::error("ambiguous-name", name.span, message).help("rename one of them"))
        }
    }
}

fn named(name: &Sp<String>, names: &dyn Names) -> Result<Vec<HostName>, Diagnostic> {
    meanings(name, names)?.ok_or_else(|| unknown(name, names))
}

fn unknown(name: &Sp<String>, names: &dyn Names) -> Diagnostic {
    let known = names.known();
    let near = nearest(name, known.iter().map(String::as_str).chain([HostName::CONTROLLER, "all"]));
    Diagnostic::error("unknown-hosts", name.span, format!("`{}` is no target, group or host", name.value))
        .maybe_help(near.map(|near| format!("did you mean `{near}`?")))
}

fn glob(pattern: &Sp<String>, names: &dyn Names) -> Result<Vec<HostName>, Diagnostic> {
    let none =
        || Diagnostic::error("no-match", pattern.span, format!("no host of the inventory fits `{}`", pattern.value));
    let matcher = Glob::new(pattern).map_err(|_| none())?.compile_matcher();
    let hosts: Vec<_> = names.all_hosts().into_iter().filter(|host| matcher.is_match(host.as_str())).collect();
    if hosts.is_empty() { Err(none()) } else { Ok(hosts) }
}

/// Whether a range names at least one host: only then it was meant as one.
fn is_range(range: &Range, names: &dyn Names) -> bool {
    let all: HashSet<HostName> = names.all_hosts().into_iter().collect();
    range.names().any(|(name, _)| all.contains(name.as_str()))
}

fn ranged(range: &Range, span: Span, names: &dyn Names) -> Result<Vec<HostName>, Diagnostic> {
    let all: HashSet<HostName> = names.all_hosts().into_iter().collect();
    let lookup = |(name, _): (String, u64)| match all.get(name.as_str()) {
        Some(host) => Ok(host.clone()),
        None => Err(unknown(&Sp::new(name, span), names)),
    };
    range.names().map(lookup).collect()
}

/// `web[0]`, `web[-1]`, `web[1:3]`: from 0, negative from the end, both ends included.
fn position(
    base: &Sp<String>,
    hosts: &[HostName],
    from: i64,
    to: Option<i64>,
    span: Span,
) -> Result<Vec<HostName>, Diagnostic> {
    let index = |at: i64| {
        let index = if at < 0 {
            hosts.len().checked_sub(usize::try_from(at.unsigned_abs()).ok()?)?
        } else {
            usize::try_from(at).ok()?
        };
        (index < hosts.len()).then_some(index)
    };
    let outside = |at: i64| {
        let count = match hosts.len() {
            0 => "no host".to_owned(),
            1 => "1 host".to_owned(),
            n => format!("{n} hosts"),
        };
        Diagnostic::error("no-such-position", span, format!("`{}` is {count}: there is no [{at}]", base.value))
            .help("positions begin at 0; [-1] is the last")
    };
    let first = index(from).ok_or_else(|| outside(from))?;
    let last = to.map_or(Ok(first), |to| index(to).ok_or_else(|| outside(to)))?;
    if last < first {
        let message = format!("[{from}:{}] ends before it begins", to.unwrap_or(from));
        return Err(Diagnostic::error("no-such-position", span, message));
    }
    Ok(hosts[first..=last].to_vec())
}
