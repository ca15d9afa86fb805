//! Following decisions back through the events of a run.

use serde_json::Value;

use crate::base::clock::Timestamp;
use crate::event::{Answer, Event, EventKind, GuardVerdict, Phase, RunState, Stage, StepState, UnitState};

use super::super::paint::took;
use super::{Because, name};

/// How far values are followed back: each level is another step of the run.
const DEEPEST: usize = 4;

/// What people decide with, and what refuses a run.
const DECIDE: [&str; 5] = ["symptom", "require", "confirm", "ask", "manual"];

pub(super) struct Chain<'a> {
    events: &'a [Event],
    state: &'a RunState,
}

impl<'a> Chain<'a> {
    pub(super) fn new(events: &'a [Event], state: &'a RunState) -> Self {
        Self { events, state }
    }

    /// The chain behind a unit.
    pub(super) fn unit(&self, unit: &UnitState) -> Because {
        let start = &unit.start;
        let step = &start.unit.step;
        let outcome = match &unit.end {
            None => "it is not known what became of it".to_owned(),
            Some(end) => {
                let by = end.marked_by.as_ref().map(|by| format!(", decided by {by}")).unwrap_or_default();
                let reason = end.outcome.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
                format!("{} after {}{by}{reason}", end.outcome.name().replace('_', " "), took(end.millis))
            }
        };
        let attempt = if start.unit.attempt > 1 { format!(", attempt {}", start.unit.attempt) } else { String::new() };
        let undo = if start.unit.phase == Phase::Undo { " (undo)" } else { "" };
        let mut root = Because::new(Some(unit.started), format!("{}{undo}{attempt}: {outcome}", name(&start.unit)));
        root.because.push(Because::new(None, format!("what was done: {}", start.summary)));
        root.because.extend(self.titled(step));
        root.because.extend(self.chosen(step, start.unit.about.as_deref(), unit.started));
        root.because.extend(self.before(step, unit.started));
        root.because.extend(self.said_of(step, start.unit.about.as_deref()));
        root.because.extend(self.values(start.reads.as_value(), start.unit.about.as_deref(), 0));
        root.because.extend(found(unit));
        root
    }

    /// The chain behind a step as a whole.
    pub(super) fn step(&self, path: &str) -> Because {
        let steps: Vec<&StepState> =
            [Phase::Apply, Phase::Undo].iter().filter_map(|phase| self.state.step(path, *phase)).collect();
        let ended = steps.iter().map(|step| match &step.stage {
            Stage::Open => "it goes on".to_owned(),
            Stage::Interrupted => "it was interrupted".to_owned(),
            Stage::Closed { outcome, .. } => {
                let reason = outcome.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
                format!("{}{reason}", outcome.name())
            }
        });
        let at = steps.first().map(|step| step.opened);
        let mut root = Because::new(at, format!("{path}: {}", ended.collect::<Vec<_>>().join("; undo: ")));
        root.because.extend(self.titled(path));
        root.because.extend(at.into_iter().flat_map(|at| self.before(path, at)));
        root.because.extend(self.said_of(path, None));
        root.because.extend(self.questions(path));
        root.because.extend(self.picked_in(path));
        let units = steps.iter().flat_map(|step| &step.units).filter_map(|key| self.state.unit(key));
        root.because.extend(units.map(|unit| {
            let end = unit.end.as_ref().map_or("not known", |end| end.outcome.name());
            let mut one = Because::new(Some(unit.started), format!("{}: {end}", name(&unit.start.unit)));
            one.because.extend(self.values(unit.start.reads.as_value(), unit.start.unit.about.as_deref(), 0));
            one.because.extend(found(unit));
            one
        }));
        root
    }

    fn titled(&self, path: &str) -> Option<Because> {
        let step = self.state.step(path, Phase::Apply)?;
        let own = path.rsplit('/').next() == Some(step.title.as_str());
        let title = (!own).then(|| step.title.to_string());
        let words: Vec<String> = title.into_iter().chain(step.why.as_ref().map(|why| format!("why: {why}"))).collect();
        (!words.is_empty()).then(|| Because::new(None, words.join("\n")))
    }

    /// The decisions that had to be passed before: guards and people.
    fn before(&self, path: &str, began: Timestamp) -> Vec<Because> {
        let decided = |step: &&StepState| DECIDE.contains(&step.action.as_str()) && step.step != path;
        let passed = self.state.steps().filter(decided).filter_map(|step| match &step.stage {
            Stage::Closed { outcome, at } if *at <= began => {
                let who = self.answers(&step.step).last().map(|(_, said)| format!(", {said}")).unwrap_or_default();
                Some(Because::new(Some(*at), format!("before it, {} was {}{who}", step.step, outcome.name())))
            }
            _ => None,
        });
        passed.collect()
    }

