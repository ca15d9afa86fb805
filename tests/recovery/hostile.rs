//! A value never becomes syntax. Values that would do harm go into every place of a runbook, from a param, from a var of
//! the inventory and from what a host said, on a host over ssh and on the controller: each arrives byte by byte or is
//! refused, and nothing that it says is done.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use refloat::lab::Spec;
use serde_json::Value;

use super::desk::{Desk, Said};
use super::places::{Makes, PLACES, Place, REFUSING, SCRIPT, SOURCES, name, step};
use crate::support::lab::{TestLab, namespaces};

/// `PWN` is a file that must never be.
pub const HOSTILE: [&str; 5] = [
    "x\"; touch PWN; $(id)",
    "'; touch PWN; ' `touch PWN` $(touch PWN) \" || touch PWN #",
    "two\nlines\ntouch PWN\nRF_END\nEOF\n'\ntouch PWN\n: '",
    "{{run.id}} ${HOME} %s%n \\n\\0041 !! ~ * \u{1b}[31m\u{9b}1m \u{202e} é\u{1f600}",
    "-rf --help $IFS\t; touch${IFS}PWN & : #\\",
];

const HEAD: &str = "runbook: test/hostile
risk: reversible
lock: 'lock {{params.v}}'
params: { v: { type: string } }
vars: { v: { type: string } }
steps:
  - id: see
    hosts: all_hosts
    gather: { v: { read: OUT/fact } }
  - id: noted
    note: 'a{{params.v}}b'
  - id: agreed
    confirm: { message: 'a{{params.v}}b', type: '{{params.v}}' }
";

/// Folders that have the same paths on a host and on the controller.
struct Ground<'a> {
    desk: Desk<'a>,
    folder: PathBuf,
}

impl<'a> Ground<'a> {
    fn new(lab: &'a TestLab) -> Self {
        let desk = Desk::at(lab);
        let folder = desk.path("ground");
        Self { desk, folder }
    }

    fn value(&self, pattern: &str) -> String {
        pattern.replace("PWN", &self.folder.join("pwn").display().to_string())
    }

    fn out(&self) -> PathBuf {
        self.folder.join("out")
    }

    /// The lab's host and the controller, with a var. Braces in an inventory are its author's own: not in the var.
    fn inventory(&self, var: &str) -> String {
        let text = fs::read_to_string(self.desk.inventory()).unwrap();
        let config = self.desk.lab.ssh_config_path().display().to_string();
        let text = text.replace("ssh_config: ssh_config", &format!("ssh_config: {config}"));
        let mut text = text.replace("groups:\n", "  here: { connect: { via: local } }\ngroups:\n");
        let _ = write!(text, "  all_hosts:\n    hosts: [node-1, here]\n    vars:\n      v: {}\n", Value::from(var));
        self.desk.write("inventory.yaml", &text)
    }

    /// What the places need, on both.
    fn prepare(&self, value: &str) {
        let _ = fs::remove_dir_all(&self.folder);
        fs::create_dir_all(self.out()).unwrap();
        fs::write(self.out().join("fact"), format!("{value}\n")).unwrap();
        for place in PLACES {
            for source in 0..SOURCES.len() {
                let base = self.out().join(format!("{}.d", name(place, source)));
                let at = |tail: &str| PathBuf::from(format!("{}/{tail}", base.display()));
                let parent = |path: PathBuf| fs::create_dir_all(path.parent().unwrap()).unwrap();
                match place.name {
                    "cwd" => fs::create_dir_all(at(value)).unwrap(),
                    "path" => parent(at(&format!("{value}.txt"))),
                    "link-path" => parent(at(&format!("{value}.link"))),
                    "move" => {
                        parent(at(value));
                        fs::write(at(value), "moved").unwrap();
                    }
                    "probes" => {
                        fs::create_dir_all(at(value)).unwrap();
                        fs::write(at(value).join("file"), format!("{value}\n")).unwrap();
                    }
                    "watch" => parent(at(&format!("log {value}"))),
                    _ => {}
                }
            }
        }
        let pack = ["tar", "-cPf", "-", &self.folder.display().to_string()].map(str::to_owned);
        let unpack = format!("rm -rf {0} && tar -xPf -", self.folder.display());
        pipe(&pack, &[self.desk.lab.ssh("node-1").unwrap(), vec![unpack]].concat());
    }

