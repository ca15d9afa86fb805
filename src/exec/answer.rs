//! Answering what other processes ask of a run that this one executes.

use crate::event::EventKind;
use crate::journal::{Answer, JournalError, Request, RunLog, Want};

use super::cancel::{Canceller, Grade};

/// Answers requests until the run has ended or its journal is broken. Where none can be heard nobody is answered, which
/// is no reason not to run.
pub async fn answer(log: RunLog, canceller: Canceller) {
    let mut requests = match log.requests() {
        Ok(requests) => requests,
        Err(error) => {
            tracing::warn!(%error, "requests of other processes are not heard");
            return;
        }
    };
    while let Some(request) = requests.next().await {
        let answer = one(&log, &canceller, &request).await;
        if let Err(error) = requests.answer(&request, &answer).await {
            tracing::warn!(%error, "a request could not be answered");
        }
    }
}

async fn one(log: &RunLog, canceller: &Canceller, request: &Request) -> Answer {
    let ended = log.with_state(|state| state.closed().map(|(_, closed)| closed.verdict.words()));
    if let Some(verdict) = ended {
        return Answer::Refused(format!("it has just ended: {verdict}"));
    }
    match &request.want {
        Want::Cancel { now } => {
            let (before, after) = if *now {
                canceller.at_least(Grade::StopHosts)
            } else if canceller.at_least(Grade::NoNewWork).0 == Grade::Go {
                (Grade::Go, Grade::NoNewWork)
            } else {
                canceller.at_least(Grade::StopHosts)
            };
            let words = match after {
                _ if after == before => "it is being ended already, and what ran is stopped on the hosts",
                Grade::NoNewWork => "nothing new begins, what runs may end",
                _ => "what runs is stopped on the hosts, nothing new begins",
            };
            // the end itself does not wait for the disk
            let note = noted(log, request, format!("asked from another process to end: {words}")).await;
            note.map_or_else(|error| refused(&error), |()| Answer::Accepted(words.to_owned()))
        }
        Want::Note { text } => {
            let note = noted(log, request, text.clone()).await;
            note.map_or_else(|error| refused(&error), |()| Answer::Accepted("noted".to_owned()))
        }
        Want::Unknown => Answer::Refused("the refloat that executes it does not know how; use its version".to_owned()),
    }
}

async fn noted(log: &RunLog, request: &Request, text: String) -> Result<(), JournalError> {
    let text = log.redactor().redact(text);
    log.record(vec![EventKind::Noted { step: None, by: Some(request.by.clone()), text }]).await.map(drop)
}

fn refused(error: &JournalError) -> Answer {
    Answer::Refused(format!("its journal cannot be written: {error}"))
}
