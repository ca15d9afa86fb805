//! What an action may do before it does anything, and what it says of itself when it is done, over a link that counts:
//! `prepare` asks nothing at all, `check` claims nothing, connects to nothing and leaves the folder as it was to the inode,
//! `apply` claims; then `check` holds, and applying again changes nothing. There is no verb `check` yet: what it will call is
//! tried here.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use refloat::action::check::Verdict;
use refloat::action::registry::{self, Leaf};
use refloat::action::{Action, Cx, Effect, Holes, Login, Logs, Ready};
use refloat::base::BoxFuture;
use refloat::base::diag::Diagnostics;
use refloat::base::ids::{RunId, UnitKey};
use refloat::base::permit::Permit;
use refloat::base::span::SourceId;
use refloat::template::Value;
use refloat::text::parse;
use refloat::transport::local::LocalTransport;
use refloat::transport::ssh::Options;
use refloat::transport::{
    Answer, Ask, Bulk, Claims, Dialed, Done, Facts, Hands, Link, LinkError, Locked, Look, Record, Started, Ticket,
    Transport as _, Via, Work,
};
use secrecy::SecretString;
use tokio::sync::oneshot;

use crate::template::World;
use crate::transport::{host, permit, until};

/// A link that counts what goes over it.
struct Counting {
    link: Arc<dyn Link>,
    asks: AtomicUsize,
    dials: AtomicUsize,
    claims: AtomicUsize,
}

impl Counting {
    fn counts(&self) -> [usize; 3] {
        [&self.asks, &self.dials, &self.claims].map(|count| count.load(Ordering::SeqCst))
    }
}

impl Look for Counting {
    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Answer, LinkError>> {
        self.asks.fetch_add(1, Ordering::SeqCst);
        self.link.ask(ask)
    }

    fn dial<'a>(&'a self, address: &'a str, timeout: Duration) -> BoxFuture<'a, Result<Dialed, LinkError>> {
        self.dials.fetch_add(1, Ordering::SeqCst);
        self.link.dial(address, timeout)
    }
}

impl Link for Counting {
    fn host(&self) -> &str {
        self.link.host()
    }

    fn facts(&self) -> &Facts {
        self.link.facts()
    }

    fn look(&self) -> &dyn Look {
        self
    }

    fn claim<'a>(
        &'a self,
        permit: &'a Permit,
        work: &'a Work,
        started: Option<oneshot::Sender<Started>>,
    ) -> BoxFuture<'a, Result<Done, LinkError>> {
        self.claims.fetch_add(1, Ordering::SeqCst);
        self.link.claim(permit, work, started)
    }

    fn lock<'a>(&'a self, ticket: &'a Ticket) -> BoxFuture<'a, Result<Locked, LinkError>> {
        self.link.lock(ticket)
    }

    fn holds(&self, token: &str) {
        self.link.holds(token);
    }

    fn worked_as(&self, user: Option<&str>) {
        self.link.worked_as(user);
    }

    fn cancel<'a>(&'a self, key: &'a UnitKey, grace: Duration) -> BoxFuture<'a, Result<(), LinkError>> {
        self.link.cancel(key, grace)
    }

    fn fence<'a>(&'a self, key: &'a UnitKey, user: Option<&'a str>) -> BoxFuture<'a, Result<Record, LinkError>> {
        self.link.fence(key, user)
    }

    fn bulk<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Box<dyn Bulk>, LinkError>> {
        self.link.bulk(ask)
    }

    fn finish(&self, claims: Claims) -> BoxFuture<'_, bool> {
        self.link.finish(claims)
    }
}

/// An action, and what `check` says of it on a host where nothing has been done.
struct Tried {
    key: &'static str,
    value: &'static str,
    first: fn(&Verdict) -> bool,
}

fn would_change(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::WouldChange(_))
}

fn would_run(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::WouldRun(_))
}

