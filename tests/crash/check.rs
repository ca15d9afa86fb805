//! What a report of a killed run says, held against what was really done on the hosts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::stage::{LOST, Ran, SURVIVORS, Stage, Truth};

/// Which effect each step has, and on whom; all other steps only read.
const EFFECTS: [(&str, &str, &[&str]); 7] = [
    ("fence/fence-service", "disabled", &LOST),
    ("fence/fence-data", "fenced", &LOST),
    ("recover/stop", "stopped", &SURVIVORS),
    ("recover/backup", "backup", &SURVIVORS),
    ("recover/peers", "written", &SURVIVORS),
    ("recover/start", "started", &SURVIVORS),
    ("canary", "put refloat/canary", &SURVIVORS),
];

/// Steps on the survivor with the newest data. Which one that is depends on what was replicated before the outage.
const NEWEST: [&str; 4] = ["recover/backup", "keep-backup", "canary", "after"];

/// A run that was not killed, against which the others are held.
pub struct Whole {
    /// What each point is, and the step that went on at about that time.
    pub points: Vec<(String, String)>,
    /// Steps as they open and close.
    steps: Vec<String>,
    /// The outcome of each step on each host.
    outcomes: BTreeMap<Row, String>,
    /// What is left out.
    skipped: BTreeSet<Row>,
    /// What is owed to hosts that cannot be reached.
    duties: BTreeSet<Row>,
    replicates: bool,
}

/// What was found out about one point.
pub struct Point {
    pub number: u64,
    /// What it is: "before a request".
    pub what: String,
    /// The step that was open, by the journal.
    pub step: String,
    /// Whether the run was killed there; a run can have fewer points than another.
    pub killed: bool,
    /// Processes that still lived just after the kill.
    pub living: usize,
    /// Rows of what may have run.
    pub doubtful: usize,
    /// Whether something was done on a host.
    pub dirty: bool,
    /// How many hosts stayed locked.
    pub locks: usize,
    /// `peers.json`, where it was seen.
    pub peers: BTreeSet<String>,
    /// What is wrong.
    pub problems: Vec<String>,
}

type Row = (String, String);

/// A step's host as another run of the same runbook would name it.
fn role(step: &str, host: &str) -> String {
    if NEWEST.contains(&step) && SURVIVORS.contains(&host) { "newest".to_owned() } else { host.to_owned() }
}

fn rows(report: &Value, section: &str) -> Vec<(Row, String)> {
    let rows = report[section].as_array().unwrap().iter();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    rows.map(|row| ((text(row, "step"), text(row, "host")), text(row, "outcome"))).collect()
}

/// The duties of a run; all are open.
fn duties(report: &Value) -> BTreeSet<Row> {
    let duties = report["duties"].as_array().unwrap().iter();
    let text = |duty: &Value, key: &str| duty[key].as_str().unwrap().to_owned();
    duties
        .map(|duty| {
            assert_eq!(duty["state"], "open", "{duty}");
            (text(duty, "step"), text(duty, "host"))
        })
        .collect()
}

/// The order in which steps open and close, and how.
fn steps(report: &Value) -> Vec<String> {
    let events = report["events"].as_array().unwrap().iter();
    events
        .filter_map(|event| match event["event"].as_str()? {
            "step_opened" => {
                let step = event["step"].as_str().unwrap();
                let hosts = event["hosts"].as_array().into_iter().flatten();
                let hosts: Vec<_> = hosts.map(|host| role(step, host.as_str().unwrap())).collect();
                Some(format!("{step} opens for {hosts:?}"))
            }
            "step_closed" => Some(format!("{} closes: {}", event["step"], event["outcome"])),
            _ => None,
        })
        .collect()
}

/// The numbers and names of the points that a run passed.
fn points(said: &str) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    for line in said.lines().filter(|line| line.contains("crash point n=")) {
        let number = line.split("n=").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
        let what = line.split("what=\"").nth(1).and_then(|rest| rest.split('"').next());
        found.push((number.expect("a number"), what.expect("a name").to_owned()));
    }
    found
}

fn truths(stage: &Stage) -> BTreeMap<&'static str, Truth> {
    SURVIVORS.iter().chain(&LOST).map(|host| (*host, stage.truth(host))).collect()
}

/// How often an effect was had; what was written is still there or was taken in.
fn count(truth: &Truth, effect: &str) -> usize {
    match effect {
        "written" => usize::from(truth.peers.is_some()) + truth.effects.get("ingested").copied().unwrap_or(0),
        other => truth.effects.get(other).copied().unwrap_or(0),
    }
}

