//! A guard in a sentence, for a reader who has never seen the tool: as it is written.

use crate::action::probe::Probe;
use crate::template::Expr;

use super::model::{Guard, GuardKind, Members, Ports};

impl Guard {
    /// What must be so, and what the author says when it is not.
    #[must_use]
    pub fn sentence(&self) -> String {
        let said = match &self.kind {
            GuardKind::That(that) => all(that),
            GuardKind::Here(probe, that) => of(Some(probe), that),
            GuardKind::Every(members, when) => {
                let whom = if when.is_empty() { String::new() } else { format!(" where {}", all(when)) };
                format!("on every host of {}{whom}: {}", members.hosts.words(), member(members))
            }
            GuardKind::Count(members, amount) => {
                format!("on {amount} of {}: {}", members.hosts.words(), member(members))
            }
            GuardKind::Agree(members, value) => {
                format!("{} is the same on {}", valued(members, value), members.hosts.words())
            }
            GuardKind::Differ(members, value) => {
                format!("{} is another on each of {}", valued(members, value), members.hosts.words())
            }
            GuardKind::Down(Ports { hosts, ports, from }) => {
                format!("nobody of {} gets an answer from {} on {}", from.words(), hosts.words(), numbers(ports))
            }
            GuardKind::Up(Ports { hosts, ports, from }) => {
                format!("{} answer {} on {}", hosts.words(), from.words(), numbers(ports))
            }
            GuardKind::Quorum(hosts, of) => format!("{} are a majority of {}", hosts.words(), of.words()),
            GuardKind::NoQuorum(hosts, of) => format!("{} are no majority of {}", hosts.words(), of.words()),
        };
        match &self.message {
            Some(message) => {
                let words: Vec<&str> = message.source().value.split_whitespace().collect();
                format!("{said} (else: {})", words.join(" "))
            }
            None => said,
        }
    }
}

fn member(members: &Members) -> String {
    of(members.probe.as_ref(), &members.that)
}

fn of(probe: Option<&Probe>, that: &[Expr]) -> String {
    match (probe, that) {
        (Some(probe), []) => format!("{} {}", probe.asked(), probe.success()),
        (Some(probe), that) => format!("{}: {}", probe.asked(), all(that)),
        (None, that) => all(that),
    }
}

fn valued(members: &Members, value: &Expr) -> String {
    let value = all(std::slice::from_ref(value));
    match &members.probe {
        Some(probe) => format!("{value} of {}", probe.asked()),
        None => value,
    }
}

/// Expressions, as people write them.
fn all(that: &[Expr]) -> String {
    let that: Vec<String> = that.iter().map(|that| format!("`{}`", that.words())).collect();
    that.join(" and ")
}

fn numbers(ports: &[u16]) -> String {
    let ports: Vec<String> = ports.iter().map(|port| format!("port {port}")).collect();
    ports.join(" or ")
}
