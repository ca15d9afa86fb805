//! `get`.

use super::{Cx, Fault, text_arg};
use crate::template::value::Value;

/// What a path leads to in a map, a list or a host. Null stays null, and a key that is not there is null: this is how one
/// asks for what may be missing.
pub(super) fn get(cx: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    match &args[0] {
        Value::Null => Ok(Value::Null),
        from @ (Value::Map(_) | Value::List(_) | Value::Host(_)) => Ok((cx.walk)(from, text_arg(args, 1)?, true)?),
        _ => Err(Fault::Argument(0, "a map")),
    }
}
