//! What can only be seen in the whole runbook: ids and their order, references, selectors, and whom a step is about.
//! Nothing is connected to and nothing is rendered.

mod around;
mod guards;
mod ids;
mod kinds;
mod lints;
mod names;
mod nulls;
mod selectors;
mod texts;
mod undo;
mod uses;

use std::sync::Arc;

use indexmap::IndexMap;

use crate::action::guard::Guard;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::nearest::nearest;
use crate::base::span::{SourceId, Sources};
use crate::inventory::{HostName, Inventory, Selector};

use super::model::{Body, Runbook, Step};
use super::uses::Use;
use names::{Answer, Known, Place};
use texts::Texts;

/// The files beside a runbook that were found, by the names that authors write.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    /// The templates.
    pub texts: IndexMap<String, SourceId>,
    /// The files that are sent as they are.
    pub files: IndexMap<String, Arc<[u8]>>,
}

impl Templates {
    /// None at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The name under which what lies beside a runbook is kept: parts may lie in other folders.
    #[must_use]
    pub fn name_in(part: Option<&Runbook>, name: &str) -> String {
        part.map_or_else(|| name.to_owned(), |part| format!("{}:{name}", part.name.value))
    }
}

/// Checks a runbook as a whole. With an inventory, selectors are resolved as well.
pub fn validate(
    runbook: &Runbook,
    sources: &Sources,
    templates: &Templates,
    inventory: Option<&Inventory>,
    diags: &Diagnostics,
) {
    whole(runbook, None, sources, templates, inventory, diags);
}

fn whole(
    runbook: &Runbook,
    part: Option<&Runbook>,
    sources: &Sources,
    templates: &Templates,
    inventory: Option<&Inventory>,
    diags: &Diagnostics,
) {
    let mut check = Check {
        known: Known::new(runbook),
        texts: Texts { sources, diags },
        selectors: inventory.map(|inventory| selectors::Selectors::new(runbook, inventory, diags)),
        templates,
        part,
        diags,
    };
    ids::check(runbook, diags);
    check.head(runbook);
    for step in &runbook.steps {
        check.step(step);
    }
    for expression in runbook.outputs.values() {
        check.texts.check(expression, &check.known, &Place::once());
    }
    undo::check(runbook, diags);
    lints::check(runbook, part.is_some(), sources, diags);
    nulls::check(runbook, sources, diags);
    for step in runbook.own_steps() {
        if let Body::Use(Use { book: Some(book), .. }) = &step.body {
            whole(book, Some(book), sources, templates, inventory, diags);
        }
    }
}

struct Check<'a> {
    known: Known<'a>,
    texts: Texts<'a>,
    selectors: Option<selectors::Selectors<'a>>,
    templates: &'a Templates,
    /// The runbook, when it is a part of another.
    part: Option<&'a Runbook>,
    diags: &'a Diagnostics,
}

