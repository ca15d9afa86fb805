//! The names that a text may use at its place, and what is said about one that it may not.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use crate::action::Action;
use crate::action::guard::Amount;
use crate::action::probe::{Parse, Probe};
use crate::base::nearest::nearest;
use crate::inventory::Selector;
use crate::runbook::gate::{ANSWER, Gate, Wants};
use crate::runbook::model::{Body, Runbook, Step};
use crate::runbook::params::Kind;
use crate::runbook::pick::Pick;
use crate::runbook::watch::Pattern;
use crate::text::Amount as Quantity;

use super::kinds::{self, Sort};

/// What a place in the runbook has: a host, a result.
#[derive(Clone, Debug)]
pub(super) struct Place {
    host: bool,
    /// Whether that is this machine, which is none of those that other steps are about.
    controller: bool,
    /// Whether it would be about a host if the step had `hosts`.
    can_have: bool,
    result: Answer,
    /// The kinds of what is in it.
    pub(super) sorts: HashMap<&'static str, Sort>,
}

/// Whether there is a `result` at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// There is none.
    None,
    /// There is one, and any field may be in it.
    Any,
    /// There is one with these fields.
    Of(&'static [&'static str]),
}

impl Answer {
    /// What a probe answers.
    pub(super) fn of(probe: &Probe) -> Self {
        probe.fields().map_or(Self::Any, Self::Of)
    }
}

impl Place {
    pub(super) fn host() -> Self {
        Self { host: true, controller: false, can_have: true, result: Answer::None, sorts: HashMap::new() }
    }

    /// On this machine.
    pub(super) fn controller() -> Self {
        Self { controller: true, ..Self::host() }
    }

    /// In a step without hosts, which could have them.
    pub(super) fn nowhere() -> Self {
        Self { host: false, ..Self::host() }
    }

    /// Read once, whatever hosts there are: a question to a person, a lock, what a runbook gives or gets.
    pub(super) fn once() -> Self {
        Self { can_have: false, ..Self::nowhere() }
    }

    /// With a result.
    pub(super) fn with_result(&self, result: Answer) -> Self {
        Self { result, ..self.clone() }
    }

    /// With the result of a probe.
    pub(super) fn after(&self, probe: &Probe) -> Self {
        Self { result: Answer::of(probe), sorts: kinds::result_of(probe), ..self.clone() }
    }

    /// With the result of an action.
    pub(super) fn after_action(&self, action: &dyn Action, parse: Option<&Parse>) -> Self {
        let names = action.outputs();
        Self { result: Answer::Of(names), sorts: kinds::result_of_action(names, parse), ..self.clone() }
    }
}

/// So many of the names that there are stand in the help, at most.
const NAMED: usize = 30;

/// A reference that cannot be right.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Wrong {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::unknown_name(format!("there is no {what} `{name}`"), name, known)
    }

    /// "a host has no field `nmae`".
    fn lacks<'a>(owner: &str, what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::unknown_name(format!("{owner} has no {what} `{name}`"), name, known)
    }

    fn unknown_name<'a>(message: String, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let wrong = Self::new("unknown-name", message);
        match nearest(name, known.iter().copied()) {
            Some(near) => wrong.help(format!("did you mean `{near}`?")),
            None if known.is_empty() => wrong,
            None if known.len() > NAMED => {
                wrong.help(format!("there is: {} and {} more", known[..NAMED].join(", "), known.len() - NAMED))
            }
            None => wrong.help(format!("there is: {}", known.join(", "))),
        }
    }
}

/// How many hosts a selector means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    /// Never more than one.
    One,
    /// One or more.
    Many,
    /// A name that the inventory gives to a host, or to a group.
    NotKnown,
}

/// What is known so far.
pub(super) struct Known<'a> {
    runbook: &'a Runbook,
    targets: IndexMap<String, Count>,
    /// The steps so far that are about several hosts.
    many: HashSet<String>,
    /// How many hosts targets have, where the inventory alone decides.
    pub(super) sizes: IndexMap<String, usize>,
    /// The kinds of their outputs.
    pub(super) kinds: kinds::Outputs,
    /// The outputs of the steps so far; `None`: any name may be one.
    steps: IndexMap<String, Option<HashSet<String>>>,
    judges: IndexMap<String, bool>,
    /// Whether there are `item` and `index`.
    each: bool,
}

