//! 50,000 lines a second through nine rotations of each kind. The writer is a program of its own, so that its rate does
//! not hang on this one; it paces itself, and what counts is that every line comes once and in order.

use std::process::{Command, Stdio};

use refloat::transport::Claims;
use refloat::watch::{Followed, Follower};

use super::{link, next, stands};

const LINES: u64 = 150_000;
const ROTATIONS: u64 = 9;

/// FILE KIND LINES ROTATIONS: batches of 500 lines each 10 ms. After a rename as many lines again go to the old file as
/// a writer has in its hands before it opens the new one.
const WRITER: &str = r#"
use strict; use Time::HiRes qw(time sleep); use File::Copy; use IO::Handle;
my ($f, $kind, $lines, $turns) = @ARGV;
sub out { open(my $h, '>>', $f) or die $!; binmode $h; return $h }
sub shift_old { for (my $k = $turns; $k > 0; $k--) { for my $x ('', '.gz') { rename "$f.$k$x", "$f." . ($k+1) . $x } } }
my $h = out(); my $n = 0; my $each = int($lines / ($turns + 1)); my $turn = 1; my $t0 = time; my $late = 0;
while ($n < $lines) {
  my $batch = '';
  for (1..500) { $batch .= sprintf("2026-11-22T14:05:01.%06dZ line %09d of the writer, as long as such lines are, about one hundred bytes\n", $n, $n); $n++ }
  syswrite($h, $batch) == length $batch or die $!;
  if ($late && --$late == 0) { close $h; $h = out(); if ($kind eq 'packed') { system('gzip', "$f.1") == 0 or die } }
  if ($turn <= $turns && $n >= $turn * $each && !$late) {
    $turn++;
    shift_old();
    if ($kind eq 'copied') { copy($f, "$f.1") or die $!; truncate($h, 0) or die $! }
    else { rename $f, "$f.1" or die $!; $late = 2 }
  }
  my $ahead = $t0 + $n / 50000 - time; sleep($ahead) if $ahead > 0;
}
printf "%d\n", $lines / (time - $t0);
"#;

struct Came {
    lines: u64,
    gaps: Vec<String>,
    reconnected: u32,
}

/// Follows until the last line. Without a gap the lines are those that were written, in order. `breaks`: the follower is
/// ended and begun again so often.
async fn follow(name: &str, shell: &str, kind: &str, breaks: u32) {
    let Some(link) = link(name, shell).await else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("app.log").display().to_string();
    std::fs::write(&path, "old\n").expect("a log");
    let mut cursor = stands(&*link, &path).await;
    let (lines, turns) = (LINES.to_string(), ROTATIONS.to_string());
    let mut writer = Command::new("perl");
    writer.args(["-e", WRITER, &path, kind, &lines, &turns]).stdin(Stdio::null()).stdout(Stdio::piped());
    let writer = writer.spawn().expect("perl");
    let mut follower = Follower::start(&*link, None, &cursor).await.expect("a follower");
    let (mut came, mut expected) = (Came { lines: 0, gaps: Vec::new(), reconnected: 0 }, 0);
    while expected < LINES {
        match next(&mut follower).await {
            Followed::Line { text, .. } => {
                let number = text.get(33..42).and_then(|number| number.parse::<u64>().ok());
                let number = number.unwrap_or_else(|| panic!("{text:?} was never written"));
                assert!(
                    number == expected || (!came.gaps.is_empty() && number > expected),
                    "{number} after {expected}"
                );
                expected = number + 1;
                came.lines += 1;
            }
            Followed::Gap { why } => came.gaps.push(why),
            Followed::Blind { .. } => {}
            Followed::Seen { .. } => {
                // between two confirmations nothing is in the air
                if came.reconnected < breaks
                    && came.lines > u64::from(came.reconnected + 1) * LINES / u64::from(breaks + 1)
                {
                    cursor = follower.cursor();
                    drop(follower);
                    follower = Follower::start(&*link, None, &cursor).await.expect("a follower");
                    came.reconnected += 1;
                }
            }
        }
    }
    let written = writer.wait_with_output().expect("the writer ends");
    assert!(written.status.success());
    println!("{name} {kind}: {} lines a second", String::from_utf8_lossy(&written.stdout).trim());
    assert_eq!(came.reconnected, breaks);
    if kind == "copied" {
        assert!(came.lines == LINES || !came.gaps.is_empty(), "{} lines and no gap", came.lines);
    }
    if kind != "copied" || came.gaps.is_empty() {
        assert_eq!((came.lines, came.gaps), (LINES, Vec::new()));
    }
    link.finish(Claims::Remove).await;
}

#[tokio::test]
async fn renamed_in_dash() {
    follow("dash", "/usr/bin/dash", "renamed", 0).await;
}

#[tokio::test]
async fn renamed_in_bash() {
    follow("bash", "/usr/bin/bash", "renamed", 0).await;
}

#[tokio::test]
async fn renamed_in_busybox() {
    follow("busybox", "/usr/bin/busybox sh", "renamed", 0).await;
}

#[tokio::test]
async fn copied_and_emptied_in_dash() {
    follow("dash", "/usr/bin/dash", "copied", 0).await;
}

#[tokio::test]
async fn copied_and_emptied_in_bash() {
    follow("bash", "/usr/bin/bash", "copied", 0).await;
}

#[tokio::test]
async fn copied_and_emptied_in_busybox() {
    follow("busybox", "/usr/bin/busybox sh", "copied", 0).await;
}

#[tokio::test]
async fn packed_while_it_is_read() {
    follow("dash", "/usr/bin/dash", "packed", 0).await;
}

#[tokio::test]
async fn begun_again_in_the_middle_of_renames() {
    follow("dash", "/usr/bin/dash", "renamed", 7).await;
}

#[tokio::test]
async fn begun_again_in_the_middle_of_copies() {
    follow("busybox", "/usr/bin/busybox sh", "copied", 7).await;
}
