//! What every link promises, whatever carries it.

use std::time::{Duration, Instant};

use refloat::transport::{Ask, Claims, Link, LinkError, Work};
use secrecy::SecretString;

use super::{logs, permit, until};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs the suite and finishes the link.
pub async fn all(link: &dyn Link) {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path().to_str().expect("UTF-8");
    exits(link).await;
    streams(link).await;
    settings(link).await;
    once(link, dir).await;
    timeouts(link, dir).await;
    silences(link, dir).await;
    cancelled(link, dir).await;
    background(link).await;
    bulk(link, dir).await;
    busy(link, dir).await;
    refusals(link).await;
    looks(link, dir).await;
    logs::all(link, dir).await;
    dialled(link).await;
    dialled_beside_silence(link).await;
    link.finish(Claims::Remove).await;
    assert!(matches!(link.ask(&Ask::script("true")).await, Err(LinkError::Lost { .. })));
}

/// The part of it that a login has a hand in.
pub async fn exact(link: &dyn Link) {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path().to_str().expect("UTF-8");
    streams(link).await;
    settings(link).await;
    once(link, dir).await;
    bulk(link, dir).await;
    cancelled(link, dir).await;
}

async fn exits(link: &dyn Link) {
    for (script, exit) in [
        ("exit 0", 0),
        ("exit 3", 3),
        ("exit 127", 127),
        ("no-such-program-here", 127),
        ("exit 255", 255),
        ("false; echo not reached", 1),
        ("if", 2),
        ("kill -9 $$", 137),
        ("kill -TERM $$", 143),
        // not INT or HUP: whoever is started in the background or by nohup ignores them, and so do its children
        ("kill -USR1 $$", 138),
        ("kill -PIPE $$", 141),
    ] {
        let done = link.claim(&permit(script), &Work::script(script), None).await.expect(script);
        assert!(done.exit == exit || (script == "if" && done.exit != 0), "{script}: {done:?}");
        assert_eq!(text(&done.stdout), "", "{script}");
        assert!(!done.timed_out && !done.truncated && !done.background, "{script}: {done:?}");
        if !script.contains("$$") {
            let answer = link.ask(&Ask::script(script)).await.expect(script);
            assert!(answer.exit == exit || (script == "if" && answer.exit != 0), "ask {script}: {answer:?}");
            assert_eq!(text(&answer.stdout), "", "ask {script}");
        }
    }
}

async fn streams(link: &dyn Link) {
    let every: Vec<u8> = (0..=255).collect();
    let both = "cat; printf 'e\\0r\\r' >&2";
    let ask = Ask { stdin: every.clone(), ..Ask::script(both) };
    let answer = link.ask(&ask).await.expect("every byte");
    assert_eq!((answer.stdout, answer.stderr), (every.clone(), b"e\0r\r".to_vec()));
    let work = Work { stdin: every.clone(), ..Work::script(both) };
    let done = link.claim(&permit("every byte"), &work, None).await.expect("every byte");
    assert_eq!((done.stdout, done.stderr), (every, b"e\0r\r".to_vec()));

    let small = Work::script("printf 'no newline'; echo err >&2");
    let done = link.claim(&permit("small"), &small, None).await.expect("small");
    assert_eq!((text(&done.stdout), text(&done.stderr)), ("no newline".to_owned(), "err\n".to_owned()));
    let empty = link.ask(&Ask::script("")).await.expect("nothing to do");
    assert_eq!((empty.exit, empty.stdout), (0, Vec::new()));
    let none = link.ask(&Ask::script("cat")).await.expect("no input");
    assert_eq!((none.exit, none.stdout), (0, Vec::new()));

    let big = "dd if=/dev/zero bs=1000 count=5000 2>/dev/null | tr '\\0' 'x'; echo end";
    let answer = link.ask(&Ask::script(big)).await.expect("5 MB");
    assert_eq!((answer.stdout.len(), answer.truncated), (5_000_004, false));
    let work = Work { cap: 8 << 20, ..Work::script(big) };
    let done = link.claim(&permit("5 MB"), &work, None).await.expect("5 MB");
    assert_eq!((done.stdout.len(), done.truncated), (5_000_004, false));
    assert!(done.stdout.ends_with(b"xend\n"));
    let work = Work { cap: 1000, ..Work::script(format!("echo begin; {big}")) };
    let done = link.claim(&permit("capped"), &work, None).await.expect("5 MB");
    assert_eq!((done.stdout.len(), done.truncated), (1000, true));
    assert!(done.stdout.starts_with(b"begin\nx") && done.stdout.ends_with(b"xend\n"));

    let long: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
    let work = Work { stdin: long.clone(), ..Work::script("sha256sum") };
    let done = link.claim(&permit("long input"), &work, None).await.expect("long input");
    assert_eq!(text(&done.stdout[..64]), refloat::base::digest::Digest::of(&long).to_string());
}

