//! The faults of a drill: what is broken, where, and when.

use std::time::Duration;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::inventory::Selector;
use crate::lab::Fault;
use crate::text::{self, Node, Sp, Tree};

use super::fault_fields::{FillDisk, Hosts, Kill, Run, SkewClock, Slow, Times};

/// When a fault happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the run.
    First,
    /// Before this step of the run is opened.
    Before(Sp<String>),
    /// After this step of the run was closed.
    After(Sp<String>),
}

/// One fault and its moment.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Where it stands.
    pub span: Span,
    /// As it is written, in one line for people.
    pub words: String,
    /// When.
    pub when: When,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Kill { hosts: Selector, process: String, keep_down: bool },
    PowerOff(Selector),
    PowerOn(Selector),
    CutLink(Selector),
    Partition(Selector, Selector),
    Slow { hosts: Selector, delay: Duration, loss: f64 },
    FillDisk { hosts: Selector, path: String },
    StaleData(Selector),
    Run { hosts: Selector, command: String },
}

pub(super) const KINDS: &[&str] =
    &["kill", "power_off", "power_on", "cut_link", "partition", "slow", "fill_disk", "stale_data", "skew_clock", "run"];

impl Moment {
    pub(super) fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        let Node::Map(entries) = &tree.value else {
            let message = format!("a fault is a map, found {}", tree.value.kind());
            diags.push(Diagnostic::error("wrong-type", tree.span, message).help("for example `- power_off: web-1`"));
            return None;
        };
        let (_, rest) = text::split(tree, KINDS);
        let times: Times = text::decode_beside(&rest, KINDS, diags)?;
        let found: Vec<_> = entries.iter().filter(|(key, _)| KINDS.contains(&key.value.as_str())).collect();
        let (key, value) = match found.as_slice() {
            [one] => one,
            [] => {
                // a key that is no fault was reported, and may be what was meant
                if !diags.has_errors_within(tree.span) {
                    diags.push(
                        Diagnostic::error("no-fault", text::head(tree), "nothing is broken here")
                            .help(format!("add one of {}", KINDS.join(", "))),
                    );
                }
                return None;
            }
            [(first, _), (second, _), ..] => {
                let message =
                    format!("a fault is one thing, and this one has `{}` and `{}`", first.value, second.value);
                diags.push(
                    Diagnostic::error("two-faults", second.span, message)
                        .and(first.span, "the first")
                        .help("make them two faults"),
                );
                return None;
            }
        };
        let what = What::decode(key, value, diags);
        let when = match (times.before, times.after) {
            (None, None) => When::First,
            (Some(step), None) => When::Before(step),
            (None, Some(step)) => When::After(step),
            (Some(_), Some(step)) => {
                let message = "a fault is `before` a step or `after` one, not both";
                diags.push(Diagnostic::error("two-times", step.span, message).help("make them two faults"));
                return None;
            }
        };
        let what = what?;
        Some(Self { span: tree.span, words: format!("{} {}", key.value.replace('_', "-"), what.words()), when, what })
    }

    /// The selectors of the hosts that it is about.
    pub(super) fn selectors(&self) -> Vec<&Selector> {
        match &self.what {
            What::Kill { hosts, .. }
            | What::Slow { hosts, .. }
            | What::FillDisk { hosts, .. }
            | What::Run { hosts, .. }
            | What::PowerOff(hosts)
            | What::PowerOn(hosts)
            | What::CutLink(hosts)
            | What::StaleData(hosts) => vec![hosts],
            What::Partition(a, b) => vec![a, b],
        }
    }

    /// Whether a copy of the data must be kept before anything is done.
    #[must_use]
    pub fn needs_copy(&self) -> bool {
        matches!(self.what, What::StaleData(_))
    }

    /// What is to be done to the lab: these may be done at the same time.
    pub(super) fn faults(
        &self,
        resolve: &mut dyn FnMut(&Selector) -> Result<Vec<String>, String>,
    ) -> Result<Vec<Fault>, String> {
        let mut each = |hosts: &Selector, make: &dyn Fn(String) -> Fault| {
            resolve(hosts).map(|hosts| hosts.into_iter().map(make).collect::<Vec<_>>())
        };
        match &self.what {
            What::Kill { hosts, process, keep_down } => {
                each(hosts, &|host| Fault::Kill { host, process: process.clone(), keep_down: *keep_down })
            }
            What::PowerOff(hosts) => each(hosts, &|host| Fault::PowerOff { host }),
            What::PowerOn(hosts) => each(hosts, &|host| Fault::PowerOn { host }),
            What::CutLink(hosts) => each(hosts, &|host| Fault::CutLink { host }),
            What::Slow { hosts, delay, loss } => {
                let millis = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                each(hosts, &|host| Fault::Slow { host, millis, loss: loss.to_string() })
            }
            What::FillDisk { hosts, path } => each(hosts, &|host| Fault::FillDisk { host, path: path.clone() }),
            What::StaleData(hosts) => each(hosts, &|host| Fault::StaleData { host }),
            What::Run { hosts, command } => each(hosts, &|host| Fault::Run { host, command: command.clone() }),
            What::Partition(a, b) => {
                let (a, b) = (resolve(a)?, resolve(b)?);
                match a.iter().find(|host| b.contains(host)) {
                    Some(both) => Err(format!("{both} is on both sides of the partition")),
                    None => Ok(vec![Fault::Partition { a, b }]),
                }
            }
        }
    }
}

