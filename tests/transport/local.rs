//! The suite over the local transport, in every shell that a host may have as its `/bin/sh`.

use std::path::PathBuf;
use std::time::Duration;

use refloat::base::ids::RunId;
use refloat::transport::local::LocalTransport;
use refloat::transport::ssh::Options;
use refloat::transport::{Ask, Claims, LinkError, Locked, Ticket, Transport as _, Via, Work};

use super::{conformance, host, permit, spool, until};
use crate::support::tier;

async fn suite(tier_name: &str, shell: &str) {
    let program = shell.split(' ').next().expect("a program");
    let found = std::path::Path::new(program).exists().then_some(()).ok_or(format!("{program} is not here"));
    if !tier(tier_name, found) {
        return;
    }
    let options = Options::new(RunId::generate(), PathBuf::from("/nonexistent"));
    let run = options.run.clone();
    let link = LocalTransport::with_shell(options, shell).connect(&host(Via::Local)).await.expect("a link");
    conformance::all(&*link).await;
    assert!(!spool(&run).exists(), "the claims are removed");
    locks(shell).await;
}

/// At most one run changes a host, whatever its shell is.
async fn locks(shell: &str) {
    let home = tempfile::tempdir().expect("a folder");
    let lock = home.path().join(".refloat/lock");
    // a runner with a home of its own
    let shell = format!("/usr/bin/env HOME={} {shell}", home.path().display());
    let open = async |run: &str| {
        let options = Options::new(RunId::parse(run).expect("an id"), PathBuf::from("/nonexistent"));
        LocalTransport::with_shell(options, &shell).connect(&host(Via::Local)).await.expect("a link")
    };
    let ticket = |token: &str, over: Option<&str>| Ticket {
        token: token.to_owned(),
        owner: "it's  \"ops\"\nof $HOME".to_owned(),
        over: over.map(str::to_owned),
    };
    let (one, two) = (open("one").await, open("two").await);
    for _ in 0..2 {
        assert_eq!(one.lock(&ticket("one.1", None)).await.expect("an answer"), Locked::Taken);
        let Ok(Locked::Held(holder)) = two.lock(&ticket("two.1", Some("on"))).await else { panic!("two has it too") };
        assert_eq!((holder.run.as_str(), holder.owner.as_str()), ("one", "it's  \"ops\" of $HOME"));
        assert!(holder.since.is_some_and(|since| since < Duration::from_mins(1)), "{holder:?}");
    }
    assert_eq!(one.claim(&permit("lock one"), &Work::script("exit 3"), None).await.expect("an end").exit, 3);
    // whoever takes it over is told what still runs, which ends as what it is
    let (ready, go) = (home.path().join("ready"), home.path().join("go"));
    let waits = format!("touch {}; until [ -e {} ]; do sleep 0.05; done; exit 4", ready.display(), go.display());
    let (permit, work) = (permit("lock runs"), Work::script(waits));
    let (done, ()) = tokio::join!(one.claim(&permit, &work, None), async {
        until("the step runs", || ready.exists()).await;
        let over = two.lock(&ticket("two.1", Some("one"))).await.expect("an answer");
        assert_eq!(over, Locked::Over { run: "one".to_owned(), running: 1 });
        std::fs::write(&go, "").expect("a file");
    });
    assert_eq!(done.expect("an end").exit, 4);
    let again = one.claim(&permit, &work, None).await.expect("what was begun is told");
    assert_eq!(again.exit, 4);
    let refused = one.claim(&super::permit("lock late"), &Work::script("exit 0"), None).await;
    assert!(matches!(&refused, Err(LinkError::NotStarted { reason }) if reason.contains("taken")), "{refused:?}");
    // the end of the one does not free the lock of the other
    assert!(one.finish(Claims::Remove).await && lock.exists());
    // a later session of the run has it at once, an earlier one not
    assert_eq!(two.lock(&ticket("two.3", None)).await.expect("an answer"), Locked::Taken);
    assert!(matches!(two.lock(&ticket("two.2", None)).await, Ok(Locked::Held(_))));
    // of another boot
    let text = std::fs::read_to_string(&lock).expect("a lock");
    let mut words: Vec<&str> = text.split(' ').collect();
    words[1] = "another-boot.7";
    std::fs::write(&lock, words.join(" ")).expect("a lock");
    let three = open("three").await;
    let Ok(Locked::Held(holder)) = three.lock(&ticket("three.1", None)).await else { panic!("three has it too") };
    assert_eq!((holder.run.as_str(), holder.since), ("two", None));
    // a line that nobody finished is nobody's
    std::fs::write(&lock, "two.3 boot 12").expect("a lock");
    assert_eq!(three.lock(&ticket("three.1", None)).await.expect("an answer"), Locked::Taken);
    assert!(two.finish(Claims::Keep).await && three.finish(Claims::Free).await);
    assert!(!lock.exists() && home.path().join(".refloat/two").exists());
    // none can be taken on what cannot be written
    std::fs::remove_dir_all(home.path().join(".refloat")).expect("removed");
    std::fs::write(home.path().join(".refloat"), "in the way").expect("a file");
    let refused = open("four").await.lock(&ticket("four.1", None)).await;
    assert!(matches!(&refused, Err(LinkError::NotStarted { .. })), "{refused:?}");
}

