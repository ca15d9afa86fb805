//! From a runbook, an inventory and parameters to a plan: everything that can be known before anything connects. Pure.
//!
//! [`Plan`] holds what is fixed for the run; [`World`] is what is known while it runs, and what expressions read.

mod blast;
mod build;
mod cast;
mod deeds;
mod drift;
mod elsewhere;
mod from;
mod hosts;
mod how;
mod items;
mod logs;
mod needs;
mod params;
mod part;
mod pinned;
mod portrait;
mod preview;
mod restore;
mod secrets;
mod stored;
mod view;
mod wordings;
mod words;
mod world;

pub use blast::{Blast, blast};
pub use build::{Given, Secrets, build};
pub use cast::{Cast, Written};
pub use deeds::differences;
pub use drift::{Drift, Now, drift};
pub use from::{NotFrom, from};
pub use hosts::{asked_by, touched};
pub use items::{Items, NoItems};
pub use logs::{log_of, watch_spec};
pub use needs::{Need, Needed, needs};
pub use pinned::{NotPinned, Pinned};
pub use portrait::{Line, Named, Portrait, PortraitStep, portrait};
pub use preview::{PreviewHost, PreviewStep, preview, refuse};
pub use restore::restore;
pub use stored::Stored;
pub use view::View;
pub use world::{RunFacts, World};

use std::sync::Arc;

use indexmap::IndexMap;

use crate::base::digest::Digest;
use crate::inventory::{HostName, Inventory};
use crate::runbook::Runbook;
use crate::template::Value;

/// What a run works on: fixed when it begins, stored with it, never made anew.
#[derive(Debug)]
pub struct Plan {
    /// The runbook.
    pub runbook: Runbook,
    /// The inventory.
    pub inventory: Inventory,
    /// The values of the params that are no targets.
    pub params: IndexMap<String, Value>,
    /// The values of a part's params that whoever uses it does not give, by the path of the step that uses it.
    pub parts: IndexMap<String, IndexMap<String, Value>>,
    /// The vars that come from elsewhere than the inventory, by the name of their runbook and their own.
    pub vars: IndexMap<(String, String), Value>,
    /// The static targets, params of type host(s) among them.
    pub targets: IndexMap<String, Vec<HostName>>,
    /// The template files, by the names that the author wrote.
    pub templates: IndexMap<String, Arc<str>>,
    /// The files that are sent as they are, likewise.
    pub files: IndexMap<String, Arc<[u8]>>,
    /// What is stored, as bytes.
    pub stored: Vec<u8>,
    /// Its digest: the plan's name.
    pub digest: Digest,
}

impl Plan {
    /// The hosts of a static target.
    #[must_use]
    pub fn target(&self, name: &str) -> Option<&[HostName]> {
        self.targets.get(name).map(Vec::as_slice)
    }
}