async fn settings(link: &dyn Link) {
    let odd = "a b\n'\"$HOME`x` \\ \u{101}\u{1f600}\u{7f}\u{1b}";
    let env = vec![("ODD".to_owned(), SecretString::from(odd)), ("EMPTY".to_owned(), SecretString::from(""))];
    let script = "printf '%s|%s|%s' \"$ODD\" \"$EMPTY\" \"$(pwd)\"";
    let ask = Ask { env: env.clone(), cwd: Some("/usr".to_owned()), ..Ask::script(script) };
    let answer = link.ask(&ask).await.expect("a setting");
    assert_eq!(text(&answer.stdout), format!("{odd}||/usr"));
    let work = Work { env, cwd: Some("/usr".to_owned()), ..Work::script(script) };
    let done = link.claim(&permit("setting"), &work, None).await.expect("a setting");
    assert_eq!(text(&done.stdout), format!("{odd}||/usr"));
    let nowhere = Ask { cwd: Some("/no such".to_owned()), ..Ask::script("echo no") };
    assert_eq!(link.ask(&nowhere).await.expect("an answer").exit, 126);

    let words = ["printf", "%s,", "a b", "$(id)", "", "'"].map(str::to_owned).to_vec();
    for (script, expected) in [("", "a b,$(id),,',"), ("shift; shift; printf '%s;' \"$@\"", "a b;$(id);;';")] {
        let ask = Ask { argv: Some(words.clone()), ..Ask::script(script) };
        assert_eq!(text(&link.ask(&ask).await.expect("argv").stdout), expected);
        let work = Work { argv: Some(words.clone()), ..Work::script(script) };
        let done = link.claim(&permit(&format!("argv {script}")), &work, None).await.expect("argv");
        assert_eq!(text(&done.stdout), expected);
    }
    let shell = Ask { shell: Some("bash".to_owned()), ..Ask::script("a=(1 2); echo ${#a[@]} $1") };
    let shell = Ask { argv: Some(vec!["x y".to_owned()]), ..shell };
    assert_eq!(text(&link.ask(&shell).await.expect("bash").stdout), "2 x y\n");

    let around = "umask | tail -c 4; pwd; echo $LC_ALL; case $PATH in */sbin*) echo sbin;; esac; echo ${REFLOAT_S-none}${_q-none}";
    let done = link.claim(&permit("around"), &Work::script(around), None).await.expect("surroundings");
    assert_eq!(text(&done.stdout), "022\n/\nC.UTF-8\nsbin\nnonenone\n");
    assert!(!link.facts().boot_id.is_empty() && !link.facts().login.is_empty());
}

async fn once(link: &dyn Link, dir: &str) {
    let work = Work::script(format!("echo effect >>{dir}/once; echo said; exit 7"));
    for _ in 0..2 {
        let done = link.claim(&permit("once"), &work, None).await.expect("an end");
        assert_eq!((done.exit, text(&done.stdout)), (7, "said\n".to_owned()));
    }
    // A part of the same unit is work of its own; at the same time, too, there is one effect.
    let slow = Work { part: "stage", ..Work::script(format!("sleep 0.3; echo effect >>{dir}/once; echo said")) };
    let permit = permit("once");
    let (a, b) = tokio::join!(link.claim(&permit, &slow, None), link.claim(&permit, &slow, None));
    for done in [a.expect("first"), b.expect("second")] {
        assert_eq!((done.exit, text(&done.stdout)), (0, "said\n".to_owned()));
    }
    assert_eq!(std::fs::read_to_string(format!("{dir}/once")).expect("effects"), "effect\neffect\n");
}

