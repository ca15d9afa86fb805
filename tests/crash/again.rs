//! `refloat resume` after a kill at any point: it ends as a run that nobody interrupted, with each effect exactly once,
//! none left out, a whole journal, and nothing left behind. Hosts are folders of this machine, entered by a command; the
//! host side and the journal are those of every other transport.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::links::{self, Place, next, seed};
use super::scenes::{MANY, SCENES, Scene};
use crate::support::{sshd, tier};

/// Plays at the same time; much of each is waiting.
pub const THREADS: usize = 8;

pub const HOSTS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// The variable that a campaign's processes carry.
pub const MARK: &str = "REFLOAT_AGAIN_TEST";

/// How long what a dead run left may take to end.
const PATIENCE: Duration = Duration::from_secs(45);

/// Where the hosts of a play are.
pub enum Hosts {
    /// Folders of the play, entered by a command.
    Folders,
    /// Real servers, which stay.
    Stay(Vec<Place>),
}

/// One play of a scene, in folders of its own.
pub struct Play {
    scene: &'static Scene,
    folder: TempDir,
    homes: Vec<PathBuf>,
    mark: String,
}

/// What the program came to.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub killed: bool,
    pub said: String,
}

/// What is the same of a run however often it was interrupted.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub exit: Option<i32>,
    pub effects: BTreeMap<String, String>,
    pub report: Value,
}

impl Play {
    pub fn new(scene: &'static Scene, hosts: &Hosts, mark: &str) -> Self {
        // where writes are not waited for, if there is such a place: the journal's fsync is not what is tested here
        let shm = Path::new("/dev/shm");
        let base = if fs::metadata(shm).is_ok_and(|at| at.is_dir()) { shm.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("rf").tempdir_in(&base);
        let folder = folder.or_else(|_| tempfile::tempdir()).expect("a folder");
        let homes = match hosts {
            Hosts::Folders => HOSTS.iter().map(|host| folder.path().join(format!("home-{host}"))).collect(),
            Hosts::Stay(stay) => stay.iter().map(Place::home).collect(),
        };
        let play = Self { scene, folder, homes, mark: mark.to_owned() };
        for name in ["place", "books/play"] {
            fs::create_dir_all(play.path(name)).expect("a folder");
        }
        fs::DirBuilder::new().mode(0o700).create(play.path("control")).expect("a folder");
        let mut inventory = "inventory: here\nhosts:\n".to_owned();
        for (n, (host, home)) in HOSTS.iter().zip(&play.homes).enumerate() {
            fs::create_dir_all(home).expect("a folder");
            let line = match hosts {
                Hosts::Folders => {
                    format!("{{ connect: {{ via: exec, command: [env, \"HOME={}\"] }} }}", home.display())
                }
                Hosts::Stay(stay) => stay[n].line(),
            };
            writeln!(inventory, "  {host}: {line}").expect("a text");
        }
        fs::write(play.path("books/inventory.yaml"), inventory).expect("a file");
        for (name, text) in scene.books {
            fs::write(play.path("books").join(name), text.trim_start()).expect("a file");
        }
        play
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn refloat(&self, point: u64, words: &[&str]) -> Ended {
        self.refloat_while(point, words, |_| ())
    }

    /// With something that is done while it runs, given its process.
    pub fn refloat_while(&self, point: u64, words: &[&str], meanwhile: impl FnOnce(&mut Child)) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_refloat"));
        command.args(words).current_dir(self.path("books")).stdin(Stdio::null());
        command.env("REFLOAT_STATE", self.path("state")).env("XDG_RUNTIME_DIR", self.path("control"));
        command.env(MARK, &self.mark);
        command.env("HOME", self.folder.path()).env("NO_COLOR", "1").env("REFLOAT_KILL_AT", point.to_string());
        // a file, not pipes: what a dead run leaves must not hold up the test
        let file = fs::File::create(self.path("said")).expect("a file");
        let both = file.try_clone().expect("a file");
        let child = command.stdout(both.try_clone().expect("a file")).stderr(both).spawn();
        let mut child = child.expect("it starts");
        meanwhile(&mut child);
        let status = child.wait().expect("ours");
        let said = self.said();
        Ended { code: status.code(), killed: status.signal() == Some(9), said }
    }

    /// What the program has said since it was started last.
    pub fn said(&self) -> String {
        fs::read_to_string(self.path("said")).unwrap_or_default()
    }

    pub fn run(&self, point: u64) -> Ended {
        self.run_while(point, |_| ())
    }

    pub fn run_while(&self, point: u64, meanwhile: impl FnOnce(&mut Child)) -> Ended {
        let (book, place) = (self.scene.books[0].0, format!("place={}", self.path("place").display()));
        let words: Vec<String> = (1..=self.scene.words).map(|n| format!("w{n}")).collect();
        let words = format!("words={}", words.join(","));
        let line = ["run", book, "-i", "inventory.yaml", "-p", &place, "-p", &words, "--yes"];
        self.refloat_while(point, &line, meanwhile)
    }

    pub fn resume(&self, point: u64) -> Ended {
        self.refloat(point, &["resume", "--yes"])
    }

    pub fn effects(&self) -> BTreeMap<String, String> {
        let files = fs::read_dir(self.path("place")).expect("there").map(|entry| entry.expect("a file"));
        files.map(|file| (file.file_name().to_string_lossy().into_owned(), self.neutral(&file.path()))).collect()
    }

    /// What a file holds, where a link leads, what is in a folder.
    fn neutral(&self, path: &Path) -> String {
        if let Ok(to) = fs::read_link(path) {
            return format!("-> {}", to.display()).replace(&self.folder.path().display().to_string(), "PLAY");
        }
        if path.is_dir() {
            let inside = fs::read_dir(path).expect("a folder").map(|entry| entry.expect("a file").path());
            let mut inside: Vec<String> =
                inside.map(|path| format!("{:?}: {}", path.file_name(), self.neutral(&path))).collect();
            inside.sort();
            return inside.join("\n");
        }
        fs::read_to_string(path).expect("text").replace(&self.folder.path().display().to_string(), "PLAY")
    }

    /// What a run that has ended came to, with a whole journal and nothing left behind.
    pub fn outcome(&self, ended: &Ended) -> Result<Outcome, String> {
        let verified = self.refloat(0, &["report", "--verify"]);
        if verified.code != Some(0) {
            return Err(format!("the journal: {}", verified.said));
        }
        let said = self.refloat(0, &["report", "--format", "json"]).said;
        let text = said.rsplit_once("crash points").map_or(said.as_str(), |(text, _)| text);
        let text = text.replace(&self.folder.path().display().to_string(), "PLAY");
        let report: Value = serde_json::from_str(&text).map_err(|why| format!("{why}: {text}"))?;
        let mut same = serde_json::Map::new();
        for section in ["done", "may_have_run", "failed", "skipped", "not_started"] {
            let rows = report[section].as_array().ok_or("no rows")?;
            let mut rows: Vec<String> =
                rows.iter().map(|row| format!("{} {} {}", row["step"], row["host"], row["outcome"])).collect();
            rows.sort();
            same.insert(section.to_owned(), rows.into());
        }
        for name in ["verdict", "reason", "duties", "outputs", "next"] {
            same.insert(name.to_owned(), report[name].clone());
        }
        Ok(Outcome { exit: ended.code, effects: self.effects(), report: same.into() })
    }

    /// What is left on its hosts.
    pub fn left(&self) -> Vec<String> {
        let homes = self.homes.iter().map(|home| home.join(".refloat"));
        homes.filter(|path| path.exists()).map(|path| path.display().to_string()).collect()
    }
}

/// Waits until nothing that was ever started here lives; what lives after the deadline.
pub fn calm_down(mark: &str) -> Vec<String> {
    let start = Instant::now();
    let mut now = living(mark);
    while !now.is_empty() && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(20));
        now = living(mark);
    }
    now
}

