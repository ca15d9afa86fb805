//! A lab with the outage of the runbook, runs of refloat in it that are cut off at a point, and the truth on its hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use refloat::lab::{ConsulKit, Fault, Kit, Machine, Spec};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::lab::{TestLab, machine};

/// Four servers, of which two are lost: the other two are no majority, and a step has more than one host.
pub const SURVIVORS: [&str; 2] = ["consul-1", "consul-2"];
pub const LOST: [&str; 2] = ["consul-3", "consul-4"];
/// On some stages this one has no power: it does not even refuse a connection.
pub const SILENT: &str = "consul-4";

/// How long whatever a dead run left may take to end. A step that goes on until its natural end counts.
const PATIENCE: Duration = Duration::from_secs(45);

/// What plays Consul.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cast {
    /// `standin.pl`, with the runbook's pauses shortened.
    StandIn,
    /// Consul itself, with the runbook as it is shipped.
    Consul,
}

/// A lab in which the outage can be played again and again.
pub struct Stage {
    lab: TestLab,
    cast: Cast,
    /// Whether [`SILENT`] is.
    silent: bool,
    folder: TempDir,
    runbook: PathBuf,
    /// The plan's digest, which the confirmation must name.
    plan: String,
    /// The hosts' disks, seen from here.
    disks: PathBuf,
    /// The processes that belong here while nothing is going on.
    calm: BTreeSet<u32>,
    /// How many lines each host's log had when the curtain rose.
    marks: BTreeMap<String, usize>,
}

/// A run that came to its end, or not.
pub struct Ran {
    /// Where its journal is.
    pub state: PathBuf,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Its exit code.
    pub code: Option<i32>,
    /// What it said on both streams, the crash points among it.
    pub said: String,
    /// Its processes carry this in their environment.
    mark: String,
}

/// What was really done on a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// Effects by name, and how often.
    pub effects: BTreeMap<&'static str, usize>,
    /// `peers.json`, while it is there.
    pub peers: Option<String>,
    /// What should not be there.
    pub left: Vec<String>,
}

impl Stage {
    pub fn up(cast: Cast, silent: bool) -> Self {
        let folder = tempfile::Builder::new().prefix("rf").tempdir().unwrap();
        let (spec, machine) = match cast {
            Cast::Consul => (Spec::consul(4), machine()),
            Cast::StandIn => {
                let program = folder.path().join("standin");
                fs::write(&program, include_str!("standin.pl")).unwrap();
                fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
                let kit = ConsulKit { autostart: false, ..ConsulKit::default() };
                (Spec { kit: Kit::Consul(kit), ..Spec::consul(4) }, Machine { consul: Some(program), ..machine() })
            }
        };
        let lab = TestLab::of(spec, &machine);
        let outer = lab.outer_pid().unwrap();
        let disks = PathBuf::from(format!("/proc/{outer}/root{}/disk", lab.dir().display()));
        fs::create_dir(folder.path().join("control")).unwrap();
        fs::set_permissions(folder.path().join("control"), fs::Permissions::from_mode(0o700)).unwrap();
        let runbook = runbook(cast, folder.path());
        let (plan, calm, marks) = (String::new(), BTreeSet::new(), BTreeMap::new());
        let mut stage = Self { lab, cast, silent: false, folder, runbook, plan, disks, calm, marks };
        stage.plan = stage.digest();
        stage.prepare();
        stage.reset();
        if silent {
            stage.lab.fault(&Fault::parse(&["power-off", SILENT]).unwrap()).unwrap();
            stage.silent = true;
        }
        stage.calm = stage.inhabitants(&processes());
        stage
    }

    fn control(&self) -> PathBuf {
        self.folder.path().join("control")
    }