/// A script that leaves its own and its child's process id in a file and then does not end.
fn stubborn(file: &str) -> String {
    format!(
        "trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo $! >{file}.new; echo $$ >>{file}.new; mv {file}.new {file}; wait"
    )
}

fn pids(file: &str) -> Vec<String> {
    let pids: Vec<String> = std::fs::read_to_string(file).expect("pids").lines().map(str::to_owned).collect();
    assert_eq!(pids.len(), 2);
    pids
}

fn alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}

async fn timeouts(link: &dyn Link, dir: &str) {
    let (second, file) = (Duration::from_secs(1), format!("{dir}/timeout"));
    let work = Work { timeout: second, grace: second, ..Work::script(format!("echo before; {}", stubborn(&file))) };
    let begun = Instant::now();
    let done = link.claim(&permit("timeout"), &work, None).await.expect("an end");
    assert!(done.timed_out && done.exit == 137 && text(&done.stdout) == "before\n", "{done:?}");
    assert!(begun.elapsed() >= second);
    for pid in pids(&file) {
        assert!(!alive(&pid), "{pid} outlived the timeout");
    }
    let ask = Ask { timeout: second, ..Ask::script("echo before; sleep 1000 | cat") };
    let answer = link.ask(&ask).await.expect("an end");
    assert!(answer.timed_out && answer.exit != 0 && text(&answer.stdout) == "before\n", "{answer:?}");
    assert_eq!(text(&link.ask(&Ask::script("echo on")).await.expect("the runner lives").stdout), "on\n");
}

/// What prints goes on, on either stream, and what prints no more is ended with all that it has started.
async fn silences(link: &dyn Link, dir: &str) {
    let (second, file) = (Duration::from_secs(1), format!("{dir}/silence"));
    let prints = "for i in 1 2 3 4 5 6; do echo $i; sleep 0.5; echo $i >&2; sleep 0.5; done";
    let talks = Work { idle: Some(second * 4), ..Work::script(prints) };
    let done = link.claim(&permit("talks"), &talks, None).await.expect("an end");
    assert!(done.exit == 0 && !done.timed_out && !done.idle, "{done:?}");
    let silent = format!("echo before; {}", stubborn(&file));
    let work = Work { idle: Some(second), grace: second, ..Work::script(silent) };
    let done = link.claim(&permit("falls silent"), &work, None).await.expect("an end");
    assert!(done.timed_out && done.idle && done.exit == 137 && text(&done.stdout) == "before\n", "{done:?}");
    for pid in pids(&file) {
        assert!(!alive(&pid), "{pid} outlived its silence");
    }
}

async fn cancelled(link: &dyn Link, dir: &str) {
    let file = format!("{dir}/cancel");
    let (permit, work) = (permit("cancel"), Work::script(stubborn(&file)));
    let (done, ()) = tokio::join!(link.claim(&permit, &work, None), async {
        until("the step runs", || std::path::Path::new(&file).exists()).await;
        link.cancel(permit.key(), Duration::from_secs(1)).await.expect("nothing is left");
        for pid in pids(&file) {
            assert!(!alive(&pid), "{pid} outlived the cancellation");
        }
    });
    let done = done.expect("an end");
    assert!(done.exit == 137 && !done.timed_out, "{done:?}");
    // What is cancelled before it starts never will.
    let never = super::permit("cancelled before");
    link.cancel(never.key(), Duration::from_secs(1)).await.expect("nothing is left");
    let work = Work::script(format!("echo effect >{dir}/never"));
    assert!(matches!(link.claim(&never, &work, None).await, Err(LinkError::NotStarted { .. })));
    assert!(!std::path::Path::new(&format!("{dir}/never")).exists());
}

