//! The rules that keep the layers apart (DESIGN, section 7), enforced over the sources. Each breach is listed with its
//! file and line, all of them in one go. Where a rule has an exception, the table says why.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The layers from the lowest up, and what each may import besides itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("text", &["base"]),
    ("event", &["base"]),
    ("template", &["base", "text"]),
    ("inventory", &["base", "text"]),
    ("transport", &["base", "inventory"]),
    ("watch", &["base", "transport"]),
    ("action", &["base", "text", "template", "inventory", "transport", "watch"]),
    ("runbook", &["base", "text", "template", "inventory", "transport", "watch", "action"]),
    ("plan", &["base", "text", "event", "template", "inventory", "transport", "watch", "action", "runbook"]),
    ("journal", &["base", "event"]),
    (
        "exec",
        &[
            "base",
            "text",
            "event",
            "template",
            "inventory",
            "transport",
            "watch",
            "action",
            "runbook",
            "plan",
            "journal",
        ],
    ),
    ("report", &["base", "event", "journal"]),
    (
        "lab",
        &[
            "base",
            "text",
            "event",
            "template",
            "inventory",
            "transport",
            "watch",
            "action",
            "runbook",
            "plan",
            "journal",
            "exec",
            "report",
        ],
    ),
    (
        "cli",
        &[
            "base",
            "text",
            "event",
            "template",
            "inventory",
            "transport",
            "watch",
            "action",
            "runbook",
            "plan",
            "journal",
            "exec",
            "report",
            "lab",
        ],
    ),
];

/// Words that stand in few places only: the word, where it may stand, why only there.
const PLACES: &[(&str, &[&str], &str)] = &[
    ("Permit::grant", &["src/journal/"], "only what is durably started gets hands"),
    ("process::Command::new", &["src/base/process.rs"], "programs are started in one place"),
    ("process::{Command", &["src/base/process.rs"], "programs are started in one place"),
    ("use std::process::Command", &["src/base/process.rs"], "programs are started in one place"),
    ("use tokio::process::Command", &["src/base/process.rs"], "programs are started in one place"),
    ("env::var", &["src/cli/"], "the environment is read by the command line"),
    ("env::args", &["src/cli/", "src/main.rs"], "the environment is read by the command line"),
    ("env::current_dir", &["src/cli/"], "the environment is read by the command line"),
    ("env::current_exe", &["src/cli/"], "the environment is read by the command line"),
    ("env::home_dir", &["src/cli/"], "the environment is read by the command line"),
    ("env::temp_dir", &["src/cli/"], "the environment is read by the command line"),
    ("println!", &[], "it panics when nobody can read it any more: outln! and errln! of the command line do not"),
    ("print!", &[], "it panics when nobody can read it any more: outln! and errln! of the command line do not"),
    ("eprintln!", &[], "it panics when nobody can read it any more: outln! and errln! of the command line do not"),
    ("eprint!", &[], "it panics when nobody can read it any more: outln! and errln! of the command line do not"),
    ("SystemTime::now", &["src/base/clock.rs"], "time is a seam"),
    ("std::time::Instant", &["src/base/clock.rs"], "time is a seam; a deadline takes tokio's, which tests can pause"),
    ("use std::time::{Duration, Instant", &["src/base/clock.rs"], "time is a seam"),
    // deadlines of connections, waits and log watches: they race with timers of tokio and must follow the same clock
    ("tokio::time::Instant", &["src/exec/", "src/transport/", "src/watch/"], "time is a seam"),
    ("#[allow(", &[], "`expect` with a reason notices when it is no longer needed"),
    ("#![allow(", &[], "`expect` with a reason notices when it is no longer needed"),
    ("todo!", &[], "what is not there is refused with a diagnostic"),
    ("unimplemented!", &[], "what is not there is refused with a diagnostic"),
    ("dbg!", &[], "left over"),
];