impl What {
    fn decode(key: &Sp<String>, tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        let hosts = |tree: &Tree| Selector::decode(tree, diags);
        Some(match key.value.as_str() {
            "kill" => {
                let kill: Kill = text::decode(tree, diags)?;
                Self::Kill { hosts: hosts(&kill.hosts)?, process: kill.process, keep_down: kill.keep_down }
            }
            "power_off" => Self::PowerOff(hosts(tree)?),
            "power_on" => Self::PowerOn(hosts(tree)?),
            "cut_link" => Self::CutLink(hosts(tree)?),
            "partition" => match &tree.value {
                Node::List(sides) if sides.len() == 2 => {
                    let (a, b) = (hosts(&sides[0]), hosts(&sides[1]));
                    Self::Partition(a?, b?)
                }
                _ => {
                    diags.push(
                        Diagnostic::error("wrong-type", tree.span, "a partition is a list of two sides")
                            .help("for example `partition: [ \"web-[1:2]\", web-3 ]`"),
                    );
                    return None;
                }
            },
            "slow" => {
                let slow: Slow = text::decode(tree, diags)?;
                let loss = match &slow.loss {
                    Some(text) => percent(text, diags)?,
                    None => 0.0,
                };
                let delay = slow.delay.map_or(Duration::ZERO, |delay| delay.0);
                if delay.is_zero() && loss == 0.0 {
                    let message = "a slow link has a `delay`, a `loss`, or both";
                    diags.push(Diagnostic::error("missing-key", text::head(tree), message));
                    return None;
                }
                Self::Slow { hosts: hosts(&slow.hosts)?, delay, loss }
            }
            "fill_disk" => {
                let fill: FillDisk = text::decode(tree, diags)?;
                Self::FillDisk { hosts: hosts(&fill.hosts)?, path: fill.path }
            }
            "stale_data" => {
                let stale: Hosts = text::decode(tree, diags)?;
                Self::StaleData(hosts(&stale.hosts)?)
            }
            "skew_clock" => {
                let _: Option<SkewClock> = text::decode(tree, diags);
                diags.push(
                    Diagnostic::error("no-such-fault", key.span, "the clock of a lab's host cannot be set")
                        .label("all hosts of a lab share this machine's clock")
                        .help(
                            "Linux has no namespace for the time of day, and what a preloaded library tells programs \
                             does not reach those that ask the kernel themselves, as Consul does",
                        ),
                );
                return None;
            }
            _ => {
                let run: Run = text::decode(tree, diags)?;
                Self::Run { hosts: hosts(&run.hosts)?, command: run.command }
            }
        })
    }

    fn words(&self) -> String {
        match self {
            Self::Kill { hosts, process, keep_down } => {
                let keep = if *keep_down { ", kept down" } else { "" };
                format!("{} {process}{keep}", hosts.text())
            }
            Self::PowerOff(hosts) | Self::PowerOn(hosts) | Self::CutLink(hosts) | Self::StaleData(hosts) => {
                hosts.text()
            }
            Self::Partition(a, b) => format!("{} / {}", a.text(), b.text()),
            Self::Slow { hosts, delay, loss } => format!("{} by {} ms, loss {loss} %", hosts.text(), delay.as_millis()),
            Self::FillDisk { hosts, path } => format!("{} {path}", hosts.text()),
            Self::Run { hosts, command } => format!("{}: {}", hosts.text(), command.lines().next().unwrap_or_default()),
        }
    }
}

fn percent(text: &Sp<String>, diags: &Diagnostics) -> Option<f64> {
    let value = text.value.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    let value = value.filter(|value| (0.0..=100.0).contains(value));
    if value.is_none() && !text.span.is_nowhere() {
        let message = format!("`{}` is not a share such as 10%", text.value);
        diags.push(Diagnostic::error("wrong-value", text.span, message));
    }
    value
}
