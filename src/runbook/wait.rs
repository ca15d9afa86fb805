//! `wait`: guards that must come to hold.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::guard::Guard;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::text::{self, Dur, Sp, Tree};

/// How often it is asked when `every` is not written.
const DEFAULT_EVERY: Duration = Duration::from_millis(500);

/// Guards that must come to hold within a time, and stay so.
#[derive(Debug)]
pub struct Wait {
    /// What must hold.
    pub until: Vec<Guard>,
    /// How long it may take until it holds and has held.
    pub within: Duration,
    /// How often it is asked.
    pub every: Duration,
    /// How long it must stay so.
    pub hold: Duration,
}

/// Guards that must come to hold.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "wait", deny_unknown_fields)]
pub(super) struct Fields {
    /// The guards.
    #[schemars(with = "crate::action::schema::Guards")]
    until: Tree,
    /// How long it may take; then the step fails.
    within: Option<Sp<Dur>>,
    /// How often they are asked; 1s by default.
    every: Option<Sp<Dur>>,
    /// How long they must have held.
    hold: Option<Sp<Dur>>,
}

impl Wait {
    pub(super) fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        let fields: Fields = text::decode(tree, diags)?;
        if fields.within.is_none() && text::key_span(tree, "within").is_none() {
            let at = text::head(tree);
            diags.push(
                Diagnostic::error("missing-key", at, "missing key `within`")
                    .label("needs `within`")
                    .help("how long it may take, for example `within: 30s`; then the step fails"),
            );
        }
        if let (Some(within), Some(hold)) = (&fields.within, &fields.hold) {
            never_in_time(("hold", hold), within, diags);
        }
        Some(Self {
            until: Guard::decode_all(&fields.until, diags),
            within: fields.within.map_or(Duration::ZERO, |d| d.value.0),
            every: fields.every.map_or(DEFAULT_EVERY, |d| d.value.0),
            hold: fields.hold.map_or(Duration::ZERO, |d| d.value.0),
        })
    }
}

/// Something that must last longer than there is time is never seen to have lasted.
pub(super) fn never_in_time((key, lasts): (&str, &Sp<Dur>), within: &Sp<Dur>, diags: &Diagnostics) {
    if lasts.value.0 > within.value.0 {
        let message = format!("what must last `{key}` cannot have lasted `within` a shorter time");
        diags.push(
            Diagnostic::error("wrong-value", lasts.span, message).and(within.span, "all of the time that there is"),
        );
    }
}
