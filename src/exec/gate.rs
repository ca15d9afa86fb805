//! Gates: a person agrees, answers, or does something by hand, and it is written down who, and what was read.

use std::time::Duration;

use crate::action::Holes;
use crate::action::aside::Said;
use crate::action::guard::{Judgement, Verdict};
use crate::event::{Answer, EventKind};
use crate::plan::View;
use crate::runbook::{ANSWER, Gate, Step, Wants};
use crate::template::Value;

use super::halt::{Halt, Kind, Stop};
use super::operator::{Expects, Question, Reply};
use super::run::Run;

/// How often `done_when` is asked while a person does something.
const SEEN_EVERY: Duration = Duration::from_secs(1);

/// What ended the waiting.
enum Opened {
    By(Reply),
    Itself(Vec<Judgement>),
    Expired,
}

/// What was decided.
struct Decided {
    answer: Answer,
    by: String,
    text: String,
    /// Why it is not opened; or the value that it was opened with.
    value: Result<Option<Value>, String>,
}

impl Run {
    pub(super) async fn gate(&mut self, gate: &Gate, step: &Step, hosts: &[String]) -> Result<(), Halt> {
        if let Some(judgements) = self.seen_done(step, hosts).await? {
            return Ok(self.write_judgements(&step.path, &judgements).await?);
        }
        self.ask_again(step).await?;
        let question = self.question(gate, step, Holes::No).map_err(|why| Stop::new(Kind::Failed, why))?;
        let opened_itself = self.asked(&question, Some(gate), step, hosts).await?;
        if !opened_itself && !step.done_when.is_empty() {
            self.becomes_done(step, hosts).await?;
        }
        self.verify(step, hosts).await
    }

    /// Puts a question of a step to the person, and goes on only with the answer that goes on.
    pub(super) async fn put(&mut self, question: &Question, step: &Step) -> Result<(), Halt> {
        self.asked(question, None, step, &[]).await.map(|_| ())
    }

    /// The same, of a gate not longer than the person may take; whether it opened itself.
    async fn asked(
        &mut self,
        question: &Question,
        gate: Option<&Gate>,
        step: &Step,
        hosts: &[String],
    ) -> Result<bool, Halt> {
        let redact = |text: &str| self.log.redactor().redact(text);
        let message = redact(&question.message);
        let before = self.answered_before(step, &message);
        if let Some((text, Ok(value))) = before.map(|text| (text.clone(), question.expects.accepts(&text))) {
            self.silent.clear();
            self.keep_answer(step, &text, value).await?;
            return Ok(false);
        }
        self.log
            .record(vec![EventKind::Asked {
                step: step.path.clone(),
                message,
                expects: redact(&question.expects.words()),
            }])
            .await?;
        let opened = tokio::select! {
            opened = self.opened(question, gate, step, hosts) => opened?,
            () = self.cancel.reached(super::Grade::NoNewWork) => {
                return Err(Stop::new(Kind::Cancelled, "ended by a person at the question").into());
            }
        };
        if let Opened::Itself(judgements) = &opened {
            self.write_judgements(&step.path, judgements).await?;
        }
        let itself = matches!(opened, Opened::Itself(_));
        let Decided { answer, by, text, value } = decide(question, opened);
        let text = if step.sensitive { super::guards::NOT_SHOWN } else { &text };
        let answered = EventKind::Answered { step: step.path.clone(), by, answer, text: redact(text) };
        self.log.record(vec![answered]).await?;
        self.silent.clear();
        let value = value.map_err(|why| Stop::new(Kind::Refused, why))?;
        self.keep_answer(step, text, value).await?;
        Ok(itself)
    }

    async fn keep_answer(&mut self, step: &Step, text: &str, value: Option<Value>) -> Result<(), Halt> {
        let Some(value) = value else { return Ok(()) };
        let summary = format!("{ANSWER} = {text}");
        let outputs = [(ANSWER.to_owned(), value)].into_iter().collect();
        self.set(step, &[(None, Said { summary, outputs, ..Said::default() })]).await
    }

