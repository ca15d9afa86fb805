//! Why something was done, or was not: the chain behind one unit or step of a run, as its journal has it. Each value is
//! followed back to the request that found it.
//!
//! What older versions wrote has no values in it: then the chain is shorter, and nothing is guessed.

mod chain;

use std::fmt::Write as _;

use indexmap::IndexSet;

use crate::base::clock::Timestamp;
use crate::base::nearest::nearest;
use crate::event::{Event, RunState, Unit, UnitState};

use super::paint::time_of_day;
use super::{escape, escape_lines};

/// One link of a chain, and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Because {
    /// When it was so.
    pub at: Option<Timestamp>,
    /// What was so.
    pub what: String,
    /// What that rests on.
    pub because: Vec<Self>,
}

/// There is no such unit or step in the run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no `{wanted}` in this run{}", near_words(near.as_deref(), all))]
pub struct NoUnit {
    /// What was asked for.
    pub wanted: String,
    /// What is called almost so.
    pub near: Option<String>,
    /// All that there is.
    pub all: Vec<String>,
}

fn near_words(near: Option<&str>, all: &[String]) -> String {
    match near {
        Some(near) => format!("; did you mean `{near}`?"),
        None if all.is_empty() => "; nothing was begun in it".to_owned(),
        None => format!("; there are: {}", all.join(", ")),
    }
}

/// A unit, as reports and `--mark` call it: `recover/stop@consul-1`, `copy[2]@web-1`, `fence@web-3:web-1`.
#[must_use]
pub fn name(unit: &Unit) -> String {
    let item = unit.item.map_or_else(String::new, |item| format!("[{item}]"));
    let on = unit.on.as_ref().filter(|on| unit.about.as_ref().is_some_and(|about| about != *on));
    let host = unit.about.as_ref().map_or_else(String::new, |about| format!("@{about}"));
    format!("{}{item}{host}{}", unit.step, on.map_or_else(String::new, |on| format!(":{on}")))
}

/// The chains behind what is called so: a unit, or a step with all of its units.
pub fn why(wanted: &str, events: &[Event], state: &RunState) -> Result<Vec<Because>, NoUnit> {
    let chain = chain::Chain::new(events, state);
    let step_of = |path: &str| path == wanted || path.rsplit('/').next() == Some(wanted);
    let called = |unit: &&UnitState| {
        let name = name(&unit.start.unit);
        name == wanted || name.rsplit('/').next() == Some(wanted)
    };
    let units: Vec<&UnitState> = state.units().filter(called).collect();
    if !units.is_empty() {
        return Ok(units.into_iter().map(|unit| chain.unit(unit)).collect());
    }
    let steps: Vec<&str> = state.steps().map(|step| step.step.as_str()).filter(|path| step_of(path)).collect();
    if !steps.is_empty() {
        let steps: IndexSet<&str> = steps.into_iter().collect();
        return Ok(steps.into_iter().map(|step| chain.step(step)).collect());
    }
    let all: IndexSet<String> =
        state.steps().map(|step| step.step.clone()).chain(state.units().map(|unit| name(&unit.start.unit))).collect();
    let never = state.header().outline.iter().map(|step| step.step.as_str()).find(|path| step_of(path));
    if let Some(path) = never {
        let what = format!("{path} never began");
        let ended = state.closed().map(|(at, closed)| {
            let step = closed.step.as_ref().map(|step| format!(" at {step}")).unwrap_or_default();
            Because { at: Some(at), what: format!("the run ended{step}: {}", closed.reason), because: Vec::new() }
        });
        return Ok(vec![Because { at: None, what, because: ended.into_iter().collect() }]);
    }
    let last = |name: &'_ str| name.rsplit('/').next().map(str::to_owned);
    let names: Vec<String> = all.iter().flat_map(|name| [Some(name.clone()), last(name)]).flatten().collect();
    let near = nearest(wanted, names.iter().map(String::as_str)).map(str::to_owned);
    Err(NoUnit { wanted: wanted.to_owned(), near, all: all.into_iter().collect() })
}

impl Because {
    pub(super) fn new(at: Option<Timestamp>, what: impl Into<String>) -> Self {
        Self { at, what: what.into(), because: Vec::new() }
    }

    /// As a document.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let because: Vec<_> = self.because.iter().map(Self::json).collect();
        serde_json::json!({ "at": self.at.map(Timestamp::rfc3339), "what": self.what, "because": because })
    }

    /// As text, what it rests on below it. Text from outside steers no terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.lines(0, &mut out);
        out
    }

    fn lines(&self, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        let at = self.at.map(|at| format!("{}  ", escape(&time_of_day(at)))).unwrap_or_default();
        let mut lines = escape_lines(&self.what).into_iter();
        // writing into a String cannot fail
        let _ = writeln!(out, "{indent}{at}{}", lines.next().unwrap_or_default());
        for line in lines {
            let _ = writeln!(out, "{indent}    {line}");
        }
        for one in &self.because {
            one.lines(depth + 1, out);
        }
    }
}
