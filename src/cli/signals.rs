//! Signals. Ctrl-C: once, nothing new begins; twice, what runs is stopped on the hosts; a third time, we leave. SIGTERM,
//! and SIGHUP when the terminal is gone: we leave at once. Whoever leaves writes that down, and the run can be resumed.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use crate::base::exit::Exit;
use crate::exec::{Canceller, Grade};

/// Hands the signals of a person on to a run, from the moment that this returns until the task is aborted.
pub fn obey(canceller: Canceller) -> JoinHandle<()> {
    let heard = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    tokio::spawn(async move {
        match heard {
            [Ok(interrupt), Ok(terminate), Ok(hangup)] => listen(canceller, interrupt, terminate, hangup).await,
            _ => std::future::pending().await,
        }
    })
}

async fn listen(canceller: Canceller, mut interrupt: Signal, mut terminate: Signal, mut hangup: Signal) {
    loop {
        let ((before, now), insists) = tokio::select! {
            _ = interrupt.recv() => (canceller.more(), true),
            _ = terminate.recv() => (canceller.at_least(Grade::Leave), true),
            // a terminal that goes is heard of more than once: at a question, by the kernel, by the shell
            _ = hangup.recv() => (canceller.at_least(Grade::Leave), false),
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
        drop(tokio::task::spawn_blocking(move || anstream::eprintln!("{words}")));
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
