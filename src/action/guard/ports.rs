//! `down` and `up`: what several vantages see of some ports.
//!
//! Silence proves nothing about the far side of a partition, and an answer of nobody proves nothing about a vantage
//! whose own network is dead. So a vantage counts only if right after it looked it gets an answer from another host of
//! the inventory, on one of these ports or on ssh.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::{self, Stream};

use crate::action::fleet::Fleet;
use crate::base::BoxFuture;
use crate::base::address::with_port;
use crate::transport::Dialed;

use super::judge::{Outcome, no_hosts};
use super::model::Ports;
use super::seen::{Seen, Verdict};
use super::witness;

/// How long a connection may take before the port counts as silent.
const PATIENCE: Duration = Duration::from_secs(2);

/// Ports that one vantage looks at at the same time.
const AT_ONCE: usize = 32;

/// What one vantage sees of one port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Answers,
    Refused,
    Silent,
}

/// What one vantage sees.
struct Vantage {
    name: String,
    /// Per host and port.
    views: Vec<(String, u16, Result<View, String>)>,
    /// The other host that answers it, or why the vantage does not count.
    counts: Result<String, String>,
}

impl Vantage {
    /// What it sees of a host.
    fn of<'a>(&'a self, host: &'a str) -> impl Iterator<Item = (u16, &'a Result<View, String>)> {
        self.views.iter().filter(move |(h, ..)| h == host).map(|(_, port, view)| (*port, view))
    }
}

pub(super) async fn dial(fleet: &dyn Fleet, vantage: &str, address: String) -> Result<View, String> {
    let link = fleet.link(vantage)?;
    match link.look().dial(&address, PATIENCE).await {
        Ok(Dialed::Open(_)) => Ok(View::Answers),
        Ok(Dialed::Refused) => Ok(View::Refused),
        // "no route to host" is the network's answer for a machine that does not answer
        Ok(Dialed::Silent | Dialed::Failed(_)) => Ok(View::Silent),
        Err(error) => Err(error.to_string()),
    }
}

async fn observe(fleet: &dyn Fleet, vantage: &str, hosts: &[String], ports: &[u16]) -> Vantage {
    let pairs = hosts.iter().flat_map(|host| ports.iter().map(move |port| (host.clone(), *port)));
    let looks = pairs.enumerate().map(|(n, (host, port))| -> BoxFuture<'_, _> {
        Box::pin(async move {
            let view = dial(fleet, vantage, with_port(&fleet.address(&host).0, port)).await;
            (n, (host, port, view))
        })
    });
    let mut views: Vec<_> = at_once(looks.collect()).collect().await;
    views.sort_by_key(|(n, _)| *n);
    let views: Vec<_> = views.into_iter().map(|(_, view)| view).collect();
    // after the silence, not beside it: an answer from before the network died proves nothing
    let counts = match witness::answered(fleet, vantage, hosts, ports).await {
        Some(other) => Ok(other),
        // without a link there is no view at all
        None => Err(views.iter().find_map(|(.., view)| view.clone().err()).unwrap_or_else(|| {
            "gets no answer from any other host, so what it does not see proves nothing".to_owned()
        })),
    };
    Vantage { name: vantage.to_owned(), views, counts }
}

/// The answers, in whatever order they come.
fn at_once<T>(looks: Vec<BoxFuture<'_, T>>) -> impl Stream<Item = T> + Unpin {
    stream::iter(looks).buffer_unordered(AT_ONCE)
}

async fn look(spec: &Ports, fleet: &dyn Fleet) -> Result<(Vec<String>, Vec<Vantage>), String> {
    let hosts = fleet.resolve(&spec.hosts)?;
    // nothing is asked of nobody
    let from = if hosts.is_empty() { Vec::new() } else { fleet.resolve(&spec.from)? };
    let vantages = join_all(from.iter().map(|vantage| observe(fleet, vantage, &hosts, &spec.ports))).await;
    Ok((hosts, vantages))
}

/// Judges `down`. The second part lists the hosts that were only ever silent: not proved dead.
pub(super) async fn down(spec: &Ports, fleet: &dyn Fleet) -> Result<(Vec<Seen>, Vec<String>), String> {
    let (hosts, vantages) = look(spec, fleet).await?;
    Ok(if hosts.is_empty() { (no_hosts(), Vec::new()) } else { judge_down(&hosts, &vantages) })
}

