//! The journal's promises, against real files.

use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::Connection;
use secrecy::SecretString;

use super::*;
use crate::base::clock::Timestamp;
use crate::base::ids::UnitKey;
use crate::base::secret::{Redacted, RedactedJson};
use crate::event::{Closed, Mode, Outcome, Phase, Stream, Unit, UnitStart, Verdict};

/// Each look at it is one second later.
#[derive(Default)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1000, Ordering::Relaxed))
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

struct Place {
    temp: tempfile::TempDir,
    redactor: Redactor,
}

impl Place {
    fn new() -> Self {
        Self { temp: tempfile::tempdir().expect("a folder"), redactor: Redactor::default() }
    }

    fn open(&self) -> Journal {
        Journal::open(&self.temp.path().join("state"), Arc::new(TestClock::default()), self.redactor.clone())
            .expect("opens")
    }

    /// A connection of somebody else.
    fn sql(&self) -> Connection {
        Connection::open(self.temp.path().join("state/journal.db")).expect("opens")
    }
}

fn run(name: &str) -> RunId {
    RunId::parse(name).expect("an id")
}

fn text(text: &str) -> Redacted {
    Redactor::default().redact(text)
}

fn opened(name: &str) -> Opened {
    Opened {
        run: run(name),
        runbook: "consul/quorum".into(),
        title: text("Bring it back"),
        risk: "destructive".into(),
        plan: Digest::of("plan"),
        stored: BlobRef { file: String::new(), offset: 0, len: 0, digest: Digest::of("") },
        outline: Vec::new(),
        operator: "ada".into(),
        controller: "desk".into(),
        mode: Mode::Run,
        version: "0.1.0".into(),
        reason: None,
        origin: None,
        from: None,
    }
}

fn resumed() -> Resumed {
    Resumed {
        operator: "bob".into(),
        controller: "lap".into(),
        version: "0.1.0".into(),
        verb: "resume".into(),
        reason: None,
    }
}

fn unit(name: &str, step: &str, host: &str) -> UnitStart {
    let unit = Unit {
        run: run(name),
        step: step.into(),
        item: None,
        about: Some(host.into()),
        on: Some(host.into()),
        phase: Phase::Apply,
        attempt: 1,
        entry: None,
    };
    UnitStart::new(unit, Digest::of("body"), text("systemctl stop consul"))
}

fn step(step: &str) -> EventKind {
    EventKind::StepOpened {
        step: step.into(),
        phase: Phase::Apply,
        title: text("Stop it"),
        why: None,
        action: "run".into(),
        hosts: vec!["a".into(), "b".into()],
        items: None,
        pass: Vec::new(),
        list: None,
    }
}

fn note(words: &str) -> EventKind {
    EventKind::Noted { step: None, by: None, text: text(words) }
}

fn closed() -> EventKind {
    EventKind::RunClosed(Box::new(Closed {
        verdict: Verdict::Recovered,
        reason: text("done"),
        step: None,
        next: Vec::new(),
        outputs: RedactedJson::default(),
    }))
}

async fn begun(journal: &Journal, name: &str) -> RunLog {
    journal.begin(opened(name), b"the plan").await.expect("begins")
}

async fn record(log: &RunLog, kind: EventKind) {
    log.record(vec![kind]).await.expect("recorded");
}

fn damage(error: JournalError) -> Damage {
    match error {
        JournalError::Damaged { damage, .. } => damage,
        other => panic!("not damage: {other}"),
    }
}

#[tokio::test]
async fn what_was_recorded_is_there_after_everything_was_closed() {
    let place = Place::new();
    let log = begun(&place.open(), "r1").await;
    record(&log, step("stop")).await;
    let permits = log.start(vec![unit("r1", "stop", "a"), unit("r1", "stop", "b")]).await.expect("starts");
    let keys: Vec<UnitKey> = permits.iter().map(|permit| *permit.key()).collect();
    assert_eq!(keys, [unit("r1", "stop", "a").key, unit("r1", "stop", "b").key]);
    let end = log.end(keys[0], Outcome::Changed, RedactedJson::default(), 12).await.expect("ends");
    assert_eq!((end.seq, log.head().seq), (4, 4));
    let (state, head) = (log.state(), log.head());
    drop(log);

    let journal = place.open();
    let history = journal.history(&run("r1")).await.expect("there");
    assert_eq!((history.damage, history.head), (None, head));
    assert_eq!(history.state.as_ref(), Some(&state));
    assert_eq!(journal.verify(&run("r1"), Some(head.digest)).await.expect("sound"), head);
    let plan = journal.blob(&run("r1"), &state.header().stored).await.expect("readable");
    assert_eq!(plan.as_deref(), Some(&b"the plan"[..]));
    assert_eq!(state.open_units().count(), 1);
}

