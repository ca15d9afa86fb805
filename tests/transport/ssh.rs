//! The suite over a real sshd, and what can go wrong on the way to it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use refloat::base::ids::RunId;
use refloat::transport::ssh::{Options, SshTransport};
use refloat::transport::{Ask, Claims, HostAddr, LinkError, Transport as _, Work};

use super::{conformance, permit, until};
use crate::support::sshd::{Sshd, available};
use crate::support::tier;

fn transport(sshd: &Sshd) -> (SshTransport, RunId) {
    let options = Options::new(RunId::generate(), sshd.dir.path().to_owned());
    let run = options.run.clone();
    (SshTransport::new(options).expect("a control folder"), run)
}

/// The processes that carry a mark in their environment or arguments.
fn marked(mark: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let of = |file: &str| std::fs::read(entry.path().join(file)).unwrap_or_default();
        let text = [of("environ"), of("cmdline")].concat();
        if text.windows(mark.len()).any(|w| w == mark.as_bytes()) {
            found.push(format!("{} {}", entry.path().display(), String::from_utf8_lossy(&of("cmdline"))));
        }
    }
    found
}

/// SIGKILL for the ssh that carries the only link to this sshd.
pub fn kill_master(sshd: &Sshd) {
    let master = marked("ControlPersist=no")
        .into_iter()
        .find(|p| p.contains(sshd.dir.path().to_str().expect("UTF-8")) && p.contains("\0-M\0"))
        .expect("the master");
    let pid = master.split(['/', ' ']).nth(2).expect("a pid").to_owned();
    assert!(Command::new("kill").args(["-9", &pid]).status().expect("kill").success());
}

fn sockets(dir: &Path) -> Vec<String> {
    use std::os::unix::fs::FileTypeExt as _;
    let folders = std::fs::read_dir(dir).expect("a folder").flatten().filter(|e| e.path().is_dir());
    folders
        .flat_map(|folder| std::fs::read_dir(folder.path()).expect("a folder").flatten())
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_socket()))
        .map(|entry| entry.path().display().to_string())
        .collect()
}

#[tokio::test]
async fn suite() {
    if !tier("sshd", available()) {
        return;
    }
    let sshd = Sshd::start("MaxSessions 10");
    let (transport, run) = transport(&sshd);
    let link = transport.connect(&sshd.host()).await.expect("a link");
    conformance::all(&*link).await;
    assert!(!sshd.spool(&run).exists(), "the claims are removed");
    assert_eq!(sockets(sshd.dir.path()), Vec::<String>::new());
    drop((link, transport));
    let left: Vec<_> = std::fs::read_dir(sshd.dir.path()).expect("a folder").flatten().map(|e| e.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("refloat-")), "{left:?}");
}

