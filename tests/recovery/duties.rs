//! Duties: what a host that is out of reach is owed, carried out when it is back, or closed by a person.

use refloat::lab::Spec;
use serde_json::Value;

use super::desk::{Desk, Said, api, eventually, fault, project};
use crate::support::lab::{TestLab, consul, namespaces};

const OWED: &str = r#"
runbook: test/owed
risk: reversible
vars: { place: { type: path, default: /var/tmp } }
steps:
  - id: mark
    hosts: nodes
    reach: later
    steps:
      - id: first
        run: echo {{run.id}} >>{{vars.place}}/first
      - id: second
        run: test -e {{vars.place}}/allowed && echo {{run.id}} >>{{vars.place}}/second
        verify: { path: "{{vars.place}}/second" }
  - id: after
    hosts: nodes[0]
    run: echo after
"#;

/// The open duties of all runs, as `host/step`.
fn owed(desk: &Desk<'_>) -> Vec<String> {
    let list = desk.refloat(&["runs", "--duties", "--output", "json"]);
    assert_eq!(list.code, Some(0), "{list:?}");
    let runs: Value = serde_json::from_str(&list.out).expect("JSON");
    let duties = runs.as_array().unwrap().iter().flat_map(|run| run["duties"].as_array().unwrap());
    duties.map(|duty| format!("{}/{}", duty["host"].as_str().unwrap(), duty["step"].as_str().unwrap())).collect()
}

/// The duties of a run and where they are.
fn states(desk: &Desk<'_>, run: &str) -> Vec<(String, String, String)> {
    let report = desk.refloat(&["report", run, "--format", "json"]);
    let report: Value = serde_json::from_str(&report.out).expect("JSON");
    let text = |duty: &Value, name: &str| duty[name].as_str().unwrap().to_owned();
    let duties = report["duties"].as_array().unwrap().iter();
    duties.map(|duty| (text(duty, "step"), text(duty, "host"), text(duty, "state"))).collect()
}

fn is(said: &Said, code: i32, text: &str) {
    assert_eq!(said.code, Some(code), "{said:?}");
    assert!(said.out.contains(text) || said.err.contains(text), "{text:?} is not in {said:?}");
}

