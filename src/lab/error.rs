//! What can go wrong with a lab.

use std::path::PathBuf;

use super::consul::ConsulError;
use super::needs::Missing;

/// Why a lab cannot be made, found, changed or removed.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The lab asked for cannot exist.
    #[error("{why}")]
    Spec {
        /// What is wrong with it.
        why: String,
    },
    /// This machine lacks something.
    #[error("this machine lacks what a lab needs: {}", super::needs::sentence(.0))]
    Missing(Vec<Missing>),
    /// A lab is up in this folder.
    #[error("a lab is up in {} already (process {pid}); `refloat lab down` ends it", dir.display())]
    AlreadyUp {
        /// The lab's folder.
        dir: PathBuf,
        /// Its outer process.
        pid: u32,
    },
    /// There is no lab in this folder.
    #[error("no lab is up in {}; `refloat lab up` makes one", dir.display())]
    NotUp {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder is not a lab's, so it is neither used nor removed.
    #[error("{} is not empty and not the folder of a lab", dir.display())]
    NotALab {
        /// The folder.
        dir: PathBuf,
    },
    /// A host that the lab does not have.
    #[error("the lab has no host `{name}`; it has {known}")]
    NoSuchHost {
        /// The name asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// A host without power.
    #[error("{host} has no power; `refloat lab break power-on {host}` gives it back")]
    NoPower {
        /// The host.
        host: String,
    },
    /// A fault that cannot be read.
    #[error("{why}")]
    Fault {
        /// What is wrong with its words.
        why: String,
    },
    /// A fault that this kind of lab cannot have.
    #[error("{fault}: not possible in a lab on loopback addresses, where hosts share one network and one file system")]
    NoFaultsHere {
        /// The fault's name.
        fault: &'static str,
    },
    /// A program failed.
    #[error("{program} failed: {stderr}")]
    Program {
        /// What was run.
        program: String,
        /// What it said.
        stderr: String,
    },
    /// Something did not happen in time.
    #[error("{what} did not happen within {seconds} s: {detail}")]
    Late {
        /// What was waited for.
        what: &'static str,
        /// How long, in seconds.
        seconds: u64,
        /// What is known.
        detail: String,
    },
    /// A file or folder of the lab.
    #[error("{}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The lab's own record cannot be read.
    #[error("{} is damaged; kill the process in outer.pid and remove the folder", path.display())]
    Record {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Consul could not be had.
    #[error("no Consul for the lab")]
    Consul(#[from] ConsulError),
}
