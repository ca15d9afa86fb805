//! Fields with more than one form (`run: ls` or `run: { command: ls }`): the shape is looked at first, then the form is
//! decoded by its own type, so that spans and the findings of its fields are kept.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, SeqAccess, Visitor};

/// The name by which our deserializer recognises the request for a shape.
pub(super) const SHAPE_NAME: &str = "$refloat::text::Shape";

/// What a node is, without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// A number with a point or exponent.
    Float,
    /// Text.
    Text,
    /// A list.
    List,
    /// A map.
    Map,
}

impl Kind {
    pub(super) const fn number(self) -> u8 {
        self as u8
    }

    const fn from_number(n: u8) -> Option<Self> {
        Some(match n {
            0 => Self::Null,
            1 => Self::Bool,
            2 => Self::Int,
            3 => Self::Float,
            4 => Self::Text,
            5 => Self::List,
            6 => Self::Map,
            _ => return None,
        })
    }
}

/// What is seen of a node before it is decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// What it is.
    pub kind: Kind,
    /// The keys, when it is a map.
    pub keys: Vec<String>,
}

impl Shape {
    /// Whether it is a map with this key.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|k| k == key)
    }

    /// Whether it is a list.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.kind == Kind::List
    }

    /// Whether it is a map.
    #[must_use]
    pub fn is_map(&self) -> bool {
        self.kind == Kind::Map
    }
}

/// A type with several forms. Implement this, and `Deserialize` by a call of [`shaped`].
pub trait Shaped: Sized {
    /// Decodes the form that the shape tells. Types that a form does not fit say so themselves.
    fn from_shape<'de, D: Deserializer<'de>>(shape: &Shape, form: D) -> Result<Self, D::Error>;
}

/// The body of `Deserialize::deserialize` of a [`Shaped`] type.
pub fn shaped<'de, T: Shaped, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_newtype_struct(SHAPE_NAME, ShapedVisitor(PhantomData))
}

struct ShapedVisitor<T>(PhantomData<T>);

impl<'de, T: Shaped> Visitor<'de> for ShapedVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a node of our own tree")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        let unfit = || de::Error::custom("a value with several forms can only be read from a text");
        let number = seq.next_element::<u8>()?.ok_or_else(unfit)?;
        let keys = seq.next_element::<Vec<String>>()?.ok_or_else(unfit)?;
        let shape = Shape { kind: Kind::from_number(number).ok_or_else(unfit)?, keys };
        seq.next_element_seed(FormSeed(&shape, PhantomData))?.ok_or_else(unfit)
    }
}

struct FormSeed<'a, T>(&'a Shape, PhantomData<T>);

impl<'de, T: Shaped> DeserializeSeed<'de> for FormSeed<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::from_shape(self.0, deserializer)
    }
}

/// One value, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> std::ops::Deref for OneOrMany<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> IntoIterator for OneOrMany<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a OneOrMany<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: de::DeserializeOwned> Shaped for OneOrMany<T> {
    fn from_shape<'de, D: Deserializer<'de>>(shape: &Shape, form: D) -> Result<Self, D::Error> {
        if shape.is_list() { Vec::deserialize(form).map(Self) } else { T::deserialize(form).map(|one| Self(vec![one])) }
    }
}

impl<'de, T: de::DeserializeOwned> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shaped(deserializer)
    }
}
