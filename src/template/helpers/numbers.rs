//! `int float add sub mul div mod round duration size ago majority`. Whole numbers are exact and never overflow silently.

use std::str::FromStr;

use super::{Cx, Fault, text_arg};
use crate::template::value::Value;
use crate::text::{Dur, ScalarError, Size};

const TOO_LARGE: &str = "the result is too large";

fn bad(reason: impl Into<String>) -> Fault {
    Fault::Bad(reason.into())
}

fn number(args: &[Value], position: usize) -> Result<(), Fault> {
    match args[position] {
        Value::Int(_) | Value::Float(_) => Ok(()),
        _ => Err(Fault::Argument(position, "a number")),
    }
}

#[expect(clippy::cast_precision_loss, reason = "asked for: `float`, or one side is a float already")]
fn as_float(value: &Value) -> f64 {
    match value {
        Value::Int(n) => *n as f64,
        Value::Float(f) => *f,
        _ => f64::NAN,
    }
}

fn finite(f: f64) -> Result<Value, Fault> {
    if f.is_finite() { Ok(Value::Float(f)) } else { Err(bad(TOO_LARGE)) }
}

#[expect(clippy::cast_possible_truncation, reason = "the bounds are checked first")]
fn whole(f: f64) -> Result<Value, Fault> {
    if f.abs() < 1e38 { Ok(Value::Int(f as i128)) } else { Err(bad(TOO_LARGE)) }
}

/// From a text, or a number without a fraction.
pub(super) fn int(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    match &args[0] {
        Value::Int(n) => Ok(Value::Int(*n)),
        Value::Float(f) if f.fract() == 0.0 => whole(*f),
        Value::Float(f) => Err(bad(format!("{f} is not whole; `round` makes it so"))),
        Value::Str(s) => {
            s.trim().parse().map(Value::Int).map_err(|_| bad(format!("`{}` is not a whole number", shown(s))))
        }
        _ => Err(Fault::Argument(0, "a text or a number")),
    }
}

pub(super) fn float(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    match &args[0] {
        n @ (Value::Int(_) | Value::Float(_)) => Ok(Value::Float(as_float(n))),
        Value::Str(s) => match s.trim().parse::<f64>() {
            Ok(f) if f.is_finite() => Ok(Value::Float(f)),
            _ => Err(bad(format!("`{}` is not a number", shown(s)))),
        },
        _ => Err(Fault::Argument(0, "a text or a number")),
    }
}

/// A value for a message, cut to a readable length.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

fn arithmetic(
    args: &[Value],
    ints: fn(i128, i128) -> Option<i128>,
    floats: fn(f64, f64) -> f64,
) -> Result<Value, Fault> {
    number(args, 0)?;
    number(args, 1)?;
    match (&args[0], &args[1]) {
        (Value::Int(a), Value::Int(b)) => ints(*a, *b).map(Value::Int).ok_or_else(|| bad(TOO_LARGE)),
        (a, b) => finite(floats(as_float(a), as_float(b))),
    }
}

pub(super) fn add(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    arithmetic(args, i128::checked_add, |a, b| a + b)
}

pub(super) fn sub(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    arithmetic(args, i128::checked_sub, |a, b| a - b)
}

pub(super) fn mul(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    arithmetic(args, i128::checked_mul, |a, b| a * b)
}

fn no_zero(args: &[Value]) -> Result<(), Fault> {
    number(args, 1)?;
    if as_float(&args[1]) == 0.0 { Err(bad("division by zero")) } else { Ok(()) }
}

/// Of two whole numbers the whole part; with `float` the exact quotient.
pub(super) fn div(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    no_zero(args)?;
    arithmetic(args, i128::checked_div, |a, b| a / b)
}

pub(super) fn modulo(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    no_zero(args)?;
    arithmetic(args, i128::checked_rem_euclid, f64::rem_euclid)
}

/// To a whole number, or to so many digits behind the point.
pub(super) fn round(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    number(args, 0)?;
    let Some(digits) = args.get(1) else {
        return if let Value::Int(n) = args[0] { Ok(Value::Int(n)) } else { whole(as_float(&args[0]).round()) };
    };
    let digits = digits.as_int().and_then(|d| i32::try_from(d).ok()).filter(|d| (0..=12).contains(d));
    let scale = 10_f64.powi(digits.ok_or(Fault::Argument(1, "a whole number from 0 to 12"))?);
    finite((as_float(&args[0]) * scale).round() / scale)
}

/// Seconds; whole when they are, for exact comparisons.
pub(super) fn duration(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let Dur(time) = parsed(args)?;
    if time.subsec_nanos() == 0 { Ok(time.as_secs().into()) } else { finite(time.as_secs_f64()) }
}

/// Bytes.
pub(super) fn size(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let Size(bytes) = parsed(args)?;
    Ok(bytes.into())
}

fn parsed<T: FromStr<Err = ScalarError>>(args: &[Value]) -> Result<T, Fault> {
    text_arg(args, 0)?.trim().parse().map_err(|error: ScalarError| bad(error.to_string()))
}

/// How many seconds have passed since a time: a text as of RFC 3339, or seconds since 1970.
pub(super) fn ago(cx: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let then = match &args[0] {
        Value::Str(s) => s
            .trim()
            .parse::<jiff::Timestamp>()
            .map(jiff::Timestamp::as_millisecond)
            .map_err(|_| bad(format!("`{}` is not a time such as 2026-11-22T14:05:00Z", shown(s))))?,
        Value::Int(seconds) => {
            i64::try_from(*seconds).ok().and_then(|s| s.checked_mul(1000)).ok_or_else(|| bad(TOO_LARGE))?
        }
        _ => return Err(Fault::Argument(0, "a text or a whole number")),
    };
    Ok((cx.scope.now().0.saturating_sub(then).div_euclid(1000)).into())
}

/// How many of so many are a majority.
pub(super) fn majority(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let of = match &args[0] {
        Value::Int(n) if *n >= 0 => *n,
        Value::List(l) => i128::try_from(l.len()).unwrap_or(i128::MAX),
        _ => return Err(Fault::Argument(0, "a list or a whole number")),
    };
    Ok(Value::Int(of / 2 + 1))
}
