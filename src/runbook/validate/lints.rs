//! Warnings: what can be carried out and is probably not meant. Each has a name by which it is allowed in place.

use std::collections::HashSet;

use crate::action::Effect;
use crate::action::guard::{Guard, GuardKind};
use crate::action::probe::Probe;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Sources;
use crate::runbook::{Body, Risk, Runbook, Step, Undo};
use crate::template::{AnyText, Compiled, Context, habits};
use crate::text;

/// Looks at all steps. `part`: whether it is a part of another, which asks a person before it.
pub(super) fn check(runbook: &Runbook, part: bool, sources: &Sources, diags: &Diagnostics) {
    let lints = Lints { sources, diags };
    for step in runbook.own_steps() {
        lints.habits(step);
        lints.old_evidence(runbook, step);
        if runbook.risk.value == Risk::Reversible {
            lints.undo(runbook, step);
        }
    }
    // what could not be understood may be the question
    if runbook.risk.value == Risk::Destructive && !part && !diags.has_errors() {
        lints.unguarded(runbook);
    }
}

struct Lints<'a> {
    sources: &'a Sources,
    diags: &'a Diagnostics,
}

impl Lints<'_> {
    /// `sudo` and pipes in commands.
    fn habits(&self, step: &Step) {
        let undone = match &step.undo {
            Undo::List(entries) => entries.as_slice(),
            Undo::Auto | Undo::None => &[],
        };
        for body in std::iter::once(&step.body).chain(undone.iter().map(|entry| &entry.body)) {
            match body {
                Body::Action(action) => {
                    let all = action.key() == "run";
                    action.texts(&mut |text| self.shell(text, all));
                    self.argv(action.argv().first());
                }
                Body::Gather(probes) => probes.values().for_each(|probe| self.probe(probe)),
                Body::Judge(_, guards) => self.guards(guards),
                Body::Wait(wait) => self.guards(&wait.until),
                _ => {}
            }
        }
        self.guards(&step.done_when);
        self.guards(&step.verify);
    }

    fn guards(&self, guards: &[Guard]) {
        guards.iter().filter_map(Guard::probe).for_each(|probe| self.probe(probe));
    }

    /// The exit code of a probe's pipe is its answer, and `grep` gives it on purpose.
    fn probe(&self, probe: &Probe) {
        probe.texts(&mut |text| self.shell(text, false));
        self.argv(probe.argv().next());
    }

    fn shell(&self, text: &dyn AnyText, pipes: bool) {
        if text.context() != Some(Context::Shell) || text.source().span.is_nowhere() {
            return;
        }
        let source = text.source();
        let whole = &self.sources.get(source.span.source).text;
        // of a text with values it was said before
        if !source.value.contains("{{") {
            let compiled = Compiled::new(&source.value, Context::Shell);
            for open in compiled.problems().iter().filter(|problem| problem.code == "shell-syntax") {
                self.diags.push(open.locate(|range| text::place(whole, source.span, &source.value, range)));
            }
        }
        for mut habit in habits(&source.value) {
            if habit.code == "hidden-exit-code" && !pipes {
                continue;
            }
            let rest = source.value.strip_prefix("sudo ").filter(|rest| !rest.starts_with('-') && !rest.contains('\n'));
            if let (true, Some(rest)) = (habit.code == "sudo-in-run", rest) {
                habit.help = Some(format!("write `sudo: true` on the step, and here `{}`", rest.trim()));
            }
            self.diags.push(habit.locate(|range| text::place(whole, source.span, &source.value, range)));
        }
    }

    fn argv(&self, first: Option<&crate::template::Text>) {
        let Some(first) = first.map(crate::template::Text::source).filter(|word| word.value == "sudo") else { return };
        self.diags.push(
            Diagnostic::warning("sudo-in-run", first.span, "`sudo` inside of a command")
                .label("it may ask for a password that nobody types")
                .help("write `sudo: true` on the step, or `sudo: USER`, and leave `sudo` out here"),
        );
    }

    /// `still` asks again; guards that ask nobody say the same again.
    fn old_evidence(&self, runbook: &Runbook, step: &Step) {
        for id in &step.still {
            let Some(asked) = runbook.step(&id.value) else { continue };
            let Body::Judge(_, guards) = &asked.body else { continue };
            let understood = !self.diags.has_errors_within(asked.span);
            if guards.is_empty() || guards.iter().flat_map(Guard::kinds).any(is_live) || !understood {
                continue;
            }
            self.diags.push(
                Diagnostic::warning("still-old-outputs", id.span, format!("`{}` asks nobody again", id.value))
                    .label("the same answer as before")
                    .and(asked.id.span, "it looks only at what earlier steps have read")
                    .help("give that guard a probe, so that it is asked at this moment"),
            );
        }
    }

    /// A reversible runbook says of each change how it is taken back.
    fn undo(&self, runbook: &Runbook, step: &Step) {
        let Body::Action(action) = &step.body else { return };
        let understood = !self.diags.has_errors_within(step.span);
        let says = action.undoes_itself() || !matches!(step.undo, Undo::Auto);
        if action.effect() == Effect::Reads || says || !understood {
            return;
        }
        self.diags.push(
            Diagnostic::warning("reversible-no-undo", step.id.span, format!("nothing undoes this `{}`", action.key()))
                .and(runbook.risk.span, "what changes can be put back")
                .help("add `undo:` with a list of actions, or `undo: none` and a `why`"),
        );
    }

    /// Before a destructive runbook changes anything, a person agrees or the evidence is asked again.
    fn unguarded(&self, runbook: &Runbook) {
        let mut evidence = HashSet::new();
        for step in runbook.all_steps() {
            // one that may be skipped asks nobody
            if matches!(step.body.key(), "confirm" | "ask" | "manual") && step.when.is_empty() {
                return;
            }
            if !step.still.is_empty() {
                evidence.insert(step.path.as_str());
            }
            let Body::Action(action) = &step.body else { continue };
            let mut around = step.path.match_indices('/').map(|(at, _)| &step.path[..at]).chain([step.path.as_str()]);
            let within = around.any(|path| evidence.contains(path));
            if action.effect() == Effect::Reads || within {
                continue;
            }
            self.diags.push(
                Diagnostic::warning(
                    "destructive-unguarded",
                    step.id.span,
                    format!("`{}` changes hosts and nobody was asked", step.id.value),
                )
                .and(runbook.risk.span, "what is done cannot be undone")
                .help("put a `confirm` step before it, or `still: [ … ]` with the steps that say that it is safe"),
            );
            return;
        }
    }
}

/// Whether it is asked anew each time.
fn is_live(kind: &GuardKind) -> bool {
    match kind {
        GuardKind::Here(..) | GuardKind::Down(_) | GuardKind::Up(_) => true,
        GuardKind::Every(members, _)
        | GuardKind::Count(members, _)
        | GuardKind::Agree(members, _)
        | GuardKind::Differ(members, _) => members.probe.is_some(),
        GuardKind::That(_) | GuardKind::Quorum(..) | GuardKind::NoQuorum(..) => false,
    }
}
