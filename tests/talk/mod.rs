//! Runs that people talk to while they go on: signals, terminals that go away, other processes that watch, cancel and
//! note, disks that are full. All on this machine, by the real program.

mod attach;
mod cancel;
mod disk;
mod heeded;
mod lock;
mod pinned;
mod resume;
mod signals;

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Waits for a condition; longer than anything here takes on a busy machine.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(90);
    while !so() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A step that says that it runs, waits until it may end, and says that it has. It ends with the folder, too.
pub const WAITS: &str = "
  - id: first
    hosts: a
    run: |
      echo $$ > OUT/pid
      touch OUT/started
      while [ -d OUT ] && [ ! -e OUT/go ]; do sleep 0.05; done
      touch OUT/ended
  - { id: second, hosts: a, run: touch OUT/second }
";

/// A folder with a runbook, a journal, and what the runbook works on (`OUT`). The host `a` is this machine.
pub struct Desk {
    folder: TempDir,
}

impl Desk {
    pub fn with(steps: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["out", "control"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        let inventory = "inventory: test\nhosts: { a: { connect: { via: local } } }\n";
        fs::write(folder.path().join("inventory.yaml"), inventory).expect("a file");
        let desk = Self { folder };
        let steps = steps.replace("OUT", &desk.path("out").display().to_string());
        let text = format!("runbook: test/talk\nrisk: reversible\nsteps:{steps}");
        fs::write(desk.path("book.yaml"), text).expect("a file");
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn out(&self, name: &str) -> bool {
        self.path("out").join(name).exists()
    }

    /// Lets something happen.
    pub fn touch(&self, name: &str) {
        fs::write(self.path("out").join(name), "").expect("a file");
    }

    pub fn command(&self, args: &[&str]) -> Command {
        self.program(env!("CARGO_BIN_EXE_refloat"), args)
    }

    pub fn program(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("HOME", self.folder.path());
        command.env("REFLOAT_STATE", self.path("state")).env("XDG_RUNTIME_DIR", self.path("control"));
        command
    }

    pub fn refloat(&self, args: &[&str]) -> Said {
        Said::of(&self.command(args).output().expect("the program starts"))
    }

    /// Starts a command; what it says goes to files with this name.
    pub fn spawn(&self, name: &str, command: &mut Command) -> Going<'_> {
        let file = |stream: &str| File::create(self.path(&format!("{name}.{stream}"))).expect("a file");
        let child = command.stdout(file("out")).stderr(file("err")).spawn().expect("the program starts");
        Going { desk: self, name: name.to_owned(), child }
    }

    /// `refloat run`, and it has begun with its first step.
    pub fn run(&self) -> Going<'_> {
        let going = self.spawn("run", &mut self.command(&["run", "book.yaml", "-i", "inventory.yaml"]));
        until("the first step began", || self.out("started"));
        going
    }

    /// The latest run as it was written down; the chain is whole.
    pub fn report(&self) -> Value {
        let verified = self.refloat(&["report", "--verify"]);
        assert_eq!(verified.code, Some(0), "{verified:?}");
        let report = self.refloat(&["report", "--format", "json"]);
        serde_json::from_str(&report.out).unwrap_or_else(|error| panic!("{error}: {report:?}"))
    }

    /// The run's id.
    pub fn id(&self) -> String {
        let runs = self.refloat(&["runs", "--output", "json"]);
        let runs: Value = serde_json::from_str(&runs.out).unwrap_or_else(|error| panic!("{error}: {runs:?}"));
        runs[0]["run"].as_str().expect("a run").to_owned()
    }

    /// What the list of runs says of the latest.
    pub fn status(&self) -> String {
        let runs = self.refloat(&["runs", "--output", "json"]);
        let runs: Value = serde_json::from_str(&runs.out).unwrap_or_else(|error| panic!("{error}: {runs:?}"));
        runs[0]["status"].as_str().expect("a status").to_owned()
    }

    /// The processes of the first step are gone.
    pub fn stopped_on_the_host(&self) {
        let pid = fs::read_to_string(self.path("out").join("pid")).expect("a process");
        let pid = Pid::from_raw(pid.trim().parse().expect("a number")).expect("a process");
        until("the step was stopped on the host", || rustix::process::test_kill_process(pid).is_err());
    }
}

/// The events of a kind.
pub fn events<'r>(report: &'r Value, kind: &'r str) -> Vec<&'r Value> {
    let events = report["events"].as_array().into_iter().flatten();
    events.filter(|event| event["event"] == kind).collect()
}

/// What a program said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// It ended so, and said this.
    pub fn is(&self, code: i32, words: &str) {
        let all = format!("{}{}", self.out, self.err);
        assert!(self.code == Some(code) && all.contains(words), "not {code} with {words:?}: {self:?}");
    }
}

/// A program that was started. It is killed if the test fails.
pub struct Going<'d> {
    desk: &'d Desk,
    name: String,
    child: Child,
}

impl Going<'_> {
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a number")).expect("a process");
        kill_process(pid, signal).expect("it lives");
    }

    /// What it said until now.
    pub fn text(&self, stream: &str) -> String {
        fs::read_to_string(self.desk.path(&format!("{}.{stream}", self.name))).expect("text")
    }

    /// Waits until it has said this.
    pub fn says(&self, stream: &str, words: &str) {
        until(words, || self.text(stream).contains(words));
    }

    /// Waits for its end.
    pub fn end(mut self) -> Said {
        let mut ended = None;
        until("its end", || {
            ended = self.child.try_wait().expect("ours");
            ended.is_some()
        });
        let status = ended.expect("ended");
        let code = status.code().or_else(|| status.signal().map(|signal| 1000 + signal));
        Said { code, out: self.text("out"), err: self.text("err") }
    }
}

impl Drop for Going<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            // what a failed test left running ends by itself
            self.desk.touch("go");
        }
    }
}
