//! What editors are told of inventories and selectors.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::file::File;
use super::selector::Selector;
use crate::text::schema;

/// The schema of an inventory.
#[must_use]
pub fn schema() -> Value {
    schema::whole(schema::fields::<File>)
}

impl JsonSchema for Selector {
    fn schema_name() -> Cow<'static, str> {
        "selector".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Hosts: a target, a group, a host, `a:b`, `a:!b`, `a:&b`, `web-*`, `web-[1:3]`, `web[0]`; a list is their union.",
            "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }],
        })
    }
}
