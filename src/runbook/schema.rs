//! What editors are told of runbooks: the fields of a step with all that it can do, and the forms of keys that have
//! several.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::{Kind, flow, gate, parse, pick, rolling, step, uses, wait, watch};
use crate::action::{registry, schema as actions};
use crate::text::schema::{self, forms};

/// The schema of a runbook.
#[must_use]
pub fn schema() -> Value {
    schema::whole(schema::fields::<parse::Fields>)
}

/// One thing that a step can do, for people.
#[derive(Clone, Debug)]
pub struct About {
    /// The key under which an author writes it.
    pub key: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// What it means to do it again.
    pub effect: &'static str,
    /// A step with it.
    pub example: &'static str,
    /// The schema of its value.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

/// All that a step can do, by its keys.
#[must_use]
pub fn all() -> Vec<About> {
    let leaves = registry::entries().map(|entry| About {
        key: entry.key,
        about: entry.about,
        effect: entry.effect,
        example: entry.example,
        schema: entry.schema,
    });
    let mut all: Vec<About> = OWN.iter().cloned().chain(leaves).collect();
    all.sort_by_key(|about| about.key);
    all
}

const OWN: &[About] = &[
    About {
        key: "ask",
        about: "A person answers; the answer is the output `answer`.",
        effect: "a gate: nothing is touched",
        example: "id: how\nask: { message: \"How many may fail?\", type: int, default: 1 }\n",
        schema: |g| g.subschema_for::<gate::AskFields>(),
    },
    About {
        key: "confirm",
        about: "A person agrees, by typing a word; without one it is refused.",
        effect: "a gate: nothing is touched",
        example: "id: agree\nconfirm: { message: \"This cannot be undone.\", type: web }\n",
        schema: |g| g.subschema_for::<gate::ConfirmFields>(),
    },
    About {
        key: "gather",
        about: "Asks hosts and keeps the answers as outputs.",
        effect: "reads",
        example: "id: see\nhosts: web\ngather:\n  version: { command: web --version }\n  size: { path: /srv/web, value: result.size_bytes, optional: true }\n",
        schema: |g| map_of(&g.subschema_for::<actions::Probe>()),
    },
    About {
        key: "manual",
        about: "A person does something that refloat cannot; with `done_when` it goes on by itself when that holds.",
        effect: "a gate: nothing is touched",
        example: "id: power\nmanual: { instructions: \"Cut the power of {{join targets.all_web}}.\", deadline: 30m }\n",
        schema: |g| g.subschema_for::<gate::ManualFields>(),
    },
    About {
        key: "pick",
        about: "Chooses hosts now, from hosts that are named already; each choice is a target from then on.",
        effect: "reads",
        example: "id: choose\npick:\n  up: { from: web, reachable: true }\n",
        schema: |g| map_of(&g.subschema_for::<pick::Fields>()),
    },
    About {
        key: "require",
        about: "Guards that must hold: else the run is refused before its first change, or fails.",
        effect: "reads",
        example: "id: safe\nhosts: web\nrequire: { path: /srv/web, message: there is nothing to serve }\n",
        schema: |g| g.subschema_for::<actions::Guards>(),
    },
    About {
        key: "steps",
        about: "A group: steps that share fields, and are undone together.",
        effect: "what its steps do",
        example: "id: both\nhosts: web\nsteps:\n  - id: one\n    note: first\n  - id: two\n    note: second\n",
        schema: |g| json_schema!({ "type": "array", "items": g.subschema_for::<StepForm>() }),
    },
    About {
        key: "symptom",
        about: "Guards that say whether this is the outage; in `check` a missing one means that there is nothing to recover.",
        effect: "reads",
        example: "id: lost\nsymptom: { down: { hosts: web, ports: [ 80 ] } }\n",
        schema: |g| g.subschema_for::<actions::Guards>(),
    },
    About {
        key: "use",
        about: "Another runbook as a part of this one, with surroundings of its own; its outputs are this step's.",
        effect: "what its steps do",
        example: "id: part\nuse: { runbook: web/restart, params: { release: \"2\" } }\n",
        schema: |g| g.subschema_for::<uses::Fields>(),
    },
    About {
        key: "wait",
        about: "Waits until guards hold.",
        effect: "reads",
        example: "id: healthy\nhosts: web\nwait: { within: 30s, hold: 2s, until: { port: 80 } }\n",
        schema: |g| g.subschema_for::<wait::Fields>(),
    },
    About {
        key: "watch",
        about: "Logs that must say something, since an earlier step began; around an action it is armed before the action.",
        effect: "reads",
        example: "id: said\nhosts: web\nwatch: { log: \"journal:web.service\", since: start, within: 30s, expect: [ { line: ready } ] }\n",
        schema: |g| g.subschema_for::<watch::Fields>(),
    },
];

fn map_of(schema: &Schema) -> Schema {
    json_schema!({ "type": "object", "additionalProperties": schema, "minProperties": 1 })
}

/// One step: its fields, and exactly one thing that it does.
#[derive(Debug)]
pub struct StepForm;

impl JsonSchema for StepForm {
    fn schema_name() -> Cow<'static, str> {
        "a-step".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut whole = schema::fields::<step::Fields>(generator);
        schema::add(&mut whole, &schema::fields::<flow::Fields>(generator));
        let steps = json_schema!({ "type": "array", "items": generator.subschema_for::<Self>() });
        schema::property(
            &mut whole,
            "always",
            schema::described(steps, "Of a group: steps that run whatever happened."),
        );
        let all = all();
        for about in &all {
            let words = format!("{}\n\nEffect: {}. For example:\n\n{}", about.about, about.effect, about.example);
            let value = schema::described((about.schema)(generator), &words);
            schema::property(&mut whole, about.key, value);
        }
        let keys: Vec<&str> = all.iter().map(|about| about.key).filter(|key| *key != "watch").collect();
        let others: Vec<Value> = keys.iter().map(|key| json!({ "required": [key] })).collect();
        let alone = json!({ "required": ["watch"], "properties": { "watch": { "required": ["since"] } }, "not": { "anyOf": others } });
        schema::exactly_one(&mut whole, keys, vec![alone]);
        whole
    }
}

