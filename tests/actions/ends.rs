//! How runs end: what was changed, who was left out, and a person who ends it.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Bench, Ran};

#[test]
fn members_of_a_group_run_only_where_its_when_holds() {
    let bench = Bench::new();
    let steps = "  - id: some\n    hosts: [ controller, a ]\n    when: eq host.name \"a\"\n    steps:\n      - { id: it, run: 'echo {{host.name}} >>OUT/said' }\n  - { id: after, hosts: [ controller, a ], run: 'echo {{host.name}} >OUT/{{host.name}}' }\n";
    let ran = bench.run(steps);
    assert_eq!(ran.code, Some(0), "{}", ran.shown);
    assert_eq!(std::fs::read_to_string(bench.out("said")).expect("a file"), "a\n");
    assert!(bench.out("controller").exists(), "it is left out of the group only");
}

#[test]
fn a_run_that_changed_nothing_is_refused_and_one_that_may_have_is_failed() {
    let bench = Bench::new();
    let write = "  - { id: it, hosts: a, file: { path: OUT/it, content: x } }\n";
    bench.run(write).well(&["changed"]);
    let never = "  - { id: never, hosts: a, require: [ { command: 'false' } ] }\n";
    let ran = bench.run(&format!("{write}{never}"));
    assert_eq!(ran.code, Some(4), "{}", ran.shown);
    let ran = bench.run(&format!("{}{never}", write.replace("content: x", "content: y")));
    assert_eq!(ran.code, Some(1), "{}", ran.shown);
}

/// Runs these steps until `OUT/began` exists, and ends them by two signals.
fn ended_twice(bench: &Bench, steps: &str) -> Ran {
    let mut command = bench.command(&["run", "book.yaml", "-i", "inventory.yaml"], steps);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let deadline = Instant::now() + Duration::from_mins(1);
    while !bench.out("began").exists() {
        assert!(Instant::now() < deadline, "it does not begin");
        thread::yield_now();
    }
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::INT).expect("a signal");
    let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    // two at once would be one
    assert!(said.any(|line| line.expect("a line").starts_with("Ending")), "the first signal was not heard");
    kill_process(pid, Signal::INT).expect("a signal");
    let rest: Vec<String> = said.map_while(Result::ok).collect();
    assert!(rest.iter().any(|line| line.starts_with("Stopping")), "{rest:?}");
    let output = child.wait_with_output().expect("it ends");
    bench.ran(&output, steps)
}

#[test]
fn what_a_person_stops_on_the_hosts_is_cancelled() {
    let bench = Bench::new();
    let ran = ended_twice(&bench, "  - { id: it, hosts: a, run: 'touch OUT/began; sleep 600' }\n");
    assert_eq!(ran.code, Some(130), "{}", ran.shown);
    for kind in ["unit_ended", "step_closed"] {
        assert_eq!(ran.events(kind).last().expect("an end")["outcome"], "cancelled", "{kind}");
    }
}

#[test]
fn a_person_stops_what_only_reads_as_well() {
    for steps in [
        "  - { id: it, hosts: a, gather: { v: { command: 'touch OUT/began; sleep 600', timeout: 20m } } }\n",
        "  - { id: it, hosts: a, require: [ { command: 'touch OUT/began; sleep 600', timeout: 20m } ] }\n",
        "  - { id: it, hosts: a, wait: { within: 20m, until: { command: 'touch OUT/began; sleep 600', timeout: 20m } } }\n",
        "  - { id: it, hosts: a, done_when: { command: 'touch OUT/began; sleep 600', timeout: 20m }, run: 'true' }\n",
        "  - { id: it, hosts: a, run: 'true', verify: { command: 'touch OUT/began; sleep 600', timeout: 20m } }\n",
        "  - { id: asked, hosts: a, require: [ { command: 'if [ -e OUT/once ]; then touch OUT/began; sleep 600; fi; touch OUT/once', timeout: 20m } ] }\n  \
         - { id: it, hosts: a, still: [ asked ], run: 'true' }\n",
    ] {
        let ran = ended_twice(&Bench::new(), steps);
        assert_eq!(ran.code, Some(130), "{}", ran.shown);
    }
}

