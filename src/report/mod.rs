//! Everything that is shown: reporters over events, timelines, diagnostics.

pub mod diagnostics;
