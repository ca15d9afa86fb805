//! Contexts: what a text is, and so how a value is inserted into it. A value can never become syntax.
//!
//! The pass of a context ([`settle`]) carries its lexical state through text and blocks and chooses an [`Escape`] for
//! each insertion. Branches must end in the same state. What cannot be made safe is a problem that says what to write
//! instead; what only the value can tell is checked when it is inserted ([`apply`]).

mod escape;
mod interpreter;
mod json;
mod machine;
mod regex;
mod shell;
mod shell_habits;
mod shell_quotes;
mod shell_redirect;
mod shell_words;
mod url;
mod yaml;

use super::ast::{Block, Ex, ExKind, Node};
use super::problem::Problem;

pub(super) use escape::{Escape, apply, scalar_text};
pub use interpreter::{check_argv, check_stdin, check_words};
pub use shell_habits::habits;

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// Data or words for people: values are inserted as they are.
    Plain,
    /// POSIX shell.
    Shell,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// A URL.
    Url,
    /// A regular expression.
    Regex,
}

impl Context {
    /// The context of a file by the ending of its destination (or of its template, less `.hbs`).
    #[must_use]
    pub fn of_file(path: &str) -> Self {
        let path = path.to_ascii_lowercase();
        // a file that is put in the place of another later is of its kind
        let passing = |part: &&str| matches!(*part, "hbs" | "tmp" | "new" | "bak" | "orig");
        match path.rsplit('.').find(|part| !passing(part)).filter(|ending| path.len() > ending.len()) {
            Some("json") => Self::Json,
            Some("yaml" | "yml") => Self::Yaml,
            _ => Self::Plain,
        }
    }
}

/// A context as a type: `Text<Shell>`.
pub trait InContext: 'static {
    /// The context.
    const CONTEXT: Context;
}

macro_rules! markers {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name;
        impl InContext for $name {
            const CONTEXT: Context = Context::$name;
        }
    )*};
}

markers! {
    /// Marks plain text.
    Plain,
    /// Marks a shell text.
    Shell,
    /// Marks JSON.
    Json,
    /// Marks YAML.
    Yaml,
    /// Marks a URL.
    Url,
    /// Marks a regular expression.
    Regex,
}

/// Chooses an escape for every insertion.
pub(super) fn settle(context: Context, source: &str, nodes: &mut [Node], problems: &mut Vec<Problem>) {
    outputs_in_place(context, nodes, problems);
    match context {
        Context::Plain => {}
        Context::Shell => shell::settle(nodes, problems),
        Context::Json => machine::run(json::Json::default(), nodes, problems),
        Context::Yaml => machine::run(yaml::Yaml::default(), nodes, problems),
        Context::Regex => machine::run(regex::Regex::default(), nodes, problems),
        Context::Url => {
            let alone = matches!(nodes, [Node::Insert { .. }]);
            machine::run(url::Url::new(alone), nodes, problems);
        }
    }
    debug_assert!(source.len() >= problems.iter().map(|p| p.range.end).max().unwrap_or(0), "problems are in the text");
}

/// The helper that an insertion consists of.
fn outermost(ex: &Ex) -> Option<&'static str> {
    if let ExKind::Call(call) = &ex.kind { Some(call.helper.name) } else { None }
}

/// `raw` and `words` are about a place, so they must be outermost; `raw` gives its place up.
fn outputs_in_place(context: Context, nodes: &mut [Node], problems: &mut Vec<Problem>) {
    for node in nodes {
        match node {
            Node::Text { .. } => {}
            Node::Insert { ex, range, escape } => {
                inner_outputs(ex, true, problems);
                match outermost(ex) {
                    Some("raw") => {
                        *escape = if context == Context::Shell { Escape::RawShell } else { Escape::Raw };
                        problems.push(
                            Problem::warning("raw-value", range.clone(), "the value is inserted as it is")
                                .label("it can become syntax here")
                                .help("leave `raw` out unless the value is part of the program itself"),
                        );
                    }
                    Some("words") if context != Context::Shell => problems.push(
                        Problem::error("words-outside-shell", range.clone(), "`words` is for shell texts")
                            .help("write `join list \" \"`"),
                    ),
                    _ => {}
                }
            }
            Node::Block(block) => {
                let Block { arg, body, inverse, .. } = block.as_mut();
                inner_outputs(arg, false, problems);
                outputs_in_place(context, body, problems);
                if let Some((_, inverse)) = inverse {
                    outputs_in_place(context, inverse, problems);
                }
            }
        }
    }
}

/// Finds `raw` and `words` inside of other helpers.
pub(super) fn inner_outputs(ex: &Ex, outermost_is_fine: bool, problems: &mut Vec<Problem>) {
    let ExKind::Call(call) = &ex.kind else { return };
    if !outermost_is_fine && matches!(call.helper.name, "raw" | "words") {
        let name = call.helper.name;
        problems.push(
            Problem::error(
                "output-helper-inside",
                ex.range.clone(),
                format!("`{name}` must be outermost in `{{{{ }}}}`"),
            )
            .help(format!("write `{{{{{name} (…)}}}}`")),
        );
    }
    for arg in &call.args {
        inner_outputs(arg, false, problems);
    }
}
