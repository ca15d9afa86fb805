//! The logs of a watch, rendered: which they are, and what is watched for.

use crate::action::guard::Amount;
use crate::action::{invalid, known};
use crate::inventory::HostName;
use crate::runbook::{self, LogName, Watch};
use crate::template::EvalError;
use crate::transport::LogSource;
use crate::watch::matcher;

use super::{View, World};

/// The log of a host: what it is called, and where it is read.
pub fn log_of(watch: &Watch, host: &str, world: &World) -> Result<(String, LogSource), EvalError> {
    let text = watch.log.render(&View::new(world, Some(host), None)).and_then(known)?;
    let enter = world.plan().inventory.host(&HostName::new(host)).map(|host| host.connect.command.as_slice());
    let source = text.parse::<LogName>().and_then(|name| name.source(enter.unwrap_or_default()));
    Ok((text, source.map_err(invalid)?))
}

/// What is watched for on these hosts.
pub fn watch_spec(watch: &Watch, hosts: &[String], world: &World) -> Result<matcher::Spec, EvalError> {
    // patterns are the same for all hosts, so they are rendered in the eyes of the first
    let view = View::new(world, hosts.first().map(String::as_str), None);
    let entry = |entry: &runbook::Entry| -> Result<matcher::Entry, EvalError> {
        let pattern = match &entry.pattern {
            runbook::Pattern::Line(text) => matcher::Pattern::Line(known(text.render(&view)?)?),
            runbook::Pattern::Matches(text) => {
                let text = known(text.render(&view)?)?;
                let regex = regex::Regex::new(&text).map_err(|error| crate::action::invalid(error.to_string()))?;
                matcher::Pattern::Matches(regex)
            }
        };
        let revoked_by = match &entry.revoked_by {
            Some(text) => Some(matcher::Pattern::Line(known(text.render(&view)?)?)),
            None => None,
        };
        let amount = match entry.amount {
            None => matcher::Amount::Every,
            Some(Amount::Exactly(n)) => matcher::Amount::Exactly(n.of(hosts.len())),
            Some(Amount::AtLeast(n)) => matcher::Amount::AtLeast(n.of_rounded_up(hosts.len())),
            Some(Amount::AtMost(n)) => matcher::Amount::AtMost(n.of(hosts.len())),
        };
        Ok(matcher::Entry { pattern, amount, revoked_by, no_return: entry.no_return })
    };
    Ok(matcher::Spec {
        expect: watch.expect.iter().map(entry).collect::<Result<_, _>>()?,
        never: watch.never.iter().map(entry).collect::<Result<_, _>>()?,
        settle: watch.settle,
    })
}
