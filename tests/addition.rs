//! An action is one file and one line. The sources are copied, a fixture action is put among them as an author of actions
//! would put it there, the program is built, and it knows the action everywhere: in `refloat actions`, in the schema, in
//! `validate`, `plan` and `run`. The two trees are then compared line by line.
//!
//! The copy lies at one place below the target folder and shares its dependencies, so that only this crate is built. Its
//! manifest differs by the program's name, since `refloat` in the target folder is the one that the other tests start, and
//! by its version, without which cargo would take the copy's library for ours and not build ours again when it is changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The texts below a folder, by their paths there.
fn tree(root: &Path) -> BTreeMap<PathBuf, String> {
    fn walk(folder: &Path, root: &Path, all: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, root, all);
            } else {
                let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                all.insert(path.strip_prefix(root).expect("below it").to_owned(), text);
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(root, root, &mut all);
    all
}

/// Makes a folder hold these texts and nothing else. What is so already is not written, so that it is not built again.
fn put(root: &Path, texts: &BTreeMap<PathBuf, String>) {
    fs::create_dir_all(root).expect("a folder");
    let there = tree(root);
    for path in there.keys().filter(|path| !texts.contains_key(*path)) {
        fs::remove_file(root.join(path)).expect("taken away");
    }
    for (path, text) in texts.iter().filter(|(path, text)| there.get(*path) != Some(text)) {
        fs::create_dir_all(root.join(path).parent().expect("a folder")).expect("a folder");
        fs::write(root.join(path), text).expect("written");
    }
}

/// The lines that are only here or only there, each with its file.
fn difference(one: &BTreeMap<PathBuf, String>, two: &BTreeMap<PathBuf, String>) -> Vec<(PathBuf, String)> {
    let only = |of: &BTreeMap<PathBuf, String>, other: &BTreeMap<PathBuf, String>| {
        let mut all = Vec::new();
        for (path, text) in of {
            let mut left: Vec<&str> = other.get(path).map(|text| text.lines().collect()).unwrap_or_default();
            for line in text.lines() {
                match left.iter().position(|other| *other == line) {
                    Some(at) => drop(left.remove(at)),
                    None => all.push((path.clone(), line.to_owned())),
                }
            }
        }
        all
    };
    [only(one, two), only(two, one)].concat()
}

const RUNBOOK: &str = "runbook: a/b\nrisk: reversible\nsteps:\n  - id: begun\n    hosts: controller\n    undo: none\n    why: it is only a mark\n    mark: { path: OUT }\n";

#[test]
fn an_action_is_one_file_and_one_line() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let without = tree(&root.join("src"));
    let mut with = without.clone();
    let file = Path::new("action/mark.rs");
    let own = fs::read_to_string(root.join("tests/fixtures/addition/mark.rs")).expect("the fixture");
    assert!(with.insert(file.to_owned(), own.clone()).is_none(), "the fixture is no action of ours");
    let table = with.get_mut(Path::new("action/mod.rs")).expect("the table");
    assert_eq!(table.matches("    link,\n").count(), 1, "one table");
    *table = table.replace("    link,\n", "    link,\n    mark,\n");

    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let programs = Path::new(env!("CARGO_BIN_EXE_refloat")).parent().expect("a folder");
    let profile = programs.file_name().expect("a name").to_str().expect("UTF-8").replace("debug", "dev");
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("addition");
    put(&copy.join("src"), &with);
    let mut scaffold = BTreeMap::new();
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("a manifest");
    let bin = "[[bin]]\nname = \"refloat\"\n";
    assert_eq!(manifest.matches(bin).count(), 1, "one program");
    let manifest = manifest.replace(bin, "[[bin]]\nname = \"refloat-with-mark\"\n");
    let lock = fs::read_to_string(root.join("Cargo.lock")).expect("a lock file");
    let version = |version| format!("name = \"refloat\"\nversion = \"{version}\"\n");
    let ours = version(env!("CARGO_PKG_VERSION"));
    for (name, text) in [("Cargo.toml", manifest), ("Cargo.lock", lock)] {
        assert_eq!(text.matches(&ours).count(), 1, "one version in {name}");
        scaffold.insert(name, text.replace(&ours, &version("0.0.0-copy")));
    }
    for (name, text) in scaffold {
        if fs::read_to_string(copy.join(name)).ok().as_ref() != Some(&text) {
            fs::write(copy.join(name), text).expect("written");
        }
    }
    // the manifest names it
    fs::create_dir_all(copy.join("tests")).expect("a folder");
    if !copy.join("tests/main.rs").exists() {
        fs::write(copy.join("tests/main.rs"), "").expect("written");
    }

    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        // as the other tests were built, so that each dependency is there already
        .args(["test", "--no-run", "--quiet", "--locked", "--offline", "--test", "all", "--profile", &profile])
        .current_dir(&copy)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let lines = difference(&without, &tree(&copy.join("src")));
    let (file_lines, others): (Vec<_>, Vec<_>) = lines.into_iter().partition(|(path, _)| path == file);
    assert_eq!(others, [(PathBuf::from("action/mod.rs"), "    mark,".to_owned())], "one line");
    assert_eq!(file_lines.len(), own.lines().count(), "one file");

    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    fs::write(folder.path().join("a.yaml"), RUNBOOK.replace("OUT", &out.display().to_string())).expect("written");
    fs::write(folder.path().join("inventory.yaml"), "inventory: t\nhosts: { a: }\n").expect("written");
    let refloat = |args: &[&str]| -> Output {
        let output = Command::new(programs.join("refloat-with-mark"))
            .args(args)
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .env("XDG_RUNTIME_DIR", folder.path())
            .env("REFLOAT_STATE", folder.path().join("state"))
            .output()
            .expect("the program starts");
        assert!(output.status.success(), "{args:?}: {output:?}");
        output
    };
    let said = |args: &[&str]| String::from_utf8_lossy(&refloat(args).stdout).into_owned();
    assert!(said(&["actions"]).lines().any(|line| line.starts_with("mark ")));
    assert!(said(&["actions", "mark"]).contains("A file without content is there."));
    let schema: Value = serde_json::from_str(&said(&["schema"])).expect("JSON");
    assert!(schema["definitions"]["mark"]["properties"]["path"]["description"].is_string());
    assert!(schema["definitions"]["a-step"]["properties"]["mark"].is_object());
    refloat(&["validate", "a.yaml", "-i", "inventory.yaml"]);
    let plan = said(&["plan", "a.yaml", "-i", "inventory.yaml"]);
    assert!(plan.contains(&format!("mark {}", out.display())), "{plan}");
    for outcome in ["changed", "ok"] {
        refloat(&["run", "a.yaml", "-i", "inventory.yaml"]);
        assert_eq!(fs::read(&out).expect("the mark"), b"");
        let report: Value = serde_json::from_str(&said(&["report", "--format", "json"])).expect("JSON");
        let closed = report["events"].as_array().expect("events").iter().find(|event| event["event"] == "step_closed");
        assert_eq!(closed.expect("an end")["outcome"], outcome);
    }
}
