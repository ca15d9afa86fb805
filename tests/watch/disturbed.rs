//! What comes between a run and the log that it watches: a link that is cut, or lost; a log that may not be read for a
//! while, or whose folder goes; a journal that is rotated, or whose old entries go. What is told is exact, or unknown.

use std::fs;

use refloat::lab::{Class, Spec};

use crate::recovery::desk::{Desk, Ran, eventually, fault};
use crate::support::lab::{TestLab, namespaces, systemd};

/// `WITHIN` is replaced.
const TICKS: &str = r"
runbook: test/ticks
risk: reversible
steps:
  - id: tell
    hosts: nodes
    run: echo 'tick 0' >>/tmp/told/app.log
    watch:
      log: /tmp/told/app.log
      within: WITHIN
      settle: 1s
      expect:
        - { matches: 'tick \d+' }
        - { line: the end }
      never:
        - { line: panic }
";

/// Waits until a host has sent something that nobody has confirmed.
const UNCONFIRMED: &str =
    r#"timeout 60 bash -c 'until grep -q " 01 [0-9A-F]*[1-9A-F][0-9A-F]*:" /proc/net/tcp; do :; done'"#;

/// Runs a runbook, and does something else while its watch waits.
fn beside(desk: &Desk<'_>, runbook: &str, meanwhile: impl FnOnce()) -> Ran {
    let inventory = desk.inventory();
    let said = std::thread::scope(|scope| {
        let running = scope.spawn(|| desk.refloat(&["run", runbook, "-i", &inventory]));
        eventually("the watch waits", || noted(desk, "waits at most"));
        meanwhile();
        running.join().expect("it ends")
    });
    desk.ran(said)
}

/// Whether the run of this desk has an event of a kind with this text by now.
fn tells(desk: &Desk<'_>, kind: &str, name: &str, text: &str) -> bool {
    let report = desk.refloat(&["report", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&report.out).unwrap_or_default();
    let mut events = report["events"].as_array().into_iter().flatten().filter(|event| event["event"] == kind);
    events.any(|event| event[name].as_str().is_some_and(|found| found.contains(text)))
}

/// Whether the run of this desk has noted this by now.
fn noted(desk: &Desk<'_>, text: &str) -> bool {
    tells(desk, "noted", "text", text)
}

/// The lines of a host that matched, in the order they came.
fn matched(ran: &Ran, host: &str) -> Vec<String> {
    let lines = ran.events("log_matched").filter(|event| event["host"] == host);
    lines.map(|event| event["line"].as_str().expect("a line").to_owned()).collect()
}

fn ticks(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|n| format!("tick {n}")).chain(["the end".to_owned()]).collect()
}

fn passed(ran: &Ran) {
    assert_eq!(ran.said.code, Some(0), "{:#}\n{}\n{}", ran.closed(), ran.said.out, ran.said.err);
}

#[test]
fn a_watch_is_exact_or_unknown_whatever_comes_between() {
    if !namespaces() {
        return;
    }
    let lab = TestLab::up(Spec::numbered("node", 2, "nodes"));
    let anew = || {
        for host in ["node-1", "node-2"] {
            lab.say(host, "rm -rf /tmp/told; mkdir /tmp/told; echo 'tick 99' >/tmp/told/app.log");
        }
    };
    // past the network of the host
    let write = |host: &str, lines: &str| fault(&lab, &format!("run {host} printf '{lines}' >>/tmp/told/app.log"));
    let patient = TICKS.replace("WITHIN", "60s");

    // the link of a host is cut, and is there again
    anew();
    let desk = Desk::at(&lab);
    let ran = beside(&desk, &desk.write("ticks.yaml", &patient), || {
        write("node-2", r"tick 1\nthe end\n");
        fault(&lab, "cut-link node-1");
        write("node-1", r"tick 1\ntick 2\ntick 3\n");
        // what was sent meanwhile is lost, and sent again
        fault(&lab, &format!("run node-1 {UNCONFIRMED}"));
        fault(&lab, "mend-link node-1");
        write("node-1", r"tick 4\nthe end\n");
    });
    passed(&ran);
    assert_eq!((matched(&ran, "node-1"), matched(&ran, "node-2")), (ticks(0..5), ticks(0..2)));

    // for a while the log may not be read, and then its folder is gone
    anew();
    let desk = Desk::at(&lab);
    let ran = beside(&desk, &desk.write("ticks.yaml", &patient), || {
        write("node-2", r"tick 1\nthe end\n");
        lab.say("node-1", "chmod 0 /tmp/told/app.log");
        eventually("it is said", || noted(&desk, "node-1: the log cannot be read now: it may not be read"));
        write("node-1", r"tick 1\n");
        lab.say("node-1", "chmod 644 /tmp/told/app.log");
        eventually("it is said", || noted(&desk, "node-1: the log is read again"));
        lab.say("node-1", "rm -r /tmp/told");
        eventually("it is said", || noted(&desk, "node-1: the log cannot be read now: its folder is not there"));
        lab.say("node-1", "mkdir /tmp/told");
        write("node-1", r"tick 2\nthe end\n");
    });
    passed(&ran);
    assert_eq!((matched(&ran, "node-1"), matched(&ran, "node-2")), (ticks(0..3), ticks(0..2)));

    // the connection to a host is killed, and made again
    let kill_masters = |desk: &Desk<'_>| {
        let masters = masters(desk, "10.66.0.11");
        assert_eq!(masters.len(), 1, "{masters:?}");
        assert!(std::process::Command::new("kill").args(["-9", &masters[0]]).status().expect("kill").success());
    };
    anew();
    let desk = Desk::at(&lab);
    let ran = beside(&desk, &desk.write("ticks.yaml", &patient), || {
        write("node-2", r"the end\n");
        eventually("it is read", || tells(&desk, "log_matched", "host", "node-1"));
        kill_masters(&desk);
        write("node-1", r"tick 1\nthe end\n");
    });
    passed(&ran);
    assert_eq!((matched(&ran, "node-1"), matched(&ran, "node-2")), (ticks(0..2), ticks(0..1)));

    // it is lost for good: what comes then is not known, though it does come
    anew();
    let desk = Desk::at(&lab);
    let ran = beside(&desk, &desk.write("ticks.yaml", &TICKS.replace("WITHIN", "15s")), || {
        write("node-2", r"the end\n");
        eventually("it is read", || tells(&desk, "log_matched", "host", "node-1"));
        fault(&lab, "cut-link node-1");
        kill_masters(&desk);
        write("node-1", r"the end\n");
    });
    ran.ended(5, "tell", "\"the end\" has not come on node-1; the log of node-1 cannot be read: ");
    assert_eq!((matched(&ran, "node-1"), matched(&ran, "node-2")), (vec!["tick 0".to_owned()], ticks(0..1)));
    // who is missing is said while it waits
    assert!(noted(&desk, "\"the end\" has not come on node-1, node-2"), "{:#}", ran.report["events"]);
}