/// What a campaign's processes are known by.
pub fn mark(name: &str) -> String {
    format!("{}-{name}", std::process::id())
}

/// The processes that carry the mark in their environment.
pub fn living(mark: &str) -> Vec<String> {
    let mark = format!("{MARK}={mark}").into_bytes();
    let pids = fs::read_dir("/proc").expect("proc").filter_map(|entry| {
        let path = entry.ok()?.path();
        path.file_name()?.to_str()?.parse::<u32>().ok().map(|_| path)
    });
    let inside = |path: &PathBuf| {
        let environ = fs::read(path.join("environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|variable| variable == mark)
    };
    pids.filter(inside)
        .map(|path| fs::read_to_string(path.join("cmdline")).unwrap_or_default().replace('\0', " "))
        .collect()
}

/// A run that nobody interrupts.
pub struct Whole {
    pub points: u64,
    pub outcome: Outcome,
    /// How many hosts it reached.
    pub reached: usize,
}

/// How many hosts were reached, by what the program said.
pub fn reached(said: &str) -> usize {
    said.matches("  reached as ").count()
}

pub fn whole(scene: &'static Scene, hosts: &Hosts, mark: &str) -> Whole {
    let play = Play::new(scene, hosts, mark);
    let ended = play.run(0);
    assert_eq!(ended.code, Some(scene.exit), "{}: {}", scene.name, ended.said);
    let points =
        ended.said.rsplit_once("crash points passed: ").expect("it counts").1.trim().parse().expect("a number");
    let outcome = play.outcome(&ended).expect("a report");
    assert_eq!(play.left(), Vec::<String>::new(), "{}", scene.name);
    Whole { points, outcome, reached: reached(&ended.said) }
}

/// Kills a run at a point, and its resume at another one if there is one; then it must come to what it would have.
/// `Ok(false)`: it was not killed, since it had fewer points this time.
fn kill(play: &Play, expected: &Outcome, point: u64, second: Option<u64>) -> Result<bool, String> {
    let first = play.run(point);
    if !first.killed {
        return if first.code == expected.exit { Ok(false) } else { Err(format!("ended with {first:?}")) };
    }
    goes_on(play, expected, second).map(|()| true)
}

/// The run died before its first event, or after its last one: there is nothing to go on with.
pub fn is_over(ended: &Ended) -> bool {
    ["there is no run that could go on", "there is no journal"].iter().any(|words| ended.said.contains(words))
}

/// A run that was killed goes on to what it would have come to, also if its resume is killed as well.
pub fn goes_on(play: &Play, expected: &Outcome, second: Option<u64>) -> Result<(), String> {
    let mut ended = play.resume(second.unwrap_or(0));
    if ended.killed {
        ended = play.resume(0);
    }
    if is_over(&ended) {
        if play.effects().is_empty() {
            return Ok(());
        }
        ended = Ended { code: expected.exit, ..ended };
    } else {
        let left = play.left();
        if !left.is_empty() {
            return Err(format!("left: {left:?}"));
        }
    }
    let outcome = play.outcome(&ended)?;
    if outcome == *expected { Ok(()) } else { Err(format!("{outcome:#?}\nexpected {expected:#?}\n{}", ended.said)) }
}

/// The points of scenes that are wanted, on several threads; each `second`th of these is killed a second time.
fn campaign(
    name: &str,
    scenes: &'static [Scene],
    hosts: &(dyn Fn(&str) -> Hosts + Sync),
    wanted: impl Fn(&'static Scene, u64) -> Vec<u64>,
    second: u64,
) -> usize {
    let (start, mark) = (Instant::now(), mark(name));
    let here = hosts(&mark);
    let wholes: Vec<Whole> = scenes.iter().map(|scene| whole(scene, &here, &mark)).collect();
    drop(here);
    let of = |n: usize| wanted(&scenes[n], wholes[n].points).into_iter().map(move |point| (n, point));
    let queue: Vec<(usize, u64)> = (0..scenes.len()).flat_map(of).collect();
    let all = queue.len();
    let queue = Mutex::new(queue);
    let (bad, fired) = (Mutex::new(Vec::new()), Mutex::new(0));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let hosts = hosts(&mark);
                loop {
                    let Some((n, point)) = queue.lock().unwrap().pop() else { break };
                    let twice = point.is_multiple_of(second).then_some(point * 31 % wholes[n].points + 1);
                    match kill(&Play::new(&scenes[n], &hosts, &mark), &wholes[n].outcome, point, twice) {
                        Ok(killed) => *fired.lock().unwrap() += usize::from(killed),
                        Err(why) => {
                            let name = scenes[n].name;
                            eprintln!("{name}, point {point}, then {twice:?}: {why}");
                            bad.lock().unwrap().push((name, point, twice));
                        }
                    }
                }
            });
        }
    });
    let (bad, fired) = (bad.into_inner().unwrap(), fired.into_inner().unwrap());
    eprintln!("{name}: {fired} of {all} runs were killed and went on, {:.0} s", start.elapsed().as_secs_f64());
    assert_eq!(calm_down(&mark), Vec::<String>::new());
    assert!(bad.is_empty(), "{} of {all} are wrong: {bad:?}", bad.len());
    // runs differ a little in how often they ask
    assert!(fired * 100 >= all * 90, "only {fired} of {all} were killed");
    fired
}

