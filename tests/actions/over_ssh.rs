//! The same actions on the far side of a real sshd.

use std::fs;
use std::io::{Read as _, Write as _};

use super::Bench;
use crate::support::sshd::{Sshd, available};
use crate::support::tier;

pub fn inventory(sshd: &Sshd) -> String {
    format!(
        "inventory: ssh\nhosts: {{ far: {{ address: 127.0.0.1, port: {}, connect: {{ ssh_config: '{}' }} }} }}\n",
        sshd.port,
        sshd.path("ssh_config").display()
    )
}

#[test]
fn every_action_works_on_a_host_behind_ssh() {
    if !tier("sshd", available()) {
        return;
    }
    let sshd = Sshd::start("");
    let bench = Bench::new();
    fs::write(bench.beside("inventory.yaml"), inventory(&sshd)).expect("a file");
    let bytes: Vec<u8> = (0..=255_u8).cycle().take(20_000).collect();
    fs::write(bench.beside("blob"), &bytes).expect("a file");
    fs::write(bench.beside("say.sh"), "#!/bin/bash\necho \"$1\" >\"$2\"\n").expect("a file");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a request");
        let mut head = [0; 15];
        stream.read_exact(&mut head).expect("a request");
        stream.write_all(b"HTTP/1.1 204 No\r\n\r\n").expect("an answer");
        head
    });
    let steps = format!(
        "  - id: all\n    hosts: far\n    steps:\n      - {{ id: d, directory: {{ path: OUT/r, mode: \"0700\" }} }}\n      - {{ id: f, file: {{ path: OUT/r/blob, upload: blob, owner: \"0\", mode: \"0600\" }} }}\n      - {{ id: y, file: {{ path: OUT/r/conf, yaml: {{ a: [ '{{{{host.name}}}}' ] }} }} }}\n      - {{ id: l, link: {{ path: OUT/now, to: r }} }}\n      - {{ id: s, run: {{ script: say.sh, args: [ \"a b\", OUT/r/said ] }} }}\n      - {{ id: h, http: {{ url: 'http://127.0.0.1:{port}/', method: POST, json: 1 }} }}\n"
    );
    let ran = bench.run(&steps);
    ran.well(&["changed", "changed", "changed", "changed", "changed", "changed", "ok"]);
    assert!(fs::read(bench.out("now/blob")).expect("a file") == bytes);
    assert_eq!(fs::read_to_string(bench.out("now/conf")).expect("a file"), "a:\n  - far\n");
    assert_eq!(fs::read_to_string(bench.out("now/said")).expect("a file"), "a b\n");
    assert_eq!(&server.join().expect("a server"), b"POST / HTTP/1.1");
}

#[test]
fn a_server_that_dies_in_the_middle_of_a_step_is_a_note_and_no_failure() {
    if !tier("sshd", available()) {
        return;
    }
    let mut sshd = Sshd::start("");
    let bench = Bench::new();
    fs::write(bench.beside("inventory.yaml"), inventory(&sshd)).expect("a file");
    let (runs, go) = (bench.out("runs"), bench.out("go"));
    let steps = "  - id: s\n    hosts: far\n    run: 'echo effect >>OUT/effects; touch OUT/runs; until [ -e OUT/go ]; do sleep 0.1; done; echo said'\n    outputs: { said: result.stdout }\n";
    let ran = std::thread::scope(|scope| {
        let run = scope.spawn(|| bench.run(steps));
        while !runs.exists() && !run.is_finished() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        sshd.kill();
        fs::write(go, "").expect("a file");
        sshd.again();
        run.join().expect("a run")
    });
    ran.well(&["changed"]);
    assert_eq!(fs::read_to_string(bench.out("effects")).expect("effects"), "effect\n");
    let notes = ran.notes();
    assert!(
        matches!(&notes[..], [lost, back] if lost.contains("far: the link is lost") && *back == "far: the link is back"),
        "{notes:?}"
    );
}
