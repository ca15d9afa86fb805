//! How a step goes over its hosts, in words.

use crate::inventory::Selector;
use crate::runbook::{Body, Step};

/// Where it runs, in which batches, how many at once, how many may fail, how often it is tried. `hosts`: how many they
/// are, 0 where that is known later.
pub(super) fn how(step: &Step, hosts: usize, whom: &dyn Fn(&Selector) -> String) -> Vec<String> {
    let flow = &step.flow;
    let mut how = Vec::new();
    if let Some(run_on) = &flow.run_on
        && !matches!(step.body, Body::Group(_))
    {
        how.push(format!("runs on {}", whom(run_on)));
    }
    if let Some(rolling) = &flow.rolling {
        let known: Vec<String> = rolling.sizes(hosts).iter().map(ToString::to_string).collect();
        let written = || rolling.batches.iter().map(ToString::to_string).collect();
        // nobody to count: the hosts are picked later
        let sizes = if known.is_empty() { written() } else { known };
        how.push(format!("in batches of {}", sizes.join(", ")));
        if !rolling.pause.is_zero() {
            how.push(format!("{} between them", crate::action::seconds(rolling.pause)));
        }
        how.extend(rolling.confirm_after.map(|n| format!("a person is asked after {n}")));
    }
    how.extend(flow.parallel.map(|n| format!("at most {n} at once")));
    how.extend(flow.tolerate.map(|amount| match hosts {
        0 => format!("{amount} may fail"),
        all => format!("{} may fail", amount.of(all)),
    }));
    how.extend(flow.retry.as_ref().map(|retry| format!("at most {} attempts", retry.attempts)));
    how
}
