//! Data with texts in it: a value of the file, written as YAML, in which every text may insert. What comes out is a value,
//! so nothing in it can become syntax: it is turned into JSON or YAML as a whole.

use std::fmt::Write as _;

use indexmap::IndexMap;

use super::context::Plain;
use super::error::{EvalError, EvalErrorKind};
use super::scope::Scope;
use super::text::{AnyText, Text};
use super::value::Value;
use crate::text::{Node, Sp, Tree};

/// A value of the file, with its texts not yet rendered.
#[derive(Clone, Debug)]
pub enum Data {
    /// A literal that is no text.
    Literal(Value),
    /// A text. One that is an insertion and nothing else becomes what is inserted, a list for example.
    Text(Text<Plain>),
    /// A list.
    List(Vec<Self>),
    /// A map; the keys are texts as well.
    Map(Vec<(Text<Plain>, Self)>),
}

impl Data {
    /// From a node of the file.
    #[must_use]
    pub fn from_tree(tree: &Tree) -> Self {
        match &tree.value {
            Node::Str(text) => Self::Text(Text::new(Sp::new(text.clone(), tree.span))),
            Node::List(items) => Self::List(items.iter().map(Self::from_tree).collect()),
            Node::Map(entries) => {
                Self::Map(entries.iter().map(|(key, value)| (Text::new(key.clone()), Self::from_tree(value))).collect())
            }
            Node::Null | Node::Bool(_) | Node::Int(_) | Node::Float(_) => Self::Literal(Value::from_tree(tree)),
        }
    }

    /// Every text in it.
    pub fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        match self {
            Self::Literal(_) => {}
            Self::Text(text) => visit(text),
            Self::List(items) => items.iter().for_each(|item| item.texts(visit)),
            Self::Map(entries) => {
                for (key, value) in entries {
                    visit(key);
                    value.texts(visit);
                }
            }
        }
    }

    /// The value. Parts of it may be unknown ([`Value::waits_for`]) or secret.
    pub fn value(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Text(text) => text.value(scope),
            Self::List(items) => items.iter().map(|item| item.value(scope)).collect(),
            Self::Map(entries) => {
                let mut map = IndexMap::new();
                for (key, value) in entries {
                    let rendered = key.render(scope)?;
                    if let Some(hole) = rendered.unknown.first() {
                        let kind = EvalErrorKind::NotKnownYet { step: hole.step.clone() };
                        return Err(EvalError::new(hole.range.clone(), kind));
                    }
                    if map.insert(rendered.text.clone(), value.value(scope)?).is_some() {
                        return Err(invalid(format!("two keys are `{}`", rendered.text)));
                    }
                }
                Ok(Value::map(map))
            }
        }
    }

    /// The value with nothing unknown in it.
    pub fn known(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        let value = self.value(scope)?;
        match value.waits_for() {
            None => Ok(value),
            Some(step) => Err(EvalError::new(0..0, EvalErrorKind::NotKnownYet { step })),
        }
    }
}

impl Value {
    /// The value as an indented JSON text with a final newline. Secrets stand in it: it is for files and bodies.
    pub fn json_text(&self) -> Result<String, EvalError> {
        finite(self)?;
        let text =
            serde_json::to_string_pretty(&self.exposed().to_json()).map_err(|error| invalid(error.to_string()))?;
        Ok(text + "\n")
    }

    /// The value as a YAML text in block style. Every text that YAML 1.1 or 1.2 could take for something else stands in
    /// quotes. Secrets stand in it: it is for files.
    pub fn yaml_text(&self) -> Result<String, EvalError> {
        finite(self)?;
        let mut text = String::new();
        yaml(&self.exposed().to_json(), 0, &mut text);
        Ok(text)
    }
}

fn invalid(reason: String) -> EvalError {
    EvalError::new(0..0, EvalErrorKind::Convert { reason })
}

