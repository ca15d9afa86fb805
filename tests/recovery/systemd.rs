//! The same recovery where systemd manages the services: `systemctl` and `journal:` for real.

use refloat::lab::{Class, Spec};

use super::desk::{Desk, api, eventually, fault, project};
use crate::support::lab::{TestLab, consul, systemd};

#[test]
fn the_data_is_there_again_where_systemd_manages_services() {
    if !(consul() && systemd()) {
        return;
    }
    let lab = TestLab::up(Spec { class: Class::Systemd, ..Spec::consul(3) });
    let desk = Desk::at(&lab);
    lab.say("consul-1", "consul kv put demo/old 'from before'");
    fault(&lab, "kill consul-2 consul keep-down");
    fault(&lab, "power-off consul-3");
    eventually("nobody leads", || api(&lab, "consul-1", "/v1/status/leader") == "");

    let (runbook, inventory) = (project("runbooks/consul/quorum-loss.yaml"), desk.inventory());
    let subject = [&runbook, "-i", &inventory, "-p", "lost=consul-[2:3]", "-p", "canary_key=demo/old"];
    let confirm = format!("dc1@{}", &desk.plan(&subject)[..8]);
    let ran = desk.run(&[&subject[..], &["--confirm", &confirm]].concat());
    assert_eq!(ran.said.code, Some(0), "{}\n{}", ran.said.out, ran.said.err);

    let acquired: Vec<_> =
        ran.events("log_matched").filter(|event| event["entry"] == "cluster leadership acquired").collect();
    assert_eq!(acquired.len(), 1, "{acquired:?}");
    assert_eq!(acquired[0]["log"], "journal:consul.service");
    let said = "journalctl -u consul -o cat | grep -c 'cluster leadership acquired' || :";
    assert!(lab.say("consul-1", said).parse::<u32>().unwrap() >= 1);
    assert_eq!(lab.say("consul-1", "consul kv get demo/old"), "from before");
    // fenced against a restart of its host as well
    assert_eq!(lab.try_say("consul-2", "systemctl is-enabled consul").1.trim(), "disabled");
    assert_eq!(lab.try_say("consul-2", "sudo -n ls /var/lib/consul").0, Some(2));
    desk.nothing_is_left(&["consul-1", "consul-2"]);
}