#[tokio::test]
async fn what_is_not_ours_to_trust_is_refused() {
    if !tier("sshd", available()) {
        return;
    }
    let sshd = Sshd::start("");
    let (transport, _) = transport(&sshd);
    let connect = async |host: &HostAddr| transport.connect(host).await.err().expect("refused");
    std::fs::write(sshd.path("nothing"), "").expect("a file");
    sshd.client("", "client", "nothing");
    let unknown = connect(&sshd.host()).await;
    assert!(matches!(&unknown, LinkError::HostKey { text } if text.contains("ED25519")), "{unknown:?}");
    let stranger = std::fs::read_to_string(sshd.path("stranger.pub")).expect("a key");
    std::fs::write(sshd.path("wrong"), format!("[127.0.0.1]:{} {stranger}", sshd.port)).expect("a file");
    sshd.client("", "client", "wrong");
    let wrong = connect(&sshd.host()).await;
    assert!(matches!(&wrong, LinkError::HostKey { text } if text.contains("wrong:1")), "{wrong:?}");
    sshd.client("", "stranger", "known");
    let auth = connect(&sshd.host()).await;
    assert!(matches!(&auth, LinkError::Auth { reason } if reason.contains("publickey")), "{auth:?}");
    let begun = Instant::now();
    let refused = connect(&HostAddr { port: Some(1), ..sshd.host() }).await;
    assert!(matches!(&refused, LinkError::Unreachable { reason } if reason.contains("refused")), "{refused:?}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    let nowhere = connect(&HostAddr { address: "nowhere.invalid".to_owned(), ..sshd.host() }).await;
    assert!(matches!(&nowhere, LinkError::Unreachable { .. }), "{nowhere:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_server_is_asked_again() {
    if !tier("sshd", available()) {
        return;
    }
    let sshd = Sshd::start("MaxStartups 2:90:6\nLogLevel VERBOSE");
    let (transport, _) = transport(&sshd);
    let host = sshd.host();
    let links = futures_util::future::join_all((0..40).map(|_| transport.connect(&host))).await;
    for link in &links {
        let link = link.as_ref().expect("a link");
        assert_eq!(link.ask(&Ask::script("exit 4")).await.expect("an answer").exit, 4);
    }
    let log = std::fs::read_to_string(sshd.path("sshd.log")).expect("a log");
    assert!(log.contains("MaxStartups"), "the server was never too busy: {log}");
    futures_util::future::join_all(links.iter().flatten().map(|link| link.finish(Claims::Keep))).await;
    assert_eq!(sockets(sshd.dir.path()), Vec::<String>::new());
}

#[tokio::test]
async fn a_lost_link_is_never_an_exit_code() {
    if !tier("sshd", available()) {
        return;
    }
    let sshd = Sshd::start("");
    let (transport, _) = transport(&sshd);
    let link = transport.connect(&sshd.host()).await.expect("a link");
    let file = sshd.path("started");
    let script = format!("touch {}; sleep 1; exit 3", file.display());
    let (work, permit) = (Work::script(script), permit("lost"));
    let (lost, ()) = tokio::join!(link.claim(&permit, &work, None), async {
        until("the step runs", || file.exists()).await;
        kill_master(&sshd);
    });
    assert!(matches!(lost, Err(LinkError::Lost { .. })), "{lost:?}");
    let asked = link.ask(&Ask::script("exit 0")).await;
    assert!(matches!(asked, Err(LinkError::Lost { .. })), "{asked:?}");
    // Another link is told what the first one came to, without a second effect.
    let again = transport.connect(&sshd.host()).await.expect("a link");
    let done = again.claim(&permit, &work, None).await.expect("an end");
    assert_eq!(done.exit, 3);
    again.finish(Claims::Remove).await;
}

#[tokio::test]
async fn noise_before_the_handshake_is_discarded() {
    if !tier("sshd", available()) {
        return;
    }
    // What a noisy rc file does, for whatever login shell this account has.
    let sshd = Sshd::start(
        "ForceCommand echo welcome; echo 'refloat K forged'; echo trouble >&2; printf 'half a line'; echo; $SHELL -c \"$SSH_ORIGINAL_COMMAND\"",
    );
    let (transport, _) = transport(&sshd);
    let link = transport.connect(&sshd.host()).await.expect("a link");
    let answer = link.ask(&Ask::script("echo out; echo err >&2")).await.expect("an answer");
    assert_eq!((answer.stdout.as_slice(), answer.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
    let mut bulk = link.bulk(&Ask::script("echo out")).await.expect("a channel");
    assert_eq!(bulk.next().await.expect("bytes"), b"out\n");
    drop(bulk);
    link.finish(Claims::Remove).await;
}

#[tokio::test]
async fn a_server_that_allows_one_channel_is_used_in_turn() {
    if !tier("sshd", available()) {
        return;
    }
    let sshd = Sshd::start("MaxSessions 1");
    let (transport, _) = transport(&sshd);
    let link = transport.connect(&sshd.host()).await.expect("a link");
    let (ask, slow, permit) = (Ask::script("echo on"), Work::script("sleep 0.5; echo slow"), permit("slow"));
    let (done, answer) = tokio::join!(link.claim(&permit, &slow, None), link.ask(&ask));
    assert_eq!(
        (done.expect("an end").stdout, answer.expect("an answer").stdout),
        (b"slow\n".to_vec(), b"on\n".to_vec())
    );
    let big = Work::script("head -c 100000 /dev/zero; exit 5");
    let done = link.claim(&super::permit("big"), &big, None).await.expect("an end");
    assert_eq!((done.stdout.len(), done.exit), (100_000, 5));
    link.finish(Claims::Remove).await;
}

/// A process that ends by SIGKILL, also when a test ends before its time.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().expect("SIGKILL");
        self.0.wait().expect("its end");
    }
}

/// Not a test by itself: holds a link, a running step and a stream until it is killed.
#[tokio::test]
async fn helper_that_is_killed() {
    let Ok(dir) = std::env::var("REFLOAT_HELPER") else { return };
    let dir = Path::new(&dir);
    let connect = refloat::transport::Connect { ssh_config: Some(dir.join("ssh_config")), ..Default::default() };
    let port = std::fs::read_to_string(dir.join("port")).expect("a port").parse().ok();
    let host = HostAddr { name: "h".to_owned(), address: "127.0.0.1".to_owned(), user: None, port, connect };
    let run = std::fs::read_to_string(dir.join("run")).expect("a run");
    let options = Options::new(RunId::parse(&run).expect("an id"), dir.to_owned());
    let transport = SshTransport::new(options).expect("a control folder");
    let link = transport.connect(&host).await.expect("a link");
    let staged = dir.join("staged").display().to_string();
    let work = Work { scratch: vec![staged.clone()], ..Work::script(format!("echo x >{staged}")) };
    assert_eq!(link.claim(&permit("stage"), &work, None).await.expect("an end").exit, 0);
    let mut bulk = link.bulk(&Ask::script("echo on; sleep 1000")).await.expect("a channel");
    assert_eq!(bulk.next().await.expect("bytes"), b"on\n");
    let work =
        Work::script(format!("touch {}; sleep 1; touch {}", dir.join("ready").display(), dir.join("ended").display()));
    let _ = link.claim(&permit("running"), &work, None).await;
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn nothing_outlives_a_killed_controller() {
    if !tier("sshd", available()) {
        return;
    }
    let sshd = Sshd::start("");
    let mark = format!("REFLOAT_MARK={}", RunId::generate());
    sshd.client(&format!("SetEnv {mark}"), "client", "known");
    std::fs::write(sshd.path("port"), sshd.port.to_string()).expect("a file");
    let run = RunId::generate();
    std::fs::write(sshd.path("run"), run.as_str()).expect("a file");
    let (name, value) = mark.split_once('=').expect("a mark");
    let helper = Command::new(std::env::current_exe().expect("ourselves"))
        .args(["--exact", "transport::ssh::helper_that_is_killed", "--nocapture"])
        .env("REFLOAT_HELPER", sshd.dir.path())
        .env(name, value)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("a helper");
    let helper = Killed(helper);
    until("the helper's step runs", || sshd.path("ready").exists()).await;
    assert!(marked(&mark).len() >= 3 && sshd.path("staged").exists() && sockets(sshd.dir.path()).len() == 1);
    drop(helper);
    until("the step runs to its end", || sshd.path("ended").exists()).await;
    until("no process is left", || marked(&mark).is_empty()).await;
    until("no socket is left", || sockets(sshd.dir.path()).is_empty()).await;
    until("no staged file is left", || !sshd.path("staged").exists()).await;
    // Its record stays for who resumes, and its control folder goes with the next start.
    let spool = sshd.spool(&run);
    assert_eq!(std::fs::read_dir(&spool).expect("the claims").count(), 6);
    let (transport, _) = transport(&sshd);
    let folders = std::fs::read_dir(sshd.dir.path())
        .expect("a folder")
        .flatten()
        .filter(|e| e.path().is_dir() && e.file_name() != "home");
    assert_eq!(folders.count(), 1);
    drop(transport);
    std::fs::remove_dir_all(spool).expect("removed");
}