    /// What a command says on a host over a connection that stays open; it must succeed.
    fn say(&self, host: &str, script: &str) -> String {
        let mut words = self.lab.ssh(host).unwrap();
        let name = words.pop().unwrap();
        let socket = self.folder.path().join(format!("s-{host}"));
        words.extend(["-S".to_owned(), socket.display().to_string()]);
        words.extend(["-oControlMaster=auto", "-oControlPersist=600", "-oLogLevel=ERROR"].map(str::to_owned));
        words.extend([
            name,
            shlex::try_join(["sudo", "-n", "timeout", "180", "bash", "-c", &format!("exec 2>&1\n{script}")]).unwrap(),
        ]);
        // standard error is not read: the connection that stays open keeps it
        let out =
            Command::new(&words[0]).args(&words[1..]).stdin(Stdio::null()).stderr(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout).trim().to_owned();
        assert!(out.status.success(), "{host}: {script}: {text}");
        text
    }

    fn on_all(&self, script: &(dyn Fn(&str) -> String + Sync)) {
        std::thread::scope(|scope| {
            for host in SURVIVORS.iter().chain(&LOST).filter(|host| !self.silent || **host != SILENT) {
                scope.spawn(move || self.say(host, &script(host)));
            }
        });
    }

    /// The state before the outage, to be restored again and again.
    fn prepare(&self) {
        if self.cast == Cast::Consul {
            self.say("consul-1", "consul kv put refloat/before yes");
            // every server has the entry before it is stopped
            let index = self.say("consul-1", "consul info | sed -n 's/.*last_log_index = //p'");
            self.on_all(&|_| {
                format!(
                    "until [ \"$(consul info | sed -n 's/.*applied_index = //p')\" -ge {index} ]; do sleep 0.05; done"
                )
            });
        }
        self.on_all(&|host| {
            let n = host.trim_start_matches("consul-");
            let server = |n| format!("00000000-0000-4000-8000-00000000000{n} 10.66.0.1{n}:8300\\n");
            let config = [1, 2, 3, 4].map(server).concat();
            let data = match self.cast {
                Cast::Consul => String::new(),
                Cast::StandIn => format!(
                    "install -m 666 /dev/null /var/log/effects\ncd /var/lib/consul\nmkdir raft\n\
                     printf 00000000-0000-4000-8000-00000000000{n} >node-id\nprintf '{config}' >raft/config\n\
                     echo $((30 - {n})) >raft/index\necho help | tee raft/peers.info >raft/raft.db\n\
                     printf yes >kv.refloat_before\nchown -R --reference=. .\n"
                ),
            };
            // its supervisor may not have begun
            let stop = "until sv status consul; do sleep 0.02; done\nsv -w 20 stop consul";
            format!("set -e\n{stop}\n{data}cp -a /var/lib/consul /var/lib/pristine")
        });
    }

    /// The outage: the survivors run and have no leader, the lost ones are dead, nothing was done yet.
    pub fn reset(&mut self) {
        let leader = |pattern: &str| {
            format!(
                "until exec 3<>/dev/tcp/127.0.0.1/8500 && printf 'GET /v1/status/leader HTTP/1.0\\r\\n\\r\\n' >&3 && \
                 [[ $(tail -n 1 <&3) = {pattern} ]]; do exec 3>&-; sleep 0.02; done 2>/dev/null"
            )
        };
        let restore = "set -e\nsv -w 20 force-stop consul\nrm -rf /var/lib/consul /var/lib/consul.* \
 ~root/.refloat /home/ops/.refloat /etc/sv/consul/down\ncp -a /var/lib/pristine /var/lib/consul";
        let survives = |host: &str| SURVIVORS.contains(&host);
        match self.cast {
            // servers that are started without a majority are the outage
            Cast::StandIn => self.on_all(&|host| {
                let start = format!("sv -w 20 start consul\n{}", leader("'\"\"'"));
                let start = if survives(host) { start } else { String::new() };
                format!("{restore}\n{start}\ntruncate -s 0 /var/log/effects")
            }),
            // Consul's survivors know their configuration only when there was a majority in their life
            Cast::Consul => {
                // nobody begins while another still has what was recovered: it would lead, with its own servers
                self.on_all(&|_| restore.to_owned());
                self.on_all(&|_| format!("sv -w 20 start consul\n{}", leader("'\"'1*")));
                self.on_all(&|host| {
                    if survives(host) {
                        return leader("'\"\"'");
                    }
                    "sv once consul\nsv kill consul\nuntil sv status consul | grep ^down; do sleep 0.02; done"
                        .to_owned()
                });
            }
        }
        self.marks = SURVIVORS.iter().chain(&LOST).map(|host| ((*host).to_owned(), self.log(host).len())).collect();
    }

