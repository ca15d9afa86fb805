//! Judges lines: pure, so that a dry run, a replay and an execution agree.

use std::time::Duration;

use crate::base::clock::Timestamp;

/// What a line must look like.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// It contains this text.
    Line(String),
    /// It matches; named groups become outputs.
    Matches(regex::Regex),
}

/// On how many hosts a line must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Amount {
    /// On every host.
    #[default]
    Every,
    /// On this many, no more and no fewer.
    Exactly(usize),
    /// On this many or more.
    AtLeast(usize),
    /// On this many or fewer.
    AtMost(usize),
}

/// One expectation, or one line that must not come.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The line.
    pub pattern: Pattern,
    /// On how many hosts. Ignored under `never`.
    pub amount: Amount,
    /// A later such line on the same host takes it back.
    pub revoked_by: Option<Pattern>,
    /// Once it has matched anywhere there is no way back.
    pub no_return: bool,
}

/// What is watched for.
#[derive(Clone, Debug, Default)]
pub struct Spec {
    /// All of these must hold.
    pub expect: Vec<Entry>,
    /// None of these may come, on any host.
    pub never: Vec<Entry>,
    /// How long they must have held.
    pub settle: Duration,
}

/// Where something matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The host.
    pub host: String,
    /// The line, without its newline.
    pub line: String,
    /// Where the line begins in its log, in bytes; journald has none.
    pub offset: Option<u64>,
    /// When it was seen here.
    pub at: Timestamp,
    /// The named groups.
    pub groups: Vec<(String, String)>,
    /// It has been taken back since.
    pub revoked: bool,
}

/// What the lines so far come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not yet. If no line comes, it is worth asking again at that time, if any.
    Pending {
        /// When `settle` will have passed.
        until: Option<Timestamp>,
    },
    /// All expectations hold and have held.
    Passed,
    /// It can no longer pass.
    Failed {
        /// Why.
        why: String,
    },
    /// A gap hides what would decide it.
    Unknown {
        /// Why.
        why: String,
    },
}

/// How one entry stands on the hosts.
#[derive(Debug)]
struct State {
    entry: Entry,
    /// For each host, whether it has matched and was not taken back since.
    holds: Vec<bool>,
    matches: Vec<Match>,
}

/// Judges the lines of some hosts against a [`Spec`].
#[derive(Debug)]
pub struct Matcher {
    hosts: Vec<String>,
    gaps: Vec<bool>,
    /// Why nothing can be read of a host's log now.
    blind: Vec<Option<String>>,
    /// How far a host's log has been seen, by the host's own clock.
    seen: Vec<Option<Duration>>,
    /// How far it had been seen when all expectations began to hold.
    base: Vec<Option<Duration>>,
    expect: Vec<State>,
    never: Vec<State>,
    settle: Duration,
    /// Since when all expectations hold.
    held: Option<Timestamp>,
}

impl Matcher {
    /// A matcher for these hosts. What holds without a line (`at_most`, only `never`) holds since `now`.
    #[must_use]
    pub fn new(spec: Spec, hosts: impl IntoIterator<Item = impl Into<String>>, now: Timestamp) -> Self {
        let hosts: Vec<String> = hosts.into_iter().map(Into::into).collect();
        let states = |entries: Vec<Entry>| {
            entries
                .into_iter()
                .map(|entry| State { entry, holds: vec![false; hosts.len()], matches: Vec::new() })
                .collect()
        };
        let (expect, never) = (states(spec.expect), states(spec.never));
        let (gaps, blind) = (vec![false; hosts.len()], vec![None; hosts.len()]);
        let (seen, base) = (vec![None; hosts.len()], vec![None; hosts.len()]);
        let mut matcher = Self { hosts, gaps, blind, seen, base, expect, never, settle: spec.settle, held: None };
        matcher.weigh(now);
        matcher
    }

    /// A line of a host. Returns whether it matched anything. `offset` is for reports.
    pub fn feed(&mut self, host: &str, line: &str, offset: Option<u64>, at: Timestamp) -> bool {
        let Some(h) = self.hosts.iter().position(|name| name == host) else { return false };
        let mut matched = false;
        for state in self.expect.iter_mut().chain(&mut self.never) {
            if state.entry.revoked_by.as_ref().is_some_and(|pattern| pattern.groups(line).is_some()) {
                state.holds[h] = false;
                for found in state.matches.iter_mut().filter(|found| found.host == host) {
                    found.revoked = true;
                }
                matched = true;
            }
            if let Some(groups) = state.entry.pattern.groups(line) {
                state.holds[h] = true;
                let (host, line) = (host.to_owned(), line.to_owned());
                state.matches.push(Match { host, line, offset, at, groups, revoked: false });
                matched = true;
            }
        }
        self.weigh(at);
        matched
    }

