//! A recovery of Consul that goes wrong in the middle: everything is put back, or, where it cannot be, both ways on are
//! told and each of them works.

use refloat::lab::Spec;
use serde_json::Value;

use super::desk::{Desk, Ran, api, eventually, fault, project};
use crate::support::lab::{TestLab, consul};

/// Two of four servers survive: no majority, and more than one host in each step.
const SURVIVORS: [&str; 2] = ["consul-1", "consul-2"];

/// Somebody's line in the service: before Consul starts, peers.json is cut short.
const SPOILS: &str = "sudo -n sed -i '2i [ ! -e /var/lib/consul/raft/peers.json ] || truncate -s 7 /var/lib/consul/raft/peers.json' \
                      /etc/service/consul/run";
const SPARES: &str = "sudo -n sed -i '/truncate/d' /etc/service/consul/run";

struct Outage<'a> {
    desk: Desk<'a>,
    runbook: String,
    inventory: String,
}

impl<'a> Outage<'a> {
    fn new(lab: &'a TestLab) -> Self {
        lab.say("consul-1", "consul kv put demo/old 'from before'");
        for dead in ["consul-3", "consul-4"] {
            fault(lab, &format!("power-off {dead}"));
        }
        let outage = Self {
            desk: Desk::at(lab),
            runbook: project("runbooks/consul/quorum-loss.yaml"),
            inventory: lab.inventory_path().display().to_string(),
        };
        outage.nobody_leads();
        outage
    }

    fn nobody_leads(&self) {
        for host in SURVIVORS {
            eventually("nobody leads", || api(self.desk.lab, host, "/v1/status/leader") == "");
        }
    }

    fn run(&self) -> Ran {
        let subject = ["-i", &self.inventory, "-p", "lost=consul-[3:4]", "-p", "canary_key=demo/old"];
        let subject = [&[self.runbook.as_str()][..], &subject[..]].concat();
        let confirm = format!("dc1@{}", &self.desk.plan(&subject)[..12]);
        self.desk.run(&[&subject[..], &["--confirm", &confirm]].concat())
    }

    /// The files of Consul and whether it runs; not its log, its backups and its snapshots, of which it makes more.
    fn state(&self, host: &str) -> String {
        let look = "sudo -n find /var/lib/consul \\( -path '*/raft*' -o -name node-id \\) ! -path '*/snapshots/*' | sort; pgrep -x consul >/dev/null && echo runs
            ls /etc/service/consul; sudo -n find /var/lib -maxdepth 1 -name 'consul.fenced*'";
        self.desk.lab.try_say(host, look).1
    }
}

/// The steps that were put back, newest first.
fn undone(ran: &Ran) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    for row in ran.report["undone"].as_array().expect("a list") {
        let step = row["step"].as_str().unwrap().to_owned();
        if steps.last() != Some(&step) {
            steps.push(step);
        }
    }
    steps
}

fn next(ran: &Ran) -> Vec<String> {
    let lines = ran.closed()["next"].as_array().unwrap().iter();
    lines.map(|line| line.as_str().unwrap().to_owned()).collect()
}

#[test]
fn consul_cannot_parse_the_file_and_everything_is_put_back() {
    if !consul() {
        return;
    }
    let lab = TestLab::up(Spec::consul(4));
    let mut outage = Outage::new(&lab);
    let before = SURVIVORS.map(|host| outage.state(host));
    assert!(before[0].contains("runs") && !before[0].contains("peers.json"), "{}", before[0]);
    // the template names no voter, which is good JSON, and Consul does not take it
    let template = std::fs::read_to_string(project("templates/consul/peers.json.hbs")).unwrap();
    let wrong = template.replace("\"non_voter\": false", "\"non_voter\": true");
    assert_ne!(wrong, template);
    std::fs::create_dir_all(outage.desk.path("here/templates/consul")).unwrap();
    outage.desk.write("here/templates/consul/peers.json.hbs", &wrong);
    let right = std::mem::take(&mut outage.runbook);
    outage.runbook = outage.desk.write("here/wrong.yaml", &std::fs::read_to_string(&right).unwrap());
    let ran = outage.run();
    ran.ended(1, "recover/start", "recovery failed to parse peers.json");
    assert_eq!(ran.closed()["verdict"], "failed");
    assert_eq!(undone(&ran), ["recover/start", "recover/peers", "recover/stop"]);
    assert!(ran.events("log_matched").all(|event| event["no_return"] == false));
    for (host, before) in SURVIVORS.iter().zip(&before) {
        eventually("Consul answers again", || api(&lab, host, "/v1/status/leader") == "");
        assert_eq!(outage.state(host), *before, "{host}");
    }
    outage.desk.nothing_is_left(&SURVIVORS);

    // it is the same outage still: with the cause gone it is recovered
    outage.runbook = right;
    let ran = outage.run();
    assert_eq!(ran.said.code, Some(0), "{}\n{}", ran.said.out, ran.said.err);
    assert_eq!(lab.say("consul-1", "consul kv get demo/old"), "from before");
}

