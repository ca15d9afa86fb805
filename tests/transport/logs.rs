//! Logs that are followed from a cursor on, whatever happens to their files.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use refloat::transport::{Cursor, Link, LogSource, Work};
use refloat::watch::{Followed, Follower};
use tokio::sync::oneshot;

use super::permit;

fn append(path: &str, text: &str) {
    let file = fs::OpenOptions::new().append(true).create(true).open(path);
    file.expect("a log").write_all(text.as_bytes()).expect("written");
}

/// A cursor, taken in the same request as an action that writes `during` to the log.
async fn cursor(link: &dyn Link, path: &str, during: &str) -> Cursor {
    let cursors = vec![LogSource::File(path.to_owned())];
    let work = Work { cursors, ..Work::script(format!("printf '{during}' >>'{path}'")) };
    let (sender, receiver) = oneshot::channel();
    let done = link.claim(&permit(&format!("{path} {during}")), &work, Some(sender)).await.expect("an end");
    assert_eq!(done.exit, 0);
    receiver.await.expect("cursors").cursors.remove(0)
}

/// What comes next: lines as they are, gaps as `GAP`.
async fn next(follower: &mut Follower, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    while all.len() < count {
        let next = tokio::time::timeout(Duration::from_secs(20), follower.next()).await;
        match next.unwrap_or_else(|_| panic!("only {all:?} came")).expect("a living follower") {
            Followed::Line { text, .. } => all.push(text),
            Followed::Gap { .. } => all.push("GAP".to_owned()),
            Followed::Seen { .. } | Followed::Blind { .. } => {}
        }
    }
    all
}

pub async fn all(link: &dyn Link, dir: &str) {
    renamed(link, &format!("{dir}/re named.log")).await;
    emptied(link, &format!("{dir}/emptied.log")).await;
    absent(link, &format!("{dir}/absent.log")).await;
    resumed(link, &format!("{dir}/resumed.log")).await;
}

async fn renamed(link: &dyn Link, path: &str) {
    append(path, "old\n");
    let from = cursor(link, path, "during\\n").await;
    // Rotated before the follower starts, and again while it runs; the writer keeps the old file open.
    let mut held = fs::OpenOptions::new().append(true).open(path).expect("a log");
    fs::rename(path, format!("{path}.1")).expect("renamed");
    append(path, "new\n");
    held.write_all(b"late\n").expect("written");
    let mut follower = Follower::start(link, None, &from).await.expect("a follower");
    assert_eq!(next(&mut follower, 3).await, ["during", "late", "new"]);
    let mut held = fs::OpenOptions::new().append(true).open(path).expect("a log");
    fs::rename(path, format!("{path}.2")).expect("renamed");
    held.write_all(b"late again\n").expect("written");
    append(path, "newest\n");
    assert_eq!(next(&mut follower, 2).await, ["late again", "newest"]);
}

async fn emptied(link: &dyn Link, path: &str) {
    append(path, "old\n");
    let from = cursor(link, path, "during\\n").await;
    let mut follower = Follower::start(link, None, &from).await.expect("a follower");
    assert_eq!(next(&mut follower, 1).await, ["during"]);
    // Emptied with a copy, as logrotate's copytruncate does: what was not read yet is in the copy.
    append(path, "unread\n");
    fs::copy(path, format!("{path}.1")).expect("copied");
    fs::write(path, "").expect("emptied");
    assert_eq!(next(&mut follower, 1).await, ["unread"]);
    append(path, "after\n");
    assert_eq!(next(&mut follower, 1).await, ["after"]);
    // Emptied without one.
    fs::remove_file(format!("{path}.1")).expect("removed");
    fs::write(path, "").expect("emptied");
    assert_eq!(next(&mut follower, 1).await, ["GAP"]);
    append(path, "on\n");
    assert_eq!(next(&mut follower, 1).await, ["on"]);
    // The file of a cursor may be gone altogether.
    fs::remove_file(path).expect("removed");
    append(path, "other\n");
    let mut follower = Follower::start(link, None, &from).await.expect("a follower");
    assert_eq!(next(&mut follower, 2).await, ["GAP", "other"]);
}

async fn absent(link: &dyn Link, path: &str) {
    let from = cursor(link, path, "").await;
    fs::remove_file(path).expect("removed");
    let mut follower = Follower::start(link, None, &from).await.expect("a follower");
    append(path, "first\n");
    assert_eq!(next(&mut follower, 1).await, ["first"]);
}

async fn resumed(link: &dyn Link, path: &str) {
    append(path, "old\n");
    let from = cursor(link, path, "one\\ntwo\\nthr").await;
    assert_eq!(cursor(link, path, "one\\ntwo\\nthr").await, from, "the same claim has the same cursors");
    let mut follower = Follower::start(link, None, &from).await.expect("a follower");
    assert_eq!(next(&mut follower, 2).await, ["one", "two"]);
    let from = follower.cursor();
    drop(follower);
    append(path, "ee\n");
    append(path, &"x".repeat(1000));
    append(path, "\nend\n");
    let mut follower = Follower::start(link, None, &from).await.expect("a follower");
    assert_eq!(next(&mut follower, 1).await, ["three"]);
    assert_eq!(next(&mut follower, 2).await[1], "end");
}
