//! Secrets that come from a variable, a file, a program.

use std::fs;

use super::Bench;

const STEPS: &str = r#"
  - id: say
    hosts: a
    env: { C: "{{params.said}}", F: "{{params.kept}}", V: "{{vars.own}}" }
    run: printf '%s/%s/%s' "$C" "$F" "$V" >OUT/said; echo "$C $F $V"
params:
  said: { type: secret, from: { command: touch OUT/started; echo said-by-a-program } }
  kept: { type: secret, from: { file: OUT/key } }
vars:
  own: { type: secret, from: { command: [ printf, "own-%s\n", secret ] } }
"#;

#[test]
fn a_secret_is_fetched_for_a_run_and_masked_and_a_plan_starts_nothing() {
    let bench = Bench::new();
    fs::write(bench.out("key"), "kept-in-a-file\n").expect("a file");
    let plan = bench.refloat(&["plan", "--output", "json", "book.yaml", "-i", "inventory.yaml"], STEPS);
    let plan: serde_json::Value = serde_json::from_slice(&plan.stdout).expect("JSON");
    assert!(!bench.out("started").exists());
    let ran = bench.run(STEPS);
    ran.well(&["changed"]);
    assert_eq!(fs::read_to_string(bench.out("said")).expect("a file"), "said-by-a-program/kept-in-a-file/own-secret");
    // it is the same plan, whatever the secrets are
    assert_eq!(ran.events("run_opened").next().expect("a beginning")["plan"], plan["plan"]);
    for secret in ["said-by-a-program", "kept-in-a-file", "own-secret"] {
        assert!(!ran.shown.contains(secret), "{}", ran.shown);
        assert!(!ran.report.to_string().contains(secret), "{}", ran.report);
    }
}

#[test]
fn a_secret_that_cannot_be_had_stops_the_run_before_it_begins() {
    let bench = Bench::new();
    fs::write(bench.out("key"), "\n").expect("a file");
    bench.run(STEPS).failed("the secret `kept` cannot be had: it is empty");
    fs::remove_file(bench.out("key")).expect("removed");
    bench.run(STEPS).failed("key: No such file");
    fs::write(bench.out("key"), "kept-in-a-file\n").expect("a file");
    let failing = STEPS.replace("echo said-by-a-program", "echo half-of-it; echo >&2 locked; exit 3");
    let ran = bench.run(&failing);
    ran.failed("its command ended with exit status: 3: locked");
    assert!(!ran.shown.contains("half-of-it\n"), "{}", ran.shown);
}
