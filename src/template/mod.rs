//! Templates and expressions: a value can never become syntax.
//!
//! Handlebars gives the syntax; evaluating is ours: type-strict, aware of values that are not known yet ([`Value`]),
//! reading through one lazy [`Scope`], and escaping each inserted value for exactly the place where it stands
//! ([`Context`]). Everything that can be known without evaluating is known at once: [`Problem`]s and [`Reference`]s.

mod ast;
mod compiled;
mod context;
mod data;
mod decode;
mod error;
mod eval;
mod expr;
mod helpers;
mod infix;
mod lower;
mod order;
mod parse;
mod paths;
mod problem;
mod reference;
mod scan;
mod schema;
mod scope;
mod text;
mod token;
mod told;
mod val;
mod value;
mod version;

pub use compiled::Compiled;
pub use context::{
    Context, InContext, Json, Plain, Regex, Shell, Url, Yaml, check_argv, check_stdin, check_words, habits,
};
pub use data::Data;
pub use error::{EvalError, EvalErrorKind};
pub use expr::{Evaluated, Expr};
pub use helpers::plain_regex_error as regex_words;
pub use order::TypeMismatch;
pub use problem::Problem;
pub use reference::{RefBase, Reference};
pub use scope::{Base, Read, ReadError, Scope};
pub use text::{AnyText, Hole, Rendered, Text};
pub use val::{FromText, Known, Val};
pub use value::{Value, hole};
pub use version::Version;