#[test]
fn what_is_owed_to_a_host_is_done_once_when_it_is_back_or_closed_by_a_person() {
    if !namespaces() {
        return;
    }
    let lab = TestLab::up(Spec::numbered("node", 3, "nodes"));
    let desk = Desk::at(&lab);
    let (runbook, inventory) = (desk.write("owed.yaml", OWED), desk.inventory());
    is(&desk.refloat(&["duty"]), 6, "there is no journal in");
    for host in ["node-1", "node-2"] {
        lab.say(host, "touch /var/tmp/allowed");
    }
    fault(&lab, "power-off node-3");
    let ran = desk.run(&[&runbook, "-i", &inventory]);
    assert_eq!(ran.said.code, Some(0), "{:?}", ran.said);
    let run = ran.report["run"].as_str().unwrap();
    assert!(ran.said.out.contains(&format!("when node-3 is back: refloat duty {run}")), "{}", ran.said.out);

    // the group as a whole is one duty, and its steps are listed nowhere else
    assert_eq!(states(&desk, run), [("mark".to_owned(), "node-3".to_owned(), "open".to_owned())]);
    let named = |section: &str| -> Vec<String> {
        let rows = ran.report[section].as_array().unwrap().iter();
        rows.map(|row| format!("{} {}", row["step"].as_str().unwrap(), row["host"].as_str().unwrap())).collect()
    };
    let done = ["mark/first node-1", "mark/first node-2", "mark/second node-1", "mark/second node-2", "after node-1"];
    assert_eq!(named("done"), done);
    for section in ["skipped", "not_started", "failed", "may_have_run"] {
        assert_eq!(named(section), Vec::<String>::new(), "{section}");
    }
    for form in ["text", "markdown"] {
        let report = desk.refloat(&["report", run, "--format", form]);
        assert!(report.out.contains("duties") && report.out.contains("open"), "{report:?}");
    }
    assert_eq!(owed(&desk), ["node-3/mark"]);
    is(&desk.refloat(&["duty"]), 0, "node-3/mark");

    // still away
    let away = desk.refloat(&["duty", run]);
    is(&away, 6, "node-3/mark: still open, the host cannot be reached");
    assert_eq!(owed(&desk), ["node-3/mark"]);
    // what is no duty is named
    is(&desk.refloat(&["duty", run, "node-1"]), 2, "`node-1` is no open duty of this run; open are: node-3/mark");
    is(&desk.refloat(&["duty", run, "node-3", "--close"]), 2, "--reason");
    is(&desk.refloat(&["duty", run, "--close", "--reason", "x"]), 2, "DUTY");

    // back, and the second step fails there: the duty stays open
    fault(&lab, "power-on node-3");
    let failed = desk.refloat(&["duty", run]);
    is(&failed, 1, "node-3/mark: still open, failed: mark/second: node-3: exit 1");
    assert_eq!(states(&desk, run)[0].2, "open");
    assert_eq!(lab.say("node-3", "cat /var/tmp/first"), run);

    // mended: the first step is not done again
    lab.say("node-3", "touch /var/tmp/allowed");
    is(&desk.refloat(&["duty", run]), 0, "node-3/mark: done");
    assert_eq!(lab.say("node-3", "cat /var/tmp/first /var/tmp/second"), format!("{run}\n{run}"));
    assert_eq!(states(&desk, run)[0].2, "done");
    is(&desk.refloat(&["duty", run]), 0, "owes nothing");
    let verified = desk.refloat(&["report", run, "--verify"]);
    is(&verified, 0, "the chain is whole");
    let report: Value = serde_json::from_str(&desk.refloat(&["report", run, "--format", "json"]).out).expect("JSON");
    assert_eq!((&report["verdict"], &report["exit"]), (&"recovered".into(), &0.into()));
    for host in ["node-1", "node-2"] {
        assert_eq!(lab.say(host, "cat /var/tmp/first /var/tmp/second"), format!("{run}\n{run}"), "{host}");
    }
    desk.nothing_is_left(&["node-1", "node-2", "node-3"]);

    // a person closes one without touching the host
    fault(&lab, "power-off node-2");
    let ran = desk.run(&[&runbook, "-i", &inventory]);
    let second = ran.report["run"].as_str().unwrap();
    assert_eq!(owed(&desk), ["node-2/mark"]);
    is(&desk.refloat(&["duty", second, "node-2/mark", "--close", "--reason", "scrapped"]), 0, "closed: node-2/mark");
    assert_eq!(states(&desk, second)[0].2, "closed");
    let text = desk.refloat(&["report", second]);
    assert!(text.out.contains("scrapped"), "{text:?}");
    assert_eq!(owed(&desk), Vec::<String>::new());
}

