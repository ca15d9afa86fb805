//! Why evaluating failed, with the place in the text.

use std::ops::Range;
use std::sync::Arc;

use super::order::TypeMismatch;
use super::scope::ReadError;

/// A failed evaluation. Its message never holds a secret's text.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{kind}")]
pub struct EvalError {
    /// Bytes in the value.
    pub range: Range<usize>,
    /// What happened.
    #[source]
    pub kind: Box<EvalErrorKind>,
}

impl EvalError {
    /// An error at a place.
    #[must_use]
    pub fn new(range: Range<usize>, kind: EvalErrorKind) -> Self {
        Self { range, kind: Box::new(kind) }
    }

    /// The step before which the value cannot be known.
    #[must_use]
    pub fn waits_for(&self) -> Option<&Arc<str>> {
        match &*self.kind {
            EvalErrorKind::NotKnownYet { step } => Some(step),
            _ => None,
        }
    }
}

/// What can go wrong when values meet.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EvalErrorKind {
    /// The text has problems; it should not have come this far.
    #[error("the text is not valid: {message}")]
    Invalid {
        /// The first problem.
        message: String,
    },
    /// A path leads nowhere.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A key is not in a map.
    #[error("{0}")]
    Key(ReadError),
    /// A step through something that has no fields.
    #[error("`{path}` is {kind} and has no `{segment}`")]
    NoFields {
        /// What was read.
        path: String,
        /// Its kind.
        kind: &'static str,
        /// The segment that was asked for.
        segment: String,
    },
    /// A position that a list does not have.
    #[error("`{path}` has {len} elements; there is no {index}")]
    NoElement {
        /// The list.
        path: String,
        /// How long it is.
        len: usize,
        /// What was asked for.
        index: usize,
    },
    /// Kinds that cannot be compared.
    #[error("`{helper}`: {mismatch}")]
    Compare {
        /// The helper.
        helper: &'static str,
        /// The two kinds.
        mismatch: TypeMismatch,
    },
    /// An argument of the wrong kind.
    #[error("`{helper}` needs {needed} {}, and `{written}` is {found}", place(*position))]
    Argument {
        /// The helper.
        helper: &'static str,
        /// Which argument, from 0.
        position: usize,
        /// What it needs.
        needed: &'static str,
        /// What it got.
        found: &'static str,
        /// How the argument is written.
        written: String,
    },
    /// An argument of the right kind with a value that is no good.
    #[error("`{helper}`: {reason}")]
    BadValue {
        /// The helper.
        helper: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Null in text.
    #[error("`{written}` is null; write `default {} \"…\"` where it may be missing", parens(written))]
    Null {
        /// The expression.
        written: String,
    },
    /// A list or map in text.
    #[error("`{written}` is {kind} and cannot stand in text; {instead}")]
    NotText {
        /// The expression.
        written: String,
        /// What it is.
        kind: &'static str,
        /// What to write.
        instead: &'static str,
    },
    /// A block got something that it cannot work on.
    #[error("`#{block}` needs {needed}, and `{written}` is {found}")]
    Block {
        /// `if`, `each`, ….
        block: &'static str,
        /// What it needs.
        needed: &'static str,
        /// What it got.
        found: &'static str,
        /// The expression.
        written: String,
    },
    /// A secret would become part of a command line.
    #[error("`{written}` is a secret and cannot stand in a command; give it by `env`, `stdin` or a file")]
    Secret {
        /// The expression.
        written: String,
    },
    /// A value that cannot stand where it is inserted.
    #[error("`{written}` cannot be inserted here: {reason}")]
    Unfit {
        /// The expression.
        written: String,
        /// Why.
        reason: String,
    },
    /// A field that cannot wait got a value that is not known yet.
    #[error("not known before step `{step}` has run")]
    NotKnownYet {
        /// The step.
        step: Arc<str>,
    },
    /// A rendered text is not of the field's type.
    #[error("{reason}")]
    Convert {
        /// What is wrong.
        reason: String,
    },
    /// Too deep or too large.
    #[error("the rendered text is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
}

fn place(position: usize) -> String {
    match position {
        0 => "first".to_owned(),
        1 => "second".to_owned(),
        2 => "third".to_owned(),
        n => format!("as argument {}", n + 1),
    }
}

fn parens(written: &str) -> String {
    if written.contains(' ') && !written.starts_with('(') { format!("({written})") } else { written.to_owned() }
}
