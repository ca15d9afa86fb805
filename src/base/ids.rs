//! Ids: of runs, and of units on a host.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::digest::Digest;

/// A run: a lower-case ULID, so that ids sort by time, never look like a number, and are safe in paths and shells.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// A new id.
    #[must_use]
    pub fn generate() -> Self {
        Self(ulid::Ulid::generate().to_string().to_lowercase())
    }

    /// An id from outside, for example from the command line.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let ok = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        ok.then(|| Self(text.to_owned()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A random text of 40 hexadecimal digits (160 bits), which nobody else can know.
#[must_use]
pub fn nonce() -> String {
    format!("{:020x}{:020x}", ulid::Ulid::generate().random(), ulid::Ulid::generate().random())
}

/// A random share, from 0 to 1.
#[must_use]
pub fn random() -> f64 {
    // 32 of the random bits
    let bits = u32::try_from(ulid::Ulid::generate().random() & u128::from(u32::MAX)).unwrap_or_default();
    f64::from(bits) / f64::from(u32::MAX)
}

/// The key under which a host claims a unit: the digest of the unit's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnitKey(pub Digest);

impl fmt::Display for UnitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
