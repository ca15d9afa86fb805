//! Null in texts: what comes of optional probes and params, and of steps that may be skipped or done already, is null,
//! and null in a text is an error of the run. So the author is asked for `default` before.

use std::collections::HashMap;

use crate::action::guard::Guard;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Sources;
use crate::runbook::{Body, OnFailure, Runbook, Step};
use crate::template::{AnyText, Context, RefBase, Reference};
use crate::text;

/// Looks at all texts of all steps.
pub(super) fn check(runbook: &Runbook, sources: &Sources, diags: &Diagnostics) {
    let mut nulls = Nulls { runbook, sources, diags, steps: HashMap::new(), whens: Vec::new(), done: Vec::new() };
    nulls.steps(&runbook.steps);
}

/// Why an output may be null.
struct Why {
    words: String,
    /// It is there whenever these hold.
    unless: Vec<String>,
    /// It is there within this step, which then was not done already.
    within: Option<String>,
    /// This output; `None`: all of the step's.
    output: Option<String>,
}

struct Nulls<'a> {
    runbook: &'a Runbook,
    sources: &'a Sources,
    diags: &'a Diagnostics,
    steps: HashMap<String, Vec<Why>>,
    /// The conditions of the step that is looked at, and of the groups around it.
    whens: Vec<String>,
    /// The steps around and with `done_when`, this one too: none of them may run.
    done: Vec<String>,
}

impl Nulls<'_> {
    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            let (outer, done) = (self.whens.len(), self.done.len());
            self.done.extend((!step.done_when.is_empty()).then(|| step.id.value.clone()));
            self.whens.extend(step.when.iter().map(|when| when.source().value.clone()));
            self.step(step);
            self.add(step);
            self.whens.truncate(outer);
            self.done.truncate(done);
        }
    }

    fn step(&mut self, step: &Step) {
        step.surroundings.texts(&mut |text| self.look(text));
        match &step.body {
            Body::Action(action) => action.texts(&mut |text| self.look(text)),
            Body::Aside(aside) => aside.texts(&mut |text| self.look(text)),
            Body::Gate(gate) => gate.texts(&mut |text| self.look(text)),
            Body::Use(uses) => uses.params.values().for_each(|given| given.data.texts(&mut |text| self.look(text))),
            Body::Gather(probes) => probes.values().for_each(|probe| probe.texts(&mut |text| self.look(text))),
            Body::Judge(_, guards) => self.guards(guards),
            Body::Wait(wait) => self.guards(&wait.until),
            Body::Group(members) => self.steps(members),
            Body::Pick(_) | Body::Watch => {}
        }
        self.guards(&step.done_when);
        self.guards(&step.verify);
    }

    fn add(&mut self, step: &Step) {
        let mut all = Vec::new();
        if !self.whens.is_empty() {
            let words = format!("`{}` may be skipped", step.id.value);
            all.push(Why { words, unless: self.whens.clone(), within: None, output: None });
        }
        if let Some(around) = self.done.last() {
            let words = format!("`{around}` may be done already, and then it gives nothing");
            all.push(Why { words, unless: Vec::new(), within: Some(around.clone()), output: None });
        }
        if step.on_failure.as_ref().is_some_and(|on| on.value == OnFailure::Continue) {
            let words = format!("`{}` may have failed", step.id.value);
            all.push(Why { words, unless: Vec::new(), within: None, output: None });
        }
        // in a group the host that failed has left it
        if step.flow.tolerate.is_some() && !matches!(step.body, Body::Group(_)) {
            let words = format!("`{}` may have failed on this host", step.id.value);
            all.push(Why { words, unless: Vec::new(), within: None, output: None });
        }
        if let Body::Gather(probes) = &step.body {
            for (name, _) in probes.iter().filter(|(_, probe)| probe.optional) {
                let words = format!("`{name}` of `{}` is optional", step.id.value);
                all.push(Why { words, unless: Vec::new(), within: None, output: Some(name.clone()) });
            }
        }
        self.steps.insert(step.id.value.clone(), all);
    }

    fn guards(&self, guards: &[Guard]) {
        for guard in guards {
            guard.message.iter().for_each(|text| self.look(text));
            guard.probe().into_iter().for_each(|probe| probe.texts(&mut |text| self.look(text)));
        }
    }

    fn look(&self, text: &dyn AnyText) {
        let source = text.source();
        let Some(context) = text.context().filter(|_| !source.span.is_nowhere()) else { return };
        // a value by itself may be left out, or is kept as it is, where no shell reads it
        let trimmed = source.value.trim();
        let alone = trimmed.starts_with("{{") && trimmed.ends_with("}}") && trimmed.matches("{{").count() == 1;
        if alone && context == Context::Plain {
            return;
        }
        for reference in text.references().iter().filter(|reference| !reference.allows_null) {
            let Some((why, name)) = self.why(reference) else { continue };
            let whole = &self.sources.get(source.span.source).text;
            let at = text::place(whole, source.span, &source.value, reference.range.clone());
            self.diags.push(
                Diagnostic::warning("maybe-null", at, format!("`{name}` may be null, and null is no text"))
                    .label(why)
                    .help(format!("write `default {name} \"…\"`, or a `when` that says when it is there")),
            );
        }
    }

    fn why(&self, reference: &Reference) -> Option<(String, String)> {
        let path: Vec<&str> = reference.path.iter().map(String::as_str).collect();
        let name = reference.dotted();
        if reference.base != RefBase::Root {
            return None;
        }
        match path.as_slice() {
            ["params", param, ..] => {
                let optional = self.runbook.params.get(*param).is_some_and(|param| param.limits.optional);
                let guarded = self.whens.iter().any(|when| when.contains(&name));
                (optional && !guarded).then(|| (format!("`{param}` is optional"), name))
            }
            ["outputs", step, output, ..] | ["targets", _, _, "outputs", step, output, ..] => {
                let read = format!("outputs.{step}");
                let outcome = format!("outcomes.{step}");
                let asked = |when: &String| when.contains(&read) || when.contains(&outcome);
                if self.whens.iter().any(asked) {
                    return None;
                }
                let why = self.steps.get(*step)?.iter().find(|why| {
                    let known = !why.unless.is_empty() && why.unless.iter().all(|when| self.whens.contains(when));
                    let known = known || why.within.as_ref().is_some_and(|around| self.done.contains(around));
                    why.output.as_ref().is_none_or(|name| name == output) && !known
                })?;
                Some((why.words.clone(), name))
            }
            _ => None,
        }
    }
}
