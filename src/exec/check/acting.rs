//! Steps that would act: what each would do on each host, found out by looking.

use futures_util::future::join_all;

use crate::action::check::{Makes, Missing, Observes, Verdict};
use crate::action::fleet::Spot;
use crate::action::{Action, ActionError, Effect, Holes, Ready};
use crate::base::digest::Digest;
use crate::event::Forecast;
use crate::plan;
use crate::runbook::Step;
use crate::template::{EvalError, Value};

use super::super::act::identical;
use super::super::guards::NOT_SHOWN;
use super::super::halt::Halt;
use super::super::run::Run;
use super::Change;
use super::asking::Asked;

/// An action at a spot, as far as it can be rendered.
enum Rendered {
    /// As a run would carry it out, or with holes in what a file holds and the step that fills them.
    Ready(Box<dyn Ready>, Option<String>),
    /// Only to be shown.
    Shown(String, String),
    /// Not even that.
    Wrong(EvalError),
}

impl Run {
    pub(super) async fn check_action(
        &mut self,
        action: &dyn Action,
        step: &Step,
        hosts: &[String],
    ) -> Result<(), Halt> {
        let (done, open) = self.already_done(step, hosts.to_vec()).await?;
        for host in &done {
            self.check_done(step, host, action.effect()).await?;
        }
        self.check_log(step, &open)?;
        let spots = self.spots(step, &open)?;
        let rendered: Vec<Rendered> = spots.iter().map(|spot| self.rendered(action, step, spot)).collect();
        let whole = spots.iter().zip(&rendered).filter_map(|(spot, rendered)| match rendered {
            Rendered::Ready(ready, None) => Some((spot, &**ready)),
            _ => None,
        });
        identical(whole)?;
        let links = &self.links;
        let verdicts = join_all(spots.iter().zip(&rendered).map(|(spot, rendered)| async move {
            let Rendered::Ready(ready, _) = rendered else { return None };
            let link = links.get(&spot.on)?.as_ref().ok()?;
            Some(ready.check(link.look()).await)
        }));
        let verdicts = self.unless_stopped(verdicts).await?;
        let acting: Vec<String> = spots.iter().map(|spot| spot.on.clone()).collect();
        let mut held = Vec::new();
        for ((spot, rendered), verdict) in spots.iter().zip(rendered).zip(verdicts) {
            if self.check_spot(step, spot, rendered, verdict, action.effect()).await? {
                held.push(spot.about.clone());
            }
        }
        self.check_elsewhere(step, &acting).await?;
        if step.verify.is_empty() || (held.is_empty() && done.is_empty()) {
            return Ok(());
        }
        self.check_guards(&step.verify, step, &[done, held].concat(), Asked::Afterwards).await
    }

    /// A host on which `done_when` holds.
    async fn check_done(&mut self, step: &Step, host: &str, effect: Effect) -> Result<(), Halt> {
        let spot = Spot::at(host);
        let observes = step.done_when.iter().map(crate::action::guard::Guard::observes).max();
        let until = self.decided_by([host], observes.unwrap_or(Observes::Nothing));
        let forecast = match until {
            None => {
                self.held(step, host);
                Forecast::Holds
            }
            Some(until) => {
                let (step, makes) = (step.id.value.clone(), Makes::default());
                let change = Change { step, makes, body: None, blocked: false, perhaps: true };
                self.would_act(&spot, &change, effect);
                let reason = self.redactor().redact("it is done now, by its `done_when`");
                Forecast::UnknownUntil { step: until, reason }
            }
        };
        Ok(self.foresee(step, Some(&spot), forecast).await?)
    }

    fn rendered(&self, action: &dyn Action, step: &Step, spot: &Spot) -> Rendered {
        let prepare = |holes| self.prepare_at(action, step, spot, holes);
        let error = match prepare(Holes::No) {
            Ok(ready) => return Rendered::Ready(ready, None),
            Err(error) => error,
        };
        let Some(until) = error.waits_for().map(ToString::to_string) else { return Rendered::Wrong(error) };
        match (prepare(Holes::Contents), prepare(Holes::Anywhere)) {
            (Ok(ready), _) => Rendered::Ready(ready, Some(until)),
            (_, Ok(ready)) => Rendered::Shown(until, ready.summary()),
            _ => Rendered::Shown(until, action.key().to_owned()),
        }
    }

