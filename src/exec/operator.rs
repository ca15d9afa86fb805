//! The person at the gates, a seam: a terminal, options of the command line, a test.

use std::time::Duration;

use crate::base::BoxFuture;

/// What a person is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The step.
    pub step: String,
    /// What the person reads.
    pub message: String,
    /// What must be typed.
    pub expects: String,
    /// How long the person may take.
    pub deadline: Option<Duration>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// This was typed, by this person.
    Typed {
        /// The text.
        text: String,
        /// Who.
        by: String,
    },
    /// Nobody answered in time.
    Expired,
    /// There is nobody to ask; why, and what to do.
    Nobody(String),
}

/// Somebody who can be asked.
pub trait Operator: Send + Sync {
    /// Asks. A refusal is a text that is not the expected one.
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Reply>;
}
