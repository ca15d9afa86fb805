//! The keys of faults, as they are decoded and as editors are told of them.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::inventory::Selector;
use crate::text::{Dur, Sp, Tree};

/// When; before the run by default.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "fault-times", deny_unknown_fields)]
pub(super) struct Times {
    /// Before this step of the run.
    pub(super) before: Option<Sp<String>>,
    /// After this step of the run.
    pub(super) after: Option<Sp<String>>,
}

/// Where, and how.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "fault-kill", deny_unknown_fields)]
pub(super) struct Kill {
    /// The hosts.
    #[schemars(with = "Selector")]
    pub(super) hosts: Tree,
    /// The name of the process.
    pub(super) process: String,
    /// Whether its service manager is kept from starting it again.
    #[serde(default)]
    pub(super) keep_down: bool,
}

/// Where, and how.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "fault-slow", deny_unknown_fields)]
pub(super) struct Slow {
    /// The hosts.
    #[schemars(with = "Selector")]
    pub(super) hosts: Tree,
    /// How late packets come.
    pub(super) delay: Option<Dur>,
    /// How many get lost: `5%`.
    pub(super) loss: Option<Sp<String>>,
}

/// Where, and how.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "fault-filldisk", deny_unknown_fields)]
pub(super) struct FillDisk {
    /// The hosts.
    #[schemars(with = "Selector")]
    pub(super) hosts: Tree,
    /// A path on the disk that is filled.
    pub(super) path: String,
}

/// Where, and how.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "fault-hosts", deny_unknown_fields)]
pub(super) struct Hosts {
    /// The hosts.
    #[schemars(with = "Selector")]
    pub(super) hosts: Tree,
}

/// Where, and how.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "fault-clock", deny_unknown_fields)]
pub(super) struct SkewClock {
    /// The hosts.
    #[serde(rename = "hosts")]
    #[schemars(with = "Selector")]
    pub(super) _hosts: Tree,
    /// How far.
    #[serde(rename = "by")]
    pub(super) _by: Tree,
}

/// Where, and how.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "fault-run", deny_unknown_fields)]
pub(super) struct Run {
    /// The hosts.
    #[schemars(with = "Selector")]
    pub(super) hosts: Tree,
    /// A command of root there.
    pub(super) command: String,
}
