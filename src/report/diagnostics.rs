//! Diagnostics for people and for programs.

use crate::base::diag::Diagnostic;
use crate::base::span::Sources;

/// All findings as text.
#[must_use]
pub fn render(_sources: &Sources, _diagnostics: &[Diagnostic], _width: usize, _color: bool) -> String {
    String::new()
}

/// All findings as JSON.
#[must_use]
pub fn json(_sources: &Sources, _diagnostics: &[Diagnostic]) -> serde_json::Value {
    serde_json::Value::Null
}
