//! Each action by the real program, on this machine: what it does, what it refuses, that the second time changes nothing,
//! and what a plan shows of it beforehand.

mod asides;
mod containers;
mod ends;
mod files;
mod gates;
mod http;
mod links;
pub mod over_ssh;
mod parts;
mod paths;
mod runs;
mod secrets;
mod uses;
mod wholes;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with a runbook, a journal, and what the runbook works on (`OUT`). The host `a` is this
/// machine, as the controller is.
pub struct Bench {
    folder: TempDir,
}

/// A run that has ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub shown: String,
    pub report: Value,
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["out", "control"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        let inventory = "inventory: test\nhosts: { a: { connect: { via: local } } }\n";
        fs::write(folder.path().join("inventory.yaml"), inventory).expect("a file");
        Self { folder }
    }

    /// A path below `OUT`.
    pub fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join("out").join(name)
    }

    /// A path beside the runbook.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, args: &[&str], steps: &str) -> Command {
        let steps = steps.replace("OUT", &self.folder.path().join("out").display().to_string());
        let text = format!("runbook: test/actions\nrisk: reversible\nsteps:\n{steps}");
        fs::write(self.beside("book.yaml"), text).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_refloat"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("HOME", self.folder.path());
        command.env("REFLOAT_STATE", self.beside("state")).env("XDG_RUNTIME_DIR", self.beside("control"));
        command
    }

    fn refloat(&self, args: &[&str], steps: &str) -> Output {
        self.command(args, steps).output().expect("the program starts")
    }

    /// `refloat plan` of these steps.
    pub fn plan(&self, steps: &str) -> String {
        let output = self.refloat(&["plan", "book.yaml", "-i", "inventory.yaml"], steps);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// `refloat run` of these steps, and what was written down.
    pub fn run(&self, steps: &str) -> Ran {
        let ran = self.refloat(&["run", "book.yaml", "-i", "inventory.yaml"], steps);
        self.ran(&ran, steps)
    }

    /// The same, on hosts that another run has left locked.
    pub fn over(&self, owner: &Ran, steps: &str) -> Ran {
        let owner = owner.report["run"].as_str().expect("an id");
        let ran = self.refloat(&["run", "book.yaml", "-i", "inventory.yaml", "--takeover", owner], steps);
        self.ran(&ran, steps)
    }

    fn ran(&self, output: &Output, steps: &str) -> Ran {
        let shown = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        // a wrong text: there was no run
        if output.status.code() == Some(3) {
            return Ran { code: Some(3), shown, report: Value::Null };
        }
        let report = self.refloat(&["report", "--format", "json"], steps);
        let report = serde_json::from_slice(&report.stdout).unwrap_or_else(|e| panic!("{e}: {report:?}\n{shown}"));
        Ran { code: output.status.code(), shown, report }
    }
}

impl Ran {
    /// The events of a kind.
    pub fn events<'r>(&'r self, kind: &'r str) -> impl Iterator<Item = &'r Value> {
        self.report["events"].as_array().into_iter().flatten().filter(move |event| event["event"] == kind)
    }

    /// It ended well, and these are the outcomes of its steps.
    pub fn well(&self, outcomes: &[&str]) {
        assert_eq!(self.code, Some(0), "{}", self.shown);
        let found: Vec<&str> = self.events("step_closed").filter_map(|event| event["outcome"].as_str()).collect();
        assert_eq!(found, outcomes, "{}", self.shown);
    }

    /// It failed, or was refused, also before it began, and says why.
    pub fn failed(&self, why: &str) {
        if self.code == Some(3) {
            let words: Vec<&str> = self.shown.split(|c: char| c.is_whitespace() || c == '│').collect();
            let said = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
            assert!(said.contains(why), "{why:?} is not in {said}");
            return;
        }
        let reason = self.events("run_closed").last().map(|event| event["reason"].to_string()).unwrap_or_default();
        assert!(matches!(self.code, Some(1 | 4)), "{}", self.shown);
        assert!(reason.contains(why), "{why:?} is not in {reason}\n{}", self.shown);
    }

    /// The notes in the timeline.
    pub fn notes(&self) -> Vec<&str> {
        self.events("noted").filter_map(|event| event["text"].as_str()).collect()
    }
}
