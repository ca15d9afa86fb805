//! One integration binary.

mod support;
mod transport;