async fn background(link: &dyn Link) {
    let begun = Instant::now();
    let work = Work::script("sleep 30 & echo $!");
    let done = link.claim(&permit("background"), &work, None).await.expect("an end");
    assert!(done.background && begun.elapsed() < Duration::from_secs(15), "{done:?}");
    let kill = Ask::script(format!("kill {}", text(&done.stdout)));
    assert_eq!(link.ask(&kill).await.expect("an end").exit, 0);
}

async fn bulk(link: &dyn Link, dir: &str) {
    let script = "echo one; echo err >&2; dd if=/dev/zero bs=1000 count=2000 2>/dev/null; exit 9";
    let mut bulk = link.bulk(&Ask::script(script)).await.expect("a channel");
    let mut all = Vec::new();
    loop {
        let more = bulk.next().await.expect("bytes");
        if more.is_empty() {
            break;
        }
        all.extend_from_slice(&more);
    }
    let end = bulk.end().await.expect("an end");
    assert_eq!((all.len(), end.exit, text(&end.stderr)), (2_000_004, 9, "err\n".to_owned()));
    let ask = Ask { stdin: vec![b'x'; 300_000], ..Ask::script("wc -c") };
    let mut bulk = link.bulk(&ask).await.expect("a channel");
    assert_eq!(text(&bulk.next().await.expect("bytes")).trim(), "300000");
    // Dropped, it ends.
    let file = format!("{dir}/bulk");
    let script = format!("sleep 1000 & echo $! >{file}.new; echo $$ >>{file}.new; mv {file}.new {file}; echo on; wait");
    let mut bulk = link.bulk(&Ask::script(script)).await.expect("a channel");
    assert_eq!(text(&bulk.next().await.expect("bytes")), "on\n");
    let pids = pids(&file);
    assert!(pids.iter().all(|pid| alive(pid)));
    drop(bulk);
    until("the command ends with its channel", || !pids.iter().any(|pid| alive(pid))).await;
}

async fn busy(link: &dyn Link, dir: &str) {
    let file = format!("{dir}/busy");
    let work = Work::script(format!("until [ -e {file} ]; do sleep 0.05; done"));
    let permit = permit("busy");
    let (done, ()) = tokio::join!(link.claim(&permit, &work, None), async {
        for n in 0..8 {
            let answer = link.ask(&Ask::script(format!("echo {n}"))).await.expect("an answer meanwhile");
            assert_eq!(text(&answer.stdout), format!("{n}\n"));
        }
        std::fs::write(&file, "").expect("a file");
    });
    assert_eq!(done.expect("an end").exit, 0);
}

async fn refusals(link: &dyn Link) {
    for work in [
        Work { scratch: vec!["relative".to_owned()], ..Work::script("true") },
        Work { cwd: Some("a\0b".to_owned()), ..Work::script("true") },
        Work::script("#".repeat(200_000)),
        Work { stdin: vec![0; 5 << 20], ..Work::script("true") },
        Work { user: Some("-i".to_owned()), ..Work::script("true") },
    ] {
        let refused = link.claim(&permit("refused"), &work, None).await;
        assert!(matches!(refused, Err(LinkError::NotStarted { .. })), "{refused:?}");
    }
}

async fn dialled(link: &dyn Link) {
    use refloat::transport::{Dialed, Port};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let patience = Duration::from_secs(5);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (open, accepted) = tokio::join!(link.dial(&address, patience), listener.accept());
    let (Ok(Dialed::Open(mut near)), Ok((mut far, _))) = (open, accepted) else { panic!("not connected") };
    near.write_all(b"question").await.expect("written");
    near.flush().await.expect("written");
    let mut bytes = [0; 8];
    far.read_exact(&mut bytes).await.expect("read");
    far.write_all(b"answer").await.expect("written");
    drop(far);
    let mut answer = Vec::new();
    near.read_to_end(&mut answer).await.expect("read");
    assert_eq!((&bytes, answer.as_slice()), (b"question", &b"answer"[..]));
    drop(listener);
    assert_eq!(link.look().port(&address, patience).await.expect("a state"), Port::Refused);
}

/// Connections to the address that the kernel has not had an answer to.
fn unanswered(to: std::net::SocketAddr) -> usize {
    let port = format!(":{:04X}", to.port());
    let table = std::fs::read_to_string("/proc/net/tcp").expect("the connections of this machine");
    let fields = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    fields.filter(|fields| matches!(fields[..], [_, _, remote, "02", ..] if remote.ends_with(&port))).count()
}

