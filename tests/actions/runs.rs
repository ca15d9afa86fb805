//! What a `run` can be besides a text: a script beside the runbook, another shell, its input, its good exit codes.

use std::fs;

use super::Bench;

#[test]
fn a_script_gets_its_arguments_and_its_own_shell() {
    let bench = Bench::new();
    fs::create_dir(bench.beside("scripts")).expect("a folder");
    let script = "#!/usr/bin/env bash\nlist=(x y)\nprintf '%s|' \"$@\" \"${list[1]}\" \"$(cat)\"\n";
    fs::write(bench.beside("scripts/say it.sh"), script).expect("a file");
    let steps = "  - id: it\n    hosts: controller\n    run: { script: \"scripts/say it.sh\", args: [ \"a b\", \"{{host.name}}\", \"$(x)\" ], stdin: \"in\\n\" }\n  - { id: told, note: '{{outputs.it.stdout}}' }\n";
    assert!(bench.plan(steps).contains("'scripts/say it.sh' 'a b' controller '$(x)'"), "{}", bench.plan(steps));
    let ran = bench.run(steps);
    ran.well(&["changed", "ok"]);
    assert_eq!(ran.notes(), ["a b|controller|$(x)|y|in|"]);
    fs::write(bench.beside("scripts/say it.sh"), "echo before; false; echo after").expect("a file");
    bench.run(steps).failed("exit 1");
    fs::write(bench.beside("scripts/say it.sh"), "#!/usr/bin/perl\nprint 1;").expect("a file");
    let output = bench.refloat(&["validate", "book.yaml"], steps);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("which is no shell"), "{output:?}");
}

#[test]
fn a_text_in_another_shell_with_other_good_codes() {
    let bench = Bench::new();
    let steps = "  - id: it\n    hosts: controller\n    run: { command: 'x=(1 2); echo ${#x[@]}; exit 3', shell: bash, ok_codes: [ 0, 3 ], idempotent: true }\n  - { id: told, note: '{{outputs.it.value}} {{outputs.it.exit}}' }\n";
    let ran = bench.run(steps);
    ran.well(&["changed", "ok"]);
    assert_eq!(ran.notes(), ["2 3"]);
    bench.run(&steps.replace("[ 0, 3 ]", "[ 0 ]")).failed("exit 3");
    bench.run(&steps.replace("shell: bash", "shell: 'bash -x'")).failed("cannot be the name of a shell");
    let probe = "  - id: it\n    hosts: controller\n    require:\n      - { command: { command: 'x=(1 2); echo ${#x[@]} $(cat)', shell: bash, stdin: in }, that: eq result.value \"2 in\" }\n";
    bench.run(probe).well(&["ok"]);
}

#[test]
fn a_step_that_ends_well_and_is_not_done_is_tried_again_where_it_is_not() {
    let bench = Bench::new();
    // a second effect for each of two items: the first is done at once, the other after three attempts
    let steps = "  - id: it\n    hosts: a\n    for_each: split \"1 3\" \" \"\n    timeout: 1s\n    retry: { attempts: 3, delay: 10ms }\n    \
         done_when: { command: 'test \"$(wc -l <OUT/{{item}})\" -ge {{item}}' }\n    \
         run: 'echo x >>OUT/{{item}}'\n    undo: none\n    why: it only counts\n";
    let ran = bench.run(steps);
    ran.well(&["changed"]);
    let lines = |name: &str| std::fs::read_to_string(bench.out(name)).expect("a file").lines().count();
    assert_eq!([lines("1"), lines("3")], [1, 3], "{}", ran.shown);
    // what is done is not carried out again
    bench.run(steps).well(&["ok"]);
    assert_eq!([lines("1"), lines("3")], [1, 3]);
    let never = steps.replace("-ge {{item}}", "-ge 9");
    bench.run(&never).failed("it was carried out and is not done");
    assert_eq!(lines("1"), 4, "three more attempts");
}

#[test]
fn what_was_lost_sight_of_is_decided_by_done_when() {
    let bench = Bench::new();
    // what watches the step on its host is killed, so nobody knows its end
    let lost = "  - id: it\n    hosts: a\n    timeout: 2s\n    undo: none\n    why: it only tells\n    run: 'echo x >>OUT/it; kill -9 $PPID; kill -9 $$'\n";
    let ran = bench.run(lost);
    assert_eq!(ran.code, Some(5), "{}", ran.shown);
    assert_eq!(ran.events("unit_ended").last().expect("an end")["outcome"], "unknown", "{}", ran.shown);
    let lines = || fs::read_to_string(bench.out("it")).expect("a file").lines().count();
    assert_eq!(lines(), 1);
    let asked = format!("{lost}    done_when: {{ command: 'test \"$(wc -l <OUT/it)\" -ge 2' }}\n");
    // it is kept for whoever finds out
    let owner = ran;
    bench.run(&asked).failed("a is locked by run ");
    let ran = bench.over(&owner, &asked);
    ran.well(&["changed"]);
    assert_eq!(ran.events("unit_marked").count(), 1, "{}", ran.shown);
    assert_eq!(lines(), 2);
    let ran = bench.run(&asked.replace("-ge 2", "-ge 9"));
    assert_eq!(ran.code, Some(5), "{}", ran.shown);
    assert_eq!(lines(), 3, "never a second time");
}

#[test]
fn what_is_left_out_of_a_long_output_is_counted_and_nobody_reads_it_as_the_whole() {
    let bench = Bench::new();
    let long = "  - id: it\n    hosts: a\n    run: \"head -c 3000000 /dev/zero | tr '\\\\0' x; head -c 2000000 /dev/zero >&2\"\n";
    let ran = bench.run(long);
    ran.well(&["changed"]);
    let counts = |ran: &super::Ran| -> Vec<(u64, u64)> {
        let of = |event: &serde_json::Value, path: &str| event.pointer(path).and_then(serde_json::Value::as_u64);
        ran.events("unit_output").filter_map(|event| Some((of(event, "/blob/len")?, of(event, "/omitted")?))).collect()
    };
    assert_eq!(counts(&ran), [(1 << 20, 3_000_000 - (1 << 20)), (1 << 20, 2_000_000 - (1 << 20))], "{}", ran.shown);
    assert!(ran.shown.contains("1951424 bytes left out"), "{}", ran.shown);
    let parsed = long.replace("head -c 3000000", "echo '{}'; head -c 3000000") + "    parse: lines\n";
    bench.run(&parsed).failed("its output cannot be parsed, since 1951427 bytes in the middle of it are left out");
    // also what the host itself has thrown away
    let flood =
        "  - id: it\n    hosts: a\n    run: \"head -c 150000000 /dev/zero; sleep 1.5; head -c 1000000 /dev/zero\"\n";
    let ran = bench.run(flood);
    ran.well(&["changed"]);
    let [(kept, omitted)] = counts(&ran)[..] else { panic!("{}", ran.shown) };
    assert!(kept <= 1 << 20 && (140_000_000..=151_000_000).contains(&(kept + omitted)), "{kept} + {omitted}");
}

#[test]
fn what_still_runs_in_the_background_is_told() {
    let bench = Bench::new();
    let steps = "  - id: it\n    hosts: a\n    run: 'while [ -d OUT ]; do sleep 0.05; done & echo $!'\n";
    let ran = bench.run(steps);
    ran.well(&["changed"]);
    assert_eq!(ran.notes(), ["a: something that it started in the background still runs"]);
    bench.run("  - { id: it, hosts: a, run: 'true' }\n").well(&["changed"]);
}