#[tokio::test]
async fn dash() {
    suite("dash", "/usr/bin/dash").await;
}

#[tokio::test]
async fn bash() {
    suite("bash", "/usr/bin/bash").await;
}

#[tokio::test]
async fn busybox() {
    suite("busybox", "/usr/bin/busybox sh").await;
}

#[tokio::test]
async fn mksh() {
    suite("mksh", "/usr/bin/mksh").await;
}

#[tokio::test]
async fn scratch_goes_and_the_record_stays_when_the_controller_is_gone() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str| dir.path().join(name).display().to_string();
    let options = Options::new(RunId::generate(), PathBuf::from("/nonexistent"));
    let spool = spool(&options.run);
    let link = LocalTransport::new(options).connect(&host(Via::Local)).await.expect("a link");
    let (staged, go) = (path("sta ged"), path("go"));
    let script = format!("echo x >'{staged}'; until [ -e {go} ]; do sleep 0.05; done; exit 6");
    let work = Work { scratch: vec![staged.clone()], ..Work::script(script) };
    let permit = permit("abandoned");
    {
        let claim = link.claim(&permit, &work, None);
        let exists = until("the step runs", || std::path::Path::new(&staged).exists());
        tokio::select! { _ = claim => panic!("it ended"), () = exists => {} }
    }
    drop(link);
    assert!(std::path::Path::new(&staged).exists(), "its step still runs");
    std::fs::write(&go, "").expect("a file");
    until("the staged file goes", || !std::path::Path::new(&staged).exists()).await;
    let record = std::fs::read_to_string(spool.join(permit.key().to_string())).expect("a record");
    assert!(record.lines().last().is_some_and(|line| line.starts_with("X 6 ") && line.ends_with(" .")), "{record}");
    std::fs::remove_dir_all(spool).expect("removed");
}

#[tokio::test]
async fn a_claimed_step_costs_few_processes() {
    for shell in ["/usr/bin/dash", "/usr/bin/bash", "/usr/bin/busybox sh"] {
        let found = std::path::Path::new("/usr/bin/strace").exists().then_some(()).ok_or("no strace".to_owned());
        if !tier("strace", found) {
            return;
        }
        let dir = tempfile::tempdir().expect("a folder");
        let mut forks = Vec::new();
        for steps in [0, 20] {
            let file = dir.path().join(steps.to_string());
            let traced = format!("/usr/bin/strace -f -o {} -e trace=clone,fork,vfork,clone3 {shell}", file.display());
            let mut host = host(Via::Local);
            host.connect.shell = Some(shell.to_owned());
            let options = Options::new(RunId::generate(), PathBuf::from("/nonexistent"));
            let link = LocalTransport::with_shell(options, &traced).connect(&host).await.expect("a link");
            for n in 0..steps {
                let done = link.claim(&permit(&n.to_string()), &Work::script("echo out; true"), None).await;
                assert_eq!(done.expect("an end").stdout, b"out\n");
            }
            link.finish(Claims::Remove).await;
            drop(link);
            // strace has written everything when the runner's three processes are gone.
            let ended =
                || std::fs::read_to_string(&file).unwrap_or_default().matches("+++ exited").count() >= 3 + steps;
            until("the runner ends", ended).await;
            let trace = std::fs::read_to_string(&file).expect("a trace");
            let forked = |l: &&str| l.contains(" = ") && ["clone", "fork"].iter().any(|call| l.contains(call));
            forks.push(trace.lines().filter(forked).count());
        }
        let twenty = forks[1] - forks[0];
        assert!((20..=80).contains(&twenty), "{shell}: {forks:?}");
    }
}

