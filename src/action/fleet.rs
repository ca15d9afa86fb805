//! What guards and picks see of a run: the hosts, the links to them, and the names that expressions may use. The
//! executor implements it.

use std::fmt;
use std::sync::Arc;

use crate::inventory::Selector;
use crate::template::{Scope, Value};
use crate::transport::Link;

use super::Login;

/// Where something is done or asked: whom it is about, whose names its texts read, and on which host it happens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spot {
    /// Whom it is about.
    pub about: String,
    /// Where it happens.
    pub on: String,
}

impl Spot {
    /// On the host itself.
    #[must_use]
    pub fn at(host: impl Into<String>) -> Self {
        let host = host.into();
        Self { about: host.clone(), on: host }
    }

    /// Whether it happens on another host than the one it is about.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        self.about != self.on
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_elsewhere() { write!(f, "{} (on {})", self.about, self.on) } else { f.write_str(&self.about) }
    }
}

/// A view of the run that can ask hosts but change none.
pub trait Fleet: Send + Sync {
    /// The hosts that a selector means now (picks included).
    fn resolve(&self, selector: &Selector) -> Result<Vec<String>, String>;
    /// The names in the eyes of one host (`None`: of no host), with `result` when a probe gave one.
    fn scope<'a>(&'a self, host: Option<&'a str>, result: Option<Value>) -> Box<dyn Scope + Send + Sync + 'a>;
    /// The open link to a host, or why there is none.
    fn link(&self, host: &str) -> Result<Arc<dyn Link>, String>;
    /// The surroundings of the step at a spot, or why they cannot be rendered.
    fn login(&self, spot: &Spot) -> Result<Login, String>;
    /// The address to connect to, and ssh's port there.
    fn address(&self, host: &str) -> (String, u16);
    /// Every host of the inventory, in its order.
    fn inventory(&self) -> Vec<String>;
}
