//! The floor: one OpenSSH connection for each host, one channel for each command, all hosts of a step at once, a barrier
//! after each step. Nothing is claimed, journalled, rendered or looked at; output is read and thrown away.

use std::path::{Path, PathBuf};

use clap::Args;
use futures_util::future::join_all;
use openssh::{KnownHosts, Session, SessionBuilder, Stdio};
use tokio::io::AsyncReadExt as _;

#[derive(Args)]
pub struct FloorArgs {
    /// ssh's configuration.
    config: PathBuf,
    /// The shell texts of the steps, a JSON list.
    steps: PathBuf,
    /// The hosts.
    hosts: Vec<String>,
}

pub fn main(args: &FloorArgs) {
    let steps: Vec<String> =
        serde_json::from_str(&std::fs::read_to_string(&args.steps).expect("the steps")).expect("JSON");
    runtime().block_on(async {
        let control = tempfile::Builder::new().prefix("fl").tempdir().expect("a folder");
        let sessions = connect(&args.config, control.path(), &args.hosts).await;
        for step in &steps {
            join_all(sessions.iter().map(|session| drained(session, step))).await;
        }
        join_all(sessions.into_iter().map(Session::close)).await;
    });
}

/// What a text prints on each host.
pub fn ask(config: &Path, hosts: &[String], text: &str) -> Vec<String> {
    runtime().block_on(async {
        let control = tempfile::Builder::new().prefix("fl").tempdir().expect("a folder");
        let sessions = connect(config, control.path(), hosts).await;
        let said = join_all(sessions.iter().map(|session| async move {
            let said = session.raw_command(text).output().await.expect("an answer");
            String::from_utf8(said.stdout).expect("UTF-8")
        }))
        .await;
        join_all(sessions.into_iter().map(Session::close)).await;
        said
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

async fn connect(config: &Path, control: &Path, hosts: &[String]) -> Vec<Session> {
    join_all(hosts.iter().map(|host| async move {
        let mut builder = SessionBuilder::default();
        builder.known_hosts_check(KnownHosts::Strict).config_file(config).control_directory(control);
        builder.connect_mux(host).await.unwrap_or_else(|error| panic!("{host}: {error:?}"))
    }))
    .await
}

async fn drained(session: &Session, text: &str) {
    let mut command = session.raw_command(text);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().await.expect("a channel");
    let mut out = child.stdout().take().expect("a stream");
    let mut buffer = vec![0; 64 << 10];
    while out.read(&mut buffer).await.expect("output") > 0 {}
    assert!(child.wait().await.expect("an end").success(), "{text}");
}
