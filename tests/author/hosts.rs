//! `refloat hosts`: the inventory as resolved, and who answers.

use std::net::TcpListener;

use super::desk::Desk;

const MANY: &str = "\
inventory: many
connect: { via: ssh, user: ops, port: 2222 }
hosts:
  web-[1:2]: { address: \"10.0.0.{{n}}\" }
  here: { address: 127.0.0.1, connect: { via: local } }
groups: { web: { hosts: [ \"web-*\" ] } }
";

#[test]
fn hosts_are_shown_as_they_are_resolved_and_nobody_is_asked() {
    let desk = Desk::new("");
    desk.write("many.yaml", MANY);
    let shown = desk.ends(0, "hosts -i many.yaml").out;
    let rows: Vec<Vec<&str>> =
        shown.lines().map(|line| line.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect()).collect();
    assert_eq!(rows[0], ["host", "address", "groups", "user", "via", "from"], "{shown}");
    assert_eq!(rows[1], ["web-1", "10.0.0.1", "web", "ops", "ssh, port 2222", "many.yaml:4"], "{shown}");
    assert_eq!(rows[3][..2], ["here", "127.0.0.1"], "{shown}");
    assert_eq!(rows[3][4..], ["here", "many.yaml:5"], "{shown}");
    let some = desk.ends(0, "hosts web:!web-1 -i many.yaml --output json").out;
    let json: serde_json::Value = serde_json::from_str(&some).expect("JSON");
    assert_eq!(json.as_array().map(Vec::len), Some(1));
    assert_eq!((&json[0]["host"], &json[0]["port"]), (&"web-2".into(), &2222.into()));
    assert!(json[0].get("answers").is_none());
    assert!(desk.ends(3, "hosts webb -i many.yaml").err.contains("did you mean"));
    desk.ends(2, "hosts");
}

#[test]
fn ping_says_who_answers_and_why_others_do_not() {
    let desk = Desk::new("");
    // nobody listens there any more
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    desk.write(
        "two.yaml",
        &format!(
            "inventory: two\nhosts:\n  here: {{ connect: {{ via: local }} }}\n  gone: {{ address: 127.0.0.1, connect: {{ port: {port} }} }}\n"
        ),
    );
    let all = desk.ends(6, "hosts -i two.yaml --ping").out;
    let line = |name: &str| all.lines().find(|line| line.starts_with(name)).expect("a line").to_owned();
    assert!(line("here").contains("yes, as "), "{all}");
    assert!(line("gone").contains("no: ") && line("gone").contains("refused"), "{all}");
    let one = desk.ends(0, "hosts here -i two.yaml --ping --output json").out;
    let json: serde_json::Value = serde_json::from_str(&one).expect("JSON");
    assert_eq!(json[0]["answers"], true);
    assert!(!desk.path().join("state").exists(), "it is no run");
}