#[tokio::test]
async fn one_process_at_a_time_executes_a_run_and_only_it_is_alive() {
    let place = Place::new();
    let (journal, other) = (place.open(), place.open());
    let log = begun(&journal, "r1").await;
    assert_eq!(other.summary(&run("r1")).await.expect("there").status, RunStatus::Alive);
    let refused = other.resume(&run("r1"), resumed()).await.err().expect("refused");
    assert!(matches!(refused, JournalError::Alive { .. }), "{refused}");
    drop(log);
    assert_eq!(other.summary(&run("r1")).await.expect("there").status, RunStatus::CutOff);

    let log = other.resume(&run("r1"), resumed()).await.expect("free now");
    record(&log, closed()).await;
    drop(log);
    assert_eq!(journal.summary(&run("r1")).await.expect("there").status, RunStatus::Closed(Verdict::Recovered));
    let again = journal.begin(opened("r1"), b"").await.err().expect("refused");
    assert!(matches!(again, JournalError::Exists { .. }), "{again}");
    begun(&journal, "r2").await;
}

#[tokio::test]
async fn a_unit_that_was_left_open_is_reclaimed_once_and_only_by_the_process_that_took_over() {
    let place = Place::new();
    let journal = place.open();
    let log = begun(&journal, "r1").await;
    record(&log, step("stop")).await;
    let (a, b) = (unit("r1", "stop", "a"), unit("r1", "stop", "b"));
    log.start(vec![a.clone(), b.clone()]).await.expect("starts");
    log.end(b.key, Outcome::Ok, RedactedJson::default(), 1).await.expect("ends");
    assert!(log.reclaim(&a.key).is_err(), "it was started here");
    assert!(log.start(vec![a.clone()]).await.is_err(), "a second start");
    drop(log);
    let log = journal.resume(&run("r1"), resumed()).await.expect("free");
    assert_eq!(log.reclaim(&a.key).expect("left open").key(), &a.key);
    assert!(log.reclaim(&a.key).is_err(), "twice");
    assert!(log.reclaim(&b.key).is_err(), "it ended");
    log.end(a.key, Outcome::Ok, RedactedJson::default(), 1).await.expect("ends");
}

#[tokio::test]
async fn an_illegal_event_is_not_written_and_half_a_batch_neither() {
    let place = Place::new();
    let journal = place.open();
    let log = begun(&journal, "r1").await;
    let never_started = EventKind::UnitEnded {
        key: unit("r1", "stop", "a").key,
        outcome: Outcome::Ok,
        outputs: RedactedJson::default(),
        millis: 0,
    };
    assert!(matches!(log.record(vec![never_started.clone()]).await, Err(JournalError::Illegal(_))));
    record(&log, note("still well")).await;
    assert!(matches!(log.record(vec![note("half"), never_started]).await, Err(JournalError::Illegal(_))));
    assert!(matches!(log.record(vec![note("broken")]).await, Err(JournalError::Illegal(_))));
    assert_eq!(journal.events(&run("r1")).await.expect("sound").len(), 2);
}

#[tokio::test]
async fn the_first_failed_write_fails_everything_after_it() {
    let place = Place::new();
    let journal = place.open();
    let log = begun(&journal, "r1").await;
    record(&log, step("stop")).await;
    let fault = "CREATE TRIGGER fault BEFORE INSERT ON events WHEN NEW.seq = 3 BEGIN SELECT RAISE(FAIL, 'no'); END";
    place.sql().execute_batch(fault).expect("a fault");
    let refused = log.start(vec![unit("r1", "stop", "a")]).await.expect_err("no permit without a commit");
    assert!(matches!(refused, JournalError::Database { .. }), "{refused}");
    place.sql().execute_batch("DROP TRIGGER fault").expect("mended");
    let later = log.record(vec![note("later")]).await.expect_err("poisoned");
    assert_eq!(later.to_string(), refused.to_string());
    let other = journal.begin(opened("r2"), b"").await.err().expect("poisoned for every run");
    assert_eq!(other.to_string(), refused.to_string());
    drop(log);

    let log = place.open().resume(&run("r1"), resumed()).await.expect("a new process may go on");
    let seqs: Vec<u64> = journal.events(&run("r1")).await.expect("sound").iter().map(|event| event.seq).collect();
    assert_eq!((seqs, log.state().open_units().count()), (vec![1, 2, 3], 0));
}

