//! Whether a step is wanted, and for whom.

use crate::plan::View;
use crate::runbook::Step;
use crate::template::Value;

use super::halt::{Halt, Kind, Stop};
use super::run::Run;

/// Whom a step is carried out for.
pub(super) enum Wanted {
    Yes(Vec<String>),
    No(String),
}

impl Run {
    /// The hosts for which `when` holds.
    pub(super) fn meant(&mut self, step: &Step, hosts: Vec<String>) -> Result<Vec<String>, Halt> {
        let mut meant = Vec::new();
        for host in hosts {
            if self.when(step, Some(&host))? {
                meant.push(host);
            }
        }
        Ok(meant)
    }

    /// Whether `when` holds. In a dry run it may be unknown, and then the step is looked at as if it did.
    pub(super) fn when(&mut self, step: &Step, host: Option<&str>) -> Result<bool, Halt> {
        let mut until = None;
        for expression in &step.when {
            let source = &expression.source().value;
            match expression.eval(&View::new(&self.world, host, None)) {
                Ok(Value::Bool(true)) => {}
                Ok(Value::Bool(false)) => return Ok(false),
                Ok(Value::Unknown(step)) if self.check.is_some() => until = until.or(Some(step)),
                Ok(other) => {
                    let why = format!("`when: {source}` is {}, not true or false", other.kind());
                    return Err(Stop::new(Kind::Failed, why).into());
                }
                Err(error) => return Err(Stop::new(Kind::Failed, format!("`when: {source}`: {error}")).into()),
            }
        }
        if let Some(known) = &mut self.check {
            known.wanted(&step.path, host, until.as_deref());
        }
        Ok(true)
    }
}
