//! Steps at the controller: picks are made, asides are worked out, gates are shown and not asked.

use crate::action::Holes;
use crate::action::aside::Aside;
use crate::action::fleet::Spot;
use crate::event::{EventKind, Forecast};
use crate::inventory::HostName;
use crate::plan::View;
use crate::runbook::{Gate, Pick, Ranking, Step};

use super::super::guards::NOT_SHOWN;
use super::super::halt::Halt;
use super::super::run::Run;

impl Run {
    pub(super) async fn check_pick(&mut self, picks: &[Pick], step: &Step) -> Result<(), Halt> {
        for pick in picks {
            let name = &pick.name.value;
            let text = |text: String| self.redactor().redact(text);
            let against = match (self.picked_later(pick), self.choose(pick)) {
                (Some(until), _) => {
                    let reason = text(format!("`{name}` is chosen by what is known then"));
                    Forecast::UnknownUntil { step: until, reason }
                }
                (None, Err(why)) => Forecast::Blocked { reason: text(why) },
                (None, Ok((hosts, why))) => {
                    let picked = EventKind::TargetPicked {
                        name: self.world.qualified(name),
                        hosts: hosts.clone(),
                        why: text(why.clone()),
                        reads: self.read_by(pick),
                    };
                    let whom = if hosts.is_empty() { "nobody".to_owned() } else { hosts.join(", ") };
                    let what = text(format!("{name} = {whom} ({why})"));
                    self.log.record(vec![picked]).await?;
                    self.world.pick(name, hosts.into_iter().map(HostName::from).collect());
                    Forecast::Known { what }
                }
            };
            if !matches!(against, Forecast::Known { .. }) {
                self.world.leave_open(name);
            }
            self.foresee(step, None, against).await?;
        }
        Ok(())
    }

    /// The step before which nobody can choose.
    fn picked_later(&self, pick: &Pick) -> Option<String> {
        if let Some(step) = self.world.waits_for(&pick.from) {
            return Some(step);
        }
        let ranking = pick.ranking.iter().flat_map(Ranking::expressions);
        let expressions: Vec<_> = pick.r#where.iter().chain(ranking).collect();
        let hosts = self.world.resolve(&pick.from).ok()?;
        hosts.iter().find_map(|host| {
            let view = View::new(&self.world, Some(host), None);
            expressions
                .iter()
                .find_map(|expression| expression.eval(&view).ok()?.waits_for())
                .map(|step| step.to_string())
        })
    }

    pub(super) async fn check_aside(&mut self, aside: &dyn Aside, step: &Step, hosts: &[String]) -> Result<(), Halt> {
        let places: Vec<Option<&str>> =
            if step.hosts.is_none() { vec![None] } else { hosts.iter().map(|host| Some(host.as_str())).collect() };
        for place in places {
            let said = aside.render(&View::new(&self.world, place, None));
            let (id, host) = (&step.id.value, place.unwrap_or_default());
            let forecast = match said {
                Ok(said) => {
                    self.world.outcome(id, host, "ok");
                    let what = if step.sensitive { NOT_SHOWN.to_owned() } else { said.note.unwrap_or(said.summary) };
                    for (name, value) in said.outputs {
                        self.found(step, host, &name, value);
                    }
                    Forecast::Known { what: self.redactor().redact(what) }
                }
                Err(error) => {
                    self.world.foresee(id, host);
                    let reason = self.redactor().redact(error.to_string());
                    match error.waits_for() {
                        Some(step) => Forecast::UnknownUntil { step: step.to_string(), reason },
                        None => Forecast::Blocked { reason },
                    }
                }
            };
            self.foresee(step, place.map(Spot::at).as_ref(), forecast).await?;
        }
        Ok(())
    }

    pub(super) async fn check_gate(&mut self, gate: &Gate, step: &Step, hosts: &[String]) -> Result<(), Halt> {
        let opened = self.seen_done(step, hosts).await?;
        let question = self.question(gate, step, Holes::Anywhere).map_err(super::stop)?;
        self.silent.clear();
        self.world.foresee(&step.id.value, "");
        if let Some(judgements) = opened {
            self.write_judgements(&step.path, &judgements).await?;
            if self.gate_decided_by(&step.done_when, hosts).is_none() {
                return Ok(self.foresee(step, None, Forecast::Holds).await?);
            }
        }
        let text = |text: String| self.redactor().redact(text);
        let (message, expects) = (text(question.message), text(question.expects.words()));
        Ok(self.foresee(step, None, Forecast::WouldAsk { message, expects }).await?)
    }
}
