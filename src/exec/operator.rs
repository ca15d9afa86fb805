//! The person at the gates, a seam: a terminal, options of the command line, a test.

use crate::base::BoxFuture;
use crate::runbook::Limits;
use crate::template::Value;

/// What a person is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The step.
    pub step: String,
    /// What the person reads.
    pub message: String,
    /// Which answers go on.
    pub expects: Expects,
}

/// Which answers to a question go on.
#[derive(Clone, Debug)]
pub enum Expects {
    /// This text.
    Consent(String),
    /// A value that fits.
    Answer {
        /// What it may be.
        limits: Box<Limits>,
        /// What counts when there is nobody, or nothing is typed.
        default: Option<String>,
    },
    /// That it was done.
    Deed,
}

impl Expects {
    /// What is typed when something was done by hand.
    pub const DONE: &str = "done";

    /// What to type, or what fits, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Consent(text) => text.clone(),
            Self::Answer { limits, default: None } => limits.in_words(),
            Self::Answer { limits, default: Some(default) } => format!("{}; by default {default}", limits.in_words()),
            Self::Deed => Self::DONE.to_owned(),
        }
    }

    /// The value of an answer that goes on, if it has one. The error says why another does not.
    pub fn accepts(&self, text: &str) -> Result<Option<Value>, String> {
        let exactly = |wanted: &str| {
            if text == wanted { Ok(None) } else { Err(format!("`{wanted}` was to be typed, and `{text}` was")) }
        };
        match self {
            Self::Consent(wanted) => exactly(wanted),
            Self::Deed => exactly(Self::DONE),
            Self::Answer { .. } if text.is_empty() => Err("nothing was typed".to_owned()),
            Self::Answer { limits, .. } => limits.typed(&Value::str(text)).map(Some),
        }
    }

    /// How a gate that stays shut is called.
    #[must_use]
    pub fn refused(&self) -> &'static str {
        match self {
            Self::Consent(_) => "not confirmed",
            Self::Answer { .. } => "not answered",
            Self::Deed => "not done by hand",
        }
    }
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
    /// There is nobody to ask; why, and what to do.
    Nobody(String),
}

/// Somebody who can be asked.
pub trait Operator: Send + Sync {
    /// Asks. A refusal is a text that is not the expected one. The question is withdrawn when the future is dropped.
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Reply>;
}

#[cfg(test)]
mod tests {
    use crate::base::span::Span;
    use crate::runbook::Kind;
    use crate::text::Sp;

    use super::*;

    #[test]
    fn which_answers_go_on() {
        let limits = |kind, values| {
            let kind = Sp::new(kind, Span::NOWHERE);
            Box::new(Limits { kind, values, min: None, max: None, pattern: None, optional: false })
        };
        let answer = |kind, values: Option<Vec<Value>>| Expects::Answer { limits: limits(kind, values), default: None };
        let places = || Some(vec![Value::str("live"), Value::str("trial")]);
        let rows = [
            (Expects::Consent("dc1".to_owned()), "dc1", Some(None)),
            (Expects::Consent("dc1".to_owned()), "dc1 ", None),
            (Expects::Consent("dc1".to_owned()), "", None),
            (Expects::Deed, "done", Some(None)),
            (Expects::Deed, "yes", None),
            (answer(Kind::Int, None), "12", Some(Some(Value::Int(12)))),
            (answer(Kind::Int, None), "twelve", None),
            (answer(Kind::Int, None), "", None),
            (answer(Kind::String, places()), "trial", Some(Some(Value::str("trial")))),
            (answer(Kind::String, places()), "tria", None),
        ];
        for (expects, text, expected) in rows {
            assert_eq!(expects.accepts(text).ok(), expected, "{expects:?} {text:?}");
        }
        assert_eq!(answer(Kind::String, places()).words(), "one of live, trial");
    }
}
