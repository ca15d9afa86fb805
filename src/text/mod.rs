//! From text to a spanned tree, and from the tree to model structs, with all mistakes in one go.

mod tree;

pub use tree::{Node, Sp, Tree};
