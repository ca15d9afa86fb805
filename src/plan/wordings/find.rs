//! Where in a step something is written that has a value, and in whose eyes it is read.

use std::rc::Rc;

use indexmap::IndexSet;

use super::super::World;
use super::{Eyes, Wording, nobody};
use crate::action::guard::{Guard, GuardKind, Members};
use crate::action::probe::Probe;
use crate::inventory::Selector;
use crate::runbook::{Body, Pick, Step, Undo};
use crate::template::{AnyText, Compiled, Expr};
use crate::text::Sp;

/// Finds what is written in a step.
pub(super) struct Finder<'a, 'w> {
    pub(super) world: &'w World,
    pub(super) touched: &'w Eyes,
    pub(super) all: Vec<(Wording<'a>, Eyes)>,
}

impl<'a> Finder<'a, '_> {
    fn eyes(&self, selector: Option<&Selector>) -> Eyes {
        let Some(selector) = selector else { return nobody() };
        match self.world.resolve(selector) {
            Ok(hosts) => hosts.into_iter().map(Some).collect(),
            Err(_) => self.candidates(selector),
        }
    }

    /// Those among whom hosts are chosen later; where that is not all that a selector says, whoever may be touched.
    fn candidates(&self, selector: &Selector) -> Eyes {
        let steps = self.world.book().own_steps();
        let picks =
            || steps.iter().filter_map(|step| if let Body::Pick(picks) = &step.body { Some(picks) } else { None });
        let named = |name: &Sp<String>| picks().flatten().find(|pick| pick.name.value == name.value);
        let chosen: Option<Vec<&Pick>> = selector.names().iter().map(named).collect();
        let from = chosen.map(|picks| picks.into_iter().flat_map(|pick| self.eyes(Some(&pick.from)).to_vec()));
        from.map_or_else(|| Rc::clone(self.touched), |hosts| hosts.collect::<IndexSet<_>>().into_iter().collect())
    }

    /// What reads nothing is what is written.
    fn text(&mut self, text: &'a dyn AnyText, eyes: &Eyes) {
        if !text.references().is_empty() {
            self.all.push((Wording::Text(text), Rc::clone(eyes)));
        }
    }

    fn texts(&mut self, expressions: impl IntoIterator<Item = &'a Expr>, eyes: &Eyes) {
        for expression in expressions {
            self.text(expression, eyes);
        }
    }

    fn hosts(&mut self, selector: &'a Selector) -> Eyes {
        self.all.push((Wording::Hosts(selector), nobody()));
        self.eyes(Some(selector))
    }

    pub(super) fn step(&mut self, step: &'a Step) {
        let own = self.eyes(step.hosts.as_ref());
        let before = self.all.len();
        self.texts(step.when.iter().chain(&step.flow.for_each).chain(step.outputs.values()), &own);
        self.guards(step.done_when.iter().chain(&step.verify), &own);
        if let Some(watch) = &step.watch {
            let eyes = watch.hosts.as_ref().map_or_else(|| Rc::clone(&own), |hosts| self.hosts(hosts));
            watch.texts(&mut |text| self.text(text, &eyes));
        }
        self.body(&step.body, &own);
        if let Undo::List(entries) = &step.undo {
            for entry in entries {
                self.body(&entry.body, &own);
            }
        }
        // these are of each host that anything is asked of
        let asked = self.all[before..].iter().filter_map(|(wording, _)| match wording {
            Wording::Hosts(selector) => Some(self.eyes(Some(selector))),
            _ => None,
        });
        let all: IndexSet<String> =
            std::iter::once(Rc::clone(&own)).chain(asked).flat_map(|eyes| eyes.to_vec()).flatten().collect();
        if !all.is_empty() {
            let all: Eyes = all.into_iter().map(Some).collect();
            step.surroundings.texts(&mut |text| self.text(text, &all));
        }
    }

    fn body(&mut self, body: &'a Body, own: &Eyes) {
        match body {
            Body::Action(action) => {
                action.texts(&mut |text| self.text(text, own));
                let files = action.files().into_iter().map(Wording::File);
                let templates = action.templates().into_iter().map(|(name, context)| {
                    let text = self.world.template(&name.value).unwrap_or_default();
                    Wording::Template(name, Compiled::new(&text, context))
                });
                let inline = action.inline().map(|(source, compiled)| Wording::Inline(source, compiled));
                self.all.extend(files.chain(templates).chain(inline).map(|wording| (wording, Rc::clone(own))));
            }
            Body::Aside(aside) => aside.texts(&mut |text| self.text(text, own)),
            Body::Gate(gate) => gate.texts(&mut |text| self.text(text, &nobody())),
            Body::Use(uses) => {
                for given in uses.params.values() {
                    match &given.hosts {
                        Some(selector) => drop(self.hosts(selector)),
                        None => given.data.texts(&mut |text| self.text(text, &nobody())),
                    }
                }
            }
            Body::Gather(probes) => probes.values().for_each(|probe| self.probe(probe, own)),
            Body::Judge(_, guards) => self.guards(guards, own),
            Body::Wait(wait) => self.guards(&wait.until, own),
            Body::Pick(picks) => {
                for pick in picks {
                    let eyes = self.hosts(&pick.from);
                    pick.texts(&mut |text| self.text(text, &eyes));
                }
            }
            Body::Watch | Body::Group(_) => {}
        }
    }

    fn probe(&mut self, probe: &'a Probe, eyes: &Eyes) {
        probe.texts(&mut |text| self.text(text, eyes));
        self.texts(&probe.value, eyes);
        probe.from.iter().for_each(|from| drop(self.hosts(from)));
    }

    fn guards(&mut self, guards: impl IntoIterator<Item = &'a Guard>, own: &Eyes) {
        for guard in guards {
            let silent = guard.message.iter().map(|text| (Wording::Message(text), Rc::clone(own)));
            self.all.extend(silent);
            match &guard.kind {
                GuardKind::That(that) => that.iter().for_each(|e| self.text(e, own)),
                GuardKind::Here(probe, that) => {
                    self.probe(probe, own);
                    self.texts(that, own);
                }
                GuardKind::Every(members, when) => self.members(members, when),
                GuardKind::Count(members, _) => self.members(members, &[]),
                GuardKind::Agree(members, value) | GuardKind::Differ(members, value) => {
                    self.members(members, std::slice::from_ref(value));
                }
                GuardKind::Down(ports) | GuardKind::Up(ports) => {
                    self.hosts(&ports.hosts);
                    self.hosts(&ports.from);
                }
                GuardKind::Quorum(hosts, of) | GuardKind::NoQuorum(hosts, of) => {
                    self.hosts(hosts);
                    self.hosts(of);
                }
            }
        }
    }

    fn members(&mut self, members: &'a Members, more: &'a [Expr]) {
        let eyes = self.hosts(&members.hosts);
        members.probe.iter().for_each(|probe| self.probe(probe, &eyes));
        self.texts(members.that.iter().chain(more), &eyes);
    }
}