const CUT: &str = "  - id: group\n    on_failure: undo\n    steps:\n      \
    - { id: write, hosts: a, file: { path: OUT/it, content: x } }\n      \
    - { id: same, hosts: a, directory: { path: OUT } }\n      \
    - { id: hang, hosts: a, why: it only waits, undo: none, run: 'touch OUT/began; while [ -d OUT ]; do sleep 0.1; done' }\n";

fn report(bench: &Bench, format: &str) -> String {
    let output = bench.command(&["report", "--format", format], CUT).output().expect("the program starts");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn what_stands_after_a_person_ended_a_run_is_told_with_what_to_do() {
    let bench = Bench::new();
    let ran = ended_twice(&bench, CUT);
    assert_eq!(ran.code, Some(130), "{}", ran.shown);
    let next = ran.events("run_closed").last().expect("an end")["next"].to_string();
    assert!(next.contains("by hand") && next.contains(&bench.out("it").display().to_string()), "{next}");
    let told = report(&bench, "text");
    let stands: Vec<&str> = told.lines().filter(|line| line.starts_with("  stands:")).collect();
    assert!(stands.len() == 1 && stands[0].ends_with("on a (group/write)"), "{told}");
}

#[test]
fn what_stands_after_a_run_was_killed_is_told_with_what_to_do() {
    let bench = Bench::new();
    let mut command = bench.command(&["run", "book.yaml", "-i", "inventory.yaml"], CUT);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    let deadline = Instant::now() + Duration::from_mins(1);
    while !bench.out("began").exists() {
        assert!(Instant::now() < deadline, "it does not begin");
        thread::yield_now();
    }
    child.kill().expect("it runs");
    child.wait().expect("it ended");
    let told = report(&bench, "text");
    assert!(told.contains("cut off:") && told.contains("by hand") && told.contains("may have run"), "{told}");
    let stands: Vec<&str> = told.lines().filter(|line| line.starts_with("  stands:")).collect();
    assert!(stands.len() == 1 && stands[0].ends_with("on a (group/write)"), "{told}");
    let document: serde_json::Value = serde_json::from_str(&report(&bench, "json")).expect("JSON");
    assert_eq!(document["stands"].as_array().map(Vec::len), Some(1));
}

#[test]
fn verify_is_asked_also_where_it_was_done_already() {
    let bench = Bench::new();
    let steps = "  - id: it\n    hosts: a\n    done_when: { command: 'true' }\n    verify: { command: 'test -e OUT/it' }\n    run: 'true'\n";
    bench.run(steps).failed("not so afterwards");
    std::fs::write(bench.out("it"), "").expect("a file");
    bench.run(steps).well(&["ok"]);
}

#[test]
fn what_a_sensitive_step_sees_is_not_told() {
    for body in [
        "require: [ { command: 'echo hush >&2; exit 1' } ]",
        "gather: { v: { command: 'echo hush >&2; exit 1' } }",
        "gather: { v: { command: 'echo hush' } }",
    ] {
        let ran = Bench::new().run(&format!("  - {{ id: it, hosts: a, sensitive: true, {body} }}\n"));
        let quiet = ran.events("guard_judged").chain(ran.events("unit_ended")).chain(ran.events("run_closed"));
        let told = format!("{}{:?}", ran.shown, quiet.collect::<Vec<_>>()).replace("echo hush", "");
        assert!(!told.contains("hush"), "{told}");
    }
    // nor where it fails; and what it said is a secret from then on
    let ran =
        Bench::new().run("  - { id: it, hosts: a, sensitive: true, run: 'printf hu; echo sh >&2; echo sh; exit 4' }\n");
    ran.failed("exit 4 (sensitive: not shown)");
    let bench = Bench::new();
    let it = "  - { id: it, hosts: a, sensitive: true, run: 'printf hu; echo sh' }\n";
    let ran = bench.run(&format!("{it}  - {{ id: say, note: 'it is {{{{trim outputs.it.stdout}}}}' }}\n"));
    assert_eq!(ran.code, Some(0), "{}", ran.shown);
    assert!(!format!("{}{}", ran.shown, ran.report).contains("hush"), "{}", ran.shown);
    bench
        .run(&format!("{it}  - {{ id: say, hosts: a, run: 'echo {{{{outputs.it.stdout}}}}' }}\n"))
        .failed("is a secret");
}
