//! `eq ne gt gte lt lte version`.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Cx, Fault, text_arg};
use crate::template::value::Value;
use crate::template::version::Version;

/// The answer, or the step that it waits for.
fn answer(known: Option<bool>, args: &[Value]) -> Value {
    let step = || args.iter().find_map(Value::waits_for).unwrap_or_default();
    known.map_or_else(|| Value::Unknown(step()), Value::Bool)
}

pub(super) fn eq(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(answer(args[0].equals(&args[1])?, args))
}

pub(super) fn ne(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(answer(args[0].equals(&args[1])?.map(|equal| !equal), args))
}

fn ordered(args: &[Value], holds: fn(Ordering) -> bool) -> Result<Value, Fault> {
    Ok(answer(args[0].compare(&args[1])?.map(holds), args))
}

pub(super) fn gt(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    ordered(args, Ordering::is_gt)
}

pub(super) fn gte(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    ordered(args, Ordering::is_ge)
}

pub(super) fn lt(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    ordered(args, Ordering::is_lt)
}

pub(super) fn lte(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    ordered(args, Ordering::is_le)
}

pub(super) fn version(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let text = text_arg(args, 0)?;
    Version::parse(text)
        .map(|v| Value::Version(Arc::new(v)))
        .ok_or_else(|| Fault::Bad(format!("`{text}` is not a version such as 1.17.2")))
}