fn judge_down(hosts: &[String], vantages: &[Vantage]) -> (Vec<Seen>, Vec<String>) {
    let mut seen = Vec::new();
    let mut silent = Vec::new();
    let counting: Vec<&Vantage> = vantages.iter().filter(|v| v.counts.is_ok()).collect();
    let names = counting.iter().map(|v| v.name.as_str()).collect::<Vec<_>>().join(", ");
    for host in hosts {
        let mut say = |what: String, verdict| seen.push(Seen::new(Some(host), what, verdict));
        // an answer is an answer, whoever gets it
        if let Some((vantage, port)) = find(vantages, host, View::Answers) {
            say(format!("answers on port {port}, seen from {vantage}"), Verdict::Fails);
        } else if let Some((vantage, port)) = find(counting.iter().copied(), host, View::Refused) {
            let what = format!("refuses on port {port}, seen from {vantage}: the machine lives, the port is closed");
            say(what, Verdict::Holds);
        } else if find(counting.iter().copied(), host, View::Silent).is_some() {
            silent.push(host.clone());
            say(format!("silent, seen from {names}: not proved dead"), Verdict::Holds);
        } else if let Some(why) = counting.iter().flat_map(|v| v.of(host)).find_map(|(_, view)| view.as_ref().err()) {
            say(why.clone(), Verdict::Unknown);
        }
    }
    // who does not count decides only when nobody does
    let verdict = if counting.is_empty() { Verdict::Unknown } else { Verdict::Holds };
    seen.extend(vantages.iter().filter_map(|v| {
        let why = v.counts.as_ref().err()?;
        Some(Seen::new(Some(&v.name), format!("does not count: {why}"), verdict))
    }));
    let what = match (counting.is_empty(), vantages.is_empty()) {
        (false, _) => format!("looked from {names}"),
        (true, false) => return (seen, silent),
        (true, true) => "nobody looks: `from` is no host".to_owned(),
    };
    seen.push(Seen::new(None, what, verdict));
    (seen, silent)
}

/// Who sees this of a host, and on which port.
fn find<'a>(vantages: impl IntoIterator<Item = &'a Vantage>, host: &str, wanted: View) -> Option<(&'a str, u16)> {
    vantages.into_iter().find_map(|vantage| {
        let (port, _) = vantage.of(host).find(|(_, view)| **view == Ok(wanted))?;
        Some((vantage.name.as_str(), port))
    })
}

/// Judges `up`: every port of every host answers every vantage.
pub(super) async fn up(spec: &Ports, fleet: &dyn Fleet) -> Outcome {
    let (hosts, vantages) = look(spec, fleet).await?;
    if hosts.is_empty() {
        return Ok(no_hosts());
    }
    if vantages.is_empty() {
        return Err("nobody looks: `from` is no host".to_owned());
    }
    let seen = vantages
        .iter()
        .flat_map(|vantage| vantage.views.iter().map(move |(host, port, view)| (vantage, host, port, view)))
        .map(|(vantage, host, port, view)| {
            let (word, verdict) = match view {
                Ok(View::Answers) => ("answers".to_owned(), Verdict::Holds),
                Ok(View::Refused) => ("refuses".to_owned(), Verdict::Fails),
                Ok(View::Silent) => ("is silent".to_owned(), Verdict::Fails),
                Err(why) => (why.clone(), Verdict::Unknown),
            };
            let what = format!("port {port} {word}, seen from {}", vantage.name);
            Seen::new(Some(host), what, verdict)
        })
        .collect();
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use tokio::sync::Barrier;

    use super::*;

    /// Nobody is answered before 32 have asked, so with fewer at the same time this would not end.
    #[tokio::test]
    async fn silence_is_waited_for_all_at_once_and_of_so_many() {
        let (barrier, asking, most) = (&Barrier::new(32), &AtomicUsize::new(0), &AtomicUsize::new(0));
        let looks = (0..64).map(|n| -> BoxFuture<'_, _> {
            Box::pin(async move {
                most.fetch_max(asking.fetch_add(1, Relaxed) + 1, Relaxed);
                barrier.wait().await;
                asking.fetch_sub(1, Relaxed);
                n
            })
        });
        let answers = at_once(looks.collect()).collect::<BTreeSet<_>>();
        let answers = tokio::time::timeout(Duration::from_mins(1), answers).await;
        assert_eq!((answers, most.load(Relaxed)), (Ok((0..64).collect()), 32));
    }

    fn vantage(name: &str, view: View, counts: bool) -> Vantage {
        Vantage {
            name: name.to_owned(),
            views: vec![("lost".to_owned(), 8300, Ok(view))],
            counts: if counts { Ok("other".to_owned()) } else { Err("sees nothing".to_owned()) },
        }
    }

    fn verdict(vantages: &[Vantage]) -> (Verdict, Vec<String>) {
        let (seen, silent) = judge_down(&["lost".to_owned()], vantages);
        (seen.iter().map(|s| s.verdict).max().expect("something seen"), silent)
    }

    /// | vantage 1        | vantage 2       | verdict | silent |
    #[test]
    fn the_table() {
        let lost = vec!["lost".to_owned()];
        let none = Vec::<String>::new();
        assert_eq!(verdict(&[vantage("a", View::Silent, true)]), (Verdict::Holds, lost.clone()));
        assert_eq!(verdict(&[vantage("a", View::Refused, true)]), (Verdict::Holds, none.clone()));
        assert_eq!(verdict(&[vantage("a", View::Answers, true)]), (Verdict::Fails, none.clone()));
        assert_eq!(verdict(&[vantage("a", View::Silent, false)]), (Verdict::Unknown, none.clone()), "a dead network");
        assert_eq!(verdict(&[]), (Verdict::Unknown, none.clone()), "nobody looks");
        assert_eq!(
            verdict(&[vantage("a", View::Silent, false), vantage("b", View::Answers, false)]).0,
            Verdict::Fails,
            "an answer counts from anywhere"
        );
        assert_eq!(
            verdict(&[vantage("a", View::Refused, false), vantage("b", View::Silent, true)]),
            (Verdict::Holds, lost),
            "a refusal counts only from a vantage that counts"
        );
        assert_eq!(
            verdict(&[vantage("a", View::Silent, true), vantage("b", View::Refused, true)]),
            (Verdict::Holds, none)
        );
    }
}
