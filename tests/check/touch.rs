//! That a dry run touches nothing: every system call of everything that it starts on a host is looked at, and the files
//! there are the same afterwards, to the byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use refloat::base::digest::Digest;
use serde_json::Value;

use crate::actions::over_ssh::inventory;
use crate::support::lab::TestLab;
use crate::support::sshd::{Sshd, available};
use crate::support::tier;

/// What may be opened for writing all the same: the bin, terminals, and what sudo and PAM write down of everybody.
const RECORDS: &[&str] =
    &["/dev/null", "/dev/tty", "/dev/pts/", "/run/sudo/", "/var/lib/sudo/", "/var/log/wtmp", "/var/run/utmp"];

/// Calls that change a file system, whatever they are given.
const CHANGES: &[&str] = &[
    "creat",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "chmod",
    "fchmod",
    "fchmodat",
    "chown",
    "fchown",
    "lchown",
    "fchownat",
    "truncate",
    "ftruncate",
    "mknod",
    "mknodat",
    "utime",
    "utimes",
    "utimensat",
    "futimesat",
    "setxattr",
    "fsetxattr",
    "lsetxattr",
    "removexattr",
    "fallocate",
    "copy_file_range",
];

/// strace on a process and all that comes of it.
pub struct Trace {
    child: Child,
    file: PathBuf,
}

impl Trace {
    /// Attached when this returns.
    pub fn of(mut command: Command, file: &Path) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("strace");
        let mut said = BufReader::new(child.stderr.take().expect("its words"));
        let mut line = String::new();
        while !line.contains("attached") {
            line.clear();
            assert!(said.read_line(&mut line).expect("its words") > 0, "strace did not attach");
        }
        std::thread::spawn(move || said.lines().count());
        Self { child, file: file.to_owned() }
    }

    /// What processes that are no sshd changed, one line each, when strace is told to let go.
    pub fn changes(mut self) -> Vec<String> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
        self.child.wait().expect("its end");
        changes(&fs::read_to_string(&self.file).expect("a trace"))
    }
}

/// All hosts of a lab, each system call of what their sshds start.
pub fn traced(lab: &TestLab, folder: &Path, hosts: &[&str]) -> Vec<Trace> {
    let one = |host: &&str| {
        let file = folder.join(format!("{host}.trace"));
        let mut words = strace(&file.display().to_string(), &server(lab, host)).into_iter();
        let mut command = Command::new(words.next().expect("strace"));
        command.args(words);
        Trace::of(command, &file)
    };
    hosts.iter().map(one).collect()
}

/// Nothing was changed on any of them.
pub fn untouched(traces: Vec<Trace>, hosts: &[&str]) {
    for (trace, host) in traces.into_iter().zip(hosts) {
        let found = trace.changes();
        assert!(found.is_empty(), "{host}: {found:#?}");
    }
}

/// The process of a host's sshd that listens, as it is seen from outside.
fn server(lab: &TestLab, host: &str) -> String {
    let inside = lab.say(host, "sudo -n readlink /proc/1/ns/mnt");
    let here = |pid: &i32| {
        let of = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
        let namespace = fs::read_link(format!("/proc/{pid}/ns/mnt"));
        let parent = of("status").lines().find_map(|line| line.strip_prefix("PPid:\t").map(str::to_owned));
        let parent = parent.map(|parent| fs::read_to_string(format!("/proc/{parent}/comm")).unwrap_or_default());
        let serves = parent.is_some_and(|parent| parent.trim() == "sshd");
        of("comm").trim() == "sshd" && !serves && namespace.is_ok_and(|namespace| namespace.to_string_lossy() == inside)
    };
    let all = fs::read_dir("/proc").expect("processes").flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(here).min().expect("a server that listens").to_string()
}

/// The digest of all that lies on a host's own file systems, but for what Consul itself and its log write all the time.
pub const PICTURE: &str = "sudo -n find / \\( -path /proc -o -path /sys -o -path /dev -o -path /usr -o -path /opt \
    -o -path /var/lib/consul -o -path /var/log -o -path /run \\) -prune -o \\( -printf '%p %y %m %U:%G %s %T@ %C@ %l\\n' \
    -type f -exec sha256sum {} \\; \\) | sort | sha256sum";

