//! The right to change one host once.
//!
//! A [`Permit`] says that the intent of one unit is durable in the journal. What can change a host (`transport::Hands`)
//! is made from a link and a permit, so work that was not written down first does not compile. Only the journal grants
//! permits: `tests/architecture.rs` refuses a call of [`Permit::grant`] anywhere else.

use super::ids::UnitKey;

/// Proof that the start of a unit is durable. Not `Clone`: one start, one permit.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    key: UnitKey,
}

impl Permit {
    /// For the journal, after the commit that holds the unit's start.
    #[must_use]
    pub fn grant(key: UnitKey) -> Self {
        Self { key }
    }

    /// The unit's key, under which the host claims it.
    #[must_use]
    pub fn key(&self) -> &UnitKey {
        &self.key
    }
}
