//! Drills by the real program: what they tell, what they leave, and that those of this project are as expected.

mod project;
mod small;
mod web;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::lab::consul_program;

/// A folder in which drills are written, and all that they make.
struct Range {
    folder: TempDir,
}

/// What the program said.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Range {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["control", "tmp", "texts"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path("texts").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_refloat"));
        command.args(args).current_dir(self.path("texts")).stdin(Stdio::null());
        command.env("REFLOAT_STATE", self.path("state")).env("XDG_RUNTIME_DIR", self.path("control"));
        command.env("TMPDIR", self.path("tmp"));
        if let Ok(consul) = consul_program() {
            command.env("REFLOAT_CONSUL", consul);
        }
        command
    }

    fn refloat(&self, args: &[&str]) -> Said {
        let output = self.command(args).output().expect("the program starts");
        Said {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
    }

    /// One drill, and the document that it ends with.
    fn drill(&self, file: &str, variant: &str) -> (Said, Value) {
        let said = self.refloat(&["drill", file, "--variant", variant, "--output", "json"]);
        let document = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
        self.nothing_is_left();
        (said, document)
    }

    /// No lab, no process, no mount, no socket.
    fn nothing_is_left(&self) {
        for name in ["tmp", "control"] {
            let left: Vec<_> = fs::read_dir(self.path(name)).expect("a folder").collect();
            assert!(left.is_empty(), "{name}: {left:?}");
        }
        let here = self.path("tmp").display().to_string();
        assert!(!fs::read_to_string("/proc/self/mountinfo").expect("mounts").contains(&here));
        let shows = |path: &Path| {
            let text = |file: &str| fs::read(path.join(file)).unwrap_or_default();
            let mut all = text("cmdline");
            all.extend(text("environ"));
            String::from_utf8_lossy(&all).contains(&here)
        };
        let processes = fs::read_dir("/proc").expect("processes").flatten().map(|entry| entry.path());
        let left: Vec<_> = processes.filter(|path| shows(path)).collect();
        assert!(left.is_empty(), "processes: {left:?}");
    }
}

/// The texts of a list.
fn words(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
