//! Fields that hold a literal or a template: `parallel: 3`, `parallel: "{{params.n}}"`.

use super::context::{Context, Plain};
use super::error::{EvalError, EvalErrorKind};
use super::problem::Problem;
use super::reference::Reference;
use super::scope::Scope;
use super::text::{AnyText, Text};
use super::value::Value;
use crate::text::{Amount, Dur, Mode, Size, Sp};

/// A type that a [`Val`] can hold.
pub trait FromText: Sized + Clone {
    /// For messages: "a boolean", "a duration".
    const WHAT: &'static str;

    /// From text: what a template came to, or what is written between quotes. `Err` says what is wrong, as a fragment.
    fn from_text(text: &str) -> Result<Self, String>;

    /// From a value: a YAML literal, or a template that is one expression. Type-strict; texts go to
    /// [`FromText::from_text`] unless a type overrides it.
    fn from_value(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) => Self::from_text(text),
            other => Err(format!("{} is needed, not {}", Self::WHAT, other.kind())),
        }
    }
}

/// What a [`Val`] came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Known<T> {
    /// The value.
    Yes(T),
    /// Not before this step has run.
    Until(std::sync::Arc<str>),
}

/// A literal, or a text that becomes one.
#[derive(Clone, Debug)]
pub struct Val<T> {
    text: Text<Plain>,
    /// `Err` when the literal is not one of `T`: then it is among the problems.
    literal: Option<T>,
    problems: Vec<Problem>,
}

impl<T: FromText> Val<T> {
    /// From a literal of the file. `written` is how it is written, with its place.
    #[must_use]
    pub fn from_literal(written: Sp<String>, value: &Value) -> Self {
        if matches!(value, Value::Str(s) if s.contains("{{")) {
            let text = Text::<Plain>::new(written);
            let problems = text.problems().to_vec();
            return Self { text, literal: None, problems };
        }
        let range = 0..written.value.len();
        let (literal, problems) = match T::from_value(value) {
            Ok(literal) => (Some(literal), Vec::new()),
            Err(reason) => (None, vec![Problem::error("wrong-type", range, reason)]),
        };
        Self { text: Text::new(written), literal, problems }
    }

    /// The literal, if it is one.
    #[must_use]
    pub fn literal(&self) -> Option<&T> {
        self.literal.as_ref()
    }

    /// The value. One that is not known yet is an error here; [`Val::known`] tells.
    pub fn get(&self, scope: &dyn Scope) -> Result<T, EvalError> {
        match self.known(scope)? {
            Known::Yes(value) => Ok(value),
            Known::Until(step) => Err(EvalError::new(0..self.text.source().len(), EvalErrorKind::NotKnownYet { step })),
        }
    }

    /// The value, or the step that it waits for.
    pub fn known(&self, scope: &dyn Scope) -> Result<Known<T>, EvalError> {
        if let Some(literal) = &self.literal {
            return Ok(Known::Yes(literal.clone()));
        }
        let value = self.text.value(scope)?;
        if let Some(step) = value.waits_for() {
            return Ok(Known::Until(step));
        }
        T::from_value(&value)
            .or_else(|reason| if let Value::Str(s) = &value { T::from_text(s) } else { Err(reason) })
            .map(Known::Yes)
            .map_err(|reason| EvalError::new(0..self.text.source().len(), EvalErrorKind::Convert { reason }))
    }
}

impl<T: FromText> AnyText for Val<T> {
    fn source(&self) -> &Sp<String> {
        self.text.source()
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn references(&self) -> &[Reference] {
        self.text.references()
    }

    fn context(&self) -> Option<Context> {
        Some(Context::Plain)
    }

    fn try_out(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        self.text.value(scope)
    }
}

/// Two values are equal when they are written the same, wherever they stand.
impl<T> PartialEq for Val<T> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl FromText for bool {
    const WHAT: &'static str = "a boolean";

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("`true` or `false` is needed, not `{text}`"))
    }

    fn from_value(value: &Value) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| format!("{} is needed, not {}", Self::WHAT, value.kind()))
    }
}

impl FromText for u64 {
    const WHAT: &'static str = "a whole number";

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("a whole number is needed, not `{text}`"))
    }

    fn from_value(value: &Value) -> Result<Self, String> {
        match value {
            Value::Int(n) => Self::try_from(*n).map_err(|_| format!("{n} is out of range")),
            other => Err(format!("{} is needed, not {}", Self::WHAT, other.kind())),
        }
    }
}

impl FromText for String {
    const WHAT: &'static str = "a text";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

macro_rules! words {
    ($($t:ty, $what:literal, $number:literal;)*) => {$(
        impl FromText for $t {
            const WHAT: &'static str = $what;

            fn from_text(text: &str) -> Result<Self, String> {
                text.parse().map_err(|error: crate::text::ScalarError| error.to_string())
            }

            fn from_value(value: &Value) -> Result<Self, String> {
                match value {
                    Value::Str(text) => Self::from_text(text),
                    // `0`, and a number of hosts or bytes. A mode would have lost its octal form.
                    Value::Int(n) if $number => Self::from_text(&n.to_string()),
                    other => Err(format!("{} is needed, not {}", Self::WHAT, other.kind())),
                }
            }
        }
    )*};
}

words! {
    Dur, "a duration", true;
    Size, "a size", true;
    Amount, "a number of hosts or a share", true;
    Mode, "a file mode between quotes", false;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::scope::{Base, Read, ReadError};
    use crate::text::Sp;

    struct Params;

    impl Scope for Params {
        fn read(&self, _: Base<'_>, path: &[&str]) -> Result<Read, ReadError> {
            Ok(match path {
                ["params", "n"] => Read::new(3, 2),
                ["params", "text"] => Read::new("4", 2),
                _ => Read::new(Value::unknown("start"), path.len()),
            })
        }
    }

    fn val<T: FromText>(written: &str) -> Val<T> {
        Val::from_literal(Sp::new(written.to_owned(), crate::base::span::Span::default()), &written.into())
    }

    #[test]
    fn a_template_of_one_expression_is_typed_and_a_mixed_one_is_read() {
        assert_eq!(val::<u64>("{{params.n}}").get(&Params), Ok(3));
        assert_eq!(val::<u64>("1{{params.n}}").get(&Params), Ok(13));
        assert_eq!(val::<Dur>("{{params.n}}m").get(&Params), Ok(Dur::secs(180)));
        assert_eq!(val::<String>("{{params.text}}").get(&Params), Ok("4".to_owned()));
        assert!(val::<bool>("{{params.n}}").get(&Params).is_err());
        assert_eq!(val::<u64>("{{outputs.x}}").known(&Params), Ok(Known::Until("start".into())));
        assert_eq!(
            val::<u64>("{{outputs.x}}").get(&Params).expect_err("unknown").to_string(),
            "not known before step `start` has run"
        );
    }
}
