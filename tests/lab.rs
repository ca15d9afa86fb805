//! The lab, for real: hosts are hosts, faults are faults, and nothing stays behind.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use refloat::lab::{Class, Fault, Kit, Lab, LabError, Mode, Spec};

use crate::support::lab::{TestLab, consul, consul_program, machine, namespaces, sshd, systemd};

/// nobody: ssh wants its user to have a name
const ORDINARY: &str = "65534";

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn bare(n: u16) -> Spec {
    Spec::numbered("node", n, "nodes")
}

fn fault(lab: &Lab, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    lab.fault(&Fault::parse(&words).unwrap()).unwrap_or_else(|e| panic!("{line}: {e}"));
}

/// Waits for a condition; the deadline is generous, since the machine may be busy.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}: not within 30 s");
        std::thread::yield_now();
    }
}

/// Whether a host can open a connection to another one's sshd.
fn reaches(lab: &TestLab, from: &str, to: &str) -> bool {
    lab.try_say(from, &format!("timeout 3 bash -c 'exec 3<>/dev/tcp/{to}/22'")).0 == Some(0)
}

fn hosts_are_hosts(lab: &TestLab) {
    for (name, address) in [("node-1", "10.66.0.11"), ("node-2", "10.66.0.12")] {
        assert_eq!(lab.say(name, "hostname"), name);
        assert_eq!(lab.say(name, "whoami"), "ops");
        assert!(lab.say(name, "ip -4 -brief address show eth0").contains(address));
        assert!(lab.say(name, &format!("mkdir -p ~/own; touch ~/own/{name}; ls ~/own")) == name, "own files");
        let (code, text) = lab.try_say(name, "sudo -n touch /usr/refloat-was-here");
        assert_ne!(code, Some(0), "/usr is writable");
        assert!(text.contains("Read-only file system") || text.contains("Permission denied"), "{text}");
        assert!(lab.say(name, "cat /proc/1/cmdline | tr '\\0' ' '").contains("/opt/lab/init"), "own process tree");
        assert_eq!(lab.say(name, "sudo -n test -e /etc/refloat-drill && sudo -n -u consul -- echo fine"), "fine");
        let (code, _) = lab.try_say(name, "sudo -n bash -c 'echo 1 > /proc/sys/vm/swappiness'");
        assert_ne!(code, Some(0), "the machine's sysctls are writable");
    }
    assert_ne!(lab.say("node-1", "cat /etc/ssh/host_key.pub"), lab.say("node-2", "cat /etc/ssh/host_key.pub"));
    assert!(reaches(lab, "node-1", "node-2"), "names resolve and hosts reach each other");
    let by_address = lab.ssh("node-1").map(|mut words| {
        "10.66.0.11".clone_into(words.last_mut().unwrap());
        Command::new(&words[0]).args(&words[1..]).arg("hostname").output().unwrap().stdout
    });
    assert_eq!(by_address.unwrap(), b"node-1\n");
}

#[test]
fn hosts_have_their_own_name_address_files_and_processes() {
    if !namespaces() {
        return;
    }
    let lab = TestLab::up(bare(2));
    hosts_are_hosts(&lab);
    if lab.mode() == Mode::Root {
        assert_eq!(lab.say("node-1", "sudo -n id -un; sudo -n -u consul id -un"), "root\nconsul");
        assert_eq!(lab.say("node-1", "stat -c %U ~; sudo -n stat -c %U /etc/shadow"), "ops\nroot");
    }
}

/// The part of the next test that runs as somebody else.
#[test]
#[ignore = "started by the_same_for_an_ordinary_user"]
fn as_an_ordinary_user() {
    assert!(!is_root());
    let lab = TestLab::up(bare(2));
    assert_eq!(lab.mode(), Mode::User);
    hosts_are_hosts(&lab);
    lab.say("node-1", "sudo -n chown consul:consul ~ && echo kept > /var/lib/file");
    fault(&lab, "power-off node-1");
    fault(&lab, "power-on node-1");
    fault(&lab, "fill-disk node-1 /var/lib");
    assert!(lab.try_say("node-1", "echo more > /var/lib/more").1.contains("No space left"));
    assert_eq!(lab.say("node-1", "cat /var/lib/file"), "kept");
    fault(&lab, "partition node-1 / node-2");
    assert!(!reaches(&lab, "node-1", "node-2"));
    let traces = Traces::of(&lab);
    drop(lab);
    traces.are_gone();
    if std::env::var_os("REFLOAT_CONSUL").is_some() {
        let lab = TestLab::up(Spec::consul(3));
        assert_eq!(lab.say("consul-1", "consul operator raft list-peers").matches("true").count(), 3);
    }
}

