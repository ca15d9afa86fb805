//! Kinds of values, before there is any: texts and expressions are tried out on samples. What a sample is refused for
//! because of its kind, every value of that kind would be refused for; what depends on the value itself is left to the
//! run. What may be of several kinds is unknown, and what is made of it is too.

use std::collections::HashMap;
use std::ops::Range;

use crate::action::probe::{Kind as Probed, Parse, Probe};
use crate::runbook::gate::{ANSWER, Wants};
use crate::runbook::model::{Body, Step};
use crate::runbook::params::Kind;
use crate::template::{AnyText, Base, EvalError, EvalErrorKind, Read, ReadError, Scope, Value};

use super::names::{Known, Place};

/// What every value that the samples stand for is called.
const SOME_HOST: &str = "a-host";

/// Which of two samples: an expression may go another way with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Some,
    None,
}

/// A kind whose values expressions can be tried out with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Text,
    Int,
    Float,
    Bool,
    Texts,
    Ints,
    Secret,
}

impl Sort {
    fn sample(self, which: Which) -> Value {
        let some = which == Which::Some;
        let (text, int) = if some { ("1", 1) } else { ("", 0) };
        match self {
            Self::Text => Value::str(text),
            Self::Int => Value::Int(int),
            Self::Float => Value::Float(if some { 1.5 } else { 0.0 }),
            Self::Bool => Value::Bool(some),
            Self::Secret => Value::secret(text),
            Self::Texts if some => vec![Value::str(text)].into(),
            Self::Ints if some => vec![Value::Int(int)].into(),
            Self::Texts | Self::Ints => Vec::new().into(),
        }
    }

    fn of_kind(kind: Kind) -> Option<Self> {
        Some(match kind {
            Kind::String | Kind::Duration | Kind::Size | Kind::Path | Kind::Log => Self::Text,
            Kind::Secret => Self::Secret,
            Kind::Int => Self::Int,
            Kind::Float => Self::Float,
            Kind::Bool => Self::Bool,
            Kind::List => Self::Texts,
            Kind::Host | Kind::Hosts => return None,
        })
    }

    fn of_parse(parse: Option<&Parse>) -> Option<Self> {
        Some(match parse {
            None | Some(Parse::Text) => Self::Text,
            Some(Parse::Int) => Self::Int,
            Some(Parse::Float) => Self::Float,
            Some(Parse::Bool) => Self::Bool,
            Some(Parse::Lines) => Self::Texts,
            Some(_) => return None,
        })
    }

    fn of_value(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Str(_) => Self::Text,
            Value::Int(_) => Self::Int,
            Value::Float(_) => Self::Float,
            Value::Bool(_) => Self::Bool,
            Value::Secret(_) => Self::Secret,
            _ => return None,
        })
    }

    /// Of a field of a result, wherever it has that name.
    fn of_field(name: &str, parse: Option<&Parse>) -> Option<Self> {
        Some(match name {
            "exit"
            | "size_bytes"
            | "age_seconds"
            | "status"
            | "pid"
            | "count"
            | "free_bytes"
            | "free_percent"
            | "free_inodes_percent" => Self::Int,
            "stdout" | "stderr" | "kind" | "mode" | "owner" | "group" | "target" | "sha256" | "state" | "error" => {
                Self::Text
            }
            "exists" | "open" | "enabled" | "changed" => Self::Bool,
            "pids" => Self::Ints,
            "value" | "body" => return Self::of_parse(parse),
            _ => return None,
        })
    }
}

/// The kinds of the outputs of steps, by step and name.
#[derive(Default)]
pub(super) struct Outputs(HashMap<(String, String), Sort>);

impl Outputs {
    /// What a step gives. `each`: in a loop, where outputs become lists.
    pub(super) fn of(step: &Step, each: bool, known: &Known<'_>) -> Self {
        let mut all = HashMap::new();
        if each {
            return Self(all);
        }
        let mut put = |name: &str, sort: Option<Sort>| {
            if let Some(sort) = sort.filter(|_| !step.outputs.contains_key(name)) {
                all.insert((step.id.value.clone(), name.to_owned()), sort);
            }
        };
        match &step.body {
            Body::Action(action) => {
                for name in action.outputs() {
                    // a text of the answer beside the value that `parse` makes of it
                    let parse = step.parse.as_ref().filter(|_| *name == "value");
                    put(name, Sort::of_field(name, parse));
                }
            }
            Body::Gather(probes) => {
                for (name, probe) in probes {
                    let main = probe.kind.main_field().filter(|_| probe.value.is_none());
                    put(name, main.and_then(|field| Sort::of_field(field, probe.parse.as_ref())));
                }
            }
            Body::Gate(gate) => {
                if let Wants::Answer { limits, .. } = &gate.wants {
                    put(ANSWER, Sort::of_kind(limits.kind.value));
                }
            }
            Body::Aside(aside) => {
                let place = Place::host();
                let said =
                    [Which::Some, Which::None].map(|which| aside.render(&Samples { known, place: &place, which }));
                if let [Ok(some), Ok(none)] = said {
                    for (name, value) in &some.outputs {
                        let sort = Sort::of_value(value);
                        put(name, sort.filter(|_| none.outputs.get(name).and_then(Sort::of_value) == sort));
                    }
                }
            }
            _ => {}
        }
        Self(all)
    }

