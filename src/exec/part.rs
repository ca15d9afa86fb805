//! `use`: the steps of another runbook, in its own names.

use crate::runbook::{Step, Use};

use super::halt::{Halt, Kind, Stop};
use super::run::Run;
use super::step::Ended;
use super::whole::Before;

impl Run {
    pub(super) async fn part(&mut self, step: &Step, uses: &Use, hosts: Vec<String>) -> Result<Ended, (String, Halt)> {
        let here = |halt: Halt| (step.path.clone(), halt);
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
        let outside = self.left_out.clone();
        let ended = self.whole_part(step, uses, &meant).await;
        self.leave_out(outside);
        ended
    }

    async fn whole_part(&mut self, step: &Step, uses: &Use, hosts: &[String]) -> Result<Ended, (String, Halt)> {
        let here = |halt: Halt| (step.path.clone(), halt);
        let failed = |why: String| here(Stop::new(Kind::Failed, why).into());
        let Before::Todo { done, open } = self.before_all(step, hosts).await.map_err(here)? else {
            return Ok(Ended::Ok);
        };
        self.world.begin(&step.path, uses.hosts.map(|_| open.clone())).map_err(failed)?;
        let around = self.world.enter(&step.path);
        let ended = self.steps(uses.steps()).await;
        self.world.enter(&around);
        ended?;
        self.world.end(&step.path, &step.id.value).map_err(failed)?;
        self.after_all(step, &done, &open).await.map_err(here)?;
        Ok(Ended::Ok)
    }
}
