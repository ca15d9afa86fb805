//! What can be asked for at all: known of a text that is written out before anything begins, and of every other one
//! before the host is asked. A question that makes no sense has no answer, also where `optional` is said.

use crate::action::words::invalid;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::template::{EvalError, InContext, Text};

use super::http::Sending;
use super::model::Kind;

/// Whether a rendered text can be asked for; the error says what it is not.
type Fits = fn(&str) -> Result<(), String>;

fn is_path(text: &str) -> Result<(), String> {
    if text.starts_with('/') { Ok(()) } else { Err(format!("`{text}` is not an absolute path")) }
}

/// Nobody has no name, and would be found nowhere.
fn is_name(text: &str) -> Result<(), String> {
    if text.trim().is_empty() { Err(format!("`{text}` is no name")) } else { Ok(()) }
}

fn is_port(text: &str) -> Result<(), String> {
    let (address, port) = text.rsplit_once(':').map_or((None, text), |(address, port)| (Some(address), port));
    let right = port.parse::<u16>().is_ok_and(|port| port != 0) && port.bytes().all(|b| b.is_ascii_digit());
    if right && address != Some("") {
        return Ok(());
    }
    Err(format!("`{text}` is no port: it is a number from 1 to 65535, or an address with one behind a colon"))
}

fn is_url(text: &str) -> Result<(), String> {
    if Sending::can_go(text) {
        return Ok(());
    }
    Err(format!("`{text}` is no URL that can be asked: it begins with `http://` or `https://` and a host"))
}

/// Asked before the host is.
pub(super) fn path(text: String) -> Result<String, EvalError> {
    checked(text, is_path)
}

/// Likewise.
pub(super) fn name(text: String) -> Result<String, EvalError> {
    checked(text, is_name)
}

/// Likewise.
pub(super) fn port(text: String) -> Result<String, EvalError> {
    checked(text, is_port)
}

/// Likewise.
pub(super) fn url(text: String) -> Result<String, EvalError> {
    checked(text, is_url)
}

fn checked(text: String, fits: Fits) -> Result<String, EvalError> {
    fits(&text).map_err(invalid)?;
    Ok(text)
}

/// Reports what is written out and cannot be asked for.
pub(super) fn check(kind: &Kind, diags: &Diagnostics) {
    match kind {
        Kind::Command(_) => {}
        Kind::Read(text) | Kind::Path(text) | Kind::Disk(text) => crate::action::words::absolute([text], diags),
        Kind::Port(text) => literal(text, is_port, diags),
        Kind::Service(text) | Kind::Process(text) => literal(text, is_name, diags),
        Kind::Http(request) => literal(&request.url, is_url, diags),
    }
}

fn literal<C: InContext>(text: &Text<C>, fits: Fits, diags: &Diagnostics) {
    if let (true, Err(why)) = (text.is_literal(), fits(text.source())) {
        diags.push(Diagnostic::error("wrong-value", text.source().span, why));
    }
}
