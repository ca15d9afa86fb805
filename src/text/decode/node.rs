//! The deserializer of one node.

use serde::de::{DeserializeSeed, Deserializer, Visitor};

use super::access::{Entries, EnumOf, Items, ShapeOf, SpanOf};
use super::error::Error;
use super::state::{State, listed};
use crate::text::shape::{Kind, SHAPE_NAME};
use crate::text::spanned::SP_NAME;
use crate::text::tree::{Node, Sp, Tree};

#[derive(Clone, Copy, Debug)]
pub(super) struct NodeDe<'a> {
    pub(super) tree: &'a Tree,
    pub(super) state: &'a State<'a>,
}

impl<'a> NodeDe<'a> {
    pub(super) const fn new(tree: &'a Tree, state: &'a State<'a>) -> Self {
        Self { tree, state }
    }

    /// Runs a part of the decoding; what fails in it without a place failed here.
    fn here<T>(self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|error| error.at(self.tree, self.state))
    }

    /// Decodes the node by a seed. A type that checks what it has decoded fails here too, not at its parent.
    pub(super) fn seeded<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        let result = seed.deserialize(self);
        self.here(result)
    }

    fn mismatch<T>(self, expected: &str) -> Result<T, Error> {
        self.here(Err(Error::mismatch(expected, self.tree)))
    }

    fn whole<N: TryFrom<i128>, T>(self, expected: &str, visit: impl FnOnce(N) -> Result<T, Error>) -> Result<T, Error> {
        match self.tree.value {
            Node::Int(n) => match N::try_from(n) {
                Ok(n) => self.here(visit(n)),
                Err(_) => self.here(Err(Error::out_of_range(expected, n))),
            },
            _ => self.mismatch("a whole number"),
        }
    }

    fn number<T>(self, visit: impl FnOnce(f64) -> Result<T, Error>) -> Result<T, Error> {
        match self.tree.value {
            Node::Float(n) => self.here(visit(n)),
            #[expect(clippy::cast_precision_loss, reason = "a float was asked for; exact numbers are read as integers")]
            Node::Int(n) => self.here(visit(n as f64)),
            _ => self.mismatch("a number"),
        }
    }

    fn text<T>(self, visit: impl FnOnce(&str) -> Result<T, Error>) -> Result<T, Error> {
        match &self.tree.value {
            Node::Str(text) => self.here(visit(text)),
            _ => self.mismatch("a text"),
        }
    }

    fn list<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.tree.value {
            Node::List(items) => self.here(visitor.visit_seq(Items::new(items, self.state))),
            _ => self.mismatch("a list"),
        }
    }

    /// The entries of a struct: unknown keys are recorded and left out.
    fn fields(self, entries: &'a [(Sp<String>, Tree)], known: &[&str]) -> Vec<&'a (Sp<String>, Tree)> {
        let mut kept = self.state.entries(entries);
        kept.retain(|(key, value)| {
            let is_known = known.contains(&key.value.as_str());
            if !is_known {
                self.state.unknown_key(self.tree, key, value, known);
            }
            is_known
        });
        kept
    }

    /// The variant of an externally tagged enum: a text, or a map with one key.
    fn variant(self, variants: &[&str]) -> Result<EnumOf<'a>, Error> {
        match &self.tree.value {
            Node::Str(name) if variants.contains(&name.as_str()) => Ok(EnumOf::unit(self, name)),
            Node::Str(name) => self.here(Err(Error::choice(name, variants))),
            Node::Map(all) => {
                let entries = self.state.entries(all);
                let known: Vec<_> = entries.iter().filter(|(key, _)| variants.contains(&key.value.as_str())).collect();
                let hurt = self.state.is_hurt(self.tree, None);
                match (known.as_slice(), entries.first()) {
                    ([(key, value)], _) => {
                        for (other, value) in entries.iter().filter(|(other, _)| other.value != key.value) {
                            self.state.unknown_key(self.tree, other, value, variants);
                        }
                        Ok(EnumOf::entry(key, value, self.state))
                    }
                    ([(first, _), (second, value), ..], _) => {
                        let message = format!("only one of `{}` and `{}` can stand here", first.value, second.value);
                        Err(Error::one_of(message).and(first.span, "the first one").at_key(second.span, value))
                    }
                    (_, None) if hurt => self.here(Err(Error::one_of(String::new()).consequence())),
                    ([], Some((key, _))) if !hurt => {
                        Err(Error::choice(&key.value, variants).at_key(key.span, self.tree))
                    }
                    ([], Some((key, value))) => {
                        self.state.unknown_key(self.tree, key, value, variants);
                        self.here(Err(Error::one_of(String::new()).consequence()))
                    }
                    ([], None) => self
                        .here(Err(Error::one_of(format!("expected one of {}, found an empty map", listed(variants))))),
                }
            }
            _ => self.mismatch(&format!("one of {}", listed(variants))),
        }
    }
}