/// The process ids of the masters that this desk has to an address.
fn masters(desk: &Desk<'_>, address: &str) -> Vec<String> {
    let control = desk.path("control").display().to_string();
    let processes = fs::read_dir("/proc").expect("processes").flatten().filter_map(|entry| {
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let words: Vec<_> = line.split(|b| *b == 0).map(String::from_utf8_lossy).collect();
        let ours = words.iter().any(|word| word.starts_with(&control)) && words.iter().any(|word| word == "-M");
        (ours && words.iter().any(|word| word == address)).then(|| entry.file_name().to_string_lossy().into_owned())
    });
    processes.collect()
}

/// Says so many lines, and has the journal begin a new file after each part of them.
const SPEAKER: &str = r#"[Service]
Type=oneshot
ExecStart=/bin/bash -c 'n=0; for part in 1 2 3 4 5; do for i in $(seq 100); do echo "tick $n"; n=$((n+1)); done; \
    journalctl -q --sync; journalctl -q --rotate; done; echo "the end"'
"#;

/// The journal is rotated by what is watched, and then vacuumed before what was noted at the beginning is read.
const JOURNAL: &str = r"
runbook: test/journal
risk: reversible
steps:
  - id: tell
    hosts: nodes
    sudo: true
    run: systemctl start speaker
    watch: &watch
      log: journal:speaker.service
      within: 60s
      settle: 1s
      expect:
        - { matches: 'tick \d+' }
        - { line: the end }
      never:
        - { line: panic }
  - id: again
    hosts: nodes
    sudo: true
    run: |
      systemctl start speaker
      journalctl -q --rotate
      journalctl -q --vacuum-files=1
  - id: hear
    hosts: nodes
    sudo: true
    watch: { <<: *watch, since: again, within: 3s }
";

#[test]
fn a_rotated_journal_loses_nothing_and_a_vacuumed_one_is_no_silence() {
    if !systemd() {
        return;
    }
    let lab = TestLab::up(Spec { class: Class::Systemd, ..Spec::numbered("node", 1, "nodes") });
    let unit = "sudo -n tee /run/systemd/system/speaker.service";
    lab.say("node-1", &format!("{unit} <<'END'\n{SPEAKER}END\nsudo -n systemctl daemon-reload"));
    lab.say("node-1", "sudo -n systemctl start speaker");
    let desk = Desk::at(&lab);
    let ran = desk.run(&[&desk.write("journal.yaml", JOURNAL), "-i", &desk.inventory()]);
    let first: Vec<_> = ran.events("log_matched").filter(|event| event["step"] == "tell").collect();
    let lines: Vec<_> = first.iter().map(|event| event["line"].as_str().expect("a line").to_owned()).collect();
    assert_eq!(lines, ticks(0..500));
    ran.ended(5, "hear", "lines of node-1 may be missing");
    assert!(noted(&desk, "the journal no longer has the place where it was left"));
}
