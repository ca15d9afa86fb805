//! What a follower says when it cannot know.

use std::fs;
use std::io::Write as _;

use refloat::transport::Claims;
use refloat::watch::{Followed, Follower};

use super::{link, stands, told};

fn line(followed: &Followed) -> &str {
    if let Followed::Line { text, .. } = followed { text } else { panic!("{followed:?}") }
}

fn gap(followed: &Followed) -> &str {
    if let Followed::Gap { why } = followed { why } else { panic!("{followed:?}") }
}

fn blind(followed: &Followed) -> &str {
    if let Followed::Blind { why } = followed { why } else { panic!("{followed:?}") }
}

async fn all(name: &str, shell: &str) {
    let Some(link) = link(name, shell).await else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str| dir.path().join(name).display().to_string();

    // emptied and filled up to the same size: a gap, then what is there now
    let log = path("same-size");
    fs::write(&log, "one\ntwo\n").expect("a log");
    let cursor = stands(&*link, &log).await;
    let mut follower = Follower::start(&*link, None, &cursor).await.expect("a follower");
    fs::write(&log, "ONE\nTWO\n").expect("a log");
    assert!(gap(&told(&mut follower).await).contains("truncated"));
    assert_eq!(line(&told(&mut follower).await), "ONE");
    assert_eq!(line(&told(&mut follower).await), "TWO");

    // rewritten with the same beginning, as logs with a long heading are: seen by what was read last
    let log = path("same-beginning");
    let heading = format!("{}\n", "heading ".repeat(100));
    fs::write(&log, &heading).expect("a log");
    let cursor = stands(&*link, &log).await;
    let mut follower = Follower::start(&*link, None, &cursor).await.expect("a follower");
    let mut writer = fs::OpenOptions::new().append(true).open(&log).expect("a log");
    writer.write_all(b"first life\n").expect("written");
    assert_eq!(line(&told(&mut follower).await), "first life");
    // in one write, so that it is never shorter than what was read
    let second = format!("{heading}SECOND LIFE\nmore\n");
    fs::write(path("second"), &second).expect("a file");
    let second = fs::read(path("second")).expect("a file");
    std::os::unix::fs::FileExt::write_all_at(
        &fs::OpenOptions::new().write(true).open(&log).expect("a log"),
        &second,
        0,
    )
    .expect("written");
    assert!(gap(&told(&mut follower).await).contains("truncated"));
    assert_eq!(line(&told(&mut follower).await).trim(), heading.trim());
    assert_eq!(line(&told(&mut follower).await), "SECOND LIFE");

    // neither a file nor a folder: blind until there is one, and then nothing is missing
    let log = path("no/folder");
    let cursor = stands(&*link, &log).await;
    let mut follower = Follower::start(&*link, None, &cursor).await.expect("a follower");
    assert!(blind(&told(&mut follower).await).contains("folder"));
    fs::create_dir(path("no")).expect("a folder");
    while !blind(&told(&mut follower).await).contains("no such file") {}
    fs::write(&log, "here\n").expect("a log");
    loop {
        match told(&mut follower).await {
            Followed::Blind { .. } => {}
            other => break assert_eq!(line(&other), "here"),
        }
    }
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
