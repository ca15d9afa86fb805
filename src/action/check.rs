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
    /// Whether what lies below these paths comes with them, as with a link to a folder.
    pub below: bool,
}

/// What a host lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing<'a> {
    /// A program of this name.
    Program(&'a str),
    /// What is wanted at a path.
    Path(&'a str),
    /// Room, a right, a user.
    Other,
}

impl Makes {
    /// What decides what is at a path, and changes nothing but these.
    #[must_use]
    pub fn paths<'a>(thing: &str, paths: impl IntoIterator<Item = &'a str>) -> Self {
        Self { thing: Some(normal(thing)), paths: Some(paths.into_iter().map(str::to_owned).collect()), below: false }
    }

    /// The same through links of somebody else: nobody knows here which paths these are.
    #[must_use]
    pub fn through_links(self, follow: bool) -> Self {
        Self { paths: self.paths.filter(|_| !follow), ..self }
    }

    /// The same where whole folders come to these paths.
    #[must_use]
    pub fn with_what_is_below(self) -> Self {
        Self { below: true, ..self }
    }

    /// What decides the state of a service. What that does is anybody's guess.
    #[must_use]
    pub fn service(name: &str) -> Self {
        Self { thing: Some(format!("service {name}")), ..Self::default() }
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

    /// Whether what was missing may be there afterwards.
    #[must_use]
    pub fn may_provide(&self, missing: Missing<'_>) -> bool {
        let Some(paths) = &self.paths else { return self.thing.is_none() };
        match missing {
            Missing::Program(name) => self.below || paths.iter().any(|path| path.rsplit('/').next() == Some(name)),
            Missing::Path(wanted) => paths.iter().any(|path| overlap(path, wanted)),
            Missing::Other => true,
        }
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

/// Links that every Linux has, or may have.
const ALIASES: [(&str, &str); 6] = [
    ("/var/run", "/run"),
    ("/var/lock", "/run/lock"),
    ("/bin", "/usr/bin"),
    ("/sbin", "/usr/sbin"),
    ("/lib", "/usr/lib"),
    ("/lib64", "/usr/lib64"),
];

/// One of the ways to write a path.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let path = format!("/{}", parts.join("/"));
    let tail = |alias: &str| path.strip_prefix(alias).filter(|tail| tail.is_empty() || tail.starts_with('/'));
    let found = ALIASES.iter().find_map(|(alias, real)| Some(format!("{real}{}", tail(alias)?)));
    found.unwrap_or(path)
}

/// Whether one path is the other, or lies in it. Links of an author's own between them are not seen.
fn overlap(a: &str, b: &str) -> bool {
    let (a, b) = (&normal(a), &normal(b));
    let inside = |inner: &str, outer: &str| {
        inner.strip_prefix(outer.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    inside(a, b) || inside(b, a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_same_however_it_is_written() {
        for other in ["/etc/web", "/etc//web/", "/etc/./web", "/etc/x/../web", "/etc/web/a", "/etc", "/"] {
            assert!(overlap("/etc/web", other), "{other}");
        }
        assert!(overlap("/var/run/web", "/run/web") && overlap("/bin/sh", "/usr/bin/sh"));
        for other in ["/etc/web/../webs", "/etc/we", "/binary/sh", "/run"] {
            assert!(!overlap("/etc/web", other), "{other}");
        }
    }

    #[test]
    fn what_may_bring_what() {
        let file = Makes::paths("/opt/bin/tool", ["/opt/bin/tool"]);
        let folder = Makes::paths("/opt/bin", ["/opt/bin"]);
        let linked = Makes::paths("/opt/current", ["/opt/current"]).with_what_is_below();
        let (service, anything) = (Makes::service("web"), Makes::default());
        for (makes, missing, may) in [
            (&file, Missing::Program("tool"), true),
            (&file, Missing::Program("too"), false),
            (&folder, Missing::Program("tool"), false),
            (&linked, Missing::Program("tool"), true),
            (&file, Missing::Path("/opt/bin/tool/log"), true),
            (&file, Missing::Path("/var/log/tool"), false),
            (&file, Missing::Other, true),
            (&service, Missing::Program("web"), false),
            (&service, Missing::Other, false),
            (&anything, Missing::Program("tool"), true),
        ] {
            assert_eq!(makes.may_provide(missing), may, "{makes:?} {missing:?}");
        }
    }

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