#[test]
fn the_same_for_an_ordinary_user() {
    if !namespaces() {
        return;
    }
    let this = std::env::current_exe().unwrap();
    let inner = ["--exact", "lab::as_an_ordinary_user", "--ignored", "--nocapture"];
    if !is_root() {
        let output = Command::new(this).args(inner).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    // root becomes someone without rights, in a folder of their own
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let test = folder.path().join("test");
    fs::copy(this, &test).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", ORDINARY, "--regid", ORDINARY, "--clear-groups"]).arg(test).args(inner);
    command.current_dir(folder.path()).env("HOME", folder.path()).env("TMPDIR", folder.path());
    if consul() {
        let program = folder.path().join("consul");
        fs::copy(consul_program().unwrap(), &program).unwrap();
        command.env("REFLOAT_CONSUL", program);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn two_labs_with_the_same_addresses_do_not_see_each_other() {
    if !namespaces() {
        return;
    }
    let (one, two) = (TestLab::up(bare(1)), TestLab::up(bare(1)));
    one.say("node-1", "echo one > ~/which");
    two.say("node-1", "echo two > ~/which");
    assert_eq!(one.hosts(), two.hosts());
    assert_eq!((one.say("node-1", "cat ~/which"), two.say("node-1", "cat ~/which")), ("one".into(), "two".into()));
    drop(one);
    assert_eq!(two.say("node-1", "cat ~/which"), "two");
}

/// What could stay behind of a lab.
struct Traces {
    folder: String,
    networks: BTreeSet<String>,
    interfaces: Vec<String>,
}

impl Traces {
    fn of(lab: &Lab) -> Self {
        let outer = lab.outer_pid().unwrap();
        let mut family = BTreeSet::from([outer]);
        // children have later numbers or not: go on until no more are found
        loop {
            let known = family.len();
            let children = processes().into_iter().filter(|&pid| parent(pid).is_some_and(|p| family.contains(&p)));
            family.extend(children.collect::<Vec<_>>());
            if family.len() == known {
                break;
            }
        }
        let networks: BTreeSet<String> = family.iter().filter_map(|&pid| network(pid)).collect();
        assert!(networks.len() > lab.hosts().len(), "a network per host and one for the lab: {networks:?}");
        Self { folder: lab.dir().display().to_string(), networks, interfaces: interfaces() }
    }

    fn are_gone(&self) {
        eventually("the end of the lab's processes", || {
            !processes().into_iter().filter_map(network).any(|n| self.networks.contains(&n))
        });
        assert!(!fs::read_to_string("/proc/self/mountinfo").unwrap().contains(&self.folder));
        assert_eq!(interfaces(), self.interfaces);
    }
}

fn processes() -> Vec<u32> {
    fs::read_dir("/proc").unwrap().filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok()).collect()
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.split_ascii_whitespace().nth(1)?.parse().ok()
}

fn network(pid: u32) -> Option<String> {
    fs::read_link(format!("/proc/{pid}/ns/net")).ok().map(|l| l.display().to_string())
}

fn interfaces() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir("/sys/class/net")
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn down_leaves_nothing() {
    if !namespaces() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    let lab = Lab::up(&dir, bare(2), &machine(), &mut |_| {}).unwrap();
    let traces = Traces::of(&lab);
    assert!(matches!(Lab::up(&dir, bare(1), &machine(), &mut |_| {}), Err(LabError::AlreadyUp { .. })));
    lab.down().unwrap();
    traces.are_gone();
    assert!(!dir.exists());
    assert!(matches!(Lab::open(&dir), Err(LabError::NotUp { .. })));
}

#[test]
fn one_kill_takes_everything_away_and_the_folder_can_be_used_again() {
    if !namespaces() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    let lab = Lab::up(&dir, bare(2), &machine(), &mut |_| {}).unwrap();
    let traces = Traces::of(&lab);
    let outer = lab.outer_pid().unwrap().to_string();
    assert!(Command::new("kill").args(["-KILL", &outer]).status().unwrap().success());
    traces.are_gone();
    assert!(matches!(Lab::open(&dir), Err(LabError::NotUp { .. })));
    Lab::up(&dir, bare(1), &machine(), &mut |_| {}).unwrap().down().unwrap();
    assert!(!dir.exists());
}

#[test]
fn a_folder_with_other_things_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis"), "years of work").unwrap();
    if sshd() {
        let spec = Spec { mode: Some(Mode::Loopback), ..bare(1) };
        let refused = Lab::up(folder.path(), spec, &machine(), &mut |_| {});
        assert!(matches!(refused, Err(LabError::NotALab { .. })), "{refused:?}");
    }
    assert!(matches!(Lab::remove(folder.path()), Err(LabError::NotUp { .. })));
    assert!(folder.path().join("thesis").exists());
}

#[test]
fn a_power_off_ends_all_and_keeps_the_disk() {
    if !namespaces() {
        return;
    }
    let lab = TestLab::up(bare(2));
    lab.say("node-1", "echo kept > ~/file; echo kept | sudo -n tee /var/lib/file; echo gone > /tmp/file");
    fault(&lab, "power-off node-1");
    assert!(!reaches(&lab, "node-2", "node-1"));
    assert_eq!(lab.try_say("node-1", "true").0, Some(255));
    let kill = Fault::parse(&["kill", "node-1", "sshd"]).unwrap();
    assert!(matches!(lab.fault(&kill), Err(LabError::NoPower { .. })));
    fault(&lab, "power-on node-1");
    assert_eq!(lab.say("node-1", "cat ~/file; sudo -n cat /var/lib/file; ls /tmp"), "kept\nkept");
    assert!(reaches(&lab, "node-2", "node-1"));
    let again = Fault::parse(&["power-on", "node-1"]).unwrap();
    assert!(lab.fault(&again).unwrap_err().to_string().contains("has power already"));
}

#[test]
fn links_and_partitions() {
    if !namespaces() {
        return;
    }
    let lab = TestLab::up(bare(3));
    fault(&lab, "partition node-1 / node-2 node-3");
    assert!(!reaches(&lab, "node-1", "node-2"));
    assert!(!reaches(&lab, "node-3", "node-1"));
    assert!(reaches(&lab, "node-2", "node-3"));
    fault(&lab, "heal");
    assert!(reaches(&lab, "node-1", "node-2"));
    fault(&lab, "cut-link node-3");
    assert!(!reaches(&lab, "node-1", "node-3"));
    fault(&lab, "mend-link node-3");
    eventually("the link is up", || reaches(&lab, "node-1", "node-3"));
    let stranger = Fault::parse(&["cut-link", "node-9"]).unwrap();
    assert!(lab.fault(&stranger).unwrap_err().to_string().contains("node-1, node-2, node-3"));
}

#[test]
fn a_full_disk_is_full() {
    if !namespaces() {
        return;
    }
    let lab = TestLab::up(bare(1));
    let peers = "/var/lib/raft/peers.json";
    lab.say("node-1", &format!("sudo -n mkdir /var/lib/raft; echo old | sudo -n tee {peers}"));
    fault(&lab, &format!("fill-disk node-1 {peers}"));
    let (code, text) = lab.try_say("node-1", &format!("echo new | sudo -n tee {peers}.new"));
    assert!(code != Some(0) && text.contains("No space left on device"), "{text}");
    assert_eq!(lab.say("node-1", &format!("sudo -n cat {peers}; echo x > ~/elsewhere; cat ~/elsewhere")), "old\nx");
    fault(&lab, &format!("free-disk node-1 {peers}"));
    lab.say("node-1", &format!("echo new | sudo -n tee {peers}.new"));
    // an empty disk can be full too
    fault(&lab, "free-disk node-1 /var/lib");
    lab.say("node-1", "sudo -n rm -r /var/lib/raft");
    fault(&lab, "fill-disk node-1 /var/lib");
    assert!(lab.try_say("node-1", "echo x | sudo -n tee /var/lib/x").1.contains("No space left"));
}

/// The states of the Consul servers as one of them sees them; empty while nobody leads.
fn peers(lab: &TestLab, host: &str) -> Vec<String> {
    let (_, table) = lab.try_say(host, "consul operator raft list-peers");
    let state = |line: &str| {
        line.split_ascii_whitespace().nth(3).filter(|w| *w == "leader" || *w == "follower").map(str::to_owned)
    };
    let mut states: Vec<String> = table.lines().filter_map(state).collect();
    states.sort();
    states
}

#[test]
fn consul_elects_dies_and_comes_back() {
    if !consul() {
        return;
    }
    let lab = TestLab::up(Spec::consul(3));
    assert_eq!(peers(&lab, "consul-1"), ["follower", "follower", "leader"]);
    lab.say("consul-1", "consul kv put greeting hello");
    fault(&lab, "kill consul-1 consul");
    eventually("runit starts it again", || lab.try_say("consul-1", "pgrep -x consul").0 == Some(0));
    fault(&lab, "kill consul-3 consul keep-down");
    assert!(lab.say("consul-3", "sudo -n sv status consul").starts_with("down: consul"));
    eventually("two lead on", || lab.try_say("consul-1", "consul kv get greeting") == (Some(0), "hello".into()));
    assert_ne!(lab.try_say("consul-3", "pgrep -x consul").0, Some(0));
    let log = lab.say("consul-2", "cat /var/log/consul/current");
    assert!(log.contains("agent.server"), "{log}");
    if lab.mode() == Mode::Root {
        assert_eq!(
            lab.say("consul-1", "sudo -n stat -c '%U %a' /var/lib/consul /var/lib/consul/node-id"),
            "consul 750\nconsul 600"
        );
    }
}

#[test]
fn hosts_with_systemd() {
    if !systemd() || !consul() {
        return;
    }
    let lab = TestLab::up(Spec { class: Class::Systemd, ..Spec::consul(3) });
    assert_eq!(lab.say("consul-1", "cat /proc/1/comm; sudo -n systemctl is-active consul"), "systemd\nactive");
    assert!(lab.try_say("consul-1", "sudo -n systemctl --failed --no-legend --no-pager").1.is_empty());
    assert_eq!(peers(&lab, "consul-2"), ["follower", "follower", "leader"]);
    assert!(lab.say("consul-1", "sudo -n journalctl -u consul.service --no-pager").contains("agent.server"));
    lab.say("consul-1", "sudo -n systemctl stop consul");
    // Debian's unit stops Consul by SIGINT, to which it exits 1: a stopped Consul is `failed`, here as there
    assert_eq!(lab.try_say("consul-1", "sudo -n systemctl is-active consul"), (Some(3), "failed".into()));
    assert_eq!(lab.say("consul-2", "sudo -n systemctl is-active consul"), "active");
    fault(&lab, "kill consul-2 consul keep-down");
    eventually("it failed for good", || lab.try_say("consul-2", "sudo -n systemctl is-active consul").1 == "failed");
    lab.say("consul-2", "echo kept | sudo -n systemd-cat -t before; sudo -n journalctl --sync");
    fault(&lab, "power-off consul-2");
    fault(&lab, "power-on consul-2");
    eventually("it starts with its host", || {
        lab.try_say("consul-2", "sudo -n systemctl is-active consul").1 == "active"
    });
    assert_eq!(lab.say("consul-2", "journalctl -t before -o cat --no-pager"), "kept");
    let traces = Traces::of(&lab);
    let cgroups = cgroups_of_labs();
    assert!(cgroups.iter().any(|c| c.contains("consul-1")), "{cgroups:?}");
    drop(lab);
    traces.are_gone();
    assert_eq!(cgroups_of_labs(), BTreeSet::new());
}

/// The cgroup folders of labs, and any that a host has made outside of its own: none of the machine's has such names,
/// and no other test makes such labs.
fn cgroups_of_labs() -> BTreeSet<String> {
    let output = Command::new("find").args(["/sys/fs/cgroup", "-type", "d"]).output().unwrap();
    let all = String::from_utf8_lossy(&output.stdout).into_owned();
    all.lines().filter(|p| p.contains("refloat-lab-") || p.contains("/consul.service")).map(str::to_owned).collect()
}

#[test]
fn without_namespaces_there_is_loopback() {
    if !sshd() {
        return;
    }
    let had_privsep = fs::exists("/run/sshd").unwrap();
    let spec = Spec { mode: Some(Mode::Loopback), kit: Kit::Bare, ..bare(2) };
    let mut said = Vec::new();
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::up(&folder.path().join("lab"), spec.clone(), &machine(), &mut |m| said.push(m.to_owned())).unwrap();
    let other = TestLab::up(spec);
    assert!(said.iter().any(|m| m.contains("no faults")), "{said:?}");
    assert!(lab.enter().is_empty());
    assert_ne!(lab.hosts()[0].address, other.hosts()[0].address);
    let output = lab.exec("node-2", &["sh", "-c", "echo $REFLOAT_LAB_HOST; sudo -n echo fine"]).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "node-2\nfine\n");
    let cut = Fault::parse(&["cut-link", "node-1"]).unwrap();
    assert!(matches!(lab.fault(&cut), Err(LabError::NoFaultsHere { .. })));
    // what a session leaves running belongs to the lab and ends with it
    let output = lab.exec("node-1", &["sh", "-c", "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $!"]).unwrap();
    let left: u32 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
    assert!(parent(left).is_some());
    let places = lab.hosts().to_vec();
    lab.down().unwrap();
    let is_free = |p: &refloat::lab::Place| std::net::TcpListener::bind((p.address, p.port)).is_ok();
    assert!(places.iter().all(is_free));
    assert!(fs::read_to_string(format!("/proc/{left}/stat")).is_err_and(|_| true) || is_zombie(left));
    assert_eq!(other.say("node-1", "echo $REFLOAT_LAB_HOST"), "node-1");
    drop(other);
    assert_eq!(fs::exists("/run/sshd").unwrap(), had_privsep);
}

fn is_zombie(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| s.contains(") Z "))
}

#[test]
fn the_scripts_please_shellcheck() {
    let assets = concat!(env!("CARGO_MANIFEST_DIR"), "/src/lab/assets");
    let scripts = fs::read_dir(assets).unwrap().map(|e| e.unwrap().path());
    match Command::new("shellcheck").args(scripts).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
        Err(error) => assert!(!crate::support::tier("shellcheck", Err(error.to_string()))),
    }
}