    /// Whether there is nothing to do any more, as `done_when` sees it.
    pub(super) async fn seen_done(&self, step: &Step, hosts: &[String]) -> Result<Option<Vec<Judgement>>, Halt> {
        if step.done_when.is_empty() {
            return Ok(None);
        }
        let judgements = self.judge(&step.done_when, step, hosts).await?;
        Ok(judgements.iter().all(|judgement| judgement.verdict == Verdict::Holds).then_some(judgements))
    }

    /// Waits for the person, or until the gate opens itself; not longer than the person may take.
    async fn opened(
        &self,
        question: &Question,
        gate: Option<&Gate>,
        step: &Step,
        hosts: &[String],
    ) -> Result<Opened, Halt> {
        let deadline = gate.and_then(|gate| gate.deadline);
        let itself = async {
            loop {
                tokio::time::sleep(SEEN_EVERY).await;
                if let Some(judgements) = self.seen_done(step, hosts).await? {
                    return Ok::<_, Halt>(Opened::Itself(judgements));
                }
            }
        };
        tokio::pin!(itself);
        let watched = gate.is_some() && !step.done_when.is_empty();
        // what nobody watches and nobody may answer would be waited for without an end
        let unattended = deadline.unwrap_or_else(|| step.surroundings.timeout());
        let opened = async {
            let reply = tokio::select! {
                reply = self.operator.ask(question) => reply,
                opened = &mut itself, if watched => return opened,
            };
            match reply {
                Reply::Nobody(_) if watched => match tokio::time::timeout(unattended, itself).await {
                    Ok(opened) => opened,
                    Err(_) => Ok(Opened::Expired),
                },
                reply => Ok(Opened::By(reply)),
            }
        };
        match deadline {
            Some(deadline) => tokio::time::timeout(deadline, opened).await.unwrap_or(Ok(Opened::Expired)),
            None => opened.await,
        }
    }

    pub(super) fn question(&self, gate: &Gate, step: &Step, holes: Holes) -> Result<Question, String> {
        let view = View::new(&self.world, None, None);
        let render = |text: &crate::template::Text| -> Result<String, String> {
            let rendered = text.render(&view).map_err(|error| error.to_string())?;
            let rendered = if holes == Holes::No { rendered } else { rendered.shown() };
            crate::action::known(rendered).map_err(|error| error.to_string())
        };
        let mut message = render(&gate.message)?;
        if !self.silent.is_empty() {
            let silent: Vec<&str> = self.silent.iter().map(String::as_str).collect();
            message = format!("{message}\nNot proved dead, only silent: {}.", silent.join(", "));
        }
        if let Wants::Consent(_) = gate.wants {
            message = format!("{}\n{}", message.trim_end(), self.world.blast_after(&step.path).words().join("\n"));
        }
        let expects = match &gate.wants {
            Wants::Consent(Some(text)) => Expects::Consent(render(text)?),
            Wants::Consent(None) => Expects::Consent("yes".to_owned()),
            Wants::Answer { limits, default } => {
                Expects::Answer { limits: limits.clone(), default: default.as_ref().map(crate::runbook::as_typed) }
            }
            Wants::Deed => Expects::Deed,
        };
        Ok(Question { step: step.path.clone(), message, expects })
    }
}

fn decide(question: &Question, opened: Opened) -> Decided {
    let nobody =
        |answer, why: String| Decided { answer, by: "nobody".to_owned(), text: String::new(), value: Err(why) };
    let not = question.expects.refused();
    match opened {
        Opened::By(Reply::Typed { text, by }) => match question.expects.accepts(&text) {
            Ok(value) => Decided { answer: Answer::Accepted, by, text, value: Ok(value) },
            Err(why) => Decided { answer: Answer::Refused, by, text, value: Err(format!("{not}: {why}")) },
        },
        Opened::By(Reply::Nobody(why)) => nobody(Answer::Refused, format!("{not}: {why}")),
        Opened::Itself(_) => {
            let (by, text) = ("its `done_when`".to_owned(), "it is so".to_owned());
            Decided { answer: Answer::Accepted, by, text, value: Ok(None) }
        }
        Opened::Expired => nobody(Answer::Expired, format!("{not} in time")),
    }
}
