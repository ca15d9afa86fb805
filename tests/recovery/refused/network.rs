//! Who answers whom, and what silence proves.

use super::{Outage, SERVERS};
use crate::recovery::desk::{api, eventually, fault};

/// Its peers do not reach it, its sshd is gone, and on its RPC port it answers the controller.
pub(super) fn a_lost_server_that_answers(outage: &Outage<'_>) {
    let lab = outage.desk.lab;
    fault(lab, "partition consul-1 consul-2 / consul-3");
    lab.say("consul-3", "sudo -n sv start consul");
    eventually("it answers", || api(lab, "consul-3", "/v1/status/leader") == "");
    lab.say("consul-3", "sudo -n touch /etc/service/consul/down");
    fault(lab, "kill consul-3 sshd keep-down");
    outage.nobody_leads();
    let text = "answers on port 8300, seen from controller";
    let ran = outage.refused_by("a lost server answers", "lost-answers", "down lost:!fenceable", text);
    let judged = ran.events("guard_judged").find(|g| g["verdict"] == "fails").expect("a judgement");
    assert_eq!(judged["host"], "consul-3");
    fault(lab, "power-off consul-3");
    fault(lab, "heal");
}

/// No reason to refuse, but nothing can be done.
pub(super) fn a_survivor_that_cannot_be_reached(outage: &Outage<'_>) {
    let lab = outage.desk.lab;
    fault(lab, "cut-link consul-1");
    let ran = outage.run();
    ran.ended(6, "see", "consul-1");
    assert_eq!(ran.closed()["verdict"], "unreachable");
    assert_eq!(ran.began(), Vec::<String>::new());
    fault(lab, "mend-link consul-1");
    // who was asked for while the link was cut is not asked for again at once
    let peer = "exec 3<>/dev/tcp/10.66.0.12/8300";
    eventually("its peers are there again", || lab.try_say("consul-1", peer).0 == Some(0));
    outage.met("a survivor cannot be reached");
    outage.nobody_leads();
}

const GONE: &str = r#"
runbook: test/gone
risk: read-only
steps:
  - id: gone
    require:
      - down: { hosts: consul-4, ports: [ 8300 ], from: consul-1 }
      # which is open on consul-1 itself
      - every: { hosts: consul-2, port: 8500, from: consul-1, that: eq result.error "refused" }
"#;

/// The operator reaches it, and it reaches nobody: that it gets no answer proves nothing.
pub(super) fn a_vantage_that_sees_nothing(outage: &Outage<'_>) {
    let (desk, lab) = (&outage.desk, outage.desk.lab);
    let runbook = desk.write("gone.yaml", GONE);
    let run = || desk.run(&[&runbook, "-i", &outage.inventory]);
    let seen = |ran: &crate::recovery::desk::Ran, host: &str| {
        let judged = ran.events("guard_judged").filter(|judged| judged["host"] == host);
        judged.map(|j| j["seen"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join("; ")
    };
    let ran = run();
    assert_eq!(ran.said.code, Some(0), "{:?}", ran.said);
    let refuses = "refuses on port 8300, seen from consul-1: the machine lives, the port is closed";
    assert_eq!(seen(&ran, "consul-4"), refuses);

    fault(lab, "partition consul-1 / consul-2 consul-3 consul-4");
    let before = outage.state();
    let ran = run();
    let text = "consul-1: does not count: gets no answer from any other host";
    outage.unchanged("a vantage that sees nothing", &ran, &before, "gone", text);
    assert!(ran.events("guard_judged").any(|judged| judged["verdict"] == "unknown"), "{:#}", ran.report);
    fault(lab, "heal");
}

/// The operator loses the network while the question stands. What nobody answers then proves nothing.
pub(super) fn the_operators_network_is_dead(outage: &Outage<'_>) {
    let (desk, lab) = (&outage.desk, outage.desk.lab);
    lab.say("consul-4", "sudo -n touch /etc/service/consul/down");
    fault(lab, "power-off consul-4");
    let before = outage.state();
    let cut = || {
        for host in ["consul-1", "consul-2"] {
            fault(lab, &format!("cut-link {host}"));
        }
    };
    let said = desk.at_a_terminal(&[&["run"][..], &outage.subject()].concat(), cut, "dc1\n");
    let ran = desk.ran(said);
    for host in ["consul-1", "consul-2"] {
        fault(lab, &format!("mend-link {host}"));
    }
    outage.nobody_leads();
    let text = "it is not certain that the lost servers are down (controller: does not count: gets no answer";
    outage.unchanged("the operator's network is dead", &ran, &before, "lost-is-down", text);
    let asked = ran.events("asked").next().expect("a question")["message"].as_str().unwrap().to_owned();
    assert!(asked.contains("Not proved dead, only silent: consul-3, consul-4."), "{asked}");
    let judged: Vec<_> = ran.events("guard_judged").filter(|j| j["verdict"] == "unknown").collect();
    assert!(judged.iter().all(|j| j["guard"] == "down lost: port 8300"), "{judged:#?}");
    for host in &SERVERS[2..] {
        fault(lab, &format!("power-on {host}"));
    }
    outage.nobody_leads();
}
