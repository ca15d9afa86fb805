//! The deserializer of a key. What it cannot be decoded as is said at the key; its entry is taken out.

use serde::de::value::U32Deserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::error::Error;
use crate::text::spanned::SP_NAME;
use crate::text::tree::{Sp, Tree};

#[derive(Clone, Copy, Debug)]
pub(super) struct KeyDe<'a> {
    pub(super) key: &'a Sp<String>,
    pub(super) value: &'a Tree,
}

impl KeyDe<'_> {
    fn here<T>(self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|error| error.at_key(self.key.span, self.value))
    }
}

macro_rules! number {
    ($($method:ident $visit:ident $type:ty),+ $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.here(match self.key.value.parse::<$type>() {
                Ok(n) => visitor.$visit(n),
                Err(_) => Err(de::Error::invalid_value(Unexpected::Str(&self.key.value), &"a number as key")),
            })
        }
    )+};
}

impl<'de> Deserializer<'de> for KeyDe<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.here(visitor.visit_str(&self.key.value))
    }

    number! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_i128 visit_i128 i128, deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64,
        deserialize_u128 visit_u128 u128,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.here(if name == SP_NAME {
            visitor.visit_seq(KeySpan { key: self, step: 0 })
        } else {
            visitor.visit_newtype_struct(self)
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.here(visitor.visit_enum(KeyEnum(self)))
    }

    serde::forward_to_deserialize_any! {
        bool f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

struct KeySpan<'a> {
    key: KeyDe<'a>,
    step: u8,
}

impl<'de> SeqAccess<'de> for KeySpan<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let span = self.key.key.span;
        self.step += 1;
        let number = match self.step {
            1 => span.source.0,
            2 => span.start,
            3 => span.end,
            4 => return seed.deserialize(self.key).map(Some),
            _ => return Ok(None),
        };
        let number: U32Deserializer<Error> = number.into_deserializer();
        seed.deserialize(number).map(Some)
    }
}

struct KeyEnum<'a>(KeyDe<'a>);

impl<'de> EnumAccess<'de> for KeyEnum<'_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let name = seed.deserialize(self.0)?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for KeyEnum<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Error> {
        self.0.here(Err(Error::one_of(format!("`{}` cannot be a key here", self.0.key.value))))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        self.0.here(Err(Error::one_of(format!("`{}` cannot be a key here", self.0.key.value))))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Error> {
        self.0.here(Err(Error::one_of(format!("`{}` cannot be a key here", self.0.key.value))))
    }
}
