//! Links that are lost while work runs: by the death of the ssh that carries them, of the server, of a wire. The work
//! goes on, its end is brought over the next link exactly, and it has one effect.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use refloat::base::ids::RunId;
use refloat::transport::healing::Healing;
use refloat::transport::ssh::{Options, SshTransport};
use refloat::transport::{Ask, Claims, Done, HostAddr, Link, LinkError, Notice, Transport as _, Work};

use super::ssh::kill_master;
use super::{permit, until};
use crate::support::proxy::Proxy;
use crate::support::sshd::{Sshd, available};
use crate::support::tier;

/// What the operator hears of a link.
type Heard = Arc<Mutex<Vec<Notice>>>;

/// A healed link to a host, the run it is for, and what is heard of it.
async fn link(sshd: &Sshd, host: &HostAddr) -> (Arc<dyn Link>, RunId, Heard) {
    let run = RunId::generate();
    let options =
        Options { keepalive: Duration::from_secs(1), ..Options::new(run.clone(), sshd.dir.path().to_owned()) };
    let transport = Healing::new(Arc::new(SshTransport::new(options).expect("a control folder")));
    let link = transport.connect(host).await.expect("a link");
    let heard = Heard::default();
    let hears = Arc::clone(&heard);
    link.told(Box::new(move |host, notice| {
        assert_eq!(host, "web1");
        hears.lock().expect("not poisoned").push(notice);
    }));
    (link, run, heard)
}

fn is_lost(heard: &Heard) -> bool {
    matches!(heard.lock().expect("not poisoned").last(), Some(Notice::Lost { .. }))
}

/// Work that prints many lines, says that it runs, waits for a file, and prints as many again.
struct Printing {
    runs: PathBuf,
    go: PathBuf,
    effects: PathBuf,
    work: Work,
}

const LINES: usize = 2000;

impl Printing {
    fn new(dir: &Path) -> Self {
        let [runs, go, effects] = ["runs", "go", "effects"].map(|name| dir.join(name));
        let print =
            |from: usize| format!("i=0; while [ $i -lt {LINES} ]; do echo line $(({from}+i)); i=$((i+1)); done");
        let script = format!(
            "echo effect >>{}; {}; echo err >&2; touch {}; until [ -e {} ]; do sleep 0.05; done; {}; exit 5",
            effects.display(),
            print(0),
            runs.display(),
            go.display(),
            print(LINES)
        );
        let work = Work { timeout: Duration::from_mins(4), ..Work::script(script) };
        Self { runs, go, effects, work }
    }

    async fn runs(&self) {
        until("the step runs", || self.runs.exists()).await;
    }

    fn go_on(&self) {
        std::fs::write(&self.go, "").expect("a file");
    }

    /// Every byte, once, and one effect.
    fn exact(&self, done: Result<Done, LinkError>) {
        let done = done.expect("an end");
        let lines = (0..2 * LINES).fold(String::new(), |all, n| all + "line " + &n.to_string() + "\n");
        assert!(done.stdout == lines.as_bytes(), "{} of {} bytes", done.stdout.len(), lines.len());
        assert_eq!((done.exit, done.stderr.as_slice(), done.truncated), (5, &b"err\n"[..], false));
        assert_eq!(std::fs::read_to_string(&self.effects).expect("effects"), "effect\n");
    }
}

#[tokio::test]
async fn a_killed_ssh_is_replaced_in_the_middle_of_a_step() {
    if !tier("sshd", available()) {
        return;
    }
    let sshd = Sshd::start("");
    let (link, run, heard) = link(&sshd, &sshd.host()).await;
    let (step, permit) = (Printing::new(sshd.dir.path()), permit("killed master"));
    let (done, ()) = tokio::join!(link.claim(&permit, &step.work, None), async {
        step.runs().await;
        kill_master(&sshd);
        // what only looks is asked again
        assert_eq!(link.ask(&Ask::script("echo on")).await.expect("an answer").stdout, b"on\n");
        let mut bulk = link.bulk(&Ask::script("echo bulk")).await.expect("a channel");
        assert_eq!(bulk.next().await.expect("bytes"), b"bulk\n");
        kill_master(&sshd);
        until("the loss is told", || heard.lock().expect("not poisoned").len() >= 3).await;
        step.go_on();
    });
    step.exact(done);
    let told = heard.lock().expect("not poisoned").clone();
    assert!(matches!(&told[..], [Notice::Lost { .. }, Notice::Back, Notice::Lost { .. }, Notice::Back]), "{told:?}");
    link.finish(Claims::Remove).await;
    assert!(!sshd.spool(&run).exists(), "the claims are removed");
}