    /// Whether what one survivor is given is seen on both.
    pub fn replicates(&self) -> bool {
        self.cast == Cast::Consul
    }

    /// Everything that Consul said on a host, also in the generations that svlogd has put aside since.
    fn log(&self, host: &str) -> Vec<String> {
        let folder = self.disks.join(host).join("var/log/consul");
        let named = fs::read_dir(&folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        let mut parts: Vec<_> =
            named.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with('@')).collect();
        parts.sort(); // their names are times
        parts.push(folder.join("current"));
        let text: Vec<u8> = parts.iter().flat_map(|part| fs::read(part).unwrap_or_default()).collect();
        String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
    }

    /// The words that start refloat in the lab's network.
    fn refloat(&self, state: &Path) -> Command {
        let mut words = self.lab.enter();
        words.push(env!("CARGO_BIN_EXE_refloat").to_owned());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg("--state").arg(state).stdin(Stdio::null());
        command.env("XDG_RUNTIME_DIR", self.control()).env_remove("REFLOAT_KILL_AT").env_remove("REFLOAT_LOG");
        command
    }

    fn subject(&self, command: &mut Command) {
        command.arg(&self.runbook).arg("-i").arg(self.lab.inventory_path());
        command.args(["-p", "lost=consul-[3:4]", "-p", "canary_key=refloat/before"]);
    }

    fn digest(&self) -> String {
        let mut command = self.refloat(&self.folder.path().join("plan"));
        command.arg("plan").args(["--output", "json"]);
        self.subject(&mut command);
        let out = command.output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice::<Value>(&out.stdout).unwrap()["plan"].as_str().unwrap().to_owned()
    }

    /// Runs the runbook until it is killed at a point; 0: until its end. With a journal of its own, or an earlier one's.
    pub fn run(&self, point: u64, journal: Option<&Ran>) -> Ran {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        let number = RUNS.fetch_add(1, Ordering::Relaxed);
        let mark = format!("REFLOAT_CRASH_TEST={}-{number}", std::process::id());
        let state = journal.map_or_else(|| self.folder.path().join(format!("j{number}")), |ran| ran.state.clone());
        let mut command = self.refloat(&state);
        command.arg("run");
        self.subject(&mut command);
        command.arg("--confirm").arg(format!("dc1@{}", self.plan));
        // a run that was killed has kept its locks
        let owner = journal.and_then(|ran| self.report(ran, &["--output", "json"]).ok());
        let owner: Option<Value> = owner.and_then(|text| serde_json::from_str(&text).ok());
        if let Some(owner) = owner.as_ref().and_then(|report| report["run"].as_str()) {
            command.args(["--takeover", owner]);
        }
        let (name, value) = mark.split_once('=').unwrap();
        command.env(name, value).env("REFLOAT_KILL_AT", point.to_string());
        command.env("REFLOAT_LOG", "refloat::base::crash=trace").env("NO_COLOR", "1");
        // a file, not pipes: what a dead run leaves must not hold up the test. One for both, so that their order is kept
        let path = self.folder.path().join(format!("said{number}"));
        let file = fs::File::options().append(true).create(true).open(&path).unwrap();
        let status = command.stdout(file.try_clone().unwrap()).stderr(file).status().unwrap();
        let said = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        fs::remove_file(&path).unwrap();
        Ran { state, signal: status.signal(), code: status.code(), said, mark }
    }

