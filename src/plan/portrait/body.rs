//! What a step does, in words.

use crate::action::guard::Guard;
use crate::action::{Told, seconds};
use crate::runbook::{Body, Judge, Pick, Ranking, Step, Use, Wait, Wants};
use crate::template::Expr;

use super::super::cast::Cast;
use super::steps::Line;
use super::wanted;

/// Guards behind a sentence; nothing when there are none.
pub(super) fn guards(words: &str, guards: &[Guard], lines: &mut Vec<Line>) {
    if !guards.is_empty() {
        lines.push(Line::Say(words.to_owned()));
        lines.extend(guards.iter().map(|guard| Line::Point(guard.sentence())));
    }
}

/// What a step does.
pub(super) fn lines(step: &Step, cast: &dyn Cast<'_>, lines: &mut Vec<Line>) {
    match &step.body {
        Body::Action(_) | Body::Aside(_) => deed(step, lines),
        Body::Gather(probes) => {
            lines.push(Line::Say("Reads, and keeps for later steps:".to_owned()));
            lines.extend(probes.iter().map(|(name, probe)| {
                let value = probe.value.as_ref().map(|value| format!(", of it `{}`", value.words()));
                Line::Point(format!("{name}: {}{}", probe.asked(), value.unwrap_or_default()))
            }));
        }
        Body::Pick(picks) => {
            lines.push(Line::Say("Chooses:".to_owned()));
            lines.extend(picks.iter().map(|pick| Line::Point(chosen(pick, cast))));
        }
        Body::Judge(Judge::Symptom, list) => {
            guards("It is the outage that this is for only if all of this is so, else nothing is done:", list, lines);
        }
        Body::Judge(Judge::Require, list) => {
            guards("Goes on only if all of this is so:", list, lines);
        }
        Body::Wait(Wait { until, within, hold, every: _ }) => {
            let hold = if hold.is_zero() { String::new() } else { format!(", and has been for {}", seconds(*hold)) };
            guards(&format!("Waits until this is so{hold}, {} at most:", seconds(*within)), until, lines);
        }
        Body::Gate(gate) => {
            let asked = wanted(gate);
            let mut words = asked.chars();
            let first: String = words.next().into_iter().flat_map(char::to_uppercase).collect();
            let itself = match gate.wants {
                Wants::Deed if !step.done_when.is_empty() => "; it goes on by itself when it is done",
                _ => "",
            };
            lines.push(Line::Say(format!("{first}{}{itself}:", words.as_str())));
            lines.push(Line::Text(gate.message.source().value.trim_end().to_owned()));
        }
        Body::Use(uses) => part(uses, lines),
        Body::Watch | Body::Group(_) => {}
    }
}

/// What an action or an aside does.
pub(super) fn deed(step: &Step, lines: &mut Vec<Line>) {
    let told = match &step.body {
        Body::Action(action) => action.told(),
        Body::Aside(aside) => aside.told(),
        Body::Wait(wait) => return guards("waits until this is so:", &wait.until, lines),
        _ => return,
    };
    let Told { what, text } = told;
    let mut words = what.chars();
    let first: String = words.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if text.is_some() { ":" } else { "." };
    lines.push(Line::Say(format!("{first}{}{end}", words.as_str())));
    lines.extend(text.map(Line::Text));
}

fn chosen(pick: &Pick, cast: &dyn Cast<'_>) -> String {
    let all = |list: &[Expr]| {
        let words: Vec<String> = list.iter().map(|one| format!("`{}`", one.words())).collect();
        words.join(", then ")
    };
    let reachable = match pick.reachable {
        Some(true) => " that can be reached",
        Some(false) => " that cannot be reached",
        None => "",
    };
    let only = if pick.r#where.is_empty() { String::new() } else { format!(" where {}", all(&pick.r#where)) };
    let from = cast.whom(&pick.from);
    match &pick.ranking {
        Some(Ranking::Highest(list)) => {
            format!("{}: the one of {from}{reachable}{only} with the highest {}", pick.name.value, all(list))
        }
        Some(Ranking::Lowest(list)) => {
            format!("{}: the one of {from}{reachable}{only} with the lowest {}", pick.name.value, all(list))
        }
        None => format!("{}: those of {from}{reachable}{only}, {}", pick.name.value, pick.amount),
    }
}

fn part(uses: &Use, lines: &mut Vec<Line>) {
    lines.push(Line::Say(format!("Carries out the runbook {} as a part of this one, with:", uses.runbook.value)));
    for (name, argument) in &uses.params {
        let mut written = Vec::new();
        argument.data.texts(&mut |text| written.push(text.source().value.clone()));
        let value = match &argument.hosts {
            Some(hosts) => hosts.words(),
            None if written.is_empty() => crate::runbook::as_typed(&crate::template::Value::from_tree(&argument.tree)),
            None => written.join(", "),
        };
        lines.push(Line::Point(format!("{name}: `{value}`")));
    }
    if uses.params.is_empty() {
        lines.pop();
        lines.push(Line::Say(format!("Carries out the runbook {} as a part of this one.", uses.runbook.value)));
    }
}
