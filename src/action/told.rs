//! What a leaf does, for a reader who has never seen the tool: as it is written, before any value is known.

use crate::template::AnyText;

/// What a leaf does, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// One sentence without its full stop.
    pub what: String,
    /// What stands below it as it is: a command, an argument list, a content.
    pub text: Option<String>,
}

impl Told {
    /// A sentence.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), text: None }
    }

    /// A sentence, and a text below it.
    #[must_use]
    pub fn with(what: impl Into<String>, text: &str) -> Self {
        Self { what: what.into(), text: Some(text.trim_end().to_owned()) }
    }
}

/// A text as it is written, marked as such; in one line, in which the ends of its lines can be seen.
#[must_use]
pub fn written(text: &dyn AnyText) -> String {
    let lines = text.source().value.trim().lines().map(str::trim);
    format!("`{}`", lines.collect::<Vec<_>>().join(" ⏎ "))
}

/// The words that are there, behind a comma each.
pub(super) fn also(words: impl IntoIterator<Item = Option<String>>) -> String {
    let all: Vec<String> = words.into_iter().flatten().collect();
    if all.is_empty() { String::new() } else { format!(", {}", all.join(", ")) }
}

/// Whose it becomes and who may do what with it.
pub(super) fn owned(owner: Option<&dyn AnyText>, group: Option<&dyn AnyText>, mode: Option<String>) -> String {
    also([
        owner.map(|owner| format!("owner {}", written(owner))),
        group.map(|group| format!("group {}", written(group))),
        mode.map(|mode| format!("mode {mode}")),
    ])
}
