//! Equality and order between values, type-strict: values of two kinds are never silently unequal.

use std::cmp::Ordering;

use super::value::Value;

/// Two values of kinds that cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{left} cannot be compared with {right}")]
pub struct TypeMismatch {
    /// Kind of the first.
    pub left: &'static str,
    /// Kind of the second.
    pub right: &'static str,
}

impl Value {
    /// Whether two values are equal; `None` when that is not known yet. Null may be compared with everything.
    pub fn equals(&self, other: &Self) -> Result<Option<bool>, TypeMismatch> {
        match (self, other) {
            (Self::Unknown(_), _) | (_, Self::Unknown(_)) => Ok(None),
            (Self::Null, _) | (_, Self::Null) => Ok(Some(self.is_null() && other.is_null())),
            (Self::List(a), Self::List(b)) => {
                if a.len() != b.len() {
                    return Ok(Some(false));
                }
                all_equal(a.iter().zip(b.iter()))
            }
            (Self::Map(a), Self::Map(b)) => {
                if a.len() != b.len() || a.keys().any(|k| !b.contains_key(k)) {
                    return Ok(Some(false));
                }
                all_equal(a.iter().map(|(k, v)| (v, &b[k])))
            }
            _ if comparable(self, other) => Ok(Some(self == other)),
            _ => Err(TypeMismatch { left: self.kind(), right: other.kind() }),
        }
    }

    /// The order of two values; `None` when it is not known yet. Numbers, texts and versions have an order.
    pub fn compare(&self, other: &Self) -> Result<Option<Ordering>, TypeMismatch> {
        let order = match (self, other) {
            (Self::Unknown(_), _) | (_, Self::Unknown(_)) => return Ok(None),
            (Self::Str(a), Self::Str(b)) => Some(a.cmp(b)),
            (Self::Version(a), Self::Version(b)) => Some(a.cmp(b)),
            _ => numbers(self, other),
        };
        order.map(Some).ok_or(TypeMismatch { left: self.kind(), right: other.kind() })
    }
}

fn comparable(a: &Value, b: &Value) -> bool {
    let number = |v: &Value| matches!(v, Value::Int(_) | Value::Float(_));
    std::mem::discriminant(a) == std::mem::discriminant(b) || number(a) && number(b)
}

fn all_equal<'a>(pairs: impl Iterator<Item = (&'a Value, &'a Value)>) -> Result<Option<bool>, TypeMismatch> {
    let mut known = true;
    for (a, b) in pairs {
        match a.equals(b)? {
            Some(false) => return Ok(Some(false)),
            Some(true) => {}
            None => known = false,
        }
    }
    Ok(known.then_some(true))
}

/// The exact order of two numbers, whole or not; `None` for other values.
pub(super) fn numbers(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Float(b)) => mixed(*a, *b),
        (Value::Float(a), Value::Int(b)) => mixed(*b, *a).map(Ordering::reverse),
        _ => None,
    }
}

/// Compares without rounding the whole number to a float: member ids pass 2^53.
#[expect(clippy::cast_possible_truncation, reason = "the bounds are checked first, and only the whole part is taken")]
fn mixed(int: i128, float: f64) -> Option<Ordering> {
    const LIMIT: f64 = 1e38;
    if float.is_nan() {
        return None;
    }
    if float.abs() >= LIMIT {
        return Some(if float > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    let whole = float.trunc();
    let fraction = float - whole;
    let rest = 0.0_f64.partial_cmp(&fraction)?;
    Some(int.cmp(&(whole as i128)).then(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_exactly() {
        let big = 9_007_199_254_740_993_i64; // 2^53 + 1, which no float can hold
        assert_eq!(Value::from(big).compare(&Value::Float(9_007_199_254_740_992.0)), Ok(Some(Ordering::Greater)));
        assert_eq!(Value::from(1).equals(&Value::Float(1.0)), Ok(Some(true)));
        assert_eq!(Value::from(1).compare(&Value::Float(1.5)), Ok(Some(Ordering::Less)));
        assert_eq!(Value::from(-1).compare(&Value::Float(-1.5)), Ok(Some(Ordering::Greater)));
    }

    #[test]
    fn kinds_do_not_mix_and_null_compares_with_all() {
        let error = Value::from(5432).equals(&"5432".into()).expect_err("kinds differ");
        assert_eq!(error.to_string(), "a whole number cannot be compared with a text");
        assert_eq!(Value::Null.equals(&"x".into()), Ok(Some(false)));
        assert_eq!(Value::Null.equals(&Value::Null), Ok(Some(true)));
        assert_eq!(Value::unknown("s").equals(&"x".into()), Ok(None));
        let lists = |a: Value, b: Value| Value::from(vec![a, 1.into()]).equals(&vec![b, 2.into()].into());
        assert_eq!(lists(Value::unknown("s"), 1.into()), Ok(Some(false)), "false whatever the unknown one is");
    }
}
