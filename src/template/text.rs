//! Texts: strings with `{{ }}` in a context. A text never fails to be decoded; what is wrong with it is kept with it, so
//! that all mistakes of a file come in one go.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use super::compiled::Compiled;
use super::context::{Context, InContext, Plain};
use super::error::EvalError;
use super::problem::Problem;
use super::reference::Reference;
use super::scope::Scope;
use super::value::Value;
use crate::base::secret::MASK;
use crate::text::Sp;

/// What the validator visits: every text, expression and templated value, whatever its type.
pub trait AnyText {
    /// As it is written.
    fn source(&self) -> &Sp<String>;
    /// What is wrong with it.
    fn problems(&self) -> &[Problem];
    /// What it reads.
    fn references(&self) -> &[Reference];
    /// What its values are escaped for; `None` for an expression.
    fn context(&self) -> Option<Context>;
    /// What it comes to with these values.
    fn try_out(&self, scope: &dyn Scope) -> Result<Value, EvalError>;
}

/// A place in a rendered text whose value is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hole {
    /// The step that will tell.
    pub step: Arc<str>,
    /// Bytes in the rendered text.
    pub range: Range<usize>,
}

/// A rendered text.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The text. With holes in it, it is for showing, never for use.
    pub text: String,
    /// The holes.
    pub unknown: Vec<Hole>,
    /// The paths that were read, in order, each once: `params.x`, or `consul-1:vars.x` for another host's.
    pub reads: Vec<String>,
    /// Whether a secret is in the text: then it may go to env, stdin or a file, never to a command line.
    pub secret: bool,
}

impl Rendered {
    /// The same with its holes as ordinary text, for a dry run that shows it.
    #[must_use]
    pub fn shown(self) -> Self {
        Self { unknown: Vec::new(), ..self }
    }
}

impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = if self.secret { MASK } else { &self.text };
        f.debug_struct("Rendered").field("text", &text).field("unknown", &self.unknown).finish_non_exhaustive()
    }
}

/// Text in a context. `Text` alone is plain text.
pub struct Text<C = Plain> {
    source: Sp<String>,
    /// `None` for a literal, which is never compiled.
    compiled: Option<Arc<Compiled>>,
    context: PhantomData<fn() -> C>,
}

impl<C: InContext> Text<C> {
    /// Compiles a text; what is wrong with it is in [`Text::problems`].
    #[must_use]
    pub fn new(source: Sp<String>) -> Self {
        let compiled = source.value.contains("{{").then(|| Arc::new(Compiled::new(&source.value, C::CONTEXT)));
        Self { source, compiled, context: PhantomData }
    }

    /// As it is written.
    #[must_use]
    pub fn source(&self) -> &Sp<String> {
        &self.source
    }

    /// What is wrong with it.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        self.compiled.as_ref().map_or(&[], |c| c.problems())
    }

    /// What it reads.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        self.compiled.as_ref().map_or(&[], |c| c.references())
    }

    /// Whether nothing is inserted.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.compiled.is_none()
    }

    /// The places in the source where a value is inserted.
    #[must_use]
    pub fn insertions(&self) -> Vec<Range<usize>> {
        self.compiled.as_ref().map(|c| c.insertions()).unwrap_or_default()
    }

    /// Its value: of the expression, when the text is one and nothing else; else the rendered text.
    pub fn value(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        match &self.compiled {
            None => Ok(Value::str(self.source.value.as_str())),
            Some(compiled) => compiled.value(scope),
        }
    }

    /// Renders the text, once: inserted values are data and never looked at again.
    pub fn render(&self, scope: &dyn Scope) -> Result<Rendered, EvalError> {
        match &self.compiled {
            None => Ok(Rendered { text: self.source.value.clone(), ..Rendered::default() }),
            Some(compiled) => compiled.render(scope),
        }
    }

    /// As [`Text::render`]; `None` when the text is one expression and nothing else, and that is null. For places that
    /// can do without a text: a variable of the environment, a header.
    pub fn render_unless_null(&self, scope: &dyn Scope) -> Result<Option<Rendered>, EvalError> {
        match self.value(scope) {
            Ok(Value::Null) => Ok(None),
            Ok(_) | Err(_) => self.render(scope).map(Some),
        }
    }
}

impl<C: InContext> AnyText for Text<C> {
    fn source(&self) -> &Sp<String> {
        &self.source
    }

    fn problems(&self) -> &[Problem] {
        self.problems()
    }

    fn references(&self) -> &[Reference] {
        self.references()
    }

    fn context(&self) -> Option<Context> {
        Some(C::CONTEXT)
    }

    fn try_out(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        // a plain text that is one expression may be wanted as what it is
        if C::CONTEXT == Context::Plain { self.value(scope) } else { self.render(scope).map(|text| text.text.into()) }
    }
}

impl<C: InContext> From<&str> for Text<C> {
    fn from(source: &str) -> Self {
        Self::new(Sp::new(source.to_owned(), crate::base::span::Span::default()))
    }
}

impl<C> Clone for Text<C> {
    fn clone(&self) -> Self {
        Self { source: self.source.clone(), compiled: self.compiled.clone(), context: PhantomData }
    }
}

impl<C> std::fmt::Debug for Text<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Text({:?})", self.source.value)
    }
}

/// Two texts are equal when they are written the same, wherever they stand.
impl<C> PartialEq for Text<C> {
    fn eq(&self, other: &Self) -> bool {
        self.source.value == other.source.value
    }
}
