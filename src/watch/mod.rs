//! Log watches: a follower that brings lines from a cursor on ([`follow`]), and a pure matcher that judges them
//! ([`matcher`]). The cursor is taken in the same request as the step's start ([`crate::transport::Work::cursors`]), so
//! that no line is missed between the two and no old one counts.

mod container;
pub mod follow;
mod lines;
pub mod matcher;

pub use crate::transport::log::{Cursor, LogSource, Place};
pub use follow::Follower;
pub use lines::Followed;
pub use matcher::{Amount, Entry, Match, Matcher, Pattern, Spec, Verdict};
