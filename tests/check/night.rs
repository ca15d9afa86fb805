//! Every night: the line of the documentation, run as it stands there; what is told when, and what is written for others.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use serde_json::Value;

use super::verdicts::checked;
use crate::talk::Desk;

const STEPS: &str = "
  - { id: outage, hosts: a, symptom: { path: OUT/broken } }
  - { id: flag, hosts: a, require: { path: OUT/flag, message: 'no \"flag\" <here>' } }
";

/// The line of the crontab, with the paths and the mail of this desk in place of those of the documentation.
fn line(desk: &Desk) -> String {
    let doc =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/every-night.md")).expect("the documentation");
    let line = doc.lines().find(|line| line.starts_with("15 3 * * * ")).expect("a line for crontab");
    let mut line = line.splitn(6, ' ').last().expect("a command").to_owned();
    let here = |name: &str| desk.path(name).display().to_string();
    for (theirs, ours) in [
        ("/etc/refloat", here("")),
        ("mail -s \"refloat check\" ops@example.org", format!("cat >>{}", here("told"))),
        ("/var/lib/prometheus/node-exporter/refloat.prom", here("refloat.prom")),
        ("/var/tmp/refloat-check.log", here("log")),
    ] {
        assert_eq!(line.matches(theirs).count(), 1, "{theirs} in {line}");
        line = line.replace(theirs, &ours);
    }
    line
}

/// As cron would: a shell, a small environment.
fn night(desk: &Desk) -> Output {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_refloat")).parent().expect("a folder").display().to_string();
    let mut shell = Command::new("sh");
    shell.args(["-c", &line(desk)]).env_clear().env("PATH", format!("{program}:/usr/bin:/bin"));
    shell
        .env("HOME", desk.path(""))
        .env("REFLOAT_STATE", desk.path("state"))
        .env("XDG_RUNTIME_DIR", desk.path("control"));
    shell.output().expect("a shell")
}