/// `OUT` is a folder of the test, `PORT` a server that counts its requests.
const TRIED: &[Tried] = &[
    Tried { key: "directory", value: "{ path: OUT/d, mode: \"0750\" }", first: would_change },
    Tried { key: "directory", value: "{ path: OUT/empty, state: absent }", first: would_change },
    Tried { key: "download", value: "{ path: OUT/there, as: kept }", first: would_run },
    Tried { key: "file", value: "{ path: OUT/f, content: \"é\\n\", mode: \"0640\" }", first: would_change },
    Tried { key: "file", value: "{ path: OUT/there, content: other }", first: would_change },
    Tried { key: "file", value: "{ path: OUT/gone, state: absent }", first: would_change },
    Tried { key: "http", value: "{ url: \"http://127.0.0.1:PORT/a\", method: POST }", first: would_run },
    Tried { key: "link", value: "{ path: OUT/l, to: OUT/there }", first: would_change },
    Tried { key: "link", value: "{ path: OUT/old, to: OUT/there }", first: would_change },
    Tried { key: "move", value: "{ from: OUT/from, to: OUT/to }", first: would_change },
    Tried { key: "run", value: "{ command: \"echo x >>OUT/ran; printf '\\\\377é'\" }", first: would_run },
    Tried { key: "service", value: "{ name: web, state: started, enabled: true }", first: would_change },
    Tried { key: "service", value: "{ name: web, state: stopped, enabled: false }", first: would_change },
];

/// A service that runit looks after in a folder of the test, down and not to be started.
struct Service {
    runsv: Child,
}

impl Service {
    async fn start(folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let run = folder.join("run");
        fs::write(&run, "#!/bin/sh\nexec sleep 100000\n").expect("a file");
        fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).expect("its mode");
        fs::write(folder.join("down"), "").expect("a file");
        let runsv = Command::new("runsv").arg(folder).stdin(Stdio::null()).spawn().expect("runsv starts");
        let service = Self { runsv };
        until("runsv listens", || {
            let status = Command::new("sv").arg("status").arg(folder).output().expect("sv starts");
            String::from_utf8_lossy(&status.stdout).starts_with("down:")
        })
        .await;
        service
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // it stops its service and ends
        let pid = self.runsv.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.runsv.wait();
    }
}

/// Everything below a folder: content, mode, inode and the times of change. What runit writes for itself is not ours.
fn picture(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.file_name().is_some_and(|name| name == "supervise") {
            continue;
        }
        let meta = fs::symlink_metadata(&path).expect("its metadata");
        let inside = if meta.is_dir() {
            all.extend(picture(&path));
            String::new()
        } else {
            fs::read_link(&path).map_or_else(
                |_| String::from_utf8_lossy(&fs::read(&path).expect("its content")).into_owned(),
                |to| to.display().to_string(),
            )
        };
        let times = [meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()];
        // the folder of a service has runit's own in it, which come and go
        let times = if path.join("supervise").exists() { [0; 4] } else { times };
        all.insert(path, format!("{:o} {} {times:?} {inside}", meta.mode(), meta.ino()));
    }
    all
}

fn decode(key: &str, text: &str) -> Box<dyn Action> {
    let diags = Diagnostics::new();
    let tree = parse(SourceId(0), text, &diags).expect("YAML");
    match registry::decode(key, &tree, &diags) {
        Some(Leaf::Action(action)) => action,
        other => panic!("{key}: {other:?} {:?}", diags.into_sorted()),
    }
}

/// A server that counts its requests and answers each.
fn server() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            count.fetch_add(1, Ordering::SeqCst);
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                head.push(byte[0]);
            }
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-index: 18446744073709551615\r\n\r\n\xc3\xa9");
        }
    });
    (port, seen)
}

/// What a step keeps is the same when it is read back from the journal's JSON.
fn survives(tried: &Tried, action: &dyn Action, result: &Value) {
    let text = serde_json::to_string(&result.to_json()).expect("JSON");
    let back = Value::from_json(&serde_json::from_str(&text).expect("JSON"));
    assert_eq!(&back, result, "{}: {text}", tried.key);
    let Value::Map(map) = &back else { panic!("{}: {text}", tried.key) };
    for name in action.outputs().iter().filter(|name| !["changed", "artifact"].contains(*name)) {
        assert!(map.contains_key(*name), "{}: no {name} in {text}", tried.key);
    }
}

