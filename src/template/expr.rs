//! Expression fields: one bare expression, `gt result.size_bytes 0`, never braces.

use std::sync::Arc;

use super::compiled::CompiledExpr;
use super::context::Context;
use super::error::EvalError;
use super::problem::Problem;
use super::reference::Reference;
use super::scope::Scope;
use super::text::AnyText;
use super::value::Value;
use crate::text::Sp;

/// An expression with its place.
#[derive(Clone)]
pub struct Expr {
    source: Sp<String>,
    compiled: Arc<CompiledExpr>,
}

/// What an expression came to.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The value.
    pub value: Value,
    /// The paths that were read, in order, each once.
    pub reads: Vec<String>,
}

impl Expr {
    /// Compiles an expression; what is wrong with it is in [`Expr::problems`].
    #[must_use]
    pub fn new(source: Sp<String>) -> Self {
        let compiled = Arc::new(CompiledExpr::new(&source.value));
        Self { source, compiled }
    }

    /// As it is written.
    #[must_use]
    pub fn source(&self) -> &Sp<String> {
        &self.source
    }

    /// As people write it elsewhere: `a > 3`. For reading only.
    #[must_use]
    pub fn words(&self) -> String {
        self.compiled.words()
    }

    /// What is wrong with it.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        self.compiled.problems()
    }

    /// What it reads.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        self.compiled.references()
    }

    /// Evaluates it.
    pub fn eval(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        self.compiled.eval(scope).map(|e| e.value)
    }

    /// Evaluates it and says what was read.
    pub fn eval_with_reads(&self, scope: &dyn Scope) -> Result<Evaluated, EvalError> {
        self.compiled.eval(scope)
    }
}

impl AnyText for Expr {
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
        None
    }

    fn try_out(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        self.eval(scope)
    }
}

impl From<&str> for Expr {
    fn from(source: &str) -> Self {
        Self::new(Sp::new(source.to_owned(), crate::base::span::Span::default()))
    }
}

impl std::fmt::Debug for Expr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Expr({:?})", self.source.value)
    }
}

/// Two expressions are equal when they are written the same, wherever they stand.
impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.source.value == other.source.value
    }
}
