//! Signals: once, nothing new begins; twice, what runs is stopped on the hosts; a third time, we leave.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use crate::base::exit::Exit;
use crate::exec::{Canceller, Grade};

/// Hands the signals of a person on to a run, from the moment that this returns until the task is aborted.
pub fn obey(canceller: Canceller) -> JoinHandle<()> {
    let heard = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    tokio::spawn(async move {
        match heard {
            (Ok(interrupt), Ok(terminate)) => listen(canceller, interrupt, terminate).await,
            _ => std::future::pending().await,
        }
    })
}

async fn listen(canceller: Canceller, mut interrupt: Signal, mut terminate: Signal) {
    let mut before = Grade::Go;
    loop {
        next(&mut interrupt, &mut terminate).await;
        let now = canceller.more();
        match now {
            _ if now == before => {
                anstream::eprintln!("Leaving. What was started may still run on the hosts: see `refloat report`.");
                std::process::exit(Exit::Detached.code().into());
            }
            Grade::Go => {}
            Grade::NoNewWork => {
                anstream::eprintln!("Ending: what runs may finish, nothing new begins. Again to stop it on the hosts.");
            }
            Grade::StopHosts => anstream::eprintln!("Stopping what runs on the hosts. Again to leave at once."),
        }
        before = now;
    }
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::exec::Cancel;

    use super::*;

    #[tokio::test]
    async fn a_signal_is_heard_at_once() {
        let (canceller, cancel) = Cancel::pair();
        let task = obey(canceller);
        // the task did not run yet, and this would end the process if nobody heard it
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::INT).expect("a signal");
        cancel.reached(Grade::NoNewWork).await;
        task.abort();
    }
}
