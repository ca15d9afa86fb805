//! What the survivors hold is not what the recovery rests on.

use std::fs;

use super::{Outage, SURVIVORS};
use crate::recovery::desk::{eventually, fault};
use crate::support::lab::TestLab;

const DATA: &str = "/var/lib/consul";
const NOT_IN_IT: &str = "a survivor is not in the Raft configuration with this node-id and this rpc_address";

/// The inventory tells of other servers than there are.
pub(super) fn inventories(outage: &mut Outage<'_>) {
    let given = fs::read_to_string(&outage.inventory).expect("the inventory");
    let lab_inventory = outage.inventory.clone();
    let config = outage.desk.lab.ssh_config_path().display().to_string();
    let given = given.replace("ssh_config: ssh_config", &format!("ssh_config: {config}"));
    let groups = "  consul_servers:\n";
    assert!(given.contains(groups));
    let vars = |port: u16| format!("{groups}    vars: {{ rpc_address: \"{{{{host.address}}}}:{port}\" }}\n");
    outage.inventory = outage.desk.write("gossip.yaml", &given.replace(groups, &vars(8301)));
    let ran = outage.refused_by("the port of gossip", "safe", "8301", "8301 is the port of gossip");
    assert!(ran.closed()["reason"].as_str().unwrap().contains(NOT_IN_IT), "all failures at once: {:#}", ran.closed());
    outage.inventory = outage.desk.write("port.yaml", &given.replace(groups, &vars(8302)));
    outage.refused_by("another port than the cluster's", "safe", "every survivors", NOT_IN_IT);
    let address = given.replace("address: 10.66.0.14", "address: 10.66.0.15");
    outage.inventory = outage.desk.write("address.yaml", &address);
    let text = "the Raft configuration has a server that the inventory does not have";
    outage.refused_by("another address than the cluster's", "safe", "every witnesses: subset", text);
    outage.inventory = lab_inventory;
}

/// The operator takes it for another cluster than it is.
pub(super) fn parameters(outage: &mut Outage<'_>) {
    (outage.more, outage.datacenter) = (vec!["-p", "datacenter=dc2"], "dc2");
    let datacenter = "a survivor is not of datacenter dc2";
    outage.refused_by("another datacenter", "safe", "eq outputs.see.datacenter params.datacenter", datacenter);
    (outage.more, outage.datacenter) = (vec!["-p", "raft_protocol=2"], "dc1");
    let protocol = "a survivor does not speak Raft protocol 2";
    outage.refused_by("another Raft protocol", "safe", "eq outputs.see.protocol params.raft_protocol", protocol);
    outage.more.clear();
}

/// Files of a survivor that are not there, or another's.
pub(super) fn files(outage: &Outage<'_>) {
    let lab = outage.desk.lab;
    let away = |file: &str, name, guard: &str, text: &str| {
        lab.say("consul-1", &format!("sudo -n mv {DATA}/raft/{file} {DATA}/kept"));
        outage.refused_by(name, "safe", guard, text);
        lab.say("consul-1", &format!("sudo -n mv {DATA}/kept {DATA}/raft/{file}"));
    };
    let unread = "without peers.info Consul throws peers.json away unread";
    away("peers.info", "no peers.info", "every survivors: path", unread);
    away("raft.db", "no raft.db", "every survivors: path", "a survivor has no raft.db");

    let ids = SURVIVORS.map(|host| lab.say(host, &format!("sudo -n cat {DATA}/node-id")));
    let write = |host: &str, id: &str| lab.say(host, &format!("printf %s {id} | sudo -n tee {DATA}/node-id"));
    write("consul-1", "00000000-0000-4000-8000-000000000000");
    outage.refused_by("a node-id that the cluster does not know", "safe", "every survivors: eq (get (find", NOT_IN_IT);
    write("consul-1", "no-id-at-all");
    outage.refused("a node-id that is none", "see", "node_id");
    write("consul-1", &ids[1]);
    outage.refused_by("one node-id twice", "safe", "differ survivors", "two survivors have the same node-id");
    write("consul-2", &ids[0]);
    outage.refused_by("node-ids swapped", "safe", "every survivors: eq (get (find", NOT_IN_IT);
    for (host, id) in SURVIVORS.iter().zip(&ids) {
        write(host, id);
    }
}