/// Whether strace is here.
pub fn strace_is_here() -> bool {
    let found = Command::new("strace").arg("-V").output().map(|_| ()).map_err(|error| format!("strace: {error}"));
    tier("strace", found)
}

/// The arguments of strace.
fn strace(file: &str, pid: &str) -> Vec<String> {
    let calls = format!("trace=execve,clone,clone3,fork,vfork,open,openat,openat2,{}", CHANGES.join(","));
    ["strace", "-f", "--pidns-translation", "-s", "200", "-e", &calls, "-o", file, "-p", pid].map(str::to_owned).into()
}

/// The changes in a trace by processes that sshd has started for somebody, and by what these start.
fn changes(trace: &str) -> Vec<String> {
    let mut ours: BTreeSet<String> = BTreeSet::new();
    let (mut found, mut seen) = (Vec::new(), 0);
    // a call that another process interrupts comes in two lines; its beginning has all that counts but the result
    for line in trace.lines() {
        let Some((pid, call)) = line.split_once(char::is_whitespace) else { continue };
        let call = call.trim_start();
        let name = call.split('(').next().unwrap_or_default();
        if name == "execve" && !call.contains("sshd") {
            ours.insert(pid.to_owned());
        }
        if !ours.contains(pid) {
            continue;
        }
        seen += 1;
        if matches!(name, "clone" | "clone3" | "fork" | "vfork") || call.contains("clone") && call.contains("resumed") {
            // in another PID namespace: its number there, and the one here behind it
            let child = call.rsplit("= ").next().unwrap_or_default();
            let child = child.split("/* ").last().unwrap_or_default().split_whitespace().next();
            ours.extend(child.map(str::to_owned));
        }
        let writes = name.starts_with("open")
            && ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"].iter().any(|flag| call.contains(flag));
        let recorded = RECORDS.iter().any(|path| call.contains(&format!("\"{path}"))) || is_pipe(call);
        let failed = call.contains(") = -1 ");
        if (writes || CHANGES.contains(&name)) && !recorded && !failed {
            found.push(line.to_owned());
        }
    }
    assert!(seen > 50, "the trace shows nothing of the runner: {seen} calls");
    found
}

/// Pipes, which are no files: that by which the runner's warden wakes itself, and the one by which runit's `sv status` sees
/// that its supervisor is there (it opens it and writes nothing).
fn is_pipe(call: &str) -> bool {
    call.contains("\"/proc/") && call.contains("/fd/8\"") || call.contains("\"supervise/ok\"")
}

/// Every file below a folder: its kind, mode, owner, times, and the digest of what it holds.
fn picture(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let (path, meta) = (entry.path(), entry.metadata().expect("a file"));
            let content =
                if meta.is_file() { Digest::of(fs::read(&path).expect("a file")).to_string() } else { String::new() };
            let (mode, times) = (meta.permissions().mode(), (meta.mtime(), meta.mtime_nsec(), meta.ctime_nsec()));
            if meta.is_dir() {
                folders.push(path.clone());
            }
            all.insert(path, format!("{mode:o} {}:{} {times:?} {content}", meta.uid(), meta.gid()));
        }
    }
    all
}

