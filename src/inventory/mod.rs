//! The inventory: which hosts there are, how they are reached, and what is said of each.

mod model;
mod selector;
mod written;

pub use model::{ConnectSettings, Group, Host, HostName, Inventory, Via};
pub use selector::{Name, Names, Selector};
