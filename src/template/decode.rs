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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::diag::Diagnostics;
    use crate::base::span::SourceId;
    use crate::template::context::Shell;
    use crate::template::text::AnyText;
    use crate::text::{Dur, decode, parse};

    #[derive(Debug, Deserialize)]
    struct Model {
        run: Text<Shell>,
        that: Expr,
        parallel: Val<u64>,
        sudo: Val<bool>,
        within: Val<Dur>,
        timeout: Val<Dur>,
        mode: Val<crate::text::Mode>,
    }

    #[test]
    fn fields_keep_their_places_and_their_problems() {
        let text = "run: echo {{eqq x}}\nthat: true\nparallel: \"{{params.n}}\"\nsudo: yes\nwithin: 90s\ntimeout: 5\nmode: 640\n";
        let diags = Diagnostics::new();
        let tree = parse(SourceId(0), text, &diags).expect("YAML");
        let model: Model = decode(&tree, &diags).expect("a model");
        assert_eq!(diags.sorted(), []);
        assert_eq!(&text[model.run.source().span.range()], "echo {{eqq x}}");
        assert_eq!(model.run.problems()[0].code, "unknown-helper");
        assert_eq!(&model.run.source()[model.run.problems()[0].range.clone()], "eqq");
        assert_eq!(model.that.source().value, "true");
        assert_eq!(model.that.problems(), []);
        assert_eq!(model.parallel.references()[0].dotted(), "params.n");
        assert_eq!(model.parallel.literal(), None);
        assert_eq!(model.sudo.problems()[0].message, "a boolean is needed, not a text");
        assert_eq!(model.within.literal(), Some(&Dur::secs(90)));
        assert!(model.timeout.problems()[0].message.contains("no unit"));
        assert_eq!(model.mode.problems()[0].message, "a file mode between quotes is needed, not a whole number");
    }
}
