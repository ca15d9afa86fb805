//! How a run ends, in the words of its last event.

use std::fmt::Write as _;

use indexmap::IndexSet;

use crate::event::{Closed, Verdict};
use crate::plan::View;

use super::halt::Stop;
use super::run::Run;

impl Run {
    pub(super) fn done(&self) -> Closed {
        let view = View::new(&self.world, None, None);
        let outputs = self.plan.runbook.outputs.iter().map(|(name, expression)| {
            let value = expression
                .eval(&view)
                .map_or_else(|error| serde_json::Value::String(format!("not known: {error}")), |value| value.to_json());
            (name.clone(), value)
        });
        let outputs = serde_json::Value::Object(outputs.collect());
        let left = self.log.with_state(|state| {
            let left: IndexSet<String> = state.left().iter().map(|left| left.host.clone()).collect();
            left.into_iter().collect::<Vec<_>>().join(", ")
        });
        let mut reason = self.skipped_or_done();
        if !left.is_empty() {
            let _ = write!(reason, "; failed where that is tolerated, and left behind: {left}");
        }
        Closed {
            verdict: Verdict::Recovered,
            reason: self.redactor().redact(reason),
            step: None,
            next: Vec::new(),
            outputs: self.redactor().redact_json(outputs),
        }
    }

    /// Every step, but for those that a person had left out.
    fn skipped_or_done(&self) -> String {
        let skipped: Vec<&str> = self.memory.iter().flat_map(|memory| &memory.again.skip).map(String::as_str).collect();
        match skipped.as_slice() {
            [] => match self.log.with_state(|state| state.header().from.clone()) {
                Some(from) => format!("every step from `{from}` on is done"),
                None => "every step is done".to_owned(),
            },
            steps => format!("every other step is done; {}: {}", self.skipped_by(), steps.join(", ")),
        }
    }

    /// This process leaves before the end.
    pub(super) fn left(&self) -> Closed {
        let (run, open) = (self.log.run(), self.log.with_state(|state| state.open_units().count()));
        let reason = match open {
            0 => "this process left it before its end; nothing runs on the hosts".to_owned(),
            1 => "this process left it before its end; what one host was asked to do goes on there".to_owned(),
            open => format!("this process left it before its end; what was begun in {open} places goes on there"),
        };
        Closed {
            verdict: Verdict::Detached,
            reason: self.redactor().redact(reason),
            step: self
                .log
                .with_state(|state| state.steps().filter(|s| s.stage.is_open()).last().map(|s| s.step.clone())),
            next: vec![self.redactor().redact(format!("to go on with it: refloat resume {run}"))],
            outputs: self.redactor().redact_json(serde_json::json!({})),
        }
    }

    pub(super) fn stopped(&self, path: &str, stop: &Stop) -> Closed {
        let mut verdict = stop.verdict(self.changed, !self.no_return.is_empty());
        let mut next = stop.next.clone();
        // begun by a process before this one, which did not come to it
        let open: Vec<String> = self.log.with_state(|state| {
            let open = state.open_units().map(|unit| &unit.start.unit);
            open.map(|unit| format!("`{}` on {}", unit.step, unit.host())).collect()
        });
        if !open.is_empty() {
            verdict = Verdict::NeedsAttention;
            let (open, run) = (open.join(", "), self.log.run());
            next.push(format!(
                "{open}: begun before, and not asked for since; its host is asked by: refloat resume {run}"
            ));
        }
        if next.is_empty() && !self.no_return.is_empty() {
            let hosts: Vec<&str> = self.no_return.iter().map(String::as_str).collect();
            next.push(format!("past the point of no return, so nothing is put back: {}", hosts.join(", ")));
        }
        if next.is_empty() && self.changed {
            next.push("what was changed stands as it is: `refloat report` lists it".to_owned());
        }
        Closed {
            verdict,
            reason: self.redactor().redact(stop.reason.clone()),
            step: Some(path.to_owned()),
            next: next.into_iter().map(|line| self.redactor().redact(line)).collect(),
            outputs: self.redactor().redact_json(serde_json::json!({})),
        }
    }
}
