//! `refloat resume` after a kill at any point: it ends as a run that nobody interrupted, with each effect exactly once,
//! none left out, a whole journal, and nothing left behind. Hosts are folders of this machine, entered by a command; the
//! host side and the journal are those of every other transport.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::scenes::{SCENES, Scene};

const HOSTS: [&str; 3] = ["a", "b", "c"];

/// How long what a dead run left may take to end.
const PATIENCE: Duration = Duration::from_secs(45);

/// One play of a scene, in folders of its own.
struct Play {
    scene: &'static Scene,
    folder: TempDir,
}

/// What the program came to.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    killed: bool,
    said: String,
}

/// What is the same of a run however often it was interrupted.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    exit: Option<i32>,
    effects: BTreeMap<String, String>,
    report: Value,
}

impl Play {
    fn new(scene: &'static Scene) -> Self {
        // where writes are not waited for, if there is such a place: the journal's fsync is not what is tested here
        let shm = Path::new("/dev/shm");
        let base = if fs::metadata(shm).is_ok_and(|at| at.is_dir()) { shm.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("rf").tempdir_in(&base);
        let folder = folder.or_else(|_| tempfile::tempdir()).expect("a folder");
        let play = Self { scene, folder };
        for name in ["place", "books/play"] {
            fs::create_dir_all(play.path(name)).expect("a folder");
        }
        fs::DirBuilder::new().mode(0o700).create(play.path("control")).expect("a folder");
        let mut inventory = "inventory: here\nhosts:\n".to_owned();
        for host in HOSTS {
            let home = play.path(&format!("home-{host}"));
            fs::create_dir(&home).expect("a folder");
            let command = format!("[env, \"HOME={}\"]", home.display());
            writeln!(inventory, "  {host}: {{ connect: {{ via: exec, command: {command} }} }}").expect("a text");
        }
        fs::write(play.path("books/inventory.yaml"), inventory).expect("a file");
        for (name, text) in scene.books {
            fs::write(play.path("books").join(name), text.trim_start()).expect("a file");
        }
        play
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn refloat(&self, point: u64, words: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_refloat"));
        command.args(words).current_dir(self.path("books")).stdin(Stdio::null());
        command.env("REFLOAT_STATE", self.path("state")).env("XDG_RUNTIME_DIR", self.path("control"));
        command.env("REFLOAT_AGAIN_TEST", std::process::id().to_string());
        command.env("HOME", self.path("home-a")).env("NO_COLOR", "1").env("REFLOAT_KILL_AT", point.to_string());
        // a file, not pipes: what a dead run leaves must not hold up the test
        let file = tempfile::tempfile_in(self.folder.path()).expect("a file");
        let both = file.try_clone().expect("a file");
        let status = command.stdout(both.try_clone().expect("a file")).stderr(both).status().expect("it starts");
        let said = std::io::read_to_string(rewound(file)).expect("text");
        Ended { code: status.code(), killed: status.signal() == Some(9), said }
    }

    fn run(&self, point: u64) -> Ended {
        let (book, place) = (self.scene.books[0].0, format!("place={}", self.path("place").display()));
        self.refloat(point, &["run", book, "-i", "inventory.yaml", "-p", &place, "-p", "words=x,y,z", "--yes"])
    }

    fn resume(&self, point: u64) -> Ended {
        self.refloat(point, &["resume", "--yes"])
    }

    fn effects(&self) -> BTreeMap<String, String> {
        let files = fs::read_dir(self.path("place")).expect("there").map(|entry| entry.expect("a file"));
        files.map(|file| (file.file_name().to_string_lossy().into_owned(), self.neutral(&file.path()))).collect()
    }

    fn neutral(&self, path: &Path) -> String {
        fs::read_to_string(path).expect("text").replace(&self.folder.path().display().to_string(), "PLAY")
    }

    /// What a run that has ended came to, with a whole journal and nothing left behind.
    fn outcome(&self, ended: &Ended) -> Result<Outcome, String> {
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
    fn left(&self) -> Vec<String> {
        let homes = HOSTS.iter().map(|host| self.path(&format!("home-{host}/.refloat")));
        homes.filter(|path| path.exists()).map(|path| path.display().to_string()).collect()
    }
}

/// Waits until nothing that was ever started here lives; what lives after the deadline.
fn calm_down() -> Vec<String> {
    let start = Instant::now();
    let mut now = living();
    while !now.is_empty() && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(20));
        now = living();
    }
    now
}

fn mark() -> String {
    format!("REFLOAT_AGAIN_TEST={}", std::process::id())
}

fn rewound(mut file: fs::File) -> fs::File {
    std::io::Seek::rewind(&mut file).expect("a file");
    file
}

/// The processes that carry the mark in their environment.
fn living() -> Vec<String> {
    let mark = mark().into_bytes();
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

/// The points of a run that nobody interrupts, and what it comes to.
fn whole(scene: &'static Scene) -> (u64, Outcome) {
    let play = Play::new(scene);
    let ended = play.run(0);
    assert_eq!(ended.code, Some(scene.exit), "{}: {}", scene.name, ended.said);
    let points =
        ended.said.rsplit_once("crash points passed: ").expect("it counts").1.trim().parse().expect("a number");
    let outcome = play.outcome(&ended).expect("a report");
    assert_eq!(play.left(), Vec::<String>::new(), "{}", scene.name);
    (points, outcome)
}

/// Kills a run at a point, and its resume at another one if there is one; then it must come to what it would have.
/// `Ok(false)`: it was not killed, since it had fewer points this time.
fn kill(scene: &'static Scene, expected: &Outcome, point: u64, second: Option<u64>) -> Result<bool, String> {
    let play = Play::new(scene);
    let first = play.run(point);
    if !first.killed {
        return if first.code == expected.exit { Ok(false) } else { Err(format!("ended with {first:?}")) };
    }
    let mut ended = play.resume(second.unwrap_or(0));
    if ended.killed {
        ended = play.resume(0);
    }
    if ended.said.contains("there is no run that could go on") || ended.said.contains("there is no journal") {
        // it died before its first event, or after its last one
        if play.effects().is_empty() {
            return Ok(true);
        }
        ended = Ended { code: expected.exit, ..ended };
    } else {
        let left = play.left();
        if !left.is_empty() {
            return Err(format!("left: {left:?}"));
        }
    }
    let outcome = play.outcome(&ended)?;
    if outcome == *expected { Ok(true) } else { Err(format!("{outcome:#?}\nexpected {expected:#?}\n{}", ended.said)) }
}

/// Points of every scene, on several threads; each `second`th of these is killed a second time.
fn campaign(wanted: impl Fn(u64) -> bool, second: u64) -> usize {
    let start = Instant::now();
    let wholes: Vec<(u64, Outcome)> = SCENES.iter().map(whole).collect();
    let points = |n: usize| (1..=wholes[n].0).map(move |point| (n, point));
    let queue: Vec<(usize, u64)> = (0..SCENES.len()).flat_map(points).filter(|(_, point)| wanted(*point)).collect();
    let all = queue.len();
    let queue = Mutex::new(queue);
    let (bad, fired) = (Mutex::new(Vec::new()), Mutex::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let Some((n, point)) = queue.lock().unwrap().pop() else { break };
                    let twice = point.is_multiple_of(second).then_some(point * 31 % wholes[n].0 + 1);
                    match kill(&SCENES[n], &wholes[n].1, point, twice) {
                        Ok(killed) => *fired.lock().unwrap() += usize::from(killed),
                        Err(why) => {
                            let name = SCENES[n].name;
                            eprintln!("{name}, point {point}, then {twice:?}: {why}");
                            bad.lock().unwrap().push((name, point, twice));
                        }
                    }
                }
            });
        }
    });
    let (bad, fired) = (bad.into_inner().unwrap(), fired.into_inner().unwrap());
    eprintln!("{fired} of {all} runs were killed and went on, {:.0} s", start.elapsed().as_secs_f64());
    assert_eq!(calm_down(), Vec::<String>::new());
    assert!(bad.is_empty(), "{} of {all} are wrong: {bad:?}", bad.len());
    // runs differ a little in how often they ask
    assert!(fired * 100 >= all * 95, "only {fired} of {all} were killed");
    fired
}

#[test]
fn a_run_that_was_killed_anywhere_goes_on_to_the_same_end() {
    // a sample for every day; `make campaign` takes all of them
    let fired = campaign(|point| point.is_multiple_of(4), 10);
    assert!(fired >= 200, "only {fired} points");
}

#[test]
#[ignore = "takes minutes: make campaign"]
fn campaign_a_run_goes_on_after_a_kill_at_every_point_and_another_one() {
    campaign(|_| true, 2);
}
