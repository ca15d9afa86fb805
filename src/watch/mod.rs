//! Log watches: a follower that brings lines from a cursor on ([`follow`]), and a pure matcher that judges them
//! ([`matcher`]).

pub mod matcher;

pub use crate::transport::log::{Cursor, LogSource, Place};
