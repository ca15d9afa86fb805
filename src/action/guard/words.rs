//! A guard in a few words, for screens and reports: what it is and of whom, as the author wrote it.

use crate::action::clip;
use crate::action::probe::Probe;
use crate::inventory::Selector;
use crate::template::Expr;

use super::model::{Guard, GuardKind, Members, Ports};

impl Guard {
    /// The guard in a few words.
    #[must_use]
    pub fn words(&self) -> String {
        let of = |kind: &str, hosts: &Selector, more: String| format!("{kind} {}: {more}", hosts.text());
        match &self.kind {
            GuardKind::That(that) => expressions(that),
            GuardKind::Here(probe, that) => statement(Some(probe), that),
            GuardKind::Every(members, _) => of("every", &members.hosts, said(members)),
            GuardKind::Count(members, amount) => of(&format!("{amount} of"), &members.hosts, said(members)),
            GuardKind::Agree(members, value) => of("agree", &members.hosts, valued(members, value)),
            GuardKind::Differ(members, value) => of("differ", &members.hosts, valued(members, value)),
            GuardKind::Down(Ports { hosts, ports, .. }) => of("down", hosts, numbers(ports)),
            GuardKind::Up(Ports { hosts, ports, .. }) => of("up", hosts, numbers(ports)),
            GuardKind::Quorum(hosts, of) => format!("{} are a majority of {}", hosts.text(), of.text()),
            GuardKind::NoQuorum(hosts, of) => format!("{} are no majority of {}", hosts.text(), of.text()),
        }
    }
}

fn said(members: &Members) -> String {
    statement(members.probe.as_ref(), &members.that)
}

fn statement(probe: Option<&Probe>, that: &[Expr]) -> String {
    match (probe, that) {
        (Some(probe), []) => probe.kind.key().to_owned(),
        (Some(probe), that) => format!("{}, {}", probe.kind.key(), expressions(that)),
        (None, that) => expressions(that),
    }
}

fn valued(members: &Members, value: &Expr) -> String {
    statement(members.probe.as_ref(), std::slice::from_ref(value))
}

fn expressions(that: &[Expr]) -> String {
    clip(&that.iter().map(|e| e.source().value.as_str()).collect::<Vec<_>>().join(" and "))
}

fn numbers(ports: &[u16]) -> String {
    let ports: Vec<String> = ports.iter().map(|port| format!("port {port}")).collect();
    ports.join(", ")
}
