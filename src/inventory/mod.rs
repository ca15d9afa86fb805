//! The inventory: which hosts there are, how they are reached, and what is said of each; and selectors, which name sets
//! of them.
//!
//! An inventory is resolved when it is loaded: ranges are expanded, groups closed, layers merged. What authors say of
//! hosts (`vars`) stays a [`Tree`](crate::text::Tree), since types and templates are the runbook's.

mod build;
mod connect;
mod file;
mod layers;
mod load;
mod model;
mod range;
mod schema;
mod selector;
mod written;

pub use file::SimpleHost;
pub use model::{ConnectSettings, Group, Host, HostName, Inventory, Via};
pub use schema::schema;
pub use selector::{Name, Names, Selector};
