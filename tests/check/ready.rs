//! Whether a datacenter is ready, by the real program on a lab of real hosts: yes at night, no with each thing that a run
//! would miss, and yes again when it is mended. And that nothing is touched there.

use refloat::lab::Spec;
use serde_json::Value;

use super::touch::{PICTURE, strace_is_here, traced, untouched};
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
        self.is_ready(&Value::from("absent"));
    }

    fn is_ready(&self, symptom: &Value) {
        let (code, check) = self.document();
        assert_eq!((code, &check["ready"], &check["symptom"]), (Some(0), &Value::from(true), symptom), "{check:#}");
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
    if !consul() || !strace_is_here() {
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
    // one that is asked everything, and one that would be fenced: five at once are too slow for a busy machine
    let watched = ["consul-1", "consul-5"];
    let traces = traced(&lab, &night.desk.path(""), &watched);
    let (code, check) = night.document();
    untouched(traces, &watched);
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
    // what is not in the shipped runbook: a program, and a log, for a user who may not
    let other = "runbook: test/other\nrisk: reversible\nsteps:\n  - id: use\n    hosts: consul-2\n    undo: none\n    why: a test\n    \
        run: consul version && consul-extra\n    watch: { log: /var/log/consul/current, within: 5s, expect: [ { line: x } ] }\n";
    let other = Night {
        desk: Desk::at(&lab),
        runbook: night.desk.write("other.yaml", other),
        inventory: night.inventory.clone(),
    };
    other.is_ready(&Value::Null);
    fault(&lab, "run consul-2 chmod 700 /var/log/consul");
    other.lacks("use", "consul-2", "/var/log/consul/current cannot be looked at by ops");
    fault(&lab, "run consul-2 chmod 755 /var/log/consul");
    other.is_ready(&Value::Null);
    let text = std::fs::read_to_string(&other.runbook).expect("a file");
    std::fs::write(&other.runbook, text.replace("consul version && consul-extra", "consul-extra")).expect("a file");
    other.lacks("use", "consul-2", "there is no program consul-extra for ops");
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