#[test]
fn a_dead_consul_server_is_fenced_when_it_comes_back() {
    if !consul() {
        return;
    }
    let lab = TestLab::up(Spec::consul(3));
    let desk = Desk::at(&lab);
    lab.say("consul-1", "consul kv put demo/old 'from before'");
    for dead in ["consul-2", "consul-3"] {
        fault(&lab, &format!("power-off {dead}"));
    }
    eventually("nobody leads", || api(&lab, "consul-1", "/v1/status/leader") == "");
    let (runbook, inventory) = (project("runbooks/consul/quorum-loss.yaml"), desk.inventory());
    let subject = [&runbook, "-i", &inventory, "-p", "lost=consul-[2:3]", "-p", "canary_key=demo/old"];
    let confirm = format!("dc1@{}", &desk.plan(&subject)[..12]);
    let ran = desk.run(&[&subject[..], &["--confirm", &confirm]].concat());
    assert_eq!(ran.said.code, Some(0), "{}\n{}", ran.said.out, ran.said.err);
    let run = ran.report["run"].as_str().unwrap();
    assert_eq!(owed(&desk), ["consul-2/fence", "consul-3/fence"]);

    // one comes back, with its old data and its service, and is fenced before it has found the one that recovered
    fault(&lab, "cut-link consul-1");
    fault(&lab, "power-on consul-3");
    eventually("it runs again", || lab.try_say("consul-3", "pgrep -x consul").0 == Some(0));
    let half = desk.refloat(&["duty", run]);
    is(&half, 6, "consul-2/fence: still open, the host cannot be reached");
    is(&half, 6, "consul-3/fence: done");
    assert_eq!(owed(&desk), ["consul-2/fence"]);
    let fenced = lab.say("consul-3", "sudo -n find /var/lib -maxdepth 1 -name 'consul*'; ls /etc/service/consul/down");
    assert_eq!(fenced, format!("/var/lib/consul.fenced-{run}\n/etc/service/consul/down"));
    assert_eq!(lab.try_say("consul-3", "pgrep -x consul").0, Some(1));
    fault(&lab, "mend-link consul-1");

    // the other one has found it, and by now half of all votes are its own: stopped as it is, nobody could lead
    fault(&lab, "power-on consul-2");
    eventually("it votes", || voters(&lab).len() == 2);
    is(&desk.refloat(&["duty", run]), 0, "consul-2/fence: done");
    assert_eq!(owed(&desk), Vec::<String>::new());
    assert_eq!(voters(&lab), ["10.66.0.11:8300"]);
    assert_eq!(
        lab.say("consul-1", "consul kv put demo/new x && consul kv get demo/old"),
        "Success! Data written to: demo/new\nfrom before"
    );
    desk.nothing_is_left(&["consul-1", "consul-2", "consul-3"]);
}

/// Who votes, as the one that recovered has it.
fn voters(lab: &TestLab) -> Vec<String> {
    let raft = api(lab, "consul-1", "/v1/operator/raft/configuration");
    let servers = raft["Servers"].as_array().into_iter().flatten();
    servers
        .filter(|server| server["Voter"] == true)
        .filter_map(|server| server["Address"].as_str())
        .map(str::to_owned)
        .collect()
}

const PART: &str = r"
runbook: part/mark
risk: reversible
targets: { hosts: nodes }
steps:
  - id: put
    hosts: hosts
    run: echo {{run.id}} >>/var/tmp/part
    undo: none
    why: it only marks
";

const AROUND: &str = r"
runbook: test/around
risk: reversible
steps:
  - id: all
    hosts: nodes
    reach: later
    verify: { path: /var/tmp/part }
    steps:
      - id: in
        hosts: nodes
        use: { runbook: part/mark }
";

/// What is owed as a whole is no failure of the part inside, and is the part when it is carried out.
#[test]
fn a_part_in_what_is_owed_is_owed_with_it() {
    if !namespaces() {
        return;
    }
    let lab = TestLab::up(Spec::numbered("node", 2, "nodes"));
    let desk = Desk::at(&lab);
    std::fs::create_dir_all(desk.path("runbooks/part")).expect("a folder");
    desk.write("runbooks/part/mark.yaml", PART);
    let around = desk.write("around.yaml", AROUND);
    fault(&lab, "power-off node-2");
    let ran = desk.run(&[&around, "-i", &desk.inventory()]);
    assert_eq!(ran.said.code, Some(0), "{:?}", ran.said);
    let run = ran.report["run"].as_str().unwrap();
    assert_eq!(lab.say("node-1", "cat /var/tmp/part"), run);
    assert_eq!(states(&desk, run), [("all".to_owned(), "node-2".to_owned(), "open".to_owned())]);
    fault(&lab, "power-on node-2");
    is(&desk.refloat(&["duty", run]), 0, "node-2/all: done");
    assert_eq!(lab.say("node-2", "cat /var/tmp/part"), run);
    assert_eq!(lab.say("node-1", "cat /var/tmp/part"), run, "not a second time");
    is(&desk.refloat(&["duty", run]), 0, "owes nothing");
}
