//! Small words that all actions, probes and guards share.

use std::sync::Arc;
use std::time::Duration;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::template::{EvalError, EvalErrorKind, Plain, Rendered, Text, Value};
use crate::text::Sp;

/// The text of what was rendered, in which nothing may be unknown.
pub fn known(rendered: Rendered) -> Result<String, EvalError> {
    match rendered.unknown.first() {
        None => Ok(rendered.text),
        Some(hole) => {
            Err(EvalError::new(hole.range.clone(), EvalErrorKind::NotKnownYet { step: Arc::clone(&hole.step) }))
        }
    }
}

/// The same, for what becomes visible on a host: command lines, paths, names.
pub fn visible(rendered: Rendered) -> Result<String, EvalError> {
    if rendered.secret {
        return Err(invalid(
            "a secret would stand in a command line, where everybody on the host can read it; give it by `env` or `stdin`".to_owned(),
        ));
    }
    known(rendered)
}

/// A value that was rendered well and cannot be used for what it is meant for.
#[must_use]
pub fn invalid(reason: String) -> EvalError {
    EvalError::new(0..0, EvalErrorKind::Convert { reason })
}

/// Says which of these texts cannot become an absolute path: they begin with something else than `/` or a value.
pub fn absolute<'a>(paths: impl IntoIterator<Item = &'a Text<Plain>>, diags: &Diagnostics) {
    for path in paths {
        let Sp { value, span } = path.source();
        let open = path.insertions().first().is_some_and(|value| value.start == 0);
        if !open && !value.starts_with('/') && path.problems().is_empty() {
            diags.push(
                Diagnostic::error("relative-path", *span, format!("`{value}` is not an absolute path"))
                    .help("write the whole path, from `/` on: it is the same wherever the step works"),
            );
        }
    }
}

/// Says which of these texts cannot be the name of a user or group.
pub fn owners<'a>(names: impl IntoIterator<Item = &'a Text<Plain>>, diags: &Diagnostics) {
    for name in names {
        let Sp { value, span } = name.source();
        if name.is_literal() && !crate::transport::is_user(value) {
            let message = format!("`{value}` is not the name of a user or group");
            diags.push(Diagnostic::error("wrong-value", *span, message));
        }
    }
}

/// A path as it was rendered, when it is one from `/` on, and no value leads out of the folder that the author wrote.
pub fn whole_path(path: String, written: &str) -> Result<String, EvalError> {
    let leaves = |path: &str| path.split('/').any(|part| part == "..");
    if !path.starts_with('/') || path.contains('\0') {
        return Err(invalid(format!("`{path}` is not an absolute path")));
    }
    if leaves(&path) && !leaves(written) {
        return Err(invalid(format!("a value leads out of its folder: `{path}`")));
    }
    Ok(path)
}

/// The name or path of a shell: one word, and no option of the program that starts it.
pub fn shell_name(name: String) -> Result<String, EvalError> {
    if name.is_empty() || name.starts_with('-') || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(invalid(format!("`{name}` cannot be the name of a shell")));
    }
    Ok(name)
}

/// A list of values.
pub fn list(values: impl IntoIterator<Item = Value>) -> Value {
    Value::List(Arc::new(values.into_iter().collect()))
}

/// A text cut to what fits beside other things in one line.
#[must_use]
pub fn clip(text: &str) -> String {
    const WIDTH: usize = 160;
    let line = text.split('\n').map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join(" / ");
    if line.chars().count() <= WIDTH {
        return line;
    }
    let mut cut: String = line.chars().take(WIDTH - 1).collect();
    cut.push('…');
    cut
}

/// A duration in words: `10s`, `1.5s`, `2m`.
#[must_use]
pub fn seconds(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis.is_multiple_of(60_000) && millis > 0 {
        format!("{}m", millis / 60_000)
    } else if millis.is_multiple_of(1000) {
        format!("{}s", millis / 1000)
    } else if millis < 1000 {
        format!("{millis}ms")
    } else {
        format!("{:.1}s", duration.as_secs_f64())
    }
}

/// An exit code in words: a shell reports a signal as 128 and its number.
#[must_use]
pub fn exit_words(code: i32) -> String {
    match code {
        126 => "126 (found, but cannot be executed)".to_owned(),
        127 => "127 (no such command on the host)".to_owned(),
        129..=159 => format!("{code} (128+{}, probably a signal)", code - 128),
        _ => code.to_string(),
    }
}
