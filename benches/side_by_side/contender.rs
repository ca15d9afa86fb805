//! Who is measured, and what each is given: the same work in its own words, in its best reasonable configuration.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::farm::{Farm, REFLOAT};
use crate::quorum;
use crate::table::FLOOR;
use crate::workload::{CONTENT, FILE, Kind, Workload};

/// One of them.
#[derive(Clone, Debug)]
pub struct Contender {
    who: Who,
    program: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Floor,
    Refloat,
    Pyinfra,
    AnsibleRaw,
    Ansible,
}

/// All of them; peers are taken from this folder.
pub fn all(peers: &Path) -> Vec<Contender> {
    let peers = std::path::absolute(peers).expect("a path");
    let of = |who, program: PathBuf| Contender { who, program };
    vec![
        of(Who::Floor, std::env::current_exe().expect("our own path")),
        of(Who::Refloat, REFLOAT.into()),
        of(Who::Pyinfra, peers.join("pyinfra")),
        of(Who::AnsibleRaw, peers.join("ansible-playbook")),
        of(Who::Ansible, peers.join("ansible-playbook")),
    ]
}

/// A run, ready to be started.
pub struct Prepared {
    program: PathBuf,
    args: Vec<String>,
    env: Vec<(&'static str, String)>,
}

impl Prepared {
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Contender {
    pub fn name(&self) -> &'static str {
        match self.who {
            Who::Floor => FLOOR,
            Who::Refloat => "refloat",
            Who::Pyinfra => "pyinfra",
            Who::AnsibleRaw => "ansible-raw",
            Who::Ansible => "ansible",
        }
    }

    pub fn is_here(&self) -> bool {
        self.program.exists()
    }

    /// Minutes a round: one is enough, and only on few hosts.
    pub fn is_slow(&self) -> bool {
        matches!(self.who, Who::Ansible | Who::AnsibleRaw)
    }

    /// Whether it is measured with this.
    pub fn takes(&self, work: &Workload) -> bool {
        match self.who {
            Who::Floor | Who::Refloat => true,
            Who::Pyinfra => !matches!(work.kind, Kind::Looks { .. } | Kind::Output { bytes: 10_000_000.. }),
            Who::AnsibleRaw => work.hosts <= 10 && work.kind != Kind::Check,
            Who::Ansible => work.hosts <= 10,
        }
    }

    pub fn prepare(&self, farm: &Farm, work: &Workload) -> Prepared {
        let text = |path: &PathBuf| path.display().to_string();
        let hosts = Farm::hosts(work.hosts);
        match self.who {
            Who::Floor => {
                let steps = write(farm, "steps.json", &serde_json::to_string(&work.texts()).expect("JSON"));
                let mut args = vec!["floor".to_owned(), text(&farm.ssh_config()), text(&steps)];
                args.extend(hosts);
                self.prepared(args, Vec::new())
            }
            Who::Refloat => {
                // every run is cold: nothing is known of earlier ones
                let state = farm.work("state");
                let _ = std::fs::remove_dir_all(&state);
                let (verb, runbook, inventory, params) = if work.kind == Kind::Check {
                    let played = write(farm, "played.yaml", &quorum::inventory(farm, &hosts));
                    ("check", quorum::RUNBOOK.to_owned(), played, quorum::params(&hosts))
                } else {
                    ("run", text(&write(farm, "bench.yaml", &runbook(work))), farm.inventory(), Vec::new())
                };
                let args = [verb, &runbook, "-i", &text(&inventory), "--state", &text(&state)].map(str::to_owned);
                self.prepared([&args[..], &params].concat(), Vec::new())
            }
            Who::Pyinfra => {
                let inventory = write(farm, "inventory.py", &pyinfra_inventory(farm, &hosts));
                let deploy = write(farm, "deploy.py", &pyinfra_deploy(work));
                let how = if work.kind == Kind::Check { "--dry" } else { "-y" };
                self.prepared(vec![how.to_owned(), text(&inventory), text(&deploy)], Vec::new())
            }
            Who::AnsibleRaw | Who::Ansible => {
                let inventory = write(farm, "inventory.ini", &ansible_inventory(farm, &hosts));
                let module = if self.who == Who::Ansible { "ansible.builtin.shell" } else { "ansible.builtin.raw" };
                let book = write(farm, "playbook.yaml", &playbook(work, module));
                let ssh = format!("-F {} -o ControlMaster=auto -o ControlPersist=60s", text(&farm.ssh_config()));
                let env = vec![
                    ("ANSIBLE_FORKS", "50".to_owned()),
                    ("ANSIBLE_PIPELINING", "1".to_owned()),
                    ("ANSIBLE_SSH_ARGS", ssh),
                    ("ANSIBLE_SSH_CONTROL_PATH_DIR", text(&farm.work("cp"))),
                    ("ANSIBLE_LOCAL_TEMP", text(&farm.work("ansible"))),
                ];
                let mut args = vec!["-i".to_owned(), text(&inventory), text(&book)];
                if work.kind == Kind::Check {
                    args.extend(["--check", "--diff"].map(str::to_owned));
                }
                self.prepared(args, env)
            }
        }
    }

