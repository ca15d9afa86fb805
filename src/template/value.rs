//! Values: what expressions compute with. Strictly typed, exact for 64-bit integers, and able to say "not known yet".

use std::sync::Arc;

use indexmap::IndexMap;
use secrecy::{ExposeSecret as _, SecretString};

use super::version::Version;
use crate::base::secret::MASK;
use crate::text::{Node, Tree};

/// One value. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing: an optional probe that had no answer, an output of a skipped step.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number; 64 bits and more stay exact.
    Int(i128),
    /// A number with a point or exponent.
    Float(f64),
    /// Text.
    Str(Arc<str>),
    /// A list.
    List(Arc<Vec<Value>>),
    /// A map in its own order.
    Map(Arc<IndexMap<String, Value>>),
    /// A host: its name in text; its fields are read lazily, by [`Base::Host`](super::Base::Host).
    Host(Arc<str>),
    /// What `version` made of a text; ordered as versions are.
    Version(Arc<Version>),
    /// Not known before this step has run.
    Unknown(Arc<str>),
    /// May go to env, stdin and files, never to a command line.
    Secret(Arc<SecretString>),
}

impl Value {
    /// For messages: "a text", "a list", ….
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Str(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Host(_) => "a host",
            Self::Version(_) => "a version",
            Self::Unknown(_) => "not known yet",
            Self::Secret(_) => "a secret",
        }
    }

    /// A text.
    #[must_use]
    pub fn str(text: impl Into<Arc<str>>) -> Self {
        Self::Str(text.into())
    }

    /// A host by its name.
    #[must_use]
    pub fn host(name: impl Into<Arc<str>>) -> Self {
        Self::Host(name.into())
    }

    /// Something that is not known before a step has run.
    #[must_use]
    pub fn unknown(step: impl Into<Arc<str>>) -> Self {
        Self::Unknown(step.into())
    }

    /// A secret.
    #[must_use]
    pub fn secret(text: impl Into<String>) -> Self {
        Self::Secret(Arc::new(SecretString::from(text.into())))
    }

    /// A map.
    #[must_use]
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(Arc::new(entries.into_iter().map(|(k, v)| (k.into(), v)).collect()))
    }

    /// Whether it is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The boolean, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(b) = self { Some(*b) } else { None }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Str(s) = self { Some(s) } else { None }
    }

    /// The whole number, if it is one.
    #[must_use]
    pub fn as_int(&self) -> Option<i128> {
        if let Self::Int(n) = self { Some(*n) } else { None }
    }

    /// The list, if it is one.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(l) = self { Some(l) } else { None }
    }

    /// The first step that something in here waits for: the value itself, or anything in its lists and maps.
    #[must_use]
    pub fn waits_for(&self) -> Option<Arc<str>> {
        match self {
            Self::Unknown(step) => Some(Arc::clone(step)),
            Self::List(list) => list.iter().find_map(Self::waits_for),
            Self::Map(map) => map.values().find_map(Self::waits_for),
            _ => None,
        }
    }

    /// Whether a secret is in here, however deep.
    #[must_use]
    pub fn holds_secret(&self) -> bool {
        match self {
            Self::Secret(_) => true,
            Self::List(list) => list.iter().any(Self::holds_secret),
            Self::Map(map) => map.values().any(Self::holds_secret),
            _ => false,
        }
    }

    /// The same value with its secrets as ordinary texts. Only for computing: the caller marks the result.
    #[must_use]
    pub(super) fn exposed(&self) -> Self {
        match self {
            Self::Secret(secret) => Self::str(secret.expose_secret()),
            Self::List(list) if self.holds_secret() => list.iter().map(Self::exposed).collect(),
            Self::Map(map) if self.holds_secret() => Self::map(map.iter().map(|(k, v)| (k.clone(), v.exposed()))),
            other => other.clone(),
        }
    }

    /// The same value with its texts as secrets: what was computed of a secret is one, unless it is only an answer.
    #[must_use]
    pub fn concealed(self) -> Self {
        match self {
            Self::Str(s) => Self::secret(s.as_ref()),
            Self::List(list) => list.iter().cloned().map(Self::concealed).collect(),
            Self::Map(map) => Self::map(map.iter().map(|(k, v)| (k.clone(), v.clone().concealed()))),
            other => other,
        }
    }

    /// Every secret in here, however deep.
    pub fn secrets(&self, visit: &mut dyn FnMut(&SecretString)) {
        match self {
            Self::Secret(secret) => visit(secret),
            Self::List(list) => list.iter().for_each(|value| value.secrets(visit)),
            Self::Map(map) => map.values().for_each(|value| value.secrets(visit)),
            _ => {}
        }
    }

    /// A value of a decoded text. Numbers keep their kind; 64-bit integers are exact.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Null,
            Json::Bool(b) => Self::Bool(*b),
            Json::Number(n) => n
                .as_i64()
                .map(i128::from)
                .or_else(|| n.as_u64().map(i128::from))
                .map_or_else(|| Self::Float(n.as_f64().unwrap_or(f64::NAN)), Self::Int),
            Json::String(s) => Self::str(s.as_str()),
            Json::Array(list) => list.iter().map(Self::from_json).collect(),
            Json::Object(map) => Self::map(map.iter().map(|(k, v)| (k.clone(), Self::from_json(v)))),
        }
    }

    /// For records and machine-readable output. A host is its name, a secret its mask, an unknown value its hole.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Self::Null => Json::Null,
            Self::Bool(b) => Json::Bool(*b),
            Self::Int(n) => int_to_json(*n),
            Self::Float(f) => serde_json::Number::from_f64(*f).map_or(Json::Null, Json::Number),
            Self::Str(s) | Self::Host(s) => Json::String(s.to_string()),
            Self::Version(v) => Json::String(v.to_string()),
            Self::List(list) => Json::Array(list.iter().map(Self::to_json).collect()),
            Self::Map(map) => Json::Object(map.iter().map(|(k, v)| (k.clone(), v.to_json())).collect()),
            Self::Unknown(step) => Json::String(hole(step)),
            Self::Secret(_) => Json::String(MASK.to_owned()),
        }
    }

    /// A literal of a YAML text.
    #[must_use]
    pub fn from_tree(tree: &Tree) -> Self {
        match &tree.value {
            Node::Null => Self::Null,
            Node::Bool(b) => Self::Bool(*b),
            Node::Int(n) => Self::Int(*n),
            Node::Float(f) => Self::Float(*f),
            Node::Str(s) => Self::str(s.as_str()),
            Node::List(list) => list.iter().map(Self::from_tree).collect(),
            Node::Map(map) => Self::map(map.iter().map(|(k, v)| (k.value.clone(), Self::from_tree(v)))),
        }
    }
}

