//! The keys of a drill, as they are decoded and as editors are told of them.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::inventory::SimpleHost;
use crate::text::{Sp, Tree};

/// An outage that is made and recovered.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "drill", deny_unknown_fields)]
pub(super) struct Fields {
    /// Its name, `area/name`.
    pub(super) drill: Sp<String>,
    /// One line for people.
    pub(super) title: Option<String>,
    /// The runbook that recovers.
    pub(super) runbook: Sp<String>,
    /// The params of the run.
    #[serde(default)]
    pub(super) params: IndexMap<Sp<String>, Tree>,
    /// What is typed at the gates, by step.
    #[serde(default)]
    pub(super) answers: IndexMap<Sp<String>, Sp<String>>,
    /// The hosts.
    pub(super) lab: Sp<LabFields>,
    /// Steps before anything is broken.
    #[serde(default)]
    #[schemars(with = "Vec<crate::runbook::StepForm>")]
    pub(super) setup: Vec<Tree>,
    /// What is broken, in order.
    #[schemars(with = "Vec<super::schema::FaultForm>")]
    pub(super) faults: Vec<Tree>,
    /// Steps that must go well afterwards.
    #[serde(default)]
    #[schemars(with = "Vec<crate::runbook::StepForm>")]
    pub(super) verify: Vec<Tree>,
    /// How the run must end.
    #[schemars(with = "Option<super::expect::Fields>")]
    pub(super) expect: Option<Tree>,
    /// More outages.
    #[serde(default)]
    pub(super) variants: Vec<VariantFields>,
}

/// A lab.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "lab", deny_unknown_fields)]
pub(super) struct LabFields {
    /// What runs on its hosts.
    pub(super) kit: Sp<String>,
    /// Names or ranges of hosts.
    pub(super) hosts: IndexMap<Sp<String>, Option<SimpleHost>>,
}

/// One more outage; params and answers merge over the file's, the rest replaces.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "variant", deny_unknown_fields)]
pub(super) struct VariantFields {
    /// Its name.
    pub(super) name: Sp<String>,
    /// The params of the run.
    #[serde(default)]
    pub(super) params: IndexMap<Sp<String>, Tree>,
    /// What is typed at the gates, by step.
    #[serde(default)]
    pub(super) answers: IndexMap<Sp<String>, Sp<String>>,
    /// The hosts.
    pub(super) lab: Option<Sp<LabFields>>,
    /// Steps before anything is broken.
    #[schemars(with = "Option<Vec<crate::runbook::StepForm>>")]
    pub(super) setup: Option<Vec<Tree>>,
    /// What is broken, in order.
    #[schemars(with = "Option<Vec<super::schema::FaultForm>>")]
    pub(super) faults: Option<Vec<Tree>>,
    /// Steps that must go well afterwards.
    #[schemars(with = "Option<Vec<crate::runbook::StepForm>>")]
    pub(super) verify: Option<Vec<Tree>>,
    /// How the run must end.
    #[schemars(with = "Option<super::expect::Fields>")]
    pub(super) expect: Option<Tree>,
}