/// JSON has no infinity, and nothing beyond 64 bits that every reader takes as it is.
fn finite(value: &Value) -> Result<(), EvalError> {
    match value {
        Value::Float(f) if !f.is_finite() => Err(invalid(format!("JSON has no such number: {f}"))),
        Value::Int(n) if i64::try_from(*n).is_err() && u64::try_from(*n).is_err() => {
            Err(invalid(format!("{n} has more than 64 bits; write it as a text")))
        }
        Value::List(items) => items.iter().try_for_each(finite),
        Value::Map(entries) => entries.values().try_for_each(finite),
        _ => Ok(()),
    }
}

/// A node on lines of its own, at this depth.
fn yaml(json: &serde_json::Value, depth: usize, into: &mut String) {
    use serde_json::Value as Json;
    match json {
        Json::Array(items) if !items.is_empty() => {
            for item in items {
                indent(depth, into);
                into.push('-');
                part(item, depth, into);
            }
        }
        Json::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                indent(depth, into);
                into.push_str(&scalar(key));
                into.push(':');
                part(value, depth, into);
            }
        }
        other => {
            let _ = writeln!(into, "{}", flow(other));
        }
    }
}

/// A node behind `-` or `key:`.
fn part(json: &serde_json::Value, depth: usize, into: &mut String) {
    use serde_json::Value as Json;
    match json {
        Json::Array(items) if !items.is_empty() => {
            into.push('\n');
            yaml(json, depth + 1, into);
        }
        Json::Object(entries) if !entries.is_empty() => {
            into.push('\n');
            yaml(json, depth + 1, into);
        }
        other => {
            let _ = writeln!(into, " {}", flow(other));
        }
    }
}

fn indent(depth: usize, into: &mut String) {
    into.extend(std::iter::repeat_n("  ", depth));
}

fn flow(json: &serde_json::Value) -> String {
    json.as_str().map_or_else(|| json.to_string(), scalar)
}

/// A text without quotes where nobody can misread it. JSON's quotes and escapes are YAML's, once the line ends that only
/// YAML knows are escaped as well.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(plain)
        && !words.contains(&text.to_ascii_lowercase().as_str());
    if plain {
        return text.to_owned();
    }
    let mut quoted = String::new();
    for c in serde_json::Value::String(text.to_owned()).to_string().chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::diag::Diagnostics;
    use crate::base::span::SourceId;
    use crate::text::parse;

    fn read(text: &str) -> Value {
        let diags = Diagnostics::new();
        let tree = parse(SourceId(0), text, &diags).unwrap_or_else(|| panic!("{text}: {:?}", diags.sorted()));
        assert_eq!(diags.sorted(), [], "{text}");
        Value::from_tree(&tree)
    }

    #[test]
    fn yaml_is_as_a_person_would_write_it() {
        let value = read("{ server: true, name: web-1, empty: [], list: [ 1, { a: x, b: [ no, 2.5 ] } ], n: null }");
        assert_eq!(
            value.yaml_text().expect("a text"),
            "server: true\nname: web-1\nempty: []\nlist:\n  - 1\n  -\n    a: x\n    b:\n      - \"no\"\n      - 2.5\n\"n\": null\n"
        );
        assert_eq!(value.json_text().expect("a text").lines().count(), 16);
    }

    #[test]
    fn what_no_reader_takes_as_it_is_is_refused() {
        for value in [Value::Float(f64::NAN), Value::Int(i128::MAX), vec![Value::Float(f64::INFINITY)].into()] {
            assert!(value.json_text().is_err() && value.yaml_text().is_err(), "{value:?}");
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
            "[a-z0-9:#\\-?,&*!|>'\"%@`{}\\[\\] \\n\\t]{0,8}".prop_map(Value::from),
            prop_oneof!["yes", "~", "1e3", "0x1f", "2026-11-22", "1:30", "-", "null", ".inf"].prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((".{0,6}", inner), 0..4).prop_map(Value::map),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back(value in values()) {
            let json = value.to_json();
            prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(&value.json_text().expect("JSON")).expect("JSON"), &json);
            prop_assert_eq!(read(&value.yaml_text().expect("YAML")).to_json(), json);
        }
    }
}
