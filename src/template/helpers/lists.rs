//! `len first last sort unique in join pluck find where minus union subset same_set min max sum`.

use std::cmp::Ordering;

use super::{Cx, Fault, has, list_arg, order, text_arg};
use crate::template::context::scalar_text;
use crate::template::value::Value;

pub(super) fn len(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    match &args[0] {
        Value::List(l) => Ok(l.len().into()),
        Value::Map(m) => Ok(m.len().into()),
        Value::Str(s) => Ok(s.chars().count().into()),
        _ => Err(Fault::Argument(0, "a list, a map or a text")),
    }
}

pub(super) fn first(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(list_arg(args, 0)?.first().cloned().unwrap_or(Value::Null))
}

pub(super) fn last(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(list_arg(args, 0)?.last().cloned().unwrap_or(Value::Null))
}

/// Hosts are sorted by their names.
pub(super) fn sort(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let mut sorted = list_arg(args, 0)?.to_vec();
    let mut fault = None;
    sorted.sort_by(|a, b| match (a, b) {
        (Value::Host(a), Value::Host(b)) => a.cmp(b),
        _ => order(a, b).unwrap_or_else(|f| {
            fault.get_or_insert(f);
            Ordering::Equal
        }),
    });
    match fault {
        None if sorted.len() == 1 => order_of_one(&sorted[0]).map(|()| sorted.into()),
        None => Ok(sorted.into()),
        Some(fault) => Err(fault),
    }
}

/// A list of one element is as strict as a list of two.
fn order_of_one(value: &Value) -> Result<(), Fault> {
    if matches!(value, Value::Host(_)) { Ok(()) } else { order(value, value).map(|_| ()) }
}

pub(super) fn unique(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    distinct(list_arg(args, 0)?).map(Value::from)
}

fn distinct<'a>(elements: impl IntoIterator<Item = &'a Value>) -> Result<Vec<Value>, Fault> {
    let mut seen: Vec<Value> = Vec::new();
    for element in elements {
        if !has(&seen, element)? {
            seen.push(element.clone());
        }
    }
    Ok(seen)
}

pub(super) fn is_in(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(has(list_arg(args, 1)?, &args[0])?.into())
}

pub(super) fn join(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let separator = if args.len() > 1 { text_arg(args, 1)? } else { ", " };
    let texts = list_arg(args, 0)?
        .iter()
        .enumerate()
        .map(|(i, v)| scalar_text(v).ok_or_else(|| Fault::Bad(format!("element {i} is {}, not a text", v.kind()))))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(texts.join(separator).into())
}

pub(super) fn pluck(cx: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let path = text_arg(args, 1)?;
    list_arg(args, 0)?
        .iter()
        .map(|e| (cx.walk)(e, path, false).map_err(Fault::from))
        .collect::<Result<Vec<_>, _>>()
        .map(Value::from)
}

/// For each element whether the value at the path equals; `Err(step)` where that is not known.
fn marks(cx: &Cx<'_>, args: &[Value]) -> Result<Vec<Option<bool>>, Fault> {
    let path = text_arg(args, 1)?;
    list_arg(args, 0)?.iter().map(|e| Ok((cx.walk)(e, path, true)?.equals(&args[2])?)).collect()
}

fn waiting(args: &[Value], cx: &Cx<'_>, at: usize) -> Value {
    let found = list_arg(args, 0).ok().and_then(|l| (cx.walk)(&l[at], text_arg(args, 1).ok()?, true).ok());
    found.and_then(|v| v.waits_for()).or_else(|| args[2].waits_for()).map_or(Value::Null, Value::Unknown)
}

/// The first element that matches, else null. An unknown one before it makes the answer unknown.
pub(super) fn find(cx: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let marks = marks(cx, args)?;
    Ok(match marks.iter().position(|m| *m != Some(false)) {
        None => Value::Null,
        Some(at) if marks[at].is_none() => waiting(args, cx, at),
        Some(at) => list_arg(args, 0)?[at].clone(),
    })
}

pub(super) fn filter(cx: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let marks = marks(cx, args)?;
    if let Some(at) = marks.iter().position(Option::is_none) {
        return Ok(waiting(args, cx, at));
    }
    let kept = list_arg(args, 0)?.iter().zip(&marks).filter(|(_, m)| **m == Some(true));
    Ok(kept.map(|(e, _)| e.clone()).collect())
}

pub(super) fn minus(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let (all, without) = (list_arg(args, 0)?, list_arg(args, 1)?);
    let mut kept = Vec::new();
    for element in all {
        if !has(without, element)? {
            kept.push(element.clone());
        }
    }
    Ok(kept.into())
}

pub(super) fn union(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let lists = (0..args.len()).map(|i| list_arg(args, i)).collect::<Result<Vec<_>, _>>()?;
    distinct(lists.into_iter().flatten()).map(Value::from)
}

fn within(part: &[Value], all: &[Value]) -> Result<bool, Fault> {
    for element in part {
        if !has(all, element)? {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn subset(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(within(list_arg(args, 0)?, list_arg(args, 1)?)?.into())
}

pub(super) fn same_set(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let (a, b) = (list_arg(args, 0)?, list_arg(args, 1)?);
    Ok((within(a, b)? && within(b, a)?).into())
}

fn extreme(args: &[Value], wanted: Ordering) -> Result<Value, Fault> {
    let mut best = Value::Null;
    for element in list_arg(args, 0)? {
        let against = if best.is_null() { element } else { &best };
        if order(element, against)? == wanted || best.is_null() {
            best = element.clone();
        }
    }
    Ok(best)
}

/// Null for an empty list.
pub(super) fn min(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    extreme(args, Ordering::Less)
}

/// Null for an empty list.
pub(super) fn max(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    extreme(args, Ordering::Greater)
}

pub(super) fn sum(cx: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let mut total = Value::Int(0);
    for (i, element) in list_arg(args, 0)?.iter().enumerate() {
        if !matches!(element, Value::Int(_) | Value::Float(_)) {
            return Err(Fault::Bad(format!("element {i} is {}, not a number", element.kind())));
        }
        total = super::numbers::add(cx, &[total, element.clone()])?;
    }
    Ok(total)
}
