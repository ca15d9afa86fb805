//! The dry run of quorum-loss: the shipped runbook itself, and for each peer the same asks, the same file and the same
//! services in its own words. The datacenter is played ([`play`]): so many Consuls would be measured more than their dry run.

use std::fmt::Write as _;

use crate::farm::Farm;
use crate::floor;

/// The runbook, from the folder in which cargo runs benches.
pub const RUNBOOK: &str = "runbooks/consul/quorum-loss.yaml";

const DATA: &str = "/var/lib/consul";

/// Makes hosts answer as a healthy datacenter. Once for a farm.
pub fn play(farm: &Farm, hosts: &[String]) {
    let addresses: Vec<String> = hosts.iter().map(|host| farm.address(host)).collect();
    let script = shlex::try_quote(include_str!("played.sh")).expect("no NUL");
    let text = format!("sudo -n sh -ec {script} played {} && echo plays", addresses.join(" "));
    for (host, said) in hosts.iter().zip(floor::ask(&farm.ssh_config(), hosts, &text)) {
        assert_eq!(said, "plays\n", "{host} does not play");
    }
}

/// The half that is taken as lost; one more than the survivors are not.
fn lost(hosts: &[String]) -> &[String] {
    &hosts[hosts.len() / 2..]
}

fn survivors(hosts: &[String]) -> &[String] {
    &hosts[..hosts.len() / 2]
}

/// An inventory with no other hosts than these.
pub fn inventory(farm: &Farm, hosts: &[String]) -> String {
    let config = quoted(&farm.ssh_config().display().to_string());
    let mut text = String::from("inventory: played\nvars: { consul_log: /var/log/consul/current }\nhosts:\n");
    for host in hosts {
        let address = farm.address(host);
        let connect = format!("{{ ssh_config: {config}, user: ops, service_manager: runit }}");
        let _ = writeln!(text, "  {host}: {{ address: {address}, connect: {connect} }}");
    }
    let _ = writeln!(text, "groups:\n  consul_servers: {{ hosts: [ {} ] }}", hosts.join(", "));
    text
}

/// The params of the runbook.
pub fn params(hosts: &[String]) -> Vec<String> {
    let lost = format!("lost={}", lost(hosts).join(":"));
    ["-p", lost.as_str(), "-p", "canary_key=refloat/canary"].map(str::to_owned).to_vec()
}

/// What a survivor is asked, as root.
fn asks() -> Vec<String> {
    let api = "curl -sf http://127.0.0.1:8500/v1";
    vec![
        format!("cat {DATA}/node-id"),
        "consul info | tr '{}' '\\n\\n' | sed -n 's/^Suffrage:\\(.*\\) ID:\\(.*\\) Address:\\(.*\\)$/\\1 \\2 \\3/p' | sort".to_owned(),
        "consul info".to_owned(),
        format!("{api}/agent/self"),
        format!("du -sk {DATA} | cut -f1"),
        format!("{api}/status/leader"),
        "pgrep -x consul".to_owned(),
        format!("df -Pk {DATA}"),
    ]
}

/// The same text for every survivor, as every peer can make it.
fn peers(hosts: &[String]) -> String {
    let one = |(n, _): (usize, &String)| {
        let n = n + 1;
        format!(
            "  {{ \"id\": \"00000000-0000-4000-8000-{n:012}\", \"address\": \"10.66.0.{n}:8300\", \"non_voter\": false }}"
        )
    };
    let all: Vec<String> = survivors(hosts).iter().enumerate().map(one).collect();
    format!("[\n{}\n]\n", all.join(",\n"))
}

/// For pyinfra, with `--dry`.
pub fn deploy(hosts: &[String]) -> String {
    let mut text = String::from(
        "from io import StringIO\nfrom pyinfra import host\nfrom pyinfra.facts.files import File\n\
         from pyinfra.facts.server import Command\nfrom pyinfra.operations import files, runit, server\n",
    );
    let _ = writeln!(text, "lost = {:?}", lost(hosts));
    let _ = writeln!(text, "if host.name in lost:");
    let down = "runit.service(service='consul', running=False, svdir='/etc/service', _sudo=True)";
    let _ = writeln!(text, "    {down}\n    server.shell(commands=['mv {DATA} {DATA}.fenced'], _sudo=True)\nelse:");
    // in one, since it leaves the channel of each fact open and a server allows ten
    let _ = writeln!(text, "    host.get_fact(Command, {:?}, _sudo=True)", asks().join("; "));
    for file in ["peers.info", "raft.db"] {
        let _ = writeln!(text, "    host.get_fact(File, '{DATA}/raft/{file}', _sudo=True)");
    }
    let _ = writeln!(text, "    {down}");
    let _ = writeln!(
        text,
        "    files.put(src=StringIO({:?}), dest='{DATA}/raft/peers.json', user='consul', mode='640', _sudo=True)",
        peers(hosts)
    );
    let _ = writeln!(text, "    runit.service(service='consul', running=True, svdir='/etc/service', _sudo=True)");
    text
}

/// For Ansible, with `--check --diff`.
pub fn playbook(hosts: &[String]) -> String {
    let head = |hosts: &[String]| {
        let hosts = hosts.join(":");
        format!("- hosts: {hosts}\n  gather_facts: false\n  become: true\n  tasks:\n")
    };
    let stop = "    - ansible.builtin.command: sv stop consul\n";
    let mut text = head(survivors(hosts));
    for ask in asks() {
        let _ = writeln!(
            text,
            "    - {{ ansible.builtin.shell: {}, check_mode: false, changed_when: false }}",
            quoted(&ask)
        );
    }
    for file in ["peers.info", "raft.db"] {
        let _ = writeln!(text, "    - ansible.builtin.stat: {{ path: {DATA}/raft/{file} }}");
    }
    text.push_str(stop);
    let content = format!("content: {}, dest: {DATA}/raft/peers.json", quoted(&peers(hosts)));
    let _ = writeln!(text, "    - ansible.builtin.copy: {{ {content}, owner: consul, mode: \"0640\" }}");
    text.push_str("    - ansible.builtin.command: sv start consul\n");
    text.push_str(&head(lost(hosts)));
    text.push_str("    - { ansible.builtin.command: sv status consul, check_mode: false, changed_when: false }\n");
    text.push_str(stop);
    let _ = writeln!(text, "    - ansible.builtin.command: mv {DATA} {DATA}.fenced");
    text
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("JSON")
}
