//! Whether a datacenter is ready, by the real program on a lab of real hosts: yes at night, no with each thing that a run
//! would miss, and yes again when it is mended. And that nothing is touched there.

use std::process::Command;

use refloat::lab::Spec;
use serde_json::Value;

use super::touch::{Trace, strace};
use crate::recovery::desk::{Desk, Said, fault, project};
use crate::support::lab::{TestLab, consul};

struct Night<'a> {
    desk: Desk<'a>,
    runbook: String,
    inventory: String,
}

impl Night<'_> {
    fn check(&self, more: &[&str]) -> Said {
        self.desk.refloat(&[&["check", "-i", &self.inventory, &self.runbook], more].concat())
    }

    fn document(&self) -> (Option<i32>, Value) {
        let said = self.check(&["--output", "json"]);
        let document: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
        (said.code, document["checks"][0]["check"].clone())
    }

    /// It is not ready, for this host at this step, and says so.
    fn lacks(&self, step: &str, host: &str, why: &str) {
        let (code, check) = self.document();
        assert_eq!((code, &check["ready"]), (Some(1), &Value::from(false)), "{check:#}");
        let reasons = check["reasons"].as_array().expect("reasons");
        let named = |reason: &&Value| reason["step"] == step && reason["host"] == host;
        let found =
            reasons.iter().filter(named).any(|reason| reason["reason"].as_str().is_some_and(|text| text.contains(why)));
        assert!(found, "{step} on {host}: {why}\n{reasons:#?}");
        let others: Vec<&Value> = reasons.iter().filter(|reason| reason["host"] != host).collect();
        assert!(others.is_empty(), "{others:#?}");
    }

    fn ready(&self) {
        let (code, check) = self.document();
        assert_eq!(
            (code, &check["ready"], &check["symptom"]),
            (Some(0), &Value::from(true), &Value::from("absent")),
            "{check:#}"
        );
    }
}

/// What is foreseen for a step, by host: the word, and what it says.
fn of<'c>(check: &'c Value, step: &str) -> Vec<(&'c str, &'c Value)> {
    let all = check["foreseen"].as_array().expect("forecasts");
    let one = |one: &'c Value| (one["host"].as_str().unwrap_or(""), &one["foreseen"]);
    all.iter().filter(|one| one["step"] == step).map(one).collect()
}

