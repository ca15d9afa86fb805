//! Labs without namespaces.

use super::Lab;
use super::consul::Machine;
use super::error::LabError;
use super::files::Place;
use super::record::Record;
use super::spec::Spec;

pub(super) fn places(_spec: &Spec) -> Result<Vec<Place>, LabError> {
    Err(LabError::NoFaultsHere { fault: "loopback" })
}

pub(super) fn login() -> Result<String, LabError> {
    Err(LabError::NoFaultsHere { fault: "loopback" })
}

pub(super) fn start(_lab: &Lab, _machine: &Machine) -> Result<(), LabError> {
    Ok(())
}

pub(super) fn clean(_record: &Record) -> Result<(), LabError> {
    Ok(())
}
