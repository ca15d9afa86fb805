//! Many hosts in one run: with fewer open files than they need at first, and in little memory.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use refloat::lab::Spec;

use crate::support::lab::{TestLab, namespaces};

const BOOK: &str = "
runbook: test/many
risk: reversible
steps:
  - { id: first, hosts: nodes, undo: none, why: it counts, run: echo first >>/var/tmp/many }
  - { id: second, hosts: nodes, undo: none, why: it counts, run: echo second >>/var/tmp/many; wc -l </var/tmp/many, parse: int }
  - { id: seen, require: { every: { hosts: nodes, command: cat /var/tmp/many, that: \"eq result.value \\\"first\\\\nsecond\\\"\" } } }
  - { id: counted, require: { every: { hosts: nodes, that: eq outputs.second.value 2 } } }
";

/// A run on so many hosts, begun with a soft limit of open files; the most memory that refloat itself had, in KiB.
fn run(hosts: u16, files: u32) -> u64 {
    let lab = TestLab::up(Spec::numbered("node", hosts, "nodes"));
    let folder = tempfile::Builder::new().prefix("rf").tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("control")).expect("a folder");
    fs::set_permissions(path("control"), fs::Permissions::from_mode(0o700)).expect("a mode");
    fs::write(path("book.yaml"), BOOK).expect("a file");
    let line = format!("ulimit -Sn {files} && exec \"$@\"");
    let mut words = lab.enter();
    words.extend(["sh", "-c", &line, "sh", env!("CARGO_BIN_EXE_refloat"), "run", "book.yaml", "-i"].map(str::to_owned));
    words.push(lab.inventory_path().display().to_string());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).current_dir(folder.path()).stdin(Stdio::null());
    command.env("REFLOAT_STATE", path("state")).env("XDG_RUNTIME_DIR", path("control"));
    let said = fs::File::create(path("said")).expect("a file");
    let mut child = command.stdout(said.try_clone().expect("a file")).stderr(said).spawn().expect("it starts");
    let mut most = 0;
    let status = loop {
        // the most until now; the last look before its end is a moment old
        let text = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let now = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        most = now.unwrap_or(most).max(most);
        match child.try_wait().expect("ours") {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let said = fs::read_to_string(path("said")).expect("text");
    let last: Vec<&str> = said.lines().rev().take(20).collect();
    assert_eq!(status.code(), Some(0), "{last:#?}");
    assert!(most > 0);
    eprintln!("{hosts} hosts, {files} open files at first: {} MB at most", most / 1024);
    most
}

#[test]
fn the_limit_of_open_files_is_raised_for_many_hosts() {
    if namespaces() {
        run(40, 64);
    }
}

#[test]
#[ignore = "takes minutes: make campaign"]
fn campaign_five_hundred_hosts_in_one_run() {
    if namespaces() {
        let most = run(500, 1_024);
        assert!(most < 200 << 10, "{most} KiB");
    }
}
