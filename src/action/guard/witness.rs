//! Whether the network of a vantage lives: some other host answers it.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::ports::{View, dial};
use crate::action::fleet::Fleet;
use crate::base::address::with_port;

/// So long a host is asked alone before the next one is asked beside it. Mostly the first one answers: whoever asked all
/// at once would knock at every sshd of a large inventory from every vantage, and sshd turns strangers away at ten.
const ALONE: Duration = Duration::from_millis(50);

/// The first other host that answers a vantage, on ssh or on one of these ports.
pub(super) async fn answered(fleet: &dyn Fleet, vantage: &str, hosts: &[String], ports: &[u16]) -> Option<String> {
    let linked = |host: &str| fleet.link(host).is_ok();
    let others = order(&fleet.inventory(), vantage, hosts, linked).into_iter();
    let mut looks = others.flat_map(|other| {
        let (address, ssh) = fleet.address(&other);
        let all = std::iter::once(ssh).chain(ports.iter().copied());
        all.map(|port| (other.clone(), with_port(&address, port))).collect::<Vec<_>>()
    });
    let mut asked = FuturesUnordered::new();
    loop {
        let next = looks.next();
        let more = next.is_some();
        if let Some((other, address)) = next {
            asked.push(async move { (dial(fleet, vantage, address).await == Ok(View::Answers)).then_some(other) });
        }
        tokio::select! {
            answer = asked.next() => match answer {
                Some(Some(other)) => return Some(other),
                Some(None) => {}
                None => return None,
            },
            () = tokio::time::sleep(ALONE), if more => {}
        }
    }
}

/// The hosts that may witness for a vantage: those with a link come first, since they live, and each vantage begins with
/// the ones behind itself, so that not all of them ask the same one.
fn order(all: &[String], vantage: &str, hosts: &[String], linked: impl Fn(&str) -> bool) -> Vec<String> {
    let own = all.iter().position(|host| host == vantage).map_or(0, |at| at + 1);
    let (before, behind) = all.split_at(own);
    let turned = behind.iter().chain(before).filter(|host| !hosts.contains(host) && *host != vantage);
    let (first, rest): (Vec<String>, Vec<String>) = turned.cloned().partition(|host| linked(host));
    [first, rest].concat()
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn whoever_lives_is_asked_first_and_not_the_same_by_all() {
        let all = || ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        let looked_at = ["d".to_owned()];
        assert_eq!(order(&all(), "b", &looked_at, |_| true), ["c", "e", "a"]);
        assert_eq!(order(&all(), "b", &looked_at, |host| host != "c"), ["e", "a", "c"]);
        assert_eq!(order(&all(), "controller", &[], |_| false), ["a", "b", "c", "d", "e"]);
    }
}
