//! What is broken while the run goes on: before or after one of its steps, which waits until it is done.

use std::sync::{Arc, Mutex, PoisonError};

use crate::base::BoxFuture;
use crate::exec::{Canceller, Hook};
use crate::lab::{Fault, Lab};

use super::carry_out::{Desk, Phase};
use super::fault::When;

/// Breaks the lab at the boundaries of steps, each fault once. A fault that cannot be done ends the run.
pub(super) struct Breaker {
    pub lab: Lab,
    pub desk: Arc<dyn Desk>,
    pub canceller: Arc<Canceller>,
    pub todo: Mutex<Todo>,
}

/// What is still to be done, and what could not be.
#[derive(Default)]
pub(super) struct Todo {
    pub waiting: Vec<(When, String, Vec<Fault>)>,
    pub failed: Vec<String>,
}

impl Breaker {
    async fn at(&self, is: impl Fn(&When) -> bool) {
        let due: Vec<_> = {
            let mut todo = self.todo.lock().unwrap_or_else(PoisonError::into_inner);
            let (due, rest) = std::mem::take(&mut todo.waiting).into_iter().partition(|(when, ..)| is(when));
            todo.waiting = rest;
            due
        };
        for (_, words, faults) in due {
            self.desk.phase(&Phase::Broken { words: words.clone() });
            if let Err(why) = apply(&self.lab, faults).await {
                self.todo.lock().unwrap_or_else(PoisonError::into_inner).failed.push(format!("{words}: {why}"));
                let _ = self.canceller.more();
            }
        }
    }
}

impl Hook for Breaker {
    fn before<'a>(&'a self, step: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(self.at(move |when| matches!(when, When::Before(path) if path.value == step)))
    }

    fn after<'a>(&'a self, step: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(self.at(move |when| matches!(when, When::After(path) if path.value == step)))
    }
}

/// Breaks something; returns when it is broken.
pub(super) async fn apply(lab: &Lab, faults: Vec<Fault>) -> Result<(), String> {
    let lab = lab.clone();
    let done = tokio::task::spawn_blocking(move || lab.faults(&faults)).await;
    done.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}
