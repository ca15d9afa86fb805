//! refloat is killed (SIGKILL, nothing is cleaned up) at each numbered point of a recovery: before and after every
//! write of its journal and everything that it sends to a host. Then the report must say exactly what was done where,
//! and nothing may be left running or lying about on either side.

#[path = "crash/again.rs"]
mod again;
#[path = "crash/check.rs"]
mod check;
#[path = "crash/links.rs"]
mod links;
#[path = "crash/scenes.rs"]
mod scenes;
#[path = "crash/stage.rs"]
mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Instant;

use check::{Point, Whole};
use stage::{Cast, Ran, Stage};

use crate::support::lab::{consul, namespaces};

/// Points in an order of which any beginning is spread over all kinds and steps: first one of each kind in each step,
/// chosen by the seed, then a second of each, and so on.
fn stratified(whole: &Whole, seed: u64) -> (Vec<u64>, usize) {
    let mut strata: BTreeMap<&(String, String), Vec<u64>> = BTreeMap::new();
    for (point, number) in whole.points.iter().zip(1..) {
        strata.entry(point).or_default().push(number);
    }
    let kinds = strata.len();
    let (mut state, mut order) = (seed, Vec::new());
    while strata.values().any(|numbers| !numbers.is_empty()) {
        for numbers in strata.values_mut().filter(|numbers| !numbers.is_empty()) {
            // an LCG is enough to spread
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            order.push(numbers.remove(usize::try_from(state >> 33).unwrap_or(0) % numbers.len()));
        }
    }
    (order, kinds)
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

/// How a second run from the state that a kill has left came out, in a word; or what is wrong with it.
fn again(stage: &Stage, first: &Ran) -> Result<String, String> {
    let ran = stage.run(0, Some(first));
    let (_, left) = stage.calm_down(&ran);
    if !left.is_empty() {
        return Err(format!("a run after it left {left:?}"));
    }
    let folders = stage.control_folders();
    if !folders.is_empty() {
        return Err(format!("a run after it left {folders:?}"));
    }
    let text = stage.report(&ran, &["--output", "json"]).map_err(|why| format!("a run after it: {why}"))?;
    let report: serde_json::Value = serde_json::from_str(&text).map_err(|why| why.to_string())?;
    let reason = report["reason"].as_str().unwrap_or_default();
    match ran.code {
        Some(0) => Ok("recovers".to_owned()),
        Some(4) if !reason.is_empty() => Ok(format!("is refused: {}", reason.split(" (").next().unwrap_or_default())),
        code => Err(format!("a run after it ended with {code:?}: {reason} | {}", ran.words())),
    }
}

/// Kills runs at points on several stages at once.
fn campaign(cast: Cast, silent: bool, stages: usize, choose: impl Fn(&Whole) -> Vec<u64>) {
    let start = Instant::now();
    let mut first = Stage::up(cast, silent);
    let whole = Whole::play(&mut first);
    let chosen = choose(&whole);
    let most = whole.points.len() as u64;
    eprintln!("a run has {most} points and takes {:.1} s with its lab", start.elapsed().as_secs_f64());
    let queue = Mutex::new(chosen.iter().copied().rev().collect::<Vec<_>>());
    let results: Mutex<Vec<Point>> = Mutex::default();
    let sequels: Mutex<BTreeMap<String, Vec<u64>>> = Mutex::default();
    let sequel_of: Mutex<BTreeSet<String>> = Mutex::default();
    let first = Mutex::new(Some(first));
    let now = |mutex: &Mutex<Vec<u64>>| mutex.lock().unwrap().pop();
    std::thread::scope(|scope| {
        for _ in 0..stages {
            scope.spawn(|| {
                let ready = first.lock().unwrap().take();
                let mut stage = ready.unwrap_or_else(|| Stage::up(cast, silent));
                while let Some(number) = now(&queue) {
                    let (mut point, ran) = whole.kill_at(&stage, number);
                    // one sequel for each step
                    let wanted = point.killed && sequel_of.lock().unwrap().insert(point.step.clone());
                    if wanted {
                        match again(&stage, &ran) {
                            Ok(word) => sequels.lock().unwrap().entry(word).or_default().push(number),
                            Err(why) => point.problems.push(why),
                        }
                    }
                    point.locks = stage.unlock();
                    if point.dirty || wanted || !point.problems.is_empty() {
                        stage.reset();
                    }
                    for problem in &point.problems {
                        eprintln!("point {number}, {} in {}: {problem}", point.what, point.step);
                    }
                    let mut results = results.lock().unwrap();
                    results.push(point);
                    if results.len().is_multiple_of(20) {
                        eprintln!("{} of {} points, {} s", results.len(), chosen.len(), start.elapsed().as_secs());
                    }
                }
            });
        }
    });
    let results = results.into_inner().unwrap();
    summary(&results, &sequels.into_inner().unwrap(), most, start);
    let killed = results.iter().filter(|point| point.killed).count();
    let peers: BTreeSet<&String> = results.iter().flat_map(|point| &point.peers).collect();
    let bad: Vec<u64> = results.iter().filter(|point| !point.problems.is_empty()).map(|point| point.number).collect();
    assert!(bad.is_empty(), "{} of {} points are wrong: {bad:?}", bad.len(), results.len());
    // runs differ a little in how often they ask: the last numbers may lie past the end of one
    assert!(killed * 100 >= chosen.len() * 95, "only {killed} of {} runs were killed", chosen.len());
    assert!(cast == Cast::Consul || peers.len() <= 1, "several versions of one file: {peers:?}");
    // of a handful of points none may be such a one
    if results.len() >= 60 {
        assert!(results.iter().any(|point| point.locks > 1), "nobody ever kept a lock");
        let living = results.iter().any(|point| point.living > 0);
        assert!(living, "nobody ever saw what lives after a kill: is it seen at all?");
        assert!(results.iter().any(|point| point.doubtful > 0), "nothing was ever in doubt");
    }
}

fn summary(results: &[Point], sequels: &BTreeMap<String, Vec<u64>>, most: u64, start: Instant) {
    let mut table: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for point in results.iter().filter(|point| point.killed) {
        *table.entry(&point.what).or_default().entry(&point.step).or_default() += 1;
    }
    for (what, steps) in &table {
        let total: usize = steps.values().sum();
        eprintln!("{what}: {total} kills in {} steps", steps.len());
    }
    for (word, numbers) in sequels {
        eprintln!("a second run {word}: after {} of the kills ({numbers:?})", numbers.len());
    }
    let dirty = results.iter().filter(|point| point.dirty).count();
    let doubtful = results.iter().filter(|point| point.doubtful > 0).count();
    eprintln!(
        "{} of {most} points in {:.0} s: {} killed, {dirty} with hosts already changed, {doubtful} with steps in doubt",
        results.len(),
        start.elapsed().as_secs_f64(),
        results.iter().filter(|point| point.killed).count(),
    );
}

#[test]
fn a_kill_at_a_point_of_every_kind_in_every_step() {
    if !namespaces() {
        return;
    }
    let seed = number("REFLOAT_SEED", 1);
    campaign(Cast::StandIn, false, 8, |whole| {
        let (order, strata) = stratified(whole, seed);
        let few: Vec<u64> = order.into_iter().take(strata).collect();
        eprintln!(
            "NOT ALL POINTS: {} of {}, one of each kind in each step, seed {seed} (REFLOAT_SEED); all of them: \
             cargo test campaign_ -- --ignored",
            few.len(),
            whole.points.len()
        );
        assert!(few.len() >= 60, "too few strata: {few:?}");
        few
    });
}

/// Connections to it are still being tried when refloat dies.
#[test]
fn a_kill_while_a_lost_host_is_silent() {
    if !namespaces() {
        return;
    }
    campaign(Cast::StandIn, true, 3, |whole| {
        let (order, _) = stratified(whole, number("REFLOAT_SEED", 1));
        let open = |point: &u64| usize::try_from(*point - 1).is_ok_and(|at| whole.points[at].1.starts_with('('));
        let (early, late): (Vec<u64>, Vec<u64>) = order.into_iter().partition(open);
        early.into_iter().take(3).chain(late.into_iter().step_by(9).take(6)).collect()
    });
}

#[test]
#[ignore = "takes minutes: make campaign"]
fn campaign_kill_at_every_point() {
    if !namespaces() {
        return;
    }
    campaign(Cast::StandIn, false, 8, |whole| (1..=whole.points.len() as u64).collect());
}

/// `REFLOAT_POINTS=N` takes only so many, spread over all kinds and steps.
#[test]
#[ignore = "takes an hour: make campaign"]
fn campaign_kill_at_every_point_with_consul() {
    if !consul() {
        return;
    }
    campaign(Cast::Consul, false, 3, |whole| {
        let (order, _) = stratified(whole, number("REFLOAT_SEED", 1));
        let few = number("REFLOAT_POINTS", u64::MAX);
        order.into_iter().take(usize::try_from(few).unwrap_or(usize::MAX)).collect()
    });
}
