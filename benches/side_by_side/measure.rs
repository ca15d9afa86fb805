//! One run of a command: how long it took, what it cost this machine, what memory it had.
//!
//! Processor time is that of all that the command started on this side, ssh masters that it left behind too: this process
//! adopts orphans, ends them when the command has ended, and takes their times. What the hosts spend is not in it. The
//! memory is the largest resident set of the command's own process, looked at every 10 ms.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions};

/// What one run came to.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    pub wall: Duration,
    /// Of this side.
    pub cpu: Duration,
    /// In KiB.
    pub peak: u64,
    /// Processes forked on the whole machine, the hosts' and anybody else's too.
    pub forks: u64,
}

/// Runs it. It must end well.
pub fn run(mut command: Command, log: &Path) -> Figures {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).expect("adopting orphans");
    let out = File::create(log).expect("a log");
    command.stdin(std::process::Stdio::null()).stderr(out.try_clone().expect("a file")).stdout(out);
    let (forks, cpu, began) = (forked(), children_cpu(), Instant::now());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut peak = 0;
    let status = loop {
        peak = peak.max(high_water(child.id()).unwrap_or(0));
        match child.try_wait().expect("waiting") {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    let wall = began.elapsed();
    end_orphans();
    let tail =
        || std::fs::read_to_string(log).unwrap_or_default().lines().rev().take(20).collect::<Vec<_>>().join("\n");
    assert!(status.success(), "{command:?}: {status}; the end of what it said, the last line first:\n{}", tail());
    Figures { wall, cpu: children_cpu().saturating_sub(cpu), peak, forks: forked() - forks }
}

/// Ends what was left behind, so that its times count and the next run is cold.
fn end_orphans() {
    let own = std::process::id();
    let listed = || std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let left = listed();
        if left.trim().is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "these do not end: {left}");
        for pid in left.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)) {
            let _ = rustix::process::kill_process(pid, Signal::TERM);
        }
        while rustix::process::wait(WaitOptions::NOHANG).is_ok_and(|ended| ended.is_some()) {}
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Processor time of all children that were waited for, in steps of 10 ms.
fn children_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc");
    let words: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
    let ticks = |n: usize| words[n].parse::<u64>().expect("a number");
    Duration::from_millis((ticks(13) + ticks(14)) * 10)
}

fn forked() -> u64 {
    let stat = std::fs::read_to_string("/proc/stat").expect("/proc");
    stat.lines().find_map(|line| line.strip_prefix("processes ")).expect("a count").trim().parse().expect("a number")
}

fn high_water(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB").parse().ok()
}