    /// Whether the state is there for certain.
    async fn check_spot(
        &mut self,
        step: &Step,
        spot: &Spot,
        rendered: Rendered,
        verdict: Option<Result<Verdict, ActionError>>,
        effect: Effect,
    ) -> Result<bool, Halt> {
        let redact = |text: String| self.redactor().redact(text);
        let explain = self.check.as_ref().is_some_and(|known| known.dry.explain);
        let sends = match &rendered {
            Rendered::Ready(ready, _) if explain && !step.sensitive => {
                Some(redact(super::request::words(&ready.body(), &ready.sends())))
            }
            _ => None,
        };
        let (forecast, makes, body) = match (rendered, verdict) {
            (Rendered::Wrong(error), _) => {
                (Forecast::Blocked { reason: redact(format!("cannot be rendered: {error}")) }, None, None)
            }
            (Rendered::Shown(until, what), _) => {
                let forecast = Forecast::UnknownUntil { step: until, reason: redact(format!("would do: {what}")) };
                (forecast, Some(Makes::default()), None)
            }
            (Rendered::Ready(ready, hole), Some(Ok(verdict))) => {
                let (makes, body) = (ready.makes(), Digest::of(ready.body()));
                let forecast = self.forecast(step, spot, &*ready, hole, verdict);
                (forecast, Some(makes), Some(body))
            }
            (Rendered::Ready(..), Some(Err(error))) => {
                (Forecast::Blocked { reason: redact(error.to_string()) }, None, None)
            }
            (Rendered::Ready(..), None) => {
                let reason = redact(format!("{} was not connected to", spot.on));
                (Forecast::Blocked { reason }, None, None)
            }
        };
        let forecast = match (forecast, self.lacking(step, &spot.on)) {
            (forecast @ (Forecast::Holds | Forecast::Blocked { .. }), _) | (forecast, None) => forecast,
            (_, Some(lacking)) => lacking,
        };
        let holds = forecast == Forecast::Holds;
        match (&forecast, makes) {
            (Forecast::Holds, _) => self.held(step, &spot.about),
            (_, makes) => {
                let blocked = matches!(forecast, Forecast::Blocked { .. });
                let makes = makes.unwrap_or_default();
                let perhaps = self.is_perhaps(step, &spot.about);
                let change = Change { step: step.id.value.clone(), makes, body, blocked, perhaps };
                self.would_act(spot, &change, effect);
            }
        }
        self.foresee_sent(step, Some(spot), forecast, sends.filter(|_| !holds)).await?;
        Ok(holds)
    }

