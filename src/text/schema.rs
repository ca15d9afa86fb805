//! What editors are told of the types that texts are decoded into. The schemas are generated from the same structs that
//! decode, so a field cannot be known to one and not to the other.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::scalar::{Amount, Dur, Mode};
use super::shape::OneOrMany;
use super::tree::{Sp, Tree};

/// Types that stand for a key with several forms: a name, and how its schema is made.
macro_rules! forms {
    ($($(#[$doc:meta])* $name:ident, $word:literal => $make:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $word.into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let make: fn(&mut schemars::SchemaGenerator) -> schemars::Schema = $make;
                make(generator)
            }
        }
    )*};
}
pub(crate) use forms;

/// Makes the schema of a whole text. Draft 7 is what editors know best.
#[must_use]
pub fn whole(make: impl FnOnce(&mut SchemaGenerator) -> Schema) -> Value {
    let mut generator = SchemaSettings::draft07().into_generator();
    let mut schema = make(&mut generator);
    let definitions = generator.take_definitions(true);
    schema.insert("$schema".to_owned(), "http://json-schema.org/draft-07/schema#".into());
    schema.insert("definitions".to_owned(), Value::Object(definitions));
    schema.to_value()
}

/// The schema of a struct, in place: for one whose keys share a map with others.
pub fn fields<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

/// Adds the keys of another struct to those of a schema, all of them optional there.
pub fn add(schema: &mut Schema, other: &Schema) {
    for (key, value) in other.get("properties").and_then(Value::as_object).into_iter().flatten() {
        property(schema, key, value.clone());
    }
}

/// Adds a key.
pub fn property(schema: &mut Schema, key: &str, value: Value) {
    let object = schema.ensure_object();
    object.entry("type").or_insert_with(|| "object".into());
    let properties = object.entry("properties").or_insert_with(|| Value::Object(serde_json::Map::new()));
    if let Some(properties) = properties.as_object_mut() {
        properties.insert(key.to_owned(), value);
    }
}

/// Exactly one of these keys is there; `also` are further ways to be whole.
pub fn exactly_one<'a>(schema: &mut Schema, keys: impl IntoIterator<Item = &'a str>, also: Vec<Value>) {
    let one = keys.into_iter().map(|key| serde_json::json!({ "required": [key] }));
    schema.insert("oneOf".to_owned(), one.chain(also).collect());
}

/// A schema with a description beside it.
#[must_use]
pub fn described(schema: Schema, words: &str) -> Value {
    let mut schema = schema;
    // beside a reference nothing else counts in draft 7
    if schema.get("$ref").is_some() {
        schema = json_schema!({ "allOf": [schema] });
    }
    schema.insert("description".to_owned(), words.into());
    schema.to_value()
}

/// The same value, wherever it stands.
impl<T: JsonSchema> JsonSchema for Sp<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("one-or-many-{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

macro_rules! inline {
    ($($type:ty, $name:literal => $schema:tt;)*) => {$(
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

inline! {
    Tree, "value" => {};
    Dur, "duration" => { "type": "string", "pattern": "^(0|([0-9]+(d|h|ms|m|s))+)$", "examples": ["30s", "5m", "1h30m"] };
    Mode, "mode" => { "type": "string", "pattern": "^[0-7]{3,5}$", "examples": ["0640"] };
    Amount, "amount" => { "anyOf": [
        { "type": "integer", "minimum": 0 },
        { "type": "string", "pattern": "^[0-9]+%?$", "examples": ["25%"] },
    ] };
}