#[tokio::test]
async fn a_killed_server_that_comes_back_makes_no_difference() {
    if !tier("sshd", available()) {
        return;
    }
    let mut sshd = Sshd::start("");
    let (link, run, heard) = link(&sshd, &sshd.host()).await;
    let (step, permit) = (Printing::new(sshd.dir.path()), permit("killed server"));
    let (done, ()) = tokio::join!(link.claim(&permit, &step.work, None), async {
        step.runs().await;
        sshd.kill();
        until("the loss is told", || is_lost(&heard)).await;
        // it ends while nobody can see it
        step.go_on();
        let record = sshd.spool(&run).join(permit.key().to_string());
        until("it ends", || std::fs::read_to_string(&record).is_ok_and(|text| text.contains("\nX 5 "))).await;
        sshd.again();
    });
    step.exact(done);
    link.finish(Claims::Remove).await;
    assert!(!sshd.spool(&run).exists(), "the claims are removed");
}

#[tokio::test]
async fn a_wire_that_carries_nothing_for_a_while_makes_no_difference() {
    if !tier("sshd", available()) {
        return;
    }
    let sshd = Sshd::start("");
    let wire = Proxy::to(sshd.port).await;
    let known = std::fs::read_to_string(sshd.path("known")).expect("a key");
    let key = known.split_once(' ').expect("a key").1;
    std::fs::write(sshd.path("known"), format!("[127.0.0.1]:{} {key}", wire.port)).expect("a file");
    let host = HostAddr { port: Some(wire.port), ..sshd.host() };
    let (link, run, heard) = link(&sshd, &host).await;
    let (step, permit) = (Printing::new(sshd.dir.path()), permit("cut wire"));
    let (done, ()) = tokio::join!(link.claim(&permit, &step.work, None), async {
        step.runs().await;
        wire.cut();
        until("the silence is noticed", || is_lost(&heard)).await;
        step.go_on();
        wire.mend();
    });
    step.exact(done);
    // and one that never comes back: what is cancelled then ends soon, and is not known
    let slow = Work { timeout: Duration::from_mins(9), ..Work::script("sleep 600") };
    let lost = super::permit("lost for good");
    let (told, started) = tokio::sync::oneshot::channel();
    let (ended, ()) = tokio::join!(link.claim(&lost, &slow, Some(told)), async {
        started.await.expect("it runs");
        wire.cut();
        until("the silence is noticed", || is_lost(&heard)).await;
        let begun = Instant::now();
        let cancelled = link.cancel(lost.key(), Duration::from_secs(1)).await;
        assert!(matches!(cancelled, Err(LinkError::Lost { .. })), "{cancelled:?}");
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    });
    let Err(LinkError::Lost { reason }) = &ended else { panic!("{ended:?}") };
    assert!(reason.contains(" ago, and it "), "{reason}");
    let never = super::permit("never sent");
    let (never, _) = tokio::join!(link.claim(&never, &slow, None), link.cancel(never.key(), Duration::from_secs(1)));
    assert!(matches!(&never, Err(LinkError::Unreachable { .. })), "{never:?}");
    // back again, it is ended
    wire.mend();
    let back = async { while link.ask(&Ask::script("true")).await.is_err() {} };
    assert!(tokio::time::timeout(Duration::from_mins(1), back).await.is_ok(), "the link is not back");
    link.cancel(lost.key(), Duration::from_secs(1)).await.expect("nothing is left");
    link.finish(Claims::Remove).await;
    assert!(!sshd.spool(&run).exists(), "the claims are removed");
}

