//! Faults: what can be done to a lab.

use super::Lab;
use super::error::LabError;

/// A fault, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// All processes of a host end at once, without a word to anyone.
    PowerOff {
        /// The host.
        host: String,
    },
}

pub(super) fn apply(_lab: &Lab, _fault: &Fault) -> Result<(), LabError> {
    Ok(())
}