#[test]
fn a_healthy_datacenter_is_ready_and_whatever_a_run_would_miss_is_named() {
    let strace_is_here =
        Command::new("strace").arg("-V").output().map(|_| ()).map_err(|error| format!("strace: {error}"));
    if !consul() || !crate::support::tier("strace", strace_is_here) {
        return;
    }
    let lab = TestLab::up(Spec::consul(5));
    let desk = Desk::at(&lab);
    let (runbook, inventory) = (project("runbooks/consul/quorum-loss.yaml"), desk.inventory());
    let night = Night { desk, runbook, inventory };

    // nothing is touched, seen from inside each host
    let hosts = ["consul-1", "consul-2", "consul-3", "consul-4", "consul-5"];
    let pictures = || hosts.map(|host| lab.say(host, PICTURE));
    let before = pictures();
    let traces: Vec<Trace> = hosts
        .iter()
        .map(|host| {
            let server = server(&lab, host);
            let file = night.desk.path(&format!("{host}.trace"));
            let mut words = strace(&file.display().to_string(), &server).into_iter();
            let mut command = Command::new(words.next().expect("strace"));
            command.args(words);
            Trace::of(command, &file)
        })
        .collect();
    let (code, check) = night.document();
    for (trace, host) in traces.into_iter().zip(hosts) {
        let found = trace.changes();
        assert!(found.is_empty(), "{host}: {found:#?}");
    }
    assert_eq!(pictures(), before);
    night.desk.nothing_is_left(&hosts);

    // ready, nothing to recover, and the very text for each survivor
    assert_eq!(
        (code, &check["ready"], &check["symptom"]),
        (Some(0), &Value::from(true), &Value::from("absent")),
        "{check:#}"
    );
    let mut peers: Vec<String> = Vec::new();
    for host in ["consul-1", "consul-2", "consul-3"] {
        let id = lab.say(host, "sudo -n cat /var/lib/consul/node-id");
        peers.push(format!(
            "{{ \"id\": \"{id}\", \"address\": \"10.66.0.1{}:8300\", \"non_voter\": false }}",
            &host[7..]
        ));
    }
    let wanted = format!("+[\n+  {}\n+]", peers.join(",\n+  "));
    let written = of(&check, "recover/peers");
    assert_eq!(
        written.iter().map(|(host, _)| *host).collect::<Vec<_>>(),
        ["consul-1", "consul-2", "consul-3"],
        "{check:#}"
    );
    for (host, forecast) in written {
        assert_eq!(forecast["forecast"], "would_change", "{host}: {forecast:#}");
        assert!(
            forecast["diff"].as_str().is_some_and(|diff| diff.ends_with(&wanted)),
            "{host}: {forecast:#}\n{wanted}"
        );
    }
    assert_eq!(of(&check, "lost-is-down")[0].1["step"], "fence-service", "{check:#}");
    let said = night.check(&["--now"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.out.contains("a leader still answers") || said.out.contains("no majority"), "{}", said.out);

    // one thing after the other is missing, is named, is mended
    lab.say("consul-3", "sudo -n sed -i 's/^ops/#ops/' /etc/sudoers");
    night.lacks("see", "consul-3", "sudo refused");
    fault(&lab, "run consul-3 sed -i s/^#ops/ops/ /etc/sudoers");
    night.ready();
    fault(&lab, "fill-disk consul-2 /var/lib");
    night.lacks("safe", "consul-2", "no room for the backup");
    fault(&lab, "free-disk consul-2 /var/lib");
    fault(&lab, "fill-disk consul-1 /home");
    night.lacks("recover/stop", "consul-1", "claims are kept there");
    fault(&lab, "free-disk consul-1 /home");
    fault(&lab, "run consul-2 mv /etc/sv/consul /etc/sv/other");
    night.lacks("recover/stop", "consul-2", "not known to the service manager");
    fault(&lab, "run consul-2 mv /etc/sv/other /etc/sv/consul");
    let known = lab.dir().join("known_hosts");
    let keys = std::fs::read_to_string(&known).expect("host keys");
    let other = |line: &str| line.split(' ').nth(2).expect("a key").to_owned();
    let of_host = |name: &str| keys.lines().find(|line| line.starts_with(name)).map(other).expect("a host");
    let swapped = keys.replace(&of_host("consul-3,"), &of_host("consul-4,"));
    std::fs::write(&known, swapped).expect("a file");
    night.lacks("see", "consul-3", "host key not accepted");
    std::fs::write(&known, &keys).expect("a file");
    night.ready();
}

/// The process of a host's sshd, as it is seen from outside.
fn server(lab: &TestLab, host: &str) -> String {
    let inside = lab.say(host, "sudo -n readlink /proc/$(pgrep -o sshd)/ns/mnt");
    let here = |pid: &i32| {
        let of = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
        let namespace = std::fs::read_link(format!("/proc/{pid}/ns/mnt"));
        of("comm").trim() == "sshd" && namespace.is_ok_and(|namespace| namespace.to_string_lossy() == inside)
    };
    let all = std::fs::read_dir("/proc").expect("processes").flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(here).min().expect("a server").to_string()
}

/// The digest of all that lies on a host's own file systems, but for what Consul itself and its log write all the time.
const PICTURE: &str = "sudo -n find / \\( -path /proc -o -path /sys -o -path /dev -o -path /usr -o -path /opt \
    -o -path /var/lib/consul -o -path /var/log -o -path /run \\) -prune -o \\( -printf '%p %y %m %U:%G %s %T@ %C@ %l\\n' \
    -type f -exec sha256sum {} \\; \\) | sort | sha256sum";
