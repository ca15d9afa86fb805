//! A disk that is full, and one of which nobody can say what is on it: nothing begins that is not written down first, and
//! what has begun is written down to its end.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Desk, Said, events};

const TWO: &str = "
  - { id: first, hosts: a, run: 'echo x >> OUT/first; echo printed' }
  - { id: second, hosts: a, run: 'echo x >> OUT/second; echo printed' }
";

/// What must hold of any run, however its journal failed. Whether a write failed.
fn holds(desk: &Desk, said: &Said) -> bool {
    let fired = said.err.contains("fails on purpose");
    assert!(!said.err.contains("panicked") && said.code.is_some_and(|code| code < 70), "{said:?}");
    let effects = ["first", "second"].map(|step| {
        let text = fs::read_to_string(desk.path("out").join(step)).unwrap_or_default();
        assert!(text.len() <= 2, "twice: {said:?}");
        (step, !text.is_empty())
    });
    let report = desk.refloat(&["report", "--format", "json"]);
    if report.code != Some(0) {
        // it failed before its first event
        assert_eq!((said.code, effects.map(|(_, had)| had)), (Some(6), [false, false]), "{said:?}{report:?}");
        return fired;
    }
    assert_eq!(desk.refloat(&["report", "--verify"]).code, Some(0));
    let report: Value = serde_json::from_str(&report.out).expect("JSON");
    let started: Vec<String> =
        events(&report, "units_started").iter().map(|event| event["units"].to_string()).collect();
    let ended = events(&report, "unit_ended").len();
    for (step, had) in effects {
        let known = started.iter().any(|units| units.contains(&format!("\"step\":\"{step}\"")));
        assert!(known || !had, "{step} had an effect and was not written down: {said:?}");
    }
    let count = effects.iter().filter(|(_, had)| *had).count();
    match said.code {
        Some(0) => assert!(count == 2 && ended == 2, "{said:?}"),
        // nothing has changed, or a start was written down and nothing was sent
        Some(6) => assert_eq!((count, ended), (0, 0), "{said:?}"),
        Some(5) => assert!(fired && started.len() >= count, "{said:?}"),
        code => panic!("{code:?}: {said:?}"),
    }
    fired
}

#[test]
fn whichever_write_fails_nothing_runs_that_is_not_written_down() {
    for fault in ["REFLOAT_FULL_AT", "REFLOAT_SYNC_FAILS_AT"] {
        let (mut codes, mut n) = (Vec::new(), 1);
        loop {
            let desk = Desk::with(TWO);
            let mut command = desk.command(&["run", "book.yaml", "-i", "inventory.yaml"]);
            let said = Said::of(&command.env(fault, n.to_string()).output().expect("the program starts"));
            if !holds(&desk, &said) {
                assert_eq!(said.code, Some(0), "{said:?}");
                break;
            }
            codes.push(said.code.expect("a code"));
            n += 1;
        }
        // plan, opened, reached, and for each step opened, started, output, its event, ended, closed; and the end
        assert!(codes.len() >= 15, "{fault}: {codes:?}");
        assert_eq!(codes[0], 6, "{fault}: {codes:?}");
        assert!(codes.contains(&5), "{fault}: {codes:?}");
        // on a full disk there is room for what became of it
        assert_eq!(codes.last() == Some(&0), fault == "REFLOAT_FULL_AT", "{fault}: {codes:?}");
    }
}

#[test]
fn what_became_of_a_step_is_written_down_on_a_disk_that_it_filled() {
    let can = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "none", "/run"]).output();
    let can = if can.is_ok_and(|done| done.status.success()) { Ok(()) } else { Err("no mount namespaces".to_owned()) };
    if !crate::support::tier("namespaces", can) {
        return;
    }
    let desk = Desk::with(
        "
  - id: first
    hosts: a
    run: head -c 100000 /dev/zero | tr '\\0' x; cat /dev/zero > STATE/filler || true
  - { id: second, hosts: a, run: touch OUT/second }
",
    );
    let state = desk.path("state");
    fs::create_dir(&state).expect("a folder");
    let book = fs::read_to_string(desk.path("book.yaml")).expect("a file");
    fs::write(desk.path("book.yaml"), book.replace("STATE", &state.display().to_string())).expect("a file");
    let script = "mount -t tmpfs -o size=4m,mode=700 none state || exit 99
        \"$0\" run book.yaml -i inventory.yaml; code=$?
        \"$0\" report --format json > report.json; cp -r state/blobs blobs; exit $code";
    let mut command = desk.program("unshare", &["-rm", "sh", "-c", script, env!("CARGO_BIN_EXE_refloat")]);
    let said = Said::of(&command.output().expect("unshare"));
    said.is(5, "is full; free some space there");
    let report = fs::read_to_string(desk.path("report.json")).expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(events(&report, "unit_ended")[0]["outcome"], "changed");
    let output = &events(&report, "unit_output")[0];
    assert_eq!((&output["omitted"], &output["blob"]["len"]), (&Value::from(100_000), &Value::from(0)), "{output}");
    assert_eq!(events(&report, "units_started").len(), 1);
    assert!(!desk.out("second"));
    assert!(!Path::new(&desk.path("blobs")).join("reserve").exists());
}

#[test]
fn a_chain_that_was_made_anew_is_whole_and_does_not_lead_to_the_head_that_was_kept() {
    use refloat::base::ids::RunId;
    use refloat::journal::Head;
    let desk = Desk::with(TWO);
    let said = desk.refloat(&["run", "book.yaml", "-i", "inventory.yaml"]);
    let words: Vec<&str> = said.out.split_whitespace().collect();
    let head = words[words.iter().position(|word| *word == "journal").expect("a head") + 1];
    desk.refloat(&["report", "--verify", "--head", head]).is(0, "whole");
    let db = rusqlite::Connection::open(desk.path("state/journal.db")).expect("opens");
    let run = desk.id();
    let mut chain = Head::start(&RunId::parse(&run).expect("an id"));
    let mut select = db.prepare("SELECT seq, json FROM events WHERE run = ?1 ORDER BY seq").expect("selects");
    let rows = select.query_map([&run], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))).expect("rows");
    for (seq, json) in rows.collect::<Result<Vec<_>, _>>().expect("rows") {
        let forged = json.replace("every step is done", "nothing was done");
        chain = chain.next(&forged);
        let row = rusqlite::params![forged, chain.digest.to_string(), run, seq];
        db.execute("UPDATE events SET json = ?1, head = ?2 WHERE run = ?3 AND seq = ?4", row).expect("updates");
    }
    assert_ne!(chain.digest.to_string(), head);
    desk.refloat(&["report", "--verify"]).is(0, "whole");
    desk.refloat(&["report"]).is(0, "nothing was done");
    desk.refloat(&["report", "--verify", "--head", head]).is(1, "it does not lead to the head");
}