#[tokio::test]
async fn work_as_another_user() {
    let root = rustix::process::geteuid().is_root();
    let sudo = std::process::Command::new("sudo").args(["-n", "-u", "nobody", "--", "true"]).output();
    let works = root && sudo.is_ok_and(|done| done.status.success());
    if !tier("sudo", works.then_some(()).ok_or("no sudo to nobody".to_owned())) {
        return;
    }
    let options = Options::new(RunId::generate(), PathBuf::from("/nonexistent"));
    let (run, transport) = (options.run.clone(), LocalTransport::new(options));
    let link = transport.connect(&host(Via::Local)).await.expect("a link");
    let as_user = |user: &str, script: &str| Work { user: Some(user.to_owned()), ..Work::script(script) };
    for (user, expected) in [("nobody", "nobody\n"), ("root", "root\n")] {
        let ask = Ask { user: Some(user.to_owned()), ..Ask::script("id -un") };
        assert_eq!(link.ask(&ask).await.expect("an answer").stdout, expected.as_bytes());
        let done = link.claim(&permit(user), &as_user(user, "id -un"), None).await.expect("an end");
        assert_eq!(done.stdout, expected.as_bytes());
    }
    // whoever took the host over has taken it from all of them
    let ticket = |token: &str, over: Option<&str>| Ticket {
        token: token.to_owned(),
        owner: "ops".to_owned(),
        over: over.map(str::to_owned),
    };
    let thief = transport.connect(&host(Via::Local)).await.expect("a link");
    assert_eq!(link.lock(&ticket("mine.1", None)).await.expect("an answer"), Locked::Taken);
    assert_eq!(link.claim(&permit("locked"), &as_user("nobody", "true"), None).await.expect("an end").exit, 0);
    let over = thief.lock(&ticket("other.1", Some("mine"))).await.expect("an answer");
    assert!(matches!(over, Locked::Over { .. }), "{over:?}");
    for user in ["nobody", "root"] {
        let refused = link.claim(&permit(&format!("late {user}")), &as_user(user, "true"), None).await;
        assert!(matches!(&refused, Err(LinkError::NotStarted { .. })), "{user}: {refused:?}");
    }
    assert_eq!(
        link.lock(&ticket("mine.1", Some("other"))).await.expect("an answer"),
        Locked::Over { run: "other".to_owned(), running: 0 }
    );
    let big = link.claim(&permit("big"), &as_user("nobody", "head -c 100000 /dev/zero"), None).await.expect("an end");
    assert_eq!(big.stdout.len(), 100_000);
    // A step of another user is cancelled by a runner of that user, also over a link that did not start it.
    let dir = tempfile::tempdir_in("/var/tmp").expect("a folder");
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("a mode");
    let file = dir.path().join("runs");
    let (key, work) = (permit("cancelled"), as_user("nobody", &format!("touch {}; sleep 1000", file.display())));
    let other = transport.connect(&host(Via::Local)).await.expect("a link");
    let (done, ()) = tokio::join!(link.claim(&key, &work, None), async {
        until("the step runs", || file.exists()).await;
        other.worked_as(Some("nobody"));
        other.cancel(key.key(), std::time::Duration::from_secs(5)).await.expect("nothing is left");
    });
    assert_eq!(done.expect("an end").exit, 143);
    let refused = link.claim(&permit("no such user"), &as_user("no-such-user", "true"), None).await;
    assert!(
        matches!(&refused, Err(LinkError::SudoRefused { stderr }) if stderr.contains("no-such-user")),
        "{refused:?}"
    );
    other.finish(Claims::Keep).await;
    link.finish(Claims::Remove).await;
    assert!(!spool(&run).exists());
    assert!(!std::path::Path::new("/var/tmp/.refloat-65534").join(run.as_str()).exists());
}

