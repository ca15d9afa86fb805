//! The whole recovery: two of three servers are lost, and the data is there again.

use refloat::lab::Spec;

use super::desk::{Desk, api, eventually, fault, project};
use crate::support::lab::{TestLab, consul};

/// Restarts Consul and expects that it leads, and that it reads peers.json: which only its former life has done.
const READS_AGAIN: &str = "
runbook: test/reads-again
risk: reversible
params: { server: { type: host, of: consul_servers } }
vars: { consul_log: { type: log } }
steps:
  - id: restart
    hosts: server
    sudo: true
    service: { name: consul, state: restarted }
    watch:
      log: \"{{vars.consul_log}}\"
      within: 8s
      expect:
        - { line: cluster leadership acquired }
        - { line: found peers.json file }
";

#[test]
fn two_of_three_servers_are_lost_and_the_data_is_there_again() {
    if !consul() {
        return;
    }
    let lab = TestLab::up(Spec::consul(3));
    let desk = Desk::at(&lab);
    lab.say("consul-1", "consul kv put demo/old 'from before'");
    // the one that led survives: its log says so from its former life
    let address = api(&lab, "consul-1", "/v1/status/leader");
    let mut servers = ["consul-1", "consul-2", "consul-3"];
    servers.sort_by_key(|host| address != format!("10.66.0.1{}:8300", &host[7..]));
    let [survivor, killed, dead] = servers;
    fault(&lab, &format!("kill {killed} consul keep-down"));
    fault(&lab, &format!("power-off {dead}"));
    eventually("nobody leads", || api(&lab, survivor, "/v1/status/leader") == "");

    let said = |line: &str| lab.say(survivor, &format!("grep -c '{line}' /var/log/consul/current || :"));
    assert_eq!(said("cluster leadership acquired"), "1");
    let size: u64 = lab.say(survivor, "stat -c %s /var/log/consul/current").parse().unwrap();
    let (runbook, inventory) = (project("runbooks/consul/quorum-loss.yaml"), desk.inventory());
    let lost = format!("lost={killed}:{dead}");
    let subject = [&runbook, "-i", &inventory, "-p", &lost, "-p", "canary_key=demo/old"];
    let confirm = format!("dc1@{}", &desk.plan(&subject)[..8]);
    let ran = desk.run(&[&subject[..], &["--confirm", &confirm]].concat());
    assert_eq!(ran.said.code, Some(0), "{}\n{}", ran.said.out, ran.said.err);
    assert_eq!(ran.closed()["verdict"], "recovered");
    assert_eq!(ran.closed()["outputs"]["leader"], address);

    let run = ran.report["run"].as_str().unwrap();

    // it was the new life that said it
    let acquired: Vec<_> =
        ran.events("log_matched").filter(|event| event["entry"] == "cluster leadership acquired").collect();
    assert_eq!((acquired.len(), said("cluster leadership acquired").as_str()), (1, "2"));
    assert!(acquired[0]["offset"].as_u64().unwrap() >= size, "{acquired:?}");

    let id = lab.say(survivor, "sudo -n cat /var/lib/consul/node-id");
    let raft = api(&lab, survivor, "/v1/operator/raft/configuration");
    let servers = raft["Servers"].as_array().unwrap();
    assert_eq!(servers.len(), 1, "{raft}");
    assert_eq!(
        (&servers[0]["ID"], &servers[0]["Address"], &servers[0]["Voter"], &servers[0]["Leader"]),
        (&id.into(), &address, &true.into(), &true.into())
    );
    assert_eq!(lab.say(survivor, "consul kv get demo/old"), "from before");
    assert_eq!(lab.say(survivor, "consul kv get refloat/canary"), run);

    // the backup holds all that was there before, also what had not been committed
    let backup = format!("/var/lib/consul.before-{run}.tar.gz");
    let index = |text: &str| lab.say(survivor, &format!("{text} | sed -n 's/.*last_log_index = //p'"));
    let before = ran.events("unit_ended").find(|end| end["outputs"]["last_index"].is_i64()).expect("an index");
    let before = before["outputs"]["last_index"].to_string();
    assert_eq!(lab.say(survivor, &format!("sudo -n stat -c %a {backup}")), "600");
    lab.say(survivor, "sudo -n mkdir /var/lib/again; sudo -n chown --reference=/var/lib/consul /var/lib/again");
    lab.say(survivor, &format!("sudo -n tar -C /var/lib/again -xzf {backup}"));
    lab.say(survivor, "sudo -n sv -w 20 stop consul");
    let swap = "cd /var/lib && sudo -n mv consul after && sudo -n mv again consul && sudo -n sv -w 20 start consul";
    lab.say(survivor, swap);
    eventually("what was", || index("consul info") == before);
    eventually("its Raft configuration", || lab.say(survivor, "consul info").matches("Suffrage:Voter").count() == 3);
    lab.say(survivor, "sudo -n sv -w 20 stop consul");
    let swap = "cd /var/lib && sudo -n mv consul again && sudo -n mv after consul && sudo -n sv -w 20 start consul";
    lab.say(survivor, swap);
    eventually("the leader", || api(&lab, survivor, "/v1/status/leader") == address);

    // a line that only a former life has said is not taken for news, however long it is waited for
    assert_eq!(said("found peers.json file"), "1");
    let small = desk.write("reads-again.yaml", READS_AGAIN);
    let again = desk.run(&[&small, "-i", &inventory, "-p", &format!("server={survivor}")]);
    again.ended(1, "restart", "found peers.json file");
    let matched: Vec<_> = again.events("log_matched").map(|event| &event["entry"]).collect();
    assert_eq!(matched, ["cluster leadership acquired"]);

    // what was lost and can be reached is fenced, also against a restart of its host
    let fenced = lab.say(killed, "sudo -n find /var/lib -maxdepth 1 -name 'consul*'; ls /etc/service/consul/down");
    let moved = format!("/var/lib/consul.fenced-{run}");
    assert_eq!(fenced, format!("{moved}\n/etc/service/consul/down"));
    fault(&lab, &format!("power-off {killed}"));
    fault(&lab, &format!("power-on {killed}"));
    assert_eq!(lab.try_say(killed, "pgrep -x consul").0, Some(1));
    desk.nothing_is_left(&[survivor, killed]);
    assert!(ran.said.out.contains(&format!("refloat report {run}")));
    let text = desk.refloat(&["report", run]);
    assert!(text.code == Some(0) && text.out.contains("recover/start"), "{text:?}");
}