    fn answers(&self, path: &'a str) -> impl Iterator<Item = (Timestamp, String)> {
        self.events.iter().filter_map(move |event| match &event.kind {
            EventKind::Answered { step, by, answer, text } if step == path => {
                let word = match answer {
                    Answer::Accepted => "accepted by",
                    Answer::Refused => "refused by",
                    Answer::Expired => "not answered in time:",
                };
                Some((event.at, format!("{word} {by}: {text}")))
            }
            _ => None,
        })
    }

    fn questions(&self, path: &str) -> Vec<Because> {
        let said = self.events.iter().filter_map(|event| match &event.kind {
            EventKind::Asked { step, message, expects } if step == path => {
                Some(Because::new(Some(event.at), format!("a person was asked: {message}\ngoes on with: {expects}")))
            }
            EventKind::Answered { step, .. } if step == path => None,
            _ => None,
        });
        let answers = self.answers_of(path);
        said.chain(answers).collect()
    }

    fn answers_of(&self, path: &str) -> Vec<Because> {
        let own = self.state.steps().find(|step| step.step == path);
        let answers = own.into_iter().flat_map(|step| self.answers(&step.step).collect::<Vec<_>>());
        answers.map(|(at, said)| Because::new(Some(at), said)).collect()
    }

    /// What guards, logs and notes said in a step, of one host or of all.
    fn said_of(&self, path: &str, host: Option<&str>) -> Vec<Because> {
        let wanted = |of: Option<&str>| host.is_none() || of.is_none() || of == host;
        let said = self.events.iter().filter_map(|event| match &event.kind {
            EventKind::GuardJudged { step, guard, host: of, verdict, seen, message, reads, asked, silent: _ }
                if step == path && (wanted(of.as_deref()) || *verdict != GuardVerdict::Holds) =>
            {
                let word = match verdict {
                    GuardVerdict::Holds => "it held",
                    GuardVerdict::Fails => "it did not hold",
                    GuardVerdict::Unknown => "it could not be decided",
                };
                let on = of.as_ref().map(|of| format!(" ({of})")).unwrap_or_default();
                let message = message.as_ref().map(|message| format!("\n{message}")).unwrap_or_default();
                let mut one = Because::new(Some(event.at), format!("{word}{on}: {guard}{message}"));
                let request = asked.as_ref().map(|asked| format!(", by {asked}")).unwrap_or_default();
                let place = of.as_ref().map(|of| format!(" on {of}")).unwrap_or_default();
                one.because.push(Because::new(None, format!("seen{place}{request}: {seen}")));
                one.because.extend(self.values(reads.as_value(), of.as_deref(), 0));
                Some(one)
            }
            EventKind::LogMatched { step, host: of, log, entry, line, offset, no_return }
                if step == path && wanted(Some(of)) =>
            {
                let at = offset.map(|offset| format!(", byte {offset}")).unwrap_or_default();
                let past = if *no_return { "; nothing is undone from here on" } else { "" };
                let what = format!("the log {log} of {of}{at} said what was waited for, \"{entry}\"{past}\n{line}");
                Some(Because::new(Some(event.at), what))
            }
            EventKind::Noted { step: Some(step), by: None, text } if step == path => {
                Some(Because::new(Some(event.at), text.to_string()))
            }
            EventKind::HostLeft { step, host: of, reason, .. } if step == path && wanted(Some(of)) => {
                Some(Because::new(Some(event.at), format!("{of} was left behind: {reason}")))
            }
            _ => None,
        });
        said.collect()
    }

    /// Why it was this host, where the hosts of the step were not known before the run.
    fn chosen(&self, path: &str, host: Option<&str>, began: Timestamp) -> Vec<Because> {
        let planned = self.state.header().outline.iter().find(|step| step.step == path);
        let (Some(host), true) = (host, planned.is_some_and(|step| step.hosts.is_empty())) else { return Vec::new() };
        let picked = self.events.iter().filter(|event| event.at <= began);
        let picked = picked.filter(|event| match &event.kind {
            EventKind::TargetPicked { hosts, .. } => hosts.iter().any(|one| one == host),
            _ => false,
        });
        picked.filter_map(|event| self.picked(event, 0)).collect()
    }

