//! `words json sql url raw`. `words` and `raw` act on the place where they stand: the context pass has dealt with them
//! before evaluation, and has refused them everywhere else.

use std::fmt::Write as _;

use super::{Cx, Fault, list_arg, text_arg};
use crate::template::context::scalar_text;
use crate::template::value::Value;

pub(super) fn words(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    list_arg(args, 0).map(|_| args[0].clone())
}

#[expect(clippy::unnecessary_wraps, reason = "every helper has the same type")]
pub(super) fn raw(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(args[0].clone())
}

#[expect(clippy::unnecessary_wraps, reason = "every helper has the same type")]
pub(super) fn json(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(args[0].to_json().to_string().into())
}

/// A literal of standard SQL. A text with a backslash is written so that the setting of
/// `standard_conforming_strings` does not matter.
pub(super) fn sql(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(match &args[0] {
        Value::Null => "null".into(),
        Value::Bool(b) => b.to_string().into(),
        n @ (Value::Int(_) | Value::Float(_)) => scalar_text(n).unwrap_or_default().into(),
        Value::Str(s) | Value::Host(s) if s.contains('\0') => {
            return Err(Fault::Bad(format!(
                "SQL texts hold no NUL, and this has one at byte {}",
                s.find('\0').unwrap_or(0)
            )));
        }
        Value::Str(s) | Value::Host(s) => {
            let quoted = s.replace('\'', "''");
            if s.contains('\\') {
                // The blank keeps `E` apart from a word before it.
                format!(" E'{}'", quoted.replace('\\', "\\\\")).into()
            } else {
                format!("'{quoted}'").into()
            }
        }
        _ => return Err(Fault::Argument(0, "a text, a number, a boolean or null")),
    })
}

pub(super) fn url(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    match &args[0] {
        Value::Int(_) | Value::Host(_) => Ok(percent(&scalar_text(&args[0]).unwrap_or_default()).into()),
        _ => Ok(percent(text_arg(args, 0)?).into()),
    }
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
pub(in crate::template) fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
