//! The shipped recovery of a lost quorum where ACLs and TLS are on. Other kinds of Consul are drilled: `drill::project`.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use refloat::lab::{Kit, Spec};

use super::desk::{Desk, Ran, eventually, fault, project};
use super::secret::{kept, nowhere, said};
use crate::support::lab::{TestLab, consul};

/// A lab of three servers of a kit, of which two are lost, with a key from before.
fn broken(kit: &str) -> TestLab {
    let lab = TestLab::up(Spec::of(kit.parse::<Kit>().expect("a kit"), 3));
    lab.say("consul-1", "consul-admin kv put demo/old 'from before'");
    fault(&lab, "kill consul-2 consul keep-down");
    fault(&lab, "kill consul-3 consul keep-down");
    let leader = "consul-admin info | sed -n 's/.*leader_addr = //p'";
    eventually("nobody leads", || lab.try_say("consul-1", leader) == (Some(0), String::new()));
    lab
}

/// Recovers by the shipped runbook; the data is there and the survivor leads alone, with the id that is expected.
fn recovered(lab: &TestLab, desk: &Desk<'_>, params: &[&str], id: &str) -> Ran {
    let (runbook, inventory) = (project("runbooks/consul/quorum-loss.yaml"), desk.inventory());
    let subject = [&runbook, "-i", &inventory, "-p", "lost=consul-[2:3]", "-p", "canary_key=demo/old"];
    let subject = [&subject[..], params].concat();
    let confirm = format!("dc1@{}", &desk.plan(&subject)[..8]);
    let ran = desk.run(&[&subject[..], &["--confirm", &confirm]].concat());
    assert_eq!(ran.said.code, Some(0), "{}\n{}", ran.said.out, ran.said.err);
    assert_eq!(ran.closed()["verdict"], "recovered");
    assert_eq!(ran.closed()["outputs"]["leader"], "10.66.0.11:8300");
    assert_eq!(lab.say("consul-1", "consul-admin kv get demo/old"), "from before");
    let peers = lab.say("consul-1", "consul-admin operator raft list-peers | tail -n +2");
    let words: Vec<&str> = peers.split_whitespace().collect();
    assert_eq!(words[..5], ["consul-1", id, "10.66.0.11:8300", "leader", "true"], "{peers}");
    desk.nothing_is_left(&["consul-1", "consul-2", "consul-3"]);
    ran
}

fn node_id(lab: &TestLab) -> String {
    lab.say("consul-1", "sudo -n cat /var/lib/consul/node-id")
}

/// Asks the API, trusting what the param says.
const ASK: &str = r#"
runbook: test/ask
risk: read-only
params: { ca: { type: path, optional: true } }
steps:
  - id: ask
    hosts: consul-1
    require:
      - http: { url: "https://localhost:8501/v1/status/leader", ca: "{{params.ca}}" }
"#;

#[test]
fn a_datacenter_that_trusts_nobody_is_recovered_and_its_token_stands_nowhere() {
    if !consul() {
        return;
    }
    let lab = broken("consul-secure");
    let (name, token) = lab.env().expect("variables").pop().expect("the token");
    let outside = Desk::at(&lab);

    // what is trusted is a file on the host, and it is said why a server is not
    let ask = outside.write("ask.yaml", ASK);
    let other = include_str!("../fixtures/tls/other.pem");
    lab.say("consul-1", &format!("cat >/home/ops/other.pem <<'END'\n{other}END"));
    for (ca, words) in [
        (None, "name a file of them there with `ca`"),
        (Some("ca=/etc/nowhere.pem"), "/etc/nowhere.pem: No such file"),
        (Some("ca=/home/ops/other.pem"), "no authority in /home/ops/other.pem has signed its certificate"),
    ] {
        let params: Vec<&str> = ca.into_iter().flat_map(|ca| ["-p", ca]).collect();
        let ran = outside.run(&[&[&*ask, "-i", &outside.inventory()], &params[..]].concat());
        assert_eq!(ran.said.code, Some(4), "{ran:?}");
        assert!(ran.closed()["reason"].as_str().expect("a reason").contains(words), "{:#}", ran.closed());
    }
    let trusted = outside.run(&[&ask, "-i", &outside.inventory(), "-p", "ca=/etc/consul.d/ca.pem"]);
    assert_eq!(trusted.said.code, Some(0), "{trusted:?}");

    // who has no token, or another's authority, learns nothing but what to look at, and nothing is done
    let (runbook, inventory) = (project("runbooks/consul/quorum-loss.yaml"), outside.inventory());
    let subject = [&*runbook, "-i", &inventory, "-p", "lost=consul-[2:3]", "-p", "canary_key=demo/old"];
    let look_at = "check `token` (CONSUL_HTTP_TOKEN), `ca` and `http_addr`";
    let confirm = format!("dc1@{}", &outside.plan(&subject)[..8]);
    outside.run(&[&subject[..], &["--confirm", &confirm]].concat()).ended(4, "safe", look_at);
    let text = std::fs::read_to_string(&inventory).expect("the inventory");
    assert!(text.contains("/etc/consul.d/ca.pem"), "{text}");
    let config = lab.ssh_config_path().display().to_string();
    let text = text.replace("ssh_config: ssh_config", &format!("ssh_config: {config}"));
    let other = outside.write("other.yaml", &text.replace("/etc/consul.d/ca.pem", "/home/ops/other.pem"));
    let wrong = Desk::at(&lab).env(name, &token);
    let astray = [&*runbook, "-i", &other, "-p", "lost=consul-[2:3]", "-p", "canary_key=demo/old"];
    let confirm = format!("dc1@{}", &wrong.plan(&astray)[..8]);
    wrong.run(&[&astray[..], &["--confirm", &confirm]].concat()).ended(4, "safe", look_at);

    let desk = Desk::at(&lab).env(name, &token);
    let (over, ended) = channel::<()>();
    let seen = std::thread::scope(|scope| {
        let token = &token;
        let looker = scope.spawn(move || {
            let mut seen = 0;
            while ended.recv_timeout(Duration::from_millis(10)) == Err(RecvTimeoutError::Timeout) {
                seen += command_lines(token);
            }
            seen
        });
        let ran = recovered(&lab, &desk, &[], &node_id(&lab));
        said(token, "the run", &ran.said);
        drop(over);
        looker.join().expect("the looker")
    });
    assert!(seen > 0);
    for format in ["text", "markdown", "json"] {
        said(&token, format, &desk.refloat(&["report", "--format", format]));
    }
    said(&token, "the plan", &desk.refloat(&[&["plan", "--output", "json"], &subject[..]].concat()));
    assert!(kept(&token, &desk.path("state")) > 4);
    // Consul's own configuration and data hold it, and nothing else on a host
    for host in ["consul-1", "consul-2"] {
        let find = "sudo -n find / \\( -path /proc -o -path /usr -o -path /sys -o -path /dev -o -path /etc/consul.d -o -path '/var/lib/consul*' \\) \
                    -prune -o -type f -exec grep -laF -f /etc/consul.d/token {} +";
        assert_eq!(lab.try_say(host, find).1, "", "{host}");
    }
}

/// Looks at the command lines of all processes, those of the lab's hosts among them.
fn command_lines(token: &str) -> usize {
    let lines = std::fs::read_dir("/proc")
        .expect("processes")
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok());
    lines.filter(|line| !line.is_empty()).inspect(|line| nowhere(token, "a command line", line)).count()
}
