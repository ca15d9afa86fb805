//! What must be refused before the first change, by name, on a lab that has really lost its quorum. One lab goes from
//! fault to fault; at its end it is recovered after all, so none of the refusals was the lab's own fault.

mod evidence;
mod network;
mod people;

use std::cell::RefCell;
use std::collections::BTreeSet;

use refloat::lab::Spec;

use super::desk::{Desk, Ran, api, eventually, fault, project};
use crate::support::lab::{TestLab, consul};

const SURVIVORS: [&str; 2] = ["consul-1", "consul-2"];
const SERVERS: [&str; 4] = ["consul-1", "consul-2", "consul-3", "consul-4"];

/// A lab and what is asked of it.
struct Outage<'a> {
    desk: Desk<'a>,
    runbook: String,
    inventory: String,
    lost: &'a str,
    key: &'a str,
    datacenter: &'a str,
    /// More of the command line.
    more: Vec<&'a str>,
    /// The situations so far, by name.
    met: RefCell<Vec<&'static str>>,
}

impl Outage<'_> {
    fn subject(&self) -> Vec<&str> {
        let words = vec![&self.runbook, "-i", &self.inventory, "-p", self.lost, "-p", self.key];
        words.into_iter().chain(self.more.iter().copied()).collect()
    }

    fn confirm(&self, text: &str) -> String {
        format!("{text}@{}", &self.desk.plan(&self.subject())[..12])
    }

    /// Runs it, confirmed.
    fn run(&self) -> Ran {
        let confirm = self.confirm(self.datacenter);
        self.desk.run(&[&self.subject()[..], &["--confirm", &confirm]].concat())
    }

    /// What must be as it was: the raft folder, the process, the service, on all hosts that have power.
    fn state(&self) -> String {
        let look = "sudo -n find /var/lib/consul/raft /var/lib/consul/node-id -printf '%p %U %m\\n' | sort
            sudo -n cat /var/lib/consul/node-id; pgrep -x consul; ls -d /var/lib/consul*; ls /etc/service/consul";
        let lab = self.desk.lab;
        std::thread::scope(|scope| {
            let powered = |host: &&str| lab.dir().join("run").join(host).join("init.pid").exists();
            let asked: Vec<_> = SERVERS
                .into_iter()
                .filter(powered)
                .map(|host| scope.spawn(move || lab.try_say(host, look).1))
                .collect();
            asked.into_iter().map(|answer| answer.join().expect("an answer") + "\n").collect()
        })
    }

    /// A run that must be refused at a step, leaving all as it was.
    fn refused(&self, name: &'static str, step: &str, text: &str) -> Ran {
        let before = self.state();
        assert!(before.contains("/var/lib/consul"), "{before}");
        let ran = self.run();
        self.unchanged(name, &ran, &before, step, text);
        ran
    }

    /// The same, by this guard.
    fn refused_by(&self, name: &'static str, step: &str, guard: &str, text: &str) -> Ran {
        let ran = self.refused(name, step, text);
        let against = ran.events("guard_judged").filter(|judged| judged["verdict"] != "holds");
        let guards: BTreeSet<_> = against.map(|judged| judged["guard"].as_str().expect("a guard")).collect();
        assert!(guards.iter().any(|words| words.contains(guard)), "{name}: {guard:?} is not among {guards:?}");
        let reason = ran.closed()["reason"].as_str().expect("a reason");
        assert!(reason.contains(" [seen at ") && reason.ends_with(" UTC]"), "{name}: the time of day: {reason}");
        ran
    }

    fn unchanged(&self, name: &'static str, ran: &Ran, before: &str, step: &str, text: &str) {
        self.met(name);
        ran.ended(4, step, text);
        assert_eq!(ran.closed()["verdict"], "refused", "{name}");
        assert_eq!(self.state(), before, "{name}");
        let began = ran.began();
        assert!(began.iter().all(|unit| unit.starts_with("see ")), "{name}: {began:?}");
    }

    fn met(&self, name: &'static str) {
        eprintln!("refused: {name}");
        assert!(!self.met.borrow().contains(&name), "{name}: twice");
        self.met.borrow_mut().push(name);
    }

    /// The survivors are up, and nobody leads.
    fn nobody_leads(&self) {
        for host in SURVIVORS {
            eventually("nobody leads", || api(self.desk.lab, host, "/v1/status/leader") == "");
        }
    }
}

#[test]
fn what_is_not_safe_is_refused_by_name_and_changes_nothing() {
    if !consul() {
        return;
    }
    let lab = TestLab::up(Spec::consul(4));
    lab.say("consul-1", "consul kv put demo/old 'from before'");
    let mut outage = Outage {
        desk: Desk::at(&lab),
        runbook: project("runbooks/consul/quorum-loss.yaml"),
        inventory: lab.inventory_path().display().to_string(),
        lost: "lost=consul-[3:4]",
        key: "canary_key=demo/old",
        datacenter: "dc1",
        more: Vec::new(),
        met: RefCell::default(),
    };
    // all is well: half of them are said to be lost, and the others see a leader
    outage.refused_by("a leader exists", "lost-quorum", "every survivors: http", "a leader still answers");
    // the survivors are a majority: no outage of this kind, whatever a leader says
    outage.lost = "lost=consul-4";
    let majority = "3 of 4 hosts, a majority is 3";
    outage.refused_by("quorum is not lost", "lost-quorum", "survivors are no majority of servers", majority);
    outage.lost = "lost=consul-[3:4]";

    for host in ["consul-3", "consul-4"] {
        fault(&lab, &format!("kill {host} consul keep-down"));
    }
    outage.nobody_leads();
    people::mistakes(&outage);
    people::confirmations(&outage);
    evidence::inventories(&mut outage);
    evidence::parameters(&mut outage);
    evidence::files(&outage);
    evidence::disks(&outage);
    evidence::servers(&outage);
    network::a_survivor_that_cannot_be_reached(&outage);
    network::a_vantage_that_sees_nothing(&outage);
    network::a_lost_server_that_answers(&outage);
    network::the_operators_network_is_dead(&outage);
    outage.desk.nothing_is_left(&SERVERS);
    let met = outage.met.borrow().len();
    eprintln!("{met} wrong situations were refused");
    assert!(met >= 20, "{met}");

    // and now for real, but for a key that was never there: recovered, and not proved
    outage.key = "canary_key=demo/never";
    let ran = outage.run();
    ran.ended(5, "canary", "exit 1");
    let leader = api(&lab, "consul-1", "/v1/status/leader");
    assert!(["10.66.0.11:8300", "10.66.0.12:8300"].iter().any(|address| leader == *address), "{leader}");
    assert_eq!(lab.say("consul-1", "consul kv get demo/old"), "from before");
}
