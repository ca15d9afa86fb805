//! The shipped runbooks, checked to their ends: with exactly the unknowns that the language names, and nothing touched.
//! The rolling restart meets a real nginx and haproxy. etcd and its like are played by scripts that answer as healthy ones
//! do: what is proved here is what refloat makes of the answers.

use std::collections::BTreeSet;

use refloat::lab::{Kit, Spec, WEB_NEEDS, programs};
use serde_json::Value;

use super::touch::{PICTURE, strace_is_here, traced, untouched};
use crate::recovery::desk::{Desk, eventually, project};
use crate::support::lab::{TestLab, machine, namespaces};
use crate::support::tier;

/// What a check of a runbook says for programs.
fn check(desk: &Desk, inventory: &str, runbook: &str, more: &[&str]) -> Value {
    let runbook = project(runbook);
    let said = desk.refloat(&[&["check", "--output", "json", "-i", inventory, &runbook], more].concat());
    let document: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let check = document["checks"][0]["check"].clone();
    assert_eq!((said.code, &check["verdict"]), (Some(0), &Value::from("ready")), "{}\n{check:#}", said.err);
    check
}

/// Every step that is unknown, and until which.
fn unknown(check: &Value) -> BTreeSet<String> {
    let all = check["foreseen"].as_array().expect("forecasts").iter();
    let open = all.filter(|one| one["foreseen"]["forecast"] == "unknown_until");
    open.map(|one| format!("{} {}", one["step"], one["foreseen"]["step"]).replace('"', "")).collect()
}

fn of<'c>(check: &'c Value, step: &str) -> Vec<&'c Value> {
    let all = check["foreseen"].as_array().expect("forecasts").iter();
    all.filter(|one| one["step"] == step).map(|one| &one["foreseen"]).collect()
}

fn set(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|&one| one.to_owned()).collect()
}

#[test]
fn a_rolling_restart_is_known_but_for_what_each_restart_leads_to() {
    let missing = programs(&machine().path, WEB_NEEDS);
    if !strace_is_here()
        || !namespaces()
        || !tier("web", if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}")) })
    {
        return;
    }
    let lab = TestLab::up(Spec::of(Kit::Web, 3));
    let desk = Desk::at(&lab);
    let serves = "echo 'show servers state web' | socat stdio /run/haproxy/admin.sock | grep -c ' web-.* 2 0 '";
    eventually("all serve", || lab.try_say("lb-1", serves).1 == "3" && lab.try_say("lb-2", serves).1 == "3");
    let hosts = ["web-01", "web-02", "web-03", "lb-1", "lb-2"];
    let pictures = || hosts.map(|host| lab.say(host, PICTURE));
    let (before, traces) = (pictures(), traced(&lab, &desk.path(""), &hosts));
    let release = ["-p", "release=/srv/web/releases/2"];
    let check = check(&desk, &desk.inventory(), "runbooks/web/rolling-restart.yaml", &release);
    untouched(traces, &hosts);
    assert_eq!(pictures(), before);
    assert_eq!(unknown(&check), set(&["roll/idle drain", "roll/healthy restart", "all-up back"]), "{check:#}");
    let drain = of(&check, "roll/drain");
    assert_eq!(drain.len(), 6, "for each host on each balancer: {drain:#?}");
    assert_eq!(drain[0]["command"], "echo \"set server web/web-01 state drain\" | socat stdio /run/haproxy/admin.sock");
    for switch in of(&check, "roll/switch") {
        assert!(
            switch["diff"].as_str().is_some_and(|diff| diff.contains("/srv/web/releases/2, now releases/1")),
            "{switch:#}"
        );
    }
    assert_eq!((lab.say("lb-1", serves), lab.say("lb-2", serves)), ("3".to_owned(), "3".to_owned()));
}

