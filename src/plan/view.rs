//! The names that expressions use (LANGUAGE section 6), read lazily out of a [`World`].

use crate::runbook::VarDefault;
use crate::template::{Base, Read, ReadError, Scope, Value};

use super::World;

/// A world in the eyes of one host (or none), perhaps with a result.
#[derive(Debug)]
pub struct View<'a> {
    world: &'a World,
    host: Option<&'a str>,
    result: Option<Value>,
}

impl<'a> View<'a> {
    /// A view.
    #[must_use]
    pub fn new(world: &'a World, host: Option<&'a str>, result: Option<Value>) -> Self {
        Self { world, host, result }
    }

    fn host_or(&self, path: &str) -> Result<&'a str, ReadError> {
        self.host.ok_or_else(|| ReadError::NeedsHost { path: path.to_owned() })
    }

    /// A field of a host.
    fn of_host(&self, host: &str, path: &[&str]) -> Result<Read, ReadError> {
        let inventory = &self.world.plan().inventory;
        let field = path.first().copied().unwrap_or("name");
        match field {
            "name" => Ok(Read::new(Value::str(host), 1)),
            "address" => {
                let address = inventory.host(host).map_or("127.0.0.1", |h| h.address.as_str());
                Ok(Read::new(Value::str(address), 1))
            }
            "groups" => {
                let groups = inventory.host(host).map(|h| h.groups.clone()).unwrap_or_default();
                Ok(Read::new(Value::from(groups.into_iter().map(Value::str).collect::<Vec<_>>()), 1))
            }
            "vars" => self.var(host, path.get(1).copied()),
            "outputs" => Ok(self.output(Some(host), &path[1..])),
            "outcomes" => {
                let step = path.get(1).copied().unwrap_or_default();
                Ok(Read::new(self.world.read_outcome(step, Some(host)), 2))
            }
            other => Err(ReadError::Missing {
                path: other.to_owned(),
                known: ["name", "address", "groups", "vars", "outputs", "outcomes"].map(str::to_owned).to_vec(),
            }),
        }
    }

    fn output(&self, host: Option<&str>, path: &[&str]) -> Read {
        let step = path.first().copied().unwrap_or_default();
        let name = path.get(1).copied();
        // `outputs` itself is one part, the step one, the name one if it is there
        Read::new(self.world.read_output(step, host, name), 2 + usize::from(name.is_some()))
    }

    fn var(&self, host: &str, name: Option<&str>) -> Result<Read, ReadError> {
        let name = name.unwrap_or_default();
        let missing = |known: Vec<String>| ReadError::Missing { path: format!("vars.{name}"), known };
        let runbook = self.world.book();
        let Some(var) = runbook.vars.get(name) else { return Err(missing(runbook.vars.keys().cloned().collect())) };
        let written = self.world.plan().inventory.host(host).and_then(|h| h.vars.get(name)).map(Value::from_tree);
        let elsewhere = || self.world.plan().vars.get(&(runbook.name.value.clone(), name.to_owned())).cloned();
        let value = match (written.or_else(elsewhere), var.default.as_ref().map(|d| &d.value)) {
            (Some(value), _) => value,
            (None, Some(VarDefault::Value(value))) => value.clone(),
            (None, Some(VarDefault::Text(text))) => {
                // a default may use the host and other vars, in the eyes of its own host
                let view = View::new(self.world, Some(host), None);
                text.value(&view)
                    .map_err(|error| ReadError::Missing { path: format!("vars.{name} ({error})"), known: Vec::new() })?
            }
            (None, None) if var.limits.optional => return Ok(Read::new(Value::Null, 2)),
            (None, None) => {
                return Err(ReadError::Missing { path: format!("vars.{name} of host {host}"), known: Vec::new() });
            }
        };
        let typed = var.limits.typed(&value).map_err(|why| ReadError::Missing {
            path: format!("vars.{name} of host {host} ({why})"),
            known: Vec::new(),
        })?;
        Ok(Read::new(typed, 2))
    }

    fn target(&self, path: &[&str]) -> Result<Read, ReadError> {
        let name = path.first().copied().unwrap_or_default();
        let hosts = match self.world.target(name) {
            Some(Ok(hosts)) => hosts,
            Some(Err(step)) if self.world.is_open(name) => return Ok(Read::new(Value::unknown(step), 1 + path.len())),
            Some(Err(_)) => Vec::new(),
            None => {
                let known = self.world.static_targets().keys().cloned().collect();
                return Err(ReadError::Missing { path: format!("targets.{name}"), known });
            }
        };
        if path.get(1) != Some(&"one") {
            let list: Vec<Value> = hosts.iter().map(|host| Value::host(host.as_str())).collect();
            return Ok(Read::new(Value::from(list), 2));
        }
        match hosts.as_slice() {
            [one] => Ok(Read::new(Value::host(one.as_str()), 3)),
            other => Err(ReadError::NotOne { target: format!("targets.{name}"), hosts: other.len() }),
        }
    }
}

impl Scope for View<'_> {
    fn read(&self, base: Base<'_>, path: &[&str]) -> Result<Read, ReadError> {
        if let Base::Host(host) = base {
            return self.of_host(host, path);
        }
        let root = path.first().copied().unwrap_or_default();
        let name = path.get(1).copied().unwrap_or_default();
        match root {
            "params" => {
                let params = self.world.params();
                params.get(name).map(|value| Read::new(value.clone(), 2)).ok_or_else(|| ReadError::Missing {
                    path: format!("params.{name}"),
                    known: params.keys().cloned().collect(),
                })
            }
            "vars" => self.var(self.host_or("vars")?, path.get(1).copied()),
            "host" => {
                let host = self.host_or("host")?;
                let Read { value, used } = self.of_host(host, &path[1..])?;
                Ok(Read::new(value, used + 1))
            }
            "run" => {
                let run = self.world.run();
                if name == "started_at" && self.world.is_offline() {
                    return Ok(Read::new(Value::unknown("the run begins"), 2));
                }
                let value = match name {
                    "id" => &run.id,
                    "started_at" => &run.started_at,
                    "mode" => run.mode,
                    "operator" => &run.operator,
                    other => {
                        let known = ["id", "started_at", "mode", "operator"].map(str::to_owned).to_vec();
                        return Err(ReadError::Missing { path: format!("run.{other}"), known });
                    }
                };
                Ok(Read::new(Value::str(value), 2))
            }
            "outputs" => Ok(self.output(self.host, &path[1..])),
            "outcomes" => Ok(Read::new(self.world.read_outcome(name, self.host), 2)),
            "targets" => self.target(&path[1..]),
            "result" => match &self.result {
                Some(result) => Ok(Read::new(result.clone(), 1)),
                None => Err(ReadError::Missing { path: "result".to_owned(), known: Vec::new() }),
            },
            "item" => match self.world.item(self.host) {
                Some(item) => Ok(Read::new(item, 1)),
                None => Err(ReadError::Missing { path: "item".to_owned(), known: Vec::new() }),
            },
            "index" => match self.world.index() {
                Some(index) => Ok(Read::new(Value::Int(i128::from(index)), 1)),
                None => Err(ReadError::Missing { path: "index".to_owned(), known: Vec::new() }),
            },
            other => Err(ReadError::Missing {
                path: other.to_owned(),
                known: ["params", "vars", "host", "run", "outputs", "outcomes", "targets"].map(str::to_owned).to_vec(),
            }),
        }
    }
}
