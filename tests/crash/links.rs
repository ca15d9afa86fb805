//! Kills on real sshds: of refloat, of the ssh that carries a link, of what serves it at the other end, at times
//! drawn from a seed. None of them changes what a run comes to.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, kill_process};

use super::again::{HOSTS, Hosts, MARK, Play, THREADS, Whole, calm_down, goes_on, is_over, mark, reached, whole};
use super::number;
use super::scenes::{MANY, SCENES, Scene};
use crate::support::sshd::Sshd;
use crate::support::{sshd, tier};

/// Whom a kill is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Victim {
    Refloat,
    Master,
    Session,
}

const VICTIMS: [Victim; 3] = [Victim::Refloat, Victim::Master, Victim::Session];

/// A host: its server, which gives a home of its own to whoever logs in.
pub struct Place {
    sshd: Sshd,
}

/// The first hosts, each with a server of its own. What they start carries the mark.
fn hosts(count: usize, mark: &str) -> Hosts {
    let place = |_: &str| Place { sshd: Sshd::with(&format!("{MARK}={mark}"), "MaxStartups 100") };
    Hosts::Stay(HOSTS.into_iter().take(count).map(place).collect())
}

/// As many as the small scenes have.
pub fn real(mark: &str) -> Hosts {
    hosts(3, mark)
}

impl Place {
    pub fn home(&self) -> PathBuf {
        self.sshd.path("home")
    }

    /// The host's line in the inventory.
    pub fn line(&self) -> String {
        let config = self.sshd.path("ssh_config");
        format!("{{ address: 127.0.0.1, port: {}, connect: {{ ssh_config: {} }} }}", self.sshd.port, config.display())
    }
}

/// The seed of this run; `REFLOAT_SEED` replays one.
pub fn seed() -> u64 {
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
    let seed = number("REFLOAT_SEED", now);
    eprintln!("REFLOAT_SEED={seed}");
    seed
}

/// An LCG is enough to spread.
pub fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// The processes with this variable whose command line is wanted.
fn processes(variable: &str, wanted: impl Fn(&str) -> bool) -> Vec<i32> {
    let inside = |path: &PathBuf| {
        let words = fs::read_to_string(path.join("cmdline")).unwrap_or_default().replace('\0', " ");
        let environ = fs::read(path.join("environ")).unwrap_or_default();
        wanted(&words) && environ.split(|byte| *byte == 0).any(|one| one == variable.as_bytes())
    };
    let entries = fs::read_dir("/proc").expect("proc").flatten().map(|entry| entry.path());
    entries.filter(inside).filter_map(|path| path.file_name()?.to_str()?.parse().ok()).collect()
}

/// The processes of a play that a kill may take.
fn found(victim: Victim, places: &[Place], control: &Path, refloat: u32) -> Vec<i32> {
    match victim {
        Victim::Refloat => i32::try_from(refloat).into_iter().collect(),
        Victim::Master => {
            let own = format!("XDG_RUNTIME_DIR={}", control.display());
            processes(&own, |words| words.starts_with("ssh ") || words.contains("/ssh "))
        }
        Victim::Session => places.iter().flat_map(|place| place.sshd.sessions()).collect(),
    }
}

/// A scene, how many kills a play of it has at most, what it comes to without any, and in how many milliseconds.
struct Target {
    scene: &'static Scene,
    kills: u64,
    /// How often it is drawn.
    lots: usize,
    whole: Whole,
    millis: u64,
}

/// The kills of one play.
struct Kills<'a> {
    places: &'a [Place],
    /// How many hosts the run reaches.
    hosts: usize,
    state: u64,
    /// How many are still wanted.
    open: u64,
    /// The longest time to the next one, in milliseconds.
    gap: u64,
    fired: Vec<Victim>,
}

impl Kills<'_> {
    /// Kills while a process of the play goes on, until it took that process itself, or was to kill no more.
    fn meanwhile(&mut self, play: &Play, child: &mut Child) {
        let (control, own) = (play.path("control"), child.id());
        let mut lives = || child.try_wait().expect("ours").is_none();
        while self.open > 0 && lives() {
            let victim = VICTIMS[usize::try_from(next(&mut self.state) % 3).expect("small")];
            let after = Duration::from_millis(next(&mut self.state) % self.gap.max(1));
            let which = usize::try_from(next(&mut self.state)).expect("small");
            // a link that never stood is not healed
            while victim != Victim::Refloat && reached(&play.said()) < self.hosts && lives() {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(after);
            let mut hit = false;
            while !hit && lives() {
                let all = found(victim, self.places, &control, own);
                let pid = all.get(which % all.len().max(1)).and_then(|pid| Pid::from_raw(*pid));
                hit = pid.is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok());
            }
            if hit {
                self.fired.push(victim);
                self.open -= 1;
            }
            if victim == Victim::Refloat {
                return;
            }
        }
    }
}

