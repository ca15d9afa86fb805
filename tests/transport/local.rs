//! The suite over the local transport, in every shell that a host may have as its `/bin/sh`.

use std::path::PathBuf;

use refloat::base::ids::RunId;
use refloat::transport::local::LocalTransport;
use refloat::transport::ssh::Options;
use refloat::transport::{Claims, Transport as _, Via, Work};

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
        let each = (forks[1] - forks[0]) as f64 / 20.0;
        assert!((1.0..=4.0).contains(&each), "{shell}: {forks:?}");
    }
}