async fn apply(tried: &Tried, ready: &dyn Ready, link: &Counting, unit: &str) -> refloat::action::Applied {
    let hands = Hands::new(link, permit(unit));
    if ready.two_phase() {
        ready.stage(&hands).await.unwrap_or_else(|error| panic!("{}: {error}", tried.key));
    }
    ready.apply(&hands, Logs::default()).await.unwrap_or_else(|error| panic!("{}: {error}", tried.key))
}

#[tokio::test]
async fn checking_changes_nothing_and_holds_when_it_is_done() {
    let runit = Command::new("runsv").output().map(drop).map_err(|error| format!("runsv: {error}"));
    let runit = crate::support::tier("runit", runit);
    // A host that may be rebooted is not this one; that it is one claim, and what is checked before, is shown over real
    // servers (tests/transport/healing.rs).
    let keys: Vec<&str> = registry::keys().filter(|key| registry::is_on_hosts(key) && *key != "reboot").collect();
    let tried: std::collections::BTreeSet<&str> = TRIED.iter().map(|tried| tried.key).collect();
    assert_eq!(tried.into_iter().collect::<Vec<_>>(), keys, "each action that works on a host is tried");

    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    fs::create_dir_all(out.join("empty")).expect("a folder");
    for name in ["there", "gone", "from"] {
        fs::write(out.join(name), "x\u{e9}\n").expect("a file");
    }
    std::os::unix::fs::symlink("/nowhere", out.join("old")).expect("a link");
    let services = out.join("sv");
    let _service = if runit { Some(Service::start(&services.join("web")).await) } else { None };
    let (port, requests) = server();

    let options = Options::new(RunId::generate(), PathBuf::from("/nonexistent"));
    let link = LocalTransport::new(options).connect(&host(Via::Local)).await.expect("a link");
    let link = Counting { link, asks: 0.into(), dials: 0.into(), claims: 0.into() };
    let world = World::new();
    let login = Login {
        env: BTreeMap::from([("SVDIR".to_owned(), SecretString::from(services.display().to_string()))]),
        service_manager: Some("runit".to_owned()),
        ..Login::default()
    };
    let cx = Cx {
        idle_timeout: None,
        scope: &world,
        login: &login,
        timeout: Duration::from_mins(1),
        run: "01TEST",
        template: &|_| None,
        files: &|_| None,
        holes: Holes::No,
    };

    for (n, tried) in TRIED.iter().enumerate().filter(|(_, tried)| runit || tried.key != "service") {
        let text = tried.value.replace("OUT", &out.display().to_string()).replace("PORT", &port.to_string());
        let action = decode(tried.key, &text);
        let (before, counts) = (picture(&out), link.counts());
        let ready = action.prepare(&cx).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(link.counts(), counts, "{text}: to prepare is to ask nothing");
        for _ in 0..2 {
            let verdict = ready.check(&link).await.unwrap_or_else(|error| panic!("{text}: {error}"));
            assert!((tried.first)(&verdict), "{text}: {verdict:?}");
        }
        assert_eq!(picture(&out), before, "{text}");
        assert_eq!(link.counts()[1..], counts[1..], "{text}: no claim, and no connection from there");
        assert_eq!(requests.load(Ordering::SeqCst), 0, "{text}: no request");

        let done = apply(tried, &*ready, &link, &format!("{n} first")).await;
        assert!(done.changed || tried.key == "download", "{text}");
        survives(tried, &*action, &done.result);
        let claimed = link.counts()[2] - counts[2];
        assert!(claimed > 0 || action.effect() == Effect::Reads, "{text}: what changes a host is claimed");
        if action.effect() == Effect::Idempotent {
            let before = picture(&out);
            let verdict = ready.check(&link).await.unwrap_or_else(|error| panic!("{text}: {error}"));
            assert!(matches!(verdict, Verdict::Holds(_)), "{text}: {verdict:?}");
            assert_eq!(picture(&out), before, "{text}");
            let again = apply(tried, &*ready, &link, &format!("{n} second")).await;
            assert!(!again.changed, "{text}: {again:?}");
            survives(tried, &*action, &again.result);
        }
        requests.store(0, Ordering::SeqCst);
    }
    assert_eq!(fs::read_to_string(out.join("ran")).expect("a file"), "x\n", "carried out once, never by a check");
    link.finish(Claims::Remove).await;
}
