//! Steps that take their own connection away, or the host.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use refloat::action::registry::{self, Leaf};
use refloat::action::{Cx, Holes, Login, Logs, Ready};
use refloat::base::diag::Diagnostics;
use refloat::base::digest::Digest;
use refloat::base::ids::{RunId, UnitKey};
use refloat::base::permit::Permit;
use refloat::base::span::Sources;
use refloat::template::{Base, Read, ReadError, Scope};
use refloat::text;
use refloat::transport::route::Routes;
use refloat::transport::ssh::Options;
use refloat::transport::{Claims, Hands, Transport as _};

use super::over_ssh::inventory;
use super::{Bench, Ran};
use crate::support::sshd::{Sshd, available};
use crate::support::tier;
use crate::transport::ssh::kill_master;
use crate::transport::until;

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
    let plain = bench.run(&not_done.replace(", ends_connection: true", ""));
    assert_eq!(plain.code, Some(5), "{}", plain.shown);
}

/// The programs that restart a host write down that they were called, and the host's `PATH` begins with them.
fn stand_ins(bench: &Bench) -> String {
    let programs = bench.beside("programs");
    fs::create_dir_all(&programs).expect("a folder");
    for program in ["reboot", "systemctl", "shutdown"] {
        let path = programs.join(program);
        let text = format!("#!/bin/sh\necho {program} \"$@\" >>{}\n", bench.out("asked").display());
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    }
    format!("{}:/usr/bin:/bin", programs.display())
}

/// An action, ready to be carried out.
fn prepared(key: &str, text: &str) -> Box<dyn Ready> {
    let (mut sources, diags) = (Sources::default(), Diagnostics::default());
    let tree = text::parse(sources.add("it.yaml", text), text, &diags).expect("YAML");
    let Some(Leaf::Action(action)) = registry::decode(key, &tree, &diags) else { panic!("an action") };
    let login = Login::default();
    let cx = Cx {
        scope: &Nothing,
        login: &login,
        timeout: Duration::from_mins(1),
        idle_timeout: None,
        run: "r",
        template: &|_| None,
        files: &|_| None,
        holes: Holes::No,
    };
    action.prepare(&cx).expect("it can be carried out")
}

/// The server dies, and with the next one the host has another boot.
fn restart(sshd: &mut Sshd) {
    sshd.kill();
    fs::write(sshd.path("boot"), "11111111-2222-3333-4444-555555555555\n").expect("a file");
    sshd.again();
}

/// Runs steps on a host behind ssh whose `reboot` is a stand-in, and restarts the host when it is asked for.
fn restarting(bench: &Bench, sshd: &mut Sshd, steps: &str, restarts: bool) -> Ran {
    let asked = bench.out("asked");
    let path = format!("connect: {{ path: '{}', ", stand_ins(bench));
    fs::write(bench.beside("inventory.yaml"), inventory(sshd).replace("connect: { ", &path)).expect("a file");
    std::thread::scope(|scope| {
        let run = scope.spawn(|| bench.run(steps));
        let deadline = Instant::now() + Duration::from_mins(1);
        while !asked.exists() && !run.is_finished() {
            assert!(Instant::now() < deadline, "nobody asks for a restart");
            std::thread::sleep(Duration::from_millis(20));
        }
        if restarts && asked.exists() {
            restart(sshd);
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

/// There is nothing to read in a `reboot`.
struct Nothing;

impl Scope for Nothing {
    fn read(&self, _: Base<'_>, path: &[&str]) -> Result<Read, ReadError> {
        Err(ReadError::NeedsHost { path: path.join(".") })
    }
}

#[tokio::test]
async fn a_restart_that_another_process_asked_for_is_found_and_not_asked_for_again() {
    if !tier("sshd", available()) {
        return;
    }
    let (mut sshd, bench) = (Sshd::start(""), Bench::new());
    let ready = prepared("reboot", "within: 2m");
    let mut host = sshd.host();
    host.connect.path = Some(stand_ins(&bench));
    let run = RunId::generate();
    let routes = || Routes::new(Options::new(run.clone(), bench.beside("control")));
    let permit = || Permit::grant(UnitKey(Digest::of("restart")));
    let (first, asked) = (routes(), bench.out("asked"));
    let link = first.connect(&host).await.expect("a link");
    {
        let hands = Hands::new(&*link, permit());
        let asks = async {
            while !asked.exists() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            ended = ready.apply(&hands, Logs::default()) => panic!("{ended:?}"),
            () = asks => {}
        }
    }
    drop((link, first));
    restart(&mut sshd);
    let second = routes();
    let link = second.connect(&host).await.expect("a link");
    let applied = ready.apply(&Hands::new(&*link, permit()), Logs::default()).await.expect("it has restarted");
    assert!(applied.changed);
    assert_eq!(fs::read_to_string(asked).expect("asked"), "reboot\n");
    link.finish(Claims::Remove).await;
}

#[tokio::test]
async fn a_copy_that_went_with_its_connection_is_made_again() {
    if !tier("sshd", available()) {
        return;
    }
    let (sshd, bench) = (Sshd::start(""), Bench::new());
    let place = bench.out("it");
    let ready = prepared("file", &format!("{{ path: {}, content: new, mode: \"0600\" }}", place.display()));
    fs::write(&place, "old").expect("a file");
    let link = Routes::new(Options::new(RunId::generate(), bench.beside("control")));
    let link = link.connect(&sshd.host()).await.expect("a link");
    let hands = Hands::new(&*link, Permit::grant(UnitKey(Digest::of("written"))));
    ready.stage(&hands).await.expect("a copy");
    let copies = || fs::read_dir(bench.out("")).expect("a folder").count() - 1;
    assert_eq!(copies(), 1);
    kill_master(&sshd);
    until("the host took the copy away", || copies() == 0).await;
    let applied = ready.apply(&hands, Logs::default()).await.expect("it is there");
    assert!(applied.changed);
    assert_eq!((fs::read_to_string(&place).expect("a file").as_str(), copies()), ("new", 0));
    // asked once more, as by a process that goes on, it says the same
    assert!(ready.apply(&hands, Logs::default()).await.expect("it is there").changed);
    link.finish(Claims::Remove).await;
}

#[tokio::test]
async fn a_download_whose_link_is_lost_in_the_middle_is_begun_again() {
    if !tier("sshd", available()) {
        return;
    }
    let (sshd, bench) = (Sshd::start(""), Bench::new());
    let place = bench.out("much");
    let much: Vec<u8> = (0..=255_u8).cycle().take(48 << 20).collect();
    fs::write(&place, &much).expect("a file");
    let ready = prepared("download", &format!("{{ path: {}, as: much }}", place.display()));
    let link = Routes::new(Options::new(RunId::generate(), bench.beside("control")));
    let link = link.connect(&sshd.host()).await.expect("a link");
    let hands = Hands::new(&*link, Permit::grant(UnitKey(Digest::of("fetched"))));
    let sends = || {
        let all = fs::read_dir("/proc").expect("processes").flatten();
        let mut lines = all.filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok());
        lines.any(|line| line.starts_with("cat\0") && line.contains(&place.display().to_string()))
    };
    let lose = async {
        until("it is sent", sends).await;
        kill_master(&sshd);
    };
    let (applied, ()) = tokio::join!(ready.apply(&hands, Logs::default()), lose);
    let (name, content) = applied.expect("it is fetched").artifact.expect("what was fetched");
    assert!(name == "much" && content == much);
    link.finish(Claims::Remove).await;
}
