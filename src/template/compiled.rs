//! Compiled texts and expressions. (in work)

use std::ops::Range;

use super::context::Context;
use super::error::EvalError;
use super::expr::Evaluated;
use super::problem::Problem;
use super::reference::Reference;
use super::scope::Scope;
use super::text::Rendered;
use super::value::Value;

/// A text, ready to be rendered. Also for contexts that are known only at run time, such as a file's.
#[derive(Debug)]
pub struct Compiled {
    source: String,
    context: Context,
    problems: Vec<Problem>,
    references: Vec<Reference>,
}

impl Compiled {
    /// Compiles a text; what is wrong with it is in [`Compiled::problems`].
    #[must_use]
    pub fn new(source: &str, context: Context) -> Self {
        Self { source: source.to_owned(), context, problems: Vec::new(), references: Vec::new() }
    }

    /// What its values are escaped for.
    #[must_use]
    pub fn context(&self) -> Context {
        self.context
    }

    /// What is wrong with it.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// What it reads.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The places in the source where a value is inserted.
    #[must_use]
    pub fn insertions(&self) -> Vec<Range<usize>> {
        Vec::new()
    }

    /// Renders it.
    pub fn render(&self, _scope: &dyn Scope) -> Result<Rendered, EvalError> {
        Ok(Rendered { text: self.source.clone(), ..Rendered::default() })
    }

    /// Its value: of the expression, when the text is one and nothing else; else the rendered text.
    pub fn value(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        self.render(scope).map(|r| r.text.into())
    }
}

/// An expression, ready to be evaluated.
#[derive(Debug, Default)]
pub(super) struct CompiledExpr {
    problems: Vec<Problem>,
    references: Vec<Reference>,
}

impl CompiledExpr {
    pub(super) fn new(_source: &str) -> Self {
        Self::default()
    }

    pub(super) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub(super) fn references(&self) -> &[Reference] {
        &self.references
    }

    pub(super) fn eval(&self, _scope: &dyn Scope) -> Result<Evaluated, EvalError> {
        Ok(Evaluated { value: Value::Null, reads: Vec::new() })
    }
}