    /// The host's folder, brought here.
    fn fetched(&self) -> PathBuf {
        let copy = self.desk.path("copy");
        let _ = fs::remove_dir_all(&copy);
        fs::create_dir(&copy).unwrap();
        let pack = format!("cd {} && tar -cf - .", self.out().display());
        let unpack = ["tar", "-C", &copy.display().to_string(), "-xf", "-"].map(str::to_owned);
        pipe(&[self.desk.lab.ssh("node-1").unwrap(), vec![pack]].concat(), &unpack);
        copy
    }

    /// Nobody did what a value said.
    fn was_not_obeyed(&self, said: &Said) {
        assert!(!self.folder.join("pwn").exists(), "on the controller\n{said:?}");
        let look = format!("ls -d {} || :", self.folder.join("pwn").display());
        assert!(self.desk.lab.say("node-1", &look).contains("No such file"), "on the host\n{said:?}");
        assert!(fs::read_dir(self.desk.path("here")).unwrap().next().is_none());
    }
}

/// Nothing that steers a terminal.
fn shows_nothing_that_steers(said: &Said) {
    let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    for text in [&said.out, &said.err] {
        assert_eq!(text.chars().find(|&c| steers(c)), None, "{text:?}");
    }
}

fn pipe(from: &[String], to: &[String]) {
    let mut pack = Command::new(&from[0]).args(&from[1..]).stdout(Stdio::piped()).spawn().unwrap();
    let unpacked = Command::new(&to[0]).args(&to[1..]).stdin(pack.stdout.take().unwrap()).status().unwrap();
    assert!(pack.wait().unwrap().success() && unpacked.success());
}

fn arrived(place: &Place, source: usize, value: &str, out: &Path) {
    let what = format!("{} from {} with {value:?}", place.name, SOURCES[source]);
    let read = |name: &str| fs::read(out.join(name)).unwrap_or_else(|e| panic!("{what}: {e}"));
    match place.makes {
        Makes::File(expected) => {
            let found = read(&name(place, source));
            assert_eq!(String::from_utf8_lossy(&found), String::from_utf8_lossy(&expected(value)), "{what}");
        }
        Makes::Read(expected) => {
            let ending = place.name.rsplit('-').next().unwrap();
            let text = String::from_utf8(read(&format!("{}.{ending}", name(place, source)))).unwrap();
            let found: Value = match ending {
                "json" => serde_json::from_str(&text).unwrap_or_else(|e| panic!("{what}: {e}\n{text}")),
                _ => serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{what}: {e}\n{text}")),
            };
            assert_eq!(found, expected(value), "{what}");
        }
        Makes::Link(expected) => {
            let found = fs::read_link(out.join(name(place, source))).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!(found, Path::new(&expected(value)), "{what}");
        }
        Makes::Path(expected) => {
            let path = format!("{}/{}", out.display(), expected(value).replace("NAME", &name(place, source)));
            assert!(fs::symlink_metadata(&path).is_ok(), "{what}: {path:?} is not there");
        }
    }
}

