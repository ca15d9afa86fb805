//! What must be refused before the first change, by name, on a lab that has really lost its quorum. One lab goes from
//! fault to fault; at its end it is recovered after all, so none of the refusals was the lab's own fault.

use std::fs;

use refloat::lab::Spec;
use serde_json::Value;

use super::desk::{Desk, Ran, api, eventually, fault, project};
use crate::support::lab::{TestLab, consul};

const SURVIVOR: &str = "consul-1";

/// A lab and what is asked of it.
struct Outage<'a> {
    desk: Desk<'a>,
    runbook: String,
    inventory: String,
    lost: &'a str,
    key: &'a str,
}

impl Outage<'_> {
    fn subject(&self) -> Vec<&str> {
        vec![&self.runbook, "-i", &self.inventory, "-p", self.lost, "-p", self.key]
    }

    fn confirm(&self, text: &str) -> String {
        format!("{text}@{}", &self.desk.plan(&self.subject())[..12])
    }

    /// Runs it, confirmed.
    fn run(&self) -> Ran {
        let confirm = self.confirm("dc1");
        self.desk.run(&[&self.subject()[..], &["--confirm", &confirm]].concat())
    }

    /// What must be as it was: the raft folder, the process, the service, on all hosts that have power.
    fn state(&self) -> String {
        let look = "sudo -n find /var/lib/consul/raft /var/lib/consul/node-id -printf '%p %U %m\\n' | sort
            sudo -n cat /var/lib/consul/node-id; pgrep -x consul; ls -d /var/lib/consul*; ls /etc/service/consul";
        let hosts = ["consul-1", "consul-2", "consul-3"];
        hosts.iter().map(|host| self.desk.lab.try_say(host, look).1 + "\n").collect()
    }

    /// A run that must be refused, leaving all as it was.
    fn refused(&self, step: &str, text: &str) -> Ran {
        let before = self.state();
        assert!(before.contains("raft.db") && before.contains("/var/lib/consul"), "{before}");
        let ran = self.run();
        self.unchanged(&ran, &before, step, text);
        ran
    }

    fn unchanged(&self, ran: &Ran, before: &str, step: &str, text: &str) {
        ran.ended(4, step, text);
        assert_eq!(ran.closed()["verdict"], "refused");
        assert_eq!(self.state(), before, "{step}: {text}");
        let began = ran.began();
        assert!(began.iter().all(|unit| unit.starts_with("see ")), "{step}: {began:?}");
    }
}

fn nobody_leads(lab: &TestLab) {
    eventually("nobody leads", || api(lab, SURVIVOR, "/v1/status/leader") == "");
}

#[test]
fn what_is_not_safe_is_refused_by_name_and_changes_nothing() {
    if !consul() {
        return;
    }
    let lab = TestLab::up(Spec::consul(3));
    lab.say(SURVIVOR, "consul kv put demo/old 'from before'");
    let mut outage = Outage {
        desk: Desk::at(&lab),
        runbook: project("runbooks/consul/quorum-loss.yaml"),
        inventory: lab.inventory_path().display().to_string(),
        lost: "lost=consul-[2:3]",
        key: "canary_key=demo/old",
    };
    // all is well: two of three are said to be lost, and the third sees a leader
    outage.refused("lost-quorum", "a leader still answers");
    // the survivors are a majority: no outage of this kind, whatever a leader says
    outage.lost = "lost=consul-3";
    let ran = outage.refused("lost-quorum", "2 of 3 hosts, a majority is 2");
    assert!(
        ran.events("guard_judged").any(|g| g["verdict"] == "fails" && g["seen"].as_str().unwrap().contains("2 of 3"))
    );
    outage.lost = "lost=consul-[2:3]";

    for host in ["consul-2", "consul-3"] {
        fault(&lab, &format!("kill {host} consul keep-down"));
    }
    nobody_leads(&lab);
    confirmations(&outage);
    evidence(&mut outage);
    a_lost_server_that_answers(&mut outage);
    an_unreachable_survivor(&outage);

    outage.desk.nothing_is_left(&["consul-1", "consul-2", "consul-3"]);

    // and now for real, but for a key that was never there: recovered, and not proved
    fault(&lab, "heal");
    outage.key = "canary_key=demo/never";
    let ran = outage.run();
    ran.ended(5, "canary", "exit 1");
    assert_eq!(api(&lab, SURVIVOR, "/v1/status/leader"), "10.66.0.11:8300");
    assert_eq!(lab.say(SURVIVOR, "consul kv get demo/old"), "from before");
}