    /// The report of a journal's latest run, in a form; an error is what it said.
    pub fn report(&self, ran: &Ran, words: &[&str]) -> Result<String, String> {
        let mut command = self.refloat(&ran.state);
        let out = command.arg("report").args(words).output().unwrap();
        if out.status.success() {
            return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
        }
        Err(String::from_utf8_lossy(&out.stderr).trim().to_owned())
    }

    /// Everything that lives in the lab, except Consul under its supervisor: that comes and goes.
    fn inhabitants(&self, all: &BTreeMap<u32, Process>) -> BTreeSet<u32> {
        let mut family = BTreeSet::from([self.lab.outer_pid().unwrap()]);
        loop {
            let children = all.iter().filter(|(pid, p)| family.contains(&p.parent) && !family.contains(pid));
            let children: Vec<u32> = children.map(|(pid, _)| *pid).collect();
            if children.is_empty() {
                break;
            }
            family.extend(children);
        }
        let supervised = |p: &Process| p.name == "consul" && all.get(&p.parent).is_some_and(|p| p.name == "runsv");
        family.retain(|pid| all.get(pid).is_some_and(|p| !p.dead && !supervised(p)));
        family
    }

    /// What still lives of a run: on this machine, and on the hosts.
    fn living(&self, ran: &Ran) -> BTreeMap<u32, String> {
        let marked = |pid: &u32| {
            let variables = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            variables.split(|byte| *byte == 0).any(|variable| variable == ran.mark.as_bytes())
        };
        let all = processes();
        let there = self.inhabitants(&all).into_iter().filter(|pid| !self.calm.contains(pid)).collect::<BTreeSet<_>>();
        let here =
            all.iter().filter(|(pid, p)| !p.dead && marked(pid)).map(|(pid, p)| (*pid, format!("here: {}", p.words)));
        here.chain(there.iter().map(|pid| (*pid, format!("on a host: {}", all[pid].words)))).collect()
    }

    /// Waits until nothing of a run lives. How many processes there were at first, and what lives after the deadline.
    pub fn calm_down(&self, ran: &Ran) -> (usize, Vec<String>) {
        let start = Instant::now();
        let mut living = self.living(ran);
        let first = living.len();
        while !living.is_empty() && start.elapsed() < PATIENCE {
            // whoever was seen must go before it is worth to look for others
            while living.keys().any(|pid| is_there(*pid)) && start.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_millis(10));
            }
            living = self.living(ran);
        }
        (first, living.into_values().collect())
    }

    /// Takes the locks away that dead runs have kept; the hosts that had one.
    pub fn unlock(&self) -> usize {
        let homes = SURVIVORS.iter().chain(&LOST).map(|host| self.disks.join(host).join("home/ops"));
        homes.filter(|home| fs::remove_file(home.join(".refloat/lock")).is_ok()).count()
    }

    /// What is left of dead runs' connections: the folders of their sockets.
    pub fn control_folders(&self) -> Vec<PathBuf> {
        fs::read_dir(self.control()).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    /// What was really done on a host since the curtain rose.
    pub fn truth(&self, host: &str) -> Truth {
        let disk = self.disks.join(host);
        let mut effects: BTreeMap<&'static str, usize> = BTreeMap::new();
        match self.cast {
            Cast::StandIn => {
                let text = fs::read_to_string(disk.join("var/log/effects")).unwrap();
                for line in text.lines() {
                    let name = ["started", "stopped", "ingested", "put refloat/canary"].into_iter();
                    *effects.entry(name.into_iter().find(|name| *name == line).unwrap()).or_default() += 1;
                }
            }
            Cast::Consul => {
                let log = &self.log(host)[self.marks[host]..];
                for (name, line) in [
                    ("started", "==> Starting Consul agent"),
                    ("stopped", "Caught"),
                    ("ingested", "deleted peers.json file after successful recovery"),
                ] {
                    effects.insert(name, log.iter().filter(|l| l.contains(line)).count());
                }
                if host == SURVIVORS[0] || host == SURVIVORS[1] {
                    let put = self.say(host, "consul kv get -stale refloat/canary 2>/dev/null || true");
                    effects.insert("put refloat/canary", usize::from(!put.is_empty()));
                }
            }
        }
        effects.insert("disabled", usize::from(disk.join("etc/sv/consul/down").exists()));
        effects.insert("backup", files(&disk.join("var/lib"), &|name| name.starts_with("consul.before-")).len());
        effects.insert("fenced", files(&disk.join("var/lib"), &|name| name.starts_with("consul.fenced-")).len());
        effects.retain(|_, count| *count > 0);
        let peers = fs::read_to_string(disk.join("var/lib/consul/raft/peers.json")).ok();
        let left = ["etc", "home", "root", "var", "tmp", "srv"].into_iter().flat_map(|top| staged(&disk.join(top)));
        Truth { effects, peers, left: left.map(|path| path.display().to_string()).collect() }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for host in SURVIVORS.iter().chain(&LOST) {
            let socket = self.folder.path().join(format!("s-{host}"));
            if socket.exists() {
                let _ =
                    Command::new("ssh").arg("-S").arg(socket).args(["-O", "exit", "x"]).stderr(Stdio::null()).status();
            }
        }
    }
}

