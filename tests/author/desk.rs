//! A folder with a runbook, an inventory of this machine under two names, and a state folder of its own.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The folder.
pub struct Desk(tempfile::TempDir);

/// What a command gave.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Desk {
    pub fn new(runbook: &str) -> Self {
        let desk = Self(tempfile::tempdir().expect("a folder"));
        let other = desk.path().join("other-home");
        fs::create_dir(&other).expect("made");
        // two hosts are two homes on this machine
        let inventory = format!(
            "inventory: here\nhosts:\n  a-1: {{ connect: {{ via: local }} }}\n  \
             a-2: {{ connect: {{ via: exec, command: [env, \"HOME={}\"] }} }}\ngroups: {{ pair: {{ hosts: [ a-1, a-2 ] }} }}\n",
            other.display()
        );
        desk.write("i.yaml", &inventory);
        desk.write("r.yaml", runbook);
        desk
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).expect("written");
    }

    /// Runs refloat here with these arguments.
    pub fn refloat(&self, words: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_refloat"));
        command.args(words).args(["--state", "state"]).current_dir(self.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.path()).stdin(Stdio::null());
        let output = command.output().expect("the binary starts");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Said { code: output.status.code().expect("no signal"), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The same of one line, which must end with this code.
    pub fn ends(&self, code: i32, words: &str) -> Said {
        let said = self.refloat(&words.split(' ').collect::<Vec<_>>());
        assert_eq!(said.code, code, "{words}\n{}\n{}", said.out, said.err);
        said
    }
}
