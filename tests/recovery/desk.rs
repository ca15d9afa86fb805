//! A person at a controller: the program, its folders, and what it says and writes down.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use refloat::lab::Fault;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::lab::TestLab;

/// Longer than any run of these tests takes on a busy machine.
const PATIENCE: &str = "120";

/// A controller inside a lab's network.
pub struct Desk<'a> {
    pub lab: &'a TestLab,
    folder: TempDir,
    env: Vec<(String, String)>,
    outside: bool,
}

/// What the program said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// A run that was written down.
#[derive(Debug)]
pub struct Ran {
    pub said: Said,
    pub report: Value,
}

impl<'a> Desk<'a> {
    pub fn at(lab: &'a TestLab) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["control", "here"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        Self { lab, folder, env: Vec::new(), outside: false }
    }

    /// The same desk with one more variable in its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same desk in the network of this machine.
    pub fn outside(mut self) -> Self {
        self.outside = true;
        self
    }

    /// A place of this desk: `state`, `control` (the control sockets), `here` (the working folder), or a file to make.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file beside the others, and gives its path as the command line takes it.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    /// The lab's own inventory.
    pub fn inventory(&self) -> String {
        self.lab.inventory_path().display().to_string()
    }

    fn words(&self, args: &[&str]) -> Vec<String> {
        // in the foreground: in a process group of its own it could not read from the terminal
        let program = ["timeout", "--foreground", "-k", "5", PATIENCE, env!("CARGO_BIN_EXE_refloat")];
        let enter = if self.outside { Vec::new() } else { self.lab.enter() };
        enter.into_iter().chain(program.iter().chain(args).map(|&word| word.to_owned())).collect()
    }

    fn command(&self, env: &[(&str, &str)], words: &[String]) -> Command {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(self.path("here"));
        // the lock and the claims of this machine itself lie in a home of this desk's own
        command.env("HOME", self.path("here"));
        command.env("REFLOAT_STATE", self.path("state")).env("XDG_RUNTIME_DIR", self.path("control"));
        command.envs(self.env.iter().map(|(name, value)| (name, value))).envs(env.iter().copied());
        command.stdin(Stdio::null());
        command
    }

    /// The program with these arguments and no terminal.
    pub fn refloat(&self, args: &[&str]) -> Said {
        self.refloat_with(&[], args)
    }

    /// The same, with more variables in its environment.
    pub fn refloat_with(&self, env: &[(&str, &str)], args: &[&str]) -> Said {
        Said::of(&self.command(env, &self.words(args)).output().expect("the program starts"))
    }

    /// The program at a terminal of its own: when it asks, something happens `meanwhile`, and then `typed` is typed.
    pub fn at_a_terminal(&self, args: &[&str], meanwhile: impl FnOnce(), typed: &str) -> Said {
        let line = shlex_join(&self.words(args));
        // util-linux `script` gives the terminal; its input stays open until the program has ended
        let mut command = self.command(&[], &["script", "-qec", &line, "/dev/null"].map(str::to_owned));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let (mut keys, mut screen) = (child.stdin.take().expect("keys"), child.stdout.take().expect("a screen"));
        let mut out = Vec::new();
        let mut byte = [0];
        while !out.ends_with(b"anything else to stop: ") && screen.read(&mut byte).is_ok_and(|n| n > 0) {
            out.push(byte[0]);
        }
        assert!(out.ends_with(b"to stop: "), "it asks nothing: {}", String::from_utf8_lossy(&out));
        meanwhile();
        keys.write_all(typed.as_bytes()).expect("it reads");
        screen.read_to_end(&mut out).expect("its words");
        drop(keys);
        let rest = child.wait_with_output().expect("it ends");
        Said::of(&Output { stdout: out, ..rest })
    }

    /// `refloat run`, and its report: the journal is whole, and the report tells the exit code of the program.
    pub fn run(&self, args: &[&str]) -> Ran {
        let said = self.refloat(&[&["run"], args].concat());
        self.ran(said)
    }

    /// `refloat run` for programs: the events as they come, without a report; of a wrong text its mistakes.
    pub fn run_for_programs(&self, args: &[&str]) -> Ran {
        let said = self.refloat(&[&["run", "--output", "json"], args].concat());
        if said.code == Some(3) {
            let report = serde_json::from_str(&said.out).expect("one document");
            return Ran { said, report };
        }
        let events = said.out.lines().map(|line| serde_json::from_str(line).expect("one event a line"));
        let report = serde_json::json!({ "events": events.collect::<Vec<Value>>() });
        Ran { said, report }
    }