macro_rules! whole {
    ($($method:ident $visit:ident $type:ty),+ $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let expected = format!("a whole number from {} to {}", <$type>::MIN, <$type>::MAX);
            self.whole::<$type, _>(&expected, |n| visitor.$visit(n))
        }
    )+};
}

impl<'de> Deserializer<'de> for NodeDe<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.here(match &self.tree.value {
            Node::Null => visitor.visit_unit(),
            Node::Bool(v) => visitor.visit_bool(*v),
            Node::Int(n) => match (i64::try_from(*n), u64::try_from(*n)) {
                (Ok(n), _) => visitor.visit_i64(n),
                (_, Ok(n)) => visitor.visit_u64(n),
                _ => visitor.visit_i128(*n),
            },
            Node::Float(n) => visitor.visit_f64(*n),
            Node::Str(text) => visitor.visit_str(text),
            Node::List(items) => visitor.visit_seq(Items::new(items, self.state)),
            Node::Map(entries) => {
                // who takes a part as it is looks at duplicates too; here they are reported
                self.state.entries(entries);
                let kept = entries.iter().filter(|(_, value)| !self.state.is_taken(value)).collect();
                visitor.visit_map(Entries::new(kept, self.state))
            }
        })
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.tree.value {
            Node::Bool(v) => self.here(visitor.visit_bool(v)),
            _ => self.mismatch("a boolean"),
        }
    }

    whole! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_i128 visit_i128 i128, deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64,
        deserialize_u128 visit_u128 u128,
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.number(|n| visitor.visit_f64(n))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.number(|n| visitor.visit_f64(n))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(|text| visitor.visit_str(text))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(|text| visitor.visit_str(text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(|text| visitor.visit_str(text))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(|text| visitor.visit_str(text))
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(|text| visitor.visit_bytes(text.as_bytes()))
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(|text| visitor.visit_bytes(text.as_bytes()))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.here(if self.tree.value == Node::Null { visitor.visit_none() } else { visitor.visit_some(self) })
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.tree.value {
            Node::Null => self.here(visitor.visit_unit()),
            _ => self.mismatch("nothing"),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.here(match name {
            SP_NAME => visitor.visit_seq(SpanOf::new(self)),
            SHAPE_NAME => visitor.visit_seq(ShapeOf::new(self)),
            _ => visitor.visit_newtype_struct(self),
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.list(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        match &self.tree.value {
            Node::List(items) if items.len() != length => {
                let message = format!("expected a list of {length} items, found {} items", items.len());
                self.here(Err(Error::length(message)))
            }
            _ => self.list(visitor),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.tree.value {
            Node::Map(entries) => self.here(visitor.visit_map(Entries::new(self.state.entries(entries), self.state))),
            _ => self.mismatch("a map"),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let fills = self.state.fills(self.tree);
        match &self.tree.value {
            Node::Map(entries) => {
                let entries = Entries::new(self.fields(entries, fields), self.state);
                self.here(visitor.visit_map(entries.filled(fills)))
            }
            // `web-1:` with nothing behind it is an entry with all defaults
            Node::Null => self.here(visitor.visit_map(Entries::new(Vec::new(), self.state).filled(fills))),
            _ => self.mismatch("a map"),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let variant = self.variant(variants)?;
        self.here(visitor.visit_enum(variant))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.here(visitor.visit_unit())
    }
}

impl Kind {
    pub(super) const fn of(node: &Node) -> Self {
        match node {
            Node::Null => Self::Null,
            Node::Bool(_) => Self::Bool,
            Node::Int(_) => Self::Int,
            Node::Float(_) => Self::Float,
            Node::Str(_) => Self::Text,
            Node::List(_) => Self::List,
            Node::Map(_) => Self::Map,
        }
    }
}