/// What stands in a text for a value that is not known yet.
#[must_use]
pub fn hole(step: &str) -> String {
    format!("⟨unknown until {step}⟩")
}

fn int_to_json(n: i128) -> serde_json::Value {
    if let Ok(n) = i64::try_from(n) {
        return n.into();
    }
    // Beyond 64 bits JSON numbers are not exact anywhere; a text is.
    u64::try_from(n).map_or_else(|_| n.to_string().into(), serde_json::Value::from)
}

/// Structural equality, for tests and records: no type errors, and a whole number equals the same number with a point.
/// Expressions use [`Value::equals`].
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Int(_) | Self::Float(_), Self::Int(_) | Self::Float(_)) => {
                super::order::numbers(self, other) == Some(std::cmp::Ordering::Equal)
            }
            (Self::Str(a), Self::Str(b)) | (Self::Host(a), Self::Host(b)) | (Self::Unknown(a), Self::Unknown(b)) => {
                a == b
            }
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            (Self::Version(a), Self::Version(b)) => a == b,
            (Self::Secret(a), Self::Secret(b)) => a.expose_secret() == b.expose_secret(),
            _ => false,
        }
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<f64> for Value {
    fn from(f: f64) -> Self {
        Self::Float(f)
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Self::str(s)
    }
}

impl From<String> for Value {
    fn from(s: String) -> Self {
        Self::str(s)
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Self>>(iter: I) -> Self {
        Self::List(Arc::new(iter.into_iter().collect()))
    }
}

impl From<Vec<Value>> for Value {
    fn from(list: Vec<Self>) -> Self {
        Self::List(Arc::new(list))
    }
}

macro_rules! from_int {
    ($($t:ty)*) => {$(
        impl From<$t> for Value {
            fn from(n: $t) -> Self {
                Self::Int(i128::from(n))
            }
        }
    )*};
}
from_int!(i32 i64 u8 u16 u32 u64 i128);

impl From<usize> for Value {
    fn from(n: usize) -> Self {
        // A length in memory always fits.
        Self::Int(i128::try_from(n).unwrap_or(i128::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_exact_for_64_bits() {
        let json = serde_json::json!({"id": u64::MAX, "low": i64::MIN, "f": 1.5, "n": null, "l": [true, "x"]});
        let value = Value::from_json(&json);
        assert_eq!(value.to_json(), json);
        let Value::Map(map) = &value else { panic!("a map") };
        assert_eq!(map["id"].as_int(), Some(i128::from(u64::MAX)));
    }

    #[test]
    fn a_secret_is_never_shown() {
        let value: Value = vec![Value::secret("hunter22")].into();
        assert!(!format!("{value:?} {}", value.to_json()).contains("hunter22"));
        assert!(value.holds_secret());
    }
}
