//! Stand-ins for required values that are missing: empty texts, empty lists, zeros, at [`Span::NOWHERE`]. They let the
//! rest of a struct be decoded and checked. What has no empty form (a struct, a duration) fails, and then the struct
//! around it is taken out.

use serde::de::value::{MapAccessDeserializer, U32Deserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::error::Error;
use crate::base::span::Span;
use crate::text::shape::{Kind, SHAPE_NAME};
use crate::text::spanned::SP_NAME;

/// A value that is nowhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fill;

macro_rules! zero {
    ($($method:ident $visit:ident $value:expr),+ $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit($value)
        }
    )+};
}

impl<'de> Deserializer<'de> for Fill {
    type Error = Error;

    zero! {
        deserialize_bool visit_bool false, deserialize_i8 visit_i8 0, deserialize_i16 visit_i16 0,
        deserialize_i32 visit_i32 0, deserialize_i64 visit_i64 0, deserialize_i128 visit_i128 0,
        deserialize_u8 visit_u8 0, deserialize_u16 visit_u16 0, deserialize_u32 visit_u32 0,
        deserialize_u64 visit_u64 0, deserialize_u128 visit_u128 0, deserialize_f32 visit_f32 0.0,
        deserialize_f64 visit_f64 0.0, deserialize_char visit_char ' ', deserialize_str visit_str "",
        deserialize_string visit_str "", deserialize_identifier visit_str "", deserialize_bytes visit_bytes &[],
        deserialize_byte_buf visit_bytes &[],
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str("")
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_none()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        match name {
            SP_NAME => visitor.visit_seq(Parts { step: 0 }),
            SHAPE_NAME => visitor.visit_seq(Shape { step: 0 }),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Nothing)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        MapAccessDeserializer::new(Nothing).deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(First(variants))
    }

    serde::forward_to_deserialize_any! { unit unit_struct tuple tuple_struct struct ignored_any }
}

/// No entries.
struct Nothing;

impl<'de> SeqAccess<'de> for Nothing {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, _: S) -> Result<Option<S::Value>, Error> {
        Ok(None)
    }
}

impl<'de> MapAccess<'de> for Nothing {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, _: S) -> Result<Option<S::Value>, Error> {
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(Fill)
    }
}

/// Source, start, end, value.
struct Parts {
    step: u8,
}

impl<'de> SeqAccess<'de> for Parts {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        self.step += 1;
        let number = match self.step {
            1 => Span::NOWHERE.source.0,
            2 => Span::NOWHERE.start,
            3 => Span::NOWHERE.end,
            4 => return seed.deserialize(Fill).map(Some),
            _ => return Ok(None),
        };
        let number: U32Deserializer<Error> = number.into_deserializer();
        seed.deserialize(number).map(Some)
    }
}

/// Kind, keys, value: an empty list is the emptiest of all shapes.
struct Shape {
    step: u8,
}

impl<'de> SeqAccess<'de> for Shape {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        self.step += 1;
        match self.step {
            1 => seed.deserialize(Kind::List.number().into_deserializer()).map(Some),
            2 => seed.deserialize(Vec::<String>::new().into_deserializer()).map(Some),
            3 => seed.deserialize(Fill).map(Some),
            _ => Ok(None),
        }
    }
}

/// The first variant.
struct First(&'static [&'static str]);

impl<'de> EnumAccess<'de> for First {
    type Error = Error;
    type Variant = Fill;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Fill), Error> {
        let name = self.0.first().copied().unwrap_or_default();
        let name: serde::de::value::StrDeserializer<'_, Error> = name.into_deserializer();
        Ok((seed.deserialize(name)?, Fill))
    }
}

impl<'de> VariantAccess<'de> for Fill {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Nothing)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Nothing)
    }
}
