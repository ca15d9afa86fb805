//! Hosts behind `podman exec`, real containers: steps in them, and their engine's log around a step.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use super::{Bench, Ran};
use crate::support::tier;

/// What a container does: it speaks when it is told to, and ends when it is told to; then podman starts it again.
const MAIN: &str = "echo begun
while sleep 0.1; do
  if [ -e /say ]; then echo 'elected term=7'; echo 'on standard error' >&2; rm /say; fi
  if [ -e /moan ]; then echo 'panic: lost' >&2; rm /moan; fi
  if [ -e /die ]; then rm /die; echo ended; exit 3; fi
done";

/// Containers of two names in a store of their own. Dropped, all of it goes.
struct Boxes {
    bench: Bench,
    podman: Vec<String>,
}

impl Boxes {
    fn up() -> Option<Self> {
        let found = Command::new("podman").arg("--version").output().is_ok();
        let root = rustix::process::geteuid().is_root();
        if !tier("podman", (found && root).then_some(()).ok_or("no podman, or not root".to_owned())) {
            return None;
        }
        let bench = Bench::new();
        // a limit that a container may not raise where the tests may not
        let limits = "[containers]\ndefault_ulimits = [\"nofile=20000:20000\",\"nproc=20000:20000\"]\n\
            log_driver = \"k8s-file\"\n";
        fs::write(bench.beside("containers.conf"), limits).expect("a file");
        let path = |name: &str| bench.beside(name).display().to_string();
        let conf = format!("CONTAINERS_CONF={}", path("containers.conf"));
        let (store, rundir, tmp) = (path("store"), path("rundir"), path("tmp"));
        let own = ["--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "file"];
        let places = ["--storage-driver", "vfs", "--root", &store, "--runroot", &rundir, "--tmpdir", &tmp];
        let podman = ["env", &conf, "podman"].into_iter().chain(own).chain(places).map(str::to_owned).collect();
        let boxes = Self { bench, podman };
        for name in ["box-1", "box-2"] {
            let root = boxes.root(name);
            for folder in ["bin", "proc", "dev", "sys", "run", "etc", "tmp", "root"] {
                fs::create_dir_all(root.join(folder)).expect("a folder");
            }
            fs::copy("/bin/busybox", root.join("bin/busybox")).expect("busybox, which is static");
            let installed =
                Command::new("chroot").arg(&root).args(["/bin/busybox", "--install", "-s", "/bin"]).status();
            assert!(installed.expect("chroot starts").success());
            let root = root.display().to_string();
            let run = ["run", "-d", "--name", name, "--network", "none", "--restart", "always", "--rootfs", &root];
            let up = boxes.podman(&[&run[..], &["/bin/sh", "-c", MAIN]].concat());
            assert!(up.status.success(), "{up:?}");
        }
        let enter = boxes.podman.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ");
        let inventory = format!(
            "inventory: test\nhosts:\n  box-[1:2]: {{ connect: {{ via: exec, command: [ {enter}, exec, -i, \"{{{{name}}}}\" ] }} }}\n  a: {{ connect: {{ via: local }} }}\n"
        );
        fs::write(boxes.bench.beside("inventory.yaml"), inventory).expect("a file");
        Some(boxes)
    }

    fn root(&self, name: &str) -> PathBuf {
        self.bench.beside("roots").join(name)
    }

    fn podman(&self, args: &[&str]) -> Output {
        Command::new(&self.podman[0]).args(&self.podman[1..]).args(args).output().expect("podman starts")
    }

    fn run(&self, steps: &str) -> Ran {
        self.bench.run(steps)
    }
}

impl Drop for Boxes {
    fn drop(&mut self) {
        let gone = self.podman(&["rm", "-f", "-a", "-t", "0"]);
        if !gone.status.success() {
            eprintln!("containers are left behind: {gone:?}");
        }
    }
}

#[test]
fn a_container_is_a_host_and_its_engine_keeps_its_log() {
    let Some(boxes) = Boxes::up() else { return };
    let watch = |id: &str, script: &str, watch: &str| {
        format!("  - id: {id}\n    hosts: box-*\n    run: {script}\n    watch: {{ log: 'container:', {watch} }}\n")
    };

    // what it writes to either of its streams, from the action's beginning on; what a group finds is an output
    let said = boxes.run(&format!(
        "{}{}",
        watch("speak", "touch /say", "within: 20s, settle: 500ms, expect: [ { matches: 'elected term=(?<term>\\d+)' }, { line: on standard error, exactly: 2 } ], never: [ { line: begun } ]"),
        "  - { id: see, hosts: box-*, require: { that: eq outputs.speak.term \"7\", message: the group is an output } }\n",
    ));
    said.well(&["changed", "ok"]);
    let logs: Vec<&str> = said.events("log_matched").filter_map(|event| event["log"].as_str()).collect();
    assert_eq!(logs, ["container:"; 4], "{}", said.shown);

    // the engine's log goes on when the container is started anew, and nothing of before counts again; whether the end
    // of the command is still written down before its place goes is open
    let back = boxes.run(&watch(
        "restart",
        "{ command: touch /die, ends_connection: true }",
        "within: 20s, expect: [ { line: ended }, { line: begun } ], never: [ { line: elected } ]",
    ));
    back.well(&["changed"]);

    let bad = boxes.run(&watch("moan", "touch /moan", "within: 20s, settle: 2s, never: [ { line: panic } ]"));
    bad.failed("panic: lost");

    // this machine is no container, which is known before anything begins
    let none =
        boxes.run("  - { id: x, hosts: a, run: 'true', watch: { log: 'container:', never: [ { line: x } ] } }\n");
    assert_eq!(none.code, Some(3), "{}", none.shown);
    none.failed("`container:` is the log of a host that is `via: exec`");
}
