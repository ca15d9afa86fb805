//! What a person would do to put back what a run left.

use crate::action::fleet::Spot;
use crate::event::{Phase, RunState};
use crate::runbook::{Body, Step, Undo};

use super::fleet::Surface;
use super::halt::Stop;
use super::run::Run;
use super::unwind::unwind;

impl Run {
    /// After a person ended the run: nothing is put back, and this is how it would be.
    pub(super) fn left_to_a_person(&self, steps: &[&Step], only: Option<&[String]>, stop: &mut Stop) {
        stop.next.push("a person ended it, so nothing was put back".to_owned());
        let state = self.log.state();
        let backs = unwind(&state, steps, only);
        let at = backs.iter().flat_map(|back| back.spots.keys().map(move |spot| (back.step, spot)));
        let by_hand: Vec<String> = at.filter_map(|(step, spot)| self.by_hand(&state, step, spot)).collect();
        if !by_hand.is_empty() {
            stop.next.push("run the runbook again, or put it back by hand, in this order:".to_owned());
            stop.next.extend(by_hand);
        }
    }

    /// Nothing is put back, since some hosts cannot be: both ways on, in words.
    pub(super) fn no_way_back(&self, state: &RunState, steps: &[&Step], gone: &[String], stop: &mut Stop) {
        let gone = gone.join(", ");
        stop.reason = format!("{}; past the point of no return: {gone}", stop.reason);
        stop.next.push(format!(
            "nothing was put back: {gone} cannot be, and hosts that are put back alone would not fit to it"
        ));
        let failed = if stop.hosts.is_empty() { "the other hosts".to_owned() } else { stop.hosts.join(", ") };
        stop.next.push(format!(
            "EITHER go on: find out on {failed} what is wrong (above, and in its log), mend it, and run the same command again; steps that are done find that out"
        ));
        stop.next.push("OR go back, by hand, in this order:".to_owned());
        for back in unwind(state, steps, None) {
            for spot in back.spots.keys() {
                stop.next.extend(self.by_hand(state, back.step, spot));
            }
        }
        stop.next.push(format!("what {gone} took in meanwhile stays: a backup of this run is the only way behind it"));
    }

    /// What a person would do on a host to put a step back.
    pub(super) fn by_hand(&self, state: &RunState, step: &Step, spot: &Spot) -> Option<String> {
        let Body::Action(action) = &step.body else { return None };
        let of = |text: &str| Some(format!("  on {}: {text}  ({})", spot.on, step.path));
        match &step.undo {
            Undo::None => return None,
            Undo::List(entries) => {
                let lines = entries.iter().filter_map(|entry| match &entry.body {
                    Body::Action(action) => self.prepare(&**action, entry, std::slice::from_ref(spot)).ok()?.pop(),
                    _ => None,
                });
                return of(&lines.map(|ready| ready.summary()).collect::<Vec<_>>().join("; then "));
            }
            Undo::Auto => {}
        }
        let unit = state.step(&step.path, Phase::Apply)?.units.iter().rev().filter_map(|key| state.unit(key));
        let unit = unit.into_iter().find(|unit| unit.start.unit.host() == spot.about)?;
        let none = serde_json::Value::Null;
        let outputs = unit.end.as_ref().map_or(&none, |end| end.outputs.as_value());
        let login = Surface { run: self, step }.surroundings(spot).ok()?.user.unwrap_or_default();
        let kept = format!("~{login}/.refloat/{}/{}.kept", self.log.run(), unit.start.key);
        let ready = self.prepare(&**action, step, std::slice::from_ref(spot)).ok()?.pop()?;
        of(&ready
            .undo_by_hand(outputs, &kept)
            .unwrap_or_else(|| format!("put back what this did: {}", ready.summary())))
    }
}
