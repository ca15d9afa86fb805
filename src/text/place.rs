//! Where a part of a scalar's value stands in the source.

use std::ops::Range;

use crate::base::span::Span;

/// Where the bytes `range` of `value` stand in the source; the whole scalar where that cannot be told.
#[must_use]
pub fn place(_source_text: &str, span: Span, _value: &str, _range: Range<usize>) -> Span {
    span
}
