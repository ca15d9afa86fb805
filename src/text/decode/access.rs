//! How serde walks through lists, maps, variants, and the two questions that are ours: span and shape.

use std::vec;

use serde::de::value::{StrDeserializer, U32Deserializer};
use serde::de::{DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::error::Error;
use super::fill::Fill;
use super::key::KeyDe;
use super::node::NodeDe;
use super::state::State;
use crate::text::shape::Kind;
use crate::text::tree::{Node, Sp, Tree};

/// The items of a list that are still in.
pub(super) struct Items<'a> {
    items: std::slice::Iter<'a, Tree>,
    state: &'a State<'a>,
}

impl<'a> Items<'a> {
    pub(super) fn new(items: &'a [Tree], state: &'a State<'a>) -> Self {
        Self { items: items.iter(), state }
    }
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let state = self.state;
        match self.items.find(|item| !state.is_taken(item)) {
            Some(item) => NodeDe::new(item, state).seeded(seed).map(Some),
            None => Ok(None),
        }
    }
}

/// The entries of a map that count.
pub(super) struct Entries<'a> {
    rest: vec::IntoIter<&'a (Sp<String>, Tree)>,
    value: Option<(&'a Sp<String>, &'a Tree)>,
    /// Keys that are missing and have a stand-in.
    fills: vec::IntoIter<&'static str>,
    state: &'a State<'a>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(entries: Vec<&'a (Sp<String>, Tree)>, state: &'a State<'a>) -> Self {
        Self { rest: entries.into_iter(), value: None, fills: Vec::new().into_iter(), state }
    }

    /// With stand-ins for missing keys.
    pub(super) fn filled(self, fills: Vec<&'static str>) -> Self {
        Self { fills: fills.into_iter(), ..self }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some((key, value)) = self.rest.next() else {
            let Some(key) = self.fills.next() else { return Ok(None) };
            let key: StrDeserializer<'_, Error> = key.into_deserializer();
            return seed.deserialize(key).map(Some);
        };
        self.value = Some((key, value));
        seed.deserialize(KeyDe { key, value }).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let Some((_, value)) = self.value.take() else {
            return seed.deserialize(Fill).map_err(|_| Error::one_of(String::new()).consequence());
        };
        NodeDe::new(value, self.state).seeded(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// One variant: named by a text alone, or by the key of a map with one entry.
pub(super) struct EnumOf<'a> {
    name: &'a str,
    value: Option<NodeDe<'a>>,
    place: NodeDe<'a>,
}

impl<'a> EnumOf<'a> {
    pub(super) const fn unit(place: NodeDe<'a>, name: &'a str) -> Self {
        Self { name, value: None, place }
    }

    pub(super) fn entry(key: &'a Sp<String>, value: &'a Tree, state: &'a State<'a>) -> Self {
        let value = NodeDe::new(value, state);
        Self { name: &key.value, value: Some(value), place: value }
    }

    fn content(&self) -> Result<NodeDe<'a>, Error> {
        self.value.ok_or_else(|| {
            let message = format!("`{0}` needs a value: write `{0}: …`", self.name);
            Error::one_of(message).at(self.place.tree, self.place.state)
        })
    }
}

impl<'de, 'a> EnumAccess<'de> for EnumOf<'a> {
    type Error = Error;
    type Variant = EnumOf<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, EnumOf<'a>), Error> {
        let name = seed.deserialize(self.name.into_deserializer()).map_err(|e: Error| e)?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for EnumOf<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.value {
            Some(value) if value.tree.value != Node::Null => {
                let message = format!("`{}` takes no value", self.name);
                Err(Error::one_of(message).at(value.tree, value.state))
            }
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        self.content()?.seeded(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        serde::Deserializer::deserialize_tuple(self.content()?, length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        serde::Deserializer::deserialize_struct(self.content()?, "", fields, visitor)
    }
}

/// Answers `Sp<T>`: source, start, end, then the value itself.
pub(super) struct SpanOf<'a> {
    node: NodeDe<'a>,
    step: u8,
}

impl<'a> SpanOf<'a> {
    pub(super) const fn new(node: NodeDe<'a>) -> Self {
        Self { node, step: 0 }
    }
}

impl<'de> SeqAccess<'de> for SpanOf<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let span = self.node.tree.span;
        self.step += 1;
        let number = match self.step {
            1 => span.source.0,
            2 => span.start,
            3 => span.end,
            4 => return self.node.seeded(seed).map(Some),
            _ => return Ok(None),
        };
        let number: U32Deserializer<Error> = number.into_deserializer();
        seed.deserialize(number).map(Some)
    }
}

/// Answers [`Shaped`](crate::text::Shaped): kind, keys, then the value itself.
pub(super) struct ShapeOf<'a> {
    node: NodeDe<'a>,
    step: u8,
}

impl<'a> ShapeOf<'a> {
    pub(super) const fn new(node: NodeDe<'a>) -> Self {
        Self { node, step: 0 }
    }
}

impl<'de> SeqAccess<'de> for ShapeOf<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        self.step += 1;
        match self.step {
            1 => seed.deserialize(Kind::of(&self.node.tree.value).number().into_deserializer()).map(Some),
            2 => {
                // what was taken out still tells the form
                let keys = match &self.node.tree.value {
                    Node::Map(entries) => entries.iter().map(|(key, _)| key.value.clone()).collect(),
                    _ => Vec::new(),
                };
                seed.deserialize(keys.into_deserializer()).map(Some)
            }
            3 => self.node.seeded(seed).map(Some),
            _ => Ok(None),
        }
    }
}
