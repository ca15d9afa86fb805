//! `and or not cond default empty`: what decides which arguments are evaluated, and Kleene's logic for what is not known.

use std::sync::Arc;

use crate::template::error::EvalError;
use crate::template::value::Value;

/// Which of the lazy helpers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::template) enum Lazy {
    And,
    Or,
    Not,
    Cond,
    Default,
    Empty,
}

/// A boolean that may be unknown.
pub(in crate::template) enum Truth {
    Known(bool),
    Until(Arc<str>),
}

impl Truth {
    /// `None` when the value is not a boolean.
    pub(in crate::template) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(b) => Some(Self::Known(*b)),
            Value::Unknown(step) => Some(Self::Until(Arc::clone(step))),
            _ => None,
        }
    }
}

impl Lazy {
    /// `and` stops at the first false, `or` at the first true. Behind something unknown an error is unknown too: what is
    /// unknown may well turn out so that the rest is never asked.
    pub(in crate::template) fn fold(
        self,
        truths: impl Iterator<Item = Result<Truth, EvalError>>,
    ) -> Result<Value, EvalError> {
        let decides = self == Self::Or;
        let mut waits: Option<Arc<str>> = None;
        for truth in truths {
            match truth {
                Ok(Truth::Known(b)) if b == decides => return Ok(Value::Bool(decides)),
                Ok(Truth::Known(_)) => {}
                Ok(Truth::Until(step)) => {
                    waits.get_or_insert(step);
                }
                Err(error) => match waits {
                    None => return Err(error),
                    Some(step) => return Ok(Value::Unknown(step)),
                },
            }
        }
        Ok(waits.map_or(Value::Bool(!decides), Value::Unknown))
    }
}

/// Null, "", [] and {} are empty; numbers and booleans never are.
pub(in crate::template) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Str(s) => s.is_empty(),
        Value::List(l) => l.is_empty(),
        Value::Map(m) => m.is_empty(),
        _ => false,
    }
}
