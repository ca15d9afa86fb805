//! `on_failure: undo`: a failed run leaves the hosts as they were; and what it cannot put back it says.

use refloat::lab::Spec;

use super::desk::{Desk, Ran, eventually};
use crate::support::lab::{TestLab, namespaces};

const HOSTS: [&str; 3] = ["node-1", "node-2", "node-3"];

/// A group that does something of each kind, and then breaks where there is a file.
fn runbook(group: &str, last: &str) -> String {
    format!(
        r#"
runbook: test/undo
risk: reversible
steps:
  - id: switch
    sudo: true
{group}
    steps:
      - {{ id: stop, hosts: nodes, service: {{ name: app, state: stopped, enabled: false }} }}
      - {{ id: conf, hosts: nodes, file: {{ path: /etc/app/app.conf, content: "new {{{{host.name}}}}", mode: "0600" }} }}
      - {{ id: gone, hosts: nodes, file: {{ path: /etc/app/old.conf, state: absent }} }}
      - {{ id: shift, hosts: nodes, move: {{ from: /etc/app/data, to: /etc/app/data.old }} }}
      - {{ id: link, hosts: nodes, link: {{ path: /etc/app/link, to: there }} }}
      - {{ id: new-link, hosts: nodes, link: {{ path: /etc/app/new-link, to: there }} }}
      - {{ id: folder, hosts: nodes, directory: {{ path: /etc/app/folder, mode: "0700", owner: ops }} }}
      - {{ id: new-folder, hosts: nodes, directory: {{ path: /etc/app/new, mode: "0711" }} }}
      - {{ id: no-folder, hosts: nodes, directory: {{ path: /etc/app/empty, state: absent }} }}
      - {{ id: there, hosts: nodes, service: {{ name: app, enabled: false }} }}
      - id: mark
        hosts: nodes
        run: echo {{{{host.name}}}} >>/etc/app/mark
        undo:
          - run: rm /etc/app/mark
          - run: echo undone >>/var/tmp/undone
          - wait: {{ within: 5s, until: {{ read: /var/tmp/undone }} }}
      - id: last
        why: it only breaks
        hosts: nodes
        run: {last}
        undo: none
"#
    )
}

/// Everything that the runbook touches.
fn state(lab: &TestLab, host: &str) -> String {
    let look = "sudo -n find /etc/app -printf '%p %y %U %m %s %l\\n' | sort; sudo -n grep -r . /etc/app | sort
        sudo -n sv status /etc/service/app | sed 's/ (pid.*//; s/ [0-9]*s//'; ls /etc/service/app/down 2>/dev/null || :";
    lab.say(host, look)
}

fn prepare(lab: &TestLab) {
    for host in HOSTS {
        let conf = if host == "node-3" { "" } else { "echo old >/etc/app/app.conf; chmod 640 /etc/app/app.conf" };
        lab.say(
            host,
            &format!(
                "sudo -n bash -ec 'mkdir -p /etc/app/data /etc/service/app; mkdir -m 750 /etc/app/folder /etc/app/empty; ln -s here /etc/app/link; echo x >/etc/app/data/x; echo old >/etc/app/old.conf
                chown ops /etc/app/old.conf; chmod 604 /etc/app/old.conf; {conf}
                printf \"#!/bin/sh\\nexec sleep 1000000\\n\" >/etc/service/app/run; chmod 755 /etc/service/app/run'"
            ),
        );
    }
    for host in HOSTS {
        eventually("the service runs", || {
            lab.try_say(host, "sudo -n sv status /etc/service/app").1.starts_with("run:")
        });
    }
}

/// A list of the report, as `step host`.
fn rows(ran: &Ran, section: &str) -> Vec<String> {
    let rows = ran.report[section].as_array().expect("a list").iter();
    rows.map(|row| format!("{} {}", row["step"].as_str().unwrap(), row["host"].as_str().unwrap())).collect()
}

#[test]
fn a_group_that_failed_is_put_back_newest_first_and_nothing_is_left() {
    if !namespaces() {
        return;
    }
    let lab = TestLab::up(Spec::numbered("node", 3, "nodes"));
    let desk = Desk::at(&lab);
    prepare(&lab);
    let inventory = desk.inventory();
    let before = HOSTS.map(|host| state(&lab, host));
    lab.say("node-2", "touch /var/tmp/broken");
    let breaks = "test ! -e /var/tmp/broken";

    // all of it, on all hosts, since the group is not about hosts
    let text = runbook("    on_failure: undo", breaks);
    let whole = desk.write("whole.yaml", &text);
    let ran = desk.run(&[&whole, "-i", &inventory]);
    ran.ended(1, "switch/last", "node-2: exit 1");
    assert_eq!(HOSTS.map(|host| state(&lab, host)), before);
    assert_eq!(ran.closed()["verdict"], "failed");
    let of_all = |steps: &[&str]| -> Vec<String> {
        steps.iter().flat_map(|step| HOSTS.map(|host| format!("switch/{step} {host}"))).collect()
    };
    let mut undone = rows(&ran, "undone");
    // the two commands of a list are two units
    undone.dedup();
    assert_eq!(
        undone.iter().map(|row| row.split(' ').next().unwrap()).fold(Vec::new(), |mut steps: Vec<&str>, step| {
            if steps.last() != Some(&step) {
                steps.push(step);
            }
            steps
        }),
        [
            "switch/mark",
            "switch/no-folder",
            "switch/new-folder",
            "switch/folder",
            "switch/new-link",
            "switch/link",
            "switch/shift",
            "switch/gone",
            "switch/conf",
            "switch/stop"
        ]
    );
    assert_eq!(
        rows(&ran, "done"),
        of_all(&["there"])
            .into_iter()
            .chain(["switch/last node-1".to_owned(), "switch/last node-3".to_owned()])
            .collect::<Vec<_>>()
    );
    assert_eq!(rows(&ran, "failed"), ["switch/last node-2"]);
    assert_eq!(rows(&ran, "may_have_run"), Vec::<String>::new());
    for host in HOSTS {
        assert_eq!(lab.say(host, "cat /var/tmp/undone"), "undone", "{host}: the author's undo ran once");
    }
    let shown = desk.refloat(&["report"]);
    assert!(shown.out.contains("\nundone\n") && shown.out.contains("stands: `undo: none` says so"), "{}", shown.out);
    desk.nothing_is_left(&HOSTS);

    // only where it failed, since the group is about hosts
    lab.say("node-2", "sudo -n rm /var/tmp/undone");
    let some = desk.write("some.yaml", &runbook("    hosts: nodes\n    on_failure: undo", breaks));
    let ran = desk.run(&[&some, "-i", &inventory]);
    ran.ended(1, "switch/last", "node-2: exit 1");
    assert_eq!(state(&lab, "node-2"), before[1]);
    for (host, before) in [("node-1", &before[0]), ("node-3", &before[2])] {
        let after = state(&lab, host);
        assert!(after != *before && after.contains(&format!("new {host}")), "{after}");
    }
    assert!(rows(&ran, "undone").iter().all(|row| row.ends_with(" node-2")), "{:?}", rows(&ran, "undone"));
    desk.nothing_is_left(&HOSTS);

    // mended, it goes through, and nothing is undone
    lab.say("node-2", "rm /var/tmp/broken");
    let ran = desk.run(&[&whole, "-i", &inventory]);
    assert_eq!(ran.said.code, Some(0), "{:?}", ran.said);
    assert_eq!(rows(&ran, "undone"), Vec::<String>::new());
    desk.nothing_is_left(&HOSTS);
}

