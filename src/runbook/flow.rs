//! How a step goes over its hosts and items: where it runs, in which batches, how many at once, how many may fail, how
//! often it is tried, and what runs whatever happened (`run_on for_each rolling parallel tolerate retry always`).

use schemars::JsonSchema;
use serde::Deserialize;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::inventory::Selector;
use crate::template::Expr;
use crate::text::{self, Amount, Node, Sp, Tree};

use super::model::{Body, Step};
use super::retry::{self, Retry};
use super::rolling::Rolling;
use super::step::Outer;

/// The fields that are decoded here.
pub(super) const KEYS: &[&str] = &["run_on", "for_each", "rolling", "parallel", "tolerate", "retry", "always"];

/// How a step goes over its hosts and items.
#[derive(Debug, Default)]
pub struct Flow {
    /// Where it is executed instead, for each of its hosts.
    pub run_on: Option<Selector>,
    /// The list whose items it is done for, one after the other.
    pub for_each: Option<Expr>,
    /// Batches over its hosts; of a group: the whole group for each batch.
    pub rolling: Option<Rolling>,
    /// At most so many of its hosts at once.
    pub parallel: Option<usize>,
    /// So many of its hosts may fail.
    pub tolerate: Option<Amount>,
    /// How often it is tried.
    pub retry: Option<Retry>,
    /// Of a group: steps that run whatever happened.
    pub always: Vec<Step>,
    /// Something of it was not understood.
    pub broken: bool,
}

/// How a step goes over its hosts and items.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "flow", deny_unknown_fields)]
pub(super) struct Fields {
    /// Where it is executed instead, for each of its hosts.
    #[schemars(with = "Option<Selector>")]
    run_on: Option<Tree>,
    /// A list; it is done for each item, in order.
    for_each: Option<Expr>,
    /// Batches over its hosts; of a group, the whole group for each.
    #[schemars(with = "Option<super::schema::RollingForm>")]
    rolling: Option<Tree>,
    /// At most so many hosts at once.
    parallel: Option<Sp<u32>>,
    /// So many hosts may fail; one more stops the run.
    tolerate: Option<Amount>,
    /// How often it is tried.
    retry: Option<retry::Fields>,
}

impl Flow {
    /// From a step's text; `always` and what is inherited are added by the step.
    pub(super) fn decode(tree: &Tree, diags: &Diagnostics) -> Self {
        let keys: Vec<&str> = KEYS.iter().copied().filter(|key| *key != "always").collect();
        let (own, _) = text::split(tree, &keys);
        if let Some(list) = tree.get("for_each").filter(|list| matches!(list.value, Node::List(_))) {
            diags.push(Diagnostic::error("wrong-type", list.span, "`for_each` is an expression, found a list").help(
                "make it a param: `params: { names: { type: list, default: [ a, b ] } }`, and `for_each: params.names`",
            ));
            return Self { broken: true, ..Self::default() };
        }
        let Some(fields) = text::decode::<Fields>(&own, diags) else {
            return Self { broken: true, ..Self::default() };
        };
        Self {
            run_on: fields.run_on.map(|tree| Selector::decode_anyway(&tree, diags)),
            for_each: fields.for_each,
            rolling: fields.rolling.and_then(|tree| Rolling::decode(&tree, diags)),
            parallel: fields.parallel.and_then(|n| at_least_one(&n, "hosts at once", diags)),
            tolerate: fields.tolerate,
            retry: fields.retry.map(|fields| Retry::of(fields, diags)),
            always: Vec::new(),
            broken: false,
        }
    }
}

/// A number of something, of which there is one at least.
pub(super) fn at_least_one(n: &Sp<u32>, what: &str, diags: &Diagnostics) -> Option<usize> {
    if n.value == 0 {
        diags.push(Diagnostic::error("wrong-value", n.span, format!("these are no {what}")).help("write 1 or more"));
        return None;
    }
    usize::try_from(n.value).ok()
}

/// What is written on a step and means nothing there, or something that nobody wants. `tolerate` is where it or a group
/// around it says that hosts may fail.
pub(super) fn check(step: &Step, tree: &Tree, outer: &Outer, tolerate: Option<Span>, diags: &Diagnostics) {
    let each = outer.each;
    let at = |key: &str| text::key_span(tree, key);
    let group = matches!(step.body, Body::Group(_));
    if let (true, Some(span)) = (group, at("parallel")) {
        diags.push(
            Diagnostic::error(
                "not-on-group",
                span,
                "`parallel` is of one step; a group goes step by step over its hosts",
            )
            .help("write `rolling:` for a part of the hosts at a time, or `parallel:` on a step of the group"),
        );
    }
    if let (false, Some(span)) = (group, at("always")) {
        diags.push(
            Diagnostic::error("only-on-group", span, "`always` is of groups, and this step is none")
                .help("make a group of it: `steps:` with this step, and `always:` beside `steps:`"),
        );
    }
    if let (Some(outer), Some(span)) = (each, at("for_each")) {
        diags.push(
            Diagnostic::error("for-each-inside", span, "a `for_each` inside another one")
                .and(outer, "the other one")
                .help("make one list of all items with a `set` step, and go over that"),
        );
    }
    let touches =
        matches!(step.body, Body::Action(_) | Body::Gather(_) | Body::Judge(..) | Body::Wait(_) | Body::Group(_));
    let of_hosts = ["run_on", "rolling", "parallel", "tolerate"].into_iter().filter_map(|key| Some((key, at(key)?)));
    for (key, span) in of_hosts {
        if touches && step.hosts.is_none() {
            let message = format!("`{key}` is said of hosts, and the step is about none");
            diags.push(
                Diagnostic::error("no-hosts", span, message).help("add `hosts:` with those that the step is about"),
            );
        }
    }
    if let (Body::Use(_), Some(outer)) = (&step.body, each) {
        let message = "`use` in a `for_each`: a part is done once, with the same params and targets";
        let help = "give the list to the part, as a param of type list, and go over it there";
        diags.push(Diagnostic::error("not-on-this", step.id.span, message).and(outer, "here").help(help));
    }
    if let (Body::Action(_), Some(watch), Some(span)) = (&step.body, &step.watch, tolerate) {
        let message =
            "`watch` around an action that may fail on some hosts: the others would be watched from too late on";
        let help = format!(
            "make it a step of its own behind this one, with `since: {}`: who failed is not waited for there",
            step.id.value
        );
        diags.push(Diagnostic::error("not-on-this", watch.span, message).and(span, "these may fail").help(help));
    }
    super::fits::check(step, tree, diags);
    if let Some(span) = at("retry") {
        retry::check(step, span, diags);
    }
}
