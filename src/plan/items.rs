//! The items of a `for_each`.

use indexmap::IndexMap;

use crate::runbook::Step;
use crate::template::Value;

use super::{View, World};

/// The items that are done now: one for each host, since lists may differ from host to host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Items {
    /// Their place in the lists, from 0.
    pub index: u32,
    /// By host; under "" that of a step without hosts.
    pub of: IndexMap<String, Value>,
}

/// Why a `for_each` gives no items, and on which host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`for_each: {list}` {why}")]
pub struct NoItems {
    list: String,
    why: String,
    /// The host in whose eyes.
    pub host: Option<String>,
}

impl Items {
    /// The items of a step, in order; `None`: it has no `for_each`. What is not known yet is one unknown item.
    pub fn of(step: &Step, hosts: &[String], world: &World) -> Result<Option<Vec<Self>>, NoItems> {
        let Some(expression) = &step.flow.for_each else { return Ok(None) };
        let places: Vec<Option<&str>> =
            if step.hosts.is_none() { vec![None] } else { hosts.iter().map(|host| Some(host.as_str())).collect() };
        let mut all: Vec<Self> = Vec::new();
        for place in places {
            let wrong = |why: String| {
                let list = expression.source().value.clone();
                NoItems { list, why, host: place.map(str::to_owned) }
            };
            let list = match expression.eval(&View::new(world, place, None)) {
                Ok(Value::List(list)) => list.to_vec(),
                Ok(unknown @ Value::Unknown(_)) => vec![unknown],
                Ok(other) => return Err(wrong(format!("is {}, not a list", other.kind()))),
                Err(error) => return Err(wrong(format!("cannot be told: {error}"))),
            };
            for (index, item) in (0..).zip(list) {
                if all.len() == index as usize {
                    all.push(Self { index, of: IndexMap::new() });
                }
                all[index as usize].of.insert(place.unwrap_or_default().to_owned(), item);
            }
        }
        Ok(Some(all))
    }

    /// The item in the eyes of a host; of another one, the item if it is the same for all.
    pub(super) fn read(&self, host: Option<&str>) -> Option<Value> {
        let own = self.of.get(host.unwrap_or_default());
        let mut all = self.of.values();
        let first = all.next();
        own.or_else(|| first.filter(|first| all.all(|other| other == *first))).cloned()
    }
}