/// One play with its kills; whom they took, and how many effects there are. They can come too late to take anyone.
fn one(seed: u64, places: &Hosts, targets: &[Target], mark: &str) -> Result<(Vec<Victim>, u64), String> {
    let Hosts::Stay(stay) = places else { return Err("no servers".to_owned()) };
    let mut state = seed;
    next(&mut state);
    let lots: Vec<&Target> = targets.iter().flat_map(|target| std::iter::repeat_n(target, target.lots)).collect();
    let target = lots[usize::try_from(next(&mut state)).expect("small") % lots.len()];
    let open = 1 + next(&mut state) % target.kills;
    // a run that was killed after its last event has nobody who tidies up
    for place in stay {
        match fs::remove_dir_all(place.home().join(".refloat")) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(format!("what was left: {error}")),
            _ => {}
        }
    }
    let play = Play::new(target.scene, places, mark);
    let hosts = target.whole.reached;
    let mut kills = Kills { places: stay, hosts, state, open, gap: target.millis * 3 / 2 / open, fired: Vec::new() };
    let mut ended = play.run_while(0, |child| kills.meanwhile(&play, child));
    while ended.killed && kills.open > 0 && !play.effects().is_empty() {
        let next = play.refloat_while(0, &["resume", "--yes"], |child| kills.meanwhile(&play, child));
        if is_over(&next) {
            break;
        }
        ended = next;
    }
    let so = if ended.killed {
        goes_on(&play, &target.whole.outcome, None)
    } else {
        play.outcome(&ended).and_then(|outcome| {
            let whole = &target.whole.outcome;
            if outcome == *whole { Ok(()) } else { Err(format!("{outcome:#?}\nexpected {whole:#?}\n{}", ended.said)) }
        })
    };
    so.map_err(|why| format!("{} {:?}: {why}", target.scene.name, kills.fired))?;
    Ok((kills.fired, u64::try_from(play.effects().len()).expect("small")))
}

/// Plays until so many kills took someone.
fn campaign(name: &str, real: fn(&str) -> Hosts, scenes: &[(&'static Scene, u64, usize)], count: u64) {
    let (start, mark, seed) = (Instant::now(), mark(name), seed());
    let here = real(&mark);
    let timed = |&(scene, kills, lots): &(&'static Scene, u64, usize)| {
        let began = Instant::now();
        let whole = whole(scene, &here, &mark);
        Target { scene, kills, lots, whole, millis: u64::try_from(began.elapsed().as_millis()).expect("small") }
    };
    let targets: Vec<Target> = scenes.iter().map(timed).collect();
    let (drawn, fired) = (AtomicU64::new(0), Mutex::new(BTreeMap::<Victim, u64>::new()));
    let (bad, effects) = (Mutex::new(Vec::new()), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let places = real(&mark);
                while fired.lock().unwrap().values().sum::<u64>() < count && bad.lock().unwrap().len() < 10 {
                    let n = drawn.fetch_add(1, Ordering::Relaxed);
                    if n > count * 4 {
                        break;
                    }
                    match one(seed + n, &places, &targets, &mark) {
                        Ok((victims, done)) => {
                            effects.fetch_add(done, Ordering::Relaxed);
                            let mut fired = fired.lock().unwrap();
                            for victim in victims {
                                *fired.entry(victim).or_default() += 1;
                            }
                        }
                        Err(why) => {
                            eprintln!("REFLOAT_SEED={} REFLOAT_POINTS=1: {why}", seed + n);
                            bad.lock().unwrap().push(seed + n);
                        }
                    }
                }
            });
        }
    });
    let (fired, bad) = (fired.into_inner().unwrap(), bad.into_inner().unwrap());
    let (kills, plays, seconds) = (fired.values().sum::<u64>(), drawn.into_inner(), start.elapsed().as_secs_f64());
    let (effects, wrong, last) = (effects.into_inner(), bad.len(), seed + plays - 1);
    eprintln!(
        "{name}: {kills} kills {fired:?}, {plays} plays with the seeds {seed} to {last}, {effects} effects, {wrong} wrong, \
         {seconds:.0} s"
    );
    assert_eq!(calm_down(&mark), Vec::<String>::new());
    assert!(bad.is_empty(), "wrong: REFLOAT_SEED={bad:?} REFLOAT_POINTS=1");
    assert!(kills >= count, "only {fired:?}");
    assert!(count < 60 || fired.len() == VICTIMS.len(), "not all: {fired:?}");
}

/// Each of the small scenes, with up to so many kills a play.
fn small(kills: u64) -> Vec<(&'static Scene, u64, usize)> {
    SCENES.iter().map(|scene| (scene, kills, 1)).collect()
}

#[test]
fn a_kill_at_any_time_of_any_process_on_a_real_sshd_changes_nothing() {
    if tier("sshd", sshd::available()) {
        campaign("sshd-few", real, &small(1), 60);
    }
}

#[test]
#[ignore = "takes hours: make campaign, REFLOAT_POINTS=N for fewer"]
fn campaign_kills_at_any_time_of_any_process_on_a_real_sshd() {
    if tier("sshd", sshd::available()) {
        // the long one has room for storms
        let many = MANY.iter().map(|scene| (scene, 60, SCENES.len()));
        let scenes: Vec<_> = small(3).into_iter().chain(many).collect();
        campaign("sshd-random", |mark| hosts(5, mark), &scenes, number("REFLOAT_POINTS", 20_000));
    }
}