fn told(desk: &Desk) -> Vec<Value> {
    let text = fs::read_to_string(desk.path("told")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn the_line_of_the_documentation_tells_of_each_change_once() {
    let desk = Desk::with(STEPS);
    fs::create_dir(desk.path("runbooks")).expect("a folder");
    fs::rename(desk.path("book.yaml"), desk.path("runbooks/book.yaml")).expect("a file");
    let log = || fs::read_to_string(desk.path("log")).expect("a log");
    desk.touch("flag");
    assert_eq!(night(&desk).status.code(), Some(0), "{}", log());
    assert_eq!(told(&desk).len(), 0, "all was well and is: {}", log());

    // what breaks in the night is told once
    fs::remove_file(desk.path("out/flag")).expect("a file");
    assert_eq!(night(&desk).status.code(), Some(1), "{}", log());
    assert!(log().contains("became blocked: flag, a: no \"flag\" <here>"), "{}", log());
    assert_eq!(night(&desk).status.code(), Some(1), "{}", log());
    assert!(log().contains("nothing has changed"), "{}", log());
    let all = told(&desk);
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!(
        (&all[0]["ready"], &all[0]["blocked"][0]["step"]),
        (&Value::from(false), &Value::from("flag")),
        "{all:#?}"
    );
    let metrics = fs::read_to_string(desk.path("refloat.prom")).expect("metrics");
    assert!(metrics.contains("refloat_check_ready{runbook=\"test/talk\"} 0\n"), "{metrics}");
    let blocked =
        "refloat_check_blocked{runbook=\"test/talk\",step=\"flag\",host=\"a\",reason=\"no \\\"flag\\\" <here>";
    assert!(metrics.contains(blocked), "{metrics}");
    assert!(metrics.contains("refloat_check_symptom{runbook=\"test/talk\",symptom=\"absent\"} 1\n"), "{metrics}");
    let mode = fs::metadata(desk.path("refloat.prom")).expect("metrics").permissions().mode();
    assert_eq!(mode & 0o777, 0o644);

    // and so is what recovers, and an outage
    desk.touch("flag");
    desk.touch("broken");
    assert_eq!(night(&desk).status.code(), Some(0), "{}", log());
    assert_eq!(night(&desk).status.code(), Some(0), "{}", log());
    let all = told(&desk);
    assert_eq!(all.len(), 2, "{all:#?}");
    let last = &all[1];
    assert_eq!(
        (&last["recovered"][0]["step"], &last["symptom"]),
        (&Value::from("flag"), &Value::from("present")),
        "{last:#}"
    );
    assert_eq!(last["symptom_was"], "absent");
}

#[test]
fn a_text_that_breaks_is_told_once_and_so_is_another_reason() {
    let desk = Desk::with(STEPS);
    let notify = format!("cat >>{}", desk.path("told").display());
    let args = ["check", "-i", "inventory.yaml", "book.yaml", "--since-last", "--notify", &notify];
    let check = |code: i32, changes: usize| {
        let said = desk.refloat(&args);
        assert_eq!((said.code, told(&desk).len()), (Some(code), changes), "{said:?}");
    };
    desk.touch("flag");
    check(0, 0);
    let text = fs::read_to_string(desk.path("book.yaml")).expect("a file");
    fs::write(desk.path("book.yaml"), format!("{text}oops: [\n")).expect("a file");
    check(3, 1);
    check(3, 1);
    fs::write(desk.path("book.yaml"), &text).expect("a file");
    check(0, 2);
    check(0, 2);
    let all = told(&desk);
    assert_eq!((&all[0]["ready"], &all[1]["ready"]), (&Value::from(false), &Value::from(true)), "{all:#?}");

    // at the same step something else stands in the way
    let other = text.replace("/flag, message: 'no \"flag\" <here>'", "/second");
    assert_ne!(other, text);
    fs::remove_file(desk.path("out/flag")).expect("a file");
    fs::write(desk.path("book.yaml"), &text).expect("a file");
    check(1, 3);
    fs::write(desk.path("book.yaml"), &other).expect("a file");
    check(1, 4);
    check(1, 4);
    let last = told(&desk).pop().expect("a change");
    let of = |what: &str| last[what].as_array().map_or(0, Vec::len);
    assert_eq!((of("blocked"), of("recovered")), (1, 1), "{last:#}");
}

#[test]
fn each_series_of_the_metrics_is_there_once() {
    let desk = Desk::with(
        "
  - id: flag
    hosts: a
    require:
      - { path: OUT/one, message: \"the same\\nbut for this\" }
      - { path: OUT/two, message: \"the same\\nbut for this\" }
",
    );
    fs::copy(desk.path("book.yaml"), desk.path("again.yaml")).expect("a file");
    let said = desk.refloat(&["check", "-i", "inventory.yaml", "book.yaml", "again.yaml", "--textfile", "x.prom"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let metrics = fs::read_to_string(desk.path("x.prom")).expect("metrics");
    let series: Vec<&str> = metrics.lines().filter(|line| !line.starts_with('#')).collect();
    let names: std::collections::BTreeSet<&str> =
        series.iter().map(|line| line.rsplit_once(' ').expect("a value").0).collect();
    assert_eq!(series.len(), names.len(), "{metrics}");
    assert!(metrics.contains("refloat_check_ready{runbook=\"test/talk (again.yaml)\"} 0"), "{metrics}");
}

#[test]
fn other_params_and_other_runbooks_are_not_compared() {
    let desk = Desk::with("\n  - { id: flag, hosts: a, require: { path: 'OUT/{{params.name}}' } }\n");
    let text = fs::read_to_string(desk.path("book.yaml")).expect("a file");
    fs::write(desk.path("book.yaml"), text.replace("steps:", "params: { name: { type: string } }\nsteps:"))
        .expect("a file");
    desk.touch("there");
    let since = |name: &str| {
        let (_, document) = checked(&desk, &["book.yaml", "-p", &format!("name={name}"), "--since-last"]);
        let since = document["checks"][0]["since_last"].clone();
        (since["since"].is_null(), since["blocked"].as_array().map_or(0, Vec::len))
    };
    assert_eq!(since("there"), (true, 0));
    assert_eq!(since("gone"), (true, 1));
    assert_eq!(since("there"), (false, 0));
    assert_eq!(since("gone"), (false, 0));
    let text = fs::read_to_string(desk.path("book.yaml")).expect("a file");
    fs::write(desk.path("book.yaml"), text.replace("test/talk", "test/other")).expect("a file");
    assert_eq!(since("gone"), (true, 1));
}

#[test]
fn a_webhook_is_signed_and_one_that_fails_harms_nothing() {
    let desk = Desk::with(STEPS);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a request");
        let mut request = Vec::new();
        let mut byte = [0; 1];
        while !request.ends_with(b"}\n") && stream.read(&mut byte).is_ok_and(|n| n > 0) {
            request.push(byte[0]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").expect("an answer");
        String::from_utf8(request).expect("text")
    });
    let args = ["check", "-i", "inventory.yaml", "book.yaml", "--webhook", &url];
    let unsigned = desk.refloat(&args);
    assert_eq!(unsigned.code, Some(2), "{unsigned:?}");
    assert!(unsigned.err.contains("REFLOAT_WEBHOOK_SECRET"), "{unsigned:?}");
    let signed =
        |desk: &Desk| desk.command(&args).env("REFLOAT_WEBHOOK_SECRET", "between us").output().expect("the program");
    assert_eq!(signed(&desk).status.code(), Some(1));
    let request = server.join().expect("a server");
    let (head, body) = request.split_once("\r\n\r\n").expect("a body");
    assert!(head.starts_with("POST /hook HTTP/1.1"), "{head}");
    // the same by another program than ours
    let mut openssl = Command::new("openssl");
    openssl.args(["dgst", "-sha256", "-hmac", "between us", "-r"]).stdin(std::process::Stdio::piped());
    let mut openssl = openssl.stdout(std::process::Stdio::piped()).spawn().expect("openssl");
    openssl.stdin.take().expect("its input").write_all(body.as_bytes()).expect("it reads");
    let said = String::from_utf8(openssl.wait_with_output().expect("its end").stdout).expect("text");
    let wanted = format!("x-refloat-signature: sha256={}", said.split(' ').next().expect("a digest"));
    assert!(head.to_lowercase().contains(&wanted), "{head}\n{wanted}");
    // nobody listens any more, and there is something to tell
    desk.touch("flag");
    let gone = signed(&desk);
    assert_eq!(gone.status.code(), Some(0), "{gone:?}");
    let said = String::from_utf8_lossy(&gone.stderr).into_owned();
    assert!(said.contains("--webhook: nobody was told of the change") && said.contains("refused"), "{said}");
    let failing =
        desk.refloat(&["check", "-i", "inventory.yaml", "book.yaml", "--notify", "echo no mail here >&2; exit 3"]);
    assert_eq!((failing.code, failing.err.as_str()), (Some(0), ""), "nothing has changed: {failing:?}");
    fs::remove_file(desk.path("out/flag")).expect("a file");
    let failing =
        desk.refloat(&["check", "-i", "inventory.yaml", "book.yaml", "--notify", "echo no mail here >&2; exit 3"]);
    assert_eq!(failing.code, Some(1), "{failing:?}");
    assert!(failing.err.contains("no mail here"), "{failing:?}");
}

#[test]
fn junit_has_a_case_for_each_step_and_host_and_a_broken_text_is_one_too() {
    let desk = Desk::with(STEPS);
    fs::write(desk.path("wrong.yaml"), "runbook: test/wrong\nrisk: reversible\nsteps: 1\n").expect("a file");
    let said = desk.refloat(&[
        "check",
        "-i",
        "inventory.yaml",
        "book.yaml",
        "wrong.yaml",
        "--junit",
        "out.xml",
        "--textfile",
        "out.prom",
    ]);
    assert_eq!(said.code, Some(3), "{said:?}");
    let xml = fs::read_to_string(desk.path("out.xml")).expect("JUnit");
    // another program's parser
    let parse = "import sys, xml.etree.ElementTree as e\nfor s in e.parse(sys.argv[1]).getroot():\n  print(s.get('name'), s.get('tests'), s.get('failures'))\n  for c in s:\n    print(' ', c.get('name'), [(x.tag, x.get('message')) for x in c])";
    let python = Command::new("python3").args(["-c", parse]).arg(desk.path("out.xml")).output().expect("python3");
    let read = String::from_utf8_lossy(&python.stdout).into_owned();
    assert!(python.status.success(), "{xml}\n{}", String::from_utf8_lossy(&python.stderr));
    assert!(read.contains("test/talk 2 1\n  outage on a []\n  flag on a [('failure', 'no \"flag\" <here> ("), "{read}");
    assert!(read.contains("wrong.yaml 1 1\n  text [('error', "), "{read}");
    let metrics = fs::read_to_string(desk.path("out.prom")).expect("metrics");
    assert!(metrics.contains("refloat_check_ready{runbook=\"wrong.yaml\"} 0\n"), "{metrics}");
    let said = desk.refloat(&["check", "-i", "inventory.yaml", "book.yaml", "--textfile", "no/such/folder/x.prom"]);
    assert_eq!(said.code, Some(6), "{said:?}");
    assert!(said.err.contains("cannot write no/such/folder/x.prom"), "{said:?}");
}
