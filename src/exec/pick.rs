//! `pick`: choosing targets, in the order written; a later entry may use an earlier one.

use std::cmp::Ordering;

use crate::base::secret::RedactedJson;
use crate::event::EventKind;
use crate::inventory::HostName;
use crate::plan::View;
use crate::runbook::{Body, Pick, Ranking, Step};
use crate::template::{EvalError, Value};

use super::halt::{Halt, Kind, Stop};
use super::run::Run;

impl Run {
    /// What a skipped step would have picked are targets without hosts.
    pub(super) fn nobody_picked(&mut self, step: &Step) {
        if let Body::Pick(picks) = &step.body {
            for pick in picks {
                self.world.pick(&pick.name.value, Vec::new());
            }
        }
    }

    pub(super) async fn pick(&mut self, picks: &[Pick], step: &Step) -> Result<(), Halt> {
        for pick in picks {
            if let Some(hosts) = self.picked_before(step, &pick.name.value) {
                self.world.pick(&pick.name.value, hosts.into_iter().map(HostName::from).collect());
                continue;
            }
            let (hosts, why) = self.choose(pick).map_err(|why| Stop::new(Kind::Refused, why))?;
            let reads = if step.sensitive { RedactedJson::default() } else { self.read_by(pick) };
            self.log
                .record(vec![EventKind::TargetPicked {
                    name: self.world.qualified(&pick.name.value),
                    hosts: hosts.clone(),
                    why: self.log.redactor().redact(why),
                    reads,
                }])
                .await?;
            self.world.pick(&pick.name.value, hosts.into_iter().map(HostName::from).collect());
        }
        Ok(())
    }

    /// The hosts, and why they are these.
    pub(super) fn choose(&self, pick: &Pick) -> Result<(Vec<String>, String), String> {
        let name = &pick.name.value;
        let all = self.world.resolve(&pick.from)?;
        let mut hosts = all.clone();
        let mut why = vec![format!("{} of {}", pick.from.text(), all.len())];
        if let Some(wanted) = pick.reachable {
            hosts.retain(|host| matches!(self.links.get(host), Some(Ok(_))) == wanted);
            why.push(format!("{} {}", hosts.len(), if wanted { "reachable" } else { "not reachable" }));
        }
        let mut kept = Vec::new();
        for host in hosts {
            if self.all_true(pick, &host)? {
                kept.push(host);
            }
        }
        let mut hosts = kept;
        if let Some(ranking) = &pick.ranking {
            (hosts, why) = self.rank(ranking, hosts, why).map_err(|error| format!("`{name}`: {error}"))?;
        }
        if !pick.amount.holds(hosts.len(), all.len()) {
            return Err(format!(
                "`{name}` must be {} of {}, and these are {}: {}",
                pick.amount,
                pick.from.text(),
                hosts.len(),
                join(&hosts)
            ));
        }
        Ok((hosts, why.join(", ")))
    }

    fn all_true(&self, pick: &Pick, host: &str) -> Result<bool, String> {
        for expression in &pick.r#where {
            let view = View::new(&self.world, Some(host), None);
            match expression.eval(&view).map_err(|error| format!("{host}: {error}"))? {
                Value::Bool(true) => {}
                Value::Bool(false) => return Ok(false),
                other => {
                    return Err(format!(
                        "{host}: `{}` is {}, not true or false",
                        expression.source().value,
                        other.kind()
                    ));
                }
            }
        }
        Ok(true)
    }

    /// The one that ranks first; of equals, the first in the order of the inventory, and it is said.
    fn rank(
        &self,
        ranking: &Ranking,
        hosts: Vec<String>,
        mut why: Vec<String>,
    ) -> Result<(Vec<String>, Vec<String>), String> {
        let value = |host: &String| -> Result<Vec<Value>, EvalError> {
            let view = View::new(&self.world, Some(host), None);
            ranking.expressions().iter().map(|expression| expression.eval(&view)).collect()
        };
        let mut best: Option<(String, Vec<Value>)> = None;
        let mut ties = 0;
        for host in hosts {
            let values = value(&host).map_err(|error| format!("{host}: {error}"))?;
            let order = match &best {
                None => Ordering::Greater,
                Some((first, top)) => compare(&values, top).map_err(|error| format!("{host} and {first}: {error}"))?,
            };
            let order = if matches!(ranking, Ranking::Lowest(_)) && best.is_some() { order.reverse() } else { order };
            match order {
                Ordering::Greater => {
                    ties = 0;
                    best = Some((host, values));
                }
                Ordering::Equal => ties += 1,
                Ordering::Less => {}
            }
        }
        let Some((host, values)) = best else { return Ok((Vec::new(), why)) };
        let shown: Vec<String> = values.iter().map(|value| value.to_json().to_string()).collect();
        why.push(format!("{host} has {}", shown.join(", ")));
        if ties > 0 {
            why.push(format!("{ties} more are equal, the first in the inventory is taken"));
        }
        Ok((vec![host], why))
    }
}

fn compare(a: &[Value], b: &[Value]) -> Result<Ordering, String> {
    for (a, b) in a.iter().zip(b) {
        match a.compare(b).map_err(|mismatch| mismatch.to_string())? {
            Some(Ordering::Equal) => {}
            Some(order) => return Ok(order),
            None => return Err("not known yet".to_owned()),
        }
    }
    Ok(Ordering::Equal)
}

fn join(hosts: &[String]) -> String {
    if hosts.is_empty() { "none".to_owned() } else { hosts.join(", ") }
}
