//! Signals: once, nothing new begins; twice, what runs is stopped on the hosts; a third time, we leave.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::base::exit::Exit;
use crate::exec::{Canceller, Grade};

/// Hands the signals of a person on to a run, until it is dropped.
pub async fn obey(canceller: Canceller) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        std::future::pending::<()>().await;
        return;
    };
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