    /// What was written down of the latest run.
    pub fn ran(&self, said: Said) -> Ran {
        let verified = self.refloat(&["report", "--verify"]);
        assert_eq!(verified.code, Some(0), "{verified:?}\n{said:?}");
        let report = self.refloat(&["report", "--format", "json"]);
        assert_eq!(report.code, Some(0), "{report:?}");
        let report: Value = serde_json::from_str(&report.out).expect("JSON");
        assert_eq!(report["exit"].as_i64(), said.code.map(i64::from), "{said:?}\n{report:#}");
        Ran { said, report }
    }

    /// The digest of the plan, to be confirmed.
    pub fn plan(&self, subject: &[&str]) -> String {
        let plan = self.refloat(&[&["plan", "--output", "json"], subject].concat());
        assert_eq!(plan.code, Some(0), "{plan:?}");
        let plan: Value = serde_json::from_str(&plan.out).expect("JSON");
        plan["plan"].as_str().expect("a digest").to_owned()
    }

    /// Nothing of a run is left: no master, no socket, no runner, no run folder, no staged file.
    pub fn nothing_is_left(&self, hosts: &[&str]) {
        let left: Vec<_> = fs::read_dir(self.path("control")).expect("a folder").collect();
        assert!(left.is_empty(), "control sockets: {left:?}");
        let control = self.path("control").display().to_string();
        let masters: Vec<String> = fs::read_dir("/proc")
            .expect("processes")
            .filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("cmdline")).ok())
            .filter(|line| line.contains(&control))
            .collect();
        assert!(masters.is_empty(), "masters: {masters:?}");
        for host in hosts {
            let find = "sudo -n find / \\( -path /proc -o -path /usr -o -path /sys -o -path /dev \\) -prune -o -name '.refloat*' -print";
            assert_eq!(self.lab.say(host, find), "", "{host}");
            // the dash keeps the search from finding itself
            eventually("the end of the runners", || self.lab.try_say(host, "pgrep -f 'dd ibs=[1]'").0 == Some(1));
        }
    }
}

impl Said {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// The events of a kind.
    pub fn events<'r>(&'r self, kind: &'r str) -> impl Iterator<Item = &'r Value> {
        self.report["events"].as_array().into_iter().flatten().filter(move |event| event["event"] == kind)
    }

    /// The last event.
    pub fn closed(&self) -> &Value {
        self.events("run_closed").last().expect("a run that ended")
    }

    /// The run ended with this code at this step, and says so with this text, in its output as well.
    pub fn ended(&self, code: i32, step: &str, text: &str) {
        let closed = self.closed();
        assert_eq!(self.said.code, Some(code), "{:#}\n{}\n{}", closed, self.said.out, self.said.err);
        assert_eq!(closed["step"], step, "{closed:#}");
        let reason = closed["reason"].as_str().expect("a reason");
        assert!(reason.contains(text), "{text:?} is not in {reason:?}");
        let shown = self.said.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(&text.split_whitespace().collect::<Vec<_>>().join(" ")), "{}", self.said.out);
    }

    /// The keys of the units that began, as `step host`.
    pub fn began(&self) -> Vec<String> {
        let units = self.events("units_started").flat_map(|event| event["units"].as_array().into_iter().flatten());
        let name = |unit: &Value| {
            let text = |name: &str| unit["unit"][name].as_str().unwrap_or_default().to_owned();
            format!("{} {}", text("step"), text("about"))
        };
        units.map(name).collect()
    }
}

/// Breaks the lab.
pub fn fault(lab: &TestLab, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    lab.fault(&Fault::parse(&words).expect("a fault")).unwrap_or_else(|e| panic!("{line}: {e}"));
}

/// Waits for a condition; the deadline is generous, since the machine may be busy.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_mins(1), "{what}: not within 60 s");
        std::thread::yield_now();
    }
}

/// A Consul server's answer on its own API; null when there is none.
pub fn api(lab: &TestLab, host: &str, path: &str) -> Value {
    let ask = "exec 3<>/dev/tcp/127.0.0.1/8500 && printf 'GET %s HTTP/1.0\\r\\n\\r\\n' ";
    let (_, text) = lab.try_say(host, &format!("{ask} {path} >&3 && sed '1,/^\\r$/d' <&3"));
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// A file of this project.
pub fn project(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).display().to_string()
}

fn shlex_word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn shlex_join(words: &[String]) -> String {
    words.iter().map(|word| shlex_word(word)).collect::<Vec<_>>().join(" ")
}