#[tokio::test]
async fn a_killed_supervisor_is_an_outcome_that_nobody_knows() {
    if !tier("sshd", available()) {
        return;
    }
    let sshd = Sshd::start("");
    let (link, run, _) = link(&sshd, &sshd.host()).await;
    for (name, all, still) in [("alone", false, true), ("with its step", true, false)] {
        let runs = sshd.path(name);
        let work = Work::script(format!("echo $$ >'{0}.new'; mv '{0}.new' '{0}'; sleep 600", runs.display()));
        let permit = permit(name);
        let (done, ()) = tokio::join!(link.claim(&permit, &work, None), async {
            until("the step runs", || runs.exists()).await;
            let record = std::fs::read_to_string(sshd.spool(&run).join(permit.key().to_string())).expect("a record");
            let supervisor = record.split(' ').nth(1).expect("a pid").to_owned();
            let step = std::fs::read_to_string(&runs).expect("a pid");
            // the step first, while its number is certainly its own; its supervisor cannot write that down
            let (stop, group) = (format!("kill -STOP {supervisor}"), format!("kill -9 -{}", step.trim()));
            let script =
                if all { format!("{stop}; {group}; kill -9 {supervisor}") } else { format!("kill -9 {supervisor}") };
            assert!(std::process::Command::new("sh").args(["-c", &script]).status().expect("a shell").success());
        });
        let Err(LinkError::Unknown { reason, begun: true, .. }) = &done else { panic!("{done:?}") };
        assert_eq!(reason.contains("still run"), still, "{reason}");
        link.cancel(permit.key(), Duration::from_secs(1)).await.expect("nothing is left");
    }
    link.finish(Claims::Remove).await;
}

#[tokio::test]
async fn after_a_restart_of_the_host_only_a_recorded_end_is_one() {
    if !tier("sshd", available()) {
        return;
    }
    let mut sshd = Sshd::start("");
    let (link, run, heard) = link(&sshd, &sshd.host()).await;
    let (ended, cut) = (Printing::new(&folder(&sshd, "ended")), Printing::new(&folder(&sshd, "cut")));
    let (first, second) = (permit("ended before the restart"), permit("cut off by the restart"));
    let (a, b, ()) = tokio::join!(link.claim(&first, &ended.work, None), link.claim(&second, &cut.work, None), async {
        ended.runs().await;
        cut.runs().await;
        sshd.kill();
        until("the loss is told", || is_lost(&heard)).await;
        ended.go_on();
        let record = |permit: &refloat::base::permit::Permit| {
            std::fs::read_to_string(sshd.spool(&run).join(permit.key().to_string())).expect("a record")
        };
        until("it ends", || record(&first).contains("\nX 5 ")).await;
        // what a restart does: the processes are gone, and the boot has another id
        let cut = record(&second);
        let group =
            cut.lines().find_map(|line| line.strip_prefix("R ")?.strip_suffix(" .")).expect("a group").to_owned();
        let supervisor = cut.split(' ').nth(1).expect("a pid");
        let script = format!("kill -9 {supervisor} -{group}");
        assert!(std::process::Command::new("sh").args(["-c", &script]).status().expect("a shell").success());
        std::fs::write(sshd.path("boot"), "11111111-2222-3333-4444-555555555555\n").expect("a file");
        sshd.again();
    });
    ended.exact(a);
    let Err(LinkError::Unknown { reason, begun: true, .. }) = &b else { panic!("{b:?}") };
    assert!(reason.contains("the host was restarted"), "{reason}");
    assert_eq!(std::fs::read_to_string(&cut.effects).expect("effects"), "effect\n");
    // what may have been started before is not started on the next boot, though there is no record of it
    let effect = sshd.path("never");
    let again = Work { boot: Some("another".to_owned()), ..Work::script(format!("touch {}", effect.display())) };
    let never = link.claim(&permit("no record"), &again, None).await;
    assert!(matches!(&never, Err(LinkError::Unknown { begun: false, .. })) && !effect.exists(), "{never:?}");
    // and new work is
    let done = link.claim(&permit("after the restart"), &Work::script("exit 7"), None).await.expect("an end");
    assert_eq!(done.exit, 7);
    link.finish(Claims::Remove).await;
}

fn folder(sshd: &Sshd, name: &str) -> PathBuf {
    let path = sshd.path(name);
    std::fs::create_dir(&path).expect("a folder");
    path
}