#[test]
fn what_cannot_be_put_back_is_told_with_what_to_do_by_hand() {
    if !namespaces() {
        return;
    }
    let lab = TestLab::up(Spec::numbered("node", 3, "nodes"));
    let desk = Desk::at(&lab);
    prepare(&lab);
    let inventory = desk.inventory();
    let before = HOSTS.map(|host| state(&lab, host));
    lab.say("node-2", "touch /var/tmp/broken");
    // somebody else writes the file before it is put back
    let breaks = "test ! -e /var/tmp/broken || { echo other >/etc/app/app.conf; exit 7; }";
    let text = runbook("    on_failure: undo", &format!("\"{breaks}\""));
    let ran = desk.run(&[&desk.write("other.yaml", &text), "-i", &inventory]);
    ran.ended(5, "switch/last", "not everything could be put back: node-2: switch/conf: ");
    assert_eq!(ran.closed()["verdict"], "needs_attention");
    assert_eq!(state(&lab, "node-1"), before[0]);
    assert_eq!(state(&lab, "node-3"), before[2]);
    assert_eq!(lab.say("node-2", "sudo -n cat /etc/app/app.conf"), "other", "it is not written over");
    let next: Vec<&str> = ran.closed()["next"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let [head, conf, stop] = next[..] else { panic!("{next:?}") };
    assert!(head.contains("by hand"), "{next:?}");
    assert!(conf.contains("on node-2: put ") && conf.ends_with("(switch/conf)"), "{next:?}");
    assert!(stop.contains("on node-2: start the service app, it ran before"), "{next:?}");
    assert!(rows(&ran, "failed").contains(&"switch/conf (undo) node-2".to_owned()), "{:#}", ran.report["failed"]);

    // done by hand as it says
    let run = ran.report["run"].as_str().unwrap();
    let key = conf.split(".kept/was").next().unwrap().rsplit('/').next().unwrap();
    let kept = lab.say("node-2", &format!("sudo -n find / -path '*/.refloat/{run}/{key}.kept/was'"));
    lab.say("node-2", &format!("sudo -n mv -f {kept} /etc/app/app.conf; sudo -n rm /etc/service/app/down"));
    lab.say("node-2", "sudo -n sv -w 20 start /etc/service/app");
    assert_eq!(state(&lab, "node-2"), before[1]);
}

const GOES_ON: &str = "
runbook: test/goes-on
risk: reversible
on_failure: undo
steps:
  - { id: first, hosts: nodes, file: { path: /var/tmp/first, content: x } }
  - { id: tries, hosts: nodes, on_failure: continue, run: exit 3, undo: none, why: it does nothing }
  - { id: second, hosts: nodes, file: { path: /var/tmp/second, content: x } }
";

#[test]
fn a_step_may_fail_without_stopping_the_run_and_the_run_may_be_put_back_as_a_whole() {
    if !namespaces() {
        return;
    }
    let lab = TestLab::up(Spec::numbered("node", 1, "nodes"));
    let desk = Desk::at(&lab);
    let inventory = desk.inventory();
    let there = || lab.say("node-1", "ls /var/tmp");
    // files in a folder that everybody can write are refused unless it is trusted
    let text = GOES_ON.replace("content: x", "content: x, follow: true");
    let ran = desk.run(&[&desk.write("undo.yaml", &text), "-i", &inventory]);
    ran.ended(1, "tries", "this failed on the way: node-1: exit 3");
    assert_eq!(there(), "", "the run as a whole is put back");
    assert_eq!(rows(&ran, "undone"), ["second node-1", "first node-1"]);

    let text = text.replace("on_failure: undo\n", "");
    let ran = desk.run(&[&desk.write("stop.yaml", &text), "-i", &inventory]);
    ran.ended(1, "tries", "this failed on the way: node-1: exit 3");
    assert_eq!(there(), "first\nsecond");
    desk.nothing_is_left(&["node-1"]);
}
