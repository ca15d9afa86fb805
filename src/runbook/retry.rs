//! `retry`: attempts at something that is harmless a second time.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::Effect;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::text::{self, Amount, Dur, Sp};

use super::model::{Body, Step};

/// The first pause between two attempts when `delay` is not written.
const DEFAULT_DELAY: Duration = Duration::from_secs(1);

/// Attempts at something that is harmless a second time.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// How many in all.
    pub attempts: u32,
    /// The pause before the second.
    pub delay: Duration,
    /// By which each further pause is longer than the one before it.
    pub backoff: f64,
    /// No pause is longer.
    pub max_delay: Option<Duration>,
    /// The share of a pause by which it may be longer, at random, so that hosts do not come back together.
    pub jitter: u8,
    /// Only for commands that ended with one of these; empty: with any.
    pub exit_codes: Vec<i32>,
}

impl Retry {
    /// The pause after an attempt (from 1) that failed. `random` is from 0 to 1.
    #[must_use]
    pub fn pause(&self, attempt: u32, random: f64) -> Duration {
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let long =
            self.delay.as_secs_f64() * self.backoff.powi(exponent) * (1.0 + f64::from(self.jitter) / 100.0 * random);
        let most = self.max_delay.map_or(LONGEST, |max| max.as_secs_f64());
        Duration::from_secs_f64(long.min(most).min(LONGEST))
    }
}

/// No pause between attempts is longer than a day, in seconds.
const LONGEST: f64 = 86_400.0;

/// How often something is tried.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "retry", deny_unknown_fields)]
pub(super) struct Fields {
    /// So often, the first time counted.
    attempts: Sp<u32>,
    /// The pause before the second attempt.
    delay: Option<Dur>,
    /// Each pause is so many times as long as the one before.
    backoff: Option<Sp<f64>>,
    /// No pause is longer.
    max_delay: Option<Dur>,
    /// By what share a pause may be longer, at random.
    jitter: Option<Sp<Amount>>,
    /// Only these are tried again.
    #[serde(default)]
    #[schemars(with = "text::OneOrMany<i32>")]
    exit_codes: text::OneOrMany<Sp<i32>>,
}

impl Retry {
    /// From its fields; what is wrong with them is recorded.
    pub(super) fn of(fields: Fields, diags: &Diagnostics) -> Self {
        let Fields { attempts, delay, backoff, max_delay, jitter, exit_codes } = fields;
        let wrong = |span, what: &str, help: &str| {
            diags.push(Diagnostic::error("wrong-value", span, what).help(help));
        };
        if attempts.value < 2 {
            wrong(attempts.span, "one attempt is what there is anyway", "write `attempts: 2` or more");
        }
        for backoff in backoff.iter().filter(|backoff| !(1.0..=100.0).contains(&backoff.value)) {
            let help = "each pause is so many times as long as the one before it: 1 to 100, for example `backoff: 2`";
            wrong(backoff.span, "pauses do not get shorter", help);
        }
        for code in exit_codes.0.iter().filter(|code| !(0..=255).contains(&code.value)) {
            wrong(code.span, "no command ends so", "codes are 0 to 255");
        }
        let jitter = match jitter {
            None => 0,
            Some(Sp { value: Amount::Percent(share), .. }) => share,
            Some(other) => {
                wrong(other.span, "`jitter` is a share of the pause", "write for example `jitter: \"20%\"`");
                0
            }
        };
        Self {
            attempts: attempts.value,
            delay: delay.map_or(DEFAULT_DELAY, |delay| delay.0),
            backoff: backoff.map_or(1.0, |backoff| backoff.value),
            max_delay: max_delay.map(|max| max.0),
            jitter,
            exit_codes: exit_codes.0.into_iter().map(|code| code.value).collect(),
        }
    }
}

/// Whether a second attempt is harmless.
pub(super) fn check(step: &Step, span: Span, diags: &Diagnostics) {
    let harmless = match &step.body {
        Body::Action(action) => action.effect() != Effect::Once || !step.done_when.is_empty(),
        Body::Gather(_) => true,
        _ => {
            let message = format!("`retry` is of actions, and `{}` is none", step.body.key());
            diags.push(
                Diagnostic::error("not-on-this", span, message)
                    .help("what must come to hold is a `wait` with `within`"),
            );
            return;
        }
    };
    if !harmless {
        let message =
            format!("`{}` has its effect each time, so a second attempt may be a second effect", step.body.key());
        let help = match step.body.key() {
            "run" => "add `done_when:`, or `idempotent: true` to `run` if the command is harmless a second time",
            _ => "add `done_when:`, which says whether there is anything left to do",
        };
        diags.push(Diagnostic::error("retry-once", span, message).help(help));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry() -> Retry {
        Retry {
            attempts: 9,
            delay: Duration::from_secs(2),
            backoff: 3.0,
            max_delay: Some(Duration::from_secs(30)),
            jitter: 50,
            exit_codes: Vec::new(),
        }
    }

    #[test]
    fn pauses_grow_up_to_the_longest_and_jitter_only_lengthens() {
        let pauses: Vec<f64> = (1..=4).map(|attempt| retry().pause(attempt, 0.0).as_secs_f64()).collect();
        assert_eq!(pauses, [2.0, 6.0, 18.0, 30.0]);
        assert_eq!(retry().pause(2, 1.0), Duration::from_secs(9));
        assert_eq!(retry().pause(3, 1.0), Duration::from_secs(27));
        let endless = Retry { max_delay: None, backoff: 100.0, ..retry() };
        assert_eq!(endless.pause(u32::MAX, 1.0), Duration::from_hours(24));
    }
}
