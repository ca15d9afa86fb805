//! Numbers of files that are given anew: a generation that nobody has read has the number of one that was read, or of one
//! that is older than the cursor. To be sure of the number, the old file is taken out of the folder and written anew.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use refloat::transport::{Claims, Link};
use refloat::watch::{Followed, Follower};

use super::{link, stands, told};

/// The text as gzip packs it.
fn packed(text: &str) -> Vec<u8> {
    let mut gzip = Command::new("gzip").arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("gzip");
    gzip.stdin.take().expect("an input").write_all(text.as_bytes()).expect("written");
    gzip.wait_with_output().expect("packed").stdout
}

async fn line(follower: &mut Follower) -> String {
    match told(follower).await {
        Followed::Line { text, .. } => text,
        other => panic!("{other:?}"),
    }
}

fn append(log: &Path, text: &str) {
    let mut log = fs::OpenOptions::new().append(true).open(log).expect("a log");
    log.write_all(text.as_bytes()).expect("written");
}

/// `one` is read; then the log is rotated twice between two looks, and the generation between them, which holds `two`, has
/// the number of a sibling that was there before. `first`: what all generations begin with.
async fn older(link: &dyn Link, gzip: bool, first: &str) {
    let sibling = if gzip { "app.log.1.gz" } else { "app.log.1" };
    let dir = tempfile::tempdir().expect("a folder");
    let away = tempfile::tempdir_in(dir.path()).expect("a folder");
    let at = |name: &str| dir.path().join(name);
    let bytes = |text: String| if gzip { packed(&text) } else { text.into_bytes() };
    fs::write(at(sibling), bytes("older\n".to_owned())).expect("a sibling");
    let number = fs::metadata(at(sibling)).expect("a sibling").ino();
    fs::write(at("app.log"), first).expect("a log");
    let cursor = stands(link, &at("app.log").display().to_string()).await;
    let mut follower = Follower::start(link, None, &cursor).await.expect("a follower");
    append(&at("app.log"), "one\n");
    assert_eq!(line(&mut follower).await, "one");

    let spare = away.path().join("spare");
    fs::rename(at(sibling), &spare).expect("renamed");
    fs::write(&spare, bytes(format!("{first}two\n"))).expect("written anew");
    fs::rename(at("app.log"), at("app.log.2")).expect("renamed");
    fs::rename(&spare, at(sibling)).expect("renamed");
    assert_eq!(fs::metadata(at(sibling)).expect("a sibling").ino(), number);
    fs::write(at("app.log"), format!("{first}three\n")).expect("a log");
    for wanted in ["two", "three"] {
        for heading in first.lines() {
            assert_eq!(line(&mut follower).await, heading);
        }
        assert_eq!(line(&mut follower).await, wanted, "{sibling}");
    }
}

/// A generation that was read to its end is removed, and its number is that of one that was not.
async fn read(link: &dyn Link) {
    let dir = tempfile::tempdir().expect("a folder");
    let away = tempfile::tempdir_in(dir.path()).expect("a folder");
    let at = |name: &str| dir.path().join(name);
    fs::write(at("app.log"), "zero\n").expect("a log");
    let cursor = stands(link, &at("app.log").display().to_string()).await;
    let mut follower = Follower::start(link, None, &cursor).await.expect("a follower");
    append(&at("app.log"), "one\n");
    assert_eq!(line(&mut follower).await, "one");
    fs::rename(at("app.log"), at("app.log.1")).expect("renamed");
    fs::write(at("app.log"), "two\n").expect("a log");
    // so that it is another one that is open
    assert_eq!(line(&mut follower).await, "two");

    let spare = away.path().join("spare");
    fs::rename(at("app.log.1"), &spare).expect("renamed");
    fs::write(&spare, "three\n").expect("written anew");
    fs::rename(at("app.log"), at("app.log.2")).expect("renamed");
    fs::rename(&spare, at("app.log.1")).expect("renamed");
    fs::write(at("app.log"), "four\n").expect("a log");
    assert_eq!(line(&mut follower).await, "three");
    assert_eq!(line(&mut follower).await, "four");
}

async fn all(name: &str, shell: &str) {
    let Some(link) = link(name, shell).await else { return };
    older(&*link, false, "").await;
    older(&*link, true, "").await;
    // known by more than a heading that is the same in all of them
    older(&*link, true, &format!("{}\n", "heading ".repeat(100).trim())).await;
    read(&*link).await;
    link.finish(Claims::Remove).await;
}

#[tokio::test]
async fn dash() {
    all("dash", "/usr/bin/dash").await;
}

#[tokio::test]
async fn bash() {
    all("bash", "/usr/bin/bash").await;
}

#[tokio::test]
async fn busybox() {
    all("busybox", "/usr/bin/busybox sh").await;
}

#[tokio::test]
async fn mksh() {
    all("mksh", "/usr/bin/mksh").await;
}