/// Files that are longer than 300 lines, tests included. A file may leave this list and none may join it.
const LONG: &[&str] = &[
    "src/action/file.rs",
    "src/action/probe/model.rs",
    "src/event/state.rs",
    "src/event/tests.rs",
    "src/exec/act.rs",
    "src/exec/watching.rs",
    "src/journal/tests.rs",
    "src/lab/consul.rs",
    "src/report/tests.rs",
    "src/runbook/params.rs",
    "src/runbook/validate/names.rs",
    "src/template/context/interpreter.rs",
    "src/template/context/shell.rs",
    "src/template/eval.rs",
    "src/template/parse.rs",
    "src/template/value.rs",
    "src/text/decode/tests.rs",
    "src/text/scalar.rs",
    "src/transport/runner.rs",
    "src/transport/session.rs",
    "src/watch/matcher.rs",
];

struct File {
    /// Relative to the project.
    name: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(folder: &str, ending: &str) -> Vec<File> {
    let (mut folders, mut files) = (vec![root().join(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending)
                && let Ok(text) = fs::read_to_string(&path)
            {
                let name = path.strip_prefix(root()).expect("below the project").display().to_string();
                files.push(File { name, text });
            }
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

fn sources() -> Vec<File> {
    let files = read("src", ".rs");
    assert!(files.len() > 100, "the sources were not found");
    files
}

/// A line without its comment. A text that contains `//` loses its end, which no rule here looks at.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// `Some(layer)` of a file below a folder of `src`.
fn layer_of(name: &str) -> Option<&str> {
    name.strip_prefix("src/")?.split_once('/').map(|(layer, _)| layer)
}

/// The words behind each `crate::`.
fn imports(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("crate::").filter_map(|(at, prefix)| {
        // `$crate::` and `some_crate::` are others
        let before = line[..at].chars().next_back();
        let rest = &line[at + prefix.len()..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '#').unwrap_or(rest.len());
        (!before.is_some_and(|c| c == '_' || c.is_ascii_alphanumeric())).then(|| &rest[..end])
    })
}

fn check(files: &[File], mut rule: impl FnMut(&File, &str) -> Option<String>) {
    let mut breaches = Vec::new();
    for file in files {
        for (n, line) in file.text.lines().enumerate() {
            if let Some(breach) = rule(file, line) {
                breaches.push(format!("{}:{}: {breach}\n    {}", file.name, n + 1, line.trim()));
            }
        }
    }
    assert!(breaches.is_empty(), "{} breaches\n{}", breaches.len(), breaches.join("\n"));
}

#[test]
fn layers_import_upward_only() {
    let files = sources();
    let found: BTreeSet<&str> = files.iter().filter_map(|file| layer_of(&file.name)).collect();
    let table: BTreeSet<&str> = LAYERS.iter().map(|(layer, _)| *layer).collect();
    assert_eq!(found, table, "every folder of src is a layer of the table");
    for (at, (layer, allowed)) in LAYERS.iter().enumerate() {
        for other in *allowed {
            assert!(
                LAYERS[..at].iter().any(|(below, _)| below == other),
                "{layer} may import {other}, which is not below"
            );
        }
    }
    check(&files, |file, line| {
        let layer = layer_of(&file.name)?;
        let (_, allowed) = LAYERS.iter().find(|(name, _)| *name == layer)?;
        let wrong = |import: &&str| *import != layer && !import.is_empty() && !allowed.contains(import);
        if code(line).contains("crate::{") {
            return Some("write one path for each import, so that it can be checked".to_owned());
        }
        imports(code(line)).find(wrong).map(|import| format!("`{layer}` may not import `{import}`"))
    });
}

/// `super::` out of a layer would pass by the table.
#[test]
fn no_path_leaves_its_layer_by_super() {
    check(&sources(), |file, line| {
        layer_of(&file.name)?;
        let parts = file.name.trim_start_matches("src/").trim_end_matches(".rs").split('/').collect::<Vec<_>>();
        // modules above the file's items: base/mod.rs is 1 deep, base/span.rs is 2
        let depth = parts.len() - usize::from(parts.last() == Some(&"mod"));
        // inside of `mod tests { … }` one `super` more is the file itself
        let inner = usize::from(line.starts_with(' '));
        let longest = code(line).split("super::").count() - 1;
        let chain = (1..=longest).rev().find(|n| code(line).contains(&"super::".repeat(*n)))?;
        (chain >= depth + inner).then(|| format!("{chain} × `super::` leaves the layer"))
    });
}

#[test]
fn the_crate_root_names_the_layers_and_nothing_else() {
    let root = fs::read_to_string(root().join("src/lib.rs")).expect("lib.rs");
    let named: BTreeSet<&str> =
        root.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(named, LAYERS.iter().map(|(layer, _)| *layer).collect());
}

#[test]
fn some_words_stand_in_few_places() {
    check(&sources(), |file, line| {
        let code = code(line);
        PLACES
            .iter()
            .filter(|(word, places, _)| {
                let whole = |at: usize| !code[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
                code.match_indices(word).any(|(at, _)| whole(at))
                    && !places.iter().any(|place| file.name.starts_with(place))
            })
            .map(|(word, places, why)| format!("`{word}` stands only in {places:?}: {why}"))
            .next()
    });
}

#[test]
fn the_rules_can_fail() {
    assert_eq!(imports("use crate::exec::Run;").collect::<Vec<_>>(), ["exec"]);
    assert_eq!(imports("fn f(x: crate::base::Span) -> crate::cli::Y").collect::<Vec<_>>(), ["base", "cli"]);
    assert_eq!(imports("pub(crate) use my_crate::x").count(), 0);
    assert_eq!(layer_of("src/base/span.rs"), Some("base"));
    assert_eq!(layer_of("src/main.rs"), None);
    assert_eq!(code("let a = 1; // crate::cli"), "let a = 1; ");
    let broken = File { name: "src/base/x.rs".to_owned(), text: "use crate::cli::Args;".to_owned() };
    let caught = std::panic::catch_unwind(|| {
        check(std::slice::from_ref(&broken), |_, line| imports(line).next().map(str::to_owned));
    });
    assert!(caught.is_err());
}

#[test]
fn every_file_says_what_it_is_for() {
    let mut files = sources();
    files.extend(read("tests", ".rs"));
    let silent: Vec<&str> =
        files.iter().filter(|file| !file.text.starts_with("//!")).map(|file| file.name.as_str()).collect();
    assert!(silent.is_empty(), "files begin with `//!`: {silent:#?}");
}

#[test]
fn files_stay_short() {
    let length = |file: &File| file.text.lines().count();
    let mut all = sources();
    all.extend(read("tests", ".rs"));
    let huge: Vec<String> =
        all.iter().filter(|file| length(file) > 600).map(|file| format!("{} {}", file.name, length(file))).collect();
    assert!(huge.is_empty(), "600 lines at most: {huge:#?}");
    let long: BTreeSet<String> =
        sources().into_iter().filter(|file| length(file) > 300).map(|file| file.name).collect();
    let new: Vec<&String> = long.iter().filter(|name| !LONG.contains(&name.as_str())).collect();
    assert!(new.is_empty(), "300 lines in the main; one purpose a file: {new:#?}");
    // which of them got short again is told, so that they are taken off the list
    for name in LONG.iter().filter(|name| !long.contains(**name)) {
        eprintln!("{name} is short: take it off the list");
    }
}

/// What belongs to one machine stays there: paths of a build, hosts that serve packages.
#[test]
fn nothing_names_a_machine_or_a_mirror() {
    // written in parts, so that this file does not name them
    let words = [["/wo", "rk/"], ["/tmp/", "wt"], ["artif", "actory"], ["jf", "rog"], ["pypi", ".org"], ["dl-", "cdn"]];
    let words: Vec<String> = words.iter().map(|parts| parts.concat()).collect();
    let mut files = sources();
    for (folder, ending) in
        [("tests", ""), ("runbooks", ""), ("templates", ""), ("benches", ""), ("src", ".sh"), ("docs", ""), (".ci", "")]
    {
        files.extend(read(folder, ending));
    }
    for name in ["README.md", "Makefile", "Cargo.toml", "clippy.toml"] {
        if let Ok(text) = fs::read_to_string(root().join(name)) {
            files.push(File { name: name.to_owned(), text });
        }
    }
    check(&files, |_, line| words.iter().find(|word| line.contains(*word)).map(|word| format!("names {word}")));
}
