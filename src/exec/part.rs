//! `use`: the steps of another runbook, in its own names.

use crate::runbook::{Step, Use};

use super::halt::{Halt, Kind, Stop};
use super::run::Run;
use super::step::Ended;

impl Run {
    pub(super) async fn part(&mut self, step: &Step, uses: &Use, hosts: Vec<String>) -> Result<Ended, (String, Halt)> {
        let here = |halt: Halt| (step.path.clone(), halt);
        let failed = |why: String| here(Stop::new(Kind::Failed, why).into());
        let meant = if step.hosts.is_some() {
            self.meant(step, hosts).map_err(here)?
        } else if self.when(step, None).map_err(here)? {
            hosts
        } else {
            return Ok(Ended::Skipped("`when` is false".to_owned()));
        };
        if step.hosts.is_some() && meant.is_empty() {
            return Ok(Ended::Skipped("there are no such hosts, or `when` is false for all".to_owned()));
        }
        self.world.begin(&step.path, uses.hosts.map(|_| meant)).map_err(failed)?;
        let before = self.world.enter(&step.path);
        let ended = self.steps(uses.steps()).await;
        self.world.enter(&before);
        ended?;
        self.world.end(&step.path, &step.id.value).map_err(failed)?;
        Ok(Ended::Ok)
    }
}
