//! The model: what a runbook says, every part with its place.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::Action;
use crate::action::aside::Aside;
use crate::action::guard::Guard;
use crate::action::probe::{Parse, Probe};
use crate::base::span::Span;
use crate::inventory::Selector;
use crate::template::{Expr, Plain, Text};
use crate::text::{Sp, Tree};

use super::{Broken, Flow, Gate, Param, Pick, Surroundings, Use, Var, Wait, Watch};

/// A runbook.
#[derive(Debug)]
pub struct Runbook {
    /// `area/name`.
    pub name: Sp<String>,
    /// One line for people.
    pub title: Option<String>,
    /// More lines for people.
    pub description: Option<String>,
    /// Whose it is, for people.
    pub owner: Option<String>,
    /// What it may do.
    pub risk: Sp<Risk>,
    /// At most one run holds each of these.
    pub lock: Vec<Text<Plain>>,
    /// Values for the whole run.
    pub params: IndexMap<String, Param>,
    /// What is expected of each host.
    pub vars: IndexMap<String, Var>,
    /// Static host sets.
    pub targets: IndexMap<String, Target>,
    /// Values of params for a dry run to which nobody gives any.
    pub rehearse: IndexMap<Sp<String>, Tree>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// What a failure does to the whole run.
    pub on_failure: OnFailure,
    /// What callers and reports get.
    pub outputs: IndexMap<String, Expr>,
    /// Names of what is written and could not be understood.
    pub broken: Broken,
}

/// A named host set.
#[derive(Debug)]
pub struct Target {
    /// Its name.
    pub name: Sp<String>,
    /// Its hosts.
    pub selector: Selector,
}

/// What a runbook may do to the world.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// Nothing changes.
    ReadOnly,
    /// What changes can be put back.
    Reversible,
    /// It cannot: never without a person.
    Destructive,
}

impl Risk {
    /// The word that authors write.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::Reversible => "reversible",
            Self::Destructive => "destructive",
        }
    }
}

/// What a failure does.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// The run stops.
    #[default]
    Stop,
    /// The run goes on.
    Continue,
    /// What it is written on is undone.
    Undo,
    /// A person is asked.
    Ask,
}

/// What an unreachable host means.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// A failure.
    #[default]
    Required,
    /// Nothing.
    BestEffort,
    /// A duty.
    Later,
}

/// One step.
#[derive(Debug)]
pub struct Step {
    /// Where it stands.
    pub span: Span,
    /// Its id, unique in the runbook.
    pub id: Sp<String>,
    /// Its path through groups, `recover/stop`.
    pub path: String,
    /// One line for people.
    pub title: Option<String>,
    /// Why it is there.
    pub why: Option<String>,
    /// Whom it is about.
    pub hosts: Option<Selector>,
    /// How it goes over its hosts and items.
    pub flow: Flow,
    /// Conditions without which it is skipped.
    pub when: Vec<Expr>,
    /// Guards that say that there is nothing to do (before), or that it is done (after).
    pub done_when: Vec<Guard>,
    /// `symptom` and `require` steps that are asked again immediately before the action.
    pub still: Vec<Sp<String>>,
    /// Who does it, in which surroundings.
    pub surroundings: Surroundings,
    /// How the output of `run` is understood.
    pub parse: Option<Parse>,
    /// Named values of its result.
    pub outputs: IndexMap<String, Expr>,
    /// A log watch around the action.
    pub watch: Option<Watch>,
    /// Guards that must hold after it.
    pub verify: Vec<Guard>,
    /// What is checked and never carried out: what one step cannot do besides its body.
    pub besides: Vec<Body>,
    /// How it is undone.
    pub undo: Undo,
    /// What its failure does.
    pub on_failure: Option<Sp<OnFailure>>,
    /// What an unreachable host means.
    pub reach: Reach,
    /// Whether its output is neither shown nor kept.
    pub sensitive: bool,
    /// What it does. An empty group stands for what could not be understood.
    pub body: Body,
}

/// How a step is undone.
#[derive(Debug, Default)]
pub enum Undo {
    /// By what its action knows.
    #[default]
    Auto,
    /// Not at all, and that is right so.
    None,
    /// By these actions, in this order. Each is a step that is like the one it undoes but for its body.
    List(Vec<Step>),
}

/// What a step does.
#[derive(Debug)]
pub enum Body {
    /// A leaf that may change a host.
    Action(Box<dyn Action>),
    /// A leaf that touches no host.
    Aside(Box<dyn Aside>),
    /// Probes whose values are kept.
    Gather(IndexMap<String, Probe>),
    /// Targets chosen now.
    Pick(Vec<Pick>),
    /// Guards that must hold.
    Judge(Judge, Vec<Guard>),
    /// Guards that must come to hold.
    Wait(Wait),
    /// Logs that must say something: the step's `watch`.
    Watch,
    /// A person agrees, answers or does something.
    Gate(Gate),
    /// Another runbook.
    Use(Use),
    /// Steps that belong together.
    Group(Vec<Step>),
}

/// The two kinds of judging step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judge {
    /// Is this the outage that the runbook is for?
    Symptom,
    /// Is it safe?
    Require,
}

impl Body {
    /// The key under which an author writes it.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Action(action) => action.key(),
            Self::Aside(aside) => aside.key(),
            Self::Gather(_) => "gather",
            Self::Pick(_) => "pick",
            Self::Judge(Judge::Symptom, _) => "symptom",
            Self::Judge(Judge::Require, _) => "require",
            Self::Wait(_) => "wait",
            Self::Watch => "watch",
            Self::Gate(gate) => gate.key(),
            Self::Use(_) => "use",
            Self::Group(_) => "steps",
        }
    }
}

impl Step {
    /// What to call it on a screen.
    #[must_use]
    pub fn heading(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.id.value)
    }
}