/// Answers as healthy ones give them, by the number in the host's name.
const PLAYED: &str = r#"
mount -t tmpfs none /usr/local/sbin
cat >/usr/local/sbin/etcdctl <<'E'
#!/bin/sh
n=$(hostname | tr -dc 0-9)
case "$1 $2" in
"endpoint status") echo "[{\"Status\":{\"raftTerm\":4,\"raftIndex\":10$n}}]" ;;
"endpoint health") echo healthy ;;
"member list") echo '{"members":[{"name":"db-1"},{"name":"db-2"},{"name":"db-3"}]}' ;;
*) exit 1 ;;
esac
E
cat >/usr/local/sbin/psql <<'E'
#!/bin/sh
n=$(hostname | tr -dc 0-9)
case "$*" in
*json_build_object*) echo "{\"timeline\": 3, \"received\": 50$n}" ;;
*"select pg_is_in_recovery()"*) [ "$n" = 1 ] && echo f || echo t ;;
*pg_stat_wal_receiver*) echo streaming ;;
*) exit 1 ;;
esac
E
chmod 755 /usr/local/sbin/etcdctl /usr/local/sbin/psql
for user in etcd:2001 postgres:2002; do
  name=${user%:*}
  sed -i "/^$name:/d" /etc/passwd
  echo "$name:x:${user#*:}:${user#*:}::/home/$name:/bin/sh" >>/etc/passwd
  mkdir -p /home/$name /var/lib/$name
  chown ${user#*:} /home/$name /var/lib/$name
done
mkdir -p /var/lib/etcd/default /etc/default
echo here >/var/lib/postgres/log
chown -R 2001 /var/lib/etcd
chown 2002 /var/lib/postgres/log
for name in etcd postgresql; do
  mkdir -p /etc/sv/$name
  printf '#!/bin/sh\nexec sleep 100000\n' >/etc/sv/$name/run
  chmod 755 /etc/sv/$name/run
  ln -sfn ../sv/$name /etc/service/$name
done
"#;

#[test]
fn etcd_and_postgresql_are_known_but_for_what_their_own_steps_bring() {
    if !strace_is_here() || !namespaces() {
        return;
    }
    let lab = TestLab::up(Spec::numbered("db", 3, "databases"));
    let desk = Desk::at(&lab);
    let hosts = ["db-1", "db-2", "db-3"];
    for host in hosts {
        lab.say(host, &format!("sudo -n sh -ec '{}'", PLAYED.replace('\'', r"'\''")));
        let up = "sudo -n sv status etcd postgresql";
        eventually("the services run", || lab.try_say(host, up).1.matches("run: ").count() == 2);
    }
    let inventory = std::fs::read_to_string(lab.inventory_path()).expect("an inventory");
    let config = lab.dir().join("ssh_config");
    let inventory = inventory.replace("ssh_config: ssh_config", &format!("ssh_config: {}", config.display()));
    let all = "hosts: [ db-1, db-2, db-3 ]";
    let log = "vars: { pg_log: /var/lib/postgres/log }";
    let groups = format!("  etcd: {{ {all} }}\n  postgres: {{ {all}, {log} }}\n");
    let inventory = desk.write("inventory.yaml", &format!("{inventory}{groups}"));

    let pictures = || hosts.map(|host| lab.say(host, PICTURE));
    let (before, traces) = (pictures(), traced(&lab, &desk.path(""), &hosts));
    let etcd = check(&desk, &inventory, "runbooks/etcd/quorum-loss-restore.yaml", &[]);
    assert_eq!(etcd["symptom"], "absent");
    let wanted = [
        "keep save",
        "restore/seed-healthy start-seed",
        "rejoin/config member-add",
        "rejoin/healthy start",
        "whole member-add",
    ];
    assert_eq!(unknown(&etcd), set(&wanted), "{etcd:#}");
    // the chosen seed is the newest, and its restore is known as a whole
    let restore = of(&etcd, "restore/unpack");
    let command = restore[0]["command"].as_str().expect("a command");
    assert!(command.contains("--initial-cluster db-3=http://"), "{command}");
    // of the joining members' texts one value is a hole
    for config in of(&etcd, "rejoin/config") {
        let text = config["reason"].as_str().expect("a difference");
        assert_eq!(text.matches("⟨unknown until member-add⟩").count(), 1, "{text}");
        assert_eq!(text.matches('⟨').count(), 1, "{text}");
        assert!(text.contains("ETCD_INITIAL_CLUSTER_STATE=\"existing\""), "{text}");
    }

    let postgres = check(&desk, &inventory, "runbooks/postgres/failover.yaml", &["-p", "primary=db-1"]);
    untouched(traces, &hosts);
    assert_eq!(pictures(), before);
    assert_eq!(postgres["symptom"], "present", "{postgres:#}");
    let wanted = ["fenced fence", "follow/streaming repoint", "writable slot"];
    assert_eq!(unknown(&postgres), set(&wanted), "{postgres:#}");
    let message = of(&postgres, "agree")[0]["message"].as_str().expect("a question");
    assert!(message.starts_with("Promote db-3 at 503."), "{message}");
    let command = of(&postgres, "follow/repoint")[0]["command"].as_str().expect("a command");
    assert!(command.contains("user=replicator application_name=db_2"), "{command}");
    desk.nothing_is_left(&hosts);
}
