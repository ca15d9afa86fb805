//! What guards and picks see of a run: the hosts, the links to them, and the names that expressions may use. The
//! executor implements it.

use std::sync::Arc;

use crate::inventory::Selector;
use crate::template::{Scope, Value};
use crate::transport::Link;

use super::Login;

/// A view of the run that can ask hosts but change none.
pub trait Fleet: Send + Sync {
    /// The hosts that a selector means now (picks included).
    fn resolve(&self, selector: &Selector) -> Result<Vec<String>, String>;
    /// The names in the eyes of one host (`None`: of no host), with `result` when a probe gave one.
    fn scope<'a>(&'a self, host: Option<&'a str>, result: Option<Value>) -> Box<dyn Scope + Send + Sync + 'a>;
    /// The open link to a host, or why there is none.
    fn link(&self, host: &str) -> Result<Arc<dyn Link>, String>;
    /// The surroundings of the step on a host.
    fn login(&self, host: &str) -> Login;
    /// The address to connect to, and ssh's port there.
    fn address(&self, host: &str) -> (String, u16);
    /// Every host of the inventory, in its order.
    fn inventory(&self) -> Vec<String>;
}
