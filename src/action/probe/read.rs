//! `read:` the text of a file.

use crate::action::words::clip;
use crate::template::{Scope, Value};
use crate::transport::Look;

use super::model::Probe;
use super::{Found, Parse, ProbeError};
use crate::action::Login;
use crate::template::{Plain, Text};

pub(super) async fn ask(
    path: &Text<Plain>,
    probe: &Probe,
    look: &dyn Look,
    login: &Login,
    scope: &dyn Scope,
) -> Result<Found, ProbeError> {
    let (path, text) = super::about(path, super::fits::path, "cat -- \"$1\"", probe, look, login, scope).await?;
    super::check_match(probe, text.strip_suffix('\n').unwrap_or(&text), scope)?;
    let value = probe.parse.as_ref().unwrap_or(&Parse::Text).apply(&text).map_err(ProbeError::Unparsable)?;
    let size = i128::try_from(text.len()).unwrap_or(i128::MAX);
    Ok(Found {
        success: true,
        seen: format!("{path}: {}", clip(text.trim())),
        result: Value::map([("value".to_owned(), value), ("size_bytes".to_owned(), Value::Int(size))]),
    })
}
