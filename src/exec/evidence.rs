//! What decisions rest on, for `refloat why`: the values that texts, guards and picks read, and what was asked for them.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use crate::action::guard::{Guard, GuardKind, Seen};
use crate::action::probe::Probe;
use crate::base::secret::{Redacted, RedactedJson};
use crate::event::UnitStart;
use crate::plan::View;
use crate::runbook::{Body, Pick, Step};
use crate::template::{Expr, RefBase, Reference};

use super::run::Run;

/// The longest text of a value that is kept here; the whole stands where it was found.
const LONGEST: usize = 400;

/// The names whose values are kept; the rest is about the host or the moment.
const KEPT: [&str; 6] = ["params", "vars", "outputs", "outcomes", "targets", "item"];

type Values = serde_json::Map<String, serde_json::Value>;

impl Run {
    /// A start with the values that its step reads, in the eyes of the host that it is about.
    pub(super) fn with_reads(&self, step: &Step, start: UnitStart) -> UnitStart {
        let mut values = Values::new();
        if let (false, Body::Action(action)) = (step.sensitive, &step.body) {
            let host = start.unit.about.as_deref();
            action.texts(&mut |text| self.read(text.references(), host, &mut values));
            step.when.iter().for_each(|when| self.read(when.references(), host, &mut values));
        }
        UnitStart { reads: self.redactor().redact_json(values.into()), ..start }
    }

    /// What `gather` asks a host for, by the name of each value.
    pub(super) fn asks(&self, probes: &IndexMap<String, Probe>, step: &Step, host: &str) -> BTreeMap<String, Redacted> {
        let view = View::new(&self.world, Some(host), None);
        let asked = probes.iter().filter(|_| !step.sensitive);
        asked.filter_map(|(name, probe)| Some((name.clone(), self.redactor().redact(probe.request(&view)?)))).collect()
    }

    /// The values that a guard reads in the eyes of the host of which something was seen, and what was asked there.
    pub(super) fn with_evidence(&self, guard: &Guard, seen: &mut Seen, about: Option<&str>) {
        let host = seen.host.as_deref().or(about);
        let mut values = Values::new();
        for expression in expressions(&guard.kind) {
            self.read(expression.references(), host, &mut values);
        }
        if let Some(probe) = guard.probe() {
            probe.texts(&mut |text| self.read(text.references(), host, &mut values));
            seen.asked = probe.request(&View::new(&self.world, host, None));
        }
        seen.reads = values.into();
    }

    /// The values that a choice reads, by the host in whose eyes.
    pub(super) fn read_by(&self, pick: &Pick) -> RedactedJson {
        let mut all = Values::new();
        for host in self.world.resolve(&pick.from).unwrap_or_default() {
            let mut values = Values::new();
            pick.texts(&mut |text| self.read(text.references(), Some(&host), &mut values));
            if !values.is_empty() {
                all.insert(host, values.into());
            }
        }
        self.redactor().redact_json(all.into())
    }

    fn read(&self, references: &[Reference], host: Option<&str>, into: &mut Values) {
        let view = View::new(&self.world, host, None);
        for reference in references {
            let (path, root) = (reference.dotted(), reference.path.first().map_or("", String::as_str));
            let expression = match &reference.base {
                RefBase::Root if KEPT.contains(&root) => path,
                RefBase::HostsOf(hosts) if KEPT.contains(&root) => format!("pluck {} \"{path}\"", hosts.join(".")),
                _ => continue,
            };
            // what cannot be told is told by whoever needs it
            if let Ok(value) = Expr::from(expression.as_str()).eval(&view) {
                into.insert(expression, short(value.to_json()));
            }
        }
    }
}

/// A value, or the beginning of its text.
fn short(value: serde_json::Value) -> serde_json::Value {
    let text = value.to_string();
    if text.chars().count() <= LONGEST {
        return value;
    }
    let cut: String = text.chars().take(LONGEST).collect();
    serde_json::Value::String(format!("{cut}…"))
}

/// The expressions of a guard.
fn expressions(kind: &GuardKind) -> Vec<&Expr> {
    match kind {
        GuardKind::That(that) | GuardKind::Here(_, that) => that.iter().collect(),
        GuardKind::Every(members, when) => members.that.iter().chain(when).collect(),
        GuardKind::Count(members, _) => members.that.iter().collect(),
        GuardKind::Agree(members, value) | GuardKind::Differ(members, value) => {
            members.that.iter().chain([value]).collect()
        }
        GuardKind::Down(_) | GuardKind::Up(_) | GuardKind::Quorum(..) | GuardKind::NoQuorum(..) => Vec::new(),
    }
}
