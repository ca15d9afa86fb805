//! What a step would do on a host, in one line.

use crate::action::{Cx, Holes, Login, clip};
use crate::inventory::Selector;
use crate::runbook::{Body, Step, Sudo, Wants};
use crate::template::{EvalError, EvalErrorKind};

use super::{View, World};

pub(super) fn picked_later(selector: &Selector, world: &World) -> String {
    match world.waits_for(selector) {
        Some(step) => format!("{} (picked at `{step}`)", selector.text()),
        None => selector.text(),
    }
}

pub(super) fn user(step: &Step, host: &str, world: &World) -> Option<String> {
    match &step.surroundings.sudo {
        Some(Sudo::User(user)) => user.render(&View::new(world, Some(host), None)).ok().map(|rendered| rendered.text),
        Some(Sudo::No) | None => None,
    }
}

pub(super) fn cwd(step: &Step, host: &str, world: &World) -> Option<String> {
    let view = View::new(world, Some(host), None);
    step.surroundings.cwd.as_ref()?.render(&view).ok().map(|rendered| rendered.text)
}

pub(super) fn what(step: &Step, host: Option<&str>, world: &World) -> Result<String, EvalError> {
    let view = View::new(world, host, None);
    Ok(match &step.body {
        Body::Action(action) => {
            let template = |name: &str| world.template(name);
            let files = |name: &str| world.file(name);
            let login = Login::default();
            let cx = Cx {
                scope: &view,
                login: &login,
                timeout: step.surroundings.timeout(),
                idle_timeout: step.surroundings.idle_timeout,
                run: &world.run().id,
                template: &template,
                files: &files,
                holes: Holes::No,
            };
            action.prepare(&cx)?.summary()
        }
        Body::Aside(aside) => aside.render(&view)?.summary,
        Body::Gather(probes) => format!("reads {}", probes.keys().cloned().collect::<Vec<_>>().join(", ")),
        Body::Pick(picks) => {
            let names: Vec<&str> = picks.iter().map(|pick| pick.name.value.as_str()).collect();
            format!("chooses {}", names.join(", "))
        }
        Body::Judge(_, guards) => format!("{} guard{}", guards.len(), if guards.len() == 1 { "" } else { "s" }),
        Body::Wait(wait) => {
            format!("until {} guard(s) hold, within {}", wait.until.len(), crate::action::seconds(wait.within))
        }
        Body::Watch => {
            let watch = step.watch.as_ref();
            let log = watch.map_or("", |watch| &watch.log.source().value);
            format!("watches {log}, within {}", watch.map_or_else(String::new, |w| crate::action::seconds(w.within)))
        }
        Body::Gate(gate) => match &gate.wants {
            Wants::Consent(Some(text)) => format!("a person types `{}`", text.render(&view)?.text),
            Wants::Consent(None) => "a person agrees".to_owned(),
            Wants::Answer { limits, .. } => format!("a person answers: {}", limits.in_words()),
            Wants::Deed => {
                let written = || gate.message.source().value.clone();
                let text = gate.message.render(&view).map_or_else(|_| written(), |rendered| rendered.text);
                format!("a person does by hand: {}", clip(&text))
            }
        },
        Body::Use(uses) => uses.runbook.value.clone(),
        Body::Group(_) => String::new(),
    })
}

/// Why something cannot be shown yet, or never can, which is true.
pub(super) fn hole(error: &EvalError, later: bool) -> (String, bool) {
    match &*error.kind {
        EvalErrorKind::NotKnownYet { step } => (format!("unknown until `{step}`"), false),
        _ if later => ("for each host, when they are known".to_owned(), false),
        _ => (format!("cannot be rendered: {error}"), true),
    }
}