/// There is no room for what the recovery writes.
pub(super) fn disks(outage: &Outage<'_>) {
    fault(outage.desk.lab, "fill-disk consul-2 /var/lib/consul");
    let ran = outage.refused_by("a full disk", "safe", "every survivors: disk", "no room for the backup");
    let reason = ran.closed()["reason"].as_str().expect("a reason");
    assert!(reason.contains("/var/lib/consul: 0 MiB free") && !reason.contains("consul-1: "), "{reason}");
    fault(outage.desk.lab, "free-disk consul-2 /var/lib/consul");
}

/// Does something to the second survivor while its Consul is stopped, waits until it is up again and `shows` what it
/// should, looks, and puts everything back.
fn with_other_data(lab: &TestLab, change: &str, shows: &str, look: impl FnOnce()) {
    let stop = "sudo -n sv -w 20 force-stop consul";
    let keep = "sudo -n cp -a /var/lib/consul /var/lib/kept && sudo -n cp -a /etc/consul.d /etc/kept.d";
    lab.say("consul-2", &format!("set -e; {stop}; {keep}; {change}; sudo -n sv -w 20 start consul"));
    eventually(shows, || lab.try_say("consul-2", &format!("consul info | grep {shows}")).0 == Some(0));
    look();
    let back = "sudo -n rm -rf /var/lib/consul /etc/consul.d; \
                sudo -n mv /var/lib/kept /var/lib/consul; sudo -n mv /etc/kept.d /etc/consul.d";
    lab.say("consul-2", &format!("set -e; {stop}; {back}; sudo -n sv -w 20 start consul"));
}

/// Servers that run, and are not what they should be.
pub(super) fn servers(outage: &Outage<'_>) {
    let lab = outage.desk.lab;
    let raft_2 = "sudo -n sed -i 's/^raft_protocol = 3/raft_protocol = 2/' /etc/consul.d/*";
    with_other_data(lab, raft_2, "'last_log_index = [1-9]'", || {
        let protocol = "a survivor does not speak Raft protocol 3";
        let ran = outage.refused_by("mixed Raft protocols", "safe", "outputs.see.protocol", protocol);
        let reason = ran.closed()["reason"].as_str().unwrap();
        assert!(reason.contains("consul-2: not so") && !reason.contains("consul-1: not so"), "{reason}");
    });
    outage.nobody_leads();

    let empty = "sudo -n find /var/lib/consul -mindepth 1 -delete";
    with_other_data(lab, empty, "'last_log_index = 0'", || {
        let log = "a survivor's Raft log is empty, so there is nothing to recover from";
        let ran = outage.refused_by("empty Raft data", "safe", "gt outputs.see.last_index 0", log);
        assert!(ran.closed()["reason"].as_str().unwrap().contains(NOT_IN_IT), "{:#}", ran.closed());
        outage.met("a survivor that is not in the Raft configuration");
    });
    outage.nobody_leads();

    let [other, third] = [2, 3].map(|n| (lab.say(&format!("consul-{n}"), &format!("sudo -n cat {DATA}/node-id")), n));
    let entry = |(id, n): &(String, i32)| format!("{{\"id\":\"{id}\",\"address\":\"10.66.0.1{n}:8300\"}}");
    let peers = format!("[{},{}]", entry(&other), entry(&third));
    let change = format!("echo '{peers}' | sudo -n tee {DATA}/raft/peers.json");
    with_other_data(lab, &change, "'num_peers = 1'", || {
        let text = "the survivors have different Raft configurations";
        outage.refused_by("differing Raft configurations", "safe", "agree witnesses", text);
    });
    outage.nobody_leads();

    lab.say("consul-2", "sudo -n sv -w 20 force-stop consul");
    lab.say("consul-2", "sudo -n setsid sh /etc/sv/consul/run </dev/null >/dev/null 2>&1 &");
    outage.nobody_leads();
    let text = "a Consul runs outside the service manager";
    outage.refused_by("a server outside the service manager", "safe", "process", text);
    lab.say("consul-2", "sudo -n pkill -KILL -x consul; while pgrep -x consul; do :; done");

    lab.say("consul-1", "sudo -n sv -w 20 force-stop consul");
    let text = "no survivor could show its Raft configuration; where Consul runs on them, check `token`";
    outage.refused_by("nobody shows a Raft configuration", "safe", "at least 1 of survivors", text);
    for host in SURVIVORS {
        lab.say(host, "sudo -n sv -w 20 start consul");
    }
    outage.nobody_leads();
}
