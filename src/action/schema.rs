//! What editors are told of probes and guards, where one key has several forms.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::guard;
use super::probe;
use crate::text::schema::{self, forms};

forms! {
    /// A shell text or its long form.
    ProbeCommand, "command-probe" => |g| either(&g.subschema_for::<probe::CommandFields>());
    /// A URL or its long form.
    ProbeHttp, "http-probe" => |g| either(&g.subschema_for::<probe::RequestFields>());
    /// A port or an address with one.
    Port, "port" => |_| json_schema!({ "type": ["integer", "string"], "minimum": 1, "maximum": 65535 });
    /// How a text becomes a value.
    ParseForm, "parse" => |_| json_schema!({ "anyOf": [
        { "enum": probe::PARSE_WORDS },
        { "type": "object", "properties": { "regex": { "type": "string" } }, "required": ["regex"],
          "additionalProperties": false },
    ] });
    /// A probe.
    Probe, "a-probe" => |g| {
        let mut probe = schema::fields::<probe::Fields>(g);
        schema::exactly_one(&mut probe, probe::KINDS.iter().copied(), Vec::new());
        probe
    };
    /// One guard.
    Guard, "a-guard" => |g| {
        let mut whole = schema::fields::<guard::Fields>(g);
        schema::add(&mut whole, &schema::fields::<probe::Fields>(g));
        let kinds = guard::KINDS.iter().chain(probe::KINDS).copied();
        let others: Vec<_> = kinds.clone().map(|key| serde_json::json!({ "required": [key] })).collect();
        let plain = serde_json::json!({ "required": ["that"], "not": { "anyOf": others } });
        schema::exactly_one(&mut whole, kinds, vec![plain]);
        whole
    };
    /// One guard or a list of them.
    Guards, "guards" => |g| {
        let one = g.subschema_for::<Guard>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    };
    /// On every host.
    Every, "every-host" => |g| asked::<guard::EveryFields>(g);
    /// On so many hosts.
    Count, "count-hosts" => |g| asked::<guard::CountFields>(g);
    /// The values of hosts.
    Values, "compare-hosts" => |g| asked::<guard::ValueFields>(g);
}

/// A text, or this.
fn either(long: &Schema) -> Schema {
    json_schema!({ "anyOf": [{ "type": "string" }, long] })
}

/// What is said of several hosts, with a probe beside it or none.
fn asked<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mut whole = schema::fields::<T>(generator);
    let own = whole.get("properties").and_then(|all| all.get("value")).cloned();
    schema::add(&mut whole, &schema::fields::<probe::Fields>(generator));
    if let Some(value) = own {
        schema::property(&mut whole, "value", value);
    }
    whole
}
