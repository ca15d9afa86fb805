//! `watch`: what logs must say around an action, and what they must not.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::guard::Amount;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::inventory::Selector;
use crate::template::{AnyText, Plain, Regex, Text};
use crate::text::{self, Amount as Quantity, Dur, Sp, Tree};

use super::log::LogName;

/// How long lines are waited for when `within` is not written.
const DEFAULT_WITHIN: Duration = Duration::from_mins(1);

/// A log watch.
#[derive(Debug)]
pub struct Watch {
    /// Where it stands.
    pub span: Span,
    /// A path, `journal:UNIT` or `container:`.
    pub log: Text<Plain>,
    /// On whose hosts; the step's when not written.
    pub hosts: Option<Selector>,
    /// From which step's beginning on lines count: only where the watch is the step.
    pub since: Option<Sp<String>>,
    /// How long it may take, counted from the end of the action; where the watch is the step, from its beginning.
    pub within: Duration,
    /// How long all must have held.
    pub settle: Duration,
    /// What must be said.
    pub expect: Vec<Entry>,
    /// What must not be said.
    pub never: Vec<Entry>,
}

/// One line that is waited for.
#[derive(Debug)]
pub struct Entry {
    /// Where it stands.
    pub span: Span,
    /// The line.
    pub pattern: Pattern,
    /// On how many hosts; on every one when not written.
    pub amount: Option<Amount>,
    /// A later line that takes it back.
    pub revoked_by: Option<Text<Plain>>,
    /// Once it was said anywhere, undo is refused.
    pub no_return: bool,
}

/// How a line is recognised.
#[derive(Debug)]
pub enum Pattern {
    /// It contains this.
    Line(Text<Plain>),
    /// It matches this.
    Matches(Text<Regex>),
}

/// Logs that must say something.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "watch", deny_unknown_fields)]
pub(super) struct Fields {
    /// A path, `journal:UNIT`, or `container:`.
    log: Text<Plain>,
    /// On these hosts; on those of the step by default.
    #[schemars(with = "Option<Selector>")]
    hosts: Option<Tree>,
    /// How long it may take after the action.
    within: Option<Sp<Dur>>,
    /// How long all must have held.
    settle: Option<Sp<Dur>>,
    /// Lines that must come.
    #[serde(default)]
    #[schemars(with = "Vec<EntryFields>")]
    expect: Vec<Tree>,
    /// Lines that must not come.
    #[serde(default)]
    #[schemars(with = "Vec<EntryFields>")]
    never: Vec<Tree>,
    /// The step from whose beginning lines count; only where the watch is the step.
    since: Option<Sp<String>>,
}

/// A line of a log.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "watch-entry", deny_unknown_fields)]
pub(super) struct EntryFields {
    /// It contains this.
    line: Option<Text<Plain>>,
    /// It matches this; named groups become outputs.
    matches: Option<Text<Regex>>,
    /// On exactly so many hosts.
    exactly: Option<Sp<Quantity>>,
    /// On at least so many hosts, or such a share.
    at_least: Option<Sp<Quantity>>,
    /// On at most so many hosts, or such a share.
    at_most: Option<Sp<Quantity>>,
    /// A later such line takes it back.
    revoked_by: Option<Text<Plain>>,
    /// Once it was seen on any host, nothing is undone.
    #[serde(default)]
    no_return: bool,
}

/// A log that is written out is one.
fn check_log(log: &Text<Plain>, diags: &Diagnostics) {
    let source = log.source();
    if !log.is_literal() {
        return;
    }
    if let Err(why) = source.value.parse::<LogName>() {
        diags.push(Diagnostic::error("wrong-value", source.span, why));
    }
}

impl Watch {
    pub(super) fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        let fields: Fields = text::decode(tree, diags)?;
        check_log(&fields.log, diags);
        let expect: Vec<Entry> = fields.expect.iter().filter_map(|tree| Entry::decode(tree, diags)).collect();
        let never: Vec<Entry> = fields.never.iter().filter_map(|tree| Entry::decode(tree, diags)).collect();
        if let (Some(within), Some(settle)) = (&fields.within, &fields.settle) {
            super::wait::never_in_time(("settle", settle), within, diags);
        }
        if fields.settle.is_none() {
            for entry in &expect {
                let why = match (&entry.amount, &entry.revoked_by) {
                    (_, Some(_)) => "`revoked_by`",
                    (Some(Amount::Exactly(_)), None) => "`exactly`",
                    _ => continue,
                };
                diags.push(
                    Diagnostic::error(
                        "no-settle",
                        entry.span,
                        format!("{why} needs `settle`: a later line can change it"),
                    )
                    .help("add for example `settle: 3s` to the watch"),
                );
            }
        }
        if expect.is_empty() && never.is_empty() && !diags.has_errors_within(tree.span) {
            diags.push(
                Diagnostic::error("no-entry", tree.span, "nothing is watched for").help("add `expect` or `never`"),
            );
        }
        let hosts = fields.hosts.as_ref().map(|tree| Selector::decode_anyway(tree, diags));
        Some(Self {
            span: tree.span,
            log: fields.log,
            hosts,
            since: fields.since,
            within: fields.within.map_or(DEFAULT_WITHIN, |d| d.value.0),
            settle: fields.settle.map_or(Duration::ZERO, |d| d.value.0),
            expect,
            never,
        })
    }

    /// Every text, for the reference check.
    pub fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        visit(&self.log);
        for entry in self.expect.iter().chain(&self.never) {
            match &entry.pattern {
                Pattern::Line(text) => visit(text),
                Pattern::Matches(text) => visit(text),
            }
            entry.revoked_by.iter().for_each(|text| visit(text));
        }
    }
}

impl Entry {
    fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        let fields: EntryFields = text::decode(tree, diags)?;
        let pattern = match (fields.line, fields.matches) {
            (Some(line), None) => Pattern::Line(line),
            (None, Some(matches)) => Pattern::Matches(matches),
            (line, matches) => {
                if !diags.has_errors_within(tree.span) {
                    diags.push(
                        Diagnostic::error("no-line", tree.span, "an entry names one line")
                            .help("write either `line: text` or `matches: regex`"),
                    );
                }
                let nothing = || Pattern::Line(Text::new(Sp::new(String::new(), Span::NOWHERE)));
                matches.map(Pattern::Matches).or_else(|| line.map(Pattern::Line)).unwrap_or_else(nothing)
            }
        };
        let amount = Amount::decode(fields.exactly, fields.at_least, fields.at_most, diags);
        Some(Self { span: tree.span, pattern, amount, revoked_by: fields.revoked_by, no_return: fields.no_return })
    }
}
