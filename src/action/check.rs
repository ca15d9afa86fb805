//! What `check` says of one action on one host, and what one action may mean for what is said of another.

/// The verdict of a dry run for one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The state is there: applying would change nothing.
    Holds(String),
    /// Applying would change this: in one line, and below it the difference as far as it can be shown.
    WouldChange(String),
    /// It would be carried out; it has no state to compare.
    WouldRun(String),
    /// It could not be carried out, and why.
    Blocked(String),
}

/// What an action makes on its host: what a later verdict there rests on may be another one then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Makes {
    /// The one thing whose state it decides, by its name; none: it has no such thing.
    pub thing: Option<String>,
    /// The only paths that it changes; none: it may change anything.
    pub paths: Option<Vec<String>>,
}

impl Makes {
    /// What decides what is at a path, and changes nothing but these.
    #[must_use]
    pub fn paths<'a>(thing: &str, paths: impl IntoIterator<Item = &'a str>) -> Self {
        Self { thing: Some(thing.to_owned()), paths: Some(paths.into_iter().map(str::to_owned).collect()) }
    }

    /// What decides the state of a service. What that does is anybody's guess.
    #[must_use]
    pub fn service(name: &str) -> Self {
        Self { thing: Some(format!("service {name}")), paths: None }
    }

    /// Whether what this makes may decide what is found of `other` afterwards.
    #[must_use]
    pub fn may_decide(&self, other: &Self) -> bool {
        match (&self.paths, &other.paths) {
            (None, _) => true,
            (Some(own), Some(others)) => own.iter().any(|own| others.iter().any(|other| overlap(own, other))),
            // a service is in the same state, whatever files are written
            (Some(_), None) => other.thing.is_none(),
        }
    }

    /// Whether something may be there afterwards that was missing: a program, room on a disk, somebody's right.
    #[must_use]
    pub fn may_provide(&self) -> bool {
        self.thing.is_none() || self.paths.is_some()
    }

    /// Whether what this makes may decide what is observed afterwards.
    #[must_use]
    pub fn may_show(&self, observes: Observes) -> bool {
        match observes {
            Observes::Nothing => false,
            Observes::Running => self.paths.is_none(),
            Observes::Anything => true,
        }
    }
}

/// What a guard or a probe rests on: which changes on a host it may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Observes {
    /// What is known already: no change on a host.
    Nothing,
    /// What runs there and answers: no change of files alone.
    Running,
    /// Anything.
    Anything,
}

/// Whether one path is the other, or lies in it.
fn overlap(a: &str, b: &str) -> bool {
    let inside = |inner: &str, outer: &str| {
        inner.strip_prefix(outer.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    inside(a, b) || inside(b, a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_decide_what() {
        let (file, inside, beside) = (
            Makes::paths("/etc/web", ["/etc/web"]),
            Makes::paths("/etc/web/a", ["/etc/web/a"]),
            Makes::paths("/etc/webs", ["/etc/webs"]),
        );
        let (service, anything) = (Makes::service("web"), Makes::default());
        for (first, then, may) in [
            (&file, &inside, true),
            (&inside, &file, true),
            (&file, &beside, false),
            (&file, &service, false),
            (&service, &file, true),
            (&service, &service, true),
            (&anything, &service, true),
            (&file, &anything, true),
        ] {
            assert_eq!(first.may_decide(then), may, "{first:?} {then:?}");
        }
    }
}
