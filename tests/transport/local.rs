//! The suite over the local transport, in every shell that a host may have as its `/bin/sh`.

use std::path::PathBuf;

use refloat::base::ids::RunId;
use refloat::transport::local::LocalTransport;
use refloat::transport::ssh::Options;
use refloat::transport::{Transport as _, Via};

use super::{conformance, host, spool};
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