    /// Lines of a host may be missing: a gap in its log.
    pub fn gap(&mut self, host: &str) {
        if let Some(h) = self.hosts.iter().position(|name| name == host) {
            self.gaps[h] = true;
        }
    }

    /// For now nothing can be read of a host's log: it is not there, it may not be read, the link is lost.
    pub fn blind(&mut self, host: &str, why: &str) {
        if let Some(h) = self.hosts.iter().position(|name| name == host) {
            self.blind[h] = Some(why.to_owned());
        }
    }

    /// All that a host's log had at a moment of that host's own clock has been fed. Silence counts only up to it.
    pub fn seen(&mut self, host: &str, uptime: Duration) {
        if let Some(h) = self.hosts.iter().position(|name| name == host) {
            self.blind[h] = None;
            self.seen[h] = Some(uptime);
            if self.held.is_some() {
                self.base[h].get_or_insert(uptime);
            }
        }
    }

    /// What the lines so far come to at `now`, which is not before any line's time.
    #[must_use]
    pub fn verdict(&self, now: Timestamp) -> Verdict {
        if let Some(found) = self.never.iter().find_map(|state| state.matches.first()) {
            return Verdict::Failed { why: format!("{}: {:?} must never come", found.host, found.line) };
        }
        for state in &self.expect {
            if state.entry.revoked_by.is_none() && state.exceeded() {
                return Verdict::Failed { why: self.unmet(state) };
            }
        }
        match self.held {
            None => Verdict::Pending { until: None },
            Some(held) if now.since(held) < self.settle => {
                let settle = i64::try_from(self.settle.as_millis()).unwrap_or(i64::MAX);
                Verdict::Pending { until: Some(Timestamp(held.0.saturating_add(settle))) }
            }
            Some(_) => match self.silence() {
                Some(what) if self.gaps.contains(&true) => Verdict::Unknown { why: self.missing(what) },
                Some(_) if self.unseen().next().is_some() => Verdict::Pending { until: None },
                None | Some(_) => Verdict::Passed,
            },
        }
    }

    /// The verdict when the time is up: never pending. What did not come may have come in a gap.
    #[must_use]
    pub fn at_deadline(&self, now: Timestamp) -> Verdict {
        match self.verdict(now) {
            Verdict::Pending { .. } => {
                let unmet = self.expect.iter().find(|state| !state.met());
                let (why, missing) = match unmet {
                    Some(state) => {
                        let open = |h: usize| !state.exceeded() && !state.holds[h];
                        (self.unmet(state), self.not_read(open))
                    }
                    None if self.silence().is_some() && self.unseen().next().is_some() => {
                        let unseen: Vec<usize> = self.unseen().collect();
                        let why = format!("it holds, and whether for {}", seconds(self.settle));
                        (
                            why,
                            self.not_read(|h| unseen.contains(&h)).or_else(|| Some("its log was not heard".to_owned())),
                        )
                    }
                    None => (format!("it has held, but not for {} yet", seconds(self.settle)), None),
                };
                match missing {
                    Some(missing) => Verdict::Unknown { why: format!("{why}; {missing}") },
                    None => Verdict::Failed { why },
                }
            }
            verdict => verdict,
        }
    }