#[test]
fn a_value_arrives_as_it_is_wherever_it_is_written() {
    if !namespaces() {
        return;
    }
    let lab = TestLab::up(Spec::numbered("node", 1, "nodes"));
    let ground = Ground::new(&lab);
    let out = ground.out().display().to_string();
    for pattern in HOSTILE {
        let value = ground.value(pattern);
        let braces = value.contains("{{");
        let places: Vec<&Place> = PLACES.iter().filter(|p| p.lines || !value.contains('\n')).collect();
        // a var of the inventory with braces would be its author's expression
        let sources: Vec<usize> = (0..SOURCES.len()).filter(|&s| !braces || SOURCES[s] != "vars.v").collect();
        let mut text = HEAD.replace("OUT", &out);
        for place in &places {
            for &source in &sources {
                text.push_str(&step(place, source, &out));
            }
        }
        ground.prepare(&value);
        let inventory = ground.inventory(if braces { "none" } else { &value });
        ground.desk.write("args.sh", SCRIPT);
        let runbook = ground.desk.write("hostile.yaml", &text);
        let param = format!("v={value}");
        let subject = [&runbook, "-i", &inventory, "-p", &param];
        let confirm = format!("{value}@{}", &ground.desk.plan(&subject)[..8]);
        let ran = ground.desk.run(&[&subject[..], &["--confirm", &confirm]].concat());
        assert_eq!(ran.said.code, Some(0), "{:#}\n{}", ran.closed(), ran.said.err);
        ground.was_not_obeyed(&ran.said);
        shows_nothing_that_steers(&ran.said);
        for form in ["text", "markdown", "json"] {
            shows_nothing_that_steers(&ground.desk.refloat(&["report", "--format", form]));
        }
        let copy = ground.fetched();
        for place in &places {
            for &source in &sources {
                arrived(place, source, &value, &ground.out());
                arrived(place, source, &value, &copy);
            }
        }
        let between = format!("a{value}b");
        assert_eq!(ran.events("noted").find(|e| e["step"] == "noted").unwrap()["text"], between.as_str());
        let asked = ran.events("asked").next().unwrap();
        assert_eq!(asked["expects"], value.as_str());
        // what the author wrote, and below it how far the run reaches
        let reach = asked["message"].as_str().and_then(|message| message.strip_prefix(between.as_str()));
        assert!(reach.is_some_and(|reach| reach.starts_with("\nMay change 2 hosts: node-1, here.\n")), "{asked:#}");
    }
    ground.desk.nothing_is_left(&["node-1"]);
}

/// What a wrong text was told.
fn mistakes(report: &serde_json::Value) -> String {
    let all = report["diagnostics"]["diagnostics"].as_array().expect("a list").iter();
    all.filter_map(|mistake| mistake["message"].as_str()).collect::<Vec<_>>().join("; ")
}

#[test]
fn where_a_value_makes_no_sense_it_is_refused() {
    if !namespaces() {
        return;
    }
    let lab = TestLab::up(Spec::numbered("node", 1, "nodes"));
    let ground = Ground::new(&lab);
    let out = ground.out().display().to_string();
    for (v, pattern) in HOSTILE.iter().enumerate() {
        let value = ground.value(pattern);
        ground.prepare(&value);
        let inventory = ground.inventory(if value.contains("{{") { "none" } else { &value });
        let mut last = None;
        for (p, (body, why)) in REFUSING.iter().enumerate() {
            let sources = if value.contains("{{") { [0, 2, 0] } else { [0, 1, 2] };
            let source = SOURCES[sources[(v + p) % 3]];
            let body = body.replace("OUT", &out).replace('@', source);
            let text = format!(
                "runbook: test/refused\nrisk: reversible\nparams: {{ v: {{ type: string }} }}\nvars: {{ v: {{ type: string }} }}\n\
                 steps:\n  - id: see\n    hosts: node-1\n    gather: {{ v: {{ read: {out}/fact }} }}\n  - id: refused\n    hosts: node-1\n    {body}\n"
            );
            let runbook = ground.desk.write("refused.yaml", &text);
            let ran = ground.desk.run_for_programs(&[&runbook, "-i", &inventory, "-p", &format!("v={value}")]);
            let reason = if ran.said.code == Some(3) {
                // certain before anything connects
                mistakes(&ran.report)
            } else {
                assert!(matches!(ran.said.code, Some(1 | 4)), "{body} with {value:?}: {:#}", ran.closed());
                assert_eq!(ran.closed()["step"], "refused", "{body} with {value:?}");
                ran.closed()["reason"].as_str().unwrap().to_owned()
            };
            assert!(reason.contains(why), "{body} with {value:?}: {reason}");
            shows_nothing_that_steers(&ran.said);
            assert!(!ground.folder.join("pwn").exists(), "on the controller\n{:?}", ran.said);
            last = Some(ran.said);
        }
        ground.was_not_obeyed(&last.expect("a run"));
    }
    lab.say("node-1", "sudo -n test ! -e /var/lib/owned");
    ground.desk.nothing_is_left(&["node-1"]);
}
