//! Wrong texts: more than 50 runbooks, drills, inventories, templates and params with several mistakes each. The whole
//! list is asserted, in order: no mistake hides another, none is reported twice, carets are right beside non-ASCII text.
//!
//! Each file ends with its mistakes, `# wrong: CODE LINE:COLUMN [in FILE]`, which are asserted apart from the snapshots:
//! a snapshot that was accepted unread cannot hide a regression. What is in no text has a CODE only. A first line `# with: ARGUMENTS` says how it is read.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use refloat::base::codes::{CODES, find};
use regex::Regex;
use serde_json::Value;

/// A mistake as it is asserted: file, line, column, code.
type Mistake = (String, u64, u64, String);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder().join("wrong"))
        .expect("the corpus is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    files.sort();
    files
}

/// The command line that reads a file of the corpus.
fn arguments(path: &Path, text: &str) -> Vec<String> {
    let file = path.strip_prefix(folder()).expect("below the corpus").display().to_string();
    let line = text.lines().next().and_then(|line| line.strip_prefix("# with: ")).unwrap_or("validate FILE");
    line.split(' ').map(|word| if word == "FILE" { file.clone() } else { word.to_owned() }).collect()
}

/// The binary in a plain environment: no colour, no state of the user.
fn refloat(program: &[&str], arguments: &[String]) -> Output {
    let (first, more) = program.split_first().expect("a program");
    Command::new(first)
        .args(more)
        .args(arguments)
        .current_dir(folder())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", "/nonexistent")
        .output()
        .expect("the binary starts")
}

const BINARY: &str = env!("CARGO_BIN_EXE_refloat");

/// What the file says of itself.
fn intended(path: &Path, text: &str) -> Vec<Mistake> {
    let own = path.strip_prefix(folder()).expect("below the corpus").display().to_string();
    let mut all: Vec<Mistake> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# wrong: "))
        .map(|line| {
            let (line, file) = line.split_once(" in ").unwrap_or((line, &own));
            let Some((code, place)) = line.split_once(' ') else {
                return (String::new(), 0, 0, line.to_owned());
            };
            let (line, column) = place.split_once(':').expect("LINE:COLUMN");
            let number = |text: &str| text.parse().expect("a number");
            (file.to_owned(), number(line), number(column), code.to_owned())
        })
        .collect();
    all.sort();
    all
}

/// What the binary says, in its order.
fn reported(arguments: &[String]) -> Vec<Mistake> {
    let output = refloat(&[BINARY], &[arguments, &["--output".to_owned(), "json".to_owned()]].concat());
    let document: Value = serde_json::from_slice(&output.stdout).expect("a JSON document");
    let list = document["diagnostics"]["diagnostics"].as_array().expect("a list of findings");
    list.iter()
        .map(|finding| {
            let place = &finding["place"];
            let number = |key: &str| place[key].as_u64().unwrap_or_default();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(&place["file"]), number("line"), number("column"), text(&finding["code"]))
        })
        .collect()
}

#[test]
fn every_mistake_is_reported_once_and_at_its_place() {
    let files = files();
    assert!(files.len() >= 50, "{}", files.len());
    let mut codes = BTreeSet::new();
    let (mut non_ascii, mut several) = (0, 0);
    for path in &files {
        let text = fs::read_to_string(path).expect("a text");
        let intended = intended(path, &text);
        assert!(!intended.is_empty(), "{}: a mistake", path.display());
        several += usize::from(intended.len() >= 2);
        let mut found = reported(&arguments(path, &text));
        // several texts are shown one after another, in the order in which they were read
        let place = |mistake: &Mistake| (mistake.1, mistake.2);
        let in_order = |file: &str| {
            let places: Vec<_> = found.iter().filter(|mistake| mistake.0 == file).map(place).collect();
            places.is_sorted()
        };
        let texts: BTreeSet<String> = found.iter().map(|mistake| mistake.0.clone()).collect();
        assert!(texts.iter().all(|file| in_order(file)), "{}: {found:#?}", path.display());
        found.sort();
        assert_eq!(found, intended, "{}", path.display());
        non_ascii += usize::from(!text.is_ascii());
        codes.extend(intended.into_iter().map(|mistake| mistake.3));
    }
    assert!(non_ascii >= 45, "{non_ascii}");
    assert!(several >= 55, "{several}: no mistake hides another");
    let missing: Vec<&str> = CODES.iter().map(|code| code.name).filter(|code| !codes.contains(*code)).collect();
    assert_eq!(missing, ELSEWHERE, "each code has a wrong text that shows it");
}