#[tokio::test]
async fn damage_is_found_wherever_it_is_and_refuses_a_resume() {
    let flips = [
        // One bit of each: a text, a digest, a number; then a missing row, a moved one, and a wrong first one.
        ("UPDATE events SET json = replace(json, 'second', 'secone') WHERE seq = 3", Damage::Chain { seq: 3 }),
        ("UPDATE events SET head = replace(head, substr(head, 9, 1), 'x') WHERE seq = 2", Damage::Chain { seq: 2 }),
        ("UPDATE events SET seq = 12 WHERE seq = 4", Damage::Gap { expected: 4, found: 12 }),
        ("DELETE FROM events WHERE seq = 2", Damage::Gap { expected: 2, found: 3 }),
        ("UPDATE events SET run = 'r2' WHERE seq = 1", Damage::Gap { expected: 1, found: 2 }),
        ("UPDATE events SET json = (SELECT json FROM events WHERE seq = 2) WHERE seq = 3", Damage::Chain { seq: 3 }),
    ];
    for (flip, expected) in flips {
        let place = Place::new();
        let journal = place.open();
        let log = begun(&journal, "r1").await;
        for words in ["first", "second", "third"] {
            record(&log, note(words)).await;
        }
        let head = log.head();
        drop(log);
        assert_eq!(journal.verify(&run("r1"), None).await.expect("sound"), head);
        assert_eq!(place.sql().execute(flip, []).expect("flipped"), 1, "{flip}");
        assert_eq!(damage(journal.verify(&run("r1"), None).await.expect_err(flip)), expected);
        assert_eq!(damage(journal.events(&run("r1")).await.expect_err(flip)), expected);
        assert_eq!(damage(journal.resume(&run("r1"), resumed()).await.err().expect(flip)), expected);
        let sound = journal.history(&run("r1")).await.expect("as far as it is sound").events.len();
        assert!(sound < 4, "{flip}");
    }
}

#[tokio::test]
async fn a_shortened_history_is_found_by_a_head_that_was_kept_elsewhere() {
    let place = Place::new();
    let journal = place.open();
    let log = begun(&journal, "r1").await;
    record(&log, note("first")).await;
    let early = log.head();
    record(&log, note("last")).await;
    let late = log.head();
    drop(log);
    assert_eq!(journal.verify(&run("r1"), Some(early.digest)).await.expect("a part of it"), late);
    place.sql().execute("DELETE FROM events WHERE seq = 3", []).expect("shortened");
    assert_eq!(journal.verify(&run("r1"), None).await.expect("a chain by itself"), early);
    let found = damage(journal.verify(&run("r1"), Some(late.digest)).await.expect_err("shortened"));
    assert_eq!(found, Damage::Head { head: late.digest });
}

#[tokio::test]
async fn output_is_redacted_kept_and_checked() {
    let place = Place::new();
    place.redactor.learn(&SecretString::from("hunter2"));
    let journal = place.open();
    let log = begun(&journal, "r1").await;
    record(&log, step("stop")).await;
    let start = unit("r1", "stop", "a");
    log.start(vec![start.clone()]).await.expect("starts");
    let (blob, omitted) = log.blob(b"password=hunter2\n".to_vec()).await.expect("kept");
    let tail = log.redactor().redact("password=hunter2");
    let output = EventKind::UnitOutput { key: start.key, stream: Stream::Stdout, blob: blob.clone(), omitted, tail };
    record(&log, output).await;
    let kept = journal.blob(&run("r1"), &blob).await.expect("readable").expect("there");
    assert_eq!(kept, b"password=[secret]\n");
    journal.verify(&run("r1"), None).await.expect("sound");

    let file = place.temp.path().join("state/blobs/r1/output");
    let mut bytes = std::fs::read(&file).expect("ours");
    bytes[3] ^= 1;
    std::fs::write(&file, bytes).expect("ours");
    let found = damage(journal.verify(&run("r1"), None).await.expect_err("changed"));
    assert_eq!(found, Damage::Blob { seq: 4, file: "output".into() });
    let database = std::fs::read(place.temp.path().join("state/journal.db-wal")).expect("ours");
    assert!(!database.windows(7).any(|window| window == b"hunter2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_write_at_once_and_followers_see_each_event_once_and_in_order() {
    const WRITERS: usize = 8;
    const EACH: usize = 40;
    let place = Place::new();
    let journal = place.open();
    let log = begun(&journal, "r1").await;
    let mut live = log.subscribe(1);
    // As another process would: it knows the files only.
    let mut other = place.open().follow(&run("r1"), 1);
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let log = log.clone();
            tokio::spawn(async move {
                for n in 0..EACH {
                    record(&log, note(&format!("{writer}.{n}"))).await;
                }
            })
        })
        .collect();
    let reader = {
        let journal = place.open();
        tokio::spawn(async move {
            let mut last = 0;
            while last < 1 + WRITERS * EACH {
                let events = journal.events(&run("r1")).await.expect("a reader sees whole commits only");
                assert!(events.len() >= last);
                last = events.len();
            }
        })
    };
    for writer in writers {
        writer.await.expect("written");
    }
    reader.await.expect("read");
    drop(log);
    let expected: Vec<u64> = (1..=1 + (WRITERS * EACH) as u64).collect();
    for follower in [&mut live, &mut other] {
        let mut seen = Vec::new();
        while let Some(event) = follower.next().await.expect("sound") {
            seen.push(event.seq);
        }
        assert_eq!(seen, expected);
    }
    journal.verify(&run("r1"), None).await.expect("sound");
}

