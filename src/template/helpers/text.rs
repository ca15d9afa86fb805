//! `concat lower upper trim replace snake split starts_with contains matches sha256 basename dirname`.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::{Cx, Fault, has, list_arg, text_arg};
use crate::template::context::scalar_text;
use crate::template::value::Value;

pub(super) fn concat(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let part = |(i, v)| scalar_text(v).ok_or(Fault::Argument(i, "a text or a number"));
    args.iter().enumerate().map(part).collect::<Result<String, _>>().map(Value::from)
}

pub(super) fn lower(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(text_arg(args, 0)?.to_lowercase().into())
}

pub(super) fn upper(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(text_arg(args, 0)?.to_uppercase().into())
}

pub(super) fn trim(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(text_arg(args, 0)?.trim().into())
}

pub(super) fn replace(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let (all, from, to) = (text_arg(args, 0)?, text_arg(args, 1)?, text_arg(args, 2)?);
    if from.is_empty() {
        return Err(Fault::Bad("what is to be replaced is empty".to_owned()));
    }
    Ok(all.replace(from, to).into())
}

/// `Web-01.example` becomes `web_01_example`: a name that SQL, shells and variables take.
pub(super) fn snake(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let words = text_arg(args, 0)?.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    Ok(words.map(str::to_lowercase).collect::<Vec<_>>().join("_").into())
}

pub(super) fn split(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let (all, separator) = (text_arg(args, 0)?, text_arg(args, 1)?);
    if separator.is_empty() {
        return Err(Fault::Bad("the separator is empty".to_owned()));
    }
    Ok(if all.is_empty() { Value::from(Vec::new()) } else { all.split(separator).map(Value::from).collect() })
}

pub(super) fn starts_with(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(text_arg(args, 0)?.starts_with(text_arg(args, 1)?).into())
}

/// A part of a text, or an element of a list.
pub(super) fn contains(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    match &args[0] {
        Value::Str(all) => Ok(all.contains(text_arg(args, 1)?).into()),
        Value::List(_) => Ok(has(list_arg(args, 0)?, &args[1])?.into()),
        _ => Err(Fault::Argument(0, "a text or a list")),
    }
}

pub(super) fn matches(cx: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let all = text_arg(args, 0)?;
    if let Some(regex) = cx.regex {
        return Ok(regex.is_match(all).into());
    }
    // A pattern that was computed; the crate limits the size of what it compiles.
    let regex = regex::Regex::new(text_arg(args, 1)?).map_err(|e| Fault::Bad(plain_regex_error(&e)))?;
    Ok(regex.is_match(all).into())
}

/// The last line of the crate's report, which says what is wrong.
#[must_use]
pub fn plain_regex_error(error: &regex::Error) -> String {
    let report = error.to_string();
    let last = report.lines().last().unwrap_or_default();
    format!("not a regular expression: {}", last.trim_start_matches("error: "))
}

pub(super) fn sha256(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text_arg(args, 0)?.as_bytes()) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    Ok(hex.into())
}

/// As the program of the name: `/a/b/` gives `b`.
pub(super) fn basename(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let path = text_arg(args, 0)?;
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return Ok(if path.is_empty() { "" } else { "/" }.into());
    }
    Ok(trimmed.rsplit('/').next().unwrap_or(trimmed).into())
}

/// As the program of the name: `/a/b/` gives `/a`, `b` gives `.`.
pub(super) fn dirname(_: &Cx<'_>, args: &[Value]) -> Result<Value, Fault> {
    let path = text_arg(args, 0)?;
    let trimmed = path.trim_end_matches('/');
    let folder = match trimmed.rsplit_once('/') {
        None if trimmed.is_empty() && !path.is_empty() => "/",
        None => ".",
        Some((folder, _)) => folder.trim_end_matches('/'),
    };
    Ok(if folder.is_empty() { "/" } else { folder }.into())
}