/// Codes of what is in no text that a person writes, and the test that shows each instead.
const ELSEWHERE: &[&str] = &[
    // plan::restore::tests::a_plan_of_another_form_is_refused: it speaks of what lies in the journal
    "stored-plan",
];

/// A code is in the table before it is used: what no test runs into is found by reading.
#[test]
fn every_code_of_the_sources_is_in_the_table() {
    let call = Regex::new(
        r#"(?:Diagnostic|Problem|Wrong|Self)::(?:error|warning|placeless|new)\(\s*"([a-z0-9-]+)"|code: "([a-z0-9-]+)",\s*message"#,
    )
    .expect("a pattern");
    let mut found = BTreeSet::new();
    for layer in ["base", "text", "template", "inventory", "action", "runbook", "plan", "lab", "cli"] {
        for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(layer)) {
            let text = fs::read_to_string(&path).expect("a source");
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            let code = |found: regex::Captures<'_>| found.iter().flatten().last().map(|code| code.as_str().to_owned());
            found.extend(call.captures_iter(text).filter_map(code));
        }
    }
    let unknown: Vec<&String> = found.iter().filter(|code| find(code).is_none()).collect();
    assert!(found.len() > 100 && unknown.is_empty(), "{} found, not in base::codes: {unknown:?}", found.len());
}

/// The sources below a folder, without tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    let mut all: Vec<PathBuf> = folders.iter().flat_map(|folder| sources(folder)).collect();
    all.extend(
        files.into_iter().filter(|file| file.extension().is_some_and(|e| e == "rs") && !file.ends_with("tests.rs")),
    );
    all
}

#[test]
fn what_people_see_of_each_file() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("corpus/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let _guard = settings.bind_to_scope();
    for path in files() {
        let text = fs::read_to_string(&path).expect("a text");
        let output = refloat(&[BINARY], &arguments(&path, &text));
        assert_eq!(output.status.code(), Some(3), "{}: wrong text", path.display());
        let shown = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(!shown.contains('\u{1b}'), "no colour where nobody sees it");
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        insta::assert_snapshot!(name, shown);
    }
}

#[test]
fn no_snapshot_is_left_over() {
    let names = |folder: PathBuf, ending: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        entries.filter_map(|name| name.to_string_lossy().strip_suffix(ending).map(str::to_owned)).collect()
    };
    assert_eq!(names(folder().join("wrong"), ".yaml"), names(folder().join("snapshots"), ".snap"));
}

/// `validate` opens no socket, connects to nothing and starts no other program.
#[test]
fn validating_connects_to_nothing_and_starts_nothing() {
    let strace = Command::new("strace").arg("-V").output().map(|_| ()).map_err(|error| format!("strace: {error}"));
    if !crate::support::tier("strace", strace) {
        return;
    }
    let scratch = tempfile::tempdir().expect("a folder");
    for name in ["19-selectors-inventory.yaml", "28-templates.yaml", "42-inventory-connect.yaml"] {
        let path = folder().join("wrong").join(name);
        let text = fs::read_to_string(&path).expect("a text");
        let trace = scratch.path().join(name);
        let shown = trace.display().to_string();
        let output = refloat(
            &["strace", "-f", "-qq", "-e", "trace=network,process", "-o", &shown, BINARY],
            &arguments(&path, &text),
        );
        assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
        let trace = fs::read_to_string(&trace).expect("a trace");
        let starts = trace.lines().filter(|line| line.contains("execve(")).count();
        assert_eq!(starts, 1, "only refloat itself:\n{trace}");
        let network = ["socket(", "connect(", "socketpair(", "sendto(", "bind("];
        let calls: Vec<&str> = trace.lines().filter(|line| network.iter().any(|call| line.contains(call))).collect();
        assert!(calls.is_empty(), "{calls:#?}");
    }
}
