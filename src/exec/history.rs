//! Histories for tests: short ways to events that follow each other.

use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::ids::RunId;
use crate::base::secret::{RedactedJson, Redactor};
use crate::event::{BlobRef, Event, EventKind, Mode, Opened, Outcome, Phase, RunState, StepOutcome, Unit, UnitStart};

/// The unit of a step on a host.
pub(super) fn unit(step: &str, host: &str, phase: Phase) -> Unit {
    Unit {
        run: RunId::parse("r1").expect("an id"),
        step: step.to_owned(),
        item: None,
        about: Some(host.to_owned()),
        on: Some(host.to_owned()),
        phase,
        attempt: 1,
        entry: None,
    }
}

/// A run that goes on.
pub(super) struct History(RunState);

impl History {
    pub(super) fn opened() -> Self {
        let text = Redactor::default().redact("");
        let opened = Opened {
            run: RunId::parse("r1").expect("an id"),
            runbook: "test/test".to_owned(),
            title: text,
            risk: "destructive".to_owned(),
            plan: Digest::of(""),
            stored: BlobRef { file: String::new(), offset: 0, len: 0, digest: Digest::of("") },
            outline: Vec::new(),
            operator: "ada".to_owned(),
            controller: "desk".to_owned(),
            mode: Mode::Run,
            version: String::new(),
            reason: None,
            origin: None,
            from: None,
        };
        let kind = EventKind::RunOpened(Box::new(opened));
        Self(RunState::open(&Event { seq: 1, at: Timestamp(0), kind }).expect("a beginning"))
    }

    pub(super) fn state(&self) -> &RunState {
        &self.0
    }

    pub(super) fn push(&mut self, kind: EventKind) {
        let seq = self.0.last_seq() + 1;
        self.0.apply(&Event { seq, at: Timestamp(0), kind }).expect("legal");
    }

    pub(super) fn step(&mut self, step: &str, phase: Phase, hosts: &[&str]) {
        self.push(EventKind::StepOpened {
            step: step.to_owned(),
            phase,
            title: Redactor::default().redact(""),
            why: None,
            action: "run".to_owned(),
            hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
            items: None,
            pass: Vec::new(),
            list: None,
        });
    }

    pub(super) fn close(&mut self, step: &str, phase: Phase, outcome: StepOutcome) {
        self.push(EventKind::StepClosed { step: step.to_owned(), phase, outcome });
    }

    pub(super) fn start(&mut self, unit: &Unit) {
        let start = UnitStart::new(unit.clone(), Digest::of(""), Redactor::default().redact(""));
        self.push(EventKind::UnitsStarted { units: vec![start] });
    }

    pub(super) fn end(&mut self, unit: &Unit, outcome: Outcome) {
        self.push(EventKind::UnitEnded { key: unit.key(), outcome, outputs: RedactedJson::default(), millis: 1 });
    }
}