const HOST_FIELDS: &[&str] = &["name", "address", "groups", "vars", "outputs", "outcomes"];

impl<'a> Known<'a> {
    pub(super) fn new(runbook: &'a Runbook) -> Self {
        let mut known = Self {
            runbook,
            targets: IndexMap::new(),
            many: HashSet::new(),
            sizes: IndexMap::new(),
            kinds: kinds::Outputs::default(),
            steps: IndexMap::new(),
            judges: IndexMap::new(),
            each: false,
        };
        for (name, param) in runbook.params.iter().filter(|(_, param)| param.limits.kind.is_target()) {
            let count = if param.limits.kind.value == Kind::Host { Count::One } else { Count::Many };
            known.targets.insert(name.clone(), count);
        }
        for (name, target) in &runbook.targets {
            let count = known.count(&target.selector);
            known.targets.insert(name.clone(), count);
        }
        known
    }

    /// The runbook.
    pub(super) fn runbook(&self) -> &'a Runbook {
        self.runbook
    }

    /// From here on it is so for each item, if `begins`. Gives back how it was outside.
    pub(super) fn each(&mut self, begins: bool) -> bool {
        let outside = self.each;
        self.each |= begins;
        outside
    }

    /// From here on it is as it was outside.
    pub(super) fn leave_each(&mut self, outside: bool) {
        self.each = outside;
    }

    fn count(&self, selector: &Selector) -> Count {
        match selector.single_name() {
            _ if selector.is_one() => Count::One,
            _ if selector.is_broken() => Count::NotKnown,
            Some(name) => self.targets.get(name).copied().unwrap_or(Count::NotKnown),
            None => Count::Many,
        }
    }

    pub(super) fn add_pick(&mut self, pick: &Pick) {
        let one = pick.ranking.is_some() || matches!(pick.amount, Amount::Exactly(Quantity::Number(1)));
        self.targets.insert(pick.name.value.clone(), if one { Count::One } else { Count::Many });
    }

    /// `size`: how many hosts it is about, where the inventory alone decides.
    pub(super) fn add_step(&mut self, step: &Step, size: Option<usize>) {
        let mut outputs: HashSet<String> = step.outputs.keys().cloned().collect();
        let mut open = self.runbook.broken.steps.contains(&step.id.value);
        outputs.extend(self.runbook.broken.outputs.get(&step.id.value).into_iter().flatten().cloned());
        match &step.body {
            Body::Action(action) => outputs.extend(action.outputs().iter().map(|name| (*name).to_owned())),
            Body::Aside(aside) => outputs.extend(aside.outputs().into_iter().map(str::to_owned)),
            Body::Gather(probes) => outputs.extend(probes.keys().cloned()),
            Body::Use(uses) => match &uses.book {
                Some(book) => outputs.extend(book.outputs.keys().cloned()),
                None => open = true,
            },
            Body::Gate(Gate { wants: Wants::Answer { .. }, .. }) => drop(outputs.insert(ANSWER.to_owned())),
            Body::Pick(_) | Body::Judge(..) | Body::Wait(_) | Body::Watch | Body::Gate(_) | Body::Group(_) => {}
        }
        for entry in step.watch.iter().flat_map(|watch| &watch.expect) {
            if let Pattern::Matches(text) = &entry.pattern {
                match regex::Regex::new(&text.source().value) {
                    Ok(regex) => outputs.extend(regex.capture_names().flatten().map(str::to_owned)),
                    Err(_) => open = true,
                }
            }
        }
        // what a part gives, it gives once
        let own = !matches!(step.body, Body::Use(_) | Body::Gate(_) | Body::Group(_));
        let many = |hosts| size.map_or_else(|| self.count(hosts) == Count::Many, |size| size > 1);
        if own && step.hosts.as_ref().is_some_and(many) {
            self.many.insert(step.id.value.clone());
        }
        if !open {
            let given = kinds::Outputs::of(step, self.each, self);
            self.kinds.add(given);
        }
        self.steps.insert(step.id.value.clone(), (!open).then_some(outputs));
        let judges = matches!(step.body, Body::Judge(..)) || self.runbook.broken.steps.contains(&step.id.value);
        self.judges.insert(step.id.value.clone(), judges);
    }

    /// The ids of the earlier steps.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.steps.keys().map(String::as_str)
    }

    /// Whether an earlier step asks guards; `None`: there is no such step yet.
    pub(super) fn judging(&self, id: &str) -> Option<bool> {
        self.judges.get(id).copied()
    }

    /// The earlier steps that ask guards.
    pub(super) fn judges(&self) -> impl Iterator<Item = &str> {
        self.judges.iter().filter(|(_, judges)| **judges).map(|(id, _)| id.as_str())
    }

    /// The type of a param or var, by `params` or `vars` and its name.
    pub(super) fn kind(&self, root: &str, name: &str) -> Option<Kind> {
        let limits = match root {
            "params" => self.runbook.params.get(name).map(|param| &param.limits),
            "vars" => self.runbook.vars.get(name).map(|var| &var.limits),
            _ => None,
        };
        limits.map(|limits| limits.kind.value)
    }

    /// Checks a path from the root.
    pub(super) fn check(&self, path: &[String], place: &Place) -> Result<(), Wrong> {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        let (root, rest) = parts.split_first().ok_or_else(|| Wrong::new("unknown-name", "an empty path"))?;
        let name = rest.first().copied();
        match *root {
            "params" => self.param(name),
            "vars" => {
                self.need_host(place, &parts)?;
                self.var(name)
            }
            "host" => {
                self.need_host(place, &parts)?;
                one_of("a host", name, &["name", "address", "groups"])
            }
            "run" => one_of("the run", name, &["id", "started_at", "mode", "operator"]),
            "outputs" => {
                self.output(rest)?;
                self.need_one(place, &parts)
            }
            "outcomes" => {
                self.outcome(name)?;
                self.need_one(place, &parts)
            }
            "targets" => self.target(rest),
            "result" => match (&place.result, name) {
                (Answer::None, _) => Err(Wrong::new("no-result", "there is no `result` here")
                    .help("`result` is what a probe or the step's own action gave; outputs of earlier steps are `outputs.<step>.<name>`")),
                (Answer::Of(fields), Some(name)) => one_of("this result", Some(name), fields),
                (Answer::Any | Answer::Of(_), _) => Ok(()),
            },
            "item" | "index" if self.each => Ok(()),
            "item" | "index" => Err(Wrong::new("no-item", format!("`{root}` belongs to `for_each`, which this step does not have"))),
            "env" => Err(Wrong::new("no-env", "there is no `env.X`").help("declare a param with `env: NAME`")),
            other => {
                let wrong = Wrong::unknown(
                    "name",
                    other,
                    ["params", "vars", "host", "run", "outputs", "outcomes", "targets", "result"],
                );
                let slip = wrong.help.as_ref().is_some_and(|help| help.starts_with("did you mean"));
                Err(if rest.is_empty() && !slip { wrong.help(format!("a text stands in quotes: \"{other}\"")) } else { wrong })
            }
        }
    }

    /// Checks a path that begins at a host.
    pub(super) fn check_at_host(&self, path: &[String]) -> Result<(), Wrong> {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        let Some((field, rest)) = parts.split_first() else { return Ok(()) };
        match *field {
            "vars" => self.var(rest.first().copied()),
            "outputs" => self.output(rest),
            "outcomes" => self.outcome(rest.first().copied()),
            "name" | "address" | "groups" => Ok(()),
            "params" | "run" | "targets" | "host" => Err(Wrong::new(
                "wrong-scope",
                format!("inside `#each` over hosts, names are the host's; `{field}` is outside"),
            )
            .help(format!("write `../{}`", parts.join(".")))),
            other => Err(Wrong::lacks("a host", "field", other, HOST_FIELDS.iter().copied())),
        }
    }

    /// Whether a name is declared in a way that could not be understood.
    fn is_broken(&self, section: &str, names: &HashSet<String>, name: &str) -> bool {
        names.contains(name) || self.runbook.broken.sections.contains(section)
    }

    fn param(&self, name: Option<&str>) -> Result<(), Wrong> {
        let Some(name) = name else { return Err(Wrong::new("unknown-name", "`params` needs a name, `params.x`")) };
        match self.runbook.params.get(name) {
            None if self.is_broken("params", &self.runbook.broken.params, name) => Ok(()),
            None => Err(Wrong::unknown("param", name, self.runbook.params.keys().map(String::as_str))),
            Some(param) if param.limits.kind.is_target() => {
                Err(Wrong::new("target-param", format!("`{name}` is hosts, so it is a target and has no value"))
                    .help(format!("write `targets.{name}`")))
            }
            Some(_) => Ok(()),
        }
    }

    fn var(&self, name: Option<&str>) -> Result<(), Wrong> {
        let Some(name) = name else { return Err(Wrong::new("unknown-name", "`vars` needs a name, `vars.x`")) };
        if self.runbook.vars.contains_key(name) || self.is_broken("vars", &self.runbook.broken.vars, name) {
            return Ok(());
        }
        let mut wrong = Wrong::unknown("var", name, self.runbook.vars.keys().map(String::as_str));
        if !wrong.help.as_ref().is_some_and(|help| help.starts_with("did you mean")) {
            wrong = wrong.help(format!("declare it: `vars: {{ {name}: {{ type: string }} }}`"));
        }
        Err(wrong)
    }

    fn output(&self, path: &[&str]) -> Result<(), Wrong> {
        let Some((step, rest)) = path.split_first() else {
            return Err(Wrong::new("unknown-name", "`outputs` needs a step, `outputs.<step>.<name>`"));
        };
        let outputs = self.earlier(step)?;
        match (outputs, rest.first()) {
            (Some(known), Some(name)) if !known.contains(*name) => {
                let mut names: Vec<&str> = known.iter().map(String::as_str).collect();
                names.sort_unstable();
                Err(Wrong::lacks(&format!("step `{step}`"), "output", name, names))
            }
            _ => Ok(()),
        }
    }

    fn outcome(&self, step: Option<&str>) -> Result<(), Wrong> {
        let group = step.and_then(|id| self.runbook.step(id)).filter(|step| matches!(step.body, Body::Group(_)));
        if let Some(group) = group.filter(|step| !self.runbook.broken.steps.contains(&step.id.value)) {
            let message = format!("`{}` is a group, and its outcome is that of its steps", group.id.value);
            return Err(Wrong::new("no-outcome", message).help("name one of its steps"));
        }
        step.map_or_else(
            || Err(Wrong::new("unknown-name", "`outcomes` needs a step, `outcomes.<step>`")),
            |step| self.earlier(step).map(|_| ()),
        )
    }

    fn earlier(&self, step: &str) -> Result<&Option<HashSet<String>>, Wrong> {
        if let Some(outputs) = self.steps.get(step) {
            return Ok(outputs);
        }
        if self.runbook.step(step).is_some() {
            return Err(Wrong::new("later-step", format!("step `{step}` has not run when this is read"))
                .help("only earlier steps have outputs and outcomes"));
        }
        Err(Wrong::unknown("step", step, self.steps.keys().map(String::as_str)))
    }

    /// `path` begins with `outputs` or `outcomes`, and a step.
    fn need_one(&self, place: &Place, path: &[&str]) -> Result<(), Wrong> {
        let [root, step, ..] = path else { return Ok(()) };
        if place.host && !place.controller || !self.many.contains(*step) {
            return Ok(());
        }
        let whole = path.join(".");
        let wrong = Wrong::new(
            "which-host",
            format!("`{step}` is about several hosts, and `{whole}` is read where there is none of them"),
        );
        let hosts = self.runbook.step(step).and_then(|step| step.hosts.as_ref());
        let target = hosts.and_then(Selector::single_name).filter(|name| self.targets.contains_key(*name));
        let of =
            target.map_or_else(|| "declare its hosts as a target `t`, and write".to_owned(), |_| "write".to_owned());
        let target = target.unwrap_or("t");
        Err(wrong.help(format!(
            "{of} `(pluck targets.{target} \"{whole}\")` for the list of all, or `targets.PICKED.one.{whole}` for one of them{}",
            if *root == "outputs" && place.can_have { "; or say `hosts:` here" } else { "" }
        )))
    }

    /// `path` begins with `host` or `vars`.
    fn need_host(&self, place: &Place, path: &[&str]) -> Result<(), Wrong> {
        if place.host {
            return Ok(());
        }
        let field = match path {
            ["host", field, ..] => (*field).to_owned(),
            ["host"] => "name".to_owned(),
            other => other.join("."),
        };
        let target = self.targets.keys().next().map_or("t", String::as_str);
        let one = format!("`targets.{target}.one.{field}` of its only host");
        let all = format!("`join (pluck targets.{target} \"{field}\")` of all of them");
        let (why, help) = if place.can_have {
            ("and the step is about none", format!("add `hosts:` to the step, or read it of a target: {one}, {all}"))
        } else {
            ("and this is read once, for all hosts together", format!("read it of a target: {one}, {all}"))
        };
        Err(Wrong::new("needs-host", format!("`{}` belongs to a host, {why}", path.join("."))).help(help))
    }

    fn target(&self, path: &[&str]) -> Result<(), Wrong> {
        let Some((name, rest)) = path.split_first() else {
            return Err(Wrong::new("unknown-name", "`targets` needs a name, `targets.x`"));
        };
        if !self.targets.contains_key(*name) {
            let broken = &self.runbook.broken;
            if self.is_broken("targets", &broken.targets, name) || broken.sections.contains("params") {
                return Ok(());
            }
            let wrong = Wrong::unknown("target", name, self.targets.keys().map(String::as_str));
            let slip = wrong.help.as_ref().is_some_and(|help| help.starts_with("did you mean"));
            let help = format!(
                "if `{name}` is a group, give it a name here: `targets: {{ {}_hosts: {name} }}`",
                name.replace('-', "_")
            );
            return Err(if slip { wrong } else { wrong.help(help) });
        }
        match rest.split_first() {
            None => Ok(()),
            Some((&"one", _)) if self.sizes.get(*name).is_some_and(|hosts| *hosts != 1) => {
                let hosts = self.sizes.get(*name).copied().unwrap_or_default();
                let message = format!("`targets.{name}.one` needs exactly one host, and there are {hosts}");
                Err(Wrong::new("which-host", message)
                    .help(format!("`pick` one of them, or write `{name}[0]` for the first")))
            }
            Some((&"one", rest)) => {
                let owned: Vec<String> = rest.iter().map(|part| (*part).to_owned()).collect();
                self.check_at_host(&owned)
            }
            Some((index, rest)) if index.bytes().all(|b| b.is_ascii_digit()) => {
                let owned: Vec<String> = rest.iter().map(|part| (*part).to_owned()).collect();
                self.check_at_host(&owned)
            }
            Some((other, _)) => {
                Err(Wrong::new("list-field", format!("`targets.{name}` is a list of hosts and has no `{other}`")).help(
                    format!(
                        "write `targets.{name}.one.{other}` for its only host, or `pluck targets.{name} \"{other}\"`"
                    ),
                ))
            }
        }
    }
}

fn one_of(owner: &str, name: Option<&str>, known: &[&str]) -> Result<(), Wrong> {
    match name {
        Some(name) if known.contains(&name) => Ok(()),
        Some(name) => Err(Wrong::lacks(owner, "field", name, known.iter().copied())),
        None => Ok(()),
    }
}
