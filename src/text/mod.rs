//! From text to a spanned tree, and from the tree to model structs, with all mistakes in one go.
//!
//! [`parse`] is the only place that knows the YAML library; [`decode`] is our own `serde::Deserializer` over the tree.
//! Model structs derive `Deserialize` and use [`Sp`] where a diagnostic may point, [`Tree`] where they keep a part as it
//! is, and [`Shaped`] where a field has more than one form.

mod allow;
mod case;
mod decode;
mod file;
mod limits;
mod parse;
mod place;
pub mod scalar;
mod shape;
mod spanned;
mod syntax;
mod take;
mod tree;

pub use allow::allowances;
pub use case::not_snake;
pub use decode::{decode, decode_beside};
pub use file::read;
pub use limits::{MAX_ALIASES, MAX_BYTES, MAX_DEPTH, MAX_NODES};
pub use parse::parse;
pub use place::place;
pub use scalar::{Amount, Dur, Mode, ScalarError, Size, is_kebab, is_snake, slug};
pub use shape::{Kind, OneOrMany, Shape, Shaped, shaped};
pub use take::{head, is_slip, key_span, split};
pub use tree::{Node, Sp, Tree};
