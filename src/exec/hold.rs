//! The locks of the hosts: taken all or none before the first step that changes something, freed at the end, unless
//! something of the run may still happen there.

use std::fmt::Write as _;

use futures_util::future::join_all;

use crate::base::ids::RunId;
use crate::event::{EventKind, RunState};
use crate::journal::JournalError;
use crate::transport::{Claims, Holder, Link, LinkError, Locked, Ticket};

use super::halt::{Halt, Kind, Stop};
use super::run::Run;

/// What the hosts are locked with in this process.
pub(super) fn ticket(state: &RunState, over: Option<&RunId>) -> Ticket {
    let header = state.header();
    Ticket {
        token: format!("{}.{}", header.run, state.sessions().len() + 1),
        owner: format!("{} on {}", header.operator, header.controller),
        over: over.map(ToString::to_string),
    }
}

impl Run {
    /// Locks every host of the inventory that the run has reached, once. A host that is silent
    /// just now is locked before anything is claimed there.
    pub(super) async fn hold_hosts(&mut self) -> Result<(), Halt> {
        if self.held {
            return Ok(());
        }
        let hosts: Vec<&String> = self.links.keys().filter(|name| self.is_ours_to_lock(name)).collect();
        let links: Vec<&dyn Link> = hosts.iter().filter_map(|name| self.links[*name].as_deref().ok()).collect();
        let answers = join_all(links.iter().map(|link| link.lock(&self.ticket))).await;
        let (mut over, mut reached): (Vec<String>, Vec<&str>) = (Vec::new(), Vec::new());
        for (link, answer) in links.iter().zip(answers) {
            let host = link.host();
            match answer {
                Ok(Locked::Taken) => {}
                Ok(Locked::Over { running: 0, .. }) => over.push(host.to_owned()),
                Ok(Locked::Over { running, .. }) => over.push(format!("{host} ({running} of its steps still run)")),
                // all or none: what was locked is freed at the end, which this is
                Ok(Locked::Held(holder)) => return Err(held(host, &holder).into()),
                Err(LinkError::Lost { .. } | LinkError::Unreachable { .. }) => continue,
                Err(error) => return Err(Stop::new(Kind::Failed, format!("{host}: {error}")).on([host]).into()),
            }
            reached.push(host);
        }
        if let (Some(run), false) = (&self.ticket.over, over.is_empty()) {
            let mut text = format!("taken over from run {run}: {}", over.join(", "));
            let missing: Vec<&str> =
                hosts.iter().map(|host| host.as_str()).filter(|host| !reached.contains(host)).collect();
            if !missing.is_empty() {
                let missing = missing.join(", ");
                let _ = write!(
                    text,
                    "; not fenced, since not reached: {missing}. Run {run} may still start something there"
                );
            }
            let text = self.redactor().redact(text);
            self.log.record(vec![EventKind::Noted { step: None, by: None, text }]).await?;
        }
        self.held = true;
        Ok(())
    }
}

impl Run {
    /// Ends the connections, and with them the locks, unless something of the run may still happen on a host.
    pub(super) async fn leave(&self, claims: Claims) -> Result<(), JournalError> {
        if self.check.is_some() {
            // who only looks has nothing to free or remove, and others may look over the same links
            return Ok(());
        }
        let open: Vec<_> = self.links.values().filter_map(|link| link.as_ref().ok()).collect();
        // a process before this one may have locked it, and nothing was left to be changed
        for link in &open {
            link.holds(&self.ticket.token);
        }
        let told = join_all(open.iter().map(|link| link.finish(claims))).await;
        let missed =
            open.iter().zip(told).filter(|(link, told)| self.held && !told && self.is_ours_to_lock(link.host()));
        let missed: Vec<&str> = missed.map(|(link, _)| link.host()).collect();
        if missed.is_empty() || claims == Claims::Keep {
            return Ok(());
        }
        let run = self.log.run();
        let hosts = missed.join(", ");
        let text = format!(
            "{hosts}: no answer at the end of the run, so it stays locked; whoever changes it next needs --takeover {run}"
        );
        let text = self.redactor().redact(text);
        self.log.record(vec![EventKind::Noted { step: None, by: None, text }]).await.map(|_| ())
    }

    /// The controller itself is not locked: what a run does there is not about it.
    fn is_ours_to_lock(&self, host: &str) -> bool {
        self.plan.inventory.host(host).is_some()
    }
}

fn held(host: &str, holder: &Holder) -> Stop {
    let run = &holder.run;
    Stop::new(Kind::Refused, format!("{host} is {holder}"))
        .next(format!(
            "see what it does, or go on with it, where it was begun: refloat attach {run}, refloat resume {run}"
        ))
        .next(format!(
            "when it must not go on: the same command with --takeover {run}; from then on it can start nothing"
        ))
        .on([host])
}
