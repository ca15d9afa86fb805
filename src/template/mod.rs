//! Templates and expressions: a value can never become syntax.
//!
//! Handlebars gives the syntax; evaluating is ours: type-strict, aware of values that are not known yet ([`Value`]),
//! reading through one lazy [`Scope`], and escaping each inserted value for exactly the place where it stands
//! ([`Context`]). Everything that can be known without evaluating is known at once: [`Problem`]s and [`Reference`]s.

mod compiled;
mod context;
mod decode;
mod error;
mod expr;
mod order;
mod problem;
mod reference;
mod scope;
mod text;
mod val;
mod value;
mod version;

pub use compiled::Compiled;
pub use context::{Context, InContext, Json, Plain, Regex, Shell, Url, Yaml};
pub use error::{EvalError, EvalErrorKind};
pub use expr::{Evaluated, Expr};
pub use order::TypeMismatch;
pub use problem::Problem;
pub use reference::{RefBase, Reference};
pub use scope::{Base, Read, ReadError, Scope};
pub use text::{AnyText, Hole, Rendered, Text};
pub use val::{FromText, Known, Val};
pub use value::{Value, hole};
pub use version::Version;

/// What is wrong with a command given as a list of words: a value inside an argument that another interpreter parses.
#[must_use]
pub fn check_argv(_words: &[&Text<Plain>]) -> Vec<Problem> {
    Vec::new()
}