/// Nothing is done that nobody agreed to.
fn confirmations(outage: &Outage<'_>) {
    let (desk, subject) = (&outage.desk, outage.subject());
    let before = outage.state();
    let runs = |desk: &Desk<'_>| desk.refloat(&["runs", "--output", "json"]).out;
    let made = runs(desk);
    let other = desk.refloat(&[&["run"][..], &subject, &["--confirm", "dc1@0123456789"]].concat());
    assert_eq!(other.code, Some(4), "{other:?}");
    assert!(other.err.contains("--confirm is for plan 0123456789, and this is plan"), "{other:?}");
    let usage = desk.refloat(&[&["run"][..], &subject, &["--confirm", "dc1"]].concat());
    assert_eq!(usage.code, Some(2), "{usage:?}");
    assert_eq!(runs(desk), made, "a run was made");

    let ran = desk.run(&subject);
    let give = format!("give --confirm 'dc1@{}'", &desk.plan(&subject)[..8]);
    outage.unchanged(&ran, &before, "agree", &give);
    let yes = desk.run(&[&subject[..], &["--yes"]].concat());
    outage.unchanged(&yes, &before, "agree", "there is no terminal to ask at");
    let wrong = desk.run(&[&subject[..], &["--confirm", &outage.confirm("dc2")]].concat());
    outage.unchanged(&wrong, &before, "agree", "`dc1` was to be typed, and `dc2` was");
    let answered = wrong.events("answered").next().expect("an answer");
    assert_eq!((&answered["answer"], &answered["text"]), (&"refused".into(), &"dc2".into()));

    let said = desk.at_a_terminal(&[&["run"][..], &subject].concat(), "no\n");
    assert!(said.out.contains("Type dc1 to go on"), "{said:?}");
    let typed = desk.ran(said);
    outage.unchanged(&typed, &before, "agree", "`dc1` was to be typed, and `no` was");
}

/// What the survivor holds is not what the recovery rests on.
fn evidence(outage: &mut Outage<'_>) {
    let lab = outage.desk.lab;
    let data = "/var/lib/consul";
    lab.say(SURVIVOR, &format!("sudo -n mv {data}/raft/peers.info {data}/kept"));
    outage.refused("safe", "without peers.info Consul throws peers.json away unread");
    lab.say(SURVIVOR, &format!("sudo -n mv {data}/kept {data}/raft/peers.info"));

    let disagree = "the cluster's own record and the inventory disagree";
    let id = lab.say(SURVIVOR, &format!("sudo -n cat {data}/node-id"));
    let other = "00000000-0000-4000-8000-000000000000";
    let write = |id: &str| lab.say(SURVIVOR, &format!("printf %s {id} | sudo -n tee {data}/node-id"));
    write(other);
    outage.refused("safe", disagree);
    write("no-id-at-all");
    outage.refused("see", "node_id");
    write(&id);

    let given = fs::read_to_string(&outage.inventory).expect("the inventory");
    let lab_inventory = outage.inventory.clone();
    let config = outage.desk.lab.ssh_config_path().display().to_string();
    let given = given.replace("ssh_config: ssh_config", &format!("ssh_config: {config}"));
    let groups = "  consul_servers:\n";
    assert!(given.contains(groups));
    // another port than the cluster's; then another address of a lost server, which the cluster has never heard of
    let port = given.replace(groups, &format!("{groups}    vars: {{ rpc_address: \"{{{{host.address}}}}:8301\" }}\n"));
    outage.inventory = outage.desk.write("port.yaml", &port);
    outage.refused("safe", disagree);
    let address = given.replace("address: 10.66.0.13", "address: 10.66.0.14");
    outage.inventory = outage.desk.write("address.yaml", &address);
    outage.refused("safe", disagree);
    outage.inventory = lab_inventory;
}

/// Its peers do not reach it, its sshd is gone, and on its RPC port it answers the controller.
fn a_lost_server_that_answers(outage: &mut Outage<'_>) {
    let lab = outage.desk.lab;
    fault(lab, "partition consul-1 consul-2 / consul-3");
    lab.say("consul-3", "sudo -n sv start consul");
    eventually("it answers", || api(lab, "consul-3", "/v1/status/leader") == "");
    lab.say("consul-3", "sudo -n touch /etc/service/consul/down");
    fault(lab, "kill consul-3 sshd keep-down");
    nobody_leads(lab);
    let ran = outage.refused("lost-answers", "answers on port 8300, seen from controller");
    let judged = ran.events("guard_judged").find(|g| g["verdict"] == "fails").expect("a judgement");
    assert_eq!(judged["host"], "consul-3");
    fault(lab, "power-off consul-3");
    fault(lab, "power-on consul-3");
    nobody_leads(lab);
}

/// A survivor that cannot be reached is no reason to refuse, but nothing can be done.
fn an_unreachable_survivor(outage: &Outage<'_>) {
    let lab = outage.desk.lab;
    fault(lab, &format!("cut-link {SURVIVOR}"));
    let ran = outage.run();
    ran.ended(6, "see", SURVIVOR);
    assert_eq!(ran.closed()["verdict"], Value::from("unreachable"));
    assert_eq!(ran.began(), Vec::<String>::new());
    fault(lab, &format!("mend-link {SURVIVOR}"));
    nobody_leads(lab);
}