impl Check<'_> {
    fn head(&mut self, runbook: &Runbook) {
        for lock in &runbook.lock {
            self.texts.check(lock, &self.known, &Place::once());
        }
        for var in runbook.vars.values() {
            var.texts(&mut |text| self.texts.check(text, &self.known, &Place::host()));
        }
        if let Some(selectors) = &mut self.selectors {
            selectors.head(runbook);
            self.known.sizes = selectors.sizes(runbook);
        }
    }

    fn step(&mut self, step: &Step) {
        let place = match step.hosts.as_ref().map(Selector::single_name) {
            Some(Some(HostName::CONTROLLER)) => Place::controller(),
            Some(_) => Place::host(),
            None => Place::nowhere(),
        };
        if let Some(selectors) = &self.selectors {
            step.hosts.iter().chain(&step.flow.run_on).for_each(|selector| selectors.check(selector));
        }
        // the list itself is not yet of an item
        step.flow.for_each.iter().for_each(|e| self.texts.list(e, &self.known, &place));
        let outside = self.known.each(step.flow.for_each.is_some() || step.flow.broken);
        self.whom(step);
        self.around(step);
        self.still(self.known.runbook(), step);
        // these are of each host that anything is asked of, also in a step that is about none
        step.surroundings.texts(&mut |text| self.texts.check(text, &self.known, &Place::host()));
        step.when.iter().for_each(|e| self.texts.truth(e, &self.known, &place));
        self.guards(&step.done_when, &place);
        self.body(&step.body, &place);
        step.besides.iter().for_each(|body| self.body(body, &place));
        step.flow.always.iter().for_each(|member| self.step(member));
        if let Some(watch) = &step.watch {
            watch.texts(&mut |text| self.texts.check(text, &self.known, &place));
            if let (Some(selectors), Some(hosts)) = (&self.selectors, &watch.hosts) {
                selectors.check(hosts);
            }
        }
        let with_result = match &step.body {
            Body::Action(action) if step.besides.is_empty() => place.after_action(&**action, step.parse.as_ref()),
            _ => place.with_result(Answer::Any),
        };
        step.outputs.values().for_each(|e| self.texts.check(e, &self.known, &with_result));
        self.guards(&step.verify, &place);
        let size = self.selectors.as_ref().zip(step.hosts.as_ref());
        let size = size.and_then(|(selectors, hosts)| selectors.size(hosts, &self.known.sizes));
        self.known.add_step(step, size);
        // it comes after the step, and may use what the step found
        self.undo_list(step, &place);
        self.known.leave_each(outside);
    }

    fn body(&mut self, body: &Body, place: &Place) {
        match body {
            Body::Action(action) => {
                action.texts(&mut |text| self.texts.check(text, &self.known, place));
                action.argv().iter().for_each(|word| self.texts.check_word(word, &self.known));
                if let Some((source, compiled)) = action.inline() {
                    self.texts.check_compiled(source, compiled, &self.known, place);
                }
                for (name, context) in action.templates() {
                    match self.templates.texts.get(&Templates::name_in(self.part, &name.value)) {
                        Some(source) => self.texts.check_file(*source, context, &self.known, place),
                        None => self.diags.push(
                            Diagnostic::error(
                                "no-template",
                                name.span,
                                format!("there is no template `{}`", name.value),
                            )
                            .help("templates are looked for in the folder `templates` beside `runbooks`"),
                        ),
                    }
                }
                for name in action.files() {
                    match self.templates.files.get(&Templates::name_in(self.part, &name.value)) {
                        Some(content) => action.inspect(name, content, self.diags),
                        None => self.diags.push(
                            Diagnostic::error("no-file", name.span, format!("there is no file `{}`", name.value)).help(
                                "files are looked for from the runbook's own folder; `..` and `/` lead out of it",
                            ),
                        ),
                    }
                }
            }
            Body::Gather(probes) => probes.values().for_each(|probe| self.probe(probe, place)),
            Body::Pick(picks) => {
                for pick in picks {
                    if let Some(selectors) = &mut self.selectors {
                        selectors.pick(pick);
                    }
                    pick.texts(&mut |text| self.texts.check(text, &self.known, &Place::host()));
                    self.known.add_pick(pick);
                }
            }
            Body::Judge(_, guards) => self.guards(guards, place),
            Body::Wait(wait) => self.guards(&wait.until, place),
            // with the step, as every watch
            Body::Watch => {}
            // one person is asked once, whatever hosts the step is about
            Body::Gate(gate) => gate.texts(&mut |text| self.texts.check(text, &self.known, &Place::once())),
            Body::Aside(aside) => aside.texts(&mut |text| self.texts.check(text, &self.known, place)),
            Body::Use(uses) => self.uses(uses),
            Body::Group(members) => members.iter().for_each(|member| self.step(member)),
        }
    }

    /// Whatever touches a host says which.
    fn whom(&self, step: &Step) {
        let needs = match &step.body {
            Body::Action(_) | Body::Gather(_) => true,
            Body::Judge(_, guards) => guards.iter().any(Guard::needs_host),
            Body::Wait(wait) => wait.until.iter().any(Guard::needs_host),
            Body::Watch => step.watch.as_ref().is_some_and(|watch| watch.hosts.is_none()),
            Body::Pick(_) | Body::Gate(_) | Body::Aside(_) | Body::Use(_) | Body::Group(_) => false,
        } || step.done_when.iter().chain(&step.verify).any(Guard::needs_host);
        if needs && step.hosts.is_none() {
            self.diags.push(
                Diagnostic::error(
                    "no-hosts",
                    step.id.span,
                    format!("step `{}` touches hosts and does not say which", step.id.value),
                )
                .help("add `hosts:` with a target, a group or a host; `hosts: controller` is this machine"),
            );
        }
        if !step.done_when.is_empty() && !step.outputs.is_empty() {
            self.diags.push(
                Diagnostic::error(
                    "done-and-outputs",
                    step.id.span,
                    "`outputs` beside `done_when`: they would be missing when it is done already",
                )
                .help("read the values with a `gather` step"),
            );
        }
        if step.watch.is_some() && !matches!(step.body, Body::Action(_) | Body::Watch) {
            self.diags.push(
                Diagnostic::error(
                    "watch-without-action",
                    step.id.span,
                    format!("`watch` is around an action, and `{}` is none", step.body.key()),
                )
                .help(
                    "make it a step of its own, with `since:` and the id of the step from whose beginning lines count",
                ),
            );
        }
        self.since(self.known.runbook(), step);
    }

    fn since(&self, runbook: &Runbook, step: &Step) {
        let Some(watch) = &step.watch else { return };
        let error = match (&watch.since, &step.body) {
            (None, Body::Watch) => Diagnostic::error("missing-key", watch.span, "missing key `since`")
                .label("needs `since`")
                .help("a watch that is a step of its own names the step from whose beginning lines count"),
            (Some(since), Body::Action(_)) => Diagnostic::error(
                "since-beside-action",
                since.span,
                "`since` beside an action: lines count from its start",
            )
            .help("remove `since`, or make the watch a step of its own"),
            (Some(since), Body::Watch) if self.known.ids().any(|id| id == since.value) => return,
            (Some(since), Body::Watch) if runbook.step(&since.value).is_some() => {
                let message = format!("step `{}` has not begun yet here", since.value);
                Diagnostic::error("later-step", since.span, message).help("`since` names an earlier step")
            }
            (Some(since), Body::Watch) => {
                let near = nearest(&since.value, self.known.ids());
                let message = format!("there is no earlier step `{}`", since.value);
                Diagnostic::error("unknown-step", since.span, message)
                    .maybe_help(near.map(|near| format!("did you mean `{near}`?")))
            }
            _ => return,
        };
        self.diags.push(error);
    }
}

#[cfg(test)]
mod tests;
