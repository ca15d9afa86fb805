//! One event a line, as the journal holds it.

use std::fmt::Write as _;
use std::io::Write;

use super::Reporter;
use super::escape::steers;
use crate::event::{Event, RunState};

/// Writes JSON lines. A pipe that nobody reads any more does not stop a run.
pub struct JsonLines<W> {
    out: W,
}

impl<W: Write + Send> JsonLines<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write + Send> Reporter for JsonLines<W> {
    fn event(&mut self, event: &Event, _state: &RunState) {
        if let Ok(line) = serde_json::to_string(event) {
            let _ = writeln!(self.out, "{}", inert(&line)).and_then(|()| self.out.flush());
        }
    }
}

/// The same JSON with everything that steers a terminal as `\u` escapes. Such characters occur in strings only.
#[must_use]
pub fn inert(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && steers(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing into a String cannot fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn inert_json_means_the_same_and_steers_nothing(text in any::<String>()) {
            let json = inert(&serde_json::to_string_pretty(&[&text, "\u{9b}\u{202e}\u{e0041}"]).expect("writes"));
            prop_assert!(!json.chars().any(|c| c != '\n' && steers(c)));
            prop_assert_eq!(&serde_json::from_str::<Vec<String>>(&json).expect("reads")[0], &text);
        }
    }
}
