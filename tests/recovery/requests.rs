//! A value in a request of the `http` probe is one segment, one argument, one header, and never more.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;

use refloat::lab::Spec;

use super::desk::Desk;
use super::hostile::HOSTILE;
use crate::support::lab::{TestLab, namespaces};

/// Takes one request after the other, and tells their heads, each with the body behind it.
fn server() -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (heads, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n > 0) {
                head.push(byte[0]);
            }
            if head.is_empty() {
                // what cannot be sent is noticed when the connection stands already
                continue;
            }
            let lengths = String::from_utf8_lossy(&head).to_ascii_lowercase();
            let length = lengths.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            stream.read_exact(&mut body).unwrap();
            head.extend(body);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            if heads.send(String::from_utf8(head).unwrap()).is_err() {
                return;
            }
        }
    });
    (port, told)
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let hex = [rest.next().unwrap(), rest.next().unwrap()];
            u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()
        } else {
            byte
        });
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_value_in_a_request_is_one_segment_one_argument_one_header() {
    if !namespaces() {
        return;
    }
    let lab = TestLab::up(Spec::numbered("node", 1, "nodes"));
    let desk = Desk::at(&lab).outside();
    let inventory = desk.write("here.yaml", "inventory: here\nhosts:\n  here: { connect: { via: local } }\n");
    let (port, heads) = server();
    let head = "risk: read-only\nparams: { v: { type: string } }\nsteps:\n  - id: ask\n    hosts: here\n";
    let url = format!(
        "runbook: test/url\n{head}    gather: {{ a: {{ http: 'http://127.0.0.1:{port}/a/{{{{params.v}}}}/b?c={{{{params.v}}}}&d=1' }} }}\n"
    );
    let header = format!(
        "runbook: test/header\n{head}    gather: {{ a: {{ http: {{ url: 'http://127.0.0.1:{port}/', headers: {{ X-V: 'a{{{{params.v}}}}b' }} }} }} }}\n"
    );
    let post = |name: &str, rest: &str| {
        let head = head.replace("read-only", "reversible");
        let text = format!(
            "runbook: test/{name}\n{head}    http: {{ url: 'http://127.0.0.1:{port}/', method: POST, {rest} }}\n"
        );
        desk.write(&format!("{name}.yaml"), &text)
    };
    let sent = post("sent", "headers: { X-V: 'a{{params.v}}b' }");
    let body = post("body", "body: 'a{{params.v}}b'");
    let json = post("json", "json: { v: 'a{{params.v}}b' }");
    let (url, header) = (desk.write("url.yaml", &url), desk.write("header.yaml", &header));
    for value in HOSTILE {
        let param = format!("v={value}");
        let ran = desk.run(&[&url, "-i", &inventory, "-p", &param]);
        assert_eq!(ran.said.code, Some(0), "{:#}", ran.closed());
        let head = heads.recv_timeout(std::time::Duration::from_secs(30)).unwrap();
        let path = head.lines().next().unwrap().split(' ').nth(1).unwrap();
        let (path, query) = path.split_once('?').unwrap();
        let segments: Vec<&str> = path.split('/').collect();
        assert_eq!((segments.len(), decoded(segments[2])), (4, value.to_owned()), "{head}");
        let arguments: Vec<&str> = query.split('&').collect();
        assert_eq!((arguments.len(), decoded(arguments[0])), (2, format!("c={value}")), "{head}");

        for header in [&header, &sent] {
            let ran = desk.run(&[header, "-i", &inventory, "-p", &param]);
            if ran.said.code == Some(0) {
                let head = heads.recv_timeout(std::time::Duration::from_secs(30)).unwrap();
                assert!(head.lines().any(|line| line.eq_ignore_ascii_case(&format!("x-v: a{value}b"))), "{head}");
            } else {
                ran.ended(4, "ask", "");
                assert!(value.contains(['\n', '\u{1b}']), "{value:?}: {:#}", ran.closed());
            }
        }
        for (runbook, quoted) in [(&body, false), (&json, true)] {
            let ran = desk.run(&[runbook, "-i", &inventory, "-p", &param]);
            assert_eq!(ran.said.code, Some(0), "{:#}", ran.closed());
            let told = heads.recv_timeout(std::time::Duration::from_secs(30)).unwrap();
            let (_, found) = told.split_once("\r\n\r\n").unwrap();
            let whole = format!("a{value}b");
            if quoted {
                let found: serde_json::Value = serde_json::from_str(found).unwrap();
                assert_eq!(found, serde_json::json!({ "v": whole }));
            } else {
                assert_eq!(found, whole);
            }
        }
    }
    assert!(heads.try_recv().is_err(), "more requests than values");
    null_is_left_out(&desk, port, &heads);
}

/// A header and a variable that are nothing but a value which nobody gave are not there at all; in a text it is an error.
fn null_is_left_out(desk: &Desk<'_>, port: u16, heads: &mpsc::Receiver<String>) {
    let ask = |name: &str, header: &str| {
        let text = format!(
            "runbook: test/{name}\nrisk: read-only\nparams: {{ token: {{ type: secret, env: OPTIONAL_TOKEN, optional: true }} }}\n\
             vars: {{ ca: {{ type: path, optional: true }} }}\ndefaults: {{ env: {{ CA: '{{{{vars.ca}}}}', TOKEN: '{{{{params.token}}}}' }} }}\n\
             steps:\n  - id: ask\n    hosts: here\n    gather:\n      set: {{ command: 'echo ${{CA+ca}} ${{TOKEN+token}}' }}\n\
             \x20     a: {{ http: {{ url: 'http://127.0.0.1:{port}/', ca: '{{{{vars.ca}}}}', headers: {{ X-Token: '{header}' }} }} }}\n\
             outputs: {{ set: outputs.ask.set }}\n"
        );
        desk.write(&format!("{name}.yaml"), &text)
    };
    let inventory = desk.path("here.yaml").display().to_string();
    let (whole, part) = (ask("whole", "{{params.token}}"), ask("part", "Bearer {{params.token}}"));
    for (value, set, header) in
        [(None, "", None), (Some(""), "", None), (Some("geheim"), "token", Some("x-token: geheim"))]
    {
        let token: Vec<(&str, &str)> = value.map(|value| ("OPTIONAL_TOKEN", value)).into_iter().collect();
        let words = [&*whole, "-i", &inventory];
        let ran = desk.ran(desk.refloat_with(&token, &[&["run"], &words[..]].concat()));
        assert_eq!(ran.said.code, Some(0), "{:#}", ran.closed());
        assert_eq!(ran.closed()["outputs"]["set"].as_str().map(str::trim), Some(set));
        let head = heads.recv_timeout(std::time::Duration::from_secs(30)).unwrap();
        assert_eq!(head.lines().find(|line| line.starts_with("x-token")), header, "{head}");
    }
    desk.run(&[&part, "-i", &inventory]).ended(4, "ask", "null");
}