    /// A verdict of now, in the light of the steps before.
    fn forecast(
        &self,
        step: &Step,
        spot: &Spot,
        ready: &dyn Ready,
        hole: Option<String>,
        verdict: Verdict,
    ) -> Forecast {
        let redact = |text: String| self.redactor().redact(text);
        let shown = |text: String| {
            let first = || format!("{}\n{NOT_SHOWN}", text.lines().next().unwrap_or_default());
            redact(if step.sensitive { first() } else { text.trim_end().to_owned() })
        };
        let makes = ready.makes();
        let changes = || self.check.iter().filter_map(|known| known.changes.get(&spot.on)).flatten().rev();
        // what is missing is not put there by a service, nor by what a run does not come to
        let able = |change: &&Change| {
            !change.blocked && change.makes.may_provide(Missing::Other) && change.makes.may_decide(&makes)
        };
        let same = changes().find(|change| makes.thing.is_some() && change.makes.thing == makes.thing);
        let alike = same.is_some_and(|same| same.body == Some(Digest::of(ready.body())));
        let unknown = |step: &str, words: &str, text: String| Forecast::UnknownUntil {
            step: step.to_owned(),
            reason: shown(format!("{words}{text}")),
        };
        match (verdict, hole, same) {
            (Verdict::WouldRun(command), ..) => Forecast::WouldRun { command: redact(command) },
            (Verdict::Blocked(why), ..) => match changes().find(able) {
                Some(before) => unknown(&before.step, "it could not now: ", why),
                None => Forecast::Blocked { reason: redact(why) },
            },
            (Verdict::WouldChange(text) | Verdict::Holds(text), Some(step), _) => unknown(&step, "", text),
            (_, None, Some(same)) if alike && !same.perhaps => Forecast::Holds,
            (Verdict::WouldChange(text), None, Some(same)) if alike => unknown(&same.step, "", text),
            (Verdict::WouldChange(diff), None, _) => Forecast::WouldChange { diff: shown(diff) },
            (Verdict::Holds(text), None, Some(same)) if same.perhaps && !alike => {
                unknown(&same.step, "it is so now: ", text)
            }
            (Verdict::Holds(_), None, Some(same)) if !alike => {
                let what = format!("{}\nit is so now, and `{}` changes it before", ready.summary(), same.step);
                Forecast::WouldChange { diff: redact(what) }
            }
            (Verdict::Holds(_), None, Some(_)) => Forecast::Holds,
            (Verdict::Holds(text), None, None) => match changes().find(|change| change.makes.may_decide(&makes)) {
                Some(before) => unknown(&before.step, "it is so now: ", text),
                None => Forecast::Holds,
            },
        }
    }

    /// Whether it is not known before another step whether one is wanted.
    fn is_perhaps(&self, step: &Step, host: &str) -> bool {
        self.check.as_ref().is_some_and(|known| known.perhaps(&step.path, Some(host)).is_some())
    }

    /// Its state is there: nothing would be done.
    fn held(&mut self, step: &Step, host: &str) {
        let id = &step.id.value;
        self.world.foresee(id, host);
        if !self.is_perhaps(step, host) {
            self.world.output(id, host, "changed", Value::Bool(false));
            self.world.outcome(id, host, "ok");
        }
    }

    /// It would be carried out: what it finds is unknown, and so is what is seen there from then on.
    fn would_act(&mut self, spot: &Spot, change: &Change, effect: Effect) {
        self.world.foresee(&change.step, &spot.about);
        if effect != Effect::Reads {
            self.would_change(spot, change);
        }
    }

    /// A watch whose log or lines can never be rendered would stop a run before the action.
    fn check_log(&self, step: &Step, about: &[String]) -> Result<(), Halt> {
        let Some(watch) = &step.watch else { return Ok(()) };
        let hosts = match &watch.hosts {
            Some(selector) if self.world.waits_for(selector).is_some() => return Ok(()),
            Some(selector) => self.world.resolve(selector).map_err(super::stop)?,
            None => about.to_vec(),
        };
        let log = |host: &String| plan::log_of(watch, host, &self.world).err().map(|error| (Some(host.clone()), error));
        let spec = || plan::watch_spec(watch, &hosts, &self.world).err().map(|error| (None, error));
        match hosts.iter().find_map(log).or_else(spec) {
            Some((host, error)) if error.waits_for().is_none() => {
                let host = host.map_or_else(String::new, |host| format!("{host}: "));
                Err(super::stop(format!("{host}the log cannot be watched: {error}")))
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn check_watch(&mut self, step: &Step, hosts: &[String]) -> Result<(), Halt> {
        self.check_log(step, hosts)?;
        let since = step.watch.as_ref().and_then(|watch| watch.since.as_ref());
        let until = since.map_or_else(|| step.id.value.clone(), |since| since.value.clone());
        for host in hosts {
            self.world.foresee(&step.id.value, host);
        }
        self.check_elsewhere(step, &[]).await?;
        self.world.foresee(&step.id.value, "");
        let reason = self.redactor().redact("waits for what the log will say");
        Ok(self.foresee(step, None, Forecast::UnknownUntil { step: until, reason }).await?)
    }
}
