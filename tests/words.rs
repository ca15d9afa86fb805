//! What commands say and refuse before anything connects: fast, without hosts.

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const INVENTORY: &str =
    "inventory: here\nconnect: { via: local }\nhosts: { a-1: { address: 127.0.0.1, vars: { key: inventory-key } } }\n";

struct Desk(tempfile::TempDir);

impl Desk {
    fn new(runbook: &str) -> Self {
        let desk = Self(tempfile::tempdir().expect("a folder"));
        desk.write("i.yaml", INVENTORY);
        desk.write("r.yaml", runbook);
        desk
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).expect("written");
        self.mode(name, 0o644);
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path().join(name), Permissions::from_mode(mode)).expect("set");
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_refloat"));
        command.args(words.split(' ')).args(["--state", "state"]).current_dir(self.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
        command
    }

    /// Exit code, standard output, standard error.
    fn run(&self, words: &str) -> (i32, String, String) {
        let Output { status, stdout, stderr } = self.command(words).output().expect("the binary starts");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (status.code().expect("no signal"), text(stdout), text(stderr))
    }
}

const NOTE: &str = "runbook: test/note\nrisk: read-only\nsteps: [{ id: say, note: hello }]\n";

#[test]
fn a_plan_shows_no_secret_of_params_or_vars() {
    let desk = Desk::new(
        "runbook: test/secrets\nrisk: read-only\nparams: { token: { type: secret } }\nvars: { key: { type: secret } }\n\
         steps:\n  - { id: say, note: \"token {{params.token}}\" }\n  \
         - { id: each, hosts: a-1, note: \"key {{vars.key}}\" }\n",
    );
    for output in ["text", "json"] {
        let (code, shown, said) = desk.run(&format!("plan r.yaml -i i.yaml -p token=param-token --output {output}"));
        assert_eq!(code, 0, "{said}");
        assert!(shown.matches("[secret]").count() == 2, "{shown}");
        assert!(!shown.contains("param-token") && !shown.contains("inventory-key"), "{shown}");
    }
    let (code, _, said) = desk.run("run r.yaml -i i.yaml -p token=param-token");
    assert_eq!(code, 0, "{said}");
    let files = kept(&desk.path().join("state"), &[b"inventory-key", b"param-token"]);
    assert!(files >= 2, "the journal and what it stores: {files}");
}

/// How many files a folder holds, none of them with any of these words.
fn kept(folder: &Path, hidden: &[&[u8]]) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files += kept(&path, hidden);
            continue;
        }
        files += 1;
        let bytes = fs::read(&path).expect("a file");
        let holds = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
        assert!(!hidden.iter().any(|word| holds(word)), "{}", path.display());
    }
    files
}

#[test]
fn a_step_that_can_never_be_rendered_is_refused_before_the_run() {
    let text = |more: &str| {
        format!(
            "runbook: test/never\nrisk: reversible\nvars: {{ gone: {{ type: string }} }}\nsteps: [{{ id: a, hosts: a-1, run: 'echo {{{{vars.gone}}}}'{more} }}]\n"
        )
    };
    let desk = Desk::new(&text(""));
    for verb in ["plan", "run"] {
        let (code, _, said) = desk.run(&format!("{verb} r.yaml -i i.yaml"));
        assert_eq!(code, 3, "{said}");
        assert!(said.contains("not-renderable") && said.contains("on a-1"), "{said}");
    }
    assert!(!desk.path().join("state").exists(), "no run began");
    // whether it is carried out is known later only
    desk.write("r.yaml", &text(", when: 'eq host.name \"b\"'"));
    assert_eq!(desk.run("plan r.yaml -i i.yaml").0, 0);
}

#[test]
fn a_destructive_run_reads_only_what_nobody_else_can_write() {
    let desk = Desk::new("runbook: test/d\nrisk: destructive\nsteps: [{ id: say, note: hello }]\n");
    fs::create_dir(desk.path().join("inv")).expect("made");
    desk.mode("inv", 0o755);
    desk.write("inv/i.yaml", "inventory: here\nconnect: { ssh_config: ../ssh }\nhosts: { a-1: }\n");
    desk.write("ssh", "");
    for (file, mode) in [("inv/i.yaml", 0o666), ("ssh", 0o666), ("r.yaml", 0o662), ("inv", 0o777)] {
        let before = fs::metadata(desk.path().join(file)).expect("there").permissions().mode() & 0o7777;
        desk.mode(file, mode);
        let (code, _, said) = desk.run("run r.yaml -i inv");
        assert_eq!(code, 4, "{file}: {said}");
        assert!(said.contains("can be written by"), "{file}: {said}");
        desk.mode(file, before);
    }
    let (_, _, said) = desk.run("run r.yaml -i inv");
    assert!(!said.contains("can be written by"), "{said}");
}

