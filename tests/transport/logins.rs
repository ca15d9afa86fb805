//! Login shells, as the server starts them: they disagree about quotes, and their rc files print, warn, redefine and read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use refloat::base::ids::RunId;
use refloat::transport::ssh::{Options, SshTransport};
use refloat::transport::{Claims, LinkError, Transport as _};

use super::conformance;
use crate::support::sshd::{Sshd, available};
use crate::support::tier;

/// The rc files that a shell reads when a server starts it for a command, with POSIX text and with that of csh and fish.
const FILES: &[&str] = &[".bashrc", ".profile", ".zshenv", ".zshrc", ".cshrc", ".tcshrc", ".config/fish/config.fish"];

/// The user of these tests logs in with this shell, in a home with this in its rc files. The machine stays as it is: only
/// this server sees it.
fn login(sshd: &Sshd, shell: &str, rc: &str) {
    let home = sshd.path("home");
    fs::create_dir_all(home.join(".config/fish")).expect("a folder");
    for file in FILES {
        fs::write(home.join(file), rc).expect("a file");
    }
    let passwd = fs::read_to_string("/etc/passwd").expect("the users");
    let uid = rustix::process::geteuid().as_raw().to_string();
    let lines = passwd.lines().map(|line| {
        let mut words: Vec<&str> = line.split(':').collect();
        let home = home.to_str().expect("UTF-8");
        if words[2] == uid {
            (words[5], words[6]) = (home, shell);
        }
        words.join(":") + "\n"
    });
    fs::write(sshd.path("passwd"), lines.collect::<String>()).expect("a file");
    fs::set_permissions(sshd.path("passwd"), fs::Permissions::from_mode(0o644)).expect("a mode");
    sshd.inside(&format!("mount --bind {} /etc/passwd", sshd.path("passwd").display()));
}

fn transport(sshd: &Sshd) -> SshTransport {
    SshTransport::new(Options::new(RunId::generate(), sshd.dir.path().to_owned())).expect("a control folder")
}

async fn suite(shell: &str, rc: &str) {
    let found = Path::new(shell).exists().then_some(()).ok_or(format!("{shell} is not here"));
    if !tier("sshd", available()) || !tier("shells", found) {
        return;
    }
    let sshd = Sshd::start("");
    login(&sshd, shell, rc);
    let link = transport(&sshd).connect(&sshd.host()).await.expect(shell);
    conformance::exact(&*link).await;
    link.finish(Claims::Remove).await;
    assert!(!sshd.path("home/.refloat").exists(), "the claims are removed");
}

/// A banner, a forged greeting, a warning, half a line. Every shell takes this text.
const NOISE: &str =
    "echo welcome\necho 'refloat K forged'\necho \"0123 K boot id 0 root 1 sh /tmp\"\nprintf 'half a line'\n";

#[tokio::test]
async fn dash() {
    suite("/usr/bin/dash", "").await;
}

#[tokio::test]
async fn bash() {
    let own = "echo trouble >&2\nalias cat=false\nalias dd=false\nIFS=/\nset -C\nexport CDPATH=/ ENV=/etc/motd\n";
    suite("/usr/bin/bash", &(NOISE.to_owned() + own)).await;
}

#[tokio::test]
async fn zsh() {
    suite("/usr/bin/zsh", &(NOISE.to_owned() + "echo trouble >&2\nsetopt noclobber\nalias -g count=x\n")).await;
}

#[tokio::test]
async fn fish() {
    suite("/usr/bin/fish", &(NOISE.to_owned() + "echo trouble >&2\nfunction dd; false; end\n")).await;
}

#[tokio::test]
async fn tcsh() {
    suite("/usr/bin/tcsh", &(NOISE.to_owned() + "alias dd false\nset noclobber\n")).await;
}

/// What reads the program that is sent leaves nothing whole of it: nothing starts, and there is no link.
#[tokio::test]
async fn an_rc_file_that_reads_the_input_makes_no_link() {
    if !tier("sshd", available()) {
        return;
    }
    for rc in ["read -r line\n", "head -c 3000 >/dev/null\n", "cat >/dev/null\n"] {
        let sshd = Sshd::start("");
        login(&sshd, "/usr/bin/bash", rc);
        let begun = Instant::now();
        let refused = transport(&sshd).connect(&sshd.host()).await.err().expect(rc);
        assert!(matches!(refused, LinkError::Channel { .. } | LinkError::Unreachable { .. }), "{rc}: {refused:?}");
        assert!(begun.elapsed() < Duration::from_mins(1), "{rc}: {:?}", begun.elapsed());
        assert!(!sshd.path("home/.refloat").exists(), "{rc}");
    }
}
