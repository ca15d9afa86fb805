//! The same actions on the far side of a real sshd.

use std::fs;
use std::io::{Read as _, Write as _};

use super::Bench;
use crate::support::sshd::{Sshd, available};
use crate::support::tier;

#[test]
fn every_action_works_on_a_host_behind_ssh() {
    if !tier("sshd", available()) {
        return;
    }
    let sshd = Sshd::start("");
    let bench = Bench::new();
    let inventory = format!(
        "inventory: ssh\nhosts: {{ far: {{ address: 127.0.0.1, port: {}, connect: {{ ssh_config: '{}' }} }} }}\n",
        sshd.port,
        sshd.path("ssh_config").display()
    );
    fs::write(bench.beside("inventory.yaml"), inventory).expect("a file");
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