/// The shipped runbook with its template, as a person would copy them; for the stand-in with shorter pauses.
fn runbook(cast: Cast, folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if cast == Cast::Consul {
        return root.join("runbooks/consul/quorum-loss.yaml");
    }
    for name in ["runbooks/consul", "templates/consul"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    let name = "templates/consul/peers.json.hbs";
    fs::copy(root.join(name), folder.join(name)).unwrap();
    let shipped = fs::read_to_string(root.join("runbooks/consul/quorum-loss.yaml")).unwrap();
    let mut changed = 0;
    let lines = shipped.lines().map(|line| match line.trim() {
        "settle: 3s" | "hold: 3s" => {
            changed += 1;
            line.replace("3s", "200ms")
        }
        _ => line.to_owned(),
    });
    let text = lines.collect::<Vec<_>>().join("\n") + "\n";
    // nothing but these two pauses differs
    assert_eq!((changed, text.replace("200ms", "3s")), (2, shipped));
    let path = folder.join("runbooks/consul/quorum-loss.yaml");
    fs::write(&path, text).unwrap();
    path
}

fn files(folder: &Path, wanted: &dyn Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| wanted(&entry.file_name().to_string_lossy())).map(|entry| entry.path()).collect()
}

/// Staged files: only the claims' folder has such a name otherwise.
fn staged(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if name.to_string_lossy().starts_with(".refloat-") {
            found.push(path);
        } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(staged(&path));
        }
    }
    found
}

struct Process {
    parent: u32,
    name: String,
    words: String,
    dead: bool,
}

/// Whether a process is there and not only waits to be reaped.
fn is_there(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, tail)| !tail.starts_with(['Z', 'X']))
}

fn processes() -> BTreeMap<u32, Process> {
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let read = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (head, tail) = stat.rsplit_once(") ")?;
        let mut tail = tail.split(' ');
        let dead = matches!(tail.next()?, "Z" | "X");
        let words = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let words = String::from_utf8_lossy(&words).replace('\0', " ").chars().take(160).collect();
        Some((
            pid,
            Process { parent: tail.next()?.parse().ok()?, name: head.split_once('(')?.1.to_owned(), words, dead },
        ))
    };
    pids.filter_map(read).collect()
}

impl Ran {
    /// What it said at the end, without the crash points: enough for the step that failed and what its program said.
    pub fn words(&self) -> String {
        let lines: Vec<&str> = self.said.lines().filter(|line| !line.contains("crash point n=")).collect();
        lines[lines.len().saturating_sub(40)..].join("\n  | ")
    }
}
