//! A real sshd on a loopback port, with keys of its own, that dies with the test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use refloat::base::ids::RunId;
use refloat::transport::{Connect, HostAddr, Via};

/// A running sshd and the files of a client that may log in.
pub struct Sshd {
    pub dir: tempfile::TempDir,
    pub port: u16,
    child: Child,
}

fn run(program: &str, args: &[&str]) {
    let done = Command::new(program).args(args).stdin(Stdio::null()).output().expect(program);
    assert!(done.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A port that is free, and that no connection is given as its own in the meantime: those are from 32768 on.
fn port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 10_000).unwrap_or(0);
    let mut all = (0..10_000).map(|_| 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed) % 10_000) % 10_000);
    all.find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}

/// The server, in the foreground. As root it wants /run/sshd; a /run of its own leaves this machine as it is. With a file
/// `boot` in its folder that is the id of this boot, for it and for all that it serves.
fn spawn(dir: &Path) -> Child {
    let script = "mount -t tmpfs none /run && mkdir -m 755 /run/sshd || exit\n\
                  [ ! -e \"$2\" ] || mount --bind \"$2\" /proc/sys/kernel/random/boot_id || exit\n\
                  exec /usr/sbin/sshd -D -f \"$0\" -E \"$1\"";
    Command::new("unshare")
        .args(["-m", "sh", "-c", script])
        .args([dir.join("sshd_config"), dir.join("sshd.log"), dir.join("boot")])
        .stdin(Stdio::null())
        .spawn()
        .expect("unshare")
}

fn children(parent: &str) -> Vec<String> {
    let tasks = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    tasks.split_whitespace().map(str::to_owned).collect()
}

/// Whether sshd can be started here.
pub fn available() -> Result<(), String> {
    for program in ["/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/ssh-keygen", "/usr/bin/unshare"] {
        if !Path::new(program).exists() {
            return Err(format!("{program} is not here"));
        }
    }
    let mount = Command::new("unshare").args(["-m", "mount", "-t", "tmpfs", "none", "/run"]).output();
    if mount.is_ok_and(|done| done.status.success()) { Ok(()) } else { Err("no mount namespaces".to_owned()) }
}

impl Sshd {
    /// Starts it, with more lines for `sshd_config`.
    pub fn start(more: &str) -> Self {
        Self::with("", more)
    }

    /// The same, with variables for whoever logs in, as `SetEnv` takes them: of several such lines sshd heeds the first.
    pub fn with(variables: &str, more: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("rs").tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name).to_str().expect("UTF-8").to_owned();
        for key in ["host", "client", "stranger"] {
            run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", &path(key)]);
        }
        std::fs::copy(path("client.pub"), path("authorized")).expect("a key");
        let port = port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PidFile none\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n\
             AcceptEnv REFLOAT_*\nPrintMotd no\nSetEnv HOME={} {variables}\n{more}\n",
            path("host"),
            path("authorized"),
            path("home")
        );
        // a home of its own, as another host has: locks and claims lie there
        std::fs::create_dir(path("home")).expect("a folder");
        std::fs::write(path("sshd_config"), config).expect("a file");
        let child = spawn(dir.path());
        let host_key = std::fs::read_to_string(path("host.pub")).expect("a key");
        std::fs::write(path("known"), format!("[127.0.0.1]:{port} {host_key}")).expect("a file");
        let sshd = Self { dir, port, child };
        sshd.client("", "client", "known");
        sshd.listens(1);
        sshd
    }

    /// Waits until it has begun to listen for the `n`th time.
    fn listens(&self, n: usize) {
        let log = || std::fs::read_to_string(self.path("sshd.log")).unwrap_or_default();
        let deadline = Instant::now() + Duration::from_secs(10);
        while log().matches("Server listening").count() < n {
            assert!(Instant::now() < deadline, "sshd: {}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// SIGKILL for the server and for all that serves connections. What runs in these connections is left alone.
    pub fn kill(&mut self) {
        let mut pids = vec![self.child.id().to_string()];
        let mut n = 0;
        while let Some(parent) = pids.get(n).cloned() {
            n += 1;
            pids.extend(children(&parent).into_iter().filter(|pid| {
                std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().starts_with("sshd")
            }));
        }
        // one that ended by itself meanwhile is as dead
        let _ = Command::new("kill").arg("-9").args(&pids).stderr(Stdio::null()).status();
        self.child.wait().expect("its end");
    }

    /// The server's own process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What serves connections, at this moment.
    pub fn sessions(&self) -> Vec<i32> {
        let mut found = children(&self.child.id().to_string());
        let mut n = 0;
        while let Some(parent) = found.get(n).cloned() {
            n += 1;
            found.extend(children(&parent));
        }
        let serves =
            |pid: &String| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().starts_with("sshd");
        found.retain(serves);
        found.iter().filter_map(|pid| pid.parse().ok()).collect()
    }

    /// Starts it again, as it was.
    pub fn again(&mut self) {
        let log = std::fs::read_to_string(self.path("sshd.log")).unwrap_or_default();
        self.child = spawn(self.dir.path());
        self.listens(log.matches("Server listening").count() + 1);
    }

    /// Where a run's claims are.
    pub fn spool(&self, run: &RunId) -> PathBuf {
        self.path("home").join(".refloat").join(run.as_str())
    }

    /// Runs a shell text as root where the server sees this machine's files.
    pub fn inside(&self, script: &str) {
        let home = format!("HOME={}", self.path("home").display());
        run("nsenter", &["-t", &self.child.id().to_string(), "-m", "env", &home, "sh", "-ec", script]);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes the client's configuration: which key it has, and which hosts it knows.
    pub fn client(&self, more: &str, key: &str, known: &str) {
        let text = format!(
            "{more}\nIdentityFile {}\nIdentitiesOnly yes\nIdentityAgent none\nUserKnownHostsFile {}\nGlobalKnownHostsFile none\n",
            self.path(key).display(),
            self.path(known).display()
        );
        std::fs::write(self.path("ssh_config"), text).expect("a file");
    }

    /// This sshd as a host.
    pub fn host(&self) -> HostAddr {
        let connect = Connect { via: Via::Ssh, ssh_config: Some(self.path("ssh_config")), ..Connect::default() };
        let (name, address) = ("web1".to_owned(), "127.0.0.1".to_owned());
        HostAddr { name, address, user: None, port: Some(self.port), connect }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
