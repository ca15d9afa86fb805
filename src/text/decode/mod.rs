//! From the tree to model structs: a `serde::Deserializer` that finds all mistakes of a text in one go.
//!
//! serde stops at the first error, so decoding is a fixpoint: a node that cannot be decoded is reported, taken out, and
//! everything is decoded again without it (an optional field is absent, a list is one shorter, a required field has a
//! stand-in whose place is [`Span::NOWHERE`](crate::base::span::Span::NOWHERE)). What fails only because
//! something in it was taken out is a consequence: it is taken out silently. Each round takes out one node, so it ends.
//! Unknown and duplicate keys are recorded and skipped. The value that comes out may therefore be partial; whether it can
//! be used is what `diags.has_errors()` says.

mod access;
mod error;
mod fill;
mod key;
mod node;
mod state;

use serde::de::DeserializeOwned;

use self::node::NodeDe;
use self::state::State;
use super::tree::Tree;
use crate::base::diag::Diagnostics;

/// Decodes a tree into a model type; every mistake goes to `diags`. `None` when not even a partial value can be made.
pub fn decode<T: DeserializeOwned>(tree: &Tree, diags: &Diagnostics) -> Option<T> {
    decode_beside(tree, &[], diags)
}

/// Decodes a map that another vocabulary shares: `beside` are its keys, which "did you mean" may suggest too.
pub fn decode_beside<T: DeserializeOwned>(tree: &Tree, beside: &[&str], diags: &Diagnostics) -> Option<T> {
    let state = State::new(tree, beside);
    let value = loop {
        match T::deserialize(NodeDe::new(tree, &state)) {
            Ok(value) => break Some(value),
            Err(error) => {
                if !state.take_out(tree, error) {
                    break None;
                }
            }
        }
    };
    state.hand_over(tree.span, diags);
    value
}

#[cfg(test)]
mod tests;
