//! Files in two phases: everywhere or nowhere, and the same everywhere when that is asked for.

use refloat::lab::Spec;

use super::desk::{Desk, fault};
use crate::support::lab::{TestLab, namespaces};

const HOSTS: [&str; 3] = ["node-1", "node-2", "node-3"];

const WRITE: &str = r#"
runbook: test/write
risk: reversible
vars: { word: { type: string, default: new } }
steps:
  - id: write
    hosts: nodes
    sudo: true
    file:
      path: /var/lib/app/peers.conf
      content: "{{vars.word}} {{vars.word}} {{vars.word}}"
      owner: ops
      mode: "0640"
      identical: true
"#;

/// The files of the folder with their content, owner, mode and inode: a file that was replaced has another one.
fn state(lab: &TestLab) -> Vec<String> {
    let look = "cd /var/lib/app && sudo -n find . -printf '%p %U %m %i %s\\n' | sort && sudo -n cat peers.conf";
    HOSTS.iter().map(|host| lab.say(host, look)).collect()
}

#[test]
fn a_file_comes_everywhere_or_nowhere() {
    if !namespaces() {
        return;
    }
    let lab = TestLab::up(Spec::numbered("node", 3, "nodes"));
    let desk = Desk::at(&lab);
    for host in HOSTS {
        lab.say(host, "sudo -n mkdir /var/lib/app && echo old | sudo -n tee /var/lib/app/peers.conf");
    }
    let (runbook, inventory) = (desk.write("write.yaml", WRITE), desk.inventory());
    let before = state(&lab);

    // the last host has no room: the others are staged already, and are as they were
    fault(&lab, "fill-disk node-3 /var/lib/app");
    let full = state(&lab);
    let ran = desk.run(&[&runbook, "-i", &inventory]);
    ran.ended(4, "write", "node-3: ");
    assert_eq!(ran.closed()["verdict"], "refused");
    assert_eq!(ran.began().len(), 3);
    assert_eq!(state(&lab), full);
    fault(&lab, "free-disk node-3 /var/lib/app");
    assert_eq!(state(&lab), before);
    desk.nothing_is_left(&HOSTS);

    // one host would get something else: refused before anything is staged
    let vars = "  node-2:\n    vars: { word: other }\n";
    let differing = std::fs::read_to_string(&inventory)
        .unwrap()
        .replace("  node-2:\n", vars)
        .replace("ssh_config: ssh_config", &format!("ssh_config: {}", lab.ssh_config_path().display()));
    let differing = desk.write("differing.yaml", &differing);
    let ran = desk.run(&[&runbook, "-i", &differing]);
    ran.ended(4, "write", "the content must be identical everywhere: node-1 would get");
    assert_eq!(ran.began(), Vec::<String>::new());
    assert_eq!(state(&lab), before);

    // and when nothing is in its way, all have it
    let ran = desk.run(&[&runbook, "-i", &inventory]);
    assert_eq!(ran.said.code, Some(0), "{:?}", ran.said);
    for host in HOSTS {
        let look = "sudo -n cat /var/lib/app/peers.conf; sudo -n stat -c ' %U %a' /var/lib/app/peers.conf";
        assert_eq!(lab.say(host, look), "new new new ops 640");
    }
    // a second run finds it done
    let before = state(&lab);
    let ran = desk.run(&[&runbook, "-i", &inventory]);
    assert!(ran.events("unit_ended").all(|unit| unit["outcome"] == "ok"), "{:#}", ran.report);
    assert_eq!(state(&lab), before);
    desk.nothing_is_left(&HOSTS);
}