/// A step of each kind, in several forms: each is a runbook of its own.
const STEPS: &[&str] = &[
    "gather: { x: { command: cat /etc/hostname } }",
    "gather: { x: { command: { argv: [ cat ], stdin: hello } } }",
    "gather: { x: { command: { command: 'sort; echo there', shell: bash } }, y: { command: 'cat <<E\nhere\nE' } }",
    "gather: { x: { read: /etc/passwd }, y: { read: /nonexistent, optional: true } }",
    "gather: { x: { path: /etc/passwd, value: result.sha256 } }",
    "gather: { x: { http: 'http://127.0.0.1:1/', optional: true } }",
    "gather: { x: { port: 1, optional: true } }",
    "gather: { x: { service: ssh, optional: true } }",
    "gather: { x: { process: sh } }",
    "gather: { x: { disk: /var } }",
    "sudo: true\n    gather: { x: { read: /etc/shadow } }",
    "require: { command: 'true', that: eq result.exit 0 }",
    "symptom: { path: /nonexistent }",
    "wait: { until: { command: 'true' }, within: 10s }",
    "run: touch OUT/never",
    "run: { argv: [ touch, OUT/never ] }",
    "run: { command: cat, stdin: hello }",
    "sudo: true\n    run: touch OUT/never",
    "file: { path: OUT/new, content: 'text' }",
    "file: { path: OUT/old, content: 'other', mode: '0600', owner: root }",
    "file: { path: OUT/old, content: 'old' }",
    "file: { path: OUT/old, state: absent }",
    "sudo: true\n    file: { path: OUT/as-root, content: 'text' }",
    "directory: { path: OUT/folder, mode: '0700' }",
    "directory: { path: OUT, state: absent }",
    "link: { path: OUT/link, to: old }",
    "move: { from: OUT/old, to: OUT/moved }",
    "download: { path: OUT/old, as: old }",
    "service: { name: ssh, state: restarted }",
    "http: { url: 'http://127.0.0.1:1/', method: POST, json: 1 }",
    "reboot: { within: 1m }",
    "done_when: { path: OUT/never }\n    run: touch OUT/never",
    "watch: { log: OUT/old, within: 1s, expect: [ { line: x } ] }\n    run: touch OUT/never",
    "for_each: '[]'\n    run: touch OUT/never",
];

#[test]
fn no_call_of_a_dry_run_changes_a_file() {
    if !tier("sshd", available()) || !strace_is_here() {
        return;
    }
    let sshd = Sshd::start("");
    let desk = tempfile::tempdir().expect("a folder");
    // what steps work on lies on the host, what the program needs does not
    let (out, path) = (sshd.path("home").join("out"), |name: &str| desk.path().join(name));
    fs::create_dir(&out).expect("a folder");
    fs::write(out.join("old"), "old").expect("a file");
    fs::create_dir(path("control")).expect("a folder");
    fs::write(path("inventory.yaml"), inventory(&sshd)).expect("a file");
    fs::create_dir(path("books")).expect("a folder");
    let mut wanted = Vec::new();
    for (n, step) in STEPS.iter().enumerate() {
        let step =
            step.replace("OUT", &out.display().to_string()).replace("for_each: '[]'", "for_each: split \"a,b\" \",\"");
        let changes = ["run:", "POST", "reboot:", "restarted"].iter().any(|key| step.contains(key));
        let undo = if changes { "    undo: none\n    why: counted\n" } else { "" };
        let text =
            format!("runbook: touch/step-{n}\nrisk: reversible\nsteps:\n  - id: s\n    hosts: far\n{undo}    {step}\n");
        fs::write(path("books").join(format!("{n:02}.yaml")), text).expect("a file");
        wanted.push(format!("touch/step-{n}"));
    }
    let before = picture(&sshd.path("home"));
    let trace = path("trace");
    let mut command = Command::new("strace");
    command.args(&strace(&trace.display().to_string(), &sshd.pid().to_string())[1..]);
    let trace = Trace::of(command, &trace);
    let said = Command::new(env!("CARGO_BIN_EXE_refloat"))
        .args(["check", "--output", "json", "-i"])
        .args([path("inventory.yaml"), path("books")])
        .env("REFLOAT_STATE", path("state"))
        .env("XDG_RUNTIME_DIR", path("control"))
        .stdin(Stdio::null())
        .output()
        .expect("the program");
    let found = trace.changes();
    let document: Value = serde_json::from_slice(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let checks = document["checks"].as_array().expect("checks");
    let names: Vec<&str> = checks.iter().filter_map(|one| one["check"]["runbook"].as_str()).collect();
    assert_eq!(names, wanted, "{}", String::from_utf8_lossy(&said.stderr));
    for one in checks {
        assert!(one["check"]["foreseen"].as_array().is_some_and(|all| !all.is_empty()), "{one:#}");
        assert!(matches!(one["check"]["verdict"].as_str(), Some("ready" | "not_ready")), "{one:#}");
    }
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(picture(&sshd.path("home")), before);
}