#[tokio::test]
async fn a_full_disk_starts_nothing_and_hides_nothing() {
    if !tier("sshd", available()) {
        return;
    }
    let sshd = Sshd::start("");
    // the claims of the user of the tests on a disk of their own, which only this server sees
    sshd.inside("mkdir -p ~/.refloat && mount -t tmpfs -o size=256k,mode=700 none ~/.refloat");
    let (link, _, _) = link(&sshd, &sshd.host()).await;
    let on_host = async |script: &str| link.ask(&Ask::script(script)).await.expect("an answer").exit;
    let fill = "cat /dev/zero >~/.refloat/full 2>/dev/null || :";
    assert_eq!(on_host(fill).await, 0);
    let effect = sshd.path("effect");
    let work = Work::script(format!("touch {}", effect.display()));
    let refused = link.claim(&permit("full"), &work, None).await;
    assert!(
        matches!(&refused, Err(LinkError::NotStarted { reason }) if reason.contains("cannot be written")),
        "{refused:?}"
    );
    assert!(!effect.exists());
    assert_eq!(on_host("rm ~/.refloat/full").await, 0);
    // the shell's own words are all the same: printing failed, and the code says so
    let flood = Work::script("head -c 400000 /dev/zero 2>/dev/null || exit 9");
    let done = link.claim(&permit("flood"), &flood, None).await.expect("an end");
    assert_eq!((done.exit, done.truncated), (9, true), "{} bytes", done.stdout.len());
    // one that does not look at its own printing
    assert_eq!(on_host("rm -f ~/.refloat/*/*.o").await, 0);
    let blind = Work::script("head -c 400000 /dev/zero 2>/dev/null || exit 0");
    let done = link.claim(&permit("blind"), &blind, None).await.expect("an end");
    assert_eq!((done.exit, done.truncated), (0, true), "{} bytes", done.stdout.len());
    link.finish(Claims::Remove).await;
}

#[tokio::test]
async fn a_healed_link_promises_what_every_link_does() {
    let transport = refloat::transport::route::Routes::new(Options::new(RunId::generate(), "/nonexistent".into()));
    let link = transport.connect(&super::host(refloat::transport::Via::Local)).await.expect("a link");
    super::conformance::all(&*link).await;
}

#[tokio::test]
async fn what_another_user_runs_is_cancelled_over_the_next_link_too() {
    let sudo = std::process::Command::new("sudo").args(["-n", "-u", "nobody", "--", "true"]).output();
    let works = sudo.is_ok_and(|done| done.status.success()).then_some(()).ok_or("no sudo to nobody".to_owned());
    if !tier("sshd", available()) || !tier("sudo", works) {
        return;
    }
    let sshd = Sshd::start("");
    let (link, _, heard) = link(&sshd, &sshd.host()).await;
    let dir = tempfile::tempdir_in("/var/tmp").expect("a folder");
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("a mode");
    let (runs, permit) = (dir.path().join("runs"), permit("another user's"));
    let work =
        Work { user: Some("nobody".to_owned()), ..Work::script(format!("touch {}; sleep 1000", runs.display())) };
    let (done, ()) = tokio::join!(link.claim(&permit, &work, None), async {
        until("the step runs", || runs.exists()).await;
        kill_master(&sshd);
        until("the loss is told", || !heard.lock().expect("not poisoned").is_empty()).await;
        link.cancel(permit.key(), Duration::from_secs(5)).await.expect("nothing is left");
    });
    assert_eq!(done.expect("an end").exit, 143);
    link.finish(Claims::Remove).await;
}

#[tokio::test]
async fn a_host_that_comes_back_with_another_key_is_left_alone() {
    if !tier("sshd", available()) {
        return;
    }
    let mut sshd = Sshd::start("");
    let (link, _, heard) = link(&sshd, &sshd.host()).await;
    let (step, permit) = (Printing::new(sshd.dir.path()), permit("another key"));
    let (ended, ()) = tokio::join!(link.claim(&permit, &step.work, None), async {
        step.runs().await;
        sshd.kill();
        until("the loss is told", || is_lost(&heard)).await;
        let stranger = std::fs::read_to_string(sshd.path("stranger.pub")).expect("a key");
        std::fs::write(sshd.path("wrong"), format!("[127.0.0.1]:{} {stranger}", sshd.port)).expect("a file");
        sshd.client("", "client", "wrong");
        sshd.again();
    });
    let Err(LinkError::Lost { reason }) = &ended else { panic!("{ended:?}") };
    assert!(reason.contains("host key not accepted"), "{reason}");
    // a person has looked at it, and the run goes on where it was
    sshd.client("", "client", "known");
    step.go_on();
    let back = async { while link.ask(&Ask::script("true")).await.is_err() {} };
    assert!(tokio::time::timeout(Duration::from_mins(1), back).await.is_ok(), "the link is not back");
    step.exact(link.claim(&permit, &step.work, None).await);
    link.finish(Claims::Remove).await;
}