    /// The expectations that do not hold, and where; `None`: all do.
    #[must_use]
    pub fn open(&self) -> Option<String> {
        let all: Vec<String> = self.expect.iter().filter(|state| !state.met()).map(|state| self.unmet(state)).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Everything that matched an expectation: the entry's number, and where.
    pub fn matches(&self) -> impl Iterator<Item = (usize, &Match)> {
        self.expect.iter().enumerate().flat_map(|(n, state)| state.matches.iter().map(move |found| (n, found)))
    }

    /// Everything that matched what must never come.
    pub fn never(&self) -> impl Iterator<Item = (usize, &Match)> {
        self.never.iter().enumerate().flat_map(|(n, state)| state.matches.iter().map(move |found| (n, found)))
    }

    /// The matches after which there is no way back.
    pub fn no_return(&self) -> impl Iterator<Item = &Match> {
        self.expect.iter().filter(|state| state.entry.no_return).flat_map(|state| &state.matches)
    }

    /// Notes since when everything holds.
    fn weigh(&mut self, at: Timestamp) {
        if self.expect.iter().all(State::met) {
            self.held.get_or_insert(at);
        } else {
            self.held = None;
            self.base.fill(None);
        }
    }

    /// What silence stands for, if it does for anything: then a line that is missed makes what holds worthless.
    fn silence(&self) -> Option<&'static str> {
        let upper = |state: &State| matches!(state.entry.amount, Amount::Exactly(_) | Amount::AtMost(_));
        if !self.never.is_empty() {
            Some("what must never come")
        } else if self.expect.iter().any(upper) {
            Some("one more")
        } else if self.expect.iter().any(|state| state.entry.revoked_by.is_some()) {
            Some("what takes it back")
        } else {
            None
        }
    }

    fn missing(&self, what: &str) -> String {
        let hosts = self.hosts.iter().zip(&self.gaps).filter(|(_, gap)| **gap);
        let hosts = hosts.map(|(host, _)| host.as_str()).collect::<Vec<_>>().join(", ");
        format!("lines of {hosts} may be missing, and {what} among them")
    }

    /// The hosts whose logs have not been seen for as long as everything must have held.
    fn unseen(&self) -> impl Iterator<Item = usize> {
        (0..self.hosts.len()).filter(|&h| match (&self.blind[h], self.base[h], self.seen[h]) {
            (None, Some(base), Some(seen)) => seen.saturating_sub(base) < self.settle,
            _ => true,
        })
    }

    /// Why it cannot be told what some of the hosts said.
    fn not_read(&self, of: impl Fn(usize) -> bool) -> Option<String> {
        let why = |h: usize| match &self.blind[h] {
            Some(why) => Some(format!("the log of {} cannot be read: {why}", self.hosts[h])),
            None if self.gaps[h] => Some(format!("lines of {} may be missing", self.hosts[h])),
            None => None,
        };
        let all: Vec<String> = (0..self.hosts.len()).filter(|h| of(*h)).filter_map(why).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    fn unmet(&self, state: &State) -> String {
        let on = |holding: bool| {
            let hosts = self.hosts.iter().zip(&state.holds).filter(|(_, holds)| **holds == holding);
            hosts.map(|(host, _)| host.as_str()).collect::<Vec<_>>().join(", ")
        };
        let count = state.count();
        let wanted = match state.entry.amount {
            Amount::Every => return format!("{} has not come on {}", state.entry.pattern, on(false)),
            Amount::Exactly(n) => format!("exactly {n}"),
            Amount::AtLeast(n) => format!("at least {n}"),
            Amount::AtMost(n) => format!("at most {n}"),
        };
        let hosts = if count == 0 { String::new() } else { format!(" ({})", on(true)) };
        format!("{} came on {count}{hosts}, {wanted} expected", state.entry.pattern)
    }
}

impl State {
    fn count(&self) -> usize {
        self.holds.iter().filter(|holds| **holds).count()
    }

    fn met(&self) -> bool {
        match self.entry.amount {
            Amount::Every => self.count() == self.holds.len(),
            Amount::Exactly(n) => self.count() == n,
            Amount::AtLeast(n) => self.count() >= n,
            Amount::AtMost(n) => self.count() <= n,
        }
    }