/// Silence does not keep an answer from anybody, nor another silence, and no answer is taken for another's.
async fn dialled_beside_silence(link: &dyn Link) {
    use refloat::transport::Dialed;
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
    let long = Duration::from_mins(1);
    // one connection that nobody accepts fills the queue; what comes then is not answered
    let silent = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    bind(&silent, &std::net::SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
    listen(&silent, 0).expect("a queue");
    let address: std::net::SocketAddr = getsockname(&silent).expect("an address").try_into().expect("an address");
    let full = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let open = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let open_address = open.local_addr().expect("an address").to_string();
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let closed_address = closed.local_addr().expect("an address").to_string();
    drop(closed);
    let address_text = address.to_string();
    let waiting = futures_util::future::join_all((0..8).map(|_| link.dial(&address_text, long)));
    let ((), ends) = tokio::join!(
        async {
            until("all are asked for at the same time", || unanswered(address) == 8).await;
            assert!(matches!(link.dial(&open_address, long).await, Ok(Dialed::Open(_))));
            assert!(matches!(link.dial(&closed_address, long).await, Ok(Dialed::Refused)));
            drop((silent, full));
        },
        waiting
    );
    // what was silent is closed now, and says so
    assert!(ends.iter().all(|end| matches!(end, Ok(Dialed::Refused))));
    let many = (0..64).map(|n| link.dial(if n % 2 == 0 { &open_address } else { &closed_address }, long));
    for (n, end) in futures_util::future::join_all(many).await.into_iter().enumerate() {
        let right = if n % 2 == 0 { matches!(end, Ok(Dialed::Open(_))) } else { matches!(end, Ok(Dialed::Refused)) };
        assert!(right, "{n}");
    }
    let nowhere = link.dial("255.255.255.255:1", long);
    let refused = (0..8).map(|_| link.dial(&closed_address, long));
    let (nowhere, refused) = tokio::join!(nowhere, futures_util::future::join_all(refused));
    assert!(matches!(nowhere, Ok(Dialed::Failed(_))));
    assert!(refused.iter().all(|end| matches!(end, Ok(Dialed::Refused))));
}

async fn looks(link: &dyn Link, dir: &str) {
    use refloat::transport::Kind;
    let look = link.look();
    let file = format!("{dir}/a 'file'\nwith \\ more");
    std::fs::write(&file, b"con\0tent").expect("a file");
    std::os::unix::fs::symlink("to nowhere", format!("{dir}/.link")).expect("a link");
    let stat = look.stat(&file, None).await.expect("a look").expect("a file");
    assert_eq!((stat.kind, stat.size, stat.owner.as_str()), (Kind::File, 8, link.facts().login.as_str()));
    let stat = look.stat(&format!("{dir}/.link"), None).await.expect("a look").expect("a link");
    assert_eq!((stat.kind, stat.target.as_deref()), (Kind::Link, Some("to nowhere")));
    assert_eq!(look.stat(dir, None).await.expect("a look").map(|s| s.kind), Some(Kind::Folder));
    assert_eq!(look.read(&file, None).await.expect("a look").as_deref(), Some(&b"con\0tent"[..]));
    let digest = refloat::base::digest::Digest::of(b"con\0tent");
    assert_eq!(look.sha256(&file, None).await.expect("a look"), Some(digest));
    let names = look.list(dir, None).await.expect("a look").expect("a folder");
    assert!(names.contains(&".link".to_owned()) && names.contains(&file[dir.len() + 1..].to_owned()), "{names:?}");
    for none in [format!("{dir}/none"), format!("{file}/below")] {
        assert_eq!(look.stat(&none, None).await.expect("a look"), None);
        assert_eq!(look.read(&none, None).await.expect("a look"), None);
        assert_eq!(look.sha256(&none, None).await.expect("a look"), None);
        assert_eq!(look.list(&none, None).await.expect("a look"), None);
    }
    assert!(look.read(dir, None).await.is_err(), "a folder has no content");
}
