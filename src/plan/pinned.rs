//! A plan as one file that a person keeps, looks at, hands on and has carried out: what a run needs, what it was made of,
//! and digests that show whether somebody changed it.
//!
//! ```text
//! { "refloat_plan": 1, "version": "…", "plan": "the name of the plan",
//!   "origin": { "runbook": "/…", "inventory": ["/…"] }, "params": {…}, "env": {…},
//!   "stored": { the plan, as it is kept with a run }, "sum": "the digest of all this" }
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::stored::VERSION;
use super::{Plan, Stored};
use crate::base::digest::Digest;
use crate::event::Origin;
use crate::runbook::{Kind, Runbook, SecretFrom};

/// The form that is written and read.
const FORM: u64 = 1;

/// The key that says what the file is, and in which form.
const TITLE: &str = "refloat_plan";

/// A plan that is kept in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    refloat_plan: u64,
    /// The version of refloat that made it.
    pub version: String,
    /// Its name.
    pub plan: Digest,
    /// The files that it was made of.
    pub origin: Origin,
    /// What was given for it, without secrets.
    pub params: BTreeMap<String, String>,
    /// The variables of the environment that counted, without secrets; those that were not set, too.
    pub env: BTreeMap<String, Option<String>>,
    /// The plan.
    pub stored: Stored,
    sum: Digest,
}

/// Why a file is no plan that can be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPinned {
    /// Something else.
    #[error("it is no plan of refloat, or it was cut off")]
    Other,
    /// Of another version.
    #[error(
        "refloat {version} wrote it in another form than this version reads; make the plan again with this version, or run it with refloat {version}"
    )]
    Form {
        /// The version that wrote it.
        version: String,
    },
    /// Not what was written.
    #[error("it is damaged, or somebody edited it: its digest does not fit what is in it; make the plan again")]
    Damaged,
}

impl Pinned {
    /// A plan for a file. Secrets that were given are left out.
    #[must_use]
    pub fn new(
        plan: &Plan,
        origin: Origin,
        given: &[(String, String)],
        env: &dyn Fn(&str) -> Option<String>,
        version: &str,
    ) -> Self {
        let open = |name: &String| plan.runbook.params.get(name).is_some_and(|p| p.limits.kind.value != Kind::Secret);
        let params = given.iter().filter(|(name, _)| open(name)).cloned().collect();
        let env = variables(&plan.runbook).into_iter().map(|name| (name.to_owned(), env(name))).collect();
        let mut this = Self {
            refloat_plan: FORM,
            version: version.to_owned(),
            plan: plan.digest,
            origin,
            params,
            env,
            stored: plan.kept(),
            sum: Digest::of(""),
        };
        this.sum = this.digest();
        this
    }

    /// The file.
    ///
    /// # Panics
    /// Never: texts, numbers and maps of them are JSON.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("texts, numbers and maps of them are JSON");
        bytes.push(b'\n');
        bytes
    }

    /// Whether a file is a plan of refloat, of whatever form and in whatever state.
    #[must_use]
    pub fn is_one(bytes: &[u8]) -> bool {
        !matches!(Self::read(bytes), Err(NotPinned::Other))
    }

    /// Reads a file back. Nothing in it is believed.
    pub fn read(bytes: &[u8]) -> Result<Self, NotPinned> {
        let written: serde_json::Value = serde_json::from_slice(bytes).map_err(|_| NotPinned::Other)?;
        let form = written.get(TITLE).and_then(serde_json::Value::as_u64).ok_or(NotPinned::Other)?;
        let stored = written.pointer("/stored/version").and_then(serde_json::Value::as_u64);
        if form != FORM || stored.is_some_and(|stored| stored != u64::from(VERSION)) {
            let version = written.get("version").and_then(serde_json::Value::as_str).unwrap_or("of another version");
            return Err(NotPinned::Form { version: version.to_owned() });
        }
        let this: Self = serde_json::from_value(written.clone()).map_err(|_| NotPinned::Damaged)?;
        // what was added to it would not be seen otherwise
        let whole = serde_json::to_value(&this).is_ok_and(|again| again == written);
        if whole && this.sum == this.digest() && this.plan == this.stored.name() {
            Ok(this)
        } else {
            Err(NotPinned::Damaged)
        }
    }

    fn digest(&self) -> Digest {
        Digest::of(Self { sum: self.plan, ..self.clone() }.bytes())
    }
}

/// The variables of the environment that a runbook takes values from. One that gives a secret, too, is none of them.
fn variables(runbook: &Runbook) -> Vec<&str> {
    let params = runbook.books().flat_map(|book| book.params.values().map(|p| (&p.limits, &p.env, &p.from)));
    let vars = runbook.books().flat_map(|book| book.vars.values().map(|v| (&v.limits, &v.env, &v.from)));
    let (mut open, mut secret) = (Vec::new(), Vec::new());
    for (limits, env, from) in params.chain(vars) {
        let into = if limits.kind.value == Kind::Secret { &mut secret } else { &mut open };
        into.extend(env.as_deref());
        if let Some(SecretFrom::Env(name)) = from {
            secret.push(name);
        }
    }
    open.retain(|name| !secret.contains(name));
    open
}