#[test]
fn what_is_given_twice_is_refused() {
    let desk = Desk::new(NOTE);
    for line in ["plan r.yaml -i i.yaml -p n=1 -p n=3", "duty 01 -p a-1/key=1 -p a-1/key=3"] {
        let (code, _, said) = desk.run(line);
        assert_eq!(code, 2, "{line}: {said}");
        assert!(said.contains("number 1 and number 2"), "{line}: {said}");
    }
}

#[test]
fn a_good_end_is_called_what_it_was() {
    let desk = Desk::new(NOTE);
    let (code, shown, said) = desk.run("run r.yaml -i i.yaml");
    assert_eq!(code, 0, "{said}");
    assert!(shown.contains("✓ done in"), "{shown}");
    for words in ["report", "runs"] {
        let (_, shown, _) = desk.run(words);
        assert!(shown.contains("done") && !shown.contains("recovered"), "{shown}");
    }
}

#[test]
fn what_a_runbook_does_not_declare_is_kept_nowhere() {
    let desk = Desk::new("runbook: test/other\nrisk: read-only\nsteps: [{ id: say, hosts: a-1, note: hello }]\n");
    assert_eq!(desk.run("run r.yaml -i i.yaml").0, 0);
    assert!(kept(&desk.path().join("state"), &[b"inventory-key"]) >= 2);
    for form in ["text", "markdown", "json"] {
        assert!(!desk.run(&format!("report --format {form}")).1.contains("inventory-key"), "{form}");
    }
}

#[test]
fn a_state_that_is_not_there_is_not_made_by_looking() {
    let desk = Desk::new(NOTE);
    for words in ["report", "runs", "duty"] {
        let (code, _, said) = desk.run(words);
        assert_eq!(code, 6, "{said}");
        assert!(said.contains("there is no journal in state"), "{said}");
        assert!(!desk.path().join("state").exists(), "{words}");
    }
}

/// Whether folders can be mounted, in a mount namespace of their own.
fn mounts() -> Option<&'static str> {
    let own = if rustix::process::geteuid().is_root() { "-m" } else { "-rm" };
    let probe = Command::new("unshare").args([own, "mount", "-t", "tmpfs", "none", "/tmp"]).output();
    let probe = probe.map_err(|error| error.to_string()).and_then(|done| {
        if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
    });
    crate::support::tier("namespaces", probe).then_some(own)
}

/// The program behind some mounts: exit code, standard output, standard error.
fn mounted(desk: &Desk, own: &str, mount: &str, words: &str) -> (i32, String, String) {
    let script = format!("{mount} && exec \"$0\" \"$@\"");
    let mut command = Command::new("unshare");
    command.args([own, "sh", "-c", &script, env!("CARGO_BIN_EXE_refloat")]).args(words.split(' '));
    command.args(["--state", "state"]).current_dir(desk.path()).env_clear().env("HOME", desk.path());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
    let Output { status, stdout, stderr } = command.output().expect("unshare");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("no signal"), text(stdout), text(stderr))
}

#[test]
fn a_state_that_cannot_be_written_is_read() {
    let Some(own) = mounts() else { return };
    let desk = Desk::new(NOTE);
    assert_eq!(desk.run("run r.yaml -i i.yaml").0, 0);
    let mount = "mount --bind state state && mount -o remount,bind,ro state && ! touch state/x 2>/dev/null";
    for left in [&["journal.db-wal", "journal.db-shm"][..], &[]] {
        for name in left {
            // as after a run that ended well
            let _ = fs::remove_file(desk.path().join("state").join(name));
        }
        for (words, wanted) in [("runs", "test/note"), ("report", "test/note"), ("report --verify", "whole")] {
            let (code, shown, said) = mounted(&desk, own, mount, words);
            assert_eq!(code, 0, "{words}: {said}");
            assert!(shown.contains(wanted), "{shown}");
        }
        let (code, _, said) = mounted(&desk, own, mount, "run r.yaml -i i.yaml");
        assert_eq!(code, 6, "{said}");
        assert!(said.to_lowercase().contains("read-only"), "the cause: {said}");
        // a run that was cut off leaves a log beside the journal
        let cut = desk.command("run r.yaml -i i.yaml").env("REFLOAT_KILL_AT", "5").output().expect("the binary starts");
        assert_eq!(cut.status.code(), None, "it was killed");
    }
    let (_, shown, said) = mounted(&desk, own, mount, "runs");
    assert_eq!(shown.matches("cut off").count(), 2, "{shown}{said}");
}