impl Whole {
    /// Plays the runbook to its end.
    pub fn play(stage: &mut Stage) -> Self {
        let ran = stage.run(0, None);
        assert_eq!(ran.code, Some(0), "{}", ran.said);
        let (_, left) = stage.calm_down(&ran);
        assert!(left.is_empty(), "a finished run left {left:?}");
        assert!(stage.control_folders().is_empty(), "a finished run left its control folder");
        let report: Value = serde_json::from_str(&stage.report(&ran, &["--output", "json"]).unwrap()).unwrap();
        assert_eq!((&report["status"], &report["verdict"]), (&"closed".into(), &"recovered".into()));
        let truths = truths(stage);
        for (step, effect, hosts) in EFFECTS {
            let done: Vec<_> = rows(&report, "done").into_iter().filter(|((s, _), _)| s == step).collect();
            assert!(!done.is_empty() && done.iter().all(|(_, outcome)| outcome == "changed"), "{step}: {done:?}");
            for host in hosts {
                let expected = usize::from(done.iter().any(|((_, h), _)| h == host));
                if stage.replicates() && effect.starts_with("put") && expected == 0 {
                    continue;
                }
                assert_eq!(count(&truths[host], effect), expected, "{step} on {host}: {truths:?}");
            }
        }
        let points = points(&ran.said);
        let opened = open_steps(&ran, points.len());
        let whole = Self {
            points: points.into_iter().map(|(_, what)| what).zip(opened).collect(),
            steps: steps(&report),
            outcomes: rows(&report, "done")
                .into_iter()
                .map(|((s, h), outcome)| ((s.clone(), role(&s, &h)), outcome))
                .collect(),
            replicates: stage.replicates(),
            skipped: rows(&report, "skipped").into_iter().map(|(row, _)| row).collect(),
            duties: duties(&report),
        };
        stage.reset();
        whole
    }

    /// Kills a run at a point and finds out whether everything is as it must be.
    pub fn kill_at(&self, stage: &Stage, number: u64) -> (Point, Ran) {
        let ran = stage.run(number, None);
        let (living, left) = stage.calm_down(&ran);
        let mut point = Point {
            number,
            what: String::new(),
            step: "(before the first step)".to_owned(),
            killed: ran.signal == Some(9),
            living,
            doubtful: 0,
            dirty: false,
            locks: 0,
            peers: BTreeSet::new(),
            problems: left.into_iter().map(|what| format!("still lives: {what}")).collect(),
        };
        point.fired(&ran);
        point.problems.extend(stage.control_folders().iter().map(|path| format!("{} is left", path.display())));
        let truths = truths(stage);
        point.whole_files(&truths);
        point.dirty = truths.values().any(|truth| !truth.effects.is_empty() || truth.peers.is_some());
        match stage.report(&ran, &["--output", "json"]) {
            // killed before the first event was durable
            Err(why) if number <= 3 && !point.dirty && why.contains("there are no runs in") => {}
            Err(why) => point.problems.push(format!("no report: {why}")),
            Ok(text) => {
                let report = serde_json::from_str(&text).unwrap();
                self.compare(&mut point, &report, &truths);
                point.texts(stage, &ran, &report);
            }
        }
        (point, ran)
    }

    fn compare(&self, point: &mut Point, report: &Value, truths: &BTreeMap<&str, Truth>) {
        let problems = &mut point.problems;
        let steps = steps(report);
        if !self.steps.starts_with(&steps) {
            problems.push(format!("not a beginning of the whole history: {steps:?}"));
        }
        let events = report["events"].as_array().unwrap();
        if !events.iter().zip(1..).all(|(event, seq)| event["seq"] == seq) {
            problems.push("the events are not numbered one after the other".to_owned());
        }
        let last = events.last().map(|event| &event["event"]);
        let closed = last.is_some_and(|event| event == "run_closed");
        if report["status"] != if closed && report["verdict"] == "recovered" { "closed" } else { "cut_off" } {
            problems.push(format!("its status is {}", report["status"]));
        }
        let mut section: BTreeMap<Row, &str> = BTreeMap::new();
        for name in ["done", "may_have_run", "failed", "skipped", "not_started"] {
            for (row, outcome) in rows(report, name) {
                let whole = self.outcomes.get(&(row.0.clone(), role(&row.0, &row.1)));
                if name == "done" && whole != Some(&outcome) {
                    problems.push(format!("{row:?} is done with {outcome}, and whole: {whole:?}"));
                }
                if name == "failed" || (name == "skipped" && !self.skipped.contains(&row)) {
                    problems.push(format!("{row:?} is {name}"));
                }
                if let Some(other) = section.insert(row.clone(), name) {
                    problems.push(format!("{row:?} is {other} and {name}"));
                }
            }
        }
        let owed = duties(report);
        let fence_began = events.iter().any(|e| e["event"] == "step_opened" && e["step"] == "fence/fence-vote");
        if !owed.is_subset(&self.duties) || (fence_began && owed != self.duties) {
            problems.push(format!("the duties are {owed:?}, and whole: {:?}", self.duties));
        }
        point.doubtful = section.values().filter(|name| **name == "may_have_run").count();
        for (step, effect, hosts) in EFFECTS {
            for host in hosts {
                let count = count(&truths[host], effect);
                // a step whose hosts are chosen in the run has one row until it begins
                let of = |host: &str| section.get(&(step.to_owned(), host.to_owned())).copied();
                let duty = owed.iter().any(|(of, on)| on == host && step.starts_with(&format!("{of}/")));
                let nowhere = if duty { "owed" } else { "not there" };
                let said = of(host).or_else(|| of("controller")).unwrap_or(nowhere);
                let fits = match said {
                    "done" => count == 1,
                    "may_have_run" => count <= 1,
                    "not_started" | "skipped" | "owed" => count == 0,
                    "not there" if effect == "backup" => count == 0,
                    "not there" => effect.starts_with("put") && (count == 0 || self.replicates),
                    _ => false,
                };
                if !fits {
                    problems.push(format!("{step} on {host} is {said}, and {effect} {count} times"));
                }
            }
        }
        let missing = self.outcomes.keys().filter(|(step, _)| !section.keys().any(|(s, _)| s == step));
        problems.extend(missing.map(|(step, _)| format!("{step} is nowhere in the report")));
        if let Some(step) = events.iter().rev().find_map(|e| e["step"].as_str().filter(|_| e["event"] == "step_opened"))
        {
            step.clone_into(&mut point.step);
        }
    }
}