/// One has taken the file in, the other cannot read it.
fn one_is_past(outage: &Outage<'_>) -> Ran {
    let lab = outage.desk.lab;
    lab.say("consul-2", SPOILS);
    let ran = outage.run();
    ran.ended(5, "recover/start", "past the point of no return: consul-1");
    assert_eq!(ran.closed()["verdict"], "needs_attention");
    assert_eq!(undone(&ran), Vec::<String>::new());
    let past: Vec<&Value> = ran.events("log_matched").filter(|event| event["no_return"] == true).collect();
    assert!(!past.is_empty() && past.iter().all(|event| event["host"] == "consul-1"), "{past:?}");
    // nothing is undone on the one that is past, nor on the other
    assert!(lab.try_say("consul-1", "pgrep -x consul").0 == Some(0));
    assert_eq!(lab.say("consul-2", "sudo -n stat -c %s /var/lib/consul/raft/peers.json"), "7");
    let next = next(&ran);
    assert!(next.iter().any(|line| line.starts_with("EITHER go on: find out on consul-2")), "{next:#?}");
    assert!(next.iter().any(|line| line.starts_with("OR go back, by hand")), "{next:#?}");
    let shown = &ran.said.out;
    assert!(shown.contains("EITHER go on") && shown.contains("OR go back"), "{shown}");
    ran
}

#[test]
fn past_the_point_of_no_return_one_can_go_on() {
    if !consul() {
        return;
    }
    let lab = TestLab::up(Spec::consul(4));
    let outage = Outage::new(&lab);
    one_is_past(&outage);
    lab.say("consul-2", SPARES);
    // who finds that out also ends the restarts, of which there is one a second: else a run may see one as it begins
    eventually("no restarts", || lab.try_say("consul-2", "sudo -n sv -w 20 stop consul").0 == Some(0));
    let ran = outage.run();
    assert_eq!(ran.said.code, Some(0), "{}\n{}", ran.said.out, ran.said.err);
    for host in SURVIVORS {
        assert_eq!(lab.say(host, "consul kv get demo/old"), "from before");
    }
}

#[test]
fn past_the_point_of_no_return_one_can_go_back_by_hand() {
    if !consul() {
        return;
    }
    let lab = TestLab::up(Spec::consul(4));
    let outage = Outage::new(&lab);
    let before = SURVIVORS.map(|host| outage.state(host));
    let ran = one_is_past(&outage);
    let next = next(&ran);
    let at = next.iter().position(|line| line.starts_with("OR go back")).unwrap();
    // word for word, as a person would
    let mut done = Vec::new();
    for line in next[at + 1..].iter().filter_map(|line| line.strip_prefix("  on ")) {
        let (host, what) = line.split_once(": ").unwrap();
        let (what, step) = what.rsplit_once("  (").unwrap();
        let command = match what {
            "stop the service consul, it did not run before" | "bring the service consul back to what it was" => {
                "sudo -n sv -w 20 stop consul"
            }
            "start the service consul, it ran before" => "sudo -n sv -w 3 start consul",
            file if file.contains("remove /var/lib/consul/raft/peers.json when there is no such copy") => {
                "sudo -n rm -f /var/lib/consul/raft/peers.json"
            }
            other => panic!("nobody knows what to do with {other:?}"),
        };
        // runit loses a start that comes in the pause after an exit
        eventually(command, || lab.try_say(host, command).0 == Some(0));
        done.push(format!("{step} {host}"));
    }
    let steps = ["recover/start)", "recover/peers)", "recover/stop)"];
    let expected: Vec<String> = steps.iter().flat_map(|step| SURVIVORS.map(|host| format!("{step} {host}"))).collect();
    assert_eq!(done, expected);
    lab.say("consul-2", SPARES);
    // the services run and the file is gone, as it was before
    for (host, before) in SURVIVORS.iter().zip(&before) {
        eventually("it is as it was", || outage.state(host) == *before);
    }
}
