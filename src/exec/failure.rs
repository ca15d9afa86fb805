//! `on_failure: ask`: a person decides what a failure does, and it is written down.

use crate::base::span::Span;
use crate::event::{Answer, EventKind};
use crate::journal::JournalError;
use crate::runbook::{Body, Kind as Type, Limits, OnFailure, Runbook, Step};
use crate::template::Value;
use crate::text::Sp;

use super::cancel::Grade;
use super::halt::{Kind, Stop};
use super::operator::{Expects, Question, Reply};
use super::run::Run;

const UNDO: &str = "undo";
const STOP: &str = "stop";
const CONTINUE: &str = "continue";

/// What a failure of a step does: what is written on it, else on the runbook that it uses.
pub(super) fn on_failure(step: &Step) -> Option<OnFailure> {
    let of_part = || match &step.body {
        Body::Use(uses) => uses.book.as_ref().map(|book| book.on_failure),
        _ => None,
    };
    step.on_failure.as_ref().map(|on_failure| on_failure.value).or_else(of_part)
}

impl Run {
    /// What a failure does to the whole run.
    pub(super) async fn whole(&mut self, runbook: &Runbook, path: &str, stop: Stop) -> Result<Stop, JournalError> {
        match self.decided(Some(runbook.on_failure), path, &stop, true).await? {
            Some(OnFailure::Undo) => self.undo(&runbook.steps.iter().collect::<Vec<_>>(), None, stop).await,
            _ => Ok(stop),
        }
    }

    /// Asks what a failure does, where that is wanted. Without an answer the run stops.
    pub(super) async fn decided(
        &mut self,
        wanted: Option<OnFailure>,
        path: &str,
        stop: &Stop,
        last: bool,
    ) -> Result<Option<OnFailure>, JournalError> {
        if wanted != Some(OnFailure::Ask) || stop.kind == Kind::Cancelled {
            return Ok(wanted);
        }
        let choices: &[&str] = if last { &[UNDO, STOP] } else { &[UNDO, STOP, CONTINUE] };
        let values = Some(choices.iter().map(|&choice| Value::str(choice)).collect());
        let kind = Sp::new(Type::String, Span::NOWHERE);
        let limits = Box::new(Limits { kind, values, min: None, max: None, pattern: None, optional: false });
        let question = Question {
            step: path.to_owned(),
            message: format!("{path}: {}\nWhat now?", stop.reason),
            expects: Expects::Answer { limits, default: Some(STOP.to_owned()) },
        };
        let redact = |text: &str| self.log.redactor().redact(text);
        let message = redact(&question.message);
        // who stopped then may want something else now
        match self.memory.as_ref().and_then(|memory| memory.decided(path, &message)) {
            Some(UNDO) => return Ok(Some(OnFailure::Undo)),
            Some(CONTINUE) => return Ok(Some(OnFailure::Continue)),
            _ => {}
        }
        let asked = EventKind::Asked { step: path.to_owned(), message, expects: redact(&question.expects.words()) };
        self.log.record(vec![asked]).await?;
        let reply = tokio::select! {
            reply = self.operator.ask(&question) => reply,
            () = self.cancel.reached(Grade::NoNewWork) => Reply::Nobody("ended by a person at the question".to_owned()),
        };
        let (answer, by, text) = match reply {
            Reply::Typed { text, by } if question.expects.accepts(&text).is_ok() => (Answer::Accepted, by, text),
            Reply::Typed { text, by } => (Answer::Refused, by, text),
            Reply::Nobody(why) => (Answer::Refused, "nobody".to_owned(), why),
        };
        let decision = match (answer, text.as_str()) {
            (Answer::Accepted, UNDO) => OnFailure::Undo,
            (Answer::Accepted, CONTINUE) => OnFailure::Continue,
            _ => OnFailure::Stop,
        };
        let text = redact(&text);
        self.log.record(vec![EventKind::Answered { step: path.to_owned(), by, answer, text }]).await?;
        Ok(Some(decision))
    }
}