impl Point {
    /// That the fault has fired: the process died of it, at that very point.
    fn fired(&mut self, ran: &Ran) {
        let passed = points(&ran.said);
        if let Some((_, what)) = passed.iter().find(|(number, _)| *number == self.number) {
            self.what.clone_from(what);
        }
        if self.killed {
            // other threads may pass one more in the moment of its death
            if self.what.is_empty() {
                self.problems.push(format!("died elsewhere: {:?}", passed.last()));
            }
        } else if ran.code != Some(0) || passed.len() as u64 >= self.number {
            self.problems.push(format!(
                "was to die and ended with {:?} after {} points: {}",
                ran.code,
                passed.len(),
                ran.words()
            ));
        }
    }

    /// Either the old file or the new one, and nothing beside it.
    fn whole_files(&mut self, truths: &BTreeMap<&str, Truth>) {
        for (host, truth) in truths {
            self.problems.extend(truth.left.iter().map(|path| format!("{host}: {path} is left")));
            let Some(text) = &truth.peers else { continue };
            match serde_json::from_str::<Value>(text) {
                Ok(Value::Array(peers)) if peers.len() == SURVIVORS.len() => drop(self.peers.insert(text.clone())),
                other => self.problems.push(format!("{host}: half a peers.json: {other:?}")),
            }
        }
    }

    /// The same for people, and the chain.
    fn texts(&mut self, stage: &Stage, ran: &Ran, report: &Value) {
        let mut wrong = |what: &str, said: &dyn std::fmt::Debug| self.problems.push(format!("{what}: {said:?}"));
        match stage.report(ran, &["--verify"]) {
            Ok(said) if said.contains("the chain is whole") => {}
            other => wrong("the journal", &other),
        }
        let text = stage.report(ran, &[]).unwrap_or_default();
        if report["status"] == "cut_off" && !text.contains("cut off: the process that executed it ended without a word")
        {
            wrong("the report for people", &text);
        }
        for (section, title) in [("done", "done"), ("may_have_run", "may have run"), ("not_started", "not started")] {
            let lines = text.lines().skip_while(|line| !line.starts_with(title)).skip(1);
            let lines: Vec<&str> = lines.take_while(|line| line.starts_with("  ")).collect();
            for ((step, host), _) in rows(report, section) {
                if !lines.iter().any(|line| line.contains(&step) && line.contains(&host)) {
                    wrong("the report for people does not list", &(title, &step, &host));
                }
            }
        }
    }
}

/// The step that went on at each point, by the order in which both were told: near enough to choose points by.
fn open_steps(ran: &Ran, points: usize) -> Vec<String> {
    let mut steps = vec![String::new(); points];
    let (mut at, mut step) = (0, String::from("(before the first step)"));
    for line in ran.said.lines() {
        if line.contains("crash point n=") {
            if let Some(place) = steps.get_mut(at) {
                step.clone_into(place);
            }
            at += 1;
        } else if let Some((_, rest)) = line.split_once(" ▸ ") {
            rest.split(' ').next().unwrap_or_default().clone_into(&mut step);
        }
    }
    steps
}
