//! Signals. Ctrl-C: once, nothing new begins; twice, what runs is stopped on the hosts; a third time, we leave. SIGTERM,
//! and SIGHUP when the terminal is gone: we leave at once. Whoever leaves writes that down, and the run can be resumed.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use crate::base::exit::Exit;
use crate::exec::{Canceller, Grade};

/// Hands the signals of a person on to a run, from the moment that this returns until the task is aborted.
pub fn obey(canceller: Canceller) -> JoinHandle<()> {
    // whoever started us with it ignored, as nohup does, wants the run to outlive the terminal
    let hangup = if ignored(SIGHUP) { None } else { Some(signal(SignalKind::hangup())) };
    let heard = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    tokio::spawn(async move {
        match (heard, hangup.transpose()) {
            ([Ok(interrupt), Ok(terminate)], Ok(hangup)) => listen(canceller, interrupt, terminate, hangup).await,
            _ => std::future::pending().await,
        }
    })
}

const SIGHUP: u32 = 1;

/// Whether this process was started with a signal ignored.
fn ignored(signal: u32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

async fn listen(canceller: Canceller, mut interrupt: Signal, mut terminate: Signal, mut hangup: Option<Signal>) {
    loop {
        let ((before, now), insists) = tokio::select! {
            _ = interrupt.recv() => (canceller.more(), true),
            _ = terminate.recv() => (canceller.at_least(Grade::Leave), true),
            // a terminal that goes is heard of more than once: at a question, by the kernel, by the shell
            () = heard(&mut hangup) => (canceller.at_least(Grade::Leave), false),
        };
        let words = match now {
            // it could not be written down that we leave, or takes too long
            Grade::Leave if before == Grade::Leave && insists => std::process::exit(Exit::Detached.code().into()),
            Grade::Leave if before == Grade::Leave => continue,
            Grade::Leave => "Leaving. What was started and not stopped goes on on the hosts.",
            Grade::StopHosts => "Stopping what runs on the hosts. Again to leave at once.",
            Grade::NoNewWork => {
                "Ending: what runs may finish, nothing new begins. Again to stop it on the hosts, a third time to leave at once."
            }
            Grade::Go => continue,
        };
        // a terminal that takes nothing must not hold up the end
        drop(tokio::task::spawn_blocking(move || errln!("{words}")));
    }
}

#[cfg(test)]
mod tests {
    use crate::exec::Cancel;

    use super::*;

    #[tokio::test]
    async fn a_signal_is_heard_at_once() {
        use rustix::process::{Signal, getpid, kill_process};
        for (sent, grade) in
            [(Signal::INT, Grade::NoNewWork), (Signal::TERM, Grade::Leave), (Signal::HUP, Grade::Leave)]
        {
            let (canceller, cancel) = Cancel::pair();
            let task = obey(canceller);
            // the task did not run yet, and this would end the process if nobody heard it
            kill_process(getpid(), sent).expect("a signal");
            cancel.reached(grade).await;
            assert_eq!(cancel.grade(), grade);
            task.abort();
        }
    }
}