    fn picked(&self, event: &Event, depth: usize) -> Option<Because> {
        let EventKind::TargetPicked { name, hosts, why, reads } = &event.kind else { return None };
        let hosts = if hosts.is_empty() { "no host".to_owned() } else { hosts.join(", ") };
        let mut one = Because::new(Some(event.at), format!("{name} was chosen: {hosts} ({why})"));
        let by_host = reads.as_value().as_object().into_iter().flatten();
        for (host, values) in by_host.filter(|_| depth < DEEPEST) {
            one.because.extend(self.values(values, Some(host), depth + 1));
        }
        Some(one)
    }

    fn picked_in(&self, path: &str) -> Vec<Because> {
        let names: Vec<&String> = self
            .state
            .step(path, Phase::Apply)
            .into_iter()
            .flat_map(|step| &step.openings)
            .flat_map(|opening| opening.picked.iter().map(|(name, _)| name))
            .collect();
        let picked = self.events.iter().filter(|event| match &event.kind {
            EventKind::TargetPicked { name, .. } => names.contains(&name),
            _ => false,
        });
        picked.filter_map(|event| self.picked(event, 0)).collect()
    }

    /// Values that were read, each with where it came from.
    fn values(&self, reads: &Value, host: Option<&str>, depth: usize) -> Vec<Because> {
        let all = reads.as_object().into_iter().flatten();
        let all = all.map(|(path, value)| {
            let of = host.map(|host| format!(" of {host}")).unwrap_or_default();
            let mut one = Because::new(None, format!("{path}{of} was {}", shown(value)));
            one.because.extend(self.origin(path, host, depth));
            one
        });
        all.collect()
    }

    /// Where the value of a path came from.
    fn origin(&self, path: &str, host: Option<&str>, depth: usize) -> Vec<Because> {
        let plain = |words: String| vec![Because::new(None, words)];
        // of `pluck targets.web "vars.x"` the list is what was chosen
        let path = path.strip_prefix("pluck ").and_then(|rest| rest.split(' ').next()).unwrap_or(path);
        let parts: Vec<&str> = path.split('.').collect();
        match parts.as_slice() {
            ["params", name, ..] => plain(format!("{name} is a param: given for the run, or its default")),
            ["vars", name, ..] => {
                let of = host.map(|host| format!(" of {host}")).unwrap_or_default();
                plain(format!("{name}{of} is a var: by the inventory, or its default"))
            }
            ["outputs" | "outcomes", id, rest @ ..] => self.made(id, rest.first().copied(), host, depth),
            ["targets", name, ..] => {
                let chosen = self.events.iter().rev().find(|event| match &event.kind {
                    EventKind::TargetPicked { name: picked, .. } => picked.rsplit('/').next() == Some(name),
                    _ => false,
                });
                let fixed = || Because::new(None, format!("{name} was fixed before the run began"));
                vec![chosen.and_then(|event| self.picked(event, depth)).unwrap_or_else(fixed)]
            }
            _ => Vec::new(),
        }
    }

    /// The unit or person that gave an output.
    fn made(&self, id: &str, output: Option<&str>, host: Option<&str>, depth: usize) -> Vec<Because> {
        let called = |path: &str| path.rsplit('/').next() == Some(id);
        let of_step = || self.state.units().filter(|unit| called(&unit.start.unit.step));
        let here = |unit: &&UnitState| host.is_some() && unit.start.unit.about.as_deref() == host;
        let unit = of_step().filter(here).last().or_else(|| of_step().last());
        if let Some(unit) = unit {
            let ended = unit.end.as_ref().map(|end| end.at);
            let asked = output.and_then(|output| unit.start.asks.get(output));
            let by = asked.map_or_else(|| format!(": {}", unit.start.summary), |asked| format!(", by {asked}"));
            let mut one = Because::new(ended, format!("found by {}{by}", name(&unit.start.unit)));
            if depth < DEEPEST {
                let about = unit.start.unit.about.as_deref();
                one.because.extend(self.values(unit.start.reads.as_value(), about, depth + 1));
            }
            return vec![one];
        }
        let asked = self.state.steps().find(|step| called(&step.step));
        asked.map(|step| self.answers_of(&step.step)).unwrap_or_default()
    }
}

/// What a unit gave, and what was asked for it.
fn found(unit: &UnitState) -> Vec<Because> {
    let Some(end) = &unit.end else { return Vec::new() };
    let given = end.outputs.as_value().as_object().into_iter().flatten().map(|(name, value)| {
        let by = unit.start.asks.get(name).map(|asked| format!(", by {asked}")).unwrap_or_default();
        Because::new(Some(end.at), format!("it gave {name} = {}{by}", shown(value)))
    });
    given.collect()
}

/// A value in one line.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}
