//! `confirm`: a person agrees, and it is written down who and what was read.

use crate::event::{Answer, EventKind};
use crate::plan::View;
use crate::runbook::{Confirm, Step};

use super::halt::{Halt, Kind, Stop};
use super::operator::{Question, Reply};
use super::run::Run;

impl Run {
    pub(super) async fn confirm(&mut self, confirm: &Confirm, step: &Step) -> Result<(), Halt> {
        let question = self.question(confirm, step).map_err(|why| Stop::new(Kind::Failed, why))?;
        self.put(question, step).await
    }

    /// Puts a question of a step to the person, and goes on only with the answer that goes on.
    pub(super) async fn put(&mut self, question: Question, step: &Step) -> Result<(), Halt> {
        let redact = |text: &str| self.log.redactor().redact(text);
        self.log
            .record(vec![EventKind::Asked {
                step: step.path.clone(),
                message: redact(&question.message),
                expects: redact(&question.expects),
            }])
            .await?;
        let reply = tokio::select! {
            reply = self.operator.ask(&question) => reply,
            () = self.cancel.reached(super::Grade::NoNewWork) => {
                return Err(Stop::new(Kind::Cancelled, "ended by a person at the question").into());
            }
        };
        let (answer, by, text, why) = match &reply {
            Reply::Typed { text, by } if *text == question.expects => {
                (Answer::Accepted, by.clone(), text.clone(), None)
            }
            Reply::Typed { text, by } => {
                let why = format!("not confirmed: `{}` was to be typed, and `{text}` was", question.expects);
                (Answer::Refused, by.clone(), text.clone(), Some(why))
            }
            Reply::Expired => {
                (Answer::Expired, "nobody".to_owned(), String::new(), Some("not confirmed in time".to_owned()))
            }
            Reply::Nobody(why) => {
                (Answer::Refused, "nobody".to_owned(), String::new(), Some(format!("not confirmed: {why}")))
            }
        };
        let answered = EventKind::Answered { step: step.path.clone(), by, answer, text: redact(&text) };
        self.log.record(vec![answered]).await?;
        self.silent.clear();
        match why {
            None => Ok(()),
            Some(why) => Err(Stop::new(Kind::Refused, why).into()),
        }
    }

    fn question(&self, confirm: &Confirm, step: &Step) -> Result<Question, String> {
        let view = View::new(&self.world, None, None);
        let render = |text: &crate::template::Text| -> Result<String, String> {
            let rendered = text.render(&view).map_err(|error| error.to_string())?;
            crate::action::known(rendered).map_err(|error| error.to_string())
        };
        let mut message = render(&confirm.message)?;
        if !self.silent.is_empty() {
            let silent: Vec<&str> = self.silent.iter().map(String::as_str).collect();
            message = format!("{message}\nNot proved dead, only silent: {}.", silent.join(", "));
        }
        let expects = match &confirm.r#type {
            Some(text) => render(text)?,
            None => "yes".to_owned(),
        };
        Ok(Question { step: step.path.clone(), message, expects, deadline: confirm.deadline })
    }
}
