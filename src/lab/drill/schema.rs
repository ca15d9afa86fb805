//! What editors are told of drills.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::fault::KINDS;
use super::fault_fields::{FillDisk, Hosts, Kill, Run, SkewClock, Slow, Times};
use super::fields::Fields;
use crate::inventory::Selector;
use crate::text::schema::{self, forms};

/// The schema of a drill.
#[must_use]
pub fn schema() -> Value {
    schema::whole(schema::fields::<Fields>)
}

forms! {
    /// One fault and its moment.
    FaultForm, "fault" => |g| {
        let mut whole = schema::fields::<Times>(g);
        for kind in KINDS {
            let (form, words) = form(kind, g);
            schema::property(&mut whole, kind, schema::described(form, words));
        }
        schema::exactly_one(&mut whole, KINDS.iter().copied(), Vec::new());
        schema::property(&mut whole, "skew_clock", json!(false));
        whole
    };
}

/// How a fault is written, and what it is.
fn form(kind: &str, g: &mut SchemaGenerator) -> (Schema, &'static str) {
    fn of<T: JsonSchema>(g: &mut SchemaGenerator) -> Schema {
        g.subschema_for::<T>()
    }
    match kind {
        "kill" => (of::<Kill>(g), "SIGKILL; its service manager starts it again, unless it is kept down."),
        "power_off" => (of::<Selector>(g), "All processes end without a word; disks keep what they hold."),
        "power_on" => (of::<Selector>(g), "The host starts again."),
        "cut_link" => (of::<Selector>(g), "Nothing reaches them, ssh neither."),
        "slow" => (of::<Slow>(g), "Packets to them come late or not at all."),
        "fill_disk" => (of::<FillDisk>(g), "The disk that holds the path has no room left."),
        "stale_data" => (of::<Hosts>(g), "The data is what it was before `setup`."),
        "skew_clock" => (of::<SkewClock>(g), "Not possible in labs."),
        "run" => (of::<Run>(g), "A command of root there."),
        _ => {
            let side = of::<Selector>(g);
            let words = "The two sides do not reach each other; the operator reaches both.";
            (json_schema!({ "type": "array", "items": side, "minItems": 2, "maxItems": 2 }), words)
        }
    }
}
