//! `http` as an action: what is sent, which answers are good, and what is said of a request without one.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use super::Bench;

/// A server that gives these answers in turn, an empty one being none at all, and tells what it was sent.
fn server(answers: &'static [&'static str]) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a request");
            let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
            let (mut head, mut length) = (String::new(), 0);
            while !head.ends_with("\r\n\r\n") {
                let from = head.len();
                assert!(reader.read_line(&mut head).expect("a line") > 0, "{head}");
                if let Some(value) = head[from..].to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a length");
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            sender.send(head + &String::from_utf8_lossy(&body)).expect("the test listens");
            if !answer.is_empty() {
                write!(stream, "HTTP/1.1 {answer}").expect("it is sent");
            }
        }
    });
    (port, requests)
}

const NO_CONTENT: &str = "204 No Content\r\n\r\n";
const JSON: &str = "200 OK\r\ncontent-length: 12\r\nx-index: 7\r\n\r\n{\"ok\": true}";

#[test]
fn a_request_is_sent_once_and_its_answer_is_read() {
    let (port, requests) = server(&[JSON, JSON, NO_CONTENT]);
    let steps = format!(
        "  - id: put\n    hosts: controller\n    http: {{ url: 'http://127.0.0.1:{port}/v1/kv/a?cas=0', method: PUT, headers: {{ x-token: abc }}, json: {{ node: '{{{{host.name}}}}', n: [ 1 ] }} }}\n    parse: json\n    outputs: {{ index: get result.headers \"x-index\" }}\n  - id: get\n    hosts: controller\n    http: {{ url: 'http://127.0.0.1:{port}/' }}\n    parse: json\n  - id: gone\n    hosts: controller\n    http: {{ url: 'http://127.0.0.1:{port}/x', method: DELETE, ok_status: [ 204, 404 ] }}\n  - {{ id: told, note: '{{{{outputs.put.status}}}} {{{{outputs.put.index}}}} {{{{outputs.get.value.ok}}}} {{{{outputs.gone.status}}}}' }}\n"
    );
    let bench = Bench::new();
    assert!(bench.plan(&steps).contains(&format!("PUT http://127.0.0.1:{port}/v1/kv/a?cas=0 (")));
    let ran = bench.run(&steps);
    ran.well(&["changed", "ok", "changed", "ok"]);
    assert_eq!(ran.notes(), ["200 7 true 204"]);
    let put = requests.recv().expect("a request");
    assert!(put.starts_with("PUT /v1/kv/a?cas=0 HTTP/1.1\r\n"), "{put}");
    assert!(put.contains("x-token: abc\r\n") && put.contains("content-type: application/json\r\n"), "{put}");
    let (_, body) = put.split_once("\r\n\r\n").expect("a body");
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(body, serde_json::json!({ "node": "controller", "n": [1] }));
    assert!(requests.recv().expect("a request").starts_with("GET / "));
    assert!(requests.recv().expect("a request").starts_with("DELETE /x "));
}

#[test]
fn a_request_without_an_answer_is_unknown_and_one_that_never_left_failed() {
    let (port, requests) = server(&["503 No\r\ncontent-length: 4\r\n\r\nbusy", "", ""]);
    let post = |port: u16| {
        format!(
            "  - id: post\n    hosts: controller\n    http: {{ url: 'http://127.0.0.1:{port}/', method: POST, body: x }}\n"
        )
    };
    let bench = Bench::new();
    bench.run(&post(port)).failed("503 busy");
    let ran = bench.run(&post(port));
    assert_eq!(ran.code, Some(5), "{}", ran.shown);
    assert!(ran.events("unit_ended").any(|event| event["outcome"] == "unknown"), "{}", ran.shown);
    // reading can be done again, so it only failed
    bench
        .run(&format!("  - {{ id: get, hosts: controller, http: {{ url: 'http://127.0.0.1:{port}/' }} }}\n"))
        .failed("127.0.0.1");
    assert_eq!(requests.iter().count(), 3);
    // the server is gone
    bench.run(&post(port)).failed("connection refused");
}