    fn exceeded(&self) -> bool {
        matches!(self.entry.amount, Amount::Exactly(n) | Amount::AtMost(n) if self.count() > n)
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

impl Pattern {
    /// The named groups if the line matches.
    fn groups(&self, line: &str) -> Option<Vec<(String, String)>> {
        match self {
            Self::Line(text) => line.contains(text.as_str()).then(Vec::new),
            Self::Matches(regex) => {
                let found = regex.captures(line)?;
                let names = regex.capture_names().flatten();
                let pairs = names.filter_map(|name| Some((name.to_owned(), found.name(name)?.as_str().to_owned())));
                Some(pairs.collect())
            }
        }
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(text) => write!(f, "{text:?}"),
            Self::Matches(regex) => write!(f, "/{regex}/"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTS: [&str; 3] = ["a", "b", "c"];

    fn entry(line: &str, amount: Amount) -> Entry {
        Entry { pattern: Pattern::Line(line.to_owned()), amount, revoked_by: None, no_return: false }
    }

    fn spec(expect: Vec<Entry>, never: Vec<Entry>, settle: u64) -> Spec {
        Spec { expect, never, settle: Duration::from_millis(settle) }
    }

    fn matcher(spec: Spec) -> Matcher {
        Matcher::new(spec, HOSTS, Timestamp(0))
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp(ms)
    }

    /// Every log has been seen at these moments.
    fn see(m: &mut Matcher, times: [u64; 2]) {
        for time in times {
            for host in HOSTS {
                m.seen(host, Duration::from_millis(time));
            }
        }
    }

    fn failed(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Failed { .. })
    }

    fn unknown(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Unknown { .. })
    }

    #[test]
    fn every_host_must_say_it() {
        let mut m = matcher(spec(vec![entry("up", Amount::Every)], vec![], 0));
        assert!(m.feed("a", "I am up", Some(1), at(1)) && m.feed("b", "up", None, at(2)));
        assert!(!m.feed("c", "down", None, at(3)) && !m.feed("stranger", "up", None, at(3)));
        assert_eq!(m.verdict(at(9)), Verdict::Pending { until: None });
        assert_eq!(m.at_deadline(at(9)), Verdict::Failed { why: "\"up\" has not come on c".to_owned() });
        m.feed("c", "up", None, at(10));
        assert_eq!(m.verdict(at(10)), Verdict::Passed);
        assert_eq!(
            m.matches().map(|(n, found)| (n, found.host.as_str(), found.offset)).next(),
            Some((0, "a", Some(1)))
        );
    }

    #[test]
    fn exactly_one_leader_that_stays_it() {
        let leader = Entry { revoked_by: Some(Pattern::Line("lost".to_owned())), ..entry("won", Amount::Exactly(1)) };
        let mut m = matcher(spec(vec![leader], vec![], 100));
        m.feed("a", "won", None, at(10));
        assert_eq!(m.verdict(at(50)), Verdict::Pending { until: Some(at(110)) });
        m.feed("b", "won", None, at(60));
        assert_eq!(m.verdict(at(200)), Verdict::Pending { until: None }, "two, but one may be revoked");
        m.feed("a", "lost", None, at(210));
        assert_eq!(m.verdict(at(300)), Verdict::Pending { until: Some(at(310)) });
        see(&mut m, [1000, 1099]);
        assert_eq!(m.verdict(at(310)), Verdict::Pending { until: None }, "seen for 99 ms only");
        m.seen("a", Duration::from_millis(1100));
        m.seen("b", Duration::from_millis(1100));
        assert_eq!(m.verdict(at(310)), Verdict::Pending { until: None });
        m.seen("c", Duration::from_millis(1100));
        assert_eq!(m.verdict(at(310)), Verdict::Passed);
        assert_eq!(m.matches().map(|(_, found)| found.revoked).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn too_many_cannot_become_fewer() {
        for amount in [Amount::Exactly(1), Amount::AtMost(1)] {
            let mut m = matcher(spec(vec![entry("won", amount)], vec![], 0));
            m.feed("a", "won", None, at(1));
            m.feed("a", "won again", None, at(2));
            see(&mut m, [1, 1]);
            assert_eq!(m.verdict(at(2)), Verdict::Passed);
            m.feed("b", "won", None, at(3));
            assert!(failed(&m.verdict(at(3))), "{:?}", m.verdict(at(3)));
        }
        let mut m = matcher(spec(vec![entry("won", Amount::AtLeast(2))], vec![], 0));
        for host in HOSTS {
            m.feed(host, "won", None, at(1));
        }
        assert_eq!(m.verdict(at(1)), Verdict::Passed);
    }

    #[test]
    fn what_must_never_come_fails_at_once_and_for_ever() {
        let mut m = matcher(spec(vec![], vec![entry("panic", Amount::Every)], 100));
        assert_eq!(m.verdict(at(99)), Verdict::Pending { until: Some(at(100)) });
        see(&mut m, [7, 107]);
        assert_eq!(m.verdict(at(100)), Verdict::Passed);
        m.feed("b", "panic!", None, at(50));
        assert!(failed(&m.verdict(at(500))));
        m.gap("a");
        assert!(failed(&m.verdict(at(500))), "what is seen stays seen");
    }

    #[test]
    fn a_gap_makes_never_and_exactly_unknown_and_nothing_else() {
        let expect = |amount| matcher(spec(vec![entry("won", amount)], vec![], 0));
        for (amount, hidden) in [(Amount::Exactly(3), true), (Amount::AtMost(3), true), (Amount::Every, false)] {
            let mut m = expect(amount);
            m.gap("b");
            for host in HOSTS {
                m.feed(host, "won", None, at(1));
            }
            assert_eq!(unknown(&m.verdict(at(1))), hidden, "{amount:?}");
        }
        let mut never = matcher(spec(vec![], vec![entry("panic", Amount::Every)], 0));
        never.gap("b");
        assert!(unknown(&never.verdict(at(1))));
        // What is missing at the deadline may be in the gap, but only on the host that has one.
        let mut m = expect(Amount::Every);
        m.feed("a", "won", None, at(1));
        m.feed("b", "won", None, at(1));
        m.gap("a");
        assert!(failed(&m.at_deadline(at(2))));
        m.gap("c");
        assert!(unknown(&m.at_deadline(at(2))));
    }

    /// Consul says both in the same millisecond, again every second, when it leads and cannot commit.
    #[test]
    fn leadership_that_is_lost_in_the_same_millisecond_is_none() {
        let leader = Entry { revoked_by: Some(Pattern::Line("lost".to_owned())), ..entry("won", Amount::AtLeast(1)) };
        let mut m = matcher(spec(vec![leader], vec![], 100));
        for round in 0..5 {
            m.feed("b", "2026-11-22T14:05:01.920Z won", None, at(round * 1000));
            m.feed("b", "2026-11-22T14:05:01.920Z lost", None, at(round * 1000));
            see(
                &mut m,
                [u64::try_from(round).expect("small") * 1000 + 1, u64::try_from(round).expect("small") * 1000 + 900],
            );
            assert_eq!(m.verdict(at(round * 1000 + 999)), Verdict::Pending { until: None });
        }
        assert!(failed(&m.at_deadline(at(5000))));
        assert!(m.matches().all(|(_, found)| found.revoked));
    }

    #[test]
    fn silence_of_a_log_that_is_not_read_proves_nothing() {
        let never = || matcher(spec(vec![], vec![entry("panic", Amount::Every)], 100));
        let mut m = never();
        for host in ["a", "b"] {
            m.seen(host, Duration::from_millis(1));
            m.seen(host, Duration::from_millis(900));
        }
        assert_eq!(m.verdict(at(900)), Verdict::Pending { until: None });
        assert!(unknown(&m.at_deadline(at(900))), "nothing was heard from c");
        m.blind("c", "no such file");
        let Verdict::Unknown { why } = m.at_deadline(at(900)) else { panic!("{:?}", m.at_deadline(at(900))) };
        assert!(why.contains("the log of c cannot be read: no such file"), "{why}");
        m.seen("c", Duration::from_millis(50));
        m.seen("c", Duration::from_millis(150));
        assert_eq!(m.verdict(at(900)), Verdict::Passed);
        m.blind("a", "the link was lost");
        assert_eq!(m.verdict(at(900)), Verdict::Pending { until: None });
        // where only what is said counts, nothing has to be heard
        let mut m = matcher(spec(vec![entry("up", Amount::AtLeast(1))], vec![], 0));
        m.blind("a", "no such file");
        m.feed("b", "up", None, at(1));
        assert_eq!(m.verdict(at(1)), Verdict::Passed);
    }

    #[test]
    fn groups_and_points_of_no_return() {
        let regex = regex::Regex::new(r"term=(?<term>\d+)(?: by (?<by>\w+))?").expect("a regex");
        let no_return = Entry { no_return: true, pattern: Pattern::Matches(regex), ..entry("", Amount::AtLeast(1)) };
        let mut m = matcher(spec(vec![no_return], vec![], 0));
        assert_eq!(m.no_return().count(), 0);
        m.feed("c", "elected term=7", Some(42), at(1));
        let found: Vec<_> = m.no_return().collect();
        assert_eq!((found.len(), found[0].host.as_str()), (1, "c"));
        assert_eq!(found[0].groups, [("term".to_owned(), "7".to_owned())]);
    }
}
