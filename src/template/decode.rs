//! Decoding: texts, expressions and values as fields of model structs. They take their place from the spanned string.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};

use super::context::InContext;
use super::expr::Expr;
use super::text::Text;
use super::val::{FromText, Val};
use super::value::Value;
use crate::text::Sp;

impl<'de, C: InContext> Deserialize<'de> for Text<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Sp::deserialize(deserializer).map(Self::new)
    }
}

impl<'de> Deserialize<'de> for Expr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Sp { value: Scalar { written, .. }, span } = Sp::deserialize(deserializer)?;
        Ok(Self::new(Sp::new(written, span)))
    }
}

impl<'de, T: FromText> Deserialize<'de> for Val<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Sp { value: Scalar { written, value }, span } = Sp::deserialize(deserializer)?;
        Ok(Self::from_literal(Sp::new(written, span), &value))
    }
}

/// A literal of the file that is neither list nor map.
struct Scalar {
    written: String,
    value: Value,
}

impl Scalar {
    fn new<T: ToString + Into<Value>>(literal: T) -> Self {
        Self { written: literal.to_string(), value: literal.into() }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number or a boolean")
    }

    fn visit_bool<E: Error>(self, b: bool) -> Result<Scalar, E> {
        Ok(Scalar::new(b))
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<Scalar, E> {
        Ok(Scalar::new(n))
    }

    fn visit_u64<E: Error>(self, n: u64) -> Result<Scalar, E> {
        Ok(Scalar::new(n))
    }

    fn visit_i128<E: Error>(self, n: i128) -> Result<Scalar, E> {
        Ok(Scalar::new(n))
    }

    fn visit_u128<E: Error>(self, n: u128) -> Result<Scalar, E> {
        i128::try_from(n)
            .map(Scalar::new)
            .map_err(|_| E::invalid_value(Unexpected::Other("a number beyond 127 bits"), &self))
    }

    fn visit_f64<E: Error>(self, f: f64) -> Result<Scalar, E> {
        Ok(Scalar::new(f))
    }

    fn visit_str<E: Error>(self, s: &str) -> Result<Scalar, E> {
        Ok(Scalar::new(s))
    }

    fn visit_unit<E: Error>(self) -> Result<Scalar, E> {
        Ok(Scalar { written: "null".to_owned(), value: Value::Null })
    }
}
