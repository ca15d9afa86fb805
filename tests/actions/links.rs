//! Steps that take their own connection away, or the host.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::over_ssh::inventory;
use super::{Bench, Ran};
use crate::support::sshd::{Sshd, available};
use crate::support::tier;

#[test]
fn what_ends_the_place_it_runs_in_is_done_when_it_was_begun() {
    let bench = Bench::new();
    // its parent is what would write its end down
    let steps = "  - id: leave\n    hosts: a\n    run: { command: 'echo effect >>OUT/effects; kill -9 $PPID', ends_connection: true }\n    done_when: { command: 'test -e OUT/effects' }\n  - { id: told, note: 'exit {{default outputs.leave.exit \"unknown\"}}' }\n";
    let ran = bench.run(steps);
    ran.well(&["changed", "ok"]);
    assert_eq!(ran.notes().last(), Some(&"exit unknown"), "{}", ran.shown);
    assert_eq!(fs::read_to_string(bench.out("effects")).expect("effects"), "effect\n");
    // an end that was written down counts
    bench.run("  - id: bad\n    hosts: a\n    run: { command: exit 7, ends_connection: true }\n").failed("exit 7");
    // `done_when` decides more
    let not_done = steps
        .replace("test -e OUT/effects", "test -e OUT/never")
        .replace("    done_when", "    timeout: 2s\n    done_when");
    bench.run(&not_done).failed("it was carried out and is not done");
    // and nobody else's end is made up
    let plain = bench.run(&steps.replace(", ends_connection: true", "").replace("OUT/effects'", "OUT/other'"));
    assert_eq!(plain.code, Some(5), "{}", plain.shown);
}

/// Runs steps on a host behind ssh whose `reboot` is a stand-in, and restarts the host when it is asked for.
fn restarting(bench: &Bench, sshd: &mut Sshd, steps: &str, restart: bool) -> Ran {
    let programs = bench.beside("programs");
    fs::create_dir_all(&programs).expect("a folder");
    let asked = bench.out("asked");
    for program in ["reboot", "systemctl", "shutdown"] {
        let path = programs.join(program);
        fs::write(&path, format!("#!/bin/sh\necho {program} \"$@\" >>{}\n", asked.display())).expect("a file");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    }
    let path = format!("connect: {{ path: '{}:/usr/bin:/bin', ", programs.display());
    fs::write(bench.beside("inventory.yaml"), inventory(sshd).replace("connect: { ", &path)).expect("a file");
    std::thread::scope(|scope| {
        let run = scope.spawn(|| bench.run(steps));
        let deadline = Instant::now() + Duration::from_mins(1);
        while !asked.exists() && !run.is_finished() {
            assert!(Instant::now() < deadline, "nobody asks for a restart");
            std::thread::sleep(Duration::from_millis(20));
        }
        if restart && asked.exists() {
            sshd.kill();
            fs::write(sshd.path("boot"), "11111111-2222-3333-4444-555555555555\n").expect("a file");
            sshd.again();
        }
        run.join().expect("a run")
    })
}

fn asked(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn a_host_restarts_once_and_the_run_goes_on_there() {
    if !tier("sshd", available()) {
        return;
    }
    let (mut sshd, bench) = (Sshd::start(""), Bench::new());
    let steps = "  - id: restart\n    hosts: far\n    reboot: { within: 2m }\n  - id: after\n    hosts: far\n    run: cat /proc/sys/kernel/random/boot_id\n";
    assert!(bench.plan(&steps.replace("far", "a")).contains("restart, and be back within 2m"));
    let ran = restarting(&bench, &mut sshd, steps, true);
    ran.well(&["changed", "changed"]);
    assert_eq!(asked(&bench.out("asked")), "reboot\n", "asked for once, and not of a systemd that does not run");
    // one that does not restart is a failure, and the host is told apart from one that does not answer
    fs::remove_file(bench.out("asked")).expect("removed");
    let stays = restarting(&bench, &mut sshd, &steps.replace("2m", "4s"), false);
    stays.failed("it was asked to restart, and has not within 4s");
}

#[test]
fn a_command_that_prints_no_more_is_ended_and_says_so() {
    let bench = Bench::new();
    let step = "  - id: it\n    hosts: a\n    idle_timeout: 1s\n    run: echo begin; sleep 600\n";
    let ran = bench.run(step);
    ran.failed("it printed nothing for 1s");
    assert_eq!(ran.events("unit_ended").last().expect("an end")["outcome"], "timed_out");
    // written on a group it is of its commands
    let group = "  - id: all\n    idle_timeout: 1s\n    steps:\n      - { id: file, hosts: a, file: { path: OUT/f, content: x } }\n      - { id: it, hosts: a, run: sleep 600 }\n";
    bench.run(group).failed("it printed nothing for 1s");
}