forms! {
    /// A param.
    ParamForm, "param" => |g| without(schema::fields::<super::params::Fields>(g), &["log"]);
    /// A var.
    VarForm, "var" => |g| {
        let mut form = without(schema::fields::<super::params::Fields>(g), &["host", "hosts"]);
        form.get_mut("properties").and_then(Value::as_object_mut).map(|properties| properties.remove("of"));
        form
    };
    /// Batches.
    RollingForm, "rolling-form" => |g| json_schema!({ "anyOf": [
        g.subschema_for::<crate::text::OneOrMany<crate::text::Amount>>(),
        g.subschema_for::<rolling::RollingFields>(),
    ] });
    /// As which user.
    SudoForm, "sudo" => |_| json_schema!({ "type": ["boolean", "string"], "examples": [true, "postgres"] });
    /// How a step is undone.
    UndoForm, "undo" => |g| json_schema!({ "anyOf": [
        { "enum": ["auto", "none"] },
        { "type": "array", "minItems": 1, "items": undo_entry(g) },
    ] });
}

/// One entry of an `undo` list: an action and nothing else.
fn undo_entry(generator: &mut SchemaGenerator) -> Schema {
    let mut entry = json_schema!({ "type": "object", "additionalProperties": false });
    let all = all();
    let mut keys = Vec::new();
    for about in all.iter().filter(|about| about.key == "wait" || registry::is_on_hosts(about.key)) {
        let value = schema::described((about.schema)(generator), about.about);
        schema::property(&mut entry, about.key, value);
        keys.push(about.key);
    }
    schema::exactly_one(&mut entry, keys, Vec::new());
    entry
}

/// Without some words of `type`.
fn without(mut limits: Schema, types: &[&str]) -> Schema {
    let words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).filter(|word| !types.contains(word)).collect();
    schema::property(&mut limits, "type", json!({ "description": "Its type.", "enum": words }));
    limits
}