#[tokio::test]
async fn a_follower_that_lags_behind_the_channel_loses_nothing() {
    let place = Place::new();
    let journal = place.open();
    let log = begun(&journal, "r1").await;
    let mut follower = log.subscribe(1);
    assert_eq!(follower.next().await.expect("sound").expect("there").seq, 1);
    log.record((0..3000).map(|n| note(&n.to_string())).collect()).await.expect("recorded");
    drop(log);
    let mut last = 1;
    while let Some(event) = follower.next().await.expect("sound") {
        assert_eq!(event.seq, last + 1);
        last = event.seq;
    }
    assert_eq!(last, 3001);
}

#[tokio::test]
async fn a_dropped_future_still_takes_its_place() {
    let place = Place::new();
    let journal = place.open();
    let log = begun(&journal, "r1").await;
    drop(log.record(vec![note("dropped")]));
    record(&log, note("next")).await;
    assert_eq!(journal.events(&run("r1")).await.expect("sound").len(), 3);
}

#[tokio::test]
async fn runs_are_found_by_their_beginning() {
    let place = Place::new();
    let journal = place.open();
    assert!(matches!(journal.latest().await, Err(JournalError::NoRuns { .. })));
    for name in ["01aa", "01ab", "02"] {
        begun(&journal, name).await;
    }
    assert_eq!(journal.latest().await.expect("there"), run("02"));
    assert_eq!(
        journal.find("0").await.expect_err("three").to_string(),
        "0 could be any of 02, 01ab, 01aa; type more of it"
    );
    assert_eq!(journal.find("01AB").await.expect("exact"), run("01ab"));
    assert_eq!(journal.find("02").await.expect("exact"), run("02"));
    assert!(matches!(journal.find("03").await, Err(JournalError::NoSuchRun { .. })));
    assert!(matches!(journal.find("").await, Err(JournalError::NoSuchRun { .. })));
    let runs = journal.runs(2).await.expect("there");
    assert_eq!(runs.iter().map(|summary| summary.run().as_str()).collect::<Vec<_>>(), ["02", "01ab"]);
}

#[tokio::test]
async fn a_newer_journal_and_a_file_that_is_none_are_refused_as_they_are() {
    let place = Place::new();
    drop(begun(&place.open(), "r1").await);
    place.sql().pragma_update(None, "user_version", 99).expect("newer");
    let state = place.temp.path().join("state");
    let open = || Journal::open(&state, Arc::new(TestClock::default()), Redactor::default()).err().expect("refused");
    assert!(matches!(open(), JournalError::Newer { found: 99, known: 2, .. }));
    std::fs::write(state.join("journal.db"), "not a database, but long enough to look at".repeat(30)).expect("ours");
    assert!(matches!(open(), JournalError::Corrupt { .. }), "{}", open());
}

