//! What people and programs are shown.

pub mod diagnostics;