    /// Takes in what another step gives.
    pub(super) fn add(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

/// What a probe's result holds.
pub(super) fn result_of(probe: &Probe) -> HashMap<&'static str, Sort> {
    let parse = |field: &str| match (&probe.kind, field) {
        (Probed::Command(_) | Probed::Read(_), "value") | (Probed::Http(_), "body") => probe.parse.as_ref(),
        _ => None,
    };
    let fields = probe.fields().unwrap_or_default().iter();
    fields.filter_map(|field| Some((*field, Sort::of_field(field, parse(field))?))).collect()
}

/// What an action's result holds.
pub(super) fn result_of_action(names: &'static [&'static str], parse: Option<&Parse>) -> HashMap<&'static str, Sort> {
    let parse = |name: &str| parse.filter(|_| name == "value");
    names.iter().filter_map(|name| Some((*name, Sort::of_field(name, parse(name))?))).collect()
}

/// Samples for every name.
struct Samples<'a> {
    known: &'a Known<'a>,
    place: &'a Place,
    which: Which,
}

impl Samples<'_> {
    fn read_at(&self, path: &[&str], shift: usize) -> Read {
        let unknown = || Read::new(Value::unknown("it is known"), shift + path.len());
        let sample = |sort: Option<Sort>, used: usize| match sort {
            Some(sort) => Read::new(sort.sample(self.which), shift + used),
            None => unknown(),
        };
        match path {
            [root @ ("params" | "vars"), name, ..] => sample(self.known.kind(root, name).and_then(Sort::of_kind), 2),
            ["host", rest @ ..] if !rest.is_empty() => self.read_at(rest, shift + 1),
            ["name" | "address", ..] | ["run", "id" | "mode" | "operator", ..] => {
                let used = if path[0] == "run" { 2 } else { 1 };
                sample(Some(Sort::Text), used)
            }
            ["groups", ..] => sample(Some(Sort::Texts), 1),
            ["outcomes", _, ..] => sample(Some(Sort::Text), 2),
            ["outputs", step, name, ..] => {
                let outputs = &self.known.kinds.0;
                sample(outputs.get(&((*step).to_owned(), (*name).to_owned())).copied(), 3)
            }
            ["targets", _, "one", ..] => Read::new(Value::host(SOME_HOST), shift + 3),
            ["targets", _, ..] if self.which == Which::Some => {
                Read::new(Value::from(vec![Value::host(SOME_HOST)]), shift + 2)
            }
            ["targets", _, ..] => Read::new(Value::from(Vec::new()), shift + 2),
            ["result", name, ..] => sample(self.place.sorts.get(name).copied(), 2),
            ["index", ..] => sample(Some(Sort::Int), 1),
            _ => unknown(),
        }
    }
}

impl Scope for Samples<'_> {
    fn read(&self, base: Base<'_>, path: &[&str]) -> Result<Read, ReadError> {
        let of_root = matches!(path.first(), Some(&("name" | "address" | "groups")));
        Ok(match base {
            Base::Root if of_root => Read::new(Value::unknown("it is known"), path.len()),
            Base::Root | Base::Host(_) => self.read_at(path, 0),
        })
    }
}

/// What is wrong with a text whatever the values are: with their kinds, or with what stands there without any. The kind of
/// what it comes to, when that is known.
pub(super) fn try_out(text: &dyn AnyText, known: &Known<'_>, place: &Place) -> Result<Option<Value>, EvalError> {
    let mut came_to = None;
    for which in [Which::Some, Which::None] {
        match text.try_out(&Samples { known, place, which }) {
            Ok(value) => came_to = Some(value),
            Err(error) if of_the_kind(&error, text) => return Err(error),
            Err(_) => {}
        }
    }
    Ok(came_to)
}

/// What is null in a text where a list is empty, as it is written: `first params.names`.
pub(super) fn null_of_nothing(text: &dyn AnyText, known: &Known<'_>, place: &Place) -> Option<(Range<usize>, String)> {
    let error = text.try_out(&Samples { known, place, which: Which::None }).err()?;
    match *error.kind {
        EvalErrorKind::Null { written } => Some((error.range, written)),
        _ => None,
    }
}

fn of_the_kind(error: &EvalError, text: &dyn AnyText) -> bool {
    let reads = || {
        text.references().iter().any(|read| error.range.start <= read.range.start && read.range.end <= error.range.end)
    };
    match &*error.kind {
        EvalErrorKind::Compare { mismatch, .. } => mismatch.left != "null" && mismatch.right != "null",
        EvalErrorKind::Argument { found, .. } | EvalErrorKind::Block { found, .. } => *found != "null",
        EvalErrorKind::NoFields { kind, .. } | EvalErrorKind::NotText { kind, .. } => *kind != "null",
        EvalErrorKind::BadValue { .. } => !reads(),
        EvalErrorKind::Secret { .. } => true,
        _ => false,
    }
}