#[test]
fn a_full_disk_is_told_by_its_name() {
    let Some(own) = mounts() else { return };
    let desk = Desk::new(
        "runbook: test/full\nrisk: reversible\nsteps:\n  - { id: fill, hosts: a-1, run: 'cat /dev/zero >DISK/fill || true' }\n  \
         - { id: after, hosts: a-1, run: 'touch DISK/after' }\n",
    );
    fs::create_dir(desk.path().join("state")).expect("made");
    desk.mode("state", 0o700);
    let text = fs::read_to_string(desk.path().join("r.yaml")).expect("there");
    desk.write("r.yaml", &text.replace("DISK", &desk.path().join("state").display().to_string()));
    let mount = "mount -t tmpfs -o size=4m,mode=0700 none state";
    let (code, _, said) = mounted(&desk, own, mount, "run r.yaml -i i.yaml");
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("the disk that holds") && said.contains("is full; free some space there"), "{said}");
    assert!(said.contains("may have changed hosts"), "{said}");
    let (code, _, said) = mounted(
        &desk,
        own,
        &format!("{mount} && (cat /dev/zero >state/fill 2>/dev/null; true)"),
        "run r.yaml -i i.yaml",
    );
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("is full; free some space there"), "{said}");
}

/// What the program writes to a terminal of this kind.
fn at_a_terminal(desk: &Desk, kind: &str, words: &str) -> String {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&keys).expect("ours");
    unlockpt(&keys).expect("open");
    let name = ptsname(&keys, Vec::new()).expect("a name").into_string().expect("a path");
    let screen = OpenOptions::new().read(true).write(true).open(name).expect("the other end");
    let mut child = desk.command(words).env("TERM", kind).stdout(screen).spawn().expect("the binary starts");
    let mut shown = Vec::new();
    let mut piece = [0; 4096];
    // the last writer's end is an error here
    while let Ok(n) = std::io::Read::read(&mut fs::File::from(keys.try_clone().expect("an end")), &mut piece) {
        shown.extend_from_slice(&piece[..n]);
    }
    assert!(child.wait().expect("it ends").success());
    String::from_utf8(shown).expect("UTF-8")
}

#[test]
fn a_terminal_that_cannot_be_steered_is_not() {
    let desk = Desk::new(NOTE);
    let steered = at_a_terminal(&desk, "xterm", "run r.yaml -i i.yaml");
    assert!(steered.contains('\u{1b}'), "{steered:?}");
    let dumb = at_a_terminal(&desk, "dumb", "run r.yaml -i i.yaml");
    assert!(dumb.contains("hello") && !dumb.contains('\u{1b}'), "{dumb:?}");
}

#[test]
fn a_plan_steers_no_terminal() {
    let desk = Desk::new(
        "runbook: test/esc\ntitle: \"T\\e[2J\"\nrisk: read-only\nsteps: [{ id: say, title: \"a\\rb\", why: \"c\\e[1m\", note: hello }]\n",
    );
    let (code, shown, said) = desk.run("plan r.yaml -i i.yaml");
    assert_eq!(code, 0, "{said}");
    assert!(shown.contains("a\\rb") && shown.contains("c\\u{1b}") && shown.contains("T\\u{1b}"), "{shown}");
    assert!(!shown.contains(['\r', '\u{1b}']), "{shown}");
}

#[test]
fn output_that_cannot_be_written_is_an_error_and_no_panic() {
    let desk = Desk::new(NOTE);
    assert_eq!(desk.run("run r.yaml -i i.yaml").0, 0);
    for words in ["plan r.yaml -i i.yaml", "plan r.yaml -i i.yaml --output json", "report", "runs"] {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("it is there");
        let output = desk.command(words).stdout(full).output().expect("the binary starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words}: {said}");
        assert!(said.contains("cannot write to standard output") && !said.contains("panic"), "{words}: {said}");
    }
}

#[test]
fn what_never_ends_is_not_read() {
    let desk = Desk::new(NOTE);
    for words in ["validate /dev/zero", "plan r.yaml -i /dev/zero"] {
        let (code, _, said) = desk.run(words);
        assert_eq!(code, 3, "{said}");
        assert!(said.contains("no regular file"), "{said}");
    }
}

#[test]
fn a_state_folder_that_is_open_to_others_is_left_as_it_is() {
    let desk = Desk::new(NOTE);
    fs::create_dir(desk.path().join("state")).expect("made");
    desk.mode("state", 0o755);
    let (code, _, said) = desk.run("run r.yaml -i i.yaml");
    assert_eq!(code, 6, "{said}");
    assert_eq!(fs::read_dir(desk.path().join("state")).expect("there").count(), 0);
}

#[test]
fn the_head_of_another_run_is_no_damage() {
    let desk = Desk::new(NOTE);
    assert_eq!(desk.run("run r.yaml -i i.yaml").0, 0);
    let (code, _, said) = desk.run(&format!("report --verify --head {}", "0".repeat(64)));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("the chain is whole, but") && !said.contains("damaged"), "{said}");
}
