//! Templates as the language's texts use them: a small world to read from, and tables of cases.

mod contexts;
mod expressions;
mod hostile;
mod kleene;
mod language;
mod shells;
mod structure;
mod urls;

use refloat::base::clock::Timestamp;
use refloat::template::{Base, Read, ReadError, Scope, Value};
use serde_json::json;

/// Three hosts, some outputs, and whatever a test adds at the root.
pub struct World {
    root: serde_json::Value,
    extra: Vec<(String, Value)>,
}

impl World {
    pub fn new() -> Self {
        let root = json!({
            "params": { "raft_protocol": 3, "n": 5, "name": "it's", "ratio": 1.5, "flag": true, "list": ["a b", "c'd"],
                "big": u64::MAX, "empty": [], "nothing": null, "map": { "a": 1, "b-c": { "d": "deep" } } },
            "outputs": { "see": { "raft": [
                { "ID": "id-1", "Address": "10.0.0.1:8300", "Voter": true },
                { "ID": "id-2", "Address": "10.0.0.2:8300", "Voter": false } ], "down": null } },
            "run": { "id": "01TEST" },
            "host": { "name": "consul-1", "address": "10.0.0.1" },
            "vars": { "rpc_address": "10.0.0.1:8300", "data_dir": "/var/lib/consul" },
            "result": { "value": 7, "exit": 0 },
        });
        Self { root, extra: Vec::new() }
    }

    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.push((name.to_owned(), value.into()));
        self
    }
}

impl Scope for World {
    fn read(&self, base: Base<'_>, path: &[&str]) -> Result<Read, ReadError> {
        let missing = |known: Vec<String>| Err(ReadError::Missing { path: path[0].to_owned(), known });
        match base {
            Base::Host(name) => {
                let n = name.rsplit('-').next().unwrap_or_default();
                match path {
                    ["name", ..] => Ok(Read::new(name, 1)),
                    ["vars", "rpc_address", ..] => Ok(Read::new(format!("10.0.0.{n}:8300"), 2)),
                    ["outputs", "see", "node_id", ..] => Ok(Read::new(format!("id-{n}"), 3)),
                    ["outputs", "later", ..] => Ok(Read::new(Value::unknown("start"), 2)),
                    _ => missing(vec!["name".into(), "vars".into(), "outputs".into()]),
                }
            }
            Base::Root => match path {
                ["targets", "servers", ..] => {
                    Ok(Read::new((1..=3).map(|n| Value::host(format!("consul-{n}"))).collect::<Value>(), 2))
                }
                ["targets", "survivors", "one", ..] => {
                    Err(ReadError::NotOne { target: "targets.survivors".into(), hosts: 2 })
                }
                ["targets", "survivors", ..] => {
                    Ok(Read::new((1..=2).map(|n| Value::host(format!("consul-{n}"))).collect::<Value>(), 2))
                }
                ["targets", "newest", "one", ..] => Ok(Read::new(Value::host("consul-2"), 3)),
                ["outputs", "later", ..] => Ok(Read::new(Value::unknown("start"), 2)),
                ["secret", ..] => Ok(Read::new(Value::secret("s3cret-word"), 1)),
                [name, ..] => match self.extra.iter().find(|(n, _)| n == name) {
                    Some((_, value)) => Ok(Read::new(value.clone(), 1)),
                    None => match self.root.get(name) {
                        Some(found) => Ok(Read::new(Value::from_json(found), 1)),
                        None => missing(vec!["params".into(), "outputs".into(), "vars".into()]),
                    },
                },
                [] => missing(Vec::new()),
            },
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp(1_000_000_000)
    }
}