fn folders(_: &str) -> Hosts {
    Hosts::Folders
}

/// Numbers from 1 to `most`, by a seed that is said.
fn random(count: u64, most: u64) -> Vec<u64> {
    let mut seed = seed();
    // runs differ a little in how often they ask, and the last points of one are behind the end of another
    (0..count).map(|_| 1 + next(&mut seed) % (most - most / 10)).collect()
}

#[test]
fn a_run_that_was_killed_anywhere_goes_on_to_the_same_end() {
    // two of three for every day; `make campaign` takes all of them
    let fired = campaign("points", SCENES, &folders, |_, most| (1..=most).filter(|n| n % 3 < 2).collect(), 10);
    assert!(fired >= 600, "only {fired} points");
}

#[test]
fn each_item_of_a_long_loop_is_done_once_on_each_host() {
    campaign("many", MANY, &folders, |_, most| random(4, most), 2);
}

#[test]
#[ignore = "takes minutes: make campaign"]
fn campaign_a_run_goes_on_after_a_kill_at_every_point_and_another_one() {
    campaign("points", SCENES, &folders, |_, most| (1..=most).collect(), 2);
}

#[test]
#[ignore = "takes minutes: make campaign"]
fn campaign_each_item_of_a_long_loop_is_done_once_on_each_host() {
    campaign("many", MANY, &folders, |_, most| random(100, most), 2);
}

#[test]
fn a_run_on_a_real_sshd_goes_on_after_a_kill_at_a_point() {
    if tier("sshd", sshd::available()) {
        let each = |_: &Scene, most: u64| (0..9).map(|n| 1 + n * most / 9 + n % 5).collect();
        let fired = campaign("sshd-points", SCENES, &links::real, each, 10);
        assert!(fired >= 60, "only {fired} points");
    }
}