#[tokio::test]
async fn a_request_is_answered_once_or_withdrawn_and_a_version_that_does_not_know_it_says_so() {
    let place = Place::new();
    let (here, there) = (place.open(), place.open());
    let (ours, long) = (run("r1"), Duration::from_mins(1));
    let log = begun(&here, "r1").await;
    let cancel = Want::Cancel { now: true };
    // nobody listens: after the deadline nothing is left that could be answered later
    assert_eq!(there.ask(&ours, "bob", &cancel, Duration::ZERO).await.expect("asked"), Reply::Silent);
    let mut requests = log.requests().expect("listens");
    place
        .sql()
        .execute("INSERT INTO requests (run, by, want) VALUES ('r2', 'x', '{}'), ('r1', 'x', '{}')", [])
        .expect("ours");
    let newer = requests.next().await.expect("one");
    assert_eq!((newer.by.as_str(), newer.want), ("x", Want::Unknown), "neither the withdrawn one nor another run's");
    let answer = async {
        let request = requests.next().await.expect("one");
        assert_eq!((request.by.as_str(), &request.want), ("bob", &cancel));
        requests.answer(&request, &Answer::Accepted("yes".into())).await.expect("answered");
    };
    let asked = there.ask(&ours, "bob", &cancel, long);
    let (reply, ()) = tokio::join!(asked, answer);
    assert_eq!(reply.expect("asked"), Reply::Answered(Answer::Accepted("yes".into())));
    let left: i64 = place.sql().query_row("SELECT count(*) FROM requests", [], |row| row.get(0)).expect("counts");
    assert_eq!(left, 2, "who has its answer leaves nothing behind");
    // whoever executes it goes before it answers
    let (reply, ()) = tokio::join!(there.ask(&ours, "bob", &cancel, long), async {
        drop(requests.next().await);
        drop(log);
    });
    assert_eq!(reply.expect("asked"), Reply::Gone);
}

#[tokio::test]
async fn a_journal_of_the_first_format_is_read_as_it_is_and_grows_a_table_when_it_is_written() {
    let place = Place::new();
    drop(begun(&place.open(), "r1").await);
    place.sql().execute_batch("DROP TABLE requests; PRAGMA user_version = 1").expect("as it was");
    let state = place.temp.path().join("state");
    let events = Journal::read(&state).expect("opens").events(&run("r1")).await.expect("reads");
    assert_eq!(events.len(), 1);
    let version =
        || place.sql().pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).expect("a number");
    assert_eq!(version(), 1, "who only reads changes nothing");
    let log = place.open().resume(&run("r1"), resumed()).await.expect("goes on");
    log.requests().expect("listens");
    assert_eq!(version(), 2);
}

#[tokio::test]
async fn a_run_is_carried_to_another_machine_and_only_if_it_is_whole_and_the_same() {
    let (here, there) = (Place::new(), Place::new());
    let (from, to) = (here.open(), there.open());
    let log = begun(&from, "r1").await;
    assert!(from.export(&run("r1")).await.is_err(), "it goes on");
    drop(log);
    let file = from.export(&run("r1")).await.expect("exported");
    assert_eq!(to.import(file.clone()).await.expect("new"), run("r1"));
    assert_eq!(to.import(file.clone()).await.expect("the same"), run("r1"));
    assert_eq!(
        to.verify(&run("r1"), None).await.expect("whole").seq,
        from.verify(&run("r1"), None).await.expect("whole").seq
    );
    assert_eq!(to.events(&run("r1")).await.expect("whole"), from.events(&run("r1")).await.expect("whole"));
    let stored = to.summary(&run("r1")).await.expect("there").state.header().stored.clone();
    assert!(to.blob(&run("r1"), &stored).await.expect("read").is_some());
    // it goes on there and comes back
    let log = to.resume(&run("r1"), resumed()).await.expect("taken over");
    drop(log);
    let back = to.export(&run("r1")).await.expect("exported");
    assert_eq!(from.import(back.clone()).await.expect("longer"), run("r1"));
    assert_eq!(from.events(&run("r1")).await.expect("whole").len(), to.events(&run("r1")).await.expect("whole").len());
    // somebody else went on with it
    let elsewhere = Place::new();
    let other = elsewhere.open();
    other.import(file.clone()).await.expect("new");
    let log = other.resume(&run("r1"), Resumed { verb: "duty".into(), ..resumed() }).await.expect("taken over");
    drop(log);
    assert!(matches!(other.import(back).await, Err(JournalError::Diverged { .. })));
    // any changed byte and any end before the end is found
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert!(bundle::read(&changed).is_err(), "byte {at}");
    }
    for len in 0..file.len() {
        assert!(bundle::read(&file[..len]).is_err(), "{len} bytes");
    }
}