#[tokio::test]
async fn a_request_that_is_cut_anywhere_starts_nothing() {
    const RUNNER: &str = include_str!("../../src/transport/assets/runner.sh");
    use std::io::Write as _;
    let dir = tempfile::tempdir().expect("a folder");
    let effect = dir.path().join("effect");
    let script = format!("touch {}", effect.display());
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a boot id");
    let first = std::fs::read_to_string("/proc/1/stat").expect("the first process");
    let began = first.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(19)).expect("its start");
    let boot = format!("{}.{began}", boot.trim());
    let (lines, input) = ("W /nowhere/at all", "in\\nput");
    let head = format!("run 1 key {boot} 0 500 1 1 {} {} 1 0", script.len() + 1, input.len() + 1);
    let request = format!("{head}\n{script}\n{input}\n{lines}\n. 1\n");
    let send = |request: &str| {
        let text = format!("eval \"$(dd ibs=1 obs=65536 count={} 2>/dev/null)\"", RUNNER.len());
        let mut child = std::process::Command::new("/bin/sh")
            .args(["-c", &text, "refloat"])
            .env("HOME", dir.path())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("a shell");
        let all = format!("{RUNNER}refloat1 nonce cut /bin/sh\n\n{request}");
        child.stdin.take().expect("its input").write_all(all.as_bytes()).expect("written");
        child.wait().expect("its end");
    };
    for cut in (0..request.len() - 1).step_by(3).chain([request.len() - 2]) {
        send(&request[..cut]);
        assert!(!effect.exists(), "cut at {cut} of {}", request.len());
    }
    send(&request);
    assert!(effect.exists(), "whole, it is done");
}

#[tokio::test]
async fn a_lost_supervisor_makes_the_outcome_unknown_and_secrets_are_nowhere() {
    let dir = tempfile::tempdir().expect("a folder");
    let ready = dir.path().join("ready");
    let options = Options::new(RunId::generate(), PathBuf::from("/nonexistent"));
    let (spool, transport) = (spool(&options.run), LocalTransport::new(options));
    let secret = format!("secret-{}", RunId::generate());
    let env = vec![("TOKEN".to_owned(), secrecy::SecretString::from(secret.as_str()))];
    let work = Work { env, ..Work::script(format!("touch {}; sleep 1000", ready.display())) };
    let permit = permit("supervised");
    let link = transport.connect(&host(Via::Local)).await.expect("a link");
    let record = spool.join(permit.key().to_string());
    let (lost, ()) = tokio::join!(link.claim(&permit, &work, None), async {
        until("the step runs", || ready.exists()).await;
        let has = |bytes: Vec<u8>| bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
        for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
            assert!(!has(std::fs::read(entry.path().join("cmdline")).unwrap_or_default()), "{:?}", entry.path());
        }
        for entry in std::fs::read_dir(&spool).expect("the claims").flatten() {
            assert!(!has(std::fs::read(entry.path()).expect("a file")), "{:?}", entry.path());
        }
        let record = std::fs::read_to_string(&record).expect("a record");
        let supervisor = record.split(' ').nth(1).expect("a pid").to_owned();
        assert!(std::process::Command::new("kill").args(["-9", &supervisor]).status().expect("kill").success());
    });
    assert!(matches!(lost, Err(LinkError::Lost { .. })), "{lost:?}");
    let other = transport.connect(&host(Via::Local)).await.expect("a link");
    let unknown = other.claim(&permit, &work, None).await;
    let Err(LinkError::Unknown { reason, begun: true, .. }) = &unknown else { panic!("{unknown:?}") };
    assert!(reason.contains("was killed") && reason.contains("still run"), "{reason}");
    // Its group is still there, and can still be ended.
    other.cancel(permit.key(), std::time::Duration::from_secs(5)).await.expect("nothing is left");
    let group = std::fs::read_to_string(&record).expect("a record");
    let group = group.lines().find_map(|line| line.strip_prefix("R ")?.strip_suffix(" .").map(str::to_owned));
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", group.expect("a group"))).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
    other.finish(Claims::Remove).await;
}
