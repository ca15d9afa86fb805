//! Connecting to every host that a run may touch, once, at its start, all at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use indexmap::IndexMap;

use crate::event::EventKind;
use crate::inventory::{Host, HostName, Inventory, Via};
use crate::journal::{JournalError, RunLog};
use crate::transport::{self, Connect, HostAddr, Link, LinkError, Notice, Transport};

use super::cancel::{Cancel, Grade};

/// The open links, and why there is none to the other hosts.
pub(super) type Links = IndexMap<String, Result<Arc<dyn Link>, LinkError>>;

/// Connects to `hosts` and writes down who answered, until a person ends the run.
pub(super) async fn connect(
    hosts: &[HostName],
    inventory: &Inventory,
    transport: &dyn Transport,
    log: &RunLog,
    cancel: &Cancel,
) -> Result<Links, JournalError> {
    let mut waiting: FuturesUnordered<_> = hosts
        .iter()
        .map(|name| {
            let addr = address(name, inventory.host(name));
            async move {
                let ended = || LinkError::Unreachable { reason: "ended by a person while connecting".to_owned() };
                let link = tokio::select! {
                    link = transport.connect(&addr) => link,
                    () = cancel.reached(Grade::NoNewWork) => Err(ended()),
                    () = cancel.reached(Grade::Leave) => Err(ended()),
                };
                (name, link)
            }
        })
        .collect();
    let mut answered: Links = IndexMap::new();
    while let Some((name, link)) = waiting.next().await {
        if let Ok(link) = &link {
            let log = log.clone();
            // it takes its place in the history now; after the end of the run nobody wants to know
            link.told(Box::new(move |host, notice| drop(log.record(vec![noted(host, &notice, &log)]))));
        }
        log.record(vec![event(name, &link, log)]).await?;
        answered.insert(name.to_string(), link);
    }
    // in the order of the inventory, whoever answered first
    let order = |name: &str| hosts.iter().position(|host| host.as_str() == name);
    answered.sort_by(|a, _, b, _| order(a).cmp(&order(b)));
    Ok(answered)
}

fn event(name: &HostName, link: &Result<Arc<dyn Link>, LinkError>, log: &RunLog) -> EventKind {
    let redactor = log.redactor();
    match link {
        Ok(link) => {
            let facts = link.facts();
            let facts: BTreeMap<String, _> = [
                ("boot_id", facts.boot_id.clone()),
                ("machine_id", facts.machine_id.clone()),
                ("login", facts.login.clone()),
                ("uptime_seconds", facts.uptime.as_secs().to_string()),
            ]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_owned(), redactor.redact(value)))
            .collect();
            EventKind::HostReached { host: name.to_string(), facts }
        }
        Err(error) => EventKind::HostUnreachable { host: name.to_string(), reason: redactor.redact(error.to_string()) },
    }
}

/// What is said of a link while its host is waited for.
fn noted(host: &str, notice: &Notice, log: &RunLog) -> EventKind {
    let text = match notice {
        Notice::Lost { why } => format!("{host}: the link is lost ({why}); connecting again"),
        Notice::Back => format!("{host}: the link is back"),
    };
    EventKind::Noted { step: None, by: None, text: log.redactor().redact(text) }
}

/// How the transport is told of a host. The controller is this machine, whether or not the inventory names it.
#[must_use]
pub fn address(name: &HostName, host: Option<&Host>) -> HostAddr {
    let Some(host) = host else {
        return HostAddr {
            name: name.to_string(),
            address: "127.0.0.1".to_owned(),
            user: None,
            port: None,
            connect: Connect { via: transport::Via::Local, ..Connect::default() },
        };
    };
    let settings = &host.connect;
    let via = match settings.via {
        Via::Ssh => transport::Via::Ssh,
        Via::Local => transport::Via::Local,
        Via::Exec => transport::Via::Exec { command: settings.command.clone() },
    };
    HostAddr {
        name: host.name.to_string(),
        address: host.address.clone(),
        user: host.user.clone().or_else(|| settings.user.clone()),
        port: host.port.or(settings.port),
        connect: Connect {
            via,
            ssh_config: settings.ssh_config.clone(),
            path: settings.path.clone(),
            shell: settings.shell.clone(),
        },
    }
}