    fn prepared(&self, args: Vec<String>, env: Vec<(&'static str, String)>) -> Prepared {
        Prepared { program: self.program.clone(), args, env }
    }
}

fn write(farm: &Farm, name: &str, text: &str) -> PathBuf {
    let path = farm.work(name);
    std::fs::write(&path, text).expect("writing the work");
    path
}

fn runbook(work: &Workload) -> String {
    let risk = if matches!(work.kind, Kind::Looks { .. }) { "read-only" } else { "reversible" };
    let hosts = format!("consul-[1:{}]", work.hosts);
    let mut text = format!("runbook: bench/work\nrisk: {risk}\nsteps:\n");
    match work.kind {
        Kind::Steps { .. } | Kind::Output { .. } => {
            for (n, step) in work.texts().iter().enumerate() {
                let _ = writeln!(
                    text,
                    "  - id: step-{n}\n    hosts: \"{hosts}\"\n    undo: none\n    why: measured\n    run: {}",
                    quoted(step)
                );
            }
        }
        Kind::Looks { .. } => {
            for (n, step) in work.texts().iter().enumerate() {
                let _ = writeln!(
                    text,
                    "  - id: look-{n}\n    hosts: \"{hosts}\"\n    require:\n      - command: {}",
                    quoted(step)
                );
            }
        }
        Kind::Check => unreachable!("a dry run is of a runbook that is shipped"),
        Kind::File | Kind::FileAgain => {
            let _ = writeln!(
                text,
                "  - id: put\n    hosts: \"{hosts}\"\n    file: {{ path: {FILE}, content: {}, mode: \"0640\" }}\n    verify:\n      \
                 - {{ read: {FILE}, that: eq result.value {} }}",
                quoted(CONTENT),
                quoted(CONTENT.trim_end())
            );
        }
    }
    text
}

/// A double-quoted scalar, which JSON's strings are.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("JSON")
}

fn pyinfra_inventory(farm: &Farm, hosts: &[String]) -> String {
    let entries = hosts.iter().map(|host| {
        format!(
            "    ({host:?}, {{\"ssh_hostname\": {:?}, \"ssh_user\": \"ops\", \"ssh_key\": {:?}, \"ssh_known_hosts_file\": {:?}, \
             \"ssh_strict_host_key_checking\": \"yes\"}}),\n",
            farm.address(host),
            farm.key().display().to_string(),
            farm.known_hosts().display().to_string()
        )
    });
    format!("hosts = [\n{}]\n", entries.collect::<String>())
}

fn pyinfra_deploy(work: &Workload) -> String {
    if work.kind == Kind::Check {
        return quorum::deploy(&Farm::hosts(work.hosts));
    }
    let mut text = String::from("from io import StringIO\nfrom pyinfra.operations import files, server\n");
    match work.kind {
        Kind::File | Kind::FileAgain => {
            let _ = writeln!(text, "files.put(name='put', src=StringIO({CONTENT:?}), dest={FILE:?}, mode='640')");
            let _ = writeln!(text, "server.shell(name='verify', commands=[{:?}])", format!("sha256sum {FILE}"));
        }
        _ => {
            for (n, step) in work.texts().iter().enumerate() {
                let _ = writeln!(text, "server.shell(name='step {n}', commands=[{step:?}])");
            }
        }
    }
    text
}

fn ansible_inventory(farm: &Farm, hosts: &[String]) -> String {
    let lines = hosts.iter().map(|host| {
        format!("{host} ansible_host={} ansible_python_interpreter=/usr/bin/python3\n", farm.address(host))
    });
    format!("[all]\n{}", lines.collect::<String>())
}

fn playbook(work: &Workload, module: &str) -> String {
    if work.kind == Kind::Check {
        return quorum::playbook(&Farm::hosts(work.hosts));
    }
    let mut text = String::from("- hosts: all\n  gather_facts: false\n  tasks:\n");
    for step in work.texts() {
        let _ = writeln!(text, "    - {module}: {}", quoted(&step));
    }
    text
}
