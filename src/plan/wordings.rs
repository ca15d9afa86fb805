//! What is written in a step and has a value when it is carried out: texts, expressions, selectors and what lies beside
//! the runbook; and in whose eyes each is read.

mod find;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use indexmap::{IndexMap, IndexSet};

use crate::base::clock::Timestamp;
use crate::base::span::Span;
use crate::inventory::Selector;
use crate::runbook::{Runbook, Step};
use crate::template::{AnyText, Base, Compiled, EvalError, Expr, Read, ReadError, RefBase, Reference, Scope, Value};
use crate::text::Sp;

use self::find::Finder;
use super::drift::content;
use super::{View, World};

/// In whose eyes something is read: of hosts, or of none.
pub(super) type Eyes = Rc<[Option<String>]>;

fn nobody() -> Eyes {
    Rc::new([None])
}

/// What can be known of a path before a run; what others lead to is known when it goes on.
const KNOWN: [&str; 4] = ["params", "vars", "host", "targets"];

/// The same of a path that starts from hosts.
const KNOWN_OF_HOSTS: [&str; 4] = ["name", "address", "groups", "vars"];

/// Something that is written.
enum Wording<'a> {
    Text(&'a dyn AnyText),
    /// A template that is written in place.
    Inline(&'a Sp<String>, &'a Compiled),
    /// The name of a template file, and the file.
    Template(&'a Sp<String>, Compiled),
    /// The name of a file that is sent as it is.
    File(&'a Sp<String>),
    Hosts(&'a Selector),
    /// What is said when a guard does not hold: it does nothing.
    Message(&'a dyn AnyText),
}

impl Wording<'_> {
    fn span(&self) -> Span {
        match self {
            Self::Text(text) | Self::Message(text) => text.source().span,
            Self::Inline(name, _) | Self::Template(name, _) | Self::File(name) => name.span,
            Self::Hosts(selector) => selector.span(),
        }
    }

    /// What it reads.
    fn references(&self) -> &[Reference] {
        match self {
            Self::Text(text) => text.references(),
            Self::Inline(_, compiled) => compiled.references(),
            Self::Template(_, compiled) => compiled.references(),
            Self::File(_) | Self::Hosts(_) | Self::Message(_) => &[],
        }
    }

    /// What it is, in the eyes of a host, for items of `each`.
    fn said(&self, world: &World, host: Option<&str>, each: Option<&Expr>) -> String {
        let view = View::new(world, host, None);
        let reads = || read(self.references(), each, &view);
        let of = |compiled: &Compiled| {
            let rendered = |scope: &dyn Scope| compiled.render(scope).map(|rendered| rendered.text.into());
            worded(compiled.source(), reads(), &rendered, &view)
        };
        match self {
            Self::Text(text) => worded(&text.source().value, reads(), &|scope: &dyn Scope| text.try_out(scope), &view),
            Self::Inline(_, compiled) => of(compiled),
            Self::Template(_, compiled) => of(compiled),
            Self::File(name) => format!("{}\n{}", name.value, content(&world.file(&name.value).unwrap_or_default())),
            Self::Hosts(selector) => hosts(selector, world),
            Self::Message(_) => String::new(),
        }
    }

    /// Whether it may be another thing for another host.
    fn is_of_a_host(&self) -> bool {
        let of_a_host = |read: &Reference| matches!(read.path.first().map(String::as_str), Some("vars" | "host"));
        self.references().iter().any(of_a_host)
    }
}

/// The hosts of a selector; as it is written, where they are chosen later.
pub(super) fn hosts(selector: &Selector, world: &World) -> String {
    match world.resolve(selector) {
        Ok(hosts) if hosts.is_empty() => "none".to_owned(),
        Ok(hosts) => hosts.join(", "),
        Err(_) => selector.text(),
    }
}

/// What is read, with the values that are known before a run.
struct Reads {
    known: IndexSet<String>,
    /// Something is not known, or is a secret.
    open: bool,
}

fn read(references: &[Reference], each: Option<&Expr>, view: &View<'_>) -> Reads {
    let mut reads = Reads { known: IndexSet::new(), open: false };
    for reference in references {
        let (path, root) = (reference.dotted(), reference.path.first().map_or("", String::as_str));
        let expression = match (&reference.base, path.strip_prefix("item.").zip(each)) {
            // an element of a list that is read as well
            (RefBase::Local, _) => continue,
            (RefBase::HostsOf(hosts), _) if KNOWN_OF_HOSTS.contains(&root) => {
                format!("pluck {} \"{path}\"", hosts.join("."))
            }
            (RefBase::Root, _) if KNOWN.contains(&root) => path,
            (RefBase::Root, Some((field, list))) => {
                reads.open = true;
                format!("pluck ({}) \"{field}\"", list.source().value)
            }
            _ => {
                reads.open = true;
                continue;
            }
        };
        match Expr::from(expression.as_str()).eval(view) {
            Ok(value) if value.waits_for().is_none() => {
                reads.open |= value.holds_secret();
                reads.known.insert(format!("{expression} = {}", shown(&value)));
            }
            _ => reads.open = true,
        }
    }
    reads
}

/// A text with its values. While one of them is not known, or is a secret, as it is written, and below it the others.
fn worded(
    source: &str,
    reads: Reads,
    value: &dyn Fn(&dyn Scope) -> Result<Value, EvalError>,
    view: &View<'_>,
) -> String {
    let timed = Timed { view, asked: AtomicBool::new(false) };
    let value = if reads.open { None } else { value(&timed).ok() };
    match value.filter(|value| value.waits_for().is_none() && !value.holds_secret()) {
        Some(value) if !timed.asked.into_inner() => shown(&value),
        _ => std::iter::once(source.to_owned()).chain(reads.known).collect::<Vec<_>>().join("\n"),
    }
}

/// Notices whether the time is asked for: what comes of that is another thing each time.
struct Timed<'a> {
    view: &'a View<'a>,
    asked: AtomicBool,
}

impl Scope for Timed<'_> {
    fn read(&self, base: Base<'_>, path: &[&str]) -> Result<Read, ReadError> {
        self.view.read(base, path)
    }

    fn now(&self) -> Timestamp {
        self.asked.store(true, Ordering::Relaxed);
        self.view.now()
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Str(text) => text.to_string(),
        other => other.to_json().to_string(),
    }
}

/// Everything that is written in a step, and stands in its text or around it.
pub(super) struct Wordings<'a> {
    all: Vec<(Wording<'a>, Eyes)>,
    at: HashMap<Span, Vec<usize>>,
    used: Vec<bool>,
    /// The list over whose items the step is done, or a group around it.
    each: Option<&'a Expr>,
}

impl<'a> Wordings<'a> {
    /// Those of a step. `touched`: in whose eyes what is about hosts is read that are chosen later.
    pub(super) fn of_step(step: &'a Step, each: Option<&'a Expr>, world: &World, touched: &Eyes) -> Self {
        let mut finder = Finder { world, touched, all: Vec::new() };
        finder.step(step);
        Self::new(finder.all, each)
    }

    /// Those of a runbook that are not in its steps.
    pub(super) fn of_book(book: &'a Runbook) -> Self {
        let nobody = nobody();
        let locks = book.lock.iter().map(|text| text as &dyn AnyText);
        let outputs = book.outputs.values().map(|expression| expression as &dyn AnyText);
        Self::new(locks.chain(outputs).map(|text| (Wording::Text(text), Rc::clone(&nobody))).collect(), None)
    }

    fn new(all: Vec<(Wording<'a>, Eyes)>, each: Option<&'a Expr>) -> Self {
        let mut at: HashMap<Span, Vec<usize>> = HashMap::new();
        for (n, (wording, _)) in all.iter().enumerate() {
            at.entry(wording.span()).or_default().push(n);
        }
        Self { used: vec![false; all.len()], all, at, each }
    }

    /// What all of it reads.
    pub(super) fn reads(&self) -> impl Iterator<Item = &Reference> {
        self.all.iter().flat_map(|(wording, _)| wording.references())
    }

    /// Whom it names.
    pub(super) fn selectors(&self) -> impl Iterator<Item = &Selector> {
        self.all.iter().filter_map(|(wording, _)| match wording {
            Wording::Hosts(selector) => Some(*selector),
            _ => None,
        })
    }

    /// The lines of what stands at a place. None: nothing that has a value of its own.
    pub(super) fn take(&mut self, place: Span, key: &str, world: &World) -> Option<Vec<String>> {
        // what an alias repeats has the place of its definition, and need not be a message here
        let counts = |n: &usize| key.ends_with("message") || !matches!(self.all[*n].0, Wording::Message(_));
        let found: Vec<usize> = self.at.get(&place)?.iter().copied().filter(counts).collect();
        if found.is_empty() {
            return None;
        }
        for n in &found {
            self.used[*n] = true;
        }
        Some(found.into_iter().flat_map(|n| self.lines(n, key, world)).collect())
    }

    /// The lines of what stands elsewhere and counts here as well.
    pub(super) fn rest(&self, world: &World) -> Vec<String> {
        let rest = (0..self.all.len()).filter(|n| !self.used[*n] && !self.all[*n].0.span().is_nowhere());
        rest.flat_map(|n| self.lines(n, "from around it", world)).collect()
    }

    fn lines(&self, n: usize, key: &str, world: &World) -> Vec<String> {
        let (wording, eyes) = &self.all[n];
        if matches!(wording, Wording::Message(_)) {
            return Vec::new();
        }
        let eyes = if wording.is_of_a_host() { &eyes[..] } else { &eyes[..eyes.len().min(1)] };
        let mut said: IndexMap<String, Vec<&str>> = IndexMap::new();
        for host in eyes {
            let names = said.entry(wording.said(world, host.as_deref(), self.each)).or_default();
            names.extend(host.as_deref());
        }
        let alike = said.len() == 1;
        let lines = said.iter().flat_map(|(text, names)| {
            let key = if alike { key.to_owned() } else { format!("{key} ({})", names.join(", ")) };
            prefixed(&key, text)
        });
        lines.collect()
    }
}

/// Each line of a text behind its key.
pub(super) fn prefixed(key: &str, text: &str) -> Vec<String> {
    text.split('\n').map(|line| format!("{key}: {line}")).collect()
}
