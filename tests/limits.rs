//! The limits of texts: what is larger is refused with a position, by counting and not by waiting, in little memory and on
//! the small stack of a worker.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Output};

use refloat::base::diag::Diagnostics;
use refloat::base::span::SourceId;
use refloat::text::{MAX_ALIASES, MAX_BYTES, MAX_DEPTH, MAX_NODES, parse};
use serde_json::Value;

/// The code and the place of the one finding; `None`: the text is read.
fn finding(text: &str) -> Option<(&'static str, u32)> {
    let diags = Diagnostics::new();
    let tree = parse(SourceId(0), text, &diags);
    let all = diags.into_sorted();
    assert_eq!(tree.is_none(), !all.is_empty(), "{all:?}");
    assert!(all.len() < 2, "{all:?}");
    all.first().map(|one| (one.code, one.span.expect("a place").start))
}

/// Exactly at each limit a text is read; one more is refused, at that place.
#[test]
fn the_counters_are_exact() {
    let deep = |n: usize| format!("a: {}1{}", "[".repeat(n), "]".repeat(n));
    // the map around it is a level
    assert_eq!(finding(&deep(MAX_DEPTH - 1)), None);
    let (code, at) = finding(&deep(MAX_DEPTH)).expect("too deep");
    assert_eq!((code, at as usize), ("text-too-large", 3 + MAX_DEPTH - 1));

    let aliases = |n: usize| format!("a: &x 1\nb: [{}]", vec!["*x"; n].join(","));
    assert_eq!(finding(&aliases(MAX_ALIASES)), None);
    let (code, at) = finding(&aliases(MAX_ALIASES + 1)).expect("too many");
    assert_eq!((code, at as usize), ("text-too-large", 8 + 4 + 3 * MAX_ALIASES));

    let large = |n: usize| format!("a: \"{}\"", "x".repeat(n - 5));
    assert_eq!(finding(&large(MAX_BYTES)), None);
    assert_eq!(finding(&large(MAX_BYTES + 1)), Some(("text-too-large", u32::try_from(MAX_BYTES).expect("small"))));

    // the map, its key and the list are values too
    let nodes = |n: usize| format!("a: [{}]", vec!["1"; n].join(","));
    assert_eq!(finding(&nodes(MAX_NODES - 3)), None);
    let (code, at) = finding(&nodes(MAX_NODES + 1)).expect("too many");
    assert_eq!(code, "text-too-large");
    assert!(at as usize >= 2 * (MAX_NODES - 10), "at the value that is too much: {at}");
}

fn laughs() -> String {
    let mut laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for n in 1..9 {
        writeln!(laughs, "a{n}: &a{n} [{}]", vec![format!("*a{}", n - 1); 10].join(",")).expect("a string");
    }
    laughs
}

/// The program over a text in 256 MiB of address space.
fn refloat(verb: &str, text: &str) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("book.yaml"), text).expect("a file");
    fs::write(folder.path().join("inventory.yaml"), "inventory: t\nhosts: { a: }\n").expect("a file");
    Command::new("sh")
        .args(["-c", "ulimit -v 262144 && exec \"$0\" $1", env!("CARGO_BIN_EXE_refloat"), verb])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .expect("the shell starts")
}

const VALIDATE: &str = "validate book.yaml --output json";
const PLAN: &str = "plan book.yaml -i inventory.yaml";

#[test]
fn what_is_too_large_is_refused_in_little_memory() {
    for (what, text) in [
        ("bytes", format!("a: \"{}\"", "x".repeat(64 * MAX_BYTES))),
        ("depth", format!("a: {}", "[".repeat(MAX_BYTES - 10))),
        ("block depth", (0..1_000).fold(String::new(), |text, n| text + &" ".repeat(n) + "a:\n")),
        ("aliases", format!("a: &x 1\nb: [{}]", "*x,".repeat(100_000))),
        ("values", format!("a: [{}]", "1,".repeat(500_000))),
        ("laughs", laughs()),
    ] {
        let output = refloat(PLAN, &text);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(3) && (said.contains("text-too-large") || said.contains("unreadable")),
            "{what}: {:?} {said}",
            output.status
        );
        let output = refloat(VALIDATE, &text);
        assert_eq!(output.status.code(), Some(3), "{what}: {}", String::from_utf8_lossy(&output.stderr));
        let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let all = document["diagnostics"]["diagnostics"].as_array().expect("a list");
        assert_eq!(all.len(), 1, "{what}: {all:#?}");
        // a text that was never read has no place, as it has no lines
        let code = all[0]["code"].as_str().expect("a code");
        assert!(
            code == "text-too-large" && all[0]["place"]["line"].is_number() || code == "unreadable",
            "{what}: {all:#?}"
        );
    }
}

#[test]
fn the_largest_text_that_is_read_needs_little_memory() {
    let list = vec!["1"; 150_000].join(",");
    let text = format!(
        "runbook: a/b\nrisk: read-only\nparams:\n  a: {{ type: list, default: [{list}] }}\nsteps: [ {{ note: a }} ]\n"
    );
    for verb in [VALIDATE, PLAN, "schema runbook", "schema drill", "schema inventory"] {
        let output = refloat(verb, &text);
        assert_eq!(output.status.code(), Some(0), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!output.stdout.is_empty(), "{verb}");
    }
}

/// A worker's stack is small, and a runtime of one thread has no other.
#[test]
fn the_deepest_text_is_read_on_a_runtime_of_one_thread() {
    let worker = std::thread::Builder::new().stack_size(256 * 1024).spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let deep = |n: usize| format!("a: {}1{}", "[".repeat(n), "]".repeat(n));
            (finding(&deep(MAX_DEPTH - 1)), finding(&deep(100_000)).map(|(code, _)| code))
        })
    });
    let seen = worker.expect("a thread").join().expect("no panic");
    assert_eq!(seen, (None, Some("text-too-large")));
}
